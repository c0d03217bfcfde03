internal import PhaseSQL
package import PhaseSQLite

/// A database in memory on which the phases of a folder are tried, each on the result of the one before.
///
/// The folder is replayed only once, because each phase runs on the result of the one before. The way back of a phase
/// is tried separately, on the part of the schema that the phase can touch.
package final class Scratch {
  package let connection: Connection
  private(set) var schema = Schema()
  private var touchedSchema = TouchedSchema()
  private let code = SchemaCode()
  /// The schema that `code` knows so far.
  private var known = Schema()
  /// Which phases brought the columns of tables that were there before.
  private var births = ColumnBirths()

  private let observe: (Script) -> Void
  private let costLimit: CostLimit?
  let terms: ScratchTerms

  /// - Parameters:
  ///   - baseline: the schema to begin with, nil for none.
  ///   - observe: told of every script that is about to run.
  ///   - costLimit: the limit for the SQL that runs on it; nil when none is needed, because the same SQL runs on the
  ///     database next.
  /// - Throws: what the baseline's SQL throws.
  package init(
    baseline: Script?, terms: ScratchTerms = ScratchTerms(), costLimit: CostLimit? = CostLimit(.scratch),
    observe: @escaping (Script) -> Void = { _ in }
  ) throws(MigrationError) {
    self.observe = observe
    self.costLimit = costLimit
    self.terms = terms
    connection = try lifting("opening a database in memory") { () in
      let connection = try Connection(path: "", mode: .memory)
      connection.ignoredTables = terms.ignored
      if let costLimit { try connection.limit(to: costLimit) }
      try FunctionStub.define(terms.functions, on: connection)
      return connection
    }
    guard let baseline else { return }
    try run(baseline, isBaseline: true)
    touchedSchema.follow(schema, since: Schema())
  }

  /// Runs SQL under the guard in a transaction of its own.
  ///
  /// - Parameters:
  ///   - observe: gets each statement after it has run.
  ///   - inspect: looks at the new schema before the transaction ends, with the guard's settings still in force.
  /// - Throws: what failed, with its place; the database is as it was.
  @discardableResult
  func run(
    _ script: Script, isBaseline: Bool = false, observe: (StatementEffect) -> Void = { _ in },
    inspect: ([SchemaChange]) throws -> Void = { _ in }
  ) throws(MigrationError) -> WriteSet {
    self.observe(script)
    return try perform(
      at: script, isBaseline: isBaseline, inspect: inspect
    ) { () throws(MigrationError) in
      try GuardedScript(script, on: connection, isBaseline: isBaseline).run(observe: observe).writes
    }
  }

  /// Runs a phase in one direction in a transaction of its own, with what phasedb itself does around its SQL.
  ///
  /// - Parameter checkpoint: on the way down, the schema to which it leads.
  /// - Throws: what failed, with its place; the database is as it was.
  @discardableResult
  func run(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, to checkpoint: Schema? = nil,
    renamed: () -> Void = {}, observe: (StatementEffect) -> Void = { _ in },
    inspect: ([SchemaChange]) throws -> Void = { _ in }
  ) throws(MigrationError) -> WriteSet {
    let script = direction == .up ? phase.up : phase.down
    self.observe(script)
    return try perform(at: script, inspect: inspect) { () throws(MigrationError) in
      let writes = try PhaseStatements(id, phase, direction, on: connection).run(
        observe: observe, renamed: renamed
      )
      .writes
      if let checkpoint {
        let left = try lifting("reading the schema") { () in try Schema(of: connection, known: schema) }
        for table in ColumnOrder(of: left, as: checkpoint).rebuilds { try table.run(on: connection) }
      }
      return writes
    }
  }

  /// - Parameter script: the script that later findings are attributed to.
  private func perform(
    at script: Script, isBaseline: Bool = false, inspect: ([SchemaChange]) throws -> Void,
    _ body: () throws(MigrationError) -> WriteSet
  ) throws(MigrationError) -> WriteSet {
    let discipline = try ConnectionDiscipline.begin(on: connection)
    return try discipline.whileInForce { () throws(MigrationError) in
      let transaction = try lifting("starting a transaction") { () in try connection.begin() }
      let writes = try body()
      let after = try lifting("reading the schema") { () in try Schema(of: connection, known: schema) }
      let changes = after.changes(since: schema)
      if !isBaseline {
        try StatementGuard.refuseLeftOut(
          from: schema, to: after, at: script.place(at: script.firstTokenOffset))
      }
      if !isBaseline, let trespass = StatementGuard.trespass(changes, from: schema, to: after) {
        throw MigrationError(
          .ledgerTouched, trespass, at: script.place(at: script.firstTokenOffset),
          help: ["give the object another name, and keep the ledger out of views and triggers"])
      }
      try lifting("looking at the schema") { () in try inspect(changes) }
      do throws(SQLiteError) {
        try transaction.commit()
      } catch {
        throw MigrationError(error, while: "committing on the scratch database")
      }
      schema = after
      return writes
    }
  }

  /// Makes objects of another schema; the shadow tables of a virtual table are made with it.
  package func make(_ objects: [SchemaObject]) throws(MigrationError) {
    try lifting("making part of the schema on a scratch database") { () in
      let hasShadows = objects.contains(where: \.isVirtual)
      for object in objects where try !(hasShadows && isThere(object)) {
        connection.makeRoom(forSQLOf: object.sql.utf8.count)
        try connection.execute(script: object.sql)
      }
      schema = try Schema(of: connection)
    }
  }

  private func isThere(_ object: SchemaObject) throws(SQLiteError) -> Bool {
    try connection.value(
      "SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2 COLLATE NOCASE", .text(object.key.type),
      .text(object.name)) != nil
  }

  /// Objects of the baseline that do not compile. To be called before the first trial.
  func brokenInBaseline() throws(MigrationError) -> [SchemaCode.Failure] {
    let changes = schema.changes(since: known)
    known = schema
    guard !changes.isEmpty else { return [] }
    return try lifting("compiling the baseline's views and triggers") { () in
      let strict = try whileStrict { try code.broken(by: changes, on: connection) }
      // Applications often let SQLite take "price" for a string. What compiles in that mode is not broken.
      guard !strict.isEmpty else { return [] }
      let lenient = try SchemaCode().broken(by: changes, on: connection)
      return strict.filter { failure in lenient.contains { $0.object.key == failure.object.key } }
    }
  }

  private func whileStrict<Result>(_ body: () throws -> Result) throws -> Result {
    let discipline = try ConnectionDiscipline.begin(on: connection)
    return try discipline.whileInForce { () throws(MigrationError) in
      try lifting("compiling views and triggers", body)
    }
  }

  /// Tries a phase: up on the whole schema, whose result the next phase gets; and up, down and up on what it can touch.
  ///
  /// - Throws: what the first up throws; later phases cannot be tried then.
  func trial(_ id: PhaseID, _ phase: Phase) throws(MigrationError) -> PhaseTrial {
    let before = schema
    let touched = touchedSchema.objects(
      around: [phase.up, phase.down], naming: phase.retirements.map(\.table.folded))
    var statements: [StatementEffect] = []
    var brokenCode: [SchemaCode.Failure] = []
    var invalidClaims: [MigrationError] = []
    let writes = try run(id, phase, .up, observe: { statements.append($0) }) { changes in
      if !changes.isEmpty { brokenCode = try code.broken(by: changes, on: connection) }
      for claim in phase.verifications {
        do throws(MigrationError) {
          _ = try claim.breakingRows(on: connection, limit: 0)
        } catch {
          invalidClaims.append(error)
        }
      }
    }
    let changes = schema.changes(since: before)
    touchedSchema.follow(schema, since: before)
    let difference = SchemaDifference(changes)
    births.follow(difference, in: id)
    return PhaseTrial(
      id: id, phase: phase, before: before, births: births, after: schema, changes: changes,
      difference: difference, facts: difference.facts, writes: writes, statements: statements, code: code,
      brokenCode: brokenCode, invalidClaims: invalidClaims,
      reversal: try ReversalTrial(id, phase, on: touched, costLimit, terms: terms, observe: self.observe),
      connection: connection)
  }
}
