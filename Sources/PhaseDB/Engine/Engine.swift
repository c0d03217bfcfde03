package import PhaseSQLite

/// Runs a plan on one connection: the same machine for up and down, one transaction for each step.
package final class Engine {
  let connection: Connection
  let runner: Runner
  let now: () -> Timestamp
  /// How long to wait for another connection or runner.
  let wait: Duration
  let cancellation: Cancellation
  let pacing: Pacing
  let observe: (Event) -> Void
  /// What this run knows of ledger and schema, carried from one step to the next.
  package var knowledge: Knowledge
  /// What the run is for.
  let purpose: Purpose
  /// What is known of what transitions do.
  let trials: TransitionTrials
  /// Why a way back that was tried ended the transaction of its phase, so that it is not tried again.
  var endedByWayBack: MigrationError?
  /// The probes of the settings, by their names.
  var probes: [String: Probe.Source] = [:]
  /// What the probes of the step that runs showed before it.
  var samplesBefore: [String: [Sample]] = [:]
  /// The folder for lists of what phases caused; nil for that of the database.
  package var effectsFolder: String?
  /// What was listed before phases came down.
  var lists: [PhaseID: EffectList] = [:]
  /// The first phase of this run that the next watch covers.
  var firstUnwatched: Int64?
  /// The lanes of the settings, by their names.
  var lanes: [String: Lane] = [:]
  /// The lanes that this run holds.
  var grips: [LaneGrip] = []
  /// The lanes that were told of as open in any case, by the phase that comes down without them.
  var absentLanes: [PhaseID: Set<String>] = [:]
  /// Renews what they are held by.
  var laneKeeper: LaneKeeper?
  /// How long a way down waits after it closed a switch.
  var switchSettle = Duration.zero
  /// The switches that this run closed, and those for which it has waited.
  var closedSwitches: [String] = []
  var settledSwitches: Set<String> = []
  /// True while other runners see that this run is not over.
  var holdsLease = false
  /// True once the log says which gates were overridden in this run.
  var hasLoggedOverrides = false

  package enum Purpose {
    case change
    /// A copy. Readers stay from the beginning to the end and no writer waits: batches pause neither for them nor for a
    /// budget.
    case copy
    /// A copy on which the run finds out where the SQL of a way down alone is wrong.
    case rehearsal
  }

  package init(
    on connection: Connection, knowledge: Knowledge, for purpose: Purpose = .change,
    trials: TransitionTrials = TransitionTrials(), runner: Runner, now: @escaping () -> Timestamp,
    wait: Duration, pacing: Pacing,
    cancellation: Cancellation, observe: @escaping (Event) -> Void
  ) {
    self.purpose = purpose
    self.trials = trials
    self.connection = connection
    self.knowledge = knowledge
    self.runner = runner
    self.now = now
    self.wait = wait
    self.pacing = pacing
    self.cancellation = cancellation
    self.observe = observe
  }

  /// Runs every step of a plan, in order.
  ///
  /// - Returns: what was done.
  /// - Throws: the first failure; its `standing` says whether steps before it are done, its `state` where the
  ///   database stands.
  package func run(_ plan: Plan) throws(MigrationError) -> RunResult { try report(on: plan).result }

  /// Runs one phase alone on a copy, beginning as a command of its own would: with nothing that the step before it knew.
  ///
  /// - Parameter catalog: the catalog whose names errors may suggest.
  func runAlone(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, in catalog: Catalog
  ) throws(MigrationError) -> StepReport {
    knowledge = try Knowledge(of: connection)
    let planner = try Planner(onCopy: knowledge, catalog, .ofCopy, at: now())
    guard let report = try report(on: planner.alone(id, phase, direction)).steps.first else {
      throw MigrationError(.sqliteFailed, "\(id) did not run on the copy")
    }
    return report
  }

  private func report(on plan: Plan) throws(MigrationError) -> (result: RunResult, steps: [StepReport]) {
    let nothing = RunResult(done: [], skipped: [])
    guard !plan.steps.isEmpty || !plan.drift.isEmpty || plan.baseline != nil else { return (nothing, []) }
    let discipline = try changingNothing { () throws(MigrationError) in
      try ConnectionDiscipline.begin(on: connection)
    }
    return try discipline.whileInForce { () throws(MigrationError) in
      watchForCancellation()
      defer { connection.removeProgressHandler() }
      guard !plan.steps.isEmpty else {
        try changingNothing { () throws(MigrationError) in
          if plan.drift.isEmpty { try begin(plan) } else { try acceptDrift(plan) }
        }
        return (nothing, [])
      }
      return try runSteps(plan)
    }
  }

  private func runSteps(
    _ plan: Plan
  ) throws(MigrationError) -> (result: RunResult, steps: [StepReport]) {
    defer {
      letGoOfLanes()
      releaseLease()
    }
    var result = RunResult(done: [], skipped: [])
    var reports: [StepReport] = []
    var expected = plan.appliedBefore
    // The plan's notes tell of these.
    absentLanes.merge(plan.absentLanes) { $0.union($1) }
    for (index, step) in plan.steps.enumerated() {
      let turn = Turn(step: step, number: index + 1, count: plan.steps.count, expected: expected, plan: plan)
      do throws(MigrationError) {
        if cancellation.isRequested { throw MigrationError.stopped() }
        observe(.began(step.id, step.direction, number: turn.number, count: turn.count))
        // A way down closes its switches before anybody waits for a queue.
        if step.direction == .up { try takeLanes(turn) }
        samplesBefore = try samplesBefore(turn)
        switch try patiently(turn) {
        case .done(let report):
          result.done.append(done(step, report))
          reports.append(report)
        case .alreadyDone:
          result.skipped.append(step.id)
          observe(.alreadyDone(step.id, step.direction))
        case .batches(let run):
          let report = try run.run()
          observe(
            .committed(
              step.id, step.direction, report.times, checkpoint: knowledge.applied.last?.sequence ?? 0))
          result.done.append(done(step, report))
          reports.append(report)
          watchForCancellation()
        case .compare, .switchesClosed, .lanesOpen: break
        }
      } catch {
        // Where the database stands is read, and the lease given back, also after a request to stop.
        connection.removeProgressHandler()
        letGoOfLanes()
        let told = withClosedSwitches(standing(of: error, turn: turn, result: result))
        recordStop(turn, by: error, leaving: told.standing)
        guard step.direction == .down else { throw told }
        var failure = told.onTheWayDown
        if let file = lists[step.id]?.file {
          failure.help.append("what \(step.id.short) caused is listed in \(file)")
        }
        throw failure
      }
      if step.direction == .up {
        firstUnwatched = isWatched(turn) ? nil : firstUnwatched ?? knowledge.applied.last?.sequence
      }
      if index + 1 < plan.steps.count {
        letGoOfLanes(before: plan.steps[index + 1])
      } else {
        letGoOfLanes()
      }
      watchForCancellation()
      expected.removeAll { $0 == step.id }
      if step.direction == .up { expected.append(step.id) }
    }
    try connection.refuseMoved("after the last step")
    return (result, reports)
  }

  private func done(_ step: Plan.Step, _ report: StepReport) -> RunResult.Done {
    RunResult.Done(
      id: step.id, direction: step.direction, times: report.times,
      effects: step.direction == .down ? lists[step.id] : nil)
  }

  /// Lets a request to stop end the statement that runs.
  func watchForCancellation() {
    connection.setProgressHandler(every: 1_000) { [cancellation] in !cancellation.isRequested }
  }

  /// Where a file lies that asks batches to wait; nil for a database without a path.
  var pauseFile: String? { pacing.pauseFile ?? (connection.path.isEmpty ? nil : connection.path + ".pause") }

  /// Tries a step again, as a whole, while another connection holds the lock and the time to wait is not over.
  private func patiently(_ turn: Turn) throws(MigrationError) -> Turn.Outcome {
    var deadline = ContinuousClock.now + wait
    var hasSaid = false
    var comparing = false
    while true {
      let before = knowledge
      do throws(MigrationError) {
        let outcome =
          turn.step.phase.batching == nil
          ? try attempt(turn, until: deadline, comparing: comparing)
          : try beginBatches(turn, until: deadline)
        switch outcome {
        case .compare:
          knowledge = before
          comparing = true
        case .switchesClosed(let closing):
          try settle(closing, before: turn)
          deadline = ContinuousClock.now + wait
        case .lanesOpen:
          knowledge = before
          try takeLanes(turn)
          deadline = ContinuousClock.now + wait
        default: return outcome
        }
      } catch {
        guard error.standing == .busy else { throw error }
        knowledge = before
        if cancellation.isRequested { throw MigrationError.stopped() }
        guard ContinuousClock.now < deadline else { throw error }
        if !hasSaid { observe(.waiting(turn.step.id, reason: error.message)) }
        hasSaid = true
        Pause.briefly()
      }
    }
  }

  /// Gives the lease back when the last step did not: it failed, or another runner had done it.
  private func releaseLease() {
    // If even this fails the lease stays behind with our process number, and the next runner sees that we are gone.
    guard holdsLease, let transaction = try? connection.begin(.immediate) else { return }
    let ledger = Ledger(connection: connection)
    if (try? ledger.lease.held())?.holder == runner { try? ledger.lease.release() }
    try? transaction.commit()
    holdsLease = false
  }
}

