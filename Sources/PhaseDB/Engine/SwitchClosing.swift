internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Closes the switches of a migration before its way down. This is a transaction of its own, followed by a wait: no
/// request that saw a switch open may use what is about to be removed.
///
/// A contract that comes down does not close switches: what subjects with the switch off need exists only after it is
/// down.
struct SwitchClosing {
  /// The switches that are open, or were closed so recently that some requests may still use them.
  let switches: [SwitchRecord]
  /// How long to wait once they are closed.
  let wait: Duration

  /// The names of the switches that are closed before a phase comes down.
  ///
  /// - Parameters:
  ///   - id, phase: the phase that comes down.
  ///   - applied: the phases that are applied now.
  static func names(
    before id: PhaseID, _ phase: Phase, applied: [AppliedPhase], in ledger: Ledger
  ) throws(MigrationError) -> [String] {
    guard id.kind != .contract, try lifting("reading the ledger", { () in try ledger.switches.hasAny() })
    else { return [] }
    if id.kind == .expand { return phase.switchesMade }
    guard let expand = applied.first(where: { $0.id == PhaseID(id.migration, .expand) }) else { return [] }
    return try ledger.phases.text(of: expand).switchesMade
  }

  /// - Parameters:
  ///   - names: switches of a phase that comes down.
  ///   - settle: how long requests may take that saw a switch open.
  /// - Returns: nil when all switches are off, and have been for long enough.
  init?(
    _ names: [String], _ ledger: Ledger, settle: Duration, at now: Timestamp
  ) throws(MigrationError) {
    let present = try lifting("reading the ledger") { () in
      try names.compactMap { name throws(SQLiteError) in try ledger.switches.named(name) }
    }
    let rests = present.map { record -> Duration in
      if record.isOpen { return settle }
      guard let closed = record.closedAt?.date, let now = now.date else { return .zero }
      // If the clock was set back, the wait is not longer than `settle`.
      return min(
        settle, max(.zero, settle - .milliseconds(Int((now.timeIntervalSince(closed) * 1_000).rounded()))))
    }
    switches = zip(present, rests).filter { $0.isOpen || $1 > .zero }.map(\.0)
    wait = rests.max() ?? .zero
    guard !switches.isEmpty else { return nil }
  }

  /// The switches to close before a step; nil when there are none. Call it inside the transaction of the step.
  init?(before planned: PlannedStep, _ state: RunState, _ engine: Engine) throws(MigrationError) {
    let step = planned.step
    guard step.direction == .down, engine.purpose == .change, let ledger = state.knowledge.ledger else {
      return nil
    }
    let names = try SwitchClosing.names(
      before: step.id, step.phase, applied: state.knowledge.applied, in: ledger)
    try self.init(names, ledger, settle: engine.switchSettle, at: engine.now())
    // This run has already waited for the switches that it closed. A switch that was opened meanwhile has to be
    // closed again.
    if switches.allSatisfy({ !$0.isOpen && state.settledSwitches.contains($0.name) }) { return nil }
  }

  /// Closes switches instead of running a step, and commits that. The lease prevents others from opening them again.
  ///
  /// - Returns: the state of the run afterwards.
  func commit(
    _ transaction: consuming Transaction, before planned: PlannedStep, accepting drift: [Prose],
    from state: RunState,
    _ engine: Engine
  ) throws(MigrationError) -> RunState {
    var state = state
    guard let ledger = state.knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
    let (time, id, runner) = (engine.now(), planned.step.id, engine.runner)
    let (entry, hash) = try lifting("writing the ledger") { () in
      for record in switches {
        try ledger.switches.close(record, reason: "\(id.short) comes down", by: runner, at: time)
      }
      try ledger.lease.take(Lease(holder: runner, since: time, work: "down of \(id.short)"))
      return try ledger.lastEntry()
    }
    try state.knowledge.settle(on: engine.connection)
    try ledger.commit(transaction, leaving: entry, hash, while: "closing the switches of \(id)")
    state.holdsLease = true
    state.hasLoggedOverrides = true
    if !drift.isEmpty { engine.observe(.driftAccepted(drift)) }
    for record in switches {
      state.settledSwitches.insert(record.name)
      if record.isOpen { state.closedSwitches.append(record.name) }
    }
    return state
  }

  /// Waits for requests that saw a switch open.
  func settle(before planned: PlannedStep, _ engine: Engine) throws(MigrationError) {
    let closed = switches.filter(\.isOpen).map(\.name)
    engine.observe(.switchesClosed(planned.step.id, closed, waiting: wait))
    let end = ContinuousClock.now + wait
    while ContinuousClock.now < end {
      if engine.cancellation.isRequested { throw MigrationError.stopped() }
      Pause.sleep(milliseconds: min(100, Double(Pause.milliseconds(until: end)) + 1))
    }
  }
}
