internal import PhaseSQLite

extension BatchRun {
  /// Runs one batch in a transaction of its own.
  ///
  /// - Returns: false when it was rolled back and is to be looked for anew.
  func commit(_ range: BatchRange) throws(MigrationError) -> Bool {
    try patiently { () throws(MigrationError) in try attempt(range) }
  }

  /// Tries again, as a whole, while another connection holds the lock and the time to wait is not over. In a rollback
  /// journal's modes a reader waits for a writer's commit, too.
  func patiently<Result>(_ body: () throws(MigrationError) -> Result) throws(MigrationError) -> Result {
    let deadline = ContinuousClock.now + engine.wait
    lockDeadline = deadline
    var hasSaid = false
    while true {
      do throws(MigrationError) {
        return try body()
      } catch {
        guard error.standing == .busy, ContinuousClock.now < deadline, !engine.cancellation.isRequested else {
          throw error
        }
        if !hasSaid { engine.observe(.waiting(turn.step.id, reason: error.message)) }
        hasSaid = true
        Pause.briefly()
      }
    }
  }

  /// Lets statements wait for locks a second at most, so that a request to stop is heard, and not past the deadline.
  func waitShortly() { connection.setBusyDeadline(min(lockDeadline, .now + .seconds(1))) }

  private func attempt(_ range: BatchRange) throws(MigrationError) -> Bool {
    waitShortly()
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    let locked = ContinuousClock.now
    try refuseLostPlace()
    let limit = hasDeadline ? locked + law.deadline : nil
    connection.setProgressHandler(every: 1_000) { [engine] in
      limit.map { ContinuousClock.now < $0 } ?? !engine.cancellation.isRequested
    }
    defer { connection.removeProgressHandler() }
    // What was rolled back is not in the archive either.
    let marks = trip.marks
    var isCommitted = false
    defer { if !isCommitted { trip.restore(marks) } }
    do throws(MigrationError) {
      writes = try trip.run(range.keys)
    } catch {
      if isOfNeighbours(error, in: range) {
        law.overran(rows: range.rows)
        return false
      }
      guard error.id == .interrupted, limit != nil else { throw failed(error, in: range) }
      if range.rows <= 1 || range.keys.first == range.keys.last { hasDeadline = false }
      law.overran(rows: range.rows)
      return false
    }
    connection.removeProgressHandler()
    try refuseChangedSchema()
    let worked = ContinuousClock.now
    let after = advanced(by: range, held: (worked - locked).milliseconds)
    try lifting("writing the ledger") { () in try Ledger(connection: connection).update(after) }
    let committing = ContinuousClock.now
    try end(transaction, leading: after.cursor)
    isCommitted = true
    let ended = ContinuousClock.now
    let held = (ended - locked).milliseconds
    released = ended
    record = after
    hasDeadline = true
    failuresOfDisk = 0
    rowsOfRun += range.rows
    longestHold = max(longestHold, held)
    holds.add(held)
    law.committed(rows: range.rows, milliseconds: held, committing: (ended - committing).milliseconds)
    return true
  }

  /// Whether rows of one batch may have come in each other's way down: by themselves each has its value back before the
  /// next one runs.
  private func isOfNeighbours(_ error: MigrationError, in range: BatchRange) -> Bool {
    record.direction == .down && error.id == .archiveImpossible && range.rows > 1
      && range.keys.first != range.keys.last
  }

  var script: Script { record.direction == .up ? record.phase.up : record.phase.down }

  /// The lease may have been taken over from a process that was stopped for long, and its cursor moved on.
  func refuseLostPlace() throws(MigrationError) {
    let ledger = Ledger(connection: connection)
    let (lease, cursor) = try lifting("reading the ledger") { () in
      (try ledger.lease(), try ledger.batchCursor())
    }
    guard lease?.holder == engine.runner, cursor == record.cursor else {
      throw MigrationError(
        .ledgerMoved, "another runner took \(record.id) over", help: ["look at it with: phasedb status"])
    }
    let version = try lifting("reading the schema") { () in
      try connection.value("PRAGMA main.schema_version")?.integer
    }
    if version != schemaVersion {
      try engine.knowledge.refresh(on: connection)
      guard engine.knowledge.isInPlace else { throw try engine.knowledge.driftError(isGate: false) }
      schemaVersion = version
    }
  }

  private func refuseChangedSchema() throws(MigrationError) {
    let version = try lifting("reading the schema") { () in
      try connection.value("PRAGMA main.schema_version")?.integer
    }
    guard version != schemaVersion else { return }
    // What could not be given back has an archive of its own.
    let schema = try lifting("reading the schema") { () in try Schema(of: connection) }
    guard schema.digest != engine.knowledge.schema.digest else {
      schemaVersion = version
      return
    }
    throw MigrationError(
      .migrateChangesSchema, "\(record.id) changes the schema, which a migrate phase may not",
      at: script.place(at: script.firstTokenOffset),
      help: ["move the change to expand.sql or contract.sql of the same migration"])
  }

  /// What the ledger says after a batch.
  private func advanced(by range: BatchRange, held: Double) -> BatchRecord {
    var after = record
    after.cursor = record.direction == .up ? .after(range.keys.last) : .before(range.keys.first)
    after.rows += range.rows
    after.pause = nil
    after.beat = engine.now()
    let seconds = (ContinuousClock.now - began).milliseconds / 1_000
    after.pace = BatchRecord.Pace(
      size: law.size, rowsPerSecond: Double(rowsOfRun + range.rows) / max(0.001, seconds),
      lastHold: holds.last == 0 ? held : holds.last, medianHold: holds.quantile(0.5),
      p99Hold: holds.quantile(0.99), pause: record.pace.pause)
    return after
  }

  /// COMMIT, and when it fails a look at the cursor before anything is called failed.
  func end(_ transaction: consuming Transaction, leading cursor: BatchCursor) throws(MigrationError) {
    do {
      try transaction.commit()
    } catch {
      if connection.isAutocommit, (try? Ledger(connection: connection).batchCursor()) == cursor { return }
      throw MigrationError(error, while: "committing a batch of \(record.id)")
    }
  }

  private func failed(_ error: MigrationError, in range: BatchRange) -> MigrationError {
    guard ![.databaseBusy, .databaseFull, .interrupted].contains(error.id) else { return error }
    var error = error
    error.details.append(
      "in the batch of \(key.table).\(key.column) from \(range.keys.first) to \(range.keys.last)")
    return error
  }
}
