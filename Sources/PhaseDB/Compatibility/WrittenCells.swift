internal import PhaseSQLite

/// The values that two versions wrote, each with the version that wrote it last.
struct WrittenCells {
  struct Cell: Hashable {
    let row: RowBook.Key
    let column: String
  }

  /// By the number of the version: 0 for the older, 1 for the newer.
  private(set) var values: [Cell: (version: Int, query: ApplicationQuery, value: Value)] = [:]
  /// For each row, the statement of each version that touched it last.
  private var toucher: [RowBook.Key: [Int: ApplicationQuery]] = [:]

  /// A value that is not there any more.
  struct Loss {
    let cell: Cell
    let version: Int
    let query: ApplicationQuery
    let before: Value
    /// Nil when the row is gone.
    let after: Value?

    var lines: [String] {
      ["in \(cell.row)", "written: \(before)", after.map { "now:     \($0)" } ?? "now:     the row is gone"]
    }
  }

  mutating func write(_ value: Value, to cell: Cell, by version: Int, _ query: ApplicationQuery) {
    values[cell] = (version, query, value)
  }

  mutating func touch(_ row: RowBook.Key, by version: Int, _ query: ApplicationQuery) {
    toucher[row, default: [:]][version] = query
  }

  /// The statement that wrote a cell last, or else, by the older version before the newer one, that touched its row.
  func author(of cell: Cell) -> (version: Int, query: ApplicationQuery)? {
    if let (version, query, _) = values[cell] { return (version, query) }
    return toucher[cell.row].flatMap { queries in
      queries.min { $0.key < $1.key }.map { (version: $0.key, query: $0.value) }
    }
  }

  mutating func forget(_ cell: Cell) { values[cell] = nil }

  mutating func forget(row: RowBook.Key) { values = values.filter { $0.key.row != row } }

  /// What is not as it was written, in an order that is always the same. Columns that are not there are no loss.
  ///
  /// - Parameter contents: rows that can be asked; a row that is not among them cannot.
  func losses(in contents: [RowBook.Key: RowBook.Row]) -> [Loss] {
    var losses: [Loss] = []
    for (cell, (version, query, value)) in values {
      guard let row = contents[cell.row] else { continue }
      if let row {
        guard let now = row[cell.column], now != value else { continue }
        losses.append(Loss(cell: cell, version: version, query: query, before: value, after: now))
      } else {
        losses.append(Loss(cell: cell, version: version, query: query, before: value, after: nil))
      }
    }
    return losses.sorted {
      ($0.cell.row.description, $0.cell.column) < ($1.cell.row.description, $1.cell.column)
    }
  }
}