/// What a run did.
public struct RunResult: Sendable, Hashable {
  /// A step that was done.
  public struct Done: Sendable, Hashable {
    /// The phase.
    public let id: PhaseID
    /// Whether it went up or down.
    public let direction: Direction
    /// How long that took, and how many rows it wrote.
    public let times: StepTimes
    /// What it had caused, listed before it came down; nil when it declares no effects.
    package let effects: EffectList?
  }

  /// In the order in which it was done.
  public internal(set) var done: [Done]
  /// Steps that another runner did in the meantime.
  public internal(set) var skipped: [PhaseID]

  /// Adds what a later run did.
  package mutating func add(_ later: RunResult) {
    done += later.done
    skipped += later.skipped
  }

  package init(done: [Done], skipped: [PhaseID]) { (self.done, self.skipped) = (done, skipped) }
}

/// What one step did.
struct StepReport {
  let times: StepTimes
  /// What its SQL wrote.
  let writes: WriteSet
  /// In a rehearsal, where archives put right what its SQL made of rows.
  var corrections: [TableDifference] = []
}

/// One step at its place in a run.
struct Turn {
  let step: Plan.Step
  let number: Int
  let count: Int
  /// What must be applied, in its order, when the step runs.
  let expected: [PhaseID]
  let plan: Plan

