package import PhaseSQLite

/// Runs a plan on one connection: the same machine for up and down, one transaction for each step.
///
/// An engine is what a run is given, and does not change. What a run knows goes from step to step as a ``RunState``.
package struct Engine {
  let connection: Connection
  let runner: Runner
  let now: () -> Timestamp
  /// How long to wait for another connection or runner.
  let wait: Duration
  let cancellation: Cancellation
  let pacing: Pacing
  let observe: (Event) -> Void
  /// What the run is for.
  let purpose: Purpose
  /// What is known of what transitions do.
  let trials: TransitionTrials
  /// The probes of the settings, by their names.
  let probes: [String: Probe.Source]
  /// The lanes of the settings, by their names.
  let lanes: [String: Lane]
  /// The folder for lists of what phases caused; nil for that of the database.
  let effectsFolder: String?
  /// How long a way down waits after it closed a switch.
  let switchSettle: Duration

  package enum Purpose {
    case change
    /// A copy. Readers stay from the beginning to the end and no writer waits: batches pause neither for them nor for a
    /// budget.
    case copy
    /// A copy on which the run finds out where the SQL of a way down alone is wrong.
    case rehearsal
  }

  package init(
    on connection: Connection, for purpose: Purpose = .change,
    trials: TransitionTrials = TransitionTrials(), probes: [String: Probe.Source] = [:],
    lanes: [String: Lane] = [:], effectsFolder: String? = nil, switchSettle: Duration = .zero,
    runner: Runner, now: @escaping () -> Timestamp,
    wait: Duration, pacing: Pacing,
    cancellation: Cancellation, observe: @escaping (Event) -> Void
  ) {
    self.purpose = purpose
    self.trials = trials
    self.connection = connection
    self.probes = probes
    self.lanes = lanes
    self.effectsFolder = effectsFolder
    self.switchSettle = switchSettle
    self.runner = runner
    self.now = now
    self.wait = wait
    self.pacing = pacing
    self.cancellation = cancellation
    self.observe = observe
  }

  /// Runs every step of a plan, in order.
  ///
  /// - Parameter knowledge: what is known of the database.
  /// - Returns: what was done, and what is known afterwards.
  /// - Throws: the first failure; its `standing` says whether steps before it are done, its `state` where the
  ///   database stands.
  package func run(_ plan: Plan, from knowledge: Knowledge) throws(MigrationError) -> RunReport {
    let report = RunReport(knowledge: knowledge)
    guard !plan.steps.isEmpty || !plan.drift.isEmpty || plan.baseline != nil else { return report }
    // 1. The connection's settings are changed for the whole run. The numbers are those of Concepts, "A transition".
    let discipline = try changingNothing { () throws(MigrationError) in
      try ConnectionDiscipline.begin(on: connection)
    }
    // 9. They are restored when the body is left.
    return try discipline.whileInForce { () throws(MigrationError) in
      watchForCancellation()
      defer { connection.removeProgressHandler() }
      guard plan.steps.isEmpty else { return try runSteps(of: plan, from: knowledge) }
      let start = PlanStart(plan, by: self)
      return RunReport(
        knowledge: try changingNothing { () throws(MigrationError) in
          plan.drift.isEmpty ? try start.runBaseline(from: knowledge) : try start.acceptDrift(from: knowledge)
        })
    }
  }

  /// Runs one phase alone on a copy, beginning as a command of its own would: with nothing that the step before it knew.
  ///
  /// - Parameter catalog: the catalog whose names errors may suggest.
  /// - Returns: what it did, and what is known afterwards.
  func runAlone(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, in catalog: Catalog
  ) throws(MigrationError) -> (step: StepReport, knowledge: Knowledge) {
    let knowledge = try Knowledge(of: connection)
    let planner = try Planner(onCopy: knowledge, catalog, .ofCopy, at: now())
    let report = try run(planner.alone(id, phase, direction), from: knowledge)
    guard let step = report.steps.first else {
      throw MigrationError(.sqliteFailed, "\(id) did not run on the copy")
    }
    return (step, report.knowledge)
  }

  private func runSteps(of plan: Plan, from knowledge: Knowledge) throws(MigrationError) -> RunReport {
    var state = RunState(knowledge: knowledge)
    var report = RunReport(knowledge: knowledge)
    let held = HeldLanes(by: self, absent: plan.absentLanes)
    let lists = EffectLists(by: self)
    defer {
      held.letGo(state.knowledge)
      releaseLease(state)
    }
    var expected = plan.appliedBefore
    for (index, step) in plan.steps.enumerated() {
      let turn = Turn(
        step: step, number: index + 1, count: plan.steps.count, expected: expected, plan: plan)
      do throws(MigrationError) {
        if cancellation.isRequested { throw MigrationError.stopped() }
        observe(.began(step.id, step.direction, number: turn.number, count: turn.count))
        // A way down closes its switches before anybody waits for a queue.
        if step.direction == .up { try held.take(turn, &state) }
        let transition = Transition(
          engine: self, turn: turn, lanes: held, lists: lists,
          samples: try Sampler.before(turn, state.knowledge, self))
        if let done = try run(transition, &state) {
          report.add(done, of: step, lists[step.id])
        } else {
          report.result.skipped.append(step.id)
          observe(.alreadyDone(step.id, step.direction))
        }
      } catch {
        // Where the database stands is read, and the lease given back, also after a request to stop.
        connection.removeProgressHandler()
        held.letGo(state.knowledge)
        throw told(error, turn, &state, report.result, listed: lists[step.id]?.file)
      }
      if step.direction == .up {
        state.firstUnwatched =
          watches(turn) ? nil : state.firstUnwatched ?? state.knowledge.applied.last?.sequence
      }
      if turn.isLast {
        held.letGo(state.knowledge)
      } else {
        held.letGo(before: plan.steps[index + 1], state.knowledge)
      }
      watchForCancellation()
      expected.removeAll { $0 == step.id }
      if step.direction == .up { expected.append(step.id) }
    }
    try Ledger.refuseMoved(connection, "after the last step")
    report.knowledge = state.knowledge
    return report
  }

  /// Lets a request to stop end the statement that runs.
  func watchForCancellation() {
    connection.setProgressHandler(every: 1_000) { [cancellation] in !cancellation.isRequested }
  }

  /// Where a file lies that asks batches to wait; nil for a database without a path.
  var pauseFile: String? { pacing.pauseFile ?? (connection.path.isEmpty ? nil : connection.path + ".pause") }

  /// Whether a step begins a watch. On a new database nothing happens that could be looked at.
  func watches(_ turn: Turn) -> Bool {
    turn.step.direction == .up && turn.step.phase.watch != nil && purpose == .change && !turn.plan.isFresh
  }

  /// Tries a step again, as a whole, while another connection holds the lock and the time to wait is not over. An attempt
  /// that was rolled back leaves the state as it was.
  ///
  /// - Returns: what the step did; nil when another runner had done it.
  private func run(_ transition: Transition, _ state: inout RunState) throws(MigrationError) -> StepReport? {
    let turn = transition.turn
    var deadline = ContinuousClock.now + wait
    var findings = Transition.Findings()
    var hasSaid = false
    while true {
      let outcome: Transition.Outcome
      do throws(MigrationError) {
        outcome =
          turn.step.phase.batching == nil
          ? try transition.attempt(from: state, knowing: findings, until: deadline)
          : try BatchStart(transition).attempt(from: state, until: deadline)
      } catch {
        guard error.standing == .busy else { throw error }
        if cancellation.isRequested { throw MigrationError.stopped() }
        guard ContinuousClock.now < deadline else { throw error }
        if !hasSaid { observe(.waiting(turn.step.id, reason: error.message)) }
        hasSaid = true
        Pause.briefly()
        continue
      }
      switch outcome {
      case .done(let report, let next):
        state = next
        return report
      case .alreadyDone(let knowledge):
        state.knowledge = knowledge
        return nil
      case .again(let found): findings = found
      case .switchesClosed(let closing, let next):
        state = next
        try closing.settle(before: turn, self)
        deadline = ContinuousClock.now + wait
      case .lanesOpen:
        try transition.lanes.take(turn, &state)
        deadline = ContinuousClock.now + wait
      case .batches(let batches):
        defer { state = batches.state }
        let report = try batches.run()
        observe(
          .committed(
            turn.step.id, turn.step.direction, report.times,
            checkpoint: batches.state.knowledge.applied.last?.sequence ?? 0))
        watchForCancellation()
        return report
      }
    }
  }

  /// Gives the lease back when the last step did not: it failed, or another runner had done it.
  private func releaseLease(_ state: RunState) {
    // If even this fails the lease stays behind with our process number, and the next runner sees that we are gone.
    guard state.holdsLease, let transaction = try? connection.begin(.immediate) else { return }
    let ledger = Ledger(connection: connection)
    if (try? ledger.lease.held())?.holder == runner { try? ledger.lease.release() }
    try? transaction.commit()
  }

  // MARK: When a step fails

  /// Completes the error of a step, and logs that the run stopped there.
  ///
  /// - Parameter file: the list of what the phase caused, when it was written.
  private func told(
    _ error: MigrationError, _ turn: Turn, _ state: inout RunState, _ result: RunResult, listed file: String?
  ) -> MigrationError {
    // The attempt may have read more before it was rolled back: read where the database really stands.
    let present = try? Knowledge(of: connection)
    if let present { state.knowledge = present }
    let told = state.tellingOfSwitches(standing(of: error, turn.step, result: result, present: present))
    StoppedRun(turn: turn, error: error, standing: told.standing).log(knowing: state.knowledge, self)
    guard turn.step.direction == .down else { return told }
    var failure = WayOut.advising(on: told)
    if let file { failure.help.append("what \(turn.step.id.short) caused is listed in \(file)") }
    return failure
  }

  /// Completes an error with where the database stands and the command that goes on. What the failed step itself left
  /// behind is said where the error was thrown.
  private func standing(
    of error: MigrationError, _ step: Plan.Step, result: RunResult, present: Knowledge?
  ) -> MigrationError {
    var error = error
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

/// What a run of an engine did.
package struct RunReport {
  package internal(set) var result = RunResult(done: [], skipped: [])
  /// What each step did that was done.
  var steps: [StepReport] = []
  /// What is known afterwards.
  package internal(set) var knowledge: Knowledge

  init(knowledge: Knowledge) { self.knowledge = knowledge }

  mutating func add(_ report: StepReport, of step: Plan.Step, _ effects: EffectList?) {
    steps.append(report)
    result.done.append(
      RunResult.Done(
        id: step.id, direction: step.direction, times: report.times,
        effects: step.direction == .down ? effects : nil))
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
