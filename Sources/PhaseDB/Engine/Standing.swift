extension Engine {
  /// Completes an error with what it left behind: state, standing and the command that goes on.
  func standing(of error: MigrationError, turn: Turn, result: RunResult) -> MigrationError {
    var error = error
    let step = turn.step
    // A batched step knows better where it stands.
    if error.state != nil, error.standing == .partWay || error.standing == .undone {
      if !result.done.isEmpty { error.standing = .partWay }
      if let present = try? Knowledge(of: connection) { knowledge = present }
      return error
    }
    let isUntouched = [
      .schemaDrift, .ledgerMoved, .leaseHeld, .databaseBusy, .ledgerTooNew, .ledgerDamaged, .phaseHeld,
      .reversalBlocked, .archiveImpossible, .archiveMissing, .archiveAltered,
      .batchNotKeyed, .batchEdited, .phaseInProgress,
      .evidenceOtherPhase, .evidenceOtherSchema,
    ]
    .contains(error.id)
    if !result.done.isEmpty {
      error.standing = .partWay
    } else if error.standing != .busy {
      error.standing = isUntouched ? .unchanged : .undone
    }
    // The attempt may have changed what we know before it was rolled back: read where the database really stands.
    let present = try? Knowledge(of: connection)
    let stands =
      present.map { "the database is \($0.checkpointText)" } ?? "the database could not be read again"
    let undone = isUntouched ? "nothing was changed by \(step.id.short)" : "\(step.id.short) was rolled back"
    error.state = "\(undone); \(stands)"
    if let present { knowledge = present }
    if !isUntouched, error.id != .interrupted {
      error.help.append("then run: phasedb \(step.direction.rawValue)")
    }
    return error
  }
}
