internal import PhaseSQL
internal import PhaseSQLite

/// Runs one batch and tries its way back. First its SQL runs. Then the SQL of the other direction is tried on the
/// result and rolled back. The rows that it does not restore are archived.
///
/// It compares rows and does not read the SQL. So it covers the effects of conflict clauses, triggers, collations and
/// conditions, and rows that only the other direction would change.
final class BatchTrip {
  private let connection: Connection
  private let direction: Direction
  private let key: BatchKey
  private let there: BatchPlan
  /// nil when the way back cannot be tried; then every row is archived.
  private let back: BatchPlan?
  /// Whether the way back goes by columns that neither direction writes. When an application changes one of them, the row
  /// comes back otherwise than here, and only an archive can tell which rows these are.
  private let readsOtherColumns: Bool
  private let licences: (there: BatchWatch.Licence, back: BatchWatch.Licence)
  private let losses: [Loss]
  let archive: BatchArchive
  private let watch: BatchWatch
  /// What the way back of the way up has done so far.
  private var report: RoundTripRecord
  /// What other tables the way back goes by.
  private let others: Others
  /// SQLite's count of the commits of other connections when the first batch began; nil in a later run.
  private let dataVersion: Int64?
  /// The checksums of the tables that the way back reads, before the first batch.
  private var sourcesBefore: [String: String] = [:]
  /// What was seen behind the last batch.
  private var seen: (contents: [TableContent]?, sources: [ArchiveContent.Sources.Source])?

  /// The tables other than that of the batches from which the way back computes values.
  struct Others {
    var lookups: [Lookup] = []
    var sources: [SchemaName] = []

    /// - Parameter trial: of the direction of the batches.
    init(_ trial: TransitionTrial?, of table: String) {
      guard let trial else { return }
      let way = WayBack(trial, to: SchemaName(table))
      (lookups, sources) = (way.lookups, way.sources)
    }
  }

  /// The key in the ledger for the report of a phase that is under way.
  static let place: Int64 = 0

  /// Call it inside the first transaction of a run.
  ///
  /// - Parameters:
  ///   - scripts: the SQL of this direction, and that of the other if known.
  ///   - bounds: what existed before the migration, and what its author declares lost.
  ///   - others: the tables other than that of the batches from which the way back computes values.
  ///   - entry: the id of the log's row of that transaction.
  ///   - isNew: whether no batch ran yet.
  /// - Throws: `archive-impossible`.
  init(
    _ record: BatchRecord, _ there: BatchPlan, _ back: BatchPlan?, whyNot reason: String?,
    _ bounds: BatchBounds, _ others: Others,
    entry: Int64, _ ledger: Ledger, _ schema: Schema, isNew: Bool, on connection: Connection
  ) throws(MigrationError) {
    self.connection = connection
    self.others = others
    dataVersion = try lifting("reading PRAGMA data_version") { () in isNew ? try connection.dataVersion : nil
    }
    (direction, key) = (record.direction, there.key)
    (self.there, self.back) = (there, back)
    let plans = [there, back].compactMap(\.self)
    losses = record.phase.losses
    let known = try ledger.archives.all(of: record.id).last {
      $0.state == .kept && $0.direction == record.direction
    }
    let knownKey = try known.map { archive throws(MigrationError) in try ArchiveContent(archive).key }
    let script = record.direction == .up ? record.phase.up : record.phase.down
    let table = try lifting("looking at the table of the batches") { () in
      try BatchTable(plans, of: there.key.table, knownBy: knownKey, on: connection)
    }
    guard let table else { throw ArchivePlan.impossible(SchemaName(there.key.table)) }
    let name = there.key.table.folded
    let written = plans.reduce(into: Set<FoldedName>()) { $0.formUnion($1.writes.columns[name] ?? []) }
    readsOtherColumns =
      record.direction == .up
      && back?.writes.readColumns[name].map {
        !$0.isSubset(
          of: written.union(there.key.names).union(table.rowKey.names.map(\.folded)).union(RowKey.rowIDNames))
      } ?? false
    if record.direction == .up, let objection = bounds.objection(to: there, back, table, at: script) {
      throw objection
    }
    if !Connection.tellsEveryChange, let objection = bounds.blindObjection(to: plans, schema, at: script) {
      throw objection
    }
    licences = bounds.licences(there, back, record.direction)
    watch = try lifting("looking at the tables of the batches") { () in
      try BatchWatch(table, Set(plans.flatMap(\.writes.rowTables)), schema, on: connection)
    }
    archive = try BatchArchive(
      of: record, table, there, wayBack: back?.writes ?? WriteSet(), others.lookups, entry: entry, ledger,
      schema, isNew: isNew, on: connection)
    report = RoundTripRecord(verdict: .exact)
    guard record.direction == .up else { return }
    defer { sourcesBefore = report.sources ?? [:] }
    if !isNew, let begun = try ledger.roundTrips.read(of: Self.place) { report = begun }
    if isNew { try lifting("writing the ledger") { () in try ledger.roundTrips.forget(of: Self.place) } }
    if isNew, !others.sources.isEmpty {
      report.sources = try lifting("reading tables from which the way back computes") { () in
        try Self.sums(of: others.sources, on: connection)
      }
      try store(ledger)
    }
    if let reason, report.reasons.isEmpty { try block(reason, ledger) }
  }

