internal import PhaseSQL
internal import PhaseSQLite

/// A column or table that a contract takes out of use. It is not dropped but renamed, until the phase comes down or
/// is purged.
package struct Retirement: Sendable, Hashable {
  /// The table, or the table of the column.
  package let table: String
  /// nil when it is the whole table.
  package let column: String?
  /// Where it is written; nil when it was made in Swift.
  package let place: Place?

  /// A column taken out of use, or a whole table without one.
  package init(table: String, column: String? = nil, at place: Place? = nil) {
    self.table = table
    self.column = column
    self.place = place
  }

  /// The place is not compared.
  package static func == (left: Retirement, right: Retirement) -> Bool {
    left.table.folded == right.table.folded && left.column?.folded == right.column?.folded
  }

  package func hash(into hasher: inout Hasher) {
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
