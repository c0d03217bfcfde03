internal import PhaseSQLite

/// A database in memory on which the phases of a folder are tried, each where the one before it left off.
///
/// The folder is replayed once, not once for each phase: what a phase leaves is what the next one finds. Whether it can be
/// taken back is tried beside it, on the part of the schema that it can touch.
final class Scratch {
  let connection: Connection
  private(set) var schema = Schema()
  private var neighbourhood = Neighbourhood()

  /// - Parameter baseline: the schema to begin with, nil for none.
  /// - Throws: what the baseline's SQL throws.
  init(baseline: Script?) throws(MigrationError) {
    connection = try lifting("opening a database in memory") { () in try Connection(path: "", mode: .memory) }
    guard let baseline else { return }
    try run(baseline, isBaseline: true)
    neighbourhood.follow(schema.changes(since: Schema()))
  }

  /// Runs SQL under the guard in a transaction of its own.
  ///
  /// - Throws: what failed, with its place; the database is as it was.
  @discardableResult
  func run(_ script: Script, isBaseline: Bool = false) throws(MigrationError) -> WriteSet {
    let discipline = try ConnectionDiscipline.begin(on: connection)
    return try discipline.whileInForce { () throws(MigrationError) in
      let transaction = try lifting("starting a transaction") { () in try connection.begin() }
      let (_, writes) = try GuardedScript(script, on: connection, isBaseline: isBaseline).run()
      let after = try lifting("reading the schema") { () in try Schema(of: connection, known: schema) }
      if let trespass = StatementGuard.trespass(after.changes(since: schema), from: schema, to: after) {
        throw MigrationError(
          .ledgerTouched, trespass, at: script.place(at: script.firstTokenOffset),
          help: ["give the object another name, and keep the ledger out of views and triggers"])
      }
      do throws(SQLiteError) {
        try transaction.commit()
      } catch {
        throw MigrationError(error, while: "committing on the scratch database")
      }
      schema = after
      return writes
    }
  }

  /// Makes objects as another schema has them.
  func make(_ objects: [SchemaObject]) throws(MigrationError) {
    try lifting("making part of the schema on a scratch database") { () in
      for object in objects { try connection.execute(script: object.sql) }
      schema = try Schema(of: connection)
    }
  }

  /// Tries a phase: up on the whole schema, which it leaves for the next phase to find; and up, down and up on what it
  /// can touch.
  ///
  /// - Throws: what the first up throws; nothing after it can be tried then.
  func trial(_ id: PhaseID, _ phase: Phase) throws(MigrationError) -> PhaseTrial {
    let before = schema
    let touched = neighbourhood.objects(around: [phase.up, phase.down])
    let writes = try run(phase.up)
    let changes = schema.changes(since: before)
    neighbourhood.follow(changes)
    return PhaseTrial(
      id: id, phase: phase, before: before, after: schema, changes: changes,
      difference: SchemaDifference(changes),
      writes: writes, reversal: try ReversalTrial(phase, on: touched), connection: connection)
  }
}
