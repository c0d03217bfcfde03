internal import PhaseSQL
internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What the way back of a phase did when it was tried in the transaction in which the phase went up, before any
/// application could write: a row of `phasedb_round_trip`.
struct RoundTripRecord: Codable, Sendable, Hashable {
  enum Verdict: String, Codable, Sendable, Hashable {
    /// Every row came back, with the archives of the phase.
    case exact
    /// The same, but its SQL depends on chance or the clock, so that one run proves nothing about the next.
    case chance
    /// Some rows did not come back, or some stayed that were not there before.
    case lossy
    /// The SQL of the way back did not run, or led to another schema.
    case blocked
    /// It was not run.
    case untried
  }

  /// Rows of one table that the way back does not restore.
  struct Loss: Codable, Sendable, Hashable {
    let table: String
    /// nil for whole rows.
    let column: String?
    let rows: Int
    let why: String

    /// The reason for rows of either direction that the way back does not remove.
    static let remaining = "rows remain that were not there before the phase"
  }

  /// What is known of a table's integer keys at that moment.
  struct Keys: Codable, Sendable, Hashable {
    let table: String
    /// The highest key or rowid; nil for a table without rows.
    let highest: Int64?
    /// Whether AUTOINCREMENT keeps SQLite from using a key again.
    let areNeverReused: Bool
  }

  /// The rows that the phase inserted into a table that stays.
  struct Born: Codable, Sendable, Hashable {
    let table: String
    /// The hashes of their keys.
    let keys: [Int64]

    /// The most keys that are kept.
    static let mostKeys = 1_000
  }

  /// What a retired column held at that moment. Its values are in the rows themselves, so a row that an application
  /// deletes and writes again loses its own.
  struct Retired: Codable, Sendable, Hashable {
    let table: String
    /// The name that it has since.
    let column: String
    let rows: Int
    /// How many rows have what a new row gets.
    let empty: Int
    /// The highest key; nil for a table without rows, and for one whose key is not an integer.
    let highest: Int64?
    /// The integer keys of the empty rows; nil where there are too many to be kept.
    let emptyKeys: [Int64]?
    /// The hashes of the keys of the other rows, where these are no integers; nil where there are too many to be kept.
    let valuedKeys: [Int64]?

    /// The most keys that are kept.
    static let mostKeys = 1_000
  }

  let verdict: Verdict
  var losses: [Loss] = []
  /// Why it is blocked or untried, one sentence each.
  var reasons: [String] = []
  /// The keys of tables whose rows either direction touches.
  var keys: [Keys] = []
  /// What is known about a way back that depends on chance; nil for any other.
  var chance: Chance?
  /// The content, once the phase was up, of the tables that either direction touches or the way back reads. While they
  /// have the same rows in the same order, the way back does the same again. nil unless the way back was blocked, or
  /// every row came back and it does not use rowids, which VACUUM may change.
  var contents: [TableContent]?
  /// The content of the compared tables after the way back; nil together with ``contents``, and for batches.
  var given: [TableContent]?
  /// The rows that the phase inserted; nil for none, for batches, and where there were too many.
  var born: [Born]?
  /// For batches under way: the checksums that other tables had before the first one, by table. Large ones are left out.
  var sources: [String: String]?
  /// What retired columns held; nil where there were none.
  var retired: [Retired]?
  /// The rows without a parent before the phase, by the values of their foreign keys; nil when they were not looked for. If
  /// the phase dropped the reference, its way back has to accept them.
  var orphans: [String: Int]?
  /// The same for batches: how many they were, in the tables that the phase may orphan.
  var rowsWithoutParent: Int?

  struct Chance: Codable, Sendable, Hashable {
    /// Tables in which it may leave other rows than before, whatever is archived.
    var tables: [String] = []
    /// The content of the touched tables after the phase went up.
    var contents: [TableContent] = []
  }

  /// Combines it with another run over rows of the phase: the worse verdict of the two, and the losses of both.
  func adding(_ other: RoundTripRecord) -> RoundTripRecord {
    var losses = losses
    for loss in other.losses {
      if let index = losses.firstIndex(where: {
        $0.table == loss.table && $0.column == loss.column && $0.why == loss.why
      }) {
        losses[index] = Loss(
          table: loss.table, column: loss.column, rows: losses[index].rows + loss.rows, why: loss.why)
      } else {
        losses.append(loss)
      }
    }
    let isBlocked = verdict == .blocked || other.verdict == .blocked
    let isChance = verdict == .exact && other.verdict == .chance
    return RoundTripRecord(
      verdict: isBlocked ? .blocked : !losses.isEmpty ? .lossy : isChance ? .chance : verdict, losses: losses,
      reasons: reasons.isEmpty ? other.reasons : reasons, keys: keys, chance: other.chance ?? chance,
      sources: sources, rowsWithoutParent: rowsWithoutParent)
  }
}

