package import PhaseSQL
package import PhaseSQLite
internal import Synchronization

/// A table of the main database as SQLite itself sees it.
package struct Table: Sendable {
  let name: SchemaName
  let columns: [Column]
  /// nil when it has no primary key.
  let primaryKey: RowKey?
  let isWithoutRowID: Bool
  /// Whether rows read from it can be inserted again, which is not so for virtual tables that take their rows from
  /// elsewhere.
  let isKept: Bool
  /// Whether the rowid of a deleted row is never used again.
  let hasAutoincrement: Bool

  package struct Column: Hashable {
    package let name: SchemaName
    package let isGenerated: Bool
    let mayBeNull: Bool
    /// As SQL; nil when it has none.
    let defaultValue: String?
    /// The declared type, folded, empty when there is none.
    let type: String
    /// From 1 within the primary key; 0 for a column that is not in it.
    package let keyPosition: Int
  }

  /// - Returns: nil when there is no such table.
  init?(_ name: SchemaName, on connection: Connection) throws(SQLiteError) {
    guard
      let sql = try connection.value(
        "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
        .text(name.spelled))?.text
    else { return nil }
    try self.init(name, presently: sql, on: connection)
    if columns.isEmpty { return nil }
  }

  /// - Parameter schema: the present one.
  /// - Returns: nil when there is no such table.
  init?(_ name: SchemaName, of schema: Schema, on connection: Connection) throws(SQLiteError) {
    guard let object = schema.object("table", name) else {
      // The schema may ignore this table.
      try self.init(name, on: connection)
      return
    }
    try self.init(name, madeBy: object.sql, on: connection)
    if columns.isEmpty { return nil }
  }

  /// - Parameter sql: its text in `sqlite_schema`.
  init(_ name: SchemaName, madeBy sql: String, on connection: Connection) throws(SQLiteError) {
    let definition = TableDefinition(sql)
    let isWithoutRowID = definition?.isWithoutRowID ?? false
    let columns = try Self.columns(of: name, on: connection).map { column in
      isWithoutRowID && column.keyPosition > 0 ? column.neverNull : column
    }
    self.name = name
    self.columns = columns
    self.isWithoutRowID = isWithoutRowID
    isKept = definition?.virtual.map { $0.content == .own } ?? true
    hasAutoincrement = definition?.hasAutoincrement ?? false
    if let virtual = definition?.virtual {
      // The first column of an R-tree is its rowid; a full-text table has no column for it.
      let rowID = virtual.module.key.hasPrefix("rtree") ? columns.first : nil
      primaryKey = rowID.map { RowKey(.integer, named: $0.name.spelled) }
      return
    }
    // A table needs no index for its rowid.
    let index = try connection.value(
      "SELECT name FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'", .text(name.spelled))?.text
    if let index {
      let terms = try connection.rows(
        "SELECT name, coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno", .text(index))
      primaryKey = RowKey(
        form: .columns, columns: terms.map { RowKey.Column(name: $0[0].text ?? "", collation: $0[1].text) })
    } else {
      primaryKey = columns.keyColumns.first.map { RowKey(.integer, named: $0.name.spelled) }
    }
  }

  /// An ordinary table is all that its text says, so SQLite is asked once in a process for each text.
  ///
  /// - Parameter sql: its text in `sqlite_schema`, as it is at this moment.
  init(_ name: SchemaName, presently sql: String, on connection: Connection) throws(SQLiteError) {
    if let known = Self.known.withLock({ $0[ExactName(sql)] }) {
      self.init(name, like: known)
      return
    }
    try self.init(name, madeBy: sql, on: connection)
    guard !columns.isEmpty, TableDefinition(sql)?.virtual == nil else { return }
    let table = self
    Self.known.withLock { known in
      if known.count >= Self.most { known.removeAll() }
      known[ExactName(sql)] = table
    }
  }

  private init(_ name: SchemaName, like other: Table) {
    self.name = name
    columns = other.columns
    primaryKey = other.primaryKey
    isWithoutRowID = other.isWithoutRowID
    isKept = other.isKept
    hasAutoincrement = other.hasAutoincrement
  }

  private static let known = Mutex<[ExactName: Table]>([:])
  private static let most = 200

  /// A name of the rowid that no column has; nil when there is none.
  var rowIDName: String? { isWithoutRowID ? nil : RowKey.rowIDName(beside: columns.map(\.name)) }

  /// A name by which SQL finds the rowid, also that of a column; nil when rows have no rowid.
  var anyRowIDName: String? {
    primaryKey?.form == .integer ? primaryKey?.names.first.map(SQLText.identifier) : rowIDName
  }

  /// The columns that hold values of their own.
  var stored: [Column] { columns.filter { !$0.isGenerated } }

  func column(_ name: SchemaName) -> Column? { columns.first { $0.name == name } }

  /// The sum over the stored columns.
  func sum(on connection: Connection) throws(SQLiteError) -> RowSum { try sumInOrder(on: connection).sum }

  /// The same, and a number that changes with the order in which the rows lie.
  func sumInOrder(on connection: Connection) throws(SQLiteError) -> (sum: RowSum, order: UInt64) {
    let names = stored.map(\.name.spelled)
    let list = names.map(SQLText.identifier).joined(separator: ", ")
    // An index that has all the columns would give them in its own order.
    var rows = try connection.prepare(
      "SELECT \(list) FROM main.\(SQLText.identifier(name.spelled)) NOT INDEXED")
    let hasher = RowHasher(columns: names)
    var sum = RowSum()
    var order: UInt64 = 0
    while try rows.step() {
      let row = rows.rowHash(hasher)
      sum.add(row)
      order = order &* 0x9E37_79B9_7F4A_7C15 &+ row.first
    }
    return (sum, order)
  }
}

