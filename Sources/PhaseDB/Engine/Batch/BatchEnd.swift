internal import PhaseSQL
internal import PhaseSQLite

/// The end of a run of batches: the check of the whole result, the last transaction, and the error when the run ends
/// early.
struct BatchEnd {
  private let run: BatchRun
  private var engine: Engine { run.engine }
  private var connection: Connection { run.connection }
  private var record: BatchRecord { run.record }
  private var planned: PlannedStep { run.planned }

  init(of run: BatchRun) { self.run = run }

  /// Checks the result of all batches: foreign keys, and the claims in force.
  ///
  /// It reads outside the write transaction, which would otherwise take longer the larger the table is.
  func check() throws(MigrationError) {
    connection.setProgressHandler(every: 1_000) { [engine] in !engine.cancellation.isRequested }
    defer { connection.removeProgressHandler() }
    try reading(connection) { () throws(MigrationError) in
      let orphans = try rowsWithoutParent()
      if let now = record.orphans, let orphans, orphans > now,
        case let before = max(now, try formerOrphans()),
        orphans > before
      {
        throw MigrationError(
          .foreignKeysViolated,
          "\(record.id) \(record.direction.rawValue) leaves \(DetailLines.rows(orphans - before)) without a parent",
          at: run.script.place(at: run.script.firstTokenOffset),
          help: ["delete or re-point the child rows in the same phase, before their parents are deleted"])
      }
      try StepChecks(planned.step, run.state.knowledge, on: connection).verify { engine.observe($0) }
      let deciding = try decidingTables()
      try lifting("reading what \(record.id) leaves") { () in try run.trip.look(deciding) }
    }
  }

  /// Tables beside those that the way back touches or reads whose rows decide whether it runs; nil when it did not run
  /// without rows, and when it goes by rowids, which VACUUM may change.
  private func decidingTables() throws(MigrationError) -> Set<SchemaName>? {
    let knowledge = run.state.knowledge
    let goesByRowID = !SQLTokens.identifiers(in: record.phase.down.text).isDisjoint(with: RowKey.rowIDNames)
    guard record.direction == .up, !goesByRowID, let ledger = knowledge.ledger,
      let back = try? engine.trials.trial(record.id, record.phase, .up, on: knowledge.schema).back
    else { return nil }
    let claims = try ledger.phases.claims(of: record.id.migration, among: knowledge.applied)
    return back.decidingTables(to: knowledge.schema, claims, among: knowledge.schema, restoring: [])
  }

  /// How many rows had no parent before the phase went up: its way down may restore them.
  private func formerOrphans() throws(MigrationError) -> Int {
    let knowledge = run.state.knowledge
    guard record.direction == .down, let applied = knowledge.applied.last(where: { $0.id == record.id })
    else { return 0 }
    return try lifting("reading the ledger") { () in
      try knowledge.ledger?.roundTrips.read(of: applied.sequence)?.rowsWithoutParent ?? 0
    }
  }

  /// How many rows of the tables that the phase may orphan have no parent; nil when it can orphan none.
  func rowsWithoutParent() throws(MigrationError) -> Int? {
    let reach = ForeignKeyReach(run.plan.writes, [], to: run.state.knowledge.schema)
    return try lifting("checking foreign keys") { () in
      let children = try reach.children(on: connection)
      guard !children.isEmpty else { return nil }
      return try ForeignKeyViolation.all(in: children, on: connection).values.reduce(0, +)
    }
  }

  /// The last transaction: it records that the phase is applied or not applied, and that nothing is under way.
  func finish() throws(MigrationError) {
    try run.patiently { () throws(MigrationError) in try attemptFinish() }
  }

