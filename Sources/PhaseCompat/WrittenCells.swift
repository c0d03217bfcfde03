internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// The values that two versions wrote, each with the version that wrote it last.
struct WrittenCells {
  struct Cell: Hashable {
    let row: TouchedRows.Key
    let column: FoldedName
  }

  /// By the number of the version: 0 for the older, 1 for the newer.
  private var values: [TouchedRows.Key: [FoldedName: (version: Int, query: ApplicationQuery, value: Value)]] =
    [:]
  /// For each row, the statement of each version that touched it last.
  private var toucher: [TouchedRows.Key: [Int: ApplicationQuery]] = [:]

  /// A value that is no longer there.
  struct Loss {
    let cell: Cell
    let version: Int
    let query: ApplicationQuery
    let before: Value
    /// Nil when the row is gone.
    let after: Value?

    var lines: [Prose] {
      ["in \(cell.row)", "written: \(before)", after.map { "now:     \($0)" } ?? "now:     the row is gone"]
    }
  }

  mutating func write(_ value: Value, to cell: Cell, by version: Int, _ query: ApplicationQuery) {
    values[cell.row, default: [:]][cell.column] = (version, query, value)
  }

  mutating func touch(_ row: TouchedRows.Key, by version: Int, _ query: ApplicationQuery) {
    toucher[row, default: [:]][version] = query
  }

  /// The statement that wrote a cell last; if there is none, the one that touched its row, first of the older version.
  func author(of cell: Cell) -> (version: Int, query: ApplicationQuery)? {
    if let (version, query, _) = values[cell.row]?[cell.column] { return (version, query) }
    return toucher[cell.row].flatMap { queries in
      queries.min { $0.key < $1.key }.map { (version: $0.key, query: $0.value) }
    }
  }

  /// Whether a version wrote this very cell.
  func holds(_ cell: Cell) -> Bool { values[cell.row]?[cell.column] != nil }

  mutating func forget(_ cell: Cell) { values[cell.row]?[cell.column] = nil }

  mutating func forget(row: TouchedRows.Key) { values[row] = nil }

  /// The values that are no longer as written, in a fixed order. A missing column is no loss.
  ///
  /// - Parameter contents: the rows that can be read; other rows are not judged.
  func losses(in contents: [TouchedRows.Key: TouchedRows.Row]) -> [Loss] {
    var losses: [Loss] = []
    for (key, row) in contents {
      for (column, (version, query, value)) in values[key] ?? [:] {
        let now = row?[column]
        // A column that is not there, in a row that is.
        if row != nil, now == nil || now == value { continue }
        losses.append(
          Loss(
            cell: Cell(row: key, column: column), version: version, query: query, before: value, after: now))
      }
    }
    return losses.sorted {
      ($0.cell.row.description, $0.cell.column) < ($1.cell.row.description, $1.cell.column)
    }
  }
}
