internal import PhaseSQLite

/// The table of a batched phase as its archive sees it: how rows are known, what is overwritten, what the rest of a row is.
struct BatchTable {
  let shape: TableShape
  let rowKey: RowKey
  /// Columns that one direction overwrites.
  let written: [Written]
  /// The columns over which the rest of a row is hashed.
  let hashed: [SchemaName]
  /// What the way back computes again; nil when that cannot be told.
  let recomputation: BatchRecomputation?

  struct Written {
    let name: SchemaName
    /// As SQL, for a column that came with the same migration: its default is no value to be kept. Nil for any other.
    let empty: String?
  }

  /// - Parameter wayBack: the SQL of the other direction.
  /// - Returns: nil when rows cannot be told apart, which no table with a key for batches comes to.
  init?(
    _ plan: BatchPlan, wayBack: Script, isYoung: (SchemaName) -> Bool, on connection: Connection
  ) throws(SQLiteError) {
    guard let shape = try TableShape(SchemaName(plan.key.table), on: connection),
      let rowKey = try RowKey(of: shape, on: connection)
    else { return nil }
    self.shape = shape
    self.rowKey = rowKey
    let keys = Set(rowKey.names.map { SchemaName($0) })
    hashed = shape.stored.map(\.name).filter { !keys.contains($0) }
    let columns = plan.writes.columns[plan.key.table.folded] ?? []
    written = shape.stored.filter { columns.contains($0.name.key) && !keys.contains($0.name) }.map { column in
      Written(name: column.name, empty: isYoung(column.name) ? Self.literal(column.defaultValue) : nil)
    }
    recomputation = try BatchRecomputation(
      of: wayBack, after: plan, shape, columns: written.map(\.name), written: columns, on: connection)
  }

  /// A default that is a value; nil when it cannot be told without asking for it.
  private static func literal(_ value: String?) -> String? {
    guard let value else { return "NULL" }
    let isLiteral = SQLTokens(value).allSatisfy {
      [.number, .string, .blob, .punctuation, .space].contains($0.kind)
    }
    return isLiteral ? "(\(value))" : nil
  }

  var place: String { "main.\(SQLText.identifier(shape.name.spelled))" }
  var keyNames: [String] { rowKey.columns.indices.map { "k\($0 + 1)" } }
  var valueNames: [String] { written.indices.map { "v\($0 + 1)" } }

  /// What the ledger says of an archive of it.
  ///
  /// - Parameter text: the hash of the phase's text.
  func content(_ text: String) -> ArchiveContent {
    ArchiveContent(
      text: text, key: rowKey, lookups: [],
      columns: written.map {
        ArchiveContent.Column(name: $0.name.spelled, after: $0.name.spelled, isTracked: false)
      },
      successor: ArchiveContent.Successor(
        table: shape.name.spelled, key: rowKey.names, hashed: hashed.map(\.spelled)),
      hasGoneRows: false, isMoved: false, sources: ArchiveContent.Sources([]), counter: nil)
  }

  /// The condition that a row of the table is in a batch, whose ends are the parameters 1 and 2.
  func range(of key: BatchKey, _ alias: String) -> String { "\(alias).\(key.sql) BETWEEN ?1 AND ?2" }

  /// The condition that a row of an archive is one of the table, so that the archive is looked into by its key: the plus
  /// takes a column's affinity and collation out of the comparison (sqlite.org/datatype3.html#comparison_expressions).
  func match(_ archive: String, _ alias: String) -> String {
    rowKey.names.enumerated().map { index, name in
      "\(archive).k\(index + 1) = +\(alias).\(SQLText.identifier(name))"
    }.joined(separator: " AND ")
  }

  /// The hash of the rest of a row.
  func hash(_ alias: String, _ function: String) -> String {
    Connection.rowHashCall(function, hashed.map { "\(alias).\(SQLText.identifier($0.spelled))" })
  }

  /// Keys and values of the rows of a batch that have something to be kept.
  func presentValues(of key: BatchKey) -> String {
    let alias = recomputation?.alias ?? "t"
    let keys = rowKey.names.map { "\(alias).\(SQLText.identifier($0))" }
    let values = written.map { "\(alias).\(SQLText.identifier($0.name.spelled))" }
    var query =
      "SELECT \((keys + values).joined(separator: ", ")) FROM \(place) AS \(alias) WHERE \(range(of: key, alias))"
    let told = zip(written, values).compactMap { column, value in column.empty.map { "\(value) IS NOT \($0)" }
    }
    if told.count == written.count { query += " AND (\(told.joined(separator: " OR ")))" }
    if let recomputation { query += " AND NOT (\(recomputation.isSame))" }
    return query
  }

  /// Of those, the rows whose values are others now, as a query for the archive.
  func difference(_ before: String, _ function: String) -> String {
    let keys = keyNames.map { "s.\($0) AS \($0)" }
    let values = valueNames.map { "s.\($0) AS \($0)" }
    let others = zip(written, valueNames).map { column, value in
      let present = "n.\(SQLText.identifier(column.name.spelled))"
      // What compares as equal may be of another type.
      return "s.\(value) IS NOT \(present) OR typeof(s.\(value)) <> typeof(\(present))"
    }
    let columns = keys + values + ["\(hash("n", function)) AS rest", "0 AS gone"]
    let found = rowKey.names.enumerated().map { index, name in
      "n.\(SQLText.identifier(name)) = +s.k\(index + 1)"
    }
    return """
      SELECT \(columns.joined(separator: ", ")) FROM \(before) AS s JOIN \(place) AS n
      ON \(found.joined(separator: " AND ")) WHERE \(others.joined(separator: " OR "))
      """
  }
}
