internal import Dispatch
internal import PhaseSQLite

/// Runs a plan, and does the work before and after it: lanes, check-ins and ways down to remember.
struct PlanRun: MigratorWork {
  let migrator: Migrator

  func run(_ plan: Plan, observe: @escaping (Event) -> Void) throws(MigrationError) -> RunResult {
    let (ways, lanes) = (WaysBack(migrator: migrator), LaneWork(migrator: migrator))
    let before = try changingNothing { () throws(MigrationError) in
      try ways.refuseBlocked(plan)
      try ways.refuseBrokenArchives(plan)
      return try Knowledge(of: connection)
    }
    if !plan.squashed.isEmpty { try Squashing(migrator: migrator).record(plan.squashed) }
    let knowledge = plan.squashed.isEmpty ? before : try Knowledge(of: connection)
    var stuck: Set<String> = []
    // A lane that could not be released is tried again at the end, and reported once.
    let tell = { (event: Event) in
      if case .laneStuck(let name, _) = event, !stuck.insert(name).inserted { return }
      observe(event)
    }
    defer { migrator.tried = TransitionTrials() }
    let engine = Engine(
      on: connection, trials: TransitionTrials(knowing: migrator.tried), probes: options.probes,
      lanes: lanes.all, effectsFolder: options.effectsFolder, switchSettle: options.switchSettle,
      mostBytesUndone: options.mostBytesUndone, runner: options.runner, now: options.now, wait: options.wait,
      pacing: options.pacing, cancellation: options.cancellation, observe: tell)
    lanes.letGoOfAbandoned(tell)
    defer { lanes.letGoOfAbandoned(tell) }
    let report = try engine.run(plan, from: knowledge)
    // This only saves work for later commands, so an error does not matter.
    try? DownRehearsalWork(migrator: migrator).keepTrials(knowing: report.knowledge.schema)
    return report.result
  }

  func isUpToDate() throws(MigrationError) -> Bool {
    try reading(connection) { () throws(MigrationError) in
      let knowledge = try Knowledge(of: connection)
      let applied = Set(knowledge.applied.map(\.id))
      let isHalfDone =
        try lifting("reading the ledger") { () in try knowledge.ledger?.batches.underWay() } != nil
      return !isHalfDone && catalog.phases.allSatisfy { applied.contains($0.id) }
    }
  }

  func up(
    running version: LiveVersion, instance: String?, observe: @escaping (Event) -> Void
  ) throws(MigrationError) -> RunResult {
    let plan = try Planning(migrator: migrator, starting: version).readingPlan(.upAll)
    let result = try run(plan, observe: observe)
    if let held = plan.held.first, result.done.isEmpty, try lacksLedger() {
      throw MigrationError(
        .versionNotLive, "\(version) may not run on the schema that \(held.id.short) leads to",
        details: held.gates.map(\.reason), state: "nothing was changed", help: held.gates.map(\.opening))
    }
    let runner = options.runner
    try migrator.checkIn(version, instance: instance ?? "\(runner.host)/\(runner.processID)")
    return result
  }

  private func lacksLedger() throws(MigrationError) -> Bool {
    try reading(connection) { () throws(MigrationError) in try Knowledge(of: connection).ledger == nil }
  }

  /// Runs a body on a thread of its own. Cancelling the task stops it. The caller waits, so that only that thread
  /// uses the migrator.
  nonisolated(nonsending) func onThreadOfItsOwn<Value: Sendable>(
    _ body: @escaping @Sendable (Migrator) throws(MigrationError) -> Value
  ) async throws(MigrationError) -> Value {
    let own = options.cancellation
    let cancellation = Cancellation(following: own)
    migrator.options.cancellation = cancellation
    defer { migrator.options.cancellation = own }
    nonisolated(unsafe) let migrator = migrator
    let result: Result<Value, MigrationError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        DispatchQueue(label: "phasedb").async {
          continuation.resume(
            returning: Result { () throws(MigrationError) in try body(unsafe migrator) })
        }
      }
    } onCancel: {
      cancellation.cancel()
    }
    return try result.get()
  }
}
