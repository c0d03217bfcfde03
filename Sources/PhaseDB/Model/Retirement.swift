internal import PhaseSQL
internal import PhaseSQLite

/// A column or a table that a contract takes out of use without destroying it: it is renamed, until its phase comes down
/// or is purged.
public struct Retirement: Sendable, Hashable {
  /// The table, or the table of the column.
  public let table: String
  /// nil when it is the whole table.
  public let column: String?
  /// Where it is written; nil when it was made in Swift.
  public let place: Place?

  /// A column taken out of use, or a whole table without one.
  public init(table: String, column: String? = nil, at place: Place? = nil) {
    self.table = table
    self.column = column
    self.place = place
  }

  /// The place is not compared.
  public static func == (left: Retirement, right: Retirement) -> Bool {
    left.table.folded == right.table.folded && left.column?.folded == right.column?.folded
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(table.folded)
    hasher.combine(column?.folded)
  }
}

extension Retirement {
  /// `customers.full_name`
  var title: String { table + (column.map { ".\($0)" } ?? "") }

  /// Whether another retirement is the same, or is of a column of this table.
  func covers(_ other: Retirement) -> Bool {
    table.folded == other.table.folded
      && (column == nil || column?.folded == other.column?.folded)
  }
}
