internal import PhaseSQL
internal import PhaseSQLite

/// What tells the rows of a table apart, and finds them again.
struct RowKey: Hashable, Sendable, Codable {
  enum Form: String, Sendable, Codable {
    /// The rowid, which no column names. VACUUM may give it anew.
    case rowID
    /// A column that is the rowid (sqlite.org/lang_createtable.html#rowid).
    case integer
    /// The columns of a primary key that is not the rowid.
    case columns
  }

  struct Column: Hashable, Sendable, Codable {
    let name: String
    /// How the key compares its values, which need not be how the column does.
    let collation: String?
  }

  let form: Form
  let columns: [Column]

  /// The key of a table as it is now; nil when it has none and its columns take every name of the rowid.
  ///
  /// A primary key may hold NULL in an old-style table (sqlite.org/lang_createtable.html#the_primary_key). Where one
  /// does, it tells no rows apart, and the rowid does.
  init?(of table: TableShape, on connection: Connection) throws(SQLiteError) {
    if let key = table.primaryKey, try !key.isNull(in: table, on: connection) {
      self = key
    } else if let name = table.rowIDName {
      self.init(form: .rowID, columns: [Column(name: name, collation: nil)])
    } else {
      return nil
    }
  }

  init(form: Form, columns: [Column]) {
    self.form = form
    self.columns = columns
  }

  var names: [String] { columns.map(\.name) }

  /// Whether it is one number.
  var isNumber: Bool { form != .columns }

  private func isNull(in table: TableShape, on connection: Connection) throws(SQLiteError) -> Bool {
    let nullable = columns.filter { key in
      table.columns.contains { $0.name == SchemaName(key.name) && $0.mayBeNull }
    }
    guard form == .columns, !nullable.isEmpty else { return false }
    let condition = nullable.map { "\(SQLText.identifier($0.name)) IS NULL" }.joined(separator: " OR ")
    return try connection.value(
      "SELECT 1 FROM main.\(SQLText.identifier(table.name.spelled)) WHERE \(condition) LIMIT 1") != nil
  }
}
