internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A way down closes the switches of its migration first, in a transaction of its own, and waits: nothing that asks a
/// switch may read what is about to go.
///
/// A contract that comes down closes nothing: what whoever is off needs is not there before it is down.
struct SwitchClosing {
  /// The switches that are open, or were closed so lately that somebody may still be on.
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
  ///   - settle: how long those who asked before have to be done.
  /// - Returns: nil when nobody is on, and nobody was lately.
  init?(
    _ names: [String], _ ledger: Ledger, settle: Duration, at now: Timestamp
  ) throws(MigrationError) {
    let present = try lifting("reading the ledger") { () in
      try names.compactMap { name throws(SQLiteError) in try ledger.switches.named(name) }
    }
    let rests = present.map { record -> Duration in
      if record.isOpen { return settle }
      guard let closed = record.closedAt?.date, let now = now.date else { return .zero }
      // A clock that was set back makes nobody wait longer.
      return min(
        settle, max(.zero, settle - .milliseconds(Int((now.timeIntervalSince(closed) * 1_000).rounded()))))
    }
    switches = zip(present, rests).filter { $0.isOpen || $1 > .zero }.map(\.0)
    wait = rests.max() ?? .zero
    guard !switches.isEmpty else { return nil }
  }
}

extension Engine {
  /// What has to be closed before a step; nil when nothing has. Belongs into the transaction of the step.
  func switchClosing(_ turn: Turn) throws(MigrationError) -> SwitchClosing? {
    let step = turn.step
    guard step.direction == .down, purpose == .change, let ledger = knowledge.ledger else { return nil }
    let names = try SwitchClosing.names(
      before: step.id, step.phase, applied: knowledge.applied, in: ledger)
    guard let closing = try SwitchClosing(names, ledger, settle: switchSettle, at: now()) else { return nil }
    // Whoever was closed by this run has been waited for; somebody who opened one meanwhile has not.
    let isOver = closing.switches.allSatisfy { !$0.isOpen && settledSwitches.contains($0.name) }
    return isOver ? nil : closing
  }

  /// Closes switches instead of running a step, and commits that. The lease keeps others from opening them again.
  func close(
    _ closing: SwitchClosing, before turn: Turn, accepting drift: [Prose],
    in transaction: consuming Transaction
  ) throws(MigrationError) -> Turn.Outcome {
    guard let ledger = knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
    let (time, id) = (now(), turn.step.id)
    let (entry, hash) = try lifting("writing the ledger") { () in
      for record in closing.switches {
        try ledger.switches.close(record, reason: "\(id.short) comes down", by: runner, at: time)
      }
      try ledger.lease.take(Lease(holder: runner, since: time, work: "down of \(id.short)"))
      return try ledger.lastEntry()
    }
    try knowledge.settle(on: connection)
    try ledger.commit(transaction, leaving: entry, hash, while: "closing the switches of \(id)")
    holdsLease = true
    hasLoggedOverrides = true
    if !drift.isEmpty { observe(.driftAccepted(drift)) }
    for record in closing.switches {
      settledSwitches.insert(record.name)
      if record.isOpen { closedSwitches.append(record.name) }
    }
    return .switchesClosed(closing)
  }

  /// Waits until those who asked a switch before it was closed are done.
  func settle(_ closing: SwitchClosing, before turn: Turn) throws(MigrationError) {
    let closed = closing.switches.filter(\.isOpen).map(\.name)
    observe(.switchesClosed(turn.step.id, closed, waiting: closing.wait))
    let end = ContinuousClock.now + closing.wait
    while ContinuousClock.now < end {
      if cancellation.isRequested { throw MigrationError.stopped() }
      Pause.sleep(milliseconds: min(100, Double(Pause.milliseconds(until: end)) + 1))
    }
  }

  /// What an error leaves behind, when switches were closed before it.
  func withClosedSwitches(_ error: MigrationError) -> MigrationError {
    guard !closedSwitches.isEmpty else { return error }
    var error = error
    let names = closedSwitches.map { "'\($0)'" as Prose }.joined(separator: ", ")
    let stays: Prose =
      closedSwitches.count == 1
      ? "the switch \(names) was closed before and stays closed"
      : "the switches \(names) were closed before and stay closed"
    error.state = error.state.map { "\($0); \(stays)" } ?? stays
    // Something is different from before the command, also where the step itself was undone.
    error.standing = .partWay
    return error
  }

  /// Refuses a contract whose switch is not what the plan saw any more. Belongs into the transaction of the step.
  func refuseClosedSwitch(_ turn: Turn) throws(MigrationError) {
    let (step, judgement) = (turn.step, turn.plan.judgement)
    guard step.direction == .up, !step.phase.switchesRequired.isEmpty, let ledger = knowledge.ledger,
      purpose == .change
    else { return }
    let switches = try lifting("reading the ledger") { () in try ledger.switches.all() }
    let gates = judgement.closedSwitches(step.phase, among: switches)
    guard gates.isEmpty else { throw HeldPhase(id: step.id, phase: step.phase, gates: gates).error() }
  }
}
