internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// One statement of a script on one state: what it compiled to and how its runs ended.
struct QueryRun: Sendable {
  let query: ApplicationQuery
  /// Nil when it does not compile.
  var compiled: Compiled?
  /// Why it does not compile.
  var refusal: SQLiteError?
  /// A function of the application that it needs and the copy lacks, so that it was skipped.
  var lacking: String?
  /// Functions of the application for which stubs answered.
  var stubs: [String] = []
  /// One for each row of values; empty when it does not compile.
  var outcomes: [QueryOutcome] = []
  /// For each table that it writes by name, the number of rows afterwards.
  var counts: [FoldedName: Int64] = [:]

  struct Compiled: Sendable {
    let columns: [String]
    let footprint: QueryFootprint
    /// Nil when no plan was wanted.
    let plan: QueryPlan?
    let order: RowOrder?
  }
}

/// A script that was run on a state from its first statement to its last, and rolled back.
struct ScriptRun: Sendable {
  var queries: [QueryRun] = []
  /// Every row it touched, with its content after the last statement.
  var rows: [TouchedRows.Key: TouchedRows.Row] = [:]
  var shapes: [FoldedName: ComparedTable] = [:]

  var footprint: QueryFootprint {
    queries.reduce(into: QueryFootprint()) { $0.formUnion($1.compiled?.footprint ?? QueryFootprint()) }
  }
}

/// Runs scripts on a copy, statement by statement.
final class ScriptRunner {
  let copy: StateCopy
  let schema: Schema
  private let workshop: CopyWorkshop
  private var connection: Connection { copy.connection }
  private let compiler: QueryCompiler

  init(on copy: StateCopy, in workshop: CopyWorkshop) throws(MigrationError) {
    self.copy = copy
    self.workshop = workshop
    schema = try copy.schema
    compiler = QueryCompiler(on: copy.connection, schema)
  }

  /// Compiles statements whose writes alone matter.
  func prepare(writers queries: [ApplicationQuery]) throws(MigrationError) -> [PreparedQuery] {
    try compiler.prepare(queries, planned: false)
  }

  /// Runs a whole script in a transaction that is rolled back.
  ///
  /// - Parameters:
  ///   - home: its run on the home state; nil when that is this one. Rows that it touched there are also read here,
  ///     with the columns that it knew there.
  ///   - observe: is called after each statement, with the transaction open.
  ///   - atEnd: is called after the last one, with the transaction open.
  func run(
    _ script: ApplicationScript, like home: ScriptRun? = nil,
    after observe: (QueryRun) throws(MigrationError) -> Void = { _ in },
    atEnd: () throws(MigrationError) -> Void = {}
  ) throws(MigrationError) -> ScriptRun {
    // `TouchedRows` makes triggers, which change the schema. So it comes before anything is compiled, if possible, and
    // before the transaction, which a statement of the application may end.
    let early = home.map { TouchedRows(on: connection, shapes: $0.shapes) }
    let prepared = try compiler.prepare(script.queries, like: home?.queries ?? [])
    var run = ScriptRun()
    let tables = prepared.reduce(into: Set<FoldedName>()) {
      $0.formUnion($1.run.compiled?.footprint.tables ?? [])
    }
    run.shapes = home?.shapes ?? shapes(of: tables)
    let rows = early ?? TouchedRows(on: connection, shapes: run.shapes)
    try transaction { () throws(MigrationError) in
      var results: [ExactName: Value] = [:]
      for (index, query) in prepared.enumerated() {
        try step(query, &results, like: home?.queries[index].outcomes ?? [])
        if let footprint = query.run.compiled?.footprint, footprint.isWrite {
          try lifting("looking at what '\(query.run.query.title)' touched") { () in
            try rows.gather()
            query.run.counts = try self.counts(of: footprint)
          }
        }
        try observe(query.run)
        run.queries.append(query.run)
      }
      if let home { rows.add(home.rows.keys) }
      run.rows = try lifting("reading what a script touched") { () in try rows.contents() }
      try atEnd()
    }
    try lifting("putting a copy in order") { () in try rows.close() }
    return run
  }

  /// Runs a body in a transaction that is rolled back.
  private func transaction(_ body: () throws(MigrationError) -> Void) throws(MigrationError) {
    let transaction = try begin()
    defer { connection.removeProgressHandler() }
    try connection.spending(body)
    try transaction.rollBack("rolling back a script")
  }

  /// Runs a body in a transaction that is committed.
  func commit(_ body: () throws(MigrationError) -> Void) throws(MigrationError) {
    let transaction = try begin()
    defer { connection.removeProgressHandler() }
    try connection.spending(body)
    try transaction.commit("committing what two versions wrote")
  }

  /// Resets time, chance and the last rowid, which an INSERT into a view or a WITHOUT ROWID table does not change
  /// (sqlite.org/c3ref/last_insert_rowid.html).
  private func begin() throws(MigrationError) -> Transaction {
    workshop.clock.rewind()
    connection.lastInsertRowID = 0
    connection.setProgressHandler(every: 10_000) { [workshop] in !workshop.isStopped }
    return try lifting("starting a transaction") { () in try connection.begin(.deferred) }
  }

