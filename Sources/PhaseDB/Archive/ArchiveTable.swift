internal import PhaseSQL
internal import PhaseSQLite

/// The table of one archive. Its columns are `k1`, `k2` … for the key, `v1`, `v2` … for the archived values, `w1`,
/// `w2` … for hashes of the values that replaced them, `rest` for the hash of the other columns after the transition,
/// and `gone` for whether the row was removed.
///
/// Columns have no declared type, so that SQLite does not convert values (sqlite.org/datatype3.html).
struct ArchiveTable {
  let name: String
  let isNumberKeyed: Bool
  let keys: [String]
  let values: [String]
  /// For each value the name of its hash column; nil when the value is not tracked.
  let marks: [String?]

  /// - Parameter tracked: for each value, whether it is tracked.
  init(_ name: String, key: RowKey, tracked: [Bool]) {
    self.name = name
    isNumberKeyed = key.isNumber
    keys = key.columns.indices.map { "k\($0 + 1)" }
    values = tracked.indices.map { "v\($0 + 1)" }
    marks = tracked.enumerated().map { $0.element ? "w\($0.offset + 1)" : nil }
  }

  init(_ record: ArchiveRecord, _ content: ArchiveContent) {
    self.init(record.tableName, key: content.key, tracked: content.columns.map(\.isTracked))
  }

  var columns: [String] { keys + values + marks.compactMap(\.self) + ["rest", "gone"] }

  /// The condition that rows of two tables with its key columns have the same key. SQLite searches the first one by it: the
  /// plus removes the affinity of the other, which would rule out an index without one
  /// (sqlite.org/datatype3.html#comparison_expressions).
  func sameKeys(_ one: String, _ other: String) -> String {
    keys.map { "\(one).\($0) = +\(other).\($0)" }.joined(separator: " AND ")
  }

  /// The condition that a row with its key columns is among the rows of a query. An archive with another key than a number
  /// has no index; SQLite makes one of such a query, once.
  ///
  /// - Parameters:
  ///   - more: further columns that both have.
  ///   - source: FROM and WHERE of the query, in which the table is `b`.
  func isAmong(_ row: String, _ more: String..., source: String) -> String {
    let columns = keys + more
    let own = columns.map { "\(row).\($0) COLLATE BINARY" }.joined(separator: ", ")
    let others = columns.map { "b.\($0)" }.joined(separator: ", ")
    return "(\(own)) IN (SELECT \(others) \(source))"
  }

  /// The negation of such a condition. NOT IN would look for NULL in every row of the query, for every row.
  static func not(_ isAmong: String) -> String { "CASE WHEN \(isAmong) THEN 0 ELSE 1 END" }

  var definition: String { "CREATE TABLE main.\(contents)" }

  /// The index for a key that is not the rowid.
  var indexDefinition: String { "CREATE INDEX main.\(index)" }

  var indexName: String { "\(name)_key" }

  /// The definitions as SQLite keeps them, without the schema.
  var storedDefinition: String { "CREATE TABLE \(contents)" }
  var storedIndexDefinition: String { "CREATE INDEX \(index)" }

  private var contents: String {
    let columns = columns.map { isNumberKeyed && $0 == "k1" ? "k1 INTEGER PRIMARY KEY" : $0 }
    return "\(name) (\(columns.joined(separator: ", ")))"
  }

  private var index: String { "\(indexName) ON \(name) (\(keys.joined(separator: ", ")))" }

  /// Inserts rows and computes their checksum at the same time, so that they need not be read again.
  ///
  /// - Parameter query: a SELECT that gives every column of the table by its name.
  func fill(from query: String, on connection: Connection) throws(SQLiteError) -> RowSum {
    // The LIMIT and the WHERE keep SQLite from merging the two queries, so that no hash is computed twice
    // (sqlite.org/optoverview.html#subquery_flattening).
    try fill(columns, from: "(\(query) LIMIT -1) WHERE true", on: connection)
  }

  /// The same without a query in a query, where all values but `rest` are cheap to read twice.
  ///
  /// - Parameters:
  ///   - values: the SQL of a value for each of ``columns``.
  ///   - source: the text after FROM.
  func fill(
    _ values: [String], from source: String, on connection: Connection
  ) throws(SQLiteError) -> RowSum {
    let sum = RowSumInSQL()
    // The function gives back its last argument, so `rest` is the last one.
    let order = columns.indices.filter { columns[$0] != "rest" } + [columns.count - 2]
    let names = order.map { columns[$0] }
    let given = order.map { values[$0] }
    try RowHash.define(Self.sumFunction, columns: names, adding: sum, on: connection)
    let selected = given.dropLast() + [RowHash.call(Self.sumFunction, given)]
    try connection.execute(
      """
      INSERT INTO main.\(name) (\(names.joined(separator: ", ")))
      SELECT \(selected.joined(separator: ", ")) FROM \(source)
      """)
    return sum.sum
  }

  /// The present checksum of its rows.
  func sum(on connection: Connection) throws(SQLiteError) -> RowSum {
    var rows = try connection.prepare("SELECT \(columns.joined(separator: ", ")) FROM main.\(name)")
    return try rows.sumOfRows(RowHasher(columns: columns))
  }

  private static let sumFunction = "phasedb_kept"
}