  var isLast: Bool { number == count }

  enum Outcome {
    case done(StepReport)
    case alreadyDone
    /// Rows have no parent, and only a comparison with the state before can tell whose fault it is. Rolled back.
    case compare
    /// The step has not begun, because switches had to be closed first. Committed.
    case switchesClosed(SwitchClosing)
    /// The step has not begun, because its lanes have to be held first. Rolled back.
    case lanesOpen
    /// A batched step has begun, and its batches are to be run.
    case batches(BatchRun)
  }
}

extension Engine {
  /// Refuses while another run is between two of its transactions, inside the transaction of a step.
  ///
  /// - Throws: `lease-held` with standing `busy` while its owner may be alive.
  func passLease() throws(MigrationError) {
    let held = try lifting("reading the ledger") { () in try knowledge.ledger?.lease.held() }
    if let held, held.holder != runner {
      let isSilent = try isSilent(held)
      guard isSilent || held.holder.isProvablyDead(seenFrom: runner) else { throw held.held }
      try lifting("writing the ledger") { () in
        try knowledge.ledger?.log(
          .takeOver, subject: held.work,
          detail: "process \(held.holder.processID) on \(held.holder.host), since \(held.since)", by: runner,
          at: now())
        try knowledge.ledger?.lease.release()
      }
      observe(.tookOver(from: "process \(held.holder.processID)"))
    }
  }

