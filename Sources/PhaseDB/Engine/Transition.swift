internal import PhaseSQL
internal import PhaseSQLite

extension Engine {
  /// One attempt at a step: one transaction, from the write lock to the commit. The numbers are those of Concepts, "A
  /// transition". `ConnectionDiscipline` does steps 1 and 9, the connection's settings, around the whole run.
  ///
  /// - Parameter comparing: finds rows without a parent before the SQL runs. That reads every child table, so it is
  ///   used only after an attempt that left such rows.
  /// - Throws: with standing `busy` when another connection or runner is in the way and nothing was changed.
  func attempt(
    _ turn: Turn, until deadline: ContinuousClock.Instant, comparing: Bool
  ) throws(MigrationError) -> Turn.Outcome {
    let began = ContinuousClock.now
    // 2. BEGIN IMMEDIATE. The ledger is read again, and the schema must be what it says.
    // Short, so that a request to stop is heard while waiting; the attempt is repeated until the deadline.
    connection.setBusyTimeout(milliseconds: min(1_000, Pause.milliseconds(until: deadline)))
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    let locked = ContinuousClock.now

    guard let drift = try enter(turn) else { return .alreadyDone }
    if let closing = try switchClosing(turn) {
      return try close(closing, before: turn, accepting: drift, in: transaction)
    }
    guard try missingLanes(turn).isEmpty else { return .lanesOpen }
    // The trigger of a lane would ignore the phase's own SQL, too: it goes first and comes back last.
    try refuseLostLanes()
    let lanes = try liftLanes()
    if turn.step.direction == .down { try listEffects(of: turn.step.id, turn.step.phase, turn.plan) }
    // 3. What the SQL will take from rows is copied. Archives are checked, and rows that the schema below would not have.
    let rowsAtStake = try TransitionRows(
      turn.step, knowledge, trials, looksForCorrections: purpose == .rehearsal, on: connection)
    let before = rowsAtStake == nil ? knowledge.schema : try schemaNow()
    let orphansBefore = comparing ? try orphans() : nil
    let start = Start(
      began: began, locked: locked, deadline: deadline, schema: before, orphans: orphansBefore, drift: drift,
      lanes: lanes)
    do throws(MigrationError) {
      return try carryOut(turn, start, in: transaction, with: rowsAtStake)
    } catch {
      throw error.undone
    }
  }

  /// Checks what must hold before a step, in its transaction: the state of the database, the lease, and the gates.
  ///
  /// - Returns: the accepted changes from outside; nil when the step is already done.
  func enter(_ turn: Turn) throws(MigrationError) -> [Prose]? {
    try knowledge.refresh(on: connection)
    try knowledge.refuseLedgerDrift()
    let underWay = turn.step.phase.batching == nil ? nil : try knowledge.ledger?.batch()
    if underWay?.id != turn.step.id {
      switch try turn.position(in: knowledge.applied) {
      case .done: return nil
      case .due: break
      }
    }
    if turn.step.direction == .up { try Ledger.refuseUnreadable(turn.step.id, turn.step.phase) }
    try passLease()
    try createLedgerIfAbsent(turn.plan)
    try logOverrides(of: turn.plan)
    let drift = try settleDrift(turn.plan)
    try refuseClosedWindow(turn)
    try refuseCalledOff(turn.plan)
    try refuseMissingEvidence(turn)
    try refuseClosedSwitch(turn)
    try recordBroughtEvidence(turn)
    return drift
  }

  /// What an attempt found before the SQL of its phase ran.
  private struct Start {
    let began: ContinuousClock.Instant
    let locked: ContinuousClock.Instant
    let deadline: ContinuousClock.Instant
    let schema: Schema
    /// Rows without a parent, by their foreign keys; nil when they were not looked for.
    let orphans: [[Value]: Int]?
    /// The changes from outside that were accepted.
    let drift: [Prose]
    /// The triggers that hold lanes, out of the way.
    let lanes: LiftedLanes?
  }

