internal import PhaseSQLite

/// A database in memory on which the phases of a folder are tried, each where the one before it left off.
///
/// The folder is replayed once, not once for each phase: a phase goes up, down and up again, and what it leaves is what
/// the next one finds.
final class Scratch {
  let connection: Connection
  private(set) var schema = Schema()

  /// - Parameter baseline: the schema to begin with, nil for none.
  /// - Throws: what the baseline's SQL throws.
  init(baseline: Script?) throws(MigrationError) {
    connection = try lifting("opening a database in memory") { () in try Connection(path: "", mode: .memory) }
    if let baseline { try run(baseline, isBaseline: true) }
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

  /// Tries a phase: up, down, up.
  ///
  /// - Throws: what the first up throws; nothing after it can be tried then.
  func trial(_ id: PhaseID, _ phase: Phase) throws(MigrationError) -> PhaseTrial {
    let before = schema
    let writes = try run(phase.up)
    let after = schema
    var failures: [PhaseTrial.Failure] = []
    var (afterDown, afterReplay): (Schema?, Schema?)
    do throws(MigrationError) {
      try run(phase.down)
      afterDown = schema
      do throws(MigrationError) {
        try run(phase.up)
        afterReplay = schema
      } catch {
        failures.append(PhaseTrial.Failure(stage: .replay, error: error))
      }
    } catch {
      failures.append(PhaseTrial.Failure(stage: .down, error: error))
    }
    let changes = after.changes(since: before)
    return PhaseTrial(
      id: id, phase: phase, before: before, after: after, changes: changes,
      difference: SchemaDifference(changes),
      writes: writes, afterDown: afterDown, afterReplay: afterReplay, failures: failures,
      connection: connection)
  }
}
