internal import PhaseSQL
internal import PhaseSQLite

/// `INSERT INTO t (a, b) SELECT x, y + 1 FROM u`: which columns of which table an INSERT copies unchanged.
struct PlainCopy {
  /// The table that is read: folded, as written.
  let source: FoldedName
  /// For each listed column, or for each column of the table, the column from which it is copied; nil for an
  /// expression.
  let columns: [FoldedName?]
  /// The positions of columns that get a bare NULL, as a column without a value does.
  let nulls: Set<Int>
  /// Whether the SELECT has `*`.
  let isStar: Bool
  /// Whether every row is copied, and no conflict clause skips rows.
  let isWhole: Bool

  /// - Parameters:
  ///   - words: an INSERT.
  ///   - start: the index behind its table and its list of columns.
  /// - Returns: nil for one that reads several tables or none.
  init?(_ words: [SQLWord], selectingAt start: Int) {
    guard words.has("select", at: start) else { return nil }
    guard let from = words.outermost.first(where: { $0 > start && words[$0].is("from") }),
      let table = words.qualifiedName(at: from + 1)
    else { return nil }
    let items = words.items(in: (start + 1)..<from)
    source = words[table.name].text
    var end = table.end
    if words.has("as", at: end) { end += 2 }
    if words.indices.contains(end), words[end].isName, !Self.clauses.contains(where: { words[end].is($0) }) {
      guard words[end].kind != .word || !Self.joins.contains(words[end].text) else { return nil }
      end += 1
    }
    let rest = words[end...].filter { !$0.is(";") }
    guard rest.first.map({ word in Self.clauses.contains { word.is($0) } }) ?? true else { return nil }
    isStar =
      items.count == 1 && (items[0].count == 1 || items[0].count == 3) && items[0].last?.is("*") == true
    nulls = Set(items.indices.filter { items[$0].count == 1 && items[$0][0].is("null") })
    columns = items.map { item in
      if item.count == 1, item[0].isName, item[0].kind != .string, !item[0].is("null") { return item[0].text }
      if item.count == 3, item[0].isName, item[1].is("."), item[2].isName { return item[2].text }
      return nil
    }
    // ORDER BY does not leave out rows.
    let leavesOut = words.contains { word in
      ["where", "limit", "group", "having", "distinct"].contains { word.is($0) }
    }
    isWhole = !leavesOut && words.has("insert", "into", at: 0)
  }

  private static let clauses = ["where", "order", "limit", "group"]
  private static let joins: Set<FoldedName> = [
    "join", "natural", "left", "right", "full", "inner", "cross", "outer", "union", "except", "intersect",
    "on", "using", "window", "having", "indexed", "not",
  ]
}
