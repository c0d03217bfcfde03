import CSQLite

/// A database on SQLite's C interface: what judges the audit shares no code with it.
@safe final class PlainDatabase {
  private let handle: OpaquePointer

  struct Failure: Error { let message: String }

  init(_ path: String = ":memory:") throws {
    var opened: OpaquePointer?
    guard unsafe sqlite3_open(path, &opened) == SQLITE_OK, let opened = unsafe opened else {
      throw Failure(message: "cannot open \(path)")
    }
    unsafe handle = unsafe opened
  }

  deinit { unsafe sqlite3_close_v2(handle) }

  /// Makes it equal to another one.
  func become(_ other: PlainDatabase) throws {
    let copy = unsafe sqlite3_backup_init(handle, "main", other.handle, "main")
    unsafe sqlite3_backup_step(copy, -1)
    guard unsafe sqlite3_backup_finish(copy) == SQLITE_OK else { throw Failure(message: "cannot copy") }
  }

  func run(_ sql: String) throws {
    guard unsafe sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
      throw Failure(message: "\(unsafe String(cString: sqlite3_errmsg(handle))) in: \(sql)")
    }
  }

  /// All statements, or none.
  func run(_ statements: [String], enforcing: Bool) throws {
    try run("PRAGMA foreign_keys = \(enforcing ? "ON" : "OFF")")
    try run("BEGIN")
    do {
      for sql in statements { try run(sql) }
      try run("COMMIT")
    } catch {
      try? run("ROLLBACK")
      throw error
    }
  }

  /// Each value as text; NULL as `NULL`.
  func rows(_ sql: String) throws -> [[String]] {
    var prepared: OpaquePointer?
    guard unsafe sqlite3_prepare_v2(handle, sql, -1, &prepared, nil) == SQLITE_OK else {
      throw Failure(message: "\(unsafe String(cString: sqlite3_errmsg(handle))) in: \(sql)")
    }
    defer { unsafe sqlite3_finalize(prepared) }
    let columns = unsafe sqlite3_column_count(prepared)
    var rows: [[String]] = []
    while true {
      let code = unsafe sqlite3_step(prepared)
      if code == SQLITE_DONE { return rows }
      guard code == SQLITE_ROW else {
        throw Failure(message: "\(unsafe String(cString: sqlite3_errmsg(handle))) in: \(sql)")
      }
      rows.append(
        (0..<columns).map { column in
          guard let text = unsafe sqlite3_column_text(prepared, column) else { return "NULL" }
          return unsafe String(cString: text)
        })
    }
  }

  /// `NOCASE` and the like, and whether the column counts up.
  func column(_ name: String, of table: String) -> String {
    var collation: UnsafePointer<CChar>?
    var counts: Int32 = 0
    unsafe sqlite3_table_column_metadata(handle, "main", table, name, nil, &collation, nil, nil, &counts)
    return "\(unsafe collation.map { unsafe String(cString: $0) } ?? "") \(counts)"
  }

  static func name(_ name: String) -> String { "\"\(name)\"" }
  static func text(_ text: String) -> String {
    "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
  }
}

// MARK: - What it looks like

extension PlainDatabase {
  /// The texts of the schema, as SQLite keeps them.
  var texts: [String] {
    get throws {
      try rows("SELECT type || name || tbl_name || coalesce(sql, '') FROM sqlite_schema ORDER BY 1").map {
        $0[0]
      }
    }
  }

