internal import PhaseSQLite

extension Migrator {
  /// What reversing each applied phase would restore, counted on the present rows. Reads only.
  ///
  /// Phases are reversed from the last one on. For earlier phases, rows are counted only in tables that later phases
  /// did not touch.
  public func reversals() throws(MigrationError) -> [PhaseID: Reversal] {
    try connection.reading { () throws(MigrationError) in try reversals(try Knowledge(of: connection)) }
  }

  func reversals(
    _ knowledge: Knowledge, reach: Reversals.Reach = .asNeeded
  ) throws(MigrationError) -> [PhaseID: Reversal] {
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
      evidence: try lifting("reading the ledger") { () in try ledger.evidence() } + options.evidence,
      copy: { [connection, options] () throws(MigrationError) in
        // A phase that is half done has no way back of its own.
        guard knowledge.isInPlace, try ledger.batch() == nil else { return nil }
        return try DownRun.inMemory(
          of: connection, upTo: options.mostBytesCopied, within: options.mostTimeTried,
          runner: options.runner, now: options.now)
      },
      reach: reach, on: connection
    ).all()
  }

  /// Refuses a way down of several phases when ``reversals()`` says that one of them is blocked, so that a way that
  /// cannot be finished is not begun. It does not refuse because of the first phase, which reports the reason itself
  /// and is rolled back; so one phase can always be tried.
  func refuseBlocked(_ plan: Plan) throws(MigrationError) {
    guard plan.direction == .down, !plan.steps.isEmpty else { return }
    // What the rows say of the first one it says itself.
    let reach: Reversals.Reach = plan.steps.count == 1 ? .steps(0) : .asNeeded
    let reversals = try connection.reading { () throws(MigrationError) -> [PhaseID: Reversal] in
      try self.reversals(try Knowledge(of: connection), reach: reach)
    }
    for (index, step) in plan.steps.enumerated() {
      guard let obstacle = reversals[step.id]?.obstacles.first else { continue }
      guard index > 0 || obstacle.isOfLedger else { return }
      throw MigrationError(
        obstacle.error, obstacle.message(of: step.id), details: obstacle.rows, state: "nothing was changed",
        help: obstacle.openings
          + (index == 0 ? [] : ["or go no further than the phase above it: phasedb plan down"]))
    }
  }

  /// Refuses a plan that needs an archive which is missing or was changed. A phase of one transaction checks its own
  /// archive there; but batches never check an archive as a whole, and phases after the first would find out too late.
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
    for archive in try ledger.archives()
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