// MARK: - One question about a table or view

extension Table {
  /// The columns of a table or view of the main database, without those that a module hides; none when it is not there
  /// (sqlite.org/pragma.html#pragma_table_xinfo).
  package static func columnNames(
    of name: SchemaName, on connection: Connection
  ) throws(SQLiteError) -> [SchemaName] {
    try columns(of: name, on: connection).map(\.name)
  }

  package static func columns(of name: SchemaName, on connection: Connection) throws(SQLiteError) -> [Column]
  {
    // The pragma is faster than the table pragma_table_xinfo, for which SQLite would compile three statements.
    try connection.rows("PRAGMA main.table_xinfo(\(SQLText.identifier(name.spelled)))").filter { $0[6] != 1 }
      .map { row in
        Column(
          name: SchemaName(row[1].text ?? ""), isGenerated: row[6].integer ?? 0 > 1,
          mayBeNull: row[3].integer == 0, defaultValue: row[4].text,
          type: (row[2].text ?? "").asciiLowercased, keyPosition: Int(row[5].integer ?? 0))
      }
  }

  static func hasForeignKeys(_ name: SchemaName, on connection: Connection) throws(SQLiteError) -> Bool {
    try connection.value("SELECT 1 FROM pragma_foreign_key_list(?1)", .text(name.spelled)) != nil
  }

  /// The columns of its PRIMARY KEY, in their order; none when it has no such key.
  package static func keyNames(
    of name: SchemaName, on connection: Connection
  ) throws(SQLiteError) -> [SchemaName] {
    try columns(of: name, on: connection).filter { $0.keyPosition > 0 }
      .sorted { $0.keyPosition < $1.keyPosition }.map(\.name)
  }

  package static func rowCount(_ name: SchemaName, on connection: Connection) throws(SQLiteError) -> Int {
    let place = "main.\(SQLText.identifier(name.spelled))"
    return Int(try connection.value("SELECT count(*) FROM \(place)")?.integer ?? 0)
  }

  static func hasRows(_ name: SchemaName, on connection: Connection) throws(SQLiteError) -> Bool {
    try connection.value("SELECT 1 FROM main.\(SQLText.identifier(name.spelled)) LIMIT 1") != nil
  }
}

extension Table.Column {
  /// The same column in the key of a table without rowids (sqlite.org/withoutrowid.html).
  fileprivate var neverNull: Self {
    Self(
      name: name, isGenerated: isGenerated, mayBeNull: false, defaultValue: defaultValue, type: type,
      keyPosition: keyPosition)
  }
}

extension [Table.Column] {
  /// The columns of the primary key, in its order.
  var keyColumns: [Table.Column] {
    filter { $0.keyPosition > 0 }.sorted { $0.keyPosition < $1.keyPosition }
  }
}

extension RowKey {
  /// The key of a table as it is now; nil when it has none and its columns take every name of the rowid.
  ///
  /// A primary key may hold NULL in an old-style table (sqlite.org/lang_createtable.html#the_primary_key). If one does,
  /// it identifies no row, and the rowid is used instead.
  init?(of table: Table, on connection: Connection) throws(SQLiteError) {
    if let key = table.primaryKey, try !key.isNull(in: table, on: connection) {
      self = key
    } else if let name = table.rowIDName {
      self.init(.rowID, named: name)
    } else {
      return nil
    }
  }

  private func isNull(in table: Table, on connection: Connection) throws(SQLiteError) -> Bool {
    let nullable = columns.filter { key in
      table.columns.contains { $0.name == SchemaName(key.name) && $0.mayBeNull }
    }
    guard form == .columns, !nullable.isEmpty else { return false }
    let condition = nullable.map { "\(SQLText.identifier($0.name)) IS NULL" }.joined(separator: " OR ")
    return try connection.value(
      "SELECT 1 FROM main.\(SQLText.identifier(table.name.spelled)) WHERE \(condition) LIMIT 1") != nil
  }
}