  var tables: [String] {
    get throws {
      try rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
      )
      .map { $0[0] }
    }
  }

  /// The rows of each table, columns by their names.
  func contents() throws -> [String: [String]] {
    var contents: [String: [String]] = [:]
    for table in try tables {
      let columns = try rows("SELECT name FROM pragma_table_xinfo(\(Self.text(table))) ORDER BY name").map {
        Self.name($0[0])
      }
      let list = columns.map { "typeof(\($0)) || quote(\($0))" }.joined(separator: " || ' / ' || ")
      contents[table] = try rows("SELECT \(list) FROM \(Self.name(table)) ORDER BY 1").map { $0[0] }
    }
    return contents
  }

  /// What its tables are made of, and what stands beside them, without the order of columns.
  func shape() throws -> [String] {
    var lines: [String] = []
    for table in try rows("SELECT name, wr, strict, type FROM pragma_table_list WHERE schema = 'main'")
    where !table[0].hasPrefix("sqlite_") {
      lines.append("\(table[3]) \(table[0]) \(table[1]) \(table[2])")
      let name = Self.text(table[0])
      for column in try rows(
        "SELECT name, upper(type), \"notnull\", coalesce(dflt_value, 'NULL'), pk, hidden FROM pragma_table_xinfo(\(name))"
      ) {
        let standard = try rows("SELECT typeof(\(column[3])) || quote(\(column[3]))")[0][0]
        lines.append(
          "\(table[0]).\(column[0]) \(column[1]) \(column[2]) \(standard) \(column[4]) \(column[5]) \(self.column(column[0], of: table[0]))"
        )
      }
      for key in try rows(
        "SELECT \"from\", \"table\", coalesce(\"to\", (SELECT name FROM pragma_table_info(k.\"table\") WHERE pk = 1)), on_update, on_delete FROM pragma_foreign_key_list(\(name)) AS k"
      ) { lines.append("\(table[0]) key \(key)") }
      for index in try rows("SELECT name, \"unique\", origin, partial FROM pragma_index_list(\(name))") {
        let columns = try rows(
          "SELECT coalesce(name, '?'), \"desc\", coll FROM pragma_index_xinfo(\(Self.text(index[0]))) WHERE key ORDER BY seqno"
        )
        let title = index[2] == "c" ? index[0] : "of a constraint"
        lines.append("\(table[0]) index \(title) \(index.dropFirst()) \(columns)")
      }
    }
    lines += try rows(
      "SELECT type || ' ' || name || ' ' || tbl_name FROM sqlite_schema WHERE type IN ('trigger', 'view')"
    ).map { $0[0] }
    return lines.sorted()
  }

  /// How far each table has counted with AUTOINCREMENT.
  func counters() throws -> [String: Int] {
    guard try !rows("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").isEmpty else { return [:] }
    return Dictionary(
      try rows("SELECT name, seq FROM sqlite_sequence").map { ($0[0], Int($0[1]) ?? 0) },
      uniquingKeysWith: { first, _ in first })
  }

  var order: [String] {
    get throws {
      try tables.flatMap { table in
        try rows("SELECT name FROM pragma_table_xinfo(\(Self.text(table))) ORDER BY cid").map {
          "\(table).\($0[0])"
        }
      }
    }
  }
}

// MARK: - Rows of its own

/// Values that columns of applications hold.
enum PlainValues {
  static let texts = [
    "'x'", "'007'", "''", "'Zeta'", "'abc'", "'ABC'", "'a longer text, with ünïcödé'", "'12'",
  ]
  static let wholes = ["0", "1", "2", "-5", "42", "7000000", "9007199254740993"]
  static let reals = ["0.5", "1.0", "-2.25", "100.0", "0.1"]
  static let blobs = ["x'00ff'", "x''", "x'616263'"]

  /// Those for a column of a declared type.
  static func pool(_ type: String) -> [String] {
    switch type {
    case "TEXT", "VARCHAR(20)": texts
    case "INTEGER", "INT": wholes
    case "BOOLEAN", "NUM": ["0", "1"]
    case "REAL": reals
    case "BLOB": blobs
    default: texts + blobs + ["42"]
    }
  }

  /// Whether a literal is a value for a column of a type.
  static func fits(_ literal: String, _ type: String) -> Bool {
    switch literal.first {
    case "'": ["TEXT", "VARCHAR(20)", ""].contains(type)
    case "x": ["BLOB", ""].contains(type)
    default: ["INTEGER", "INT", "BOOLEAN", "NUM", "REAL"].contains(type)
    }
  }

  /// Values beside those that SQL compares.
  static func neighbours(of literals: [String], in sql: [String]) -> [String] {
    guard sql.contains(where: { $0.contains(" < ") || $0.contains(" > ") }) else { return [] }
    return literals.flatMap { literal -> [String] in
      if let number = Int(literal) { return ["\(number - 1)", "\(number + 1)"] }
      return literal.hasPrefix("x") ? ["\(literal.dropLast())00'"] : ["\(literal.dropLast())Ab'"]
    }
  }

  /// The literals in SQL.
  static func literals(in sql: String) -> [String] {
    var literals: [String] = []
    var rest = sql[...]
    var last: Character = " "
    while let first = rest.first {
      if first == "'" || first == "x" && rest.dropFirst().first == "'" && !isWord(last) {
        let start = first == "x" ? rest.dropFirst() : rest
        guard let end = start.dropFirst().firstIndex(of: "'") else { break }
        literals.append(String(rest[...end]))
        rest = rest[rest.index(after: end)...]
        last = "'"
      } else if first == "\"" {
        rest = rest.dropFirst().drop { $0 != "\"" }.dropFirst()
        last = "\""
      } else if first.isASCII, first.isNumber, !isWord(last) {
        let number = rest.prefix { $0.isNumber || $0 == "." }
        literals.append(String(number))
        rest = rest.dropFirst(number.count)
        last = "0"
      } else {
        last = rest.removeFirst()
      }
    }
    return literals
  }

  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }
}
