internal import PhaseSQL
internal import PhaseSQLite

/// A table of the main database as SQLite itself sees it.
struct TableShape {
  let name: SchemaName
  let columns: [Column]
  /// nil when it has no primary key.
  let primaryKey: RowKey?
  let isWithoutRowID: Bool
  /// Whether what is read from it can be put into it: not so with virtual tables that have their rows from elsewhere.
  let isKept: Bool
  /// Whether the rowid of a row that is gone is never given to another one.
  let hasAutoincrement: Bool

  struct Column: Hashable {
    let name: SchemaName
    let isGenerated: Bool
    let mayBeNull: Bool
    /// As SQL; nil when it has none.
    let defaultValue: String?
    /// The declared type, folded, empty when there is none.
    let type: String
  }

  /// - Returns: nil when there is no such table.
  init?(_ name: SchemaName, on connection: Connection) throws(SQLiteError) {
    let rows = try connection.rows(
      "SELECT name, hidden, \"notnull\", dflt_value, type, pk FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1",
      .text(name.spelled))
    guard !rows.isEmpty,
      let sql = try connection.value(
        "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
        .text(name.spelled))?.text
    else { return nil }
    let definition = TableDefinition(sql)
    isWithoutRowID = definition?.isWithoutRowID ?? false
    isKept = definition?.virtual.map { $0.content == .own } ?? true
    hasAutoincrement = definition?.hasAutoincrement ?? false
    self.name = name
    let isWithoutRowID = isWithoutRowID
    columns = rows.map { row in
      Column(
        name: SchemaName(row[0].text ?? ""), isGenerated: row[1].integer ?? 0 > 1,
        mayBeNull: row[2].integer == 0 && !(isWithoutRowID && row[5].integer ?? 0 > 0),
        defaultValue: row[3].text, type: (row[4].text ?? "").asciiLowercased)
    }
    let names = rows.filter { $0[5].integer ?? 0 > 0 }.sorted { $0[5].integer ?? 0 < $1[5].integer ?? 0 }
    let index = try connection.value(
      "SELECT name FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'", .text(name.spelled))?.text
    if let virtual = definition?.virtual {
      // The first column of an R-tree is its rowid; a full-text table has no column for it.
      let isTree = virtual.module.key.hasPrefix("rtree")
      primaryKey =
        isTree
        ? RowKey(form: .integer, columns: [RowKey.Column(name: rows[0][0].text ?? "", collation: nil)]) : nil
    } else if names.isEmpty {
      primaryKey = nil
    } else if let index {
      let terms = try connection.rows(
        "SELECT name, coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno", .text(index))
      primaryKey = RowKey(
        form: .columns, columns: terms.map { RowKey.Column(name: $0[0].text ?? "", collation: $0[1].text) })
    } else {
      primaryKey = RowKey(
        form: .integer, columns: [RowKey.Column(name: names[0][0].text ?? "", collation: nil)])
    }
  }

  /// A name of the rowid that no column has; nil when there is none.
  var rowIDName: String? {
    guard !isWithoutRowID else { return nil }
    return ["rowid", "_rowid_", "oid"].first { name in !columns.contains { $0.name.key == FoldedName(name) } }
  }

  /// A name by which SQL finds the rowid, be it that of a column; nil when rows have none.
  var anyRowIDName: String? {
    primaryKey?.form == .integer ? primaryKey?.names.first.map(SQLText.identifier) : rowIDName
  }

  /// The columns that hold values of their own.
  var stored: [Column] { columns.filter { !$0.isGenerated } }

  func column(_ name: SchemaName) -> Column? { columns.first { $0.name == name } }
}

extension Connection {
  /// What is known of a table's rowids; nil for a table without.
  func highestKey(of table: SchemaName) throws(SQLiteError) -> RoundTripRecord.Keys? {
    guard let shape = try TableShape(table, on: self), shape.isKept, let name = shape.anyRowIDName else {
      return nil
    }
    let highest = try value("SELECT max(\(name)) FROM main.\(SQLText.identifier(table.spelled))")?.integer
    return RoundTripRecord.Keys(
      table: table.spelled, highest: highest, areNeverReused: shape.hasAutoincrement)
  }
}

extension TableContent {
  /// - Returns: nil when there is no such table.
  init?(_ name: SchemaName, on connection: Connection) throws(SQLiteError) {
    guard let table = try TableShape(name, on: connection) else { return nil }
    self.table = table.name.spelled
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    rows = Int(try connection.value("SELECT count(*) FROM \(place)")?.integer ?? 0)
    sum = rows <= Self.mostRowsRead ? try connection.sum(of: table).text : nil
  }
}
