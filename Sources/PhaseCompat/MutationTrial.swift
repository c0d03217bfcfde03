internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Proof that a version's queries can fail: a column that they read is removed, and at least one query must fail.
struct MutationTrial {
  /// The removed column: `customers.full_name`.
  let mutation: String
  /// How many statements noticed that.
  let noticed: Int

  /// - Parameters:
  ///   - home: the run of the script on its home state.
  ///   - schema: the schema of that state.
  /// - Throws: `blind-queries` when the script touches no table, or no statement notices.
  init(
    of script: ApplicationScript, _ home: ScriptRun, on schema: Schema, functions: [FunctionStub] = []
  ) throws(MigrationError) {
    let footprint = home.footprint
    let candidates = footprint.reads.union(footprint.updates).filter { !$0.name.isEmpty }.sorted()
    guard !footprint.tables.isEmpty else {
      throw Self.blind(script, "\(script.file) uses no table, so it would pass on every schema")
    }
    let scratch = try Scratch(baseline: nil, terms: ScratchTerms(functions: functions))
    try scratch.make(Array(schema.objects))
    let connection = scratch.connection
    connection.turn(.doubleQuotedStringsInDML, on: true)
    // A column that cannot be dropped, such as a key, is renamed instead. A script that only inserts may name no
    // column.
    let mutations =
      candidates.map(Mutation.drop) + candidates.map(Mutation.rename)
      + footprint.tables.sorted().map(Mutation.renameTable)
    for mutation in mutations {
      guard let noticed = try Self.noticed(script, home, mutation, connection, schema) else { continue }
      guard noticed > 0 else {
        throw Self.blind(
          script,
          "\(script.file) still passes without \(mutation), which it uses, so its results prove nothing")
      }
      self.mutation = mutation.description
      self.noticed = noticed
      return
    }
    throw Self.blind(
      script, "\(script.file) uses nothing that the self-test can remove, so its results prove nothing")
  }

  private enum Mutation: CustomStringConvertible {
    case drop(QueryFootprint.Column)
    case rename(QueryFootprint.Column)
    case renameTable(FoldedName)

    var sql: String {
      switch self {
      case .drop(let column):
        "ALTER TABLE main.\(SQLText.identifier(column.table)) DROP COLUMN \(SQLText.identifier(column.name))"
      case .rename(let column):
        "ALTER TABLE main.\(SQLText.identifier(column.table)) RENAME COLUMN \(SQLText.identifier(column.name)) TO taken_away_by_phasedb"
      case .renameTable(let table):
        "ALTER TABLE main.\(SQLText.identifier(table)) RENAME TO taken_away_by_phasedb"
      }
    }

    var description: String {
      switch self {
      case .drop(let column), .rename(let column): column.description
      case .renameTable(let table): "table \(table)"
      }
    }
  }

  /// How many statements compile to something else after a mutation; nil when it cannot be made.
  private static func noticed(
    _ script: ApplicationScript, _ home: ScriptRun, _ mutation: Mutation, _ connection: Connection,
    _ schema: Schema
  ) throws(MigrationError) -> Int? {
    let transaction = try lifting("starting a transaction") { () in try connection.begin() }
    var count: Int?
    if (try? connection.execute(mutation.sql)) != nil {
      let compiler = QueryCompiler(on: connection, schema)
      var here = ScriptRun()
      here.queries = try compiler.prepare(script.queries, like: home.queries).map(\.run)
      let comparison = ResultComparison(script: script, home: home, here: here)
      count = zip(home.queries, here.queries).count { before, after in
        comparison.compiling(before, after).contains { !$0.isWarning }
      }
    }
    try transaction.rollBack("rolling back a mutation")
    return count
  }

  private static func blind(_ script: ApplicationScript, _ message: Prose) -> MigrationError {
    MigrationError(
      .blindQueries, message, at: script.queries.first?.place,
      help: ["write the statements that the version really runs, with values that match rows"])
  }
}
