internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// A compiled statement that can be run repeatedly.
final class PreparedQuery {
  var run: QueryRun
  var statement: Statement?

  init(_ run: QueryRun, _ statement: consuming Statement?) {
    self.run = run
    self.statement = statement
  }
}

/// Compiles statements of a version on a schema, and records what the authorizer reports about each.
final class QueryCompiler {
  private let connection: Connection
  private let functions: FunctionList
  private let modules: ModuleList
  private let views: Set<FoldedName>
  /// The names of the schema's views and triggers.
  private let code: Set<FoldedName>
  /// What the authorizer reported about the statement that is being compiled; nil while none is.
  private var listening: (names: Set<FoldedName>, starred: Set<FoldedName>, footprint: QueryFootprint)?

  /// - Parameter schema: the schema of the connection.
  init(on connection: Connection, _ schema: Schema) {
    self.connection = connection
    functions = .of(connection)
    modules = .of(connection)
    func names(_ type: String) -> Set<FoldedName> {
      Set(schema.objects.filter { $0.key.type == type }.map(\.key.name))
    }
    views = names("view")
    code = views.union(names("trigger"))
  }

  deinit { connection.removeAuthorizer() }

  /// Compiles statements.
  ///
  /// - Parameters:
  ///   - home: their results on the home state; empty when unknown.
  ///   - planned: whether their query plans are wanted.
  func prepare(
    _ queries: [ApplicationQuery], like home: [QueryRun] = [], planned: Bool = true
  ) throws(MigrationError) -> [PreparedQuery] {
    // The authorizer is set once for the script, because SQLite then compiles all statements again. A claim that was
    // checked meanwhile had its own authorizer.
    connection.setAuthorizer { [unowned self] action in
      guard let (names, starred, _) = listening else { return true }
      if action.code == .function { connection.stubs?.note(action.second ?? "") }
      listening?.footprint.add(action, code: code, names: names, starred: starred)
      return !reachesOut(action)
    }
    var prepared: [PreparedQuery] = []
    for (index, query) in queries.enumerated() {
      let known = home.indices.contains(index) ? home[index].compiled : nil
      prepared.append(try prepare(query, like: known, planned: planned))
    }
    return prepared
  }

  /// Whether an action of an application's statement would touch anything outside the copy.
  private func reachesOut(_ action: AuthorizedAction) -> Bool {
    switch action.code {
    case .function: !functions.allows(action.second ?? "")
    case .createVirtualTable: !ModuleList.allows(module: action.second ?? "")
    case .read: modules.refuses(table: action.first ?? "")
    case .attach, .detach: true
    default: false
    }
  }

  /// Compiles a statement and notes what it reads and writes.
  private func prepare(
    _ query: ApplicationQuery, like home: QueryRun.Compiled?, planned: Bool
  ) throws(MigrationError) -> PreparedQuery {
    var run = QueryRun(query: query)
    let uses = PositionalUse.all(in: query.sql.text)
    let counted = uses.filter { $0.kind == .star }.map(\.table)
    let starred = Set(uses.filter { $0.kind == .innerStar }.map(\.table)).subtracting(counted)
    connection.stubs?.forget()
    listening = (query.names, starred, QueryFootprint())
    defer { listening = nil }
    do {
      let statement = try connection.prepare(query.sql.text, reused: true)
      var footprint = listening?.footprint ?? QueryFootprint()
      listening = nil
      footprint.views = footprint.tables.intersection(views)
      let columns = (0..<statement.columnCount).map { statement.columnName(at: $0) }
      run.compiled = QueryRun.Compiled(
        columns: columns, footprint: footprint,
        plan: planned ? QueryPlan(of: query.sql.text, on: connection) : nil,
        // The order follows from the text and the columns, so it is reused if the columns are the same.
        order: home?.columns.elementsEqual(columns, by: { $0.hasSameBytes(as: $1) }) == true
          ? home?.order : RowOrder(of: query.sql.text, columns: columns))
      run.stubs = connection.stubs?.taken ?? []
      return PreparedQuery(run, statement)
    } catch {
      guard !error.code.isFatal else { throw MigrationError(error, while: "compiling '\(query.title)'") }
      if let name = FunctionStub.lacking(in: error.message) {
        run.lacking = name
      } else {
        run.refusal = error
      }
      return PreparedQuery(run, nil)
    }
  }
}

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