  /// Runs a batch inside its transaction.
  ///
  /// - Returns: what was written.
  func run(_ keys: ClosedKeys) throws(MigrationError) -> WriteSet {
    let ledger = Ledger(connection: connection)
    try archive.remember(keys)
    if key.isRowID, case .integer(let first) = keys.first, case .integer(let last) = keys.last, first <= last
    {
      watch.begin(first...last, [])
    } else {
      let rows = try lifting("remembering the rows of a batch") { () in try archive.identities() }
      watch.begin(nil, rows)
    }
    let writes = try watch.run(there.script, keys, licences.there)
    try archive.giveBack(keys, ledger)
    let differing = try tryWayBack(keys, ledger)
    try archive.keep(differing, ledger)
    try note(ledger)
    return writes
  }

  /// Runs the SQL of the other direction, and rolls it back.
  ///
  /// - Returns: the rows that the way back did not restore, or may not restore the next time.
  private func tryWayBack(_ keys: ClosedKeys, _ ledger: Ledger) throws(MigrationError) -> BatchArchive.Rows {
    guard let back else { return .all }
    try lifting("setting a savepoint") { () in try connection.execute("SAVEPOINT \(Self.savepoint)") }
    var differing = BatchArchive.Rows.all
    do throws(MigrationError) {
      _ = try watch.run(back.script, keys, licences.back)
      if back.isRepeatable, !readsOtherColumns { differing = try archive.differing() }
    } catch {
      guard error.id == .statementFailed, !connection.isAutocommit else { throw error }
      try rollBack()
      let range = "\(key.table).\(key.column) from \(keys.first) to \(keys.last)"
      try block("the way back does not run on the rows of \(range): \(error.message.raw)", ledger)
      return .all
    }
    try rollBack()
    return differing
  }

  private func rollBack() throws(MigrationError) {
    try lifting("going back to a savepoint") { () in
      try connection.undo(since: Self.savepoint)
    }
  }

  private static let savepoint = "phasedb_batch_back"
}

// MARK: - What the ledger says of it

extension BatchTrip {
  private func block(_ reason: String, _ ledger: Ledger) throws(MigrationError) {
    guard direction == .up, report.verdict != .blocked else { return }
    report = RoundTripRecord(
      verdict: .blocked, losses: report.losses, reasons: [reason], sources: report.sources)
    try store(ledger)
  }

  /// Records rows that the batch adds and its way back does not remove.
  private func note(_ ledger: Ledger) throws(MigrationError) {
    guard direction == .up else { return }
    var found: [RoundTripRecord.Loss] = []
    for (table, rows) in watch.stayed {
      found.append(
        RoundTripRecord.Loss(
          table: table.text, column: nil, rows: rows,
          why: "the phase inserts them, and the way back does not delete them"))
    }
    for (table, rows) in watch.stayedOfWayBack {
      found.append(
        RoundTripRecord.Loss(table: table.text, column: nil, rows: rows, why: "the way back inserts them"))
    }
    for (table, rows) in watch.lost {
      for loss in losses where loss.table.folded == table {
        found.append(
          RoundTripRecord.Loss(table: table.text, column: loss.column, rows: rows, why: loss.reason))
      }
    }
    guard !found.isEmpty else { return }
    let sorted = found.sorted { ($0.table, $0.column ?? "") < ($1.table, $1.column ?? "") }
    report = report.adding(RoundTripRecord(verdict: .lossy, losses: sorted))
    try store(ledger)
  }

  /// What undoing the batches leaves behind, as the end of a sentence; empty when it leaves nothing.
  var staying: Prose {
    report.losses.enumerated().reduce(into: "") { text, loss in
      text +=
        "\(loss.offset == 0 ? ", but not " : ", ")\(DetailLines.rows(loss.element.rows)) of \(loss.element.table)"
    }
  }

  private func store(_ ledger: Ledger) throws(MigrationError) {
    try lifting("writing the ledger") { () in try ledger.roundTrips.record(report, of: Self.place) }
  }

  var marks: Marks { Marks(archive: archive.marks, report: report) }

  /// Goes back to the state before a batch that was rolled back.
  func restore(_ marks: Marks) {
    archive.restore(marks.archive)
    report = marks.report
  }

  struct Marks {
    fileprivate let archive: BatchArchive.Marks
    fileprivate let report: RoundTripRecord
  }

  /// Removes what was made for batches, when none ran.
  func forget(_ ledger: Ledger) throws(SQLiteError) {
    try archive.drop(ledger)
    try ledger.roundTrips.forget(of: Self.place)
  }

