internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// How a statement finds its rows, by the name under which it knows each table (sqlite.org/eqp.html).
struct QueryPlan: Sendable {
  /// Tables, or their aliases, in which rows are looked up.
  private(set) var searched: Set<FoldedName> = []
  /// Tables, or their aliases, that are read as a whole.
  private(set) var scanned: Set<FoldedName> = []

  init(of sql: String, on connection: Connection) {
    // If there is no plan, the check goes on: the statement itself will report what is wrong with it.
    for line in (try? connection.queryPlan(of: sql)) ?? [] {
      let name = (line.alias ?? line.table).folded
      switch line.access {
      case .search: searched.insert(name)
      case .scan: scanned.insert(name)
      case nil: break
      }
    }
  }

  /// Tables in which rows were looked up at home, and that are read as a whole here.
  func slower(than home: QueryPlan) -> [String] {
    scanned.intersection(home.searched).subtracting(home.scanned).sorted().map(\.text)
  }
}
