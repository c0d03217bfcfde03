internal import PhaseSQL
internal import PhaseSQLite

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
