internal import PhaseSQL
internal import PhaseSQLite

/// Searches the words of a statement for how it finds rows of another table.
struct LookupWords {
  private let words: [SQLWord]

  init(_ words: [SQLWord]) { self.words = words }

  /// The columns of another table that must be equal to columns of the table that is written.
  ///
  /// - Parameters:
  ///   - table: the other table, folded.
  ///   - own: the table that is written, folded.
  /// - Returns: nil when the table is not named exactly once, or a word such as OR means that an equality need not
  ///   hold.
  func pairs(of table: FoldedName, with own: FoldedName) -> [(there: FoldedName, here: FoldedName)]? {
    guard words.first?.is("update") == true, !words.contains(where: { isLoose($0) }) else { return nil }
    let places = words.indices.dropFirst().filter { index in
      (words[index - 1].is("from") || words[index - 1].is("join") || words[index - 1].is(","))
        && words.qualifiedName(at: index).map { words[$0.name].text == table } == true
    }
    guard places.count == 1, let name = words.qualifiedName(at: places[0]) else { return nil }
    let names = [table, alias(at: name.end)].compactMap(\.self)
    var pairs: [(there: FoldedName, here: FoldedName)] = []
    for index in words.indices.dropFirst()
    where ["where", "and", "on"].contains(where: { words[index - 1].is($0) }) {
      guard let left = column(at: index), let mark = equality(at: left.end), let right = column(at: mark)
      else {
        continue
      }
      if names.contains(left.table), right.table == own { pairs.append((left.column, right.column)) }
      if left.table == own, names.contains(right.table) { pairs.append((right.column, left.column)) }
    }
    return pairs
  }

  /// Words that make an equality optional.
  private func isLoose(_ word: SQLWord) -> Bool {
    ["or", "not", "case", "union", "except", "intersect", "with"].contains { word.is($0) }
  }

  private func alias(at index: Int) -> FoldedName? {
    if words.has("as", at: index), words.indices.contains(index + 1) { return words[index + 1].text }
    guard words.indices.contains(index), words[index].isName,
      !["where", "join", "on", "set", "order", "limit", "group", "left", "inner", "cross", "natural"]
        .contains(where: { words[index].is($0) })
    else { return nil }
    return words[index].text
  }

  /// `table.column`
  private func column(at index: Int) -> (table: FoldedName, column: FoldedName, end: Int)? {
    guard words.indices.contains(index + 2), words[index].isName, words[index + 1].is("."),
      words[index + 2].isName
    else { return nil }
    return (words[index].text, words[index + 2].text, index + 3)
  }

  /// The index behind `=`, `==` or `IS`.
  private func equality(at index: Int) -> Int? {
    if words.has("=", at: index) || words.has("==", at: index) || words.has("is", at: index) {
      return index + 1
    }
    return nil
  }
}
