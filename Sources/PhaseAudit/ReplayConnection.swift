internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// A scratch database on which the scripts of another tool run as that tool runs them.
final class ReplayConnection {
  let connection: Connection
  private let clock: StandingClock
  private let guarding = ReplayGuard()
  /// The schema as last read, so that unchanged objects are not parsed again.
  private var known = Schema()

  /// What a script did.
  struct Trace {
    var touched: Set<FoldedName> = []
    var rewritten: Set<FoldedName> = []
    var dropped: Set<FoldedName> = []
    var firstDrop: (table: FoldedName, place: Place)?
    /// The first PRAGMA foreign_keys inside a transaction.
    var inertPragma: Place?
    /// Whether an AUTOINCREMENT counter may have changed.
    var mayCountAnew = false
  }

  /// Why a script did not run to its end.
  struct Failure: Error {
    enum Cause { case statement, refused, notHere, costly }

    let cause: Cause
    /// A sentence without a full stop.
    let message: Prose
    let place: Place?
    /// Whether rows were the cause: they break a constraint.
    let isOfRows: Bool

    /// Whether the script might run with another schema or other rows. A syntax error never depends on them.
    var dependsOnSchema: Bool {
      isOfRows || message.hasPrefix("no such ")
        || ["already exists", "duplicate column", "has no column", "error in ", "already another"]
          .contains { message.contains($0) }
    }

    static func reading(_ error: SQLiteError) -> Failure {
      Failure(
        cause: .statement, message: "the schema it leaves cannot be read: \(error.message)", place: nil,
        isOfRows: false)
    }
  }

  /// - Parameters:
  ///   - path: nil for a database in memory.
  ///   - stubs: functions of the application that get a stand-in.
  init(at path: String? = nil, _ clock: StandingClock, _ cost: CostLimit, stubs: [String]) throws(SQLiteError)
  {
    connection = try Connection(path: path ?? "", mode: path == nil ? .memory : .readWrite)
    self.clock = clock
    // This is the default of SQLite, and nearly every tool leaves it so.
    connection.turn(.doubleQuotedStringsInDML, on: true)
    connection.turn(.doubleQuotedStringsInDDL, on: true)
    connection.turn(.defensive, on: true)
    connection.turn(.loadExtension, on: false)
    try connection.limit(to: cost)
    try connection.execute("PRAGMA temp_store = MEMORY")
    if let pages = cost.limits.pages { try connection.execute("PRAGMA temp.max_page_count = \(pages)") }
    if path != nil {
      // After a crash the database is made again.
      try connection.execute("PRAGMA synchronous = OFF")
      try connection.execute("PRAGMA journal_mode = MEMORY")
    }
    try clock.rule(connection)
    try FunctionStub.define(stubs.map { FunctionStub($0) }, on: connection)
  }

  /// The present schema.
  func schema() throws(SQLiteError) -> Schema {
    known = try Schema(of: connection, known: known)
    return known
  }

  /// Each foreign key: the child and its parent.
  func foreignKeys() throws(SQLiteError) -> [(child: FoldedName, parent: FoldedName)] {
    try connection.rows(
      """
      SELECT s.name, f."table" FROM main.sqlite_schema AS s, pragma_foreign_key_list(s.name, 'main') AS f
      WHERE s.type = 'table'
      """
    ).compactMap { row in
      guard let child = row[0].text, let parent = row[1].text else { return nil }
      return (child.folded, parent.folded)
    }
  }

  /// Makes this database equal to another one.
  func become(_ other: ReplayConnection) throws(SQLiteError) {
    if !connection.isAutocommit { try connection.execute("ROLLBACK") }
    try other.connection.backUp(to: connection)
    known = other.known
  }

  /// Restarts the sequence of random numbers.
  func rewind() { clock.rewind() }

