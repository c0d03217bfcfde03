internal import PhaseSQL
internal import PhaseSQLite

/// A row that an older version inserts after a backfill, and what the backfill would still change in it.
///
/// SQLite's authorizer reports which columns a trigger can write, but it does not evaluate the trigger's WHEN. So
/// this inserts a row and runs the backfill again.
struct NewbornRow {
  private let table: String
  /// The columns that the older version knows.
  private let known: [ColumnDefinition]

  init(in table: String, knowing known: [ColumnDefinition]) {
    self.table = table
    // A generated column cannot be written, and SQLite chooses the key of a rowid table.
    self.known = known.filter { !$0.isGenerated && !$0.isRowIDAlias }
  }

  /// The columns that nothing fills when the row is inserted, and that SQL then fills. Everything is rolled back.
  ///
  /// - Returns: their names; empty also when no row could be made that the table accepts.
  func columnsLeft(
    to phase: Phase, of columns: [ColumnDefinition], on connection: Connection
  ) -> Set<FoldedName> {
    do {
      let discipline = try ConnectionDiscipline.begin(on: connection)
      return try discipline.whileInForce { () throws(MigrationError) in
        try lifting("trying a row") { () in
          try connection.execute("PRAGMA ignore_check_constraints = ON")
          defer { try? connection.execute("PRAGMA ignore_check_constraints = OFF") }
          let transaction = try connection.begin()
          let left = try columnsLeft(to: phase, columns, connection)
          try transaction.rollBack()
          return left
        }
      }
    } catch {
      return []
    }
  }

  private func columnsLeft(
    to phase: Phase, _ columns: [ColumnDefinition], _ connection: Connection
  ) throws -> Set<FoldedName> {
    let table = "main.\(SQLText.identifier(table))"
    guard try connection.value("SELECT 1 FROM \(table)") == nil else { return [] }
    let names = known.map { SQLText.identifier($0.name.spelled) }.joined(separator: ", ")
    let values = known.map(Self.sample).joined(separator: ", ")
    try connection.execute(
      known.isEmpty
        ? "INSERT INTO \(table) DEFAULT VALUES" : "INSERT INTO \(table) (\(names)) VALUES (\(values))")
    let query =
      "SELECT \(columns.map { SQLText.identifier($0.name.spelled) }.joined(separator: ", ")) FROM \(table)"
    let born = try connection.rows(query)
    let batch = try phase.batching.map { try wholeBatch($0, connection) } ?? [:]
    try connection.execute(script: phase.up.text, binding: batch)
    let filled = try connection.rows(query)
    // A value that changes with every run, such as a random token, proves nothing.
    try connection.execute(script: phase.up.text, binding: batch)
    let again = try connection.rows(query)
    guard born.count == 1, filled.count == 1, again.count == 1 else { return [] }
    return Set(
      try columns.enumerated().filter { index, column in
        let unfilled = try column.defaultValue.flatMap { try connection.value("SELECT \($0.text)") } ?? .null
        return born[0][index] == unfilled && filled[0][index] != unfilled
          && filled[0][index] == again[0][index]
      }.map(\.element.name.key))
  }

  /// The first and last key of a batch that covers every row.
  private func wholeBatch(
    _ batching: Batching, _ connection: Connection
  ) throws(SQLiteError) -> KeyValuePairs<String, Value> {
    var ends: [Value] = []
    if case .success(let key) = try BatchKey.find(batching, on: connection) {
      ends = try connection.rows("SELECT min(\(key.sql)), max(\(key.sql)) FROM \(key.tableSQL)").first ?? []
    }
    return [Batching.first: ends.first ?? .null, Batching.last: ends.last ?? .null]
  }

  /// A value that a column of this type accepts, as SQL.
  private static func sample(of column: ColumnDefinition) -> String {
    switch column.type.affinity {
    case .integer: "7"
    case .text: "'some text'"
    case .blob: column.type.declared == nil ? "'some text'" : "x'07'"
    case .real, .numeric: "7.5"
    }
  }
}

/// The rows that an older version writes. It knows the table as it was before the phase, so new columns get their
/// defaults.
struct OldWriter {
  /// As it was before the phase.
  let table: TableDefinition
  private let added: [ColumnDefinition]
  private let connection: Connection

  /// nil for a table that the phase makes.
  init?(of table: SchemaName, in trial: PhaseTrial) {
    guard let old = trial.before.table(table), let new = trial.after.table(table) else { return nil }
    self.table = old
    added = new.columns.filter { old.column($0.name) == nil }
    connection = trial.connection
  }

  /// Whether some row of such a version is known to meet a condition.
  ///
  /// If the phase adds no columns, the answer is yes. Otherwise values of every kind are tried, the same value in all
  /// known columns. A condition that none of them meets does not count as a restriction.
  func canMake(_ condition: String) -> Bool {
    let names = SQLFragment(condition).names
    let unknown = added.filter { names.contains($0.name) }
    guard !unknown.isEmpty else { return true }
    // A NOT NULL column has a value in every row.
    let known = table.columns.map { column in
      "\(column.isNotNull ? "coalesce(v, 0)" : "v") AS \(SQLText.identifier(column.name.spelled))"
    }
    let born = unknown.map { column in
      let value =
        column.generation.map { "(\($0.expression))" } ?? column.defaultValue.map { "(\($0))" } ?? "NULL"
      return "\(value) AS \(SQLText.identifier(column.name.spelled))"
    }
    // Generated columns and defaults may use other columns, so they are computed in an inner query.
    let sql = """
      SELECT EXISTS (SELECT 1 FROM (SELECT *, \(born.joined(separator: ", ")) FROM (SELECT \(known.joined(separator: ", "))
      FROM (SELECT NULL AS v UNION ALL VALUES (0), (1), (-1), (1000000), (0.5), (''), ('x'), ('2000-01-01'), (x'00'))))
      WHERE \(condition))
      """
    guard let value = try? connection.value(sql) else { return false }
    return value == .integer(1)
  }
}
