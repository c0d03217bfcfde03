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