  func shapes(of tables: Set<FoldedName>) -> [FoldedName: ComparedTable] {
    Dictionary(
      uniqueKeysWithValues: tables.compactMap { table in ComparedTable(table, in: schema).map { (table, $0) }
      })
  }

  private func counts(of footprint: QueryFootprint) throws(SQLiteError) -> [FoldedName: Int64] {
    var counts: [FoldedName: Int64] = [:]
    for table in footprint.inserts.union(footprint.deletes).union(footprint.updates.map(\.table)) {
      counts[table] = try connection.value("SELECT count(*) FROM main.\(SQLText.identifier(table))")?.integer
    }
    return counts
  }
}

// MARK: - Statements

extension ScriptRunner {
  /// Runs a statement with each of its rows of values.
  ///
  /// - Parameters:
  ///   - results: the values that earlier statements named by `@as`.
  ///   - expected: how its runs ended elsewhere. Equal rows are not copied.
  func step(
    _ query: PreparedQuery, _ results: inout [ExactName: Value], like expected: [QueryOutcome] = []
  ) throws(MigrationError) {
    query.run.outcomes = []
    connection.stubs?.forget()
    defer { query.run.stubs = Array(Set(query.run.stubs).union(connection.stubs?.taken ?? [])).sorted() }
    guard query.run.compiled != nil else { return }
    for (index, row) in query.run.query.rows.enumerated() {
      let before = expected.indices.contains(index) ? expected[index] : nil
      let outcome = try step(query, row, &results, like: before?.rows ?? [])
      if case .failed(_, let message) = outcome, let name = FunctionStub.lacking(in: message) {
        (query.run.lacking, query.run.outcomes) = (name, [])
        return
      }
      query.run.outcomes.append(outcome)
      // RAISE(ROLLBACK) and OR ROLLBACK end the transaction. Later statements must not be committed.
      if connection.isAutocommit {
        try lifting("starting a transaction") { () in try connection.execute("BEGIN") }
      }
    }
  }

  private func step(
    _ query: PreparedQuery, _ row: [QueryParameter.Source], _ results: inout [ExactName: Value],
    like expected: [[Value]]
  ) throws(MigrationError) -> QueryOutcome {
    guard let compiled = query.run.compiled, var statement = query.statement.take() else {
      return .failed(code: .error, message: "it does not compile")
    }
    let outcome: Result<QueryResult, SQLiteError>
    do throws(SQLiteError) {
      for (parameter, source) in zip(query.run.query.parameters, row) {
        switch source {
        case .value(let constant): try statement.bind(constant, at: parameter.number)
        case .result(let name): try statement.bind(results[name] ?? .null, at: parameter.number)
        }
      }
      outcome = .success(try run(&statement, compiled.footprint, like: expected))
    } catch {
      outcome = .failure(error)
    }
    statement.reset()
    query.statement = consume statement
    switch outcome {
    case .success(let result):
      for named in query.run.query.results {
        results[named.name] = value(named.from, of: result, compiled.columns)
      }
      return .done(result)
    case .failure(let error):
      guard !error.code.isFatal else {
        throw MigrationError(error, while: "running '\(query.run.query.title)'")
      }
      return .failed(code: error.code, message: error.message)
    }
  }

  private func run(
    _ statement: inout Statement, _ footprint: QueryFootprint, like expected: [[Value]]
  ) throws(SQLiteError) -> QueryResult {
    var result = QueryResult()
    try result.add(rowsOf: &statement, like: expected)
    if footprint.isWrite {
      result.changes = connection.changes
      if !footprint.inserts.isEmpty { result.lastInsertRowID = connection.lastInsertRowID }
    }
    return result
  }

  private func value(
    _ source: ApplicationQuery.NamedResult.From, of result: QueryResult, _ columns: [String]
  ) -> Value {
    switch source {
    case .lastInsertRowID: return .integer(connection.lastInsertRowID)
    case .column(let name):
      let folded = name.folded
      let index = columns.firstIndex { $0.folded == folded }
      return index.flatMap { result.rows.first?[$0] } ?? .null
    }
  }
}

extension ResultCode {
  /// Whether the error is about the machine and not about the statement.
  var isFatal: Bool {
    [.interrupt, .full, .ioError, .corrupt, .noMemory, .busy, .locked, .cannotOpen, .readOnly, .notADatabase]
      .contains(primary)
  }
}

extension Transaction {
  /// - Parameter activity: what an error says was being done.
  consuming func rollBack(_ activity: Prose) throws(MigrationError) {
    do {
      try rollBack()
    } catch {
      throw MigrationError(error, while: activity)
    }
  }

  /// - Parameter activity: what an error says was being done.
  consuming func commit(_ activity: Prose) throws(MigrationError) {
    do {
      try commit()
    } catch {
      throw MigrationError(error, while: activity)
    }
  }
}
