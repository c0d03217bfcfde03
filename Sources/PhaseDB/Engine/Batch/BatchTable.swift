internal import PhaseSQL
internal import PhaseSQLite

/// The table of a batched phase: how its rows are identified, which columns either direction may write, and the other
/// columns.
struct BatchTable {
  let shape: Table
  /// Identifies a row in an archive.
  let rowKey: RowKey
  /// Identifies a row within a batch: its rowid, if it has one, because collation and affinity do not affect its
  /// comparison.
  let handle: [String]
  /// The columns that either direction may write. They are copied before a batch.
  let remembered: [SchemaName]
  /// The columns of the rest of a row, which are hashed.
  let hashed: [SchemaName]

  /// - Parameters:
  ///   - plans: the SQL of both directions.
  ///   - key: the key of an archive that is under way.
  /// - Returns: nil when nothing identifies rows.
  init?(
    _ plans: [BatchPlan], of table: String, knownBy key: RowKey?, on connection: Connection
  ) throws(SQLiteError) {
    guard let shape = try Table(SchemaName(table), on: connection) else { return nil }
    let present: RowKey?
    if let key { present = key } else { present = try RowKey(of: shape, on: connection) }
    guard let rowKey = present else { return nil }
    if rowKey.isNumber || shape.isWithoutRowID {
      handle = rowKey.names
    } else if let name = shape.rowIDName {
      handle = [name]
    } else {
      return nil
    }
    self.shape = shape
    self.rowKey = rowKey
    let keys = Set(rowKey.names.map { SchemaName($0) })
    let written = plans.reduce(into: Set<FoldedName>()) {
      $0.formUnion($1.writes.columns[table.folded] ?? [])
    }
    hashed = shape.stored.map(\.name).filter { !keys.contains($0) }
    remembered = hashed.filter { written.contains($0.key) }
  }

  var place: String { "main.\(SQLText.identifier(shape.name.spelled))" }
  var keyNames: [String] { rowKey.columns.indices.map { "k\($0 + 1)" } }
  var handleNames: [String] { handle == rowKey.names ? keyNames : handle.indices.map { "h\($0 + 1)" } }

  /// The ledger's description of an archive of this table.
  ///
  /// - Parameters:
  ///   - text: the hash of the phase's text.
  ///   - wayBack: the SQL of the other direction. A value that it does not write comes back only if it is still as this
  ///     direction left it.
  ///   - lookups: the rows of other tables from which it computes values.
  func content(
    _ text: String, wayBack: WriteSet, _ lookups: [ArchiveContent.Lookup]
  ) -> ArchiveContent {
    let computed = wayBack.columns[shape.name.key] ?? []
    return ArchiveContent(
      text: text, key: rowKey, lookups: lookups,
      columns: remembered.map {
        ArchiveContent.Column(name: $0.spelled, after: $0.spelled, isTracked: !computed.contains($0.key))
      },
      successor: ArchiveContent.Successor(
        table: shape.name.spelled, key: rowKey.names, hashed: hashed.map(\.spelled)),
      hasGoneRows: false, isMoved: false, sources: ArchiveContent.Sources([]), counter: nil)
  }

  /// The SQL condition that a row of the table is in a batch; the parameters 1 and 2 are its ends.
  func range(of key: BatchKey, _ alias: String) -> String { "\(alias).\(key.sql) BETWEEN ?1 AND ?2" }

  /// The condition that a row of an archive belongs to a row of the table, written so that the archive is searched by
  /// its key: the plus removes a column's affinity and collation from the comparison
  /// (sqlite.org/datatype3.html#comparison_expressions).
  func match(_ archive: String, _ alias: String, _ key: RowKey) -> String {
    key.names.enumerated().map { index, name in
      "\(archive).k\(index + 1) = +\(alias).\(SQLText.identifier(name))"
    }.joined(separator: " AND ")
  }

  /// The same condition, written so that SQLite searches the table by its key.
  func found(_ archive: String, _ alias: String, _ key: RowKey) -> String {
    RowMatch.condition(key.names.map { SchemaName($0) }, in: shape, as: alias, against: archive)
  }

}

// MARK: - The rows of a batch

extension BatchTable {
  /// The temporary table for the copied rows of a batch, numbered in the order in which they were read.
  static let before = "phasedb_batch_before"

  private var columnsBefore: [String] {
    (handle == rowKey.names ? [] : handleNames) + keyNames + remembered.indices.map { "v\($0 + 1)" }
  }

  var definitionOfBefore: String {
    "CREATE TEMP TABLE IF NOT EXISTS \(Self.before) (\(columnsBefore.joined(separator: ", ")))"
  }

  /// The SELECT that copies the rows of a batch.
  func present(in key: BatchKey) -> String {
    let names =
      (handle == rowKey.names ? [] : handle) + rowKey.names + remembered.map(\.spelled)
    let list = names.map { "t.\(SQLText.identifier($0))" }.joined(separator: ", ")
    return "SELECT \(list) FROM \(place) AS t WHERE \(range(of: key, "t"))"
  }

  /// A join of the copied rows with their present state.
  var beside: String {
    let found = zip(handle, handleNames).map { "n.\(SQLText.identifier($0)) = +s.\($1)" }
    return "\(place) AS n ON \(found.joined(separator: " AND "))"
  }

  /// The SELECT for the numbers of copied rows that differ or are gone.
  var differing: String {
    let others = remembered.enumerated().map { index, column in
      RowMatch.differs("s.v\(index + 1)", "n.\(SQLText.identifier(column.spelled))")
    }
    let isGone = "n.\(SQLText.identifier(handle[0])) IS NULL"
    return
      "SELECT s.rowid FROM temp.\(Self.before) AS s LEFT JOIN \(beside) WHERE \(([isGone] + others).joined(separator: " OR "))"
  }
}
