internal import PhaseSQL
internal import PhaseSQLite

/// Runs one step in one transaction: from the write lock to the commit. It changes no state of its own, and returns
/// what it did.
struct Transition {
  let engine: Engine
  let planned: PlannedStep
  /// The lanes that the run holds.
  let lanes: HeldLanes
  /// The lists of what phases caused.
  let lists: EffectLists
  /// What the probes of the phase showed before it.
  let samples: [String: [Sample]]

  private var step: Plan.Step { planned.step }
  private var connection: Connection { engine.connection }

  /// The result of an attempt.
  enum Outcome {
    /// Committed.
    case done(StepReport, RunState)
    /// Another runner has done the step, and nothing was changed. The value is what is known now.
    case alreadyDone(Knowledge)
    /// The attempt was rolled back. The value is what the next attempt needs to know.
    case again(Findings)
    /// The step has not begun, because switches had to be closed first. Committed.
    case switchesClosed(SwitchClosing, RunState)
    /// The step has not begun, because its lanes have to be held first. Rolled back.
    case lanesOpen
    /// A batched step has begun, and its batches are to be run. Committed.
    case batches(BatchRun)
  }

  /// What earlier attempts found out for the next attempt.
  struct Findings {
    /// Whether rows without a parent were found. Only a comparison with the state before the phase can tell whether
    /// the phase caused that; it reads every child table.
    var needsOrphansBefore = false
    /// What the trial of the way back found, and the state of the database at which that holds.
    var wayBack = WayBackTrial.Findings()
    var dataVersion: Int64?
    /// How often the trial was rolled back with its transaction, and another connection wrote before the next attempt.
    var overtaken = 0
    /// When the first attempt began, and the longest time for which one held the write lock.
    var began: ContinuousClock.Instant?
    var held = Duration.zero
  }

  /// One attempt, from the write lock to the commit. The numbers are those of Concepts, "A transition".
  ///
  /// 1 and 9, the connection's settings, are around the whole run, in `Engine.run`.
  ///
  /// - Throws: with standing `busy` when another connection or runner is in the way and nothing was changed.
  func attempt(
    from state: RunState, knowing findings: Findings, until deadline: ContinuousClock.Instant
  ) throws(MigrationError) -> Outcome {
    var (state, findings) = (state, findings)
    findings.began = findings.began ?? ContinuousClock.now
    // 2. BEGIN IMMEDIATE. The ledger is read again, and the schema must be what it says. Gates are asked again.
    // Switches and lanes come before the SQL, and so does the list of what the phase caused. The wait is short, so
    // that a request to stop is noticed. The attempt is repeated until the deadline.
    connection.setBusyTimeout(milliseconds: min(1_000, Pause.milliseconds(until: deadline)))
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    let locked = ContinuousClock.now
    let version = try lifting("reading PRAGMA data_version") { () in try connection.dataVersion }
    if let known = findings.dataVersion, known != version {
      findings.wayBack.forgetRows()
      findings.overtaken += 1
    }
    findings.dataVersion = version

    let drift: [Prose]
    switch try StepEntry(engine: engine, planned: planned, lanes: lanes).enter(&state) {
    case .entered(let accepted): drift = accepted
    case .alreadyDone: return .alreadyDone(state.knowledge)
    case .lanesOpen: return .lanesOpen
    case .switchesOpen(let closing, let drift):
      return .switchesClosed(
        closing, try closing.commit(transaction, before: planned, accepting: drift, from: state, engine))
    }
    // The trigger of a lane would also stop the phase's own SQL, so it is dropped first and made again last.
    let lifted = try lanes.lift(&state.knowledge)
    if step.direction == .down {
      try lists.write(step.id, step.phase, planned.plan, state.knowledge)
    }
    // 3. Rows that the SQL may remove or overwrite are copied. Archives are checked, unless the plan has just done so. A
    // way down is refused if rows do not fit the former schema.
    let rows = try TransitionRows(
      step, state.knowledge, engine.trials, knowing: engine.triesWaysBack ? findings.wayBack : nil,
      comparing: planned.plan.comparisons(of: step.id, on: connection),
      looksForCorrections: engine.purpose == .rehearsal, on: connection)
    let start = Start(
      locked: locked, deadline: deadline,
      schema: rows == nil ? state.knowledge.schema : try schemaNow(knowing: state.knowledge.schema),
      orphans: findings.needsOrphansBefore ? try orphans(state.knowledge) : nil, findings: findings,
      drift: drift, lifted: lifted)
    do throws(MigrationError) {
      return try carryOut(start, in: transaction, with: rows, from: state)
    } catch {
      throw error.undone
    }
  }