  /// Runs the SQL of a phase, checks and records the result, and commits.
  private func carryOut(
    _ turn: Turn, _ start: Start, in transaction: consuming Transaction, with rowsAtStake: TransitionRows?
  ) throws(MigrationError) -> Turn.Outcome {
    var rowsAtStake = rowsAtStake
    let before = start.schema
    let marks = try effectMarks(before: turn.step)
    // 4. The SQL runs under the guard, and what is retired changes its name.
    let sql = PhaseStatements(turn.step.id, turn.step.phase, turn.step.direction, on: connection)
    let (rows, writes) = try sql.run()
    // 5. The schema is read, columns are put back in their order, and the kind's promise is held against it.
    let left = try schemaNow(knowing: before)
    var after = try putColumnsBack(turn.step, of: left, with: &rowsAtStake)
    let changes = after.changes(since: before)
    try refuseTrespass(turn.step, changes, from: before, to: after)
    try refuseBrokenPromise(turn, changes, to: after)
    let drifted = try driftOnTheWayBack(turn.step, to: after)
    // 6. What is archived comes back, and what the SQL really took is archived.
    let kept = try rowsAtStake?.finish(writes)
    if kept != nil { after = try schemaNow(knowing: after) }
    // 7. Foreign keys and claims are checked.
    let reach = ForeignKeyReach(
      writes, changes, to: after, renamed: sql.renamedTables, alsoWritten: kept?.tables ?? [])
    guard
      try hasNoNewForeignKeyViolations(turn.step, in: reach, since: start.orphans, but: kept?.orphans ?? [])
    else {
      return .compare
    }
    try verify(turn)

    // 8. The ledger gets the phase and the log a row. On the way up, the way back is tried. COMMIT.
    let recorded = try record(
      turn, changes, leaving: drifted, kept, from: before, to: after, since: start.began)
    try recordEffects(of: turn.step, from: marks, at: recorded.phase?.appliedAt ?? now())
    // Before the commit: once that has landed nothing may fail any more, and what another connection commits after it
    // must not be taken for known.
    try settle(recorded, schema: after)
    if turn.step.direction == .up, let rowsAtStake,
      try !tryWayBack(turn.step, rowsAtStake, since: start.orphans)
    {
      return .compare
    }
    try putLanesBack(turn, start.lanes, applied: recorded.phase)
    connection.setBusyTimeout(milliseconds: Pause.milliseconds(until: start.deadline))
    try Ledger(connection: connection).commit(
      transaction, leaving: recorded.entry, recorded.hash, while: "committing \(turn.step.id)")
    holdsLease = !endsRun(turn)
    hasLoggedOverrides = true
    let held = ContinuousClock.now - start.locked
    if !start.drift.isEmpty { observe(.driftAccepted(start.drift)) }
    let times = StepTimes(
      milliseconds: (ContinuousClock.now - start.began).milliseconds, holdMilliseconds: held.milliseconds,
      rows: rows)
    observe(
      .committed(turn.step.id, turn.step.direction, times, checkpoint: knowledge.applied.last?.sequence ?? 0))
    return .done(StepReport(times: times, writes: writes, corrections: kept?.corrections ?? []))
  }

  private func schemaNow(knowing known: Schema? = nil) throws(MigrationError) -> Schema {
    try lifting("reading the schema") { () in
      try Schema(of: connection, known: known ?? knowledge.schema)
    }
  }

  private func orphans() throws(MigrationError) -> [[Value]: Int] {
    try lifting("checking foreign keys") { () in
      try ForeignKeyViolation.orphans(ForeignKeyViolation.all(on: connection), on: connection)
    }
  }

  /// What was recorded in the transaction of a step.
  struct Recorded {
    /// The id of the log's row, and its hash, which no other row has.
    let entry: Int64
    let hash: String?
    /// The phase as recorded, on the way up.
    let phase: AppliedPhase?
    /// False when what is applied is the same as before.
    var changesApplied = true
  }

