internal import PhaseSQL
internal import PhaseSQLite

/// The column in whose order a table is gone through in batches.
///
/// A batch is the rows between two values of it, both included. It need not be unique: rows with the same value are in
/// the same batch. A range of it is found without looking at other rows.
struct BatchKey: Sendable, Hashable {
  /// The table's name, as it was made.
  let table: String
  /// The column's name, as it was made; a word for the rowid where that has no column.
  let column: String
  /// Whether its values are whole numbers, so that a value tells how much of the way is behind it.
  let isInteger: Bool
  /// Every name under which SQLite reports a write of it, folded.
  let names: Set<FoldedName>

  /// Why a column does not serve as a key, and what to write instead.
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
    let keys = try TableKeys(name, on: connection)
    switch keys.candidate(batching.column) {
    case .failure(let unfit): return .failure(unfit)
    case .success(let key):
      return try key.isSearched(on: connection) ? .success(key) : .failure(keys.noIndex(key.column))
    }
  }

  /// Whether SQLite finds the rows between two values of the key by an index, already in their order.
  private func isSearched(on connection: Connection) throws(SQLiteError) -> Bool {
    let plan = try connection.rows(
      "EXPLAIN QUERY PLAN SELECT \(sql) FROM \(tableSQL) WHERE \(sql) > ?1 AND \(sql) <= ?2 ORDER BY \(sql)"
    ).compactMap { $0[3].text }
    return plan.count == 1 && plan[0].hasPrefix("SEARCH ")
  }
}

/// The columns of one table and its key, as SQLite itself tells them (sqlite.org/pragma.html#pragma_table_xinfo).
private struct TableKeys {
  private struct Column {
    let name: String
    let type: String
    /// From 1; 0 for a column that is not in the primary key.
    let position: Int64

    var isInteger: Bool { type.asciiLowercased.contains("int") }
  }

  private let table: String
  private let columns: [Column]
  private let hasRowID: Bool
  /// Whether the primary key has an index of its own: the rowid needs none (sqlite.org/lang_createtable.html#rowid).
  private let hasKeyIndex: Bool

  init(_ table: String, on connection: Connection) throws(SQLiteError) {
    self.table = table
    columns = try connection.rows("SELECT name, type, pk FROM pragma_table_xinfo(?1)", .text(table)).map {
      Column(name: $0[0].text ?? "", type: $0[1].text ?? "", position: $0[2].integer ?? 0)
    }
    let index = try connection.value(
      "SELECT name FROM pragma_index_list(?1) WHERE origin = 'pk'", .text(table))
    hasKeyIndex = index != nil
    // An index of a table with rowids ends with the rowid, which has the number -1.
    let rowID = try connection.value(
      "SELECT 1 FROM pragma_index_xinfo(?1) WHERE cid = -1", .text(index?.text ?? ""))
    hasRowID = index == nil || rowID != nil
  }

  /// The column that is asked for, or the table's own key.
  func candidate(_ column: String?) -> Result<BatchKey, BatchKey.Unfit> {
    guard let column = column?.folded else { return ownKey() }
    if let found = columns.first(where: { $0.name.folded == column }) { return .success(key(found)) }
    if hasRowID, Self.rowIDNames.contains(column) { return ownKey() }
    return .failure(
      BatchKey.Unfit(
        why: "\(table) has no column \(column)", remedy: "name a column of it: -- @batch \(name) by COLUMN"))
  }

  func noIndex(_ column: String) -> BatchKey.Unfit {
    BatchKey.Unfit(
      why: "no index of all rows of \(table) begins with \(column)",
      remedy:
        "CREATE INDEX \(SQLText.identifier("\(table)_by_\(column)")) ON \(SQLText.identifier(table)) (\(SQLText.identifier(column))); in expand.sql of the same migration"
    )
  }

  private func ownKey() -> Result<BatchKey, BatchKey.Unfit> {
    let primary = columns.filter { $0.position > 0 }.sorted { $0.position < $1.position }
    if hasRowID {
      if let alias = rowIDColumn { return .success(key(alias)) }
      let taken = Set(columns.map { $0.name.folded })
      guard let free = Self.rowIDNames.first(where: { !taken.contains($0) }) else {
        return .failure(
          BatchKey.Unfit(
            why: "columns of \(table) hide every name of its rowid",
            remedy: "name a column that an index begins with: -- @batch \(name) by COLUMN"))
      }
      return .success(BatchKey(table: table, column: free.text, isInteger: true, names: Set(Self.rowIDNames)))
    }
    guard primary.count == 1 else {
      let first = primary.first?.name.asDirectiveName ?? "COLUMN"
      return .failure(
        BatchKey.Unfit(
          why: "the key of \(table) has \(primary.count) columns",
          remedy: "name the first of them: -- @batch \(name) by \(first)"))
    }
    return .success(key(primary[0]))
  }

  /// The column that is another name for the rowid.
  private var rowIDColumn: Column? {
    let primary = columns.filter { $0.position > 0 }
    return hasRowID && !hasKeyIndex && primary.count == 1 ? primary[0] : nil
  }

  private func key(_ column: Column) -> BatchKey {
    let isRowID = column.name == rowIDColumn?.name
    return BatchKey(
      table: table, column: column.name, isInteger: column.isInteger,
      names: Set([column.name.folded] + (isRowID ? Self.rowIDNames : [])))
  }

  private var name: String { table.asDirectiveName }

  private static let rowIDNames: [FoldedName] = ["rowid", "_rowid_", "oid"]
}
