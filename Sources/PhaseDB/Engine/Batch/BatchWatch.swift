internal import PhaseSQL
internal import PhaseSQLite

/// Follows every row that the SQL of a batch inserts, updates or deletes, also in triggers and conflict clauses. It
/// refuses a change of a row that is not archived.
final class BatchWatch {
  /// What SQL may do to rows that are not archived.
  struct Licence {
    /// Whether it may change rows of a table that were not copied.
    var mayUpdate: (_ table: FoldedName) -> Bool
    var mayDelete: (_ table: FoldedName) -> Bool
    /// Whether it may delete rows that the same batch inserted. The way back may not, where later it could not: it would meet
    /// them as rows of others.
    var mayDeleteOwn: (_ table: FoldedName) -> Bool = { _ in true }
    /// Whether such a change counts as a loss.
    var isLoss: (_ table: FoldedName) -> Bool = { _ in false }
    /// Whether the SQL is the way back that is being tried.
    var isWayBack = false
    /// Whether the phase is applied, so that its text comes from the ledger.
    var isWayDown = false
  }

  private let connection: Connection
  /// The name as the schema spells it: the hook reports that spelling.
  private let table: SchemaName
  /// Shadow tables of virtual tables, folded.
  private let shadows: Set<FoldedName>
  private let keys: [FoldedName: [Int]]
  private let seesEveryChange: Bool
  private var licence: Licence?
  /// The rowids of the batch; nil when its rows are in `remembered`.
  private var range: ClosedRange<Int64>?
  private var remembered: Set<RowIdentity> = []
  private var inserted: [FoldedName: Set<RowIdentity>] = [:]
  private var insertedBack: [FoldedName: Set<RowIdentity>] = [:]
  /// The first change of a row that is not archived.
  private var trespass: RowChange?
  /// How many rows of each table, folded, were changed or deleted with permission.
  private(set) var lost: [FoldedName: Int] = [:]

  /// - Parameter written: the tables that either direction writes.
  init(
    _ table: BatchTable, _ written: Set<FoldedName>, _ schema: Schema,
    seesEveryChange: Bool = Connection.tellsEveryChange, on connection: Connection
  ) throws(SQLiteError) {
    self.connection = connection
    self.seesEveryChange = seesEveryChange
    self.table = table.shape.name
    shadows = try ShadowTables.names(on: connection, schema)
    var keys: [FoldedName: [Int]] = [:]
    for name in written {
      guard let shape = try Table(SchemaName(name), on: connection), shape.isWithoutRowID else {
        continue
      }
      keys[name] = shape.columns.keyColumns.compactMap { shape.columns.firstIndex(of: $0) }
    }
    self.keys = keys
  }

  /// Begins another batch.
  ///
  /// - Parameters:
  ///   - range: its ends, when its key is the rowid.
  ///   - rows: its rows, otherwise.
  func begin(_ range: ClosedRange<Int64>?, _ rows: Set<RowIdentity>) {
    self.range = range
    remembered = rows
    (inserted, insertedBack, lost) = ([:], [:], [:])
  }

  /// Runs a script on a batch.
  ///
  /// - Throws: `archive-impossible` for a change of a row that is not archived.
  func run(
    _ script: Script, _ keys: ClosedKeys, _ licence: Licence
  ) throws(MigrationError) -> WriteSet {
    self.licence = licence
    trespass = nil
    let changes = RowChanges(
      table: self.keys[table.key] == nil ? table.spelled : "", keys: self.keys,
      observeMain: { [unowned self] operation, old, new in seen(operation, old, new) },
      observe: { [unowned self] change in seen(change) })
    connection.startTelling(changes, everyChange: seesEveryChange)
    defer { connection.stopTelling() }
    var objection: MigrationError?
    let (_, writes) = try GuardedScript(script, on: connection).run(binding: [
      Batching.first: keys.first, Batching.last: keys.last,
    ]) { effect in
      guard objection == nil, let trespass else { return }
      objection = error(of: trespass, by: effect, in: script)
    }
    if let objection { throw objection }
    return writes
  }

