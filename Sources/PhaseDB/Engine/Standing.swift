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
