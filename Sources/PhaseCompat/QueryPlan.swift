internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// How a statement finds its rows, by the name under which it knows each table (sqlite.org/eqp.html).
struct QueryPlan: Sendable {
  /// Tables, or their aliases, of which rows are looked up.
  private(set) var searched: Set<FoldedName> = []
  /// Those that are read from one end to the other.
  private(set) var scanned: Set<FoldedName> = []

  init(of sql: String, on connection: Connection) {
    // A plan that cannot be had is no reason to stop: the statement itself says what is wrong with it.
    for row in (try? connection.rows("EXPLAIN QUERY PLAN " + sql)) ?? [] {
      let words = (row.last?.text ?? "").split(separator: " ").map(String.init)
      guard words.count >= 2, words[0] == "SEARCH" || words[0] == "SCAN" else { continue }
      // Before 3.36 the word TABLE came first, and `AS alias` after the name.
      var name = words[1] == "TABLE" && words.count > 2 ? words[2] : words[1]
      if let alias = words.firstIndex(of: "AS"), words.indices.contains(alias + 1) { name = words[alias + 1] }
      if words[0] == "SEARCH" { searched.insert(name.folded) } else { scanned.insert(name.folded) }
    }
  }

  /// What was looked up at home and is read as a whole here.
  func slower(than home: QueryPlan) -> [String] {
    scanned.intersection(home.searched).subtracting(home.scanned).sorted().map(\.text)
  }
}
