internal import PhaseSQL
internal import PhaseSQLite

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
      "INSERT INTO \(place) (\(list)) SELECT \(stage) FROM temp.\(Self.stage) ORDER BY c1 IS NULL")
    return connection.changes
  }

  private static let stage = "phasedb_stage"
}