/// What a ledger says of ways back that were tried at once: the table `phasedb_round_trip`.
struct RoundTripRecords: LedgerTable {
  let ledger: Ledger

  /// Records what the way back of an applied phase did. Call it inside the transaction of the phase.
  ///
  /// - Parameter sequence: the phase's.
  func record(_ roundTrip: RoundTripRecord, of sequence: Int64) throws(SQLiteError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let report = (try? encoder.encode(roundTrip)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_round_trip VALUES (?1, ?2, ?3)", .integer(sequence),
      .text(roundTrip.verdict.rawValue), .text(report))
  }

  /// What the way back of an applied phase did; nil when nothing was recorded, for instance by an earlier version.
  ///
  /// - Throws: `ledger-damaged` for a row that cannot be read.
  func read(of sequence: Int64) throws(MigrationError) -> RoundTripRecord? {
    guard format >= 3 else { return nil }
    let report = try lifting("reading the ledger") { () in
      try connection.value("SELECT report FROM phasedb_round_trip WHERE sequence = ?1", .integer(sequence))?
        .text
    }
    guard let report else { return nil }
    do {
      return try JSONDecoder().decode(RoundTripRecord.self, from: Data(report.utf8))
    } catch {
      throw Ledger.damaged("row \(sequence) of phasedb_round_trip cannot be read")
    }
  }

  /// The verdicts from when the phases went up, by their sequences, without the rest of the reports.
  func verdicts() throws(SQLiteError) -> [Int64: RoundTripRecord.Verdict] {
    guard format >= 3 else { return [:] }
    var rows = try connection.prepare("SELECT sequence, verdict FROM phasedb_round_trip")
    var verdicts: [Int64: RoundTripRecord.Verdict] = [:]
    while try rows.step() {
      verdicts[rows.integer(at: 0)] = RoundTripRecord.Verdict(rawValue: rows.text(at: 1))
    }
    return verdicts
  }

  /// The sequences of phases of which it is known what the columns held that they retired.
  func retiring() throws(SQLiteError) -> Set<Int64> {
    guard format >= 3 else { return [] }
    let rows = try connection.rows(
      "SELECT sequence FROM phasedb_round_trip WHERE instr(report, '\"retired\":') > 0")
    return Set(rows.compactMap { $0[0].integer })
  }

  /// Removes the record of a phase that came down. Call it inside the transaction that takes it down.
  func forget(of sequence: Int64) throws(SQLiteError) {
    try connection.execute("DELETE FROM phasedb_round_trip WHERE sequence = ?1", .integer(sequence))
  }
}

extension RoundTripRecord.Keys {
  /// What is known of a table's rowids; nil for a table without.
  init?(of table: Table, on connection: Connection) throws(SQLiteError) {
    guard table.isKept, let name = table.anyRowIDName else { return nil }
    let highest = try connection.value(
      "SELECT max(\(name)) FROM main.\(SQLText.identifier(table.name.spelled))")?.integer
    self.init(table: table.name.spelled, highest: highest, areNeverReused: table.hasAutoincrement)
  }
}

extension RoundTripRecord.Retired {
  /// - Returns: nil for a retired table, a column whose default is not a literal, and a table that is too large to be read.
  init?(
    _ retirement: Retirement, by migration: MigrationName, on connection: Connection
  ) throws(SQLiteError) {
    guard let column = retirement.column, let table = try Table(SchemaName(retirement.table), on: connection)
    else { return nil }
    let name = RetiredName(SchemaName(column), by: migration).name
    try self.init(name, of: table, on: connection)
  }

