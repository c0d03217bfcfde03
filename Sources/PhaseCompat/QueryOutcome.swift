internal import PhaseDB
internal import PhaseSQLite

/// How one run of a statement ended.
enum QueryOutcome: Sendable, Hashable {
  case failed(code: ResultCode, message: String)
  case done(QueryResult)

  /// The first rows that it returned; none when it failed.
  var rows: [[Value]] {
    if case .done(let result) = self { result.rows } else { [] }
  }
}

/// The result of a statement.
struct QueryResult: Sendable, Hashable {
  /// The first rows.
  private(set) var rows: [[Value]] = []
  /// How many there are.
  private(set) var count = 0
  /// The sum of the hashes of rows that are not kept.
  private var rest = 0
  /// How many rows it changed, as the application is told; nil for a statement that changes none.
  var changes: Int?
  /// The last rowid, as the application is told after an INSERT.
  var lastInsertRowID: Int64?

  /// The most rows that are kept; of further rows only the sum of their hashes is.
  static let kept = 1_000

  /// Adds all rows of a statement. While they equal the expected ones, none is copied.
  mutating func add(rowsOf statement: inout Statement, like expected: [[Value]]) throws(SQLiteError) {
    var same = 0
    var isMore = try statement.step()
    while isMore, same < expected.count, statement.isRow(expected[same]) {
      same += 1
      isMore = try statement.step()
    }
    rows = same == expected.count ? expected : Array(expected.prefix(same))
    count = same
    while isMore {
      count += 1
      if rows.count < Self.kept {
        rows.append((0..<statement.columnCount).map { statement.value(at: $0) })
      } else {
        rest &+= statement.rowHash
      }
      isMore = try statement.step()
    }
  }

  /// Whether the rows that are not kept are the same, in whatever order.
  func hasSameRest(as other: QueryResult) -> Bool { count == other.count && rest == other.rest }
}
