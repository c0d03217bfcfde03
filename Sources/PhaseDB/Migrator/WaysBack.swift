internal import PhaseSQLite

/// Finds what ways down would restore, and refuses plans that cannot be finished.
struct WaysBack: MigratorWork {
  let migrator: Migrator

  func reversals() throws(MigrationError) -> [PhaseID: Reversal] {
    try reading(connection) { () throws(MigrationError) in try reversals(try Knowledge(of: connection)) }
  }

  func reversals(_ knowledge: Knowledge) throws(MigrationError) -> [PhaseID: Reversal] {
    guard let ledger = knowledge.ledger, !knowledge.applied.isEmpty else { return [:] }
    var known: Schema?
    let schema = { [connection] () throws(SQLiteError) -> Schema in
      if let known { return known }
      let schema = try knowledge.presentSchema(on: connection)
      known = schema
      return schema
    }
    return try Reversals(
      ledger, knowledge.applied.filter { !$0.isSquashed }, isInPlace: knowledge.isInPlace, schema: schema,
      evidence: try lifting("reading the ledger") { () in try ledger.evidence.all() } + options.evidence,
      copy: { [migrator, connection, options] () throws(MigrationError) in
        // A half-done phase has no verdict of its own.
        guard knowledge.isInPlace, try ledger.batches.underWay() == nil else { return nil }
        migrator.tried = TransitionTrials()
        return try DownRun.inMemory(
          of: connection, upTo: options.mostBytesCopied, within: options.mostTimeTried,
          runner: options.runner, now: options.now, trials: migrator.tried)
      },
      on: connection
    ).all()
  }

  /// Refuses a way down of several phases when ``reversals()`` says that one of them is blocked. So a way that cannot
  /// be finished is not begun. A blocked first phase is allowed: it reports the reason itself and is rolled back. So
  /// a single phase can always be tried.
  func refuseBlocked(_ plan: Plan) throws(MigrationError) {
    guard plan.direction == .down, let first = plan.steps.first?.id else { return }
    let found = try reading(connection) {
      () throws(MigrationError) -> (id: PhaseID, obstacle: Reversal.Obstacle)? in
      let knowledge = try Knowledge(of: connection)
      guard let ledger = knowledge.ledger else { return nil }
      let own = try ledger.archives.all(of: first).filter { $0.direction == .up }
      if let missing = try Reversals.missing(own, on: connection).first { return (first, missing) }
      guard plan.steps.count > 1 else { return nil }
      let reversals = try reversals(knowledge)
      guard reversals[first]?.obstacles.isEmpty ?? true else { return nil }
      for step in plan.steps.dropFirst() {
        if let obstacle = reversals[step.id]?.obstacles.first { return (step.id, obstacle) }
      }
      return nil
    }
    guard let (id, obstacle) = found else { return }
    let steps = plan.steps.firstIndex { $0.id == id } ?? 0
    throw MigrationError(
      obstacle.error, obstacle.message(of: id), details: obstacle.rows, state: "nothing was changed",
      help: obstacle.openings
        + (steps == 0
          ? [] : ["or go no further than the phase above it: phasedb down \(steps)"]))
  }

  /// Refuses a plan that needs an archive which is missing or was changed. A phase in one transaction also checks its
  /// archive itself. But batches never check an archive as a whole, and later phases of a plan would find out too
  /// late.
  func refuseBrokenArchives(_ plan: Plan) throws(MigrationError) {
    let phases = plan.steps.enumerated().filter { $0.offset > 0 || $0.element.phase.batching != nil }
      .map(\.element.id)
    guard !phases.isEmpty, let ledger = try Knowledge(of: connection).ledger,
      let (_, error) = try brokenArchives(of: phases, on: plan.direction, ledger).first
    else { return }
    throw error
  }

  /// Errors in the archives from which phases restore something. Reads every row of them.
  func brokenArchives(
    of phases: [PhaseID], on direction: Direction, _ ledger: Ledger
  ) throws(MigrationError) -> [(phase: PhaseID, error: MigrationError)] {
    var broken: [(phase: PhaseID, error: MigrationError)] = []
    for archive in try ledger.archives.all()
    where archive.direction != direction && archive.state == .kept && phases.contains(archive.phase) {
      do throws(MigrationError) {
        try ArchiveTable(archive, try ArchiveContent(archive)).verify(archive, on: connection)
      } catch {
        guard error.id == .archiveMissing || error.id == .archiveAltered else { throw error }
        var error = error
        error.state = "nothing was changed"
        broken.append((archive.phase, error))
      }
    }
    return broken
  }
}
