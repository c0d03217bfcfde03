internal import PhaseSQL
internal import PhaseSQLite

/// A full-text index on the text of another table, whose triggers keep it up to date
/// (sqlite.org/fts5.html#external_content_tables).
///
/// Triggers do not fire when values are restored. So the index is updated explicitly, as its triggers would do it.
struct FullTextIndex {
  private let name: SchemaName
  private let columns: [SchemaName]
  /// The column of the other table that holds the rowid of the index.
  private let rowID: String

  /// The indexes that an update of some columns of a table affects.
  static func all(
    of table: Table, updating columns: [SchemaName], _ schema: Schema, on connection: Connection
  ) throws(SQLiteError) -> [FullTextIndex] {
    let candidates = schema.objects.filter(\.isVirtual).compactMap { object -> (SchemaName, String)? in
      guard let definition = TableDefinition(object.sql), let virtual = definition.virtual,
        virtual.module.key == "fts5", virtual.contentTable == table.name
      else { return nil }
      return (definition.name, virtual.option("content_rowid")?.spelled ?? "rowid")
    }
    guard !candidates.isEmpty, !columns.isEmpty else { return [] }
    var written: Set<FoldedName> = []
    connection.setAuthorizer { action in
      if action.code == .insert, action.origin != nil, let name = action.first {
        written.insert(name.folded)
      }
      return true
    }
    defer { connection.removeAuthorizer() }
    let values = columns.map { SQLText.identifier($0.spelled) }.map { "\($0) = \($0)" }
    _ = try connection.prepare(
      "UPDATE main.\(SQLText.identifier(table.name.spelled)) SET \(values.joined(separator: ", "))")
    return try candidates.filter { written.contains($0.0.key) }.map { name, rowID throws(SQLiteError) in
      FullTextIndex(name: name, columns: try Table.columnNames(of: name, on: connection), rowID: rowID)
    }
  }

  /// Removes the present text of rows from the index, or adds it.
  ///
  /// - Parameter source: FROM and WHERE of a SELECT in which `t` is the table.
  func tell(
    isGoing: Bool, _ source: String, _ values: Value..., on connection: Connection
  ) throws(SQLiteError) {
    let own = SQLText.identifier(name.spelled)
    let names = (isGoing ? [own] : []) + ["rowid"] + columns.map { SQLText.identifier($0.spelled) }
    let given =
      (isGoing ? ["'delete'"] : [])
      + ([rowID] + columns.map(\.spelled)).map { "t.\(SQLText.identifier($0))" }
    var statement = try connection.prepare(
      "INSERT INTO main.\(own) (\(names.joined(separator: ", "))) SELECT \(given.joined(separator: ", ")) \(source)"
    )
    try statement.run(values)
  }
}
