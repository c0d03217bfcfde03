internal import PhaseSQLite

/// A step that failed after its work had begun.
struct StoppedRun {
  let planned: PlannedStep
  /// What the step threw.
  let error: MigrationError
  /// What the whole run leaves behind.
  let standing: MigrationError.Standing

  /// Logs the stop, so that `status` can show it.
  ///
  /// It uses a transaction of its own, because that of the step was rolled back. The row is only information: if it
  /// cannot be written at once, it is left out. The caller throws the error of the step in any case.
  func log(knowing before: Knowledge, _ engine: Engine) {
    let (connection, runner) = (engine.connection, engine.runner)
    var knowledge = before
    guard engine.purpose == .change, tellsOfBegunWork(error), knowledge.ledger != nil,
      connection.isAutocommit,
      let patience = try? ConnectionDiscipline.busyTimeout(of: connection)
    else { return }
    connection.setBusyTimeout(milliseconds: 100)
    defer { connection.setBusyTimeout(milliseconds: patience) }
    let step = planned.step
    let stop = RunStop(
      at: engine.now(), step.id, step.direction, error.id,
      line: step.direction == .up && error.place?.file == step.script.file ? error.place?.line : nil, standing
    )
    do {
      let transaction = try connection.begin(.immediate)
      try knowledge.refresh(on: connection)
      // A row of the log also says that the schema was in order. And only a step brings an older ledger to the
      // present format.
      guard let ledger = knowledge.ledger, ledger.format == LedgerFormat.current, knowledge.isInPlace,
        knowledge.ledgerDrift.isEmpty
      else { return }
      // The commit may have landed although it reported an error.
      let isApplied = knowledge.applied.contains { $0.id == step.id }
      guard isApplied == (step.direction == .down), try !isJustRecorded(stop, in: ledger, by: runner) else {
        return
      }
      try ledger.log(
        .stop, subject: step.id.description, detail: stop.detail, by: runner, at: stop.at)
      try transaction.commit()
    } catch {
      // This is best effort: the caller reports the first error.
    }
  }

  /// Whether the last row is about the same stop and less than ten minutes old. So a service that fails at every
  /// start does not fill the log.
  private func isJustRecorded(
    _ stop: RunStop, in ledger: Ledger, by runner: Runner
  ) throws(SQLiteError) -> Bool {
    guard let last = try ledger.entry(ledger.head()), last.action == LogEntry.Action.stop.rawValue else {
      return false
    }
    return last.subject == stop.phase.description && last.detail == stop.detail && last.who == runner.user
      && last.host == runner.host && last.at >= stop.at.before(.seconds(600))
  }
}

/// Whether a step failed with this error after its work had begun, on a database that can be written.
///
/// Errors because of another runner or a pause do not count, because nothing failed.
private func tellsOfBegunWork(_ error: MigrationError) -> Bool {
  guard error.standing == .undone || error.standing == .partWay else { return false }
  switch error.id {
  case .databaseBusy, .leaseHeld, .ledgerMoved, .batchPaused: return false
  case .databaseReplaced, .databaseDamaged, .notADatabase, .ledgerDamaged, .ledgerTooNew: return false
  default: return true
  }
}
