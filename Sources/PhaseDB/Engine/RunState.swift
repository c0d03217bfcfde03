/// What a run knows and holds after its last committed transaction.
///
/// It is a value: each transaction gets one and returns the next one. When a transaction is rolled back, its caller
/// still has the former value. Two things that a rollback does not undo have owners of their own: ``HeldLanes`` and
/// ``EffectLists``.
struct RunState {
  /// What is known of ledger and schema.
  var knowledge: Knowledge
  /// Whether the ledger has the lease of this run, so that other runners wait.
  var holdsLease = false
  /// Whether the log already says which gates were overridden in this run.
  var hasLoggedOverrides = false
  /// The switches that this run closed.
  var closedSwitches: [String] = []
  /// The switches for which this run has waited.
  var settledSwitches: Set<String> = []
  /// The first phase of this run that the next watch covers.
  var firstUnwatched: Int64?

  init(knowledge: Knowledge) { self.knowledge = knowledge }

  /// Adds to an error the switches that were closed before it.
  func tellingOfSwitches(_ error: MigrationError) -> MigrationError {
    guard !closedSwitches.isEmpty else { return error }
    var error = error
    let names = closedSwitches.map { "'\($0)'" as Prose }.joined(separator: ", ")
    let stays: Prose =
      closedSwitches.count == 1
      ? "the switch \(names) was closed before and stays closed"
      : "the switches \(names) were closed before and stay closed"
    error.state = error.state.map { "\($0); \(stays)" } ?? stays
    // The closed switches are a change, also when the step itself was undone.
    error.standing = .partWay
    return error
  }
}

/// One step with its place in the plan of a run.
struct PlannedStep {
  let step: Plan.Step
  let number: Int
  let count: Int
  /// The phases that must be applied, in this order, when the step runs.
  let expected: [PhaseID]
  let plan: Plan

  var isLast: Bool { number == count }

  enum Position { case due, done }

  /// Whether the step is still due, or another runner has done it since it was planned.
  ///
  /// - Throws: `ledger-moved` when the ledger is neither at this step nor past it.
  func position(in applied: [AppliedPhase]) throws(MigrationError) -> Position {
    // The same id is not enough: another text of the phase may have been applied.
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

  /// The lease of a run of several steps. It is written with the first step and removed with the last, so that it
  /// costs no transaction of its own; a run of one step needs none.
  func lease(of runner: Runner, at time: Timestamp) -> Lease {
    Lease(holder: runner, since: time, work: "\(step.direction.rawValue), \(count) phases")
  }
}
