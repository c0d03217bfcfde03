internal import PhaseSQL
internal import PhaseSQLite

/// How rows of a table are found by the keys in an archive.
enum RowMatch {
  /// The condition under which a row of a table is that of an archive.
  ///
  /// - Parameters:
  ///   - names: what the key's columns are called in the table.
  ///   - alias: what the table is called in the statement.
  ///   - archive: what is called so in it and holds `k1`, `k2` …
  ///   - columns: others of the archive's columns to compare with.
  static func condition(
    _ names: [SchemaName], in table: Table, as alias: String, against archive: String,
    columns: [String]? = nil
  ) -> String {
    names.enumerated().map { index, name in
      // As the table's key compares, so that its index is used; and with the column's affinity, because the
      // plus takes the affinity of the archive's column away (sqlite.org/datatype3.html#comparison_expressions).
      let collation = table.primaryKey?.columns.first { SchemaName($0.name) == name }?.collation
      let compared = collation.map { " COLLATE \(SQLText.identifier($0))" } ?? ""
      let key = columns?[index] ?? "k\(index + 1)"
      return "\(alias).\(SQLText.identifier(name.spelled))\(compared) = +\(archive).\(key)"
    }.joined(separator: " AND ")
  }

  /// The condition under which a value is not the one that is kept: what compares as equal may be of another type. A column
  /// of phasedb's own stands on the left, which has neither affinity nor collation.
  static func differs(_ kept: String, _ present: String) -> String {
    "(\(kept) IS NOT \(present) OR typeof(\(kept)) <> typeof(\(present)))"
  }
}

/// Rows of a table that are taken out together and put in together, so that their unique values do not conflict meanwhile.
struct RowReplacement {
  let table: Table
  /// By column, or name of the rowid, the SQL of its new value; the others keep theirs.
  let values: [SchemaName: String]
  /// What follows FROM: it gives a row for each that is to be there, with the one that is there now, if any, as `t`.
  let from: String

  /// - Returns: how many rows were put in.
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
    // A row that SQLite gives a rowid must not get one that another row here has.
    try connection.execute(
      "INSERT INTO \(place) (\(list)) SELECT \(stage) FROM temp.\(Self.stage) ORDER BY c1 IS NULL")
    return connection.changes
  }

  private static let stage = "phasedb_stage"
}
