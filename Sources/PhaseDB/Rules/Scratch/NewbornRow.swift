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
