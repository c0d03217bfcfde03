import CSQLite
import Foundation

/// A connection of its own to a database file, on SQLite's C interface: what judges phasedb shares no code with it.
@safe final class Shell {
  private let handle: OpaquePointer

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  init(_ path: String) throws {
    var opened: OpaquePointer?
    let code = unsafe sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
    guard code == SQLITE_OK, let opened = unsafe opened else {
      throw Failure(description: "cannot open \(path): \(code)")
    }
    unsafe handle = unsafe opened
    unsafe sqlite3_busy_timeout(handle, 2_000)
  }

  deinit { unsafe sqlite3_close_v2(handle) }

  /// Runs one or several statements.
  func run(_ sql: String) throws {
    guard unsafe sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
      throw Failure(description: "\(unsafe String(cString: sqlite3_errmsg(handle))) in: \(sql)")
    }
  }

  /// The rows of one statement, each value as text.
  func rows(_ sql: String) throws -> [[String]] {
    var prepared: OpaquePointer?
    guard unsafe sqlite3_prepare_v2(handle, sql, -1, &prepared, nil) == SQLITE_OK else {
      throw Failure(description: "\(unsafe String(cString: sqlite3_errmsg(handle))) in: \(sql)")
    }
    defer { unsafe sqlite3_finalize(prepared) }
    let columns = unsafe sqlite3_column_count(prepared)
    var rows: [[String]] = []
    while unsafe sqlite3_step(prepared) == SQLITE_ROW {
      rows.append(
        (0..<columns).map { column in
          guard let text = unsafe sqlite3_column_text(prepared, column) else { return "NULL" }
          return unsafe String(cString: text)
        })
    }
    return rows
  }

  /// Whether a full-text index has other words than its table (sqlite.org/fts5.html#the_integrity_check_command).
  func isStale(indexOfWords name: String) -> Bool {
    let check = "INSERT INTO \(name) (\(name), rank) VALUES ('integrity-check', 1)"
    return unsafe sqlite3_exec(handle, check, nil, nil, nil) & 0xFF == SQLITE_CORRUPT
  }

  static func name(_ name: String) -> String {
    "\"" + name.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}

/// What a database holds at one moment, phasedb's own tables left out.
struct Look: Equatable {
  struct Table: Equatable {
    let columns: [String]
    /// What they are declared as.
    let types: [String: String]
    /// What tells one row from another: the primary key, else the rowid.
    let key: [String]
    /// By the values of the key.
    let rows: [String: Row]
    /// Rows whose key does not tell them apart, as a NULL in it.
    let nameless: [Row]

    typealias Row = [String: String]

    /// Every row as one text, in order.
    var texts: [String] {
      (rows.values + nameless).map { row in
        row.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
      }.sorted()
    }
  }

  let schema: [String]
  let tables: [String: Table]

  /// Of names that are not the application's.
  fileprivate static let prefixes = ["phasedb_", "sqlite_"]

  init(_ shell: Shell) throws {
    // One lock for all that is read, also within a transaction.
    try shell.run("SAVEPOINT look")
    defer { try? shell.run("RELEASE look") }
    let objects = try shell.rows("SELECT type, name FROM sqlite_schema").filter { object in
      !Look.prefixes.contains { object[1].lowercased().hasPrefix($0) }
    }
    schema = objects.map { "\($0[0]) \($0[1])" }.sorted()
    var tables: [String: Table] = [:]
    for object in objects where object[0] == "table" && !object[1].lowercased().contains("_words") {
      tables[object[1]] = try Table(object[1], shell)
    }
    self.tables = tables
  }
}

extension Look.Table {
  init(_ name: String, _ shell: Shell) throws {
    // What phasedb set aside under a name of its own is not the application's.
    let info = try shell.rows("PRAGMA table_xinfo(\(Shell.name(name)))").filter {
      $0[6] != "1" && !$0[1].lowercased().hasPrefix("phasedb_")
    }.map { [$0[1], $0[5], $0[2]] }
    columns = info.map { $0[0] }
    types = Dictionary(info.map { ($0[0], $0[2]) }, uniquingKeysWith: { first, _ in first })
    let primary = info.filter { $0[1] != "0" }.sorted { Int($0[1]) ?? 0 < Int($1[1]) ?? 0 }.map { $0[0] }
    key = primary.isEmpty ? ["rowid"] : primary
    func cell(_ column: String) -> String {
      let name = Shell.name(column)
      // quote() ends at a NUL character, and text that is not UTF-8 would not stay what it is.
      return """
        typeof(\(name)) || ' ' || CASE WHEN typeof(\(name)) = 'text' AND (\(name) GLOB '*[^ -~]*' OR length(\(name)) <> length(CAST(\(name) AS BLOB)))
        THEN 'CAST(' || quote(CAST(\(name) AS BLOB)) || ' AS TEXT)' ELSE quote(\(name)) END
        """
    }
    let list = (key + columns).map(cell).joined(separator: ", ")
    var rows: [String: Row] = [:]
    var nameless: [Row] = []
    for values in try shell.rows("SELECT \(list) FROM \(Shell.name(name))") {
      let row = Dictionary(
        zip(columns, values.dropFirst(key.count)), uniquingKeysWith: { first, _ in first })
      let identity = values.prefix(key.count)
      if identity.contains("null NULL") {
        nameless.append(row)
      } else {
        rows[identity.joined(separator: " / ")] = row
      }
    }
    self.rows = rows
    self.nameless = nameless.sorted {
      "\($0.sorted { $0.key < $1.key })" < "\($1.sorted { $0.key < $1.key })"
    }
  }
}