  private func attemptFinish() throws(MigrationError) {
    run.waitShortly()
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    try run.state.knowledge.refresh(on: connection)
    guard run.state.knowledge.isInPlace else { throw try run.state.knowledge.driftError(isGate: false) }
    try run.refuseLostPlace()
    guard let ledger = run.state.knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
    // Rows may have been added since its first batch came down.
    if record.direction == .down {
      try run.transition.lists.write(record.id, record.phase, planned.plan, run.state.knowledge)
    }
    let schema = run.state.knowledge.schema
    let isRecorded = run.state.knowledge.applied.contains { $0.id == record.id }
    try lifting("writing the ledger") { () in try ledger.batches.end() }
    let present = run.state.knowledge.applied.last?.sequence
    try run.transition.lanes.refuseLost(run.state.knowledge)
    let recorded: Transition.Recorded
    if isRecorded == (record.direction == .up) || run.isUndoing {
      recorded = try leaveUnchanged(ledger)
    } else {
      let drift = try StepChecks(planned.step, run.state.knowledge, on: connection).driftOnTheWayBack(
        to: schema)
      recorded = try run.transition.record(
        [], leaving: drift, from: schema, to: schema, since: run.began, in: run.state)
    }
    let isDown = recorded.changesApplied && record.direction == .down
    let again =
      recorded.changesApplied || record.direction == .down
      ? nil : run.state.knowledge.applied.last { $0.id == record.id }?.sequence
    try run.trip.finish(
      applied: recorded.phase?.sequence, again: again, gone: isDown ? present : nil,
      hadRows: record.ends != nil, orphans: record.orphans, ledger)
    // Tables of the archive are not part of the user's schema, but the next step has to know about them.
    let left = try lifting("reading the schema") { () in try Schema(of: connection, known: schema) }
    // This comes before the commit, because nothing may fail after it.
    if recorded.changesApplied {
      try recorded.settle(&run.state.knowledge, schema: left, on: connection)
    } else {
      run.state.knowledge.schema = left
      try run.state.knowledge.settle(on: connection)
    }
    try run.transition.lanes.putBack(planned, nil, applied: recorded.phase, &run.state.knowledge)
    try ledger.commit(
      transaction, leaving: recorded.entry, recorded.hash, while: "committing \(planned.step.id)")
    run.state.holdsLease = !run.transition.endsRun
  }

  /// Logs the end of a way that leads back to what the ledger already says: a half-done up that came down, or a
  /// half-done down that went up.
  private func leaveUnchanged(_ ledger: Ledger) throws(MigrationError) -> Transition.Recorded {
    let detail = record.direction == .up ? "a down that was half done" : "an up that was half done"
    return try lifting("writing the ledger") { () in
      if run.transition.endsRun { try ledger.lease.release() }
      if record.direction == .down { try ledger.effects.forget(of: record.id) }
      let entry = try ledger.log(
        record.direction == .up ? .up : .down, subject: record.id.description,
        detail: "phase \(record.phase.tokenHash), \(detail)", by: engine.runner, at: engine.now())
      return Transition.Recorded(
        entry: entry, hash: try ledger.hash(of: entry), phase: nil, changesApplied: false)
    }
  }

  /// Completes the error that ends a run early: how far it came, why it ended, and how to continue.
  func stopped(by error: MigrationError) -> MigrationError {
    var error = error
    if error.standing == .undone { return error }
    connection.removeProgressHandler()
    let isOurs = error.id != .ledgerMoved
    if isOurs, record.cursor == record.origin, record.rows == 0, !run.isUndoing, run.isNew, forget() {
      error.standing = .undone
      return error
    }
    if isOurs { run.notePause(pause(for: error)) }
    error.standing = .partWay
    let percent = record.fraction.map { ", \(PercentText.text($0))" } ?? ""
    error.state =
      "\(record.id.short) is part-way \(record.direction.rawValue) after \(DetailLines.rows(record.rows))\(percent); finished batches are recorded"
    let other: Direction = record.direction == .up ? .down : .up
    if error.id == .interrupted { error.help = [] }
    error.help += [
      "continue with: phasedb \(record.direction.rawValue)",
      "or undo it with: phasedb \(other.rawValue)",
    ]
    return error
  }

  private func pause(for error: MigrationError) -> BatchPause {
    if let pause = run.pausedBy { return pause }
    let resuming: Prose = "phasedb \(record.direction.rawValue)"
    let reason: Phase.PauseReason =
      switch error.id {
      case .interrupted: .interrupted
      case .databaseFull: .diskLow
      default: .failed
      }
    return BatchPause(reason: reason, detail: error.message, resuming: resuming)
  }

  /// Removes the record of a phase if no batch ran.
  private func forget() -> Bool {
    guard let transaction = try? connection.begin(.immediate) else { return false }
    let ledger = Ledger(connection: connection)
    guard (try? ledger.batches.cursor()) == record.cursor, (try? ledger.batches.end()) != nil,
      (try? run.trip.forget(ledger)) != nil,
      record.direction == .down || (try? ledger.effects.forget(of: record.id)) != nil
    else { return false }
    return (try? transaction.commit()) != nil
  }
}
