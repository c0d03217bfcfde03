internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// The order that a SELECT asks for. Without one, SQLite may return rows in any order, which may differ with the
/// schema.
struct RowOrder: Sendable {
  /// The columns of the result that rows are ordered by; nil when they are ordered by something else.
  private let keys: [Int]?

  /// Reads the ORDER BY at the outermost level of a statement.
  ///
  /// - Parameter columns: the names of its result.
  /// - Returns: nil when there is no ORDER BY.
  init?(of sql: String, columns: [String]) {
    let words = SQLWord.all(in: sql)
    guard let order = words.outermost.last(where: { words.has("order", "by", at: $0) }) else { return nil }
    let end = words.outermost.first { $0 > order && (words[$0].is("limit") || words[$0].is(";")) }
    let folded = columns.map(\.folded)
    var keys: [Int]? = []
    for term in words.items(in: (order + 2)..<(end ?? words.count)) {
      if let key = Self.column(term, in: folded) { keys?.append(key) } else { keys = nil }
    }
    self.keys = keys
  }

  /// The column that a term names: by its name, with or without that of a table, or by its number.
  private static func column(_ term: [SQLWord], in columns: [FoldedName]) -> Int? {
    var term = term[...]
    while let last = term.last, ["asc", "desc", "first", "last", "nulls"].contains(last.text) {
      term.removeLast()
    }
    if term.count == 1, let word = term.first, word.kind == .number, let number = Int(word.text.text) {
      return columns.indices.contains(number - 1) ? number - 1 : nil
    }
    guard let name = term.last, name.isName,
      term.count == 1 || (term.count == 3 && term.dropFirst().first?.is(".") == true)
    else { return nil }
    let places = columns.indices.filter { columns[$0] == name.text }
    return places.count == 1 ? places[0] : nil
  }

  /// Whether two lists of the same rows are in the same order. If the columns of the order are known, rows with equal
  /// values there may be in any order.
  func isSame(_ left: [[Value]], _ right: [[Value]]) -> Bool {
    guard let keys else { return left == right }
    return zip(left, right).allSatisfy { one, other in
      keys.allSatisfy { !one.indices.contains($0) || one[$0] == other[$0] }
    }
  }
}
