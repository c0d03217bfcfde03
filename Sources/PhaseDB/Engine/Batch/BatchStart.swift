internal import PhaseSQL
internal import PhaseSQLite

/// The first transaction of a batched step: the checks before any phase's SQL, the ends of the way, and the lease.
struct BatchStart {
  private let transition: Transition
  private var engine: Engine { transition.engine }
  private var planned: PlannedStep { transition.planned }
  private var connection: Connection { engine.connection }

  init(_ transition: Transition) { self.transition = transition }

  /// - Throws: with standing `busy` when another connection or runner is in the way and nothing was changed.
  func attempt(
    from state: RunState, until deadline: ContinuousClock.Instant
  ) throws(MigrationError) -> Transition.Outcome {
    var state = state
    connection.setBusyTimeout(milliseconds: min(1_000, Pause.milliseconds(until: deadline)))
    let writers = ConcurrentWriters(of: connection.path)
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    let drift: [Prose]
    switch try StepEntry(engine: engine, planned: planned, lanes: transition.lanes).enter(&state) {
    case .entered(let accepted): drift = accepted
    case .alreadyDone: return .alreadyDone(state.knowledge)
    case .lanesOpen: return .lanesOpen
    case .switchesOpen(let closing, let drift):
      return .switchesClosed(
        closing, try closing.commit(transaction, before: planned, accepting: drift, from: state, engine))
    }
    guard let ledger = state.knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
    let underWay = try ledger.batches.underWay()
    let plan = try batchPlan(planned.step, state.knowledge.schema)
    let (back, whyNot) = try wayBack(planned.step, by: plan.key, state.knowledge.schema)
    let bounds = try Self.bounds(of: planned.step.id, planned.step.phase, state.knowledge)
    let others = Self.others(
      than: plan.key.table, planned.step.id, planned.step.phase, planned.step.direction, state.knowledge,
      engine.trials)
    let key = plan.key
    let (time, runner) = (engine.now(), engine.runner)
    var record: BatchRecord
    let action: LogEntry.Action
    if let underWay {
      try underWay.refuseResume(of: planned.step.id, planned.step.phase, planned.step.direction)
      record = underWay
      if record.direction != planned.step.direction { record.reverse(at: time) }
      action = .resume
    } else {
      record = try newRecord(planned.step, key, at: time)
      action = .start
    }
    record.pause = nil
    record.beat = time
    record.runner = "\(runner.user)@\(runner.host)"
    let begun = record
    let isNew = action == .start
    if planned.step.direction == .down {
      try transition.lists.write(planned.step.id, planned.step.phase, planned.plan, state.knowledge)
    } else if isNew {
      // This comes before the first batch, because later rows may be written by the phase.
      try EffectStarts(before: planned.step, on: connection).record(
        at: time, in: state.knowledge, on: connection)
    }
    let schema = state.knowledge.schema
    let (recorded, trip, after) = try lifting("writing the ledger") { () in
      if action == .start { try ledger.batches.begin(begun) } else { try ledger.batches.update(begun) }
      try ledger.lease.take(
        Lease(
          holder: runner, since: time, work: "\(planned.step.direction.rawValue) of \(planned.step.id.short)")
      )
      let entry = try ledger.log(
        action, subject: planned.step.id.description,
        detail: "\(planned.step.direction.rawValue), in batches of \(key.table) by \(key.column)", by: runner,
        at: time)
      let trip = try BatchTrip(
        begun, plan, back, whyNot: whyNot, bounds, others, entry: entry, ledger, schema, isNew: isNew,
        on: connection)
      return (
        Transition.Recorded(entry: entry, hash: try ledger.hash(of: entry), phase: nil), trip,
        try Schema(of: connection, known: schema)
      )
    }
    state.knowledge.schema = after
    connection.setBusyTimeout(milliseconds: Pause.milliseconds(until: deadline))
    // This comes before the commit, because nothing may fail after it.
    try state.knowledge.settle(on: connection)
    try Ledger(connection: connection).commit(
      transaction, leaving: recorded.entry, recorded.hash, while: "committing \(planned.step.id)")
    state.holdsLease = true
    state.hasLoggedOverrides = true
    if !drift.isEmpty { engine.observe(.driftAccepted(drift)) }
    return .batches(BatchRun(transition, state, begun, plan, trip, writers, isNew: isNew))
  }

  /// The key of a batched phase, after a check of how SQLite would run its SQL.
  private func batchPlan(_ step: Plan.Step, _ schema: Schema) throws(MigrationError) -> BatchPlan {
    guard let batching = step.phase.batching else { throw Ledger.damaged("\(step.id) has no @batch") }
    let found = try lifting("looking for the key of the batches") { () in
      try BatchKey.find(batching, on: connection)
    }
    let start = step.script.place(at: step.script.firstTokenOffset)
    switch found {
    case .failure(let unfit):
      throw MigrationError(.batchNotKeyed, unfit.why, at: start, help: [unfit.remedy])
    case .success(let key):
      let plan = try BatchPlan(step.script, by: key, on: connection)
      if let objection = try plan.presentObjection(in: schema, on: connection) {
        var error = objection.error
        // The SQL of an applied phase cannot change.
        if objection.isOfStatistics {
          error.help.append("then run: phasedb \(step.direction.rawValue)")
        } else if step.direction == .down {
          error.help =
            ["make the index again by which SQLite found \(key.table).\(key.column)"] + WayOut.forward
        }
        throw error
      }
      let hasNone = try lifting("looking for the key of the batches") { () in
        try BatchSearch(key: key, connection: connection).hasRowsWithoutKey()
      }
      guard !hasNone else {
        throw MigrationError(
          .batchNotKeyed, "rows of \(key.table) have no \(key.column), so no batch would include them",
          at: start, help: ["order the batches by a column that is never NULL: -- @batch TABLE by COLUMN"])
      }
      return plan
    }
  }

