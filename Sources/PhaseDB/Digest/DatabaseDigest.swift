internal import PhaseSQL
internal import PhaseSQLite

/// The content of a database in a form that can be compared: the digest of every table, and what is outside the tables.
///
/// It leaves out the ledger, the tables of other migration tools, SQLite's statistics, and the shadow tables of virtual
/// tables: these are read through their virtual tables, because shadow tables can change without any change of the
/// content.
package struct DatabaseDigest: Sendable, Hashable {
  /// By name.
  package let tables: [TableDigest]
  /// The highest keys that AUTOINCREMENT tables have given out (sqlite.org/autoinc.html).
  let counters: [SchemaName: Int64]
  /// `PRAGMA user_version`.
  package let userVersion: Int64
  /// `PRAGMA application_id`.
  package let applicationID: Int64
  /// Virtual tables that could not be read, each with the reason: their module is not in this SQLite, or the table whose
  /// rows they show is gone.
  package let unread: [String: String]

  /// The digest of a table, by its name in any case.
  package func table(_ name: String) -> TableDigest? {
    tables.first { $0.table.folded == name.folded }
  }

  /// One line for each part; equal for equal content.
  package var text: String {
    (tables.map { "table \($0.table) \($0.rows) \($0.text)" }
      + counters.sorted { $0.key.key < $1.key.key }.map { "counter \($0.key) \($0.value)" }
      + unread.keys.sorted().map { "unread \($0)" }
      + ["user_version \(userVersion)", "application_id \(applicationID)"])
      .map { $0 + "\n" }.joined()
  }
}

extension DatabaseDigest {
  /// Reads the digest on one connection, in the transaction that is open.
  ///
  /// - Parameter schema: of the database, when it is known.
  init(of connection: Connection, schema: Schema? = nil) throws(SQLiteError) {
    let draft = try DigestDraft(of: connection, schema: schema)
    var sums: [RowSum] = []
    for reading in draft.readings { sums.append(try reading.sum(on: connection)) }
    self = draft.digest(sums)
  }

  /// The digest of a database file at one moment, even if others write it meanwhile.
  ///
  /// - Parameters:
  ///   - path: the path of an existing file.
  ///   - readers: how many connections read it at once, each on a thread of its own. Several readers need the write
  ///     lock while they begin, so a file that cannot be written has one reader.
  /// - Throws: `database-not-found`, `database-busy`, and what makes the file unreadable.
  package init(ofFile path: String, readers: Int = 1) throws(MigrationError) {
    guard FileReading.exists(path) else {
      throw MigrationError(.databaseNotFound, "there is no database at \(path)")
    }
    self = try lifting("reading \(path)") { () in
      let connection = try Connection(path: path, mode: readers > 1 ? .readWrite : .readOnly)
      connection.setBusyTimeout(milliseconds: 10_000)
      guard readers > 1, !connection.isReadOnly else {
        return try DatabaseDigest(on: Readers(path: path, count: 1))
      }
      return try DatabaseDigest(
        on: Readers.whileNoneCommits(on: connection) { try Readers(path: path, count: readers) })
    }
  }

  /// Reads the digest on several connections at once.
  init(on readers: Readers) throws {
    let draft = try readers.first { connection in try DigestDraft(of: connection) }
    self = draft.digest(try DigestWork(draft.readings, on: readers).sums())
  }
}

extension TableReading {
  func sum(on connection: Connection, _ range: ClosedRange<Int64>? = nil) throws(SQLiteError) -> RowSum {
    var statement = try connection.prepare(select(inRange: range != nil))
    if let range { try statement.bind([.integer(range.lowerBound), .integer(range.upperBound)]) }
    return try statement.sumOfRows(RowHasher(columns: names))
  }
}

/// Everything in a digest except the sums over rows.
struct DigestDraft: Sendable {
  let readings: [TableReading]
  private let counters: [SchemaName: Int64]
  private let userVersion: Int64
  private let applicationID: Int64
  private let unread: [String: String]

  init(of connection: Connection, schema known: Schema? = nil) throws(SQLiteError) {
    let schema: Schema
    if let known { schema = known } else { schema = try Schema(of: connection) }
    let shadows = try ShadowTables.names(on: connection, schema)
    var readings: [TableReading] = []
    var unread: [String: String] = [:]
    for object in schema.objects where object.key.type == "table" && !shadows.contains(object.key.name) {
      do throws(SQLiteError) {
        guard !DerivedTables.contain(object) else { continue }
        let reading = try TableReading(object, on: connection)
        // The rows of a full-text table may be those of a table or view that is gone or lacks a column.
        if object.isVirtual { _ = try connection.value("SELECT 1 FROM \(reading.from) LIMIT 1") }
        readings.append(reading)
      } catch {
        guard object.isVirtual else { throw error }
        unread[object.name] = error.message
      }
    }
    self.readings = readings.sorted { $0.table.folded < $1.table.folded }
    self.unread = unread
    let names = Set(readings.map(\.table.folded))
    var counters: [SchemaName: Int64] = [:]
    if try connection.value("SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence'") != nil {
      for row in try connection.rows("SELECT name, seq FROM main.sqlite_sequence") {
        guard let name = row[0].text.map(SchemaName.init(_:)), let value = row[1].integer,
          names.contains(name.key)
        else {
          continue
        }
        counters[name] = value
      }
    }
    self.counters = counters
    userVersion = try connection.value("PRAGMA main.user_version")?.integer ?? 0
    applicationID = try connection.value("PRAGMA main.application_id")?.integer ?? 0
  }

  func digest(_ sums: [RowSum]) -> DatabaseDigest {
    DatabaseDigest(
      tables: zip(readings, sums).map { TableDigest($0.table, $1) }, counters: counters,
      userVersion: userVersion,
      applicationID: applicationID, unread: unread)
  }
}

/// Virtual tables that show other parts of the database: its pages, or the words of an index. They can change without a
/// change of data.
private enum DerivedTables {
  static func contain(_ object: SchemaObject) -> Bool {
    guard object.isVirtual, let module = TableDefinition(object.sql)?.virtual?.module.key else {
      return false
    }
    return modules.contains(module)
  }

  private static let modules: Set<FoldedName> = [
    "dbstat", "sqlite_dbpage", "fts4aux", "fts5vocab", "fts3tokenize",
  ]
}

/// The rows of one table, whatever their order: their number, and two sums over hashes of their typed values with the
/// names of the columns. 1, 1.0 and '1' differ; -0.0 is 0.0.
///
/// The rowid counts if there is no primary key. Generated columns do not count, because they follow from the others.
package struct TableDigest: Sendable, Hashable {
  /// As spelled.
  package let table: String
  package let rows: Int
  private let first: UInt64
  private let second: UInt64

  init(_ table: String, _ sum: RowSum) {
    self.table = table
    rows = sum.count
    (first, second) = (sum.first, sum.second)
  }

  /// Both sums in 32 hexadecimal digits.
  package var text: String { Self.hex(first) + Self.hex(second) }

  private static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
