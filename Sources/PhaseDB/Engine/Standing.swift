extension Engine {
  /// Completes an error with what it left behind: state, standing and the command that goes on.
  func standing(of error: MigrationError, turn: Turn, result: RunResult) -> MigrationError {
    var error = error
    let step = turn.step
    let isUntouched = [
      .schemaDrift, .ledgerMoved, .leaseHeld, .databaseBusy, .ledgerTooNew, .ledgerDamaged, .phaseHeld,
    ]
    .contains(error.id)
    let isUncertain = error.standing == .partWay
    if isUncertain || !result.done.isEmpty {
      error.standing = .partWay
    } else if error.standing != .busy {
      error.standing = isUntouched ? .unchanged : .undone
    }
    // The attempt may have changed what we know before it was rolled back: read where the database really stands.
    let present = try? Knowledge(of: connection)
    let stands =
      present.map { "the database is \($0.checkpointText)" } ?? "the database could not be read again"
    let undone = isUntouched ? "nothing was changed by \(step.id.short)" : "\(step.id.short) was rolled back"
    error.state =
      isUncertain
      ? present.map { "\(step.id.short) was \($0.has(step) ? "committed" : "rolled back"); \(stands)" }
        ?? "whether \(step.id.short) was committed could not be found out, because the database cannot be read"
      : "\(undone); \(stands)"
    if let present { knowledge = present }
    if !isUntouched, !isUncertain, error.id != .interrupted {
      error.help.append("then run: phasedb \(step.direction.rawValue)")
    }
    return error
  }
}

extension Knowledge {
  /// Whether a step has been done.
  fileprivate func has(_ step: Plan.Step) -> Bool {
    applied.contains { $0.id == step.id } == (step.direction == .up)
  }
}
