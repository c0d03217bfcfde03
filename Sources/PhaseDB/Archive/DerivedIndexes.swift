internal import PhaseSQL
internal import PhaseSQLite

/// Repairs full-text indexes over the rows of other tables. Triggers keep such an index up to date, but archives
/// restore values without triggers. So the indexes are compared with the rows afterwards
/// (sqlite.org/fts5.html#external_content_tables).
struct DerivedIndexes {
  private let connection: Connection
  /// The indexes that existed before, folded, and whether they agreed with their rows.
  private var agreed: [FoldedName: Bool] = [:]
  /// The tables that the transition touches, folded.
  private let touched: Set<FoldedName>
  private let isWayBack: Bool

  /// Checks the indexes that a transition touches. Belongs before its SQL.
  init(
    touched: Set<FoldedName>, of schema: Schema, isWayBack: Bool, on connection: Connection
  ) throws(SQLiteError) {
    self.connection = connection
    self.touched = touched
    self.isWayBack = isWayBack
    guard schema.hasVirtualTables else { return }
    for index in try Self.all(on: connection) {
      agreed[index.name.key] = index.isTouched(by: touched) ? try index.agrees(on: connection) : false
    }
  }

  /// Rebuilds the indexes that agreed before and no longer do, and those that a way back made again.
  func mend() throws(SQLiteError) {
    guard isWayBack || !agreed.isEmpty else { return }
    for index in try Self.all(on: connection)
    where index.isTouched(by: touched) || agreed[index.name.key] == nil {
      guard agreed[index.name.key] ?? isWayBack, try !index.agrees(on: connection) else { continue }
      try index.rebuild(on: connection)
    }
  }

  /// Virtual tables have no page of their own (sqlite.org/fileformat2.html#storage_of_the_sql_database_schema).
  private static func all(on connection: Connection) throws(SQLiteError) -> [DerivedIndex] {
    try connection.rows("SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND rootpage = 0")
      .compactMap { DerivedIndex($0[0].text ?? "") }
  }
}

private struct DerivedIndex {
  let name: SchemaName
  private let content: SchemaName
  private let isFTS5: Bool

  /// Nil for a table that is not a full-text index over another table.
  init?(_ sql: String) {
    guard let table = TableDefinition(sql), let virtual = table.virtual, virtual.content == .elsewhere,
      let content = virtual.contentTable
    else { return nil }
    name = table.name
    self.content = content
    isFTS5 = virtual.module.key == "fts5"
  }

  func isTouched(by tables: Set<FoldedName>) -> Bool {
    tables.contains(name.key) || tables.contains(content.key)
  }

  func agrees(on connection: Connection) throws(SQLiteError) -> Bool {
    do throws(SQLiteError) {
      // With a rank the check also compares with the rows of the other table; in FTS4 it always does.
      try command(
        isFTS5 ? "(\(column), rank) VALUES ('integrity-check', 1)" : "(\(column)) VALUES ('integrity-check')",
        on: connection)
      return true
    } catch  where error.code.primary == .corrupt || error.code.primary == .error {
      return false
    }
  }

  func rebuild(on connection: Connection) throws(SQLiteError) {
    do throws(SQLiteError) {
      try command("(\(column)) VALUES ('rebuild')", on: connection)
    } catch  where error.code.primary == .error {
      // The other table does not exist, or has other columns.
    }
  }

  private var column: String { SQLText.identifier(name.spelled) }

  private func command(_ rest: String, on connection: Connection) throws(SQLiteError) {
    try connection.execute("INSERT INTO main.\(column) \(rest)")
  }
}