  func record(
    _ turn: Turn, _ changes: [SchemaChange], leaving drift: [SchemaChange],
    _ kept: TransitionRows.Outcome? = nil, from before: Schema, to after: Schema,
    since began: ContinuousClock.Instant
  ) throws(MigrationError) -> Recorded {
    guard let ledger = knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
    let step = turn.step
    let time = now()
    return try lifting("writing the ledger") { () in
      if holdsLease, endsRun(turn) { try ledger.releaseLease() }
      if !holdsLease, !turn.isLast { try ledger.take(lease(for: turn, at: time)) }
      switch step.direction {
      case .up:
        let phase = try ledger.record(
          step.id, step.phase, changes: changes, before: before.digest, after: after.digest,
          milliseconds: (ContinuousClock.now - began).milliseconds, by: runner, at: time)
        try ledger.record(kept, entry: phase.sequence)
        if isWatched(turn) {
          try ledger.beginWatch(
            of: phase, step.phase, from: firstUnwatched ?? phase.sequence, samplesBefore)
        }
        return Recorded(entry: phase.sequence, hash: try ledger.hash(of: phase.sequence), phase: phase)
      case .down:
        guard let applied = knowledge.applied.last else { throw Ledger.damaged("nothing is applied") }
        let entry = try ledger.erase(
          applied, leaving: drift, milliseconds: (ContinuousClock.now - began).milliseconds, by: runner,
          at: time)
        try ledger.record(kept, entry: entry)
        try ledger.removeSwitches(of: step.phase, step.id, by: runner, at: time)
        if let watch = turn.plan.reversing, turn.isLast {
          try ledger.recordReversal(of: watch, entry: entry)
        }
        return Recorded(entry: entry, hash: try ledger.hash(of: entry), phase: nil)
      }
    }
  }

  func settle(_ recorded: Recorded, schema: Schema) throws(MigrationError) {
    if let phase = recorded.phase { knowledge.applied.append(phase) } else { knowledge.applied.removeLast() }
    knowledge.schema = schema
    knowledge.expectedDigest = schema.digest
    try knowledge.settle(on: connection)
  }
}

extension Ledger {
  /// Records the new state of archives after a transition.
  fileprivate func record(_ outcome: TransitionRows.Outcome?, entry: Int64) throws(SQLiteError) {
    guard let outcome else { return }
    try record(outcome.made, entry: entry)
    try record(outcome.left)
    for id in outcome.used { try forgetArchive(id) }
  }
}

extension Turn {
  enum Position { case due, done }

  /// Whether the step is still due, or another runner has done it since it was planned.
  ///
  /// - Throws: `ledger-moved` when the ledger is neither where the plan left it nor past the step.
  func position(in applied: [AppliedPhase]) throws(MigrationError) -> Position {
    // The same id does not make it the same phase: somebody may have applied another text of it.
    let present = applied.first { $0.id == step.id }
    let isAsPlanned = present.map { $0.tokenHash == step.phase.tokenHash } ?? true
    if isAsPlanned {
      if applied.count == expected.count, zip(applied, expected).allSatisfy({ $0.id == $1 }) { return .due }
      if (present != nil) == (step.direction == .up) { return .done }
    }
    throw MigrationError(
      .ledgerMoved, "another runner applied or reversed phases after \(step.id) was planned",
      help: ["see what is applied: phasedb status"])
  }
}

extension Engine {
  /// An application may have checked in since the plan was made.
  ///
  /// The check-ins that the plan knew still count. No application can check in while a phase holds the write lock.
  func refuseClosedWindow(_ turn: Turn) throws(MigrationError) {
    let plan = turn.plan
    guard plan.judgement.live.source == .checkIns, let ledger = knowledge.ledger else { return }
    let (checkIns, ended) = try lifting("reading the ledger") { () in
      (try ledger.checkIns(since: plan.checkInsSince), try ledger.applicationsCheckedIn())
    }
    let gates = plan.judgement.now(knowing: checkIns, ended: ended).closedWindow(
      turn.step.id, turn.step.phase, turn.step.direction)
    guard !gates.isEmpty else { return }
    throw HeldPhase(id: turn.step.id, phase: turn.step.phase, gates: gates).error()
  }

  /// Refuses a phase whose evidence is not for the present schema.
  func refuseMissingEvidence(_ turn: Turn) throws(MigrationError) {
    let (step, judgement) = (turn.step, turn.plan.judgement)
    guard step.direction == .up else { return }
    let gates = judgement.closedEvidence(step.id, step.phase, on: knowledge.schema.digest)
    guard gates.isEmpty else { throw HeldPhase(id: step.id, phase: step.phase, gates: gates).error() }
  }