  /// Runs a script.
  ///
  /// - Parameter enforcing: whether foreign keys are enforced when it begins.
  func run(_ script: ToolScript, enforcing: Bool) throws(Failure) -> Trace {
    do throws(SQLiteError) {
      try settle(enforcing: enforcing)
    } catch {
      throw Failure(cause: .statement, message: "\(error.message)", place: nil, isOfRows: false)
    }
    guarding.begin()
    // The authorizer is called while a statement is compiled, so it must not use the connection.
    connection.setAuthorizer { [guarding, cost = connection.costLimit] action in
      // Compiling a deep nest of views may take minutes without a single step, so the limit is checked here, too.
      guarding.allows(action) && cost?.goesOn(after: 0) ?? true
    }
    defer { connection.removeAuthorizer() }
    let bytes = Array(script.text.utf8)
    var at: Int?
    do throws(SQLiteError) {
      try connection.spending { () throws(SQLiteError) in
        connection.makeRoom(forSQLOf: bytes.count)
        if script.wrapping == .transaction { try connection.execute("BEGIN") }
        for range in script.statements {
          at = range.lowerBound
          try run(String(decoding: bytes[range], as: UTF8.self), from: range.lowerBound) { at = $0 }
        }
        at = nil
        if script.wrapping == .transaction { try connection.execute("COMMIT") }
      }
    } catch {
      let refusal = guarding.refusal
      connection.removeAuthorizer()
      if !connection.isAutocommit { try? connection.execute("ROLLBACK") }
      throw failure(error, refusal, at: at, in: script)
    }
    // A script that leaves its own transaction open loses it when the tool closes the connection.
    connection.removeAuthorizer()
    if !connection.isAutocommit { try? connection.execute("ROLLBACK") }
    return Trace(
      touched: guarding.touched, rewritten: guarding.rewritten, dropped: Set(guarding.dropped.map(\.table)),
      firstDrop: guarding.dropped.first.map { ($0.table, script.place(at: $0.statement)) },
      inertPragma: guarding.inertPragmas.first.map(script.place),
      mayCountAnew: !guarding.dropped.isEmpty || guarding.writesCounters)
  }

  private func run(_ sql: String, from start: Int, _ note: (Int) -> Void) throws(SQLiteError) {
    var reader = ScriptReader(sql, on: connection)
    while true {
      guarding.statement = start + reader.offset
      guarding.isInTransaction = !connection.isAutocommit
      connection.costLimit?.beginStatement()
      note(start + reader.offset)
      var statement: Statement
      do throws(SQLiteError) {
        guard let part = try reader.next() else { return }
        statement = part.take()
      } catch {
        var error = error
        error.offset = error.offset.map { start + $0 }
        throw error
      }
      // Its inner ATTACH is compiled while it runs.
      guarding.isVacuum = SQLTokens.firstWords(1, of: statement.sql.utf8) == ["vacuum"]
      while try statement.step() {}
      guarding.isVacuum = false
    }
  }

  private func failure(_ error: SQLiteError, _ refusal: Prose?, at start: Int?, in script: ToolScript)
    -> Failure
  {
    let place = (error.offset ?? start).map(script.place)
    func failed(_ cause: Failure.Cause, _ message: Prose) -> Failure {
      Failure(cause: cause, message: message, place: place, isOfRows: error.code.primary == .constraint)
    }
    if let refusal { return failed(.refused, refusal) }
    if error.code == .tooCostly { return failed(.costly, "it was stopped, because \(error.message)") }
    if error.code.primary == .full || error.code.primary == .tooBig || error.code.primary == .noMemory {
      return failed(.costly, "it was stopped, because it fills the scratch database: \(error.message)")
    }
    for (beginning, kind) in Self.missing {
      guard error.message.hasPrefix(beginning) else { continue }
      let name = String(error.message.dropFirst(beginning.count))
      return failed(
        .notHere,
        kind == "function"
          ? "it calls the function \(name), which is not SQLite's: try --stub \(ShellWord(name))"
          : "it needs the \(kind) \(name), which this SQLite does not have")
    }
    return failed(.statement, "\(error.message)")
  }

  private static let missing = [
    ("no such function: ", "function"), ("no such module: ", "module"), ("no such tokenizer: ", "tokenizer"),
    ("no such collation sequence: ", "collation"), ("unknown tokenizer: ", "tokenizer"),
  ]

  /// Sets the connection up as the tool opens it.
  private func settle(enforcing: Bool) throws(SQLiteError) {
    connection.turn(.foreignKeys, on: enforcing)
    connection.turn(.legacyAlterTable, on: false)
    clock.rewind()
    for pragma in guarding.settings.intersection([
      "ignore_check_constraints", "recursive_triggers", "query_only",
    ]) {
      try connection.execute("PRAGMA \(pragma) = OFF")
    }
  }
}