  /// What an attempt read before the SQL of its phase ran.
  private struct Start {
    let locked: ContinuousClock.Instant
    let deadline: ContinuousClock.Instant
    let schema: Schema
    /// Rows without a parent, by their foreign keys; nil when they were not looked for.
    let orphans: [String: Int]?
    let findings: Findings
    /// The changes from outside that were accepted.
    let drift: [Prose]
    /// The triggers of lanes, which are dropped while the SQL runs.
    let lifted: LiftedLanes?

    var began: ContinuousClock.Instant { findings.began ?? locked }
    /// The longest time for which an attempt held the write lock.
    var held: Duration { max(findings.held, ContinuousClock.now - locked) }

    /// What the next attempt knows.
    func again(
      _ wayBack: WayBackTrial.Findings? = nil, needsOrphansBefore: Bool
    ) -> Outcome {
      var found = findings
      found.needsOrphansBefore = needsOrphansBefore || found.needsOrphansBefore
      found.wayBack = wayBack ?? found.wayBack
      found.held = held
      return .again(found)
    }
  }

  /// Runs the SQL of a phase, checks and records the result, and commits.
  private func carryOut(
    _ start: Start, in transaction: consuming Transaction, with rowsAtStake: TransitionRows?,
    from state: RunState
  ) throws(MigrationError) -> Outcome {
    var (state, rowsAtStake) = (state, rowsAtStake)
    let before = start.schema
    // 3, continued: the points from which effects count.
    let effects = try EffectStarts(before: step, on: connection)
    // 4. The SQL runs under the guard, and what is retired changes its name.
    let sql = PhaseStatements(step.id, step.phase, step.direction, on: connection)
    let (rows, writes) = try sql.run()
    // 5. The schema is read, columns are put back in their order, and the schema is compared with the promise of the
    // phase's kind.
    let left = try schemaNow(knowing: before)
    let checks = StepChecks(step, state.knowledge, on: connection)
    var after = try checks.putColumnsBack(of: left, with: &rowsAtStake)
    let changes = after.changes(since: before)
    try checks.refuseTrespass(changes, from: before, to: after)
    try checks.refuseBrokenPromise(changes, to: after)
    let drifted = try checks.driftOnTheWayBack(to: after)
    // 6. Archived values are restored, full-text indexes are checked, and what the SQL really removed is archived.
    let kept = try rowsAtStake?.finish(writes)
    if kept != nil { after = try schemaNow(knowing: after) }
    // 7. Foreign keys and claims are checked. If rows have no parent, the attempt is repeated, and looks for such
    // rows before the SQL.
    let reach = ForeignKeyReach(
      writes, changes, to: after, renamed: sql.renamedTables, alsoWritten: kept?.tables ?? [])
    guard
      try checks.hasNoNewForeignKeyViolations(in: reach, since: start.orphans, but: kept?.orphans ?? [])
    else {
      return start.again(needsOrphansBefore: true)
    }
    var verified: [Event] = []
    try checks.verify { verified.append($0) }

    // 8. The ledger gets the phase and the log a row. On the way up, the way back is tried. The triggers of lanes come
    // back. COMMIT.
    let recorded = try record(
      changes, leaving: drifted, kept, from: before, to: after, since: start.began, in: state)
    try effects.record(at: recorded.phase?.appliedAt ?? engine.now(), in: state.knowledge, on: connection)
    // This comes before the commit: nothing may fail after it, and later commits of other connections must not count
    // as known.
    try recorded.settle(&state.knowledge, schema: after, on: connection)
    if step.direction == .up, engine.triesWaysBack, let rowsAtStake {
      let trial = WayBackTrial(step, rowsAtStake, since: start.orphans, at: engine.now, on: connection)
      let repeats = start.findings.overtaken < Self.maximumOvertaken && connection.isInWALMode
      if case .again(let found, let needsOrphans) = try trial.run(
        &state.knowledge, knowing: start.findings.wayBack, undoing: repeats ? engine.mostBytesUndone : nil)
      {
        return start.again(found, needsOrphansBefore: needsOrphans)
      }
    }
    for event in verified { engine.observe(event) }
    try lanes.putBack(planned, start.lifted, applied: recorded.phase, &state.knowledge)
    connection.setBusyTimeout(milliseconds: Pause.milliseconds(until: start.deadline))
    try Ledger(connection: connection).commit(
      transaction, leaving: recorded.entry, recorded.hash, while: "committing \(step.id)")
    state.holdsLease = !endsRun
    state.hasLoggedOverrides = true
    let held = start.held
    if !start.drift.isEmpty { engine.observe(.driftAccepted(start.drift)) }
    let times = RunResult.Times(
      milliseconds: (ContinuousClock.now - start.began).milliseconds, holdMilliseconds: held.milliseconds,
      rows: rows)
    engine.observe(
      .committed(
        step.id, step.direction, times, checkpoint: state.knowledge.applied.last?.sequence ?? 0))
    return .done(
      StepReport(times: times, writes: writes, corrections: kept?.corrections ?? []), state)
  }