  /// Records the operator's evidence that opened the gate, beside the phase in the ledger.
  func recordBroughtEvidence(_ turn: Turn) throws(MigrationError) {
    let step = turn.step
    guard step.direction == .up, let ledger = knowledge.ledger,
      let evidence = turn.plan.judgement.evidence.found(step.id, step.phase, on: knowledge.schema.digest)
    else { return }
    try lifting("writing the ledger") { () in
      guard try !ledger.evidence().contains(evidence) else { return }
      try ledger.record(evidence, by: runner, at: now())
    }
  }

  /// Refuses objects that use the ledger or its names.
  func refuseTrespass(
    _ step: Plan.Step, _ changes: [SchemaChange], from before: Schema, to after: Schema
  ) throws(MigrationError) {
    try StatementGuard.refuseLeftOut(
      from: before, to: after, at: step.script.place(at: step.script.firstTokenOffset))
    guard let trespass = StatementGuard.trespass(changes, from: before, to: after) else { return }
    let start = step.script.firstTokenOffset
    let found = Schema.ledgerName(in: step.script.text)?.range ?? start..<start + 1
    throw MigrationError(
      .ledgerTouched, "\(step.id): \(trespass)",
      at: step.script.place(at: found.lowerBound, length: found.count),
      help: ["give the object another name, and keep the ledger out of views and triggers"])
  }

  /// Rebuilds tables that a down left with another order of columns than before its phase.
  ///
  /// - Parameter rows: the values to restore; a rebuilt table takes them in the same pass.
  /// - Returns: the schema afterwards.
  func putColumnsBack(
    _ step: Plan.Step, of left: Schema, with rows: inout TransitionRows?
  ) throws(MigrationError) -> Schema {
    guard step.direction == .down, let applied = knowledge.applied.last, let ledger = knowledge.ledger,
      left.digest != applied.schemaBefore
    else { return left }
    let (before, after) = try lifting("reading the ledger") { () in
      (try ledger.schema(after: applied.sequence - 1), try ledger.schema(after: applied.sequence))
    }
    let drifted = SchemaDifference(from: after, to: knowledge.schema).changed.map {
      SchemaName($0.before.name)
    }
    let order = ColumnOrder(of: left, as: before, except: Set(drifted))
    guard !order.rebuilds.isEmpty else { return left }
    for table in order.rebuilds {
      let reading = try rows?.reading(for: table) ?? TableRebuild.Reading()
      try table.run(on: connection, reading: reading)
    }
    return try lifting("reading the schema") { () in try Schema(of: connection, known: left) }
  }

  /// Checks that a down leads back to the schema before its phase, except for accepted changes from outside.
  ///
  /// - Returns: what is left of those changes; empty when there were none, and on the way up.
  func driftOnTheWayBack(_ step: Plan.Step, to after: Schema) throws(MigrationError) -> [SchemaChange] {
    guard step.direction == .down, let applied = knowledge.applied.last, let ledger = knowledge.ledger
    else { return [] }
    let hasDrift = try lifting("reading the ledger") { () in
      try ledger.hasSchemaChanges(after: applied.sequence)
    }
    guard hasDrift || after.digest != applied.schemaBefore else { return [] }
    let (recorded, recordedAfter) = try lifting("reading the ledger") { () in
      (try ledger.schema(after: applied.sequence - 1), try ledger.schema(after: applied.sequence))
    }
    let misfits =
      hasDrift
      ? WayBackThroughDrift(before: recorded, after: recordedAfter, found: knowledge.schema).misfits(
        of: after)
      : SchemaDifference(from: recorded, to: after).lines
    if hasDrift, misfits.isEmpty { return after.changes(since: recorded) }
    throw MigrationError(
      .downNotInverse, "the down of \(step.id) does not lead back to the schema before it",
      at: step.script.place(at: step.script.firstTokenOffset), details: misfits,
      help: [
        "write a new migration instead: the down SQL in the ledger cannot be changed",
        "column order counts: an INSERT without a column list writes by position",
      ])
  }