  private init?(_ name: SchemaName, of table: Table, on connection: Connection) throws(SQLiteError) {
    guard let isEmpty = try Self.isEmpty(name, in: table, on: connection) else { return nil }
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    let key = table.primaryKey?.form == .integer ? table.anyRowIDName : nil
    let counts = try connection.rows("SELECT count(*), count(*) FILTER (WHERE \(isEmpty)) FROM \(place)")
    let (rows, empty) = (counts.first?[0].integer ?? 0, counts.first?[1].integer ?? 0)
    var (highest, emptyKeys, valuedKeys): (Int64?, [Int64]?, [Int64]?)
    if key == nil, rows - empty <= Self.mostKeys, let hash = try Self.keyHash(of: table, on: connection) {
      valuedKeys = try connection.rows("SELECT \(hash) FROM \(place) WHERE NOT (\(isEmpty))").compactMap {
        $0[0].integer
      }
    }
    if let key {
      highest = try connection.value("SELECT max(\(key)) FROM \(place)")?.integer
      if empty <= Self.mostKeys {
        emptyKeys = try connection.rows("SELECT \(key) FROM \(place) WHERE \(isEmpty)").compactMap {
          $0[0].integer
        }
      }
    }
    self.init(
      table: table.name.spelled, column: name.spelled, rows: Int(rows), empty: Int(empty), highest: highest,
      emptyKeys: emptyKeys, valuedKeys: valuedKeys)
  }

  /// SQL of a hash of the key of a row; nil for a table without one.
  private static func keyHash(of table: Table, on connection: Connection) throws(SQLiteError) -> String? {
    guard let names = table.primaryKey?.names, !names.isEmpty else { return nil }
    try RowHash.define("phasedb_key", columns: names, on: connection)
    return RowHash.call("phasedb_key", names.map(SQLText.identifier))
  }

  /// SQL that tells whether a row has in a retired column what a new row gets; nil where that cannot be told, or not soon.
  private static func isEmpty(
    _ name: SchemaName, in table: Table, on connection: Connection
  ) throws(SQLiteError) -> String? {
    guard let column = table.column(name), !column.isGenerated, column.hasPlainDefault else { return nil }
    // A write lock may be held: a large table is not counted to the end.
    let isLarge = try connection.value(
      "SELECT 1 FROM main.\(SQLText.identifier(table.name.spelled)) LIMIT 1 OFFSET \(TableContent.mostRowsRead)"
    )
    guard isLarge == nil else { return nil }
    return "\(SQLText.identifier(name.spelled)) IS \(column.defaultValue ?? "NULL")"
  }

  /// What became of the values since.
  enum Change {
    /// This many rows have a key from that time and no value now.
    case gone(Int)
    /// Rows with a value were deleted, and others were added: they may be the same ones.
    case unknown
  }

  /// - Returns: nil when every row that is still there has its value, or this cannot be told.
  func change(on connection: Connection) throws(SQLiteError) -> Change? {
    guard rows > empty, let table = try Table(SchemaName(self.table), on: connection) else { return nil }
    if let valuedKeys, let isEmpty = try Self.isEmpty(SchemaName(column), in: table, on: connection),
      let hash = try Self.keyHash(of: table, on: connection)
    {
      let keys = valuedKeys.map(String.init).joined(separator: ", ")
      let found = try connection.value(
        "SELECT count(*) FROM main.\(SQLText.identifier(table.name.spelled)) WHERE (\(isEmpty)) AND \(hash) IN (\(keys))"
      )
      let gone = Int(found?.integer ?? 0)
      return gone > 0 ? .gone(gone) : nil
    }
    guard let highest, let key = table.anyRowIDName else {
      let now = try Self(SchemaName(column), of: table, on: connection)
      return now.map { $0.empty > empty && $0.rows - $0.empty < rows - empty } == true ? .unknown : nil
    }
    guard let isEmpty = try Self.isEmpty(SchemaName(column), in: table, on: connection) else { return nil }
    let others = emptyKeys.map { " AND \(key) NOT IN (\($0.map(String.init).joined(separator: ", ")))" } ?? ""
    let found = try connection.value(
      "SELECT count(*) FROM main.\(SQLText.identifier(table.name.spelled)) WHERE \(isEmpty) AND \(key) <= \(highest)\(others)"
    )
    let gone = Int(found?.integer ?? 0) - (emptyKeys == nil ? empty : 0)
    return gone > 0 ? .gone(gone) : nil
  }
}

extension Table.Column {
  /// Whether the default is a literal, or there is none.
  fileprivate var hasPlainDefault: Bool {
    guard let text = defaultValue else { return true }
    return !text.contains("(") && !text.uppercased().hasPrefix("CURRENT_")
  }
}