  /// How many attempts may fail because another connection wrote between them. After that, the way back is undone
  /// inside its transaction. That takes memory for every page that it changed.
  private static let maximumOvertaken = 3

  private func schemaNow(knowing known: Schema) throws(MigrationError) -> Schema {
    try lifting("reading the schema") { () in try Schema(of: connection, known: known) }
  }

  /// The rows that have no parent now. On the way down also those that had none before the phase: it may have dropped the
  /// reference.
  private func orphans(_ knowledge: Knowledge) throws(MigrationError) -> [String: Int] {
    try lifting("checking foreign keys") { () in
      let present = try ForeignKeyViolation.orphans(ForeignKeyViolation.all(on: connection), on: connection)
      guard step.direction == .down, let applied = knowledge.applied.last,
        let former = try knowledge.ledger?.roundTrips.read(of: applied.sequence)?.orphans
      else { return present }
      return present.merging(former, uniquingKeysWith: max)
    }
  }

  // MARK: The ledger

  /// Whether the run ends with this step: there is no further step, and no lane to release.
  var endsRun: Bool { planned.isLast && lanes.isEmpty }

  /// What was recorded in the transaction of a step.
  struct Recorded {
    /// The id of the log's row, and its hash, which no other row has.
    let entry: Int64
    let hash: String?
    /// The phase as recorded, on the way up.
    let phase: AppliedPhase?
    /// False when the same phases are applied as before.
    var changesApplied = true

    /// Updates the knowledge with what is about to be committed.
    func settle(
      _ knowledge: inout Knowledge, schema: Schema, on connection: Connection
    ) throws(MigrationError) {
      if let phase { knowledge.applied.append(phase) } else { knowledge.applied.removeLast() }
      knowledge.schema = schema
      knowledge.expectedDigest = schema.digest
      try knowledge.settle(on: connection)
    }
  }

  /// Records that the phase went up or came down, in the transaction in which it did.
  func record(
    _ changes: [SchemaChange], leaving drift: [SchemaChange], _ kept: TransitionRows.Outcome? = nil,
    from before: Schema, to after: Schema, since began: ContinuousClock.Instant, in state: RunState
  ) throws(MigrationError) -> Recorded {
    guard let ledger = state.knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
    let (time, runner) = (engine.now(), engine.runner)
    return try lifting("writing the ledger") { () in
      if state.holdsLease, endsRun { try ledger.lease.release() }
      if !state.holdsLease, !planned.isLast { try ledger.lease.take(planned.lease(of: runner, at: time)) }
      switch step.direction {
      case .up:
        let phase = try ledger.phases.record(
          step.id, step.phase, changes: changes, before: before.digest, after: after.digest,
          milliseconds: (ContinuousClock.now - began).milliseconds, by: runner, at: time)
        try kept?.record(in: ledger.archives, entry: phase.sequence)
        if engine.watches(planned) {
          try ledger.watches.begin(
            of: phase, step.phase, from: state.firstUnwatched ?? phase.sequence, samples)
        }
        return Recorded(entry: phase.sequence, hash: try ledger.hash(of: phase.sequence), phase: phase)
      case .down:
        guard let applied = state.knowledge.applied.last else { throw Ledger.damaged("nothing is applied") }
        let entry = try ledger.phases.erase(
          applied, leaving: drift, milliseconds: (ContinuousClock.now - began).milliseconds, by: runner,
          at: time)
        try kept?.record(in: ledger.archives, entry: entry)
        try ledger.switches.remove(of: step.phase, step.id, by: runner, at: time)
        if let watch = planned.plan.reversing, planned.isLast {
          try ledger.watches.recordReversal(of: watch, entry: entry)
        }
        return Recorded(entry: entry, hash: try ledger.hash(of: entry), phase: nil)
      }
    }
  }
}
