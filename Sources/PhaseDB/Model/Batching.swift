/// How a migrate phase is cut into batches: the table whose rows it goes through, and the column that orders them.
public struct Batching: Sendable, Hashable {
  public let table: String
  /// The column whose order is followed; nil for the table's own key.
  public let column: String?

  public init(table: String, by column: String? = nil) {
    self.table = table
    self.column = column
  }
}

extension Batching {
  /// What the SQL of both directions calls the ends of the range of keys that a batch works on, both of them included.
  static let first = ":first"
  static let last = ":last"
}