  /// Refuses a way up that breaks the promise of the phase's kind.
  func refuseBrokenPromise(_ turn: Turn, _ changes: [SchemaChange], to after: Schema) throws(MigrationError) {
    let step = turn.step
    guard step.direction == .up else { return }
    let difference = SchemaDifference(changes)
    switch step.phase.kind {
    case .contract: break
    case .migrate:
      guard !difference.isEmpty else { return }
      throw MigrationError(
        .migrateChangesSchema, "\(step.id) changes the schema; a migrate phase must not",
        at: step.script.place(at: step.script.firstTokenOffset), details: difference.lines,
        help: ["move the change to expand.sql or contract.sql of the same migration"])
    case .expand:
      let losses = difference.losses(in: after)
      guard !losses.isEmpty else { return }
      throw MigrationError(
        .expandNotAdditive, "\(step.id) removes or changes something; an expand phase must only add",
        at: step.script.place(at: step.script.firstTokenOffset), details: losses,
        help: ["move what removes or tightens to contract.sql of the same migration"])
    }
  }

  /// Checks for new rows without a parent; earlier ones are not the phase's fault.
  ///
  /// - Parameters:
  ///   - before: nil when it is not known yet.
  ///   - returned: the foreign keys of restored rows that had no parent when they were archived.
  /// - Returns: false when there are such rows and `before` is needed to tell.
  func hasNoNewForeignKeyViolations(
    _ step: Plan.Step, in reach: ForeignKeyReach, since before: [[Value]: Int]?,
    but returned: Set<String> = []
  ) throws(MigrationError) -> Bool {
    let after = try lifting("checking foreign keys") { () in
      try ForeignKeyViolation.all(in: reach.children(on: connection), on: connection)
    }
    guard !after.isEmpty else { return true }
    guard var before else { return false }
    let new = try lifting("checking foreign keys") { () in
      try after.filter { violation in
        try ForeignKeyViolation.orphans([violation.key: violation.value], on: connection).contains {
          values, count in
          guard !returned.contains("\(values)") else { return false }
          let known = before[values] ?? 0
          before[values] = max(0, known - count)
          return known < count
        }
      }
    }
    guard !new.isEmpty else { return true }
    throw MigrationError(
      .foreignKeysViolated,
      "\(step.id) \(step.direction.rawValue) leaves \(DetailLines.rows(new.values.reduce(0, +))) without a parent",
      at: step.script.place(at: step.script.firstTokenOffset),
      details: DetailLines.first(new.keys.map(\.sentence).sorted()),
      help: step.direction == .up
        ? ["delete or re-point the child rows in the same phase, before their parents are deleted"]
        : try helpWithParents(new.keys))
  }

  /// Rows that come back may have lost their parents meanwhile.
  func helpWithParents(_ orphans: some Collection<ForeignKeyViolation>) throws(MigrationError) -> [Prose] {
    let statements = try lifting("naming the parents that are missing") { () in
      try connection.missingParents(orphans)
    }
    return ["restore the missing parents, with every value that their tables require:"]
      + statements.map { "  \($0)" }
      + ["once the phase is down, delete unwanted parents together with their children"]
  }

  /// Checks the claims of the phase after it went up; after it came down, those of its migration that are in force
  /// again.
  func verify(_ turn: Turn) throws(MigrationError) { try verify(turn.step) { observe($0) } }

  func verify(_ step: Plan.Step, observe: (Event) -> Void = { _ in }) throws(MigrationError) {
    var claims = step.phase.verifications
    if step.direction == .down {
      let earlier = knowledge.applied.filter {
        $0.id.migration == step.id.migration && $0.id != step.id
      }
      guard let ledger = knowledge.ledger else { return }
      claims = []
      for phase in earlier { claims += try ledger.phase(phase).verifications }
    }
    for claim in claims {
      let breaking = try claim.breakingRows(on: connection, limit: DetailLines.limit)
      guard breaking.count == 0 else {
        throw MigrationError(
          .verifyFailed,
          "\(step.id) \(step.direction.rawValue) breaks the claim '\(claim.title)': \(DetailLines.rows(breaking.count))",
          at: claim.query.place(at: claim.query.firstTokenOffset), details: breaking.lines,
          help: ["correct the phase or the claim"])
      }
      observe(.verified(step.id, title: claim.title))
    }
  }
}