  /// Records in the last transaction what the way back did.
  ///
  /// - Parameters:
  ///   - sequence: the sequence of the phase that is applied now; nil when none is.
  ///   - again: the sequence of a phase that stayed applied while part of it came down and went up again.
  ///   - gone: the sequence of the phase that came down.
  ///   - orphans: how many rows had no parent before.
  func finish(
    applied sequence: Int64?, again: Int64?, gone: Int64?, hadRows: Bool, orphans: Int?, _ ledger: Ledger
  ) throws(MigrationError) {
    let version = try lifting("reading PRAGMA data_version") { () in try connection.dataVersion }
    // If somebody else wrote meanwhile, it is unknown what the tables were when a batch was tried.
    let wasAlone = dataVersion == version
    let sources = (seen?.sources ?? []).map { source in
      wasAlone || sourcesBefore[source.table] == source.sum ? source : .init(table: source.table, sum: "")
    }
    try archive.finish(ledger, sources)
    if sequence != nil {
      report = try complete(hadRows: hadRows)
      report.sources = nil
      if wasAlone, report.verdict == .exact { report.contents = seen?.contents }
      report.rowsWithoutParent = orphans
    }
    // Rows that these batches leave behind are added to those that the first ones left.
    let whole = try again.flatMap { again throws(MigrationError) in
      try ledger.roundTrips.read(of: again)?.adding(report)
    }
    try lifting("writing the ledger") { () in
      if let sequence { try ledger.roundTrips.record(report, of: sequence) }
      if let again, let whole { try ledger.roundTrips.record(whole, of: again) }
      for place in [Self.place, gone].compactMap(\.self) { try ledger.roundTrips.forget(of: place) }
    }
  }

  /// Reads, behind the last batch, the tables by which the way back goes. It does so before the last transaction, which would
  /// hold the lock meanwhile.
  ///
  /// - Parameter deciding: other tables whose rows decide whether the way back runs; nil when they are not known.
  func look(_ deciding: Set<SchemaName>?) throws(SQLiteError) {
    let sources = try others.sources.map { name throws(SQLiteError) in
      ArchiveContent.Sources.Source(
        table: name.spelled, sum: try Table(name, on: connection)?.sum(on: connection).text ?? "")
    }
    seen = (nil, sources)
    guard direction == .up, dataVersion != nil, let back, let deciding else { return }
    let read = back.writes.readTables.union(there.writes.rowTables).union(back.writes.rowTables)
    let names = deciding.union(read.map { SchemaName($0) }).union([SchemaName(key.table)])
    let contents =
      try TableContent.present(among: names.sorted { $0.key < $1.key }, on: connection)
      + TableContent.statistics(on: connection)
    seen?.contents = contents.allSatisfy { $0.sum != nil } ? contents : nil
  }

  private static func sums(
    of names: [SchemaName], on connection: Connection
  ) throws(SQLiteError) -> [String: String] {
    var sums: [String: String] = [:]
    for name in names {
      guard let table = try Table(name, on: connection),
        // The lock is held meanwhile.
        try connection.value(
          "SELECT 1 FROM main.\(SQLText.identifier(name.spelled)) LIMIT 1 OFFSET \(TableContent.mostRowsRead)"
        ) == nil
      else { continue }
      sums[name.spelled] = try table.sum(on: connection).text
    }
    return sums
  }

  private func complete(hadRows: Bool) throws(MigrationError) -> RoundTripRecord {
    var report = report
    if !hadRows, back == nil {
      report = RoundTripRecord(verdict: .untried, reasons: ["\(key.table) had no rows"])
    }
    let plans = [there, back].compactMap(\.self)
    let written = Set(plans.flatMap(\.writes.rowTables)).union([key.table.folded])
    if let back, back.leavesToChance {
      if report.verdict == .exact { report = RoundTripRecord(verdict: .chance) }
      let own = key.table.folded
      let columns = Set((back.writes.columns[own] ?? []).map { SchemaName($0) })
      report.chance = try lifting("counting the rows of \(key.table)") { () in
        // Every row of the table itself is archived, but a constraint may refuse a random value next time.
        let schema = try Schema(of: connection)
        let isOpen =
          back.writes.tables.contains(own) || report.verdict == .blocked
          || schema.mayRefuse(valuesOf: columns, in: SchemaName(key.table))
        return .init(
          tables: back.writes.rowTables.filter { $0 != own || isOpen }.map(\.text).sorted(),
          contents: try TableContent.present(
            among: written.sorted().map { SchemaName($0) }, on: connection))
      }
    }
    try lifting("looking for the highest keys") { () in
      report.keys = try written.sorted().compactMap { name throws(SQLiteError) in
        try Table(SchemaName(name), on: connection).flatMap { table throws(SQLiteError) in
          try RoundTripRecord.Keys(of: table, on: connection)
        }
      }
    }
    return report
  }
}