  /// How many rows the last batch inserted and its way back did not remove, by table.
  var stayed: [FoldedName: Int] { inserted.mapValues(\.count).filter { $0.value > 0 } }
  /// How many rows the way back inserted, by table.
  var stayedOfWayBack: [FoldedName: Int] { insertedBack.mapValues(\.count).filter { $0.value > 0 } }
}

// MARK: - What the hook tells

extension BatchWatch {
  private func seen(_ operation: RowOperation, _ old: Int64, _ new: Int64) {
    if operation == .update, old == new, range?.contains(old) == true { return }
    seen(
      RowChange(
        operation: operation, table: table.spelled, row: .rowID(operation == .insert ? new : old),
        isMoved: operation == .update && old != new))
  }

  private func seen(_ change: RowChange) {
    let name = change.table.folded
    guard !shadows.contains(name), !name.hasPrefix("sqlite_"), let licence else { return }
    switch change.operation {
    case .insert:
      if licence.isWayBack {
        insertedBack[name, default: []].insert(change.row)
      } else {
        inserted[name, default: []].insert(change.row)
      }
      return
    case .update:
      if !change.isMoved, isKnown(change.row, of: name) { return }
      guard !licence.mayUpdate(name) else { break }
      trespass = trespass ?? change
      return
    case .delete:
      let isOwn = inserted[name]?.remove(change.row) != nil || insertedBack[name]?.remove(change.row) != nil
      if isOwn, licence.mayDeleteOwn(name) { return }
      guard !licence.mayDelete(name) else { break }
      trespass = trespass ?? change
      return
    }
    if licence.isLoss(name) { lost[name, default: 0] += 1 }
  }

  /// Whether a row belongs to the batch, or was inserted by it.
  private func isKnown(_ row: RowIdentity, of name: FoldedName) -> Bool {
    if name == table.key {
      if case .rowID(let number) = row, let range { if range.contains(number) { return true } }
      if remembered.contains(row) { return true }
    }
    return inserted[name]?.contains(row) == true || insertedBack[name]?.contains(row) == true
  }

  private func error(of trespass: RowChange, by effect: StatementEffect, in script: Script) -> MigrationError
  {
    let name = trespass.table
    let start = script.offsetOfFirstToken(from: effect.range.lowerBound)
    let folded = name.folded
    let isReplaced = trespass.operation == .delete && !effect.writes.deletedTables.contains(folded)
    let what: Prose =
      switch trespass.operation {
      case _ where trespass.isMoved: "gives a row of \(name) another rowid"
      case .delete where isReplaced: "replaces a row of \(name)"
      case .delete: "deletes a row of \(name)"
      case _ where folded == table.key: "changes a row of \(name) outside its range"
      default: "overwrites a row of \(name)"
      }
    let row: [Prose] =
      if case .rowID(let number) = trespass.row { ["the row with rowid \(number)"] } else { [] }
    var error = Self.unkept(
      what, effect.writes.triggers[folded], table, isWayBack: licence?.isWayBack == true, loss: SQLName(name),
      at: script.place(at: start, length: script.tokenLength(at: start)), details: row)
    if licence?.isWayDown == true {
      error.help = [
        "change or delete such rows first; how many there are, shows: SELECT count(*) FROM \(whole: SQLName(name).description)"
      ]
    }
    return error
  }

  /// The error of a batch that changes rows that are not archived.
  ///
  /// - Parameters:
  ///   - what: the rest of a sentence that begins with "a batch".
  ///   - trigger: the trigger that does it; nil for a statement.
  ///   - table: the table of the batches.
  static func unkept(
    _ what: Prose, _ trigger: String?, _ table: SchemaName, isWayBack: Bool, loss: SQLName, at place: Place,
    details: [Prose] = []
  ) -> MigrationError {
    let subject: Prose = isWayBack ? "the way back of a batch" : "a batch"
    let origin: Prose = trigger.map { " through the trigger \($0)" } ?? ""
    return MigrationError(
      .archiveImpossible,
      "\(subject) \(what)\(origin), but batches archive only what they overwrite in \(table)",
      at: place, details: details,
      help: [
        "run it in one transaction, which archives everything: remove -- @batch",
        "or mark the rows in batches, and delete them in contract.sql",
        "or declare the loss: -- @loses \(loss).COLUMN: WHY",
      ])
  }
}
