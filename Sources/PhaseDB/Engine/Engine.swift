package import PhaseSQLite

/// Runs a plan on one connection, up or down, with one transaction for each step.
///
/// An engine holds what a run is given, and does not change. What a run knows passes from step to step as a
/// ``RunState``.
package struct Engine {
  let connection: Connection
  let runner: Runner
  let now: () -> Timestamp
  /// How long to wait for another connection or runner.
  let wait: Duration
  let cancellation: Cancellation
  let pacing: Options.Pacing
  let observe: (Event) -> Void
  /// What the run is for.
  let purpose: Purpose
  /// The known results of trials of transitions.
  let trials: TransitionTrials
  /// The probes of the settings, by their names.
  let probes: [String: Options.ProbeSource]
  /// The lanes of the settings, by their names.
  let lanes: [String: Lane]
  /// The folder for lists of what phases caused; nil for that of the database.
  let effectsFolder: String?
  /// How long a way down waits after it closed a switch.
  let switchSettle: Duration
  /// How much the trial of a way back may write, in bytes, before it is undone with its whole transaction.
  let mostBytesUndone: Int

  package enum Purpose {
    case change
    /// A run on a copy. Batches do not pause for readers, which stay open on purpose, or for a budget.
    case copy
    /// A run on a copy that also finds rows to which the SQL of a way down alone gives wrong values.
    case rehearsal
    /// A run on a copy that is thrown away as soon as its rows were looked at.
    case glance
  }

  /// Whether a way up that is done in one transaction has its way back tried.
  var triesWaysBack: Bool { purpose != .glance }

  package init(
    on connection: Connection, for purpose: Purpose = .change,
    trials: TransitionTrials = TransitionTrials(), probes: [String: Options.ProbeSource] = [:],
    lanes: [String: Lane] = [:], effectsFolder: String? = nil, switchSettle: Duration = .zero,
    mostBytesUndone: Int = Options.usualBytesUndone, runner: Runner, now: @escaping () -> Timestamp,
    wait: Duration, pacing: Options.Pacing,
    cancellation: Cancellation, observe: @escaping (Event) -> Void
  ) {
    self.purpose = purpose
    self.trials = trials
    self.connection = connection
    self.probes = probes
    self.lanes = lanes
    self.effectsFolder = effectsFolder
    self.switchSettle = switchSettle
    self.mostBytesUndone = mostBytesUndone
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
  /// - Throws: the first failure. Its `standing` says whether earlier steps are done, its `state` where the database
  ///   is now.
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

  /// Runs one phase alone on a copy, as a separate command would: without the knowledge of earlier steps.
  ///
  /// - Parameters:
  ///   - catalog: the catalog whose names errors may suggest.
  ///   - known: a schema whose objects need not be parsed again.
  /// - Returns: what it did, and what is known afterwards.
  func runAlone(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, in catalog: Catalog, knowing known: Schema? = nil
  ) throws(MigrationError) -> (step: StepReport, knowledge: Knowledge) {
    let knowledge = try Knowledge(of: connection, known: known)
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
      let planned = PlannedStep(
        step: step, number: index + 1, count: plan.steps.count, expected: expected, plan: plan)
      do throws(MigrationError) {
        if cancellation.isRequested { throw MigrationError.stopped() }
        observe(.began(step.id, step.direction, number: planned.number, count: planned.count))
        // A way down closes its switches before it waits for lanes.
        if step.direction == .up { try held.take(planned, &state) }
        let transition = Transition(
          engine: self, planned: planned, lanes: held, lists: lists,
          samples: try Sampler.before(planned, state.knowledge, self))
        if let done = try run(transition, &state) {
          report.add(done, of: step, lists[step.id])
        } else {
          report.result.skipped.append(step.id)
          observe(.alreadyDone(step.id, step.direction))
        }
      } catch {
        // After a request to stop, too, the state of the database must be read and the lease released.
        connection.removeProgressHandler()
        held.letGo(state.knowledge)
        throw completed(error, planned, &state, report.result, listed: lists[step.id]?.file)
      }
      if step.direction == .up {
        state.firstUnwatched =
          watches(planned) ? nil : state.firstUnwatched ?? state.knowledge.applied.last?.sequence
      }
      if planned.isLast {
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

  /// Lets a request to stop interrupt the running statement.
  func watchForCancellation() {
    connection.setProgressHandler(every: 1_000) { [cancellation] in !cancellation.isRequested }
  }

  /// Where a file lies that asks batches to wait; nil for a database without a path.
  var pauseFile: String? { pacing.pauseFile ?? (connection.path.isEmpty ? nil : connection.path + ".pause") }

  /// Whether a step begins a watch. On a new database there is nothing to watch.
  func watches(_ planned: PlannedStep) -> Bool {
    planned.step.direction == .up && planned.step.phase.watch != nil && purpose == .change
      && !planned.plan.isFresh
  }

  /// Tries a step, and tries it again while another connection holds the lock and there is time to wait. An attempt
  /// that is rolled back does not change the state.
  ///
  /// - Returns: what the step did; nil when another runner had done it.
  private func run(_ transition: Transition, _ state: inout RunState) throws(MigrationError) -> StepReport? {
    let planned = transition.planned
    var deadline = ContinuousClock.now + wait
    var findings = Transition.Findings()
    var hasSaid = false
    while true {
      let outcome: Transition.Outcome
      do throws(MigrationError) {
        outcome =
          planned.step.phase.batching == nil
          ? try transition.attempt(from: state, knowing: findings, until: deadline)
          : try BatchStart(transition).attempt(from: state, until: deadline)
      } catch {
        guard error.standing == .busy else { throw error }
        if cancellation.isRequested { throw MigrationError.stopped() }
        guard ContinuousClock.now < deadline else { throw error }
        if !hasSaid { observe(.waiting(planned.step.id, reason: error.message)) }
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
      case .again(let found):
        findings = found
        deadline = ContinuousClock.now + wait
      case .switchesClosed(let closing, let next):
        state = next
        try closing.settle(before: planned, self)
        deadline = ContinuousClock.now + wait
      case .lanesOpen:
        try transition.lanes.take(planned, &state)
        deadline = ContinuousClock.now + wait
      case .batches(let batches):
        defer { state = batches.state }
        let report = try batches.run()
        observe(
          .committed(
            planned.step.id, planned.step.direction, report.times,
            checkpoint: batches.state.knowledge.applied.last?.sequence ?? 0))
        watchForCancellation()
        return report
      }
    }
  }

  /// Releases the lease if the last step did not, because it failed or another runner had done it.
  private func releaseLease(_ state: RunState) {
    // If even this fails, the lease stays with our process number, and the next runner sees that this process has
    // ended.
    guard state.holdsLease, let transaction = try? connection.begin(.immediate) else { return }
    let ledger = Ledger(connection: connection)
    if (try? ledger.lease.held())?.holder == runner { try? ledger.lease.release() }
    try? transaction.commit()
  }

  // MARK: When a step fails

  /// Completes the error of a step, and logs that the run stopped there.
  ///
  /// - Parameter file: the list of what the phase caused, when it was written.
  private func completed(
    _ error: MigrationError, _ planned: PlannedStep, _ state: inout RunState, _ result: RunResult,
    listed file: String?
  ) -> MigrationError {
    // The attempt may have noted changes before it was rolled back, so the state of the database is read again.
    let present = try? Knowledge(of: connection)
    if let present { state.knowledge = present }
    let completed = state.tellingOfSwitches(
      standing(of: error, planned.step, result: result, present: present))
    StoppedRun(planned: planned, error: error, standing: completed.standing).log(
      knowing: state.knowledge, self)
    guard planned.step.direction == .down else { return completed }
    let step = planned.step
    let runsWithoutRows =
      present.map { (try? trials.trial(step.id, step.phase, .down, on: $0.schema)) != nil } ?? false
    var failure = WayOut.advising(
      on: completed, runsWithoutRows: runsWithoutRows, isCopy: purpose != .change)
    if let file { failure.help.append("what \(step.id.short) caused is listed in \(file)") }
    return failure
  }

  /// Adds to an error the state of the database and the command that continues. The place that threw the error has
  /// said what the failed step itself left behind.
  private func standing(
    of error: MigrationError, _ step: Plan.Step, result: RunResult, present: Knowledge?
  ) -> MigrationError {
    var error = error
    // A batched step has already said more exactly where it is.
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

/// The result of a run, and what is known afterwards.
package struct RunReport {
  package internal(set) var result = RunResult(done: [], skipped: [])
  /// The results of the steps that were done.
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

/// The result of a run: the steps that were done, and those that another runner did.
public struct RunResult: Sendable, Hashable {
  /// A step that was done.
  public struct Done: Sendable, Hashable {
    /// The phase.
    public let id: PhaseID
    /// Whether it went up or down.
    public let direction: Direction
    /// How long it took, and how many rows it wrote.
    public let times: Times
    /// The list of its effects, written before it came down; nil when it declares none.
    package let effects: EffectList?
  }

  /// How long a step took.
  public struct Times: Sendable, Hashable {
    package let milliseconds: Double
    package let holdMilliseconds: Double
    /// The time from its beginning to its commit, without waiting.
    public var duration: Duration { .milliseconds(milliseconds) }
    /// How long it held the write lock.
    public var hold: Duration { .milliseconds(holdMilliseconds) }
    /// How many rows its SQL changed, including its triggers.
    public let rows: Int
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

/// The result of one step.
struct StepReport {
  let times: RunResult.Times
  /// What its SQL wrote.
  let writes: WriteSet
  /// In a rehearsal: the rows that archives corrected after the SQL.
  var corrections: [TableDifference] = []
}
