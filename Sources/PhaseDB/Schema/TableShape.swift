internal import PhaseSQLite

/// The columns of a table as SQLite understands its CREATE TABLE.
struct TableShape: Sendable {
  struct Column: Hashable, Sendable {
    let name: String
    let type: String
    let isNotNull: Bool
    let defaultText: String?
    /// The position in the primary key, 0 outside it.
    let keyPosition: Int64
    /// 0 ordinary, 1 hidden, 2 virtual, 3 stored (sqlite.org/pragma.html#pragma_table_xinfo).
    let hidden: Int64
  }

  let columns: [Column]

  /// Reads a CREATE TABLE by running it in a database of its own.
  ///
  /// - Returns: nil when it cannot stand alone, as with a virtual table of a module that is not there.
  init?(ofTableMadeBy sql: String, named name: String) {
    guard let scratch = try? Connection(path: "", mode: .memory), (try? scratch.execute(script: sql)) != nil,
      let rows = try? scratch.rows(
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)", .text(name))
    else { return nil }
    columns = rows.map { row in
      Column(
        name: (row[0].text ?? "").asciiLowercased, type: (row[1].text ?? "").asciiLowercased,
        isNotNull: row[2].integer != 0, defaultText: row[3].text, keyPosition: row[4].integer ?? 0,
        hidden: row[5].integer ?? 0)
    }
  }
}
