internal import PhaseSQL
internal import PhaseSQLite

/// A constraint that a way back brings back, and the present rows that break it.
struct BrokenConstraint: Hashable, Sendable {
  /// The table, as it is called now.
  let table: String
  /// `UNIQUE (email)`, `NOT NULL of email`
  let constraint: String
  /// Up to ten of the rows, by their keys.
  let rows: [String]
  let isMore: Bool
  /// What an operator can do about them.
  let opening: Prose

  var sentence: Prose { "\(constraint) of \(table)" }
  var lines: [Prose] { rows.map { Prose($0) } + (isMore ? ["… and more"] : []) }
}

/// A constraint as a question to the present rows.
struct FormerConstraint {
  let title: String
  /// Follows `SELECT key FROM t AS t`.
  let condition: String
  /// What an operator can do about rows that break it.
  var opening: Prose = "change or delete these rows, then run the command again"

  /// Asks for the rows that break it. A question that SQLite does not take is none.
  func broken(in table: TableShape, on connection: Connection) throws(SQLiteError) -> BrokenConstraint? {
    let key = try RowKey(of: table, on: connection)
    let names = key?.names ?? table.stored.map(\.name.spelled)
    let shown = names.map { "quote(t.\(SQLText.identifier($0)))" }.joined(separator: " || ', ' || ")
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    guard
      let statement = try? connection.prepare(
        "SELECT \(shown) FROM \(place) AS t WHERE \(condition) ORDER BY 1 LIMIT \(DetailLines.limit + 1)")
    else { return nil }
    var rows = statement
    var keys: [String] = []
    while try rows.step() { keys.append("\(names.joined(separator: ", ")) = \(rows.text(at: 0))") }
    guard !keys.isEmpty else { return nil }
    return BrokenConstraint(
      table: table.name.spelled, constraint: title, rows: Array(keys.prefix(DetailLines.limit)),
      isMore: keys.count > DetailLines.limit, opening: opening)
  }
}
