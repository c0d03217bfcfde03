internal import PhaseSQL
internal import PhaseSQLite

/// Repairs full-text indexes over the rows of other tables. Triggers keep such an index up to date, but archives
/// restore values without triggers. So the indexes are compared with the rows afterwards
/// (sqlite.org/fts5.html#external_content_tables).
struct DerivedIndexes {
  private let connection: Connection
  /// How the indexes stood before, by their names.
  private var before: [FoldedName: DerivedIndex.State] = [:]
  /// The tables that the transition touches, folded.
  private let touched: Set<FoldedName>
  private let isWayBack: Bool

  /// Checks the indexes that a transition touches. Call it before its SQL.
  init(
    touched: Set<FoldedName>, of schema: Schema, isWayBack: Bool, on connection: Connection
  ) throws(SQLiteError) {
    self.connection = connection
    self.touched = touched
    self.isWayBack = isWayBack
    guard schema.hasVirtualTables else { return }
    for index in try Self.all(on: connection) {
      before[index.name.key] = try isTouched(index) ? try index.state(on: connection) : .isLeftAlone
    }
  }

  /// Rebuilds indexes that disagree with their rows now, if they agreed before or had no rows, or if a way back made them.
  func mend() throws(SQLiteError) {
    guard isWayBack || !before.isEmpty else { return }
    for index in try Self.all(on: connection) {
      let mayBeMended =
        switch before[index.name.key] {
        case .agrees, .hasNoRows: true
        case .disagrees, .isLeftAlone: false
        case nil: isWayBack
        }
      guard mayBeMended, try index.state(on: connection) == .disagrees else { continue }
      try index.rebuild(on: connection)
    }
  }

  /// Whether a transition may change the rows of an index. Those of a view come from any table.
  private func isTouched(_ index: DerivedIndex) throws(SQLiteError) -> Bool {
    if touched.contains(index.name.key) || touched.contains(index.content.key) { return true }
    guard !touched.isEmpty else { return false }
    return try connection.value(
      "SELECT 1 FROM main.sqlite_schema WHERE type = 'view' AND name = ?1 COLLATE NOCASE",
      .text(index.content.spelled)) != nil
  }

  /// Virtual tables have no page of their own (sqlite.org/fileformat2.html#storage_of_the_sql_database_schema).
  private static func all(on connection: Connection) throws(SQLiteError) -> [DerivedIndex] {
    try connection.rows("SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND rootpage = 0")
      .compactMap { DerivedIndex($0[0].text ?? "") }
  }
}

private struct DerivedIndex {
  let name: SchemaName
  let content: SchemaName
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

  enum State {
    case agrees, disagrees
    /// Its table or view does not exist, or has other columns.
    case hasNoRows
    /// The transition does not touch its rows, and it was not checked.
    case isLeftAlone
  }

  func state(on connection: Connection) throws(SQLiteError) -> State {
    do throws(SQLiteError) {
      // With a rank the check also compares with the rows of the other table; in FTS4 it always does.
      try command(
        isFTS5 ? "(\(column), rank) VALUES ('integrity-check', 1)" : "(\(column)) VALUES ('integrity-check')",
        on: connection)
      return .agrees
    } catch  where error.code.primary == .corrupt {
      return .disagrees
    } catch  where error.code.primary == .error {
      return .hasNoRows
    }
  }

  func rebuild(on connection: Connection) throws(SQLiteError) {
    try command("(\(column)) VALUES ('rebuild')", on: connection)
  }

  private var column: String { SQLText.identifier(name.spelled) }

  private func command(_ rest: String, on connection: Connection) throws(SQLiteError) {
    try connection.execute("INSERT INTO main.\(column) \(rest)")
  }
}