  /// The other direction, to be tried batch by batch. A way up is refused if its way down does not find rows by the
  /// key: the phase could not come down.
  ///
  /// - Returns: the plan, or the reason why the way back cannot be tried.
  private func wayBack(
    _ step: Plan.Step, by key: BatchKey, _ schema: Schema
  ) throws(MigrationError) -> (BatchPlan?, String?) {
    let script = step.direction == .up ? step.phase.down : step.phase.up
    do throws(MigrationError) {
      let plan = try BatchPlan(script, by: key, on: connection)
      guard let objection = try plan.presentObjection(in: schema, on: connection) else { return (plan, nil) }
      if step.direction == .up { throw objection.error }
      return (nil, objection.message.raw)
    } catch {
      guard error.id == .statementFailed else { throw error }
      return (nil, "the way back does not compile: \(error.message.raw)")
    }
  }

  static func others(
    than table: String, _ id: PhaseID, _ phase: Phase, _ direction: Direction, _ knowledge: Knowledge,
    _ trials: TransitionTrials
  ) -> BatchTrip.Others {
    BatchTrip.Others(try? trials.trial(id, phase, direction, on: knowledge.schema), of: table)
  }

  /// What batches of a phase may remove or overwrite without an archive.
  static func bounds(
    of id: PhaseID, _ phase: Phase, _ knowledge: Knowledge
  ) throws(MigrationError) -> BatchBounds {
    BatchBounds(before: try schemaBefore(id.migration, except: id, knowledge) ?? knowledge.schema, phase)
  }

  /// The schema before the first phase of a migration; nil when none was applied before this one.
  private static func schemaBefore(
    _ migration: MigrationName, except id: PhaseID, _ knowledge: Knowledge
  ) throws(MigrationError) -> Schema? {
    guard let ledger = knowledge.ledger,
      let first = knowledge.applied.first(where: { $0.id.migration == migration && $0.id != id })
    else { return nil }
    return try lifting("reading the ledger") { () in try ledger.schemas.schema(after: first.sequence - 1) }
  }

  private func newRecord(
    _ step: Plan.Step, _ key: BatchKey, at time: Timestamp
  ) throws(MigrationError) -> BatchRecord {
    let ends = try lifting("looking for the ends of the way") { () in
      try BatchSearch(key: key, connection: connection).ends()
    }
    let cursor = step.direction == .up ? BatchCursor.bottom : ends.map { .after($0.last) } ?? .bottom
    return BatchRecord(
      id: step.id, phase: step.phase, format: LedgerFormat.current, key: key.column, ends: ends,
      direction: step.direction, cursor: cursor, origin: cursor, total: nil, rows: 0, orphans: nil,
      pace: BatchRecord.Pace(),
      pause: nil, since: time, beat: time, runner: "")
  }
}

extension BatchPlan {
  /// Why SQLite cannot run it in batches with the rows that are there; nil when it can.
  ///
  /// `ANALYZE` makes SQLite search a table of few rows by one end of a range, or not at all
  /// (sqlite.org/optoverview.html). That is no harm while the table is small.
  func presentObjection(in schema: Schema, on connection: Connection) throws(MigrationError)
    -> Objection?
  {
    guard let objection, hasKeyOf(schema) else { return objection }
    let isSmall = try lifting("looking at the size of \(key.table)") { () in
      try connection.value(
        "SELECT 1 FROM main.\(SQLText.identifier(key.table)) LIMIT 1 OFFSET \(Self.mostRowsOfSmallTable)")
        == nil
    }
    guard !isSmall else { return nil }
    return Objection(
      message:
        "SQLite does not find the rows of a batch by \(key.table).\(key.column), because of its statistics",
      place: objection.place, details: objection.details,
      remedies: ["count its rows again, with this SQL: ANALYZE \(SQLText.identifier(key.table))"],
      isOfStatistics: true)
  }

  /// Whether SQLite finds the rows of a batch by the key when it has no statistics.
  private func hasKeyOf(_ schema: Schema) -> Bool {
    let touched = TouchedSchema(of: schema)
    guard
      let scratch = try? Scratch(
        baseline: nil, terms: ScratchTerms(ignored: touched.ignored), costLimit: CostLimit(.scratch)),
      (try? scratch.make(touched.objects(around: [script], naming: []))) != nil,
      let plan = try? BatchPlan(script, by: key, on: scratch.connection)
    else { return false }
    return plan.objection == nil
  }

  private static let mostRowsOfSmallTable = 10_000
}
