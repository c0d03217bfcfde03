internal import PhaseSQL
internal import PhaseSQLite

/// A count and a checksum of a table at one moment, to find out later whether rows were added, deleted or changed.
struct TableContent: Codable, Sendable, Hashable {
  let table: String
  let rows: Int
  /// The checksum of its rows; nil for a table that is too large to be read every time.
  let sum: String?

  /// The most rows that are read to find changes; in larger tables rows are only counted.
  static let mostRowsRead = 100_000

  /// Whether rows were added, deleted or changed, judged by count and checksum, as a sentence; nil when none were.
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
    try self.init(of: table, on: connection)
  }

  init(of table: Table, on connection: Connection) throws(SQLiteError) {
    self.table = table.name.spelled
    let place = "main.\(SQLText.identifier(table.name.spelled))"
    rows = Int(try connection.value("SELECT count(*) FROM \(place)")?.integer ?? 0)
    sum = rows <= Self.mostRowsRead ? try table.sum(on: connection).text : nil
  }
}
