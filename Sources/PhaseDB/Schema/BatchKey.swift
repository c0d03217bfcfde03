internal import PhaseSQL
internal import PhaseSQLite

/// The column that orders the batches of a table.
///
/// A batch has the rows between two values of this column, both included. Values need not be unique: rows with the
/// same value are in the same batch. SQLite can find a range without reading other rows.
struct BatchKey: Sendable, Hashable {
  /// The table's name, as it was made.
  let table: String
  /// The column's name, as it was made; a name of the rowid if that has no column.
  let column: String
  /// Whether its values are whole numbers. Then a value shows how much is done.
  let isInteger: Bool
  /// Every name under which SQLite reports a write of it, folded.
  let names: Set<FoldedName>

  /// Why a column cannot be the key, and what to write instead.
  struct Unfit: Error, Hashable {
    let why: Prose
    let remedy: Prose
  }

  var sql: String { SQLText.identifier(column) }
  var tableSQL: String { "main.\(SQLText.identifier(table))" }

  /// Finds the key that a phase asks for.
  static func find(_ batching: Batching, on connection: Connection) throws(SQLiteError) -> Result<Self, Unfit>
  {
    let rows = try connection.rows(
      "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
      .text(batching.table))
    guard let name = rows.first?[0].text, let sql = rows.first?[1].text else {
      return .failure(
        Unfit(
          why: "there is no table \(batching.table)", remedy: "name an ordinary table: -- @batch TABLE"))
    }
    guard !SchemaObject(type: "table", name: name, table: name, sql: sql).isVirtual else {
      return .failure(
        Unfit(why: "\(name) is a virtual table", remedy: "name an ordinary table: -- @batch TABLE"))
    }
    let keys = try TableKeys(name, madeBy: sql, on: connection)
    switch keys.candidate(batching.column) {
    case .failure(let unfit): return .failure(unfit)
    case .success(let key):
      return try key.isSearched(on: connection) ? .success(key) : .failure(keys.noIndex(key.column))
    }
  }

  /// Whether an index gives SQLite the rows in the order of the key, so that it does not sort them. With statistics of a
  /// table of few rows it reads them all in that order.
  private func isSearched(on connection: Connection) throws(SQLiteError) -> Bool {
    let plan = try connection.queryPlan(
      of: "SELECT \(sql) FROM \(tableSQL) WHERE \(sql) > ?1 AND \(sql) <= ?2 ORDER BY \(sql)")
    return plan.count == 1 && plan[0].access != nil
  }
}

/// The columns among which the key of the batches is chosen.
private struct TableKeys {
  private let table: Table
  private let title: String

  init(_ name: String, madeBy sql: String, on connection: Connection) throws(SQLiteError) {
    title = name
    table = try Table(SchemaName(name), madeBy: sql, on: connection)
  }

  /// The column that is asked for, or the table's own key.
  func candidate(_ column: String?) -> Result<BatchKey, BatchKey.Unfit> {
    guard let column else { return ownKey() }
    if let found = table.column(SchemaName(column)) { return .success(key(found)) }
    if !table.isWithoutRowID, RowKey.rowIDNames.contains(column.folded) { return ownKey() }
    return .failure(
      BatchKey.Unfit(
        why: "\(title) has no column \(column.folded)",
        remedy: "name a column of it: -- @batch \(name) by COLUMN"))
  }

  func noIndex(_ column: String) -> BatchKey.Unfit {
    BatchKey.Unfit(
      why: "no index of all rows of \(title) begins with \(column)",
      remedy:
        "CREATE INDEX \(SQLText.identifier("\(title)_by_\(column)")) ON \(SQLText.identifier(title)) (\(SQLText.identifier(column))); in expand.sql of the same migration"
    )
  }

  private func ownKey() -> Result<BatchKey, BatchKey.Unfit> {
    let primary = table.columns.keyColumns
    if !table.isWithoutRowID, table.primaryKey?.form != .integer {
      guard let free = table.rowIDName else {
        return .failure(
          BatchKey.Unfit(
            why: "columns of \(title) hide every name of its rowid",
            remedy: "name a column that an index begins with: -- @batch \(name) by COLUMN"))
      }
      return .success(BatchKey(table: title, column: free, isInteger: true, names: Set(RowKey.rowIDNames)))
    }
    guard primary.count == 1 else {
      let first = primary.first?.name.spelled.asDirectiveName ?? "COLUMN"
      return .failure(
        BatchKey.Unfit(
          why: "the key of \(title) has \(primary.count) columns",
          remedy: "name the first of them: -- @batch \(name) by \(first)"))
    }
    return .success(key(primary[0]))
  }

  private func key(_ column: Table.Column) -> BatchKey {
    let isRowID = table.primaryKey?.form == .integer && column.keyPosition > 0
    return BatchKey(
      table: title, column: column.name.spelled, isInteger: column.type.contains("int"),
      names: Set([column.name.key] + (isRowID ? RowKey.rowIDNames : [])))
  }

  private var name: String { title.asDirectiveName }
}
