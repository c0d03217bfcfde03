/// How a migrate phase is cut into batches: the table whose rows it goes through, and the column that orders them.
package struct Batching: Sendable, Hashable {
  /// The table whose keys the batches follow.
  package let table: String
  /// The column whose order is followed; nil for the table's own key.
  package let column: String?

  /// Batches over the keys of a table.
  ///
  /// - Parameter column: nil for its primary key or rowid.
  package init(table: String, by column: String? = nil) {
    self.table = table
    self.column = column
  }
}

extension Batching {
  /// The parameters that name the first and the last key of a batch in the SQL of both directions.
  static let first = ":first"
  static let last = ":last"
}
