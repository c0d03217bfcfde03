internal import PhaseSQL
internal import PhaseSQLite

/// The SQL conditions that match rows of a table with rows of an archive.
enum RowMatch {
  /// The condition that finds one row by its key, as a person types it: `id = 7`.
  static func title(_ names: [String], _ values: [Value]) -> String {
    zip(names, values).map { name, value in
      value == .null ? "\(SQLName(name)) IS NULL" : "\(SQLName(name)) = \(value.typed)"
    }.joined(separator: " AND ")
  }

  /// The condition that a row of a table has the key of an archived row.
  ///
  /// - Parameters:
  ///   - names: the names of the key's columns in the table.
  ///   - alias: the name of the table in the statement.
  ///   - archive: the name in the statement of the table with `k1`, `k2` …
  ///   - columns: other columns of the archive to compare with.
  static func condition(
    _ names: [SchemaName], in table: Table, as alias: String, against archive: String,
    columns: [String]? = nil
  ) -> String {
    names.enumerated().map { index, name in
      // The comparison uses the collation and affinity of the table's key, so that SQLite uses its index. The plus
      // removes the affinity of the archive's column (sqlite.org/datatype3.html#comparison_expressions).
      let collation = table.primaryKey?.columns.first { SchemaName($0.name) == name }?.collation
      let compared = collation.map { " COLLATE \(SQLText.identifier($0))" } ?? ""
      let key = columns?[index] ?? "k\(index + 1)"
      return "\(alias).\(SQLText.identifier(name.spelled))\(compared) = +\(archive).\(key)"
    }.joined(separator: " AND ")
  }

  /// The condition that a present value differs from an archived one, type included: values that compare as equal may
  /// have different types. The archived value is on the left, because its column has neither affinity nor collation.
  static func differs(_ kept: String, _ present: String) -> String {
    "(\(kept) IS NOT \(present) OR typeof(\(kept)) <> typeof(\(present)))"
  }
}

/// Replaces rows of a table all at once: it deletes them together and inserts them together, so that their unique
/// values do not conflict meanwhile.
struct RowReplacement {
  let table: Table
  /// The SQL of the new value of each column or rowid name. Other columns keep their values.
  let values: [SchemaName: String]
  /// The text after FROM. It gives one row for each new row, with the present row, if there is one, as `t`.
  let from: String

  /// - Returns: how many rows were inserted.
  func run(on connection: Connection) throws(SQLiteError) -> Int {
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    let rowID = table.primaryKey?.form == .integer ? nil : table.rowIDName.map { SchemaName($0) }
    let targets = (rowID.map { [$0] } ?? []) + table.stored.map(\.name)
    let list = targets.map { SQLText.identifier($0.spelled) }.joined(separator: ", ")
    let read = targets.map { values[$0] ?? "t.\(SQLText.identifier($0.spelled))" }
    let stage = read.indices.map { "c\($0 + 1)" }.joined(separator: ", ")
    let key = table.anyRowIDName.map { [$0] } ?? (table.primaryKey?.names ?? []).map(SQLText.identifier)
    let old = key.indices.map { "k\($0 + 1)" }.joined(separator: ", ")
    try connection.drop("temp.\(Self.stage)")
    try connection.execute("CREATE TEMP TABLE \(Self.stage) (\(stage), \(old))")
    defer { try? connection.drop("temp.\(Self.stage)") }
    try connection.execute(
      """
      INSERT INTO temp.\(Self.stage)
      SELECT \((read + key.map { "t.\($0)" }).joined(separator: ", ")) FROM \(from)
      """)
    let isStaged = key.count == 1 ? key[0] : "(\(key.joined(separator: ", ")))"
    try connection.execute(
      "DELETE FROM \(place) WHERE \(isStaged) IN (SELECT \(old) FROM temp.\(Self.stage))")
    // A row to which SQLite gives a rowid must not get the rowid of another row here.
    try connection.execute(
      "INSERT OR ABORT INTO \(place) (\(list)) SELECT \(stage) FROM temp.\(Self.stage) ORDER BY c1 IS NULL")
    return connection.changes
  }

  private static let stage = "phasedb_stage"
}
