internal import PhaseSQLite

/// Checks, in the transaction of a step, what must hold before any of its SQL runs: the state of the database, the
/// lease, and the gates that may have closed since the plan was made. It is the same for a step in one transaction
/// and for a step in batches.
struct StepEntry {
  let engine: Engine
  let planned: PlannedStep
  let lanes: HeldLanes

  private var step: Plan.Step { planned.step }
  private var plan: Plan { planned.plan }
  private var connection: Connection { engine.connection }

  enum Answer {
    /// The step may run; these changes from outside were accepted.
    case entered(drift: [Prose])
    /// Another runner has done the step since it was planned.
    case alreadyDone
    /// Switches have to be closed first; these changes from outside were accepted.
    case switchesOpen(SwitchClosing, drift: [Prose])
    /// Lanes have to be held first.
    case lanesOpen
  }

  /// Makes all checks, and updates the state with what it read.
  func enter(_ state: inout RunState) throws(MigrationError) -> Answer {
    try state.knowledge.refresh(on: connection)
    try state.knowledge.refuseLedgerDrift()
    let underWay = step.phase.batching == nil ? nil : try state.knowledge.ledger?.batches.underWay()
    if underWay?.id != step.id, try planned.position(in: state.knowledge.applied) == .done {
      return .alreadyDone
    }
    if step.direction == .up { try AppliedPhases.refuseUnreadable(step.id, step.phase) }
    let start = PlanStart(plan, by: engine)
    try start.passLease(state.knowledge.ledger)
    try start.createLedgerIfAbsent(&state.knowledge)
    if !state.hasLoggedOverrides { try start.logOverrides(state.knowledge.ledger) }
    let drift = try start.settleDrift(&state.knowledge)
    try refuseClosedGates(state.knowledge)
    if let closing = try SwitchClosing(before: planned, state, engine) {
      return .switchesOpen(closing, drift: drift)
    }
    guard try lanes.missing(planned, state.knowledge).isEmpty else { return .lanesOpen }
    try lanes.refuseLost(state.knowledge)
    return .entered(drift: drift)
  }

  private func refuseClosedGates(_ knowledge: Knowledge) throws(MigrationError) {
    guard let ledger = knowledge.ledger else { return }
    try refuseClosedWindow(ledger)
    try refuseCalledOff(ledger)
    guard step.direction == .up else { return }
    try refuseMissingEvidence(on: knowledge.schema)
    try refuseClosedSwitch(ledger)
    try recordBroughtEvidence(on: knowledge.schema, ledger)
  }

  /// Refuses a step whose window gate a newer check-in has closed.
  ///
  /// The check-ins that the plan used still count, because no application can check in while a phase holds the write
  /// lock.
  private func refuseClosedWindow(_ ledger: Ledger) throws(MigrationError) {
    guard plan.judgement.live.source == .checkIns else { return }
    let (checkIns, ended) = try lifting("reading the ledger") { () in
      (try ledger.checkIns.all(since: plan.checkInsSince), try ledger.checkIns.applications())
    }
    try refuse(
      plan.judgement.now(knowing: checkIns, ended: ended).closedWindow(step.id, step.phase, step.direction))
  }

  /// Refuses a way back that a watch began and that was called off.
  ///
  /// - Throws: `phase-held`.
  private func refuseCalledOff(_ ledger: Ledger) throws(MigrationError) {
    guard let id = plan.reversing else { return }
    let freeze = try lifting("reading the ledger") { () in try ledger.watches.freeze() }
    if let freeze, !freeze.isOver(at: engine.now()) { throw freeze.error }
    guard try ledger.watches.all().contains(where: { $0.id == id && $0.verdict == .reversing }) else {
      throw MigrationError(
        .phaseHeld, "the watch does not ask for a way back any more", state: "nothing was changed",
        help: ["see what happened: phasedb log"])
    }
  }

  /// Refuses a phase whose evidence is about another schema than the present one.
  private func refuseMissingEvidence(on schema: Schema) throws(MigrationError) {
    try refuse(plan.judgement.closedEvidence(step.id, step.phase, on: schema.digest))
  }

  /// Refuses a contract whose switch has changed since the plan was made.
  private func refuseClosedSwitch(_ ledger: Ledger) throws(MigrationError) {
    guard !step.phase.switchesRequired.isEmpty, engine.purpose == .change else { return }
    let switches = try lifting("reading the ledger") { () in try ledger.switches.all() }
    try refuse(plan.judgement.closedSwitches(step.phase, among: switches))
  }

  private func refuse(_ gates: [Gate.Closed]) throws(MigrationError) {
    guard gates.isEmpty else { throw Plan.Held(id: step.id, phase: step.phase, gates: gates).error() }
  }

  /// Records the operator's evidence that opened the gate, with the phase in the ledger.
  private func recordBroughtEvidence(on schema: Schema, _ ledger: Ledger) throws(MigrationError) {
    guard let evidence = plan.judgement.evidence.found(step.id, step.phase, on: schema.digest) else { return }
    try lifting("writing the ledger") { () in
      guard try !ledger.evidence.all().contains(evidence) else { return }
      try ledger.evidence.record(evidence, by: engine.runner, at: engine.now())
    }
  }
}
