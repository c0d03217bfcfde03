internal import PhaseSQL
internal import PhaseSQLite

/// What a table held at a moment, to be told later whether any of its rows were added, deleted or changed.
struct TableContent: Codable, Sendable, Hashable {
  let table: String
  let rows: Int
  /// nil for a table that is too large to be read each time.
  let sum: String?

  /// Up to how many rows of a table are read to tell whether any has changed; of larger ones the rows are counted.
  static let mostRowsRead = 100_000

  /// How many rows have come, gone or changed, as far as a count and a sum of all of them tell; nil when none has.
  func change(to other: TableContent?) -> Prose? {
    guard let other else { return "\(table) is gone" }
    if let sum, sum == other.sum { return nil }
    if other.rows != rows || sum != nil {
      return
        "at least \(DetailLines.rows(max(1, abs(other.rows - rows)))) of \(table) were added, deleted or changed"
    }
    return
      "it is unknown whether rows of \(table) changed, because it has more than \(DetailLines.rows(Self.mostRowsRead))"
  }
}

extension TableContent {
  /// - Returns: nil when there is no such table.
  init?(_ name: SchemaName, on connection: Connection) throws(SQLiteError) {
    guard let table = try Table(name, on: connection) else { return nil }
    self.table = table.name.spelled
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    rows = Int(try connection.value("SELECT count(*) FROM \(place)")?.integer ?? 0)
    sum = rows <= Self.mostRowsRead ? try connection.sum(of: table).text : nil
  }
}
