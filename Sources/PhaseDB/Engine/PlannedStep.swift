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
