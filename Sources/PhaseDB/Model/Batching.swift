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

/// How a batched phase spares the application that writes at the same time.
public struct Pacing: Sendable, Hashable {
  /// How long a batch should hold the write lock; the size of batches follows it.
  public var hold: Duration
  /// The least time between two batches; nil for 2 ms, or 1 ms while no other connection writes.
  public var pause: Duration?
  /// The most rows of a batch, at least 1.
  public var maximumRows: Int
  /// One SELECT; no batch starts while it returns a row.
  public var throttle: Script?
  /// No batch begins while a file of this name exists; nil for the database's name followed by `.pause`.
  public var pauseFile: String?

  /// The defaults, except where arguments say otherwise.
  public init(
    hold: Duration = .milliseconds(10), pause: Duration? = nil, maximumRows: Int = 100_000,
    throttle: Script? = nil, pauseFile: String? = nil
  ) {
    self.hold = hold
    self.pause = pause
    self.maximumRows = maximumRows
    self.throttle = throttle
    self.pauseFile = pauseFile
  }
}
