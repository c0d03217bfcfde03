import Foundation
import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A database file that is gone when the test is over, and what an application and an operator do with it.
final class TemporaryDatabase {
  let folder: TemporaryFolder
  var path: String { folder.path + "/shop.db" }

  /// - Parameters:
  ///   - sql: what an application did before phasedb came; without any there is no file.
  ///   - place: where the file is.
  init(_ sql: String? = nil, in place: TemporaryFolder.Place = .memory) throws {
    folder = try TemporaryFolder([:], in: place)
    if let sql { try run(sql) }
  }

  /// Runs SQL as an application would, on a connection of its own.
  func run(_ sql: String) throws { try connect(.create).execute(script: sql) }

  func connect(_ mode: Connection.Mode = .readWrite) throws(SQLiteError) -> Connection {
    try Connection(path: path, mode: mode)
  }

  func value(_ sql: String) throws -> Value? { try connect(.readOnly).value(sql) }

  /// What everybody but phasedb sees of the database; nil when there is no file.
  func snapshot() throws -> Snapshot? {
    try FileManager.default.fileExists(atPath: path) ? Snapshot(of: connect(.readOnly)) : nil
  }

  func migrator(
    _ catalog: Catalog, _ options: Options = .test, access: Migrator.Access = .creating
  ) throws(MigrationError) -> Migrator {
    try Migrator(database: path, catalog: catalog, access: access, options: options)
  }

  /// Plans and runs.
  @discardableResult
  func run(
    _ selection: Selection, _ catalog: Catalog, _ options: Options = .test,
    observe: @escaping (Event) -> Void = { _ in }
  ) throws(MigrationError) -> [String] {
    let migrator = try migrator(catalog, options)
    return try migrator.run(migrator.plan(selection), observe: observe).done.map(\.id.short)
  }

  /// The short ids of what is applied, in its order.
  func applied() throws -> [String] {
    try migrator(Catalog([]), access: .reading).status().applied.map(\.id.short)
  }

  /// What the sqlite3 shell, which shares no code with us, says of the file's soundness.
  ///
  /// By popen: Foundation's Process on Linux crashes now and then while many threads start processes.
  func integrity() -> String {
    guard let pipe = unsafe popen("sqlite3 '\(path)' 'PRAGMA integrity_check' 2>&1", "r") else {
      return "no shell"
    }
    defer { unsafe pclose(pipe) }
    var text = ""
    while case let byte = unsafe fgetc(pipe), byte != EOF {
      text.unicodeScalars.append(Unicode.Scalar(UInt8(truncatingIfNeeded: byte)))
    }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// Schema and rows of a database, read by plain SQL and not through the code under test.
struct Snapshot: Equatable, CustomStringConvertible {
  /// The CREATE statements of users' objects, as spelled.
  let schema: [String]
  /// For each user's table, its rows with the types of their values, in the order of their text.
  let rows: [String: [String]]
  /// The rows of phasedb's own tables.
  let ledger: [String: [String]]

  init(of connection: Connection) throws(SQLiteError) {
    let objects = try connection.rows("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
    var schema: [String] = []
    var rows: [String: [String]] = [:]
    var ledger: [String: [String]] = [:]
    for object in objects {
      let name = object[1].text ?? ""
      let isOurs = name.hasPrefix("phasedb_")
      if !isOurs, let sql = object[2].text { schema.append(sql) }
      guard object[0] == "table" else { continue }
      let columns = try connection.rows(
        "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid", .text(name))
      let row = columns.map { "quote(\(SQLText.identifier($0[0].text ?? "")))" }.joined(
        separator: " || ', ' || ")
      let table = try connection.rows("SELECT \(row) AS r FROM \(SQLText.identifier(name)) ORDER BY r").map {
        $0[0].text ?? "NULL"
      }
      if isOurs { ledger[name] = table } else { rows[name] = table }
    }
    self.schema = schema
    // A database that never had an AUTOINCREMENT table has no counters; one that has none now may have had some.
    self.rows = rows.filter { $0.key != "sqlite_sequence" || !$0.value.isEmpty }
    self.ledger = ledger
  }

  /// The same database to its users, whatever phasedb has written down.
  func isSame(as other: Snapshot?) -> Bool { schema == other?.schema && rows == other?.rows }

  /// Whether nothing has happened since but a run that failed: schema, rows and ledger are the same, and the log has one
  /// row more, which tells of it.
  func isUndone(since before: Snapshot?) -> Bool {
    guard let before, isSame(as: before) else { return false }
    var (now, then) = (ledger, before.ledger)
    let log = Set(now.removeValue(forKey: "phasedb_log") ?? [])
    let earlier = Set(then.removeValue(forKey: "phasedb_log") ?? [])
    let added = log.subtracting(earlier)
    return now == then && log.isSuperset(of: earlier) && added.count == 1
      && added.allSatisfy { $0.contains(", 'stop', ") }
  }

  var description: String {
    (schema + rows.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.joined(separator: " | "))" })
      .joined(separator: "\n")
  }
}

extension TemporaryDatabase {
  /// Makes a ledger that has nothing in the tables of format 5 one of format 4.
  static let backToFormat4 = """
    DROP TABLE phasedb_lane; DROP TABLE phasedb_switch; DROP TABLE phasedb_switch_member; DROP TABLE phasedb_ramp;
    DROP TABLE phasedb_effect; DROP TABLE phasedb_effect_open;
    UPDATE phasedb_meta SET value = '4' WHERE key = 'format'
    """
}