  /// Whether a runner in batches, which cannot be seen from here, has given no sign for two minutes.
  ///
  /// Should it live, nothing is lost: each of its batches asks in its transaction whether the lease is still its own.
  private func isSilent(_ held: Lease) throws(MigrationError) -> Bool {
    guard !held.holder.isVisible(from: runner), let underWay = try knowledge.ledger?.batches.underWay() else {
      return false
    }
    return underWay.beat < now().before(.seconds(120))
  }

  /// The lease of a run of several steps. It is written with the first step and removed with the last, so that it
  /// costs no transaction of its own; a run of one step needs none.
  func lease(for turn: Turn, at time: Timestamp) -> Lease {
    Lease(holder: runner, since: time, work: "\(turn.step.direction.rawValue), \(turn.count) phases")
  }

  /// Runs a baseline that no phase comes after yet.
  private func begin(_ plan: Plan) throws(MigrationError) {
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    try knowledge.refresh(on: connection)
    try createLedgerIfAbsent(plan)
    guard let ledger = knowledge.ledger else { return }
    let (entry, hash) = try lifting("reading the ledger") { () in try ledger.lastEntry() }
    try ledger.commit(transaction, leaving: entry, hash, while: "committing the baseline")
  }

  /// Makes the ledger with the first step, after the baseline when there is one, or brings it to the present format.
  func createLedgerIfAbsent(_ plan: Plan) throws(MigrationError) {
    if let ledger = knowledge.ledger { return try upgrade(ledger) }
    // Without a ledger nothing says what the schema should be but the plan.
    let difference = SchemaDifference(from: plan.schemaBefore, to: knowledge.schema)
    guard difference.isEmpty else {
      throw MigrationError(
        .schemaDrift, "the schema was changed after the plan was made", details: difference.lines,
        help: ["run the command again to make a new plan"])
    }
    if let baseline = plan.baseline {
      observe(.baselineBegan)
      try undone { () throws(MigrationError) in
        _ = try GuardedScript(baseline, on: connection, isBaseline: true).run()
      }
      knowledge.schema = try lifting("reading the schema") { () in try Schema(of: connection) }
    }
    let schema = knowledge.schema
    let taken = schema.reachingForLedger
    guard taken.isEmpty else { throw .ledgerNamesTaken(taken) }
    knowledge.ledger = try lifting("making the ledger") { () in
      let ledger = try Ledger.create(in: connection, schema: schema, by: runner, at: now())
      try ledger.squash.begin(with: plan.baseline)
      return ledger
    }
    knowledge.schema = try lifting("reading the schema") { () in try Schema(of: connection, known: schema) }
    knowledge.expectedDigest = knowledge.schema.digest
  }

  private func upgrade(_ ledger: Ledger) throws(MigrationError) {
    guard ledger.format < LedgerFormat.current else { return }
    try lifting("bringing the ledger to its present format") { () in
      knowledge.ledger = try ledger.upgraded(by: runner, at: now())
      knowledge.schema = try Schema(of: connection, known: knowledge.schema)
    }
  }
}

extension Engine {
  /// Completes an error with where the database stands and the command that goes on. What the failed step itself left
  /// behind is said where the error was thrown.
  func standing(of error: MigrationError, turn: Turn, result: RunResult) -> MigrationError {
    var error = error
    let step = turn.step
    // The attempt may have changed what we know before it was rolled back: read where the database really stands.
    let present = try? Knowledge(of: connection)
    if let present { knowledge = present }
    // A batched step knows better where it stands.
    let isTold = error.standing == .partWay || (error.standing == .undone && error.state != nil)
    if !isTold {
      let left =
        error.standing == .undone
        ? "\(step.id.short) was rolled back" : "nothing was changed by \(step.id.short)"
      let stands =
        present.map { "the database is \($0.checkpointText)" } ?? "the database could not be read again"
      error.state = "\(left); \(stands)"
      if error.standing == .undone, purpose == .change, error.id != .interrupted {
        error.help.append("then run: phasedb \(step.direction.rawValue)")
      }
    }
    if !result.done.isEmpty { error.standing = .partWay }
    return error
  }
}
