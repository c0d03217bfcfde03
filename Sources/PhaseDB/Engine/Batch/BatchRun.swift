internal import PhaseSQLite

/// The batches of one step, from the first transaction to the last.
///
/// Every batch is one transaction with its cursor, so that an end at any moment loses and repeats nothing.
final class BatchRun {
  let engine: Engine
  let turn: Turn
  let plan: BatchPlan
  var key: BatchKey { plan.key }
  var record: BatchRecord
  var law: BatchLaw
  var holds = HoldHistogram()
  var neighbours: Neighbours
  private(set) var archive: BatchArchive?
  let began = ContinuousClock.now
  /// How far the way was behind when this run began.
  let fractionBefore: Double?
  private var rowsOfRun = 0
  /// Pages of the database when the run began, from which follows what the rest will need.
  private(set) var pagesBefore: Int64 = 0
  let isNew: Bool
  /// True while going back because of a failure at the end.
  private(set) var isTurnedBack = false
  /// Why the run ends, when it is a pause that does.
  var pausedBy: BatchPause?
  /// How often in a row the disk had no room for a batch.
  private var failuresOfDisk = 0
  var wasDiskFull: Bool { failuresOfDisk > 0 }
  /// SQLite's count of schema changes, after the last look at the schema.
  private var schemaVersion: Int64?
  /// False for a batch of one key that was stopped at its deadline: it cannot be made smaller.
  private var hasDeadline = true

  /// - Parameter isNew: whether no run before this one had the phase under way.
  init(
    _ engine: Engine, _ turn: Turn, _ record: BatchRecord, _ plan: BatchPlan, _ archive: BatchArchive?,
    isNew: Bool
  ) {
    self.engine = engine
    self.turn = turn
    self.record = record
    self.plan = plan
    self.isNew = isNew
    law = BatchLaw(engine.pacing, limit: turn.step.phase.budget?.hold)
    fractionBefore = record.fraction
    neighbours = Neighbours()
    self.archive = archive
  }

  var connection: Connection { engine.connection }

  /// Runs every batch that is left, and the end.
  ///
  /// - Throws: `batch-paused`, `interrupted` or what a batch failed with, with standing `part-way` and the state; what
  ///   failed at the end, with standing `undone`, when all of it was taken back.
  func run() throws(MigrationError) -> StepTimes {
    let autocheckpoint = try lifting("reading PRAGMA wal_autocheckpoint") { () in
      Int(try connection.value("PRAGMA wal_autocheckpoint")?.integer ?? 1_000)
    }
    try lifting("reading the size of the database") { () in
      pagesBefore = try connection.value("PRAGMA main.page_count")?.integer ?? 0
      schemaVersion = try connection.value("PRAGMA main.schema_version")?.integer
    }
    connection.takeOverCheckpoints()
    defer { connection.giveBackCheckpoints(every: autocheckpoint) }
    connection.removeProgressHandler()
    do throws(MigrationError) {
      try countWay()
      if record.orphans == nil { record.orphans = try rowsWithoutParent() }
      engine.observe(.batching(turn.step.id, record.direction, progress))
      try runBatches()
      do throws(MigrationError) {
        try patiently { () throws(MigrationError) in try check() }
      } catch {
        guard error.id == .verifyFailed || error.id == .foreignKeysViolated else { throw error }
        try turnBack(from: error)
      }
      try finish()
    } catch {
      throw stopped(by: error)
    }
    return StepTimes(
      milliseconds: (ContinuousClock.now - began).milliseconds, holdMilliseconds: longestHold,
      rows: record.rows)
  }

  private(set) var longestHold = 0.0

  /// How far it has come.
  var progress: BatchProgress {
    let pace = record.pace
    var remaining: Duration?
    if let before = fractionBefore, let fraction = record.fraction {
      let done = fraction - before
      let seconds = (ContinuousClock.now - began).milliseconds / 1_000
      if done > 0.005, seconds > 1 { remaining = .milliseconds(seconds * 1_000 * (1 - fraction) / done) }
    }
    return BatchProgress(
      rows: record.rows, fraction: record.fraction, rowsPerSecond: pace.rowsPerSecond, batchSize: law.size,
      hold: BatchProgress.Hold(last: holds.last, median: holds.quantile(0.5), p99: holds.quantile(0.99)),
      pauseMilliseconds: pace.pause, remaining: remaining)
  }

  private func countWay() throws(MigrationError) {
    guard !key.isInteger, record.total == nil, let ends = record.ends else { return }
    record.total = try lifting("counting the rows of \(key.table)") { () in
      try BatchSearch(key: key, connection: connection).count(ends) { !engine.cancellation.isRequested }
    }
  }

  private func runBatches() throws(MigrationError) {
    let pauses = try BatchPauses(self)
    while true {
      let range = try patiently { () throws(MigrationError) in
        try pauses.wait()
        return try lifting("looking for the next batch") { () in
          try BatchSearch(key: key, connection: connection).next(of: record, size: law.size)
        }
      }
      guard let range else { return }
      do throws(MigrationError) {
        guard try commit(range) else { continue }
      } catch {
        // Rolled back, and nothing is lost: the next look at the disk says when there is room again.
        guard error.id == .databaseFull, failuresOfDisk < 10 else { throw error }
        failuresOfDisk += 1
        Pause.briefly()
        continue
      }
      try rest()
    }
  }

  /// Waits after a batch, and empties the log.
  private func rest() throws(MigrationError) {
    let isAlone = try patiently { () throws(MigrationError) in try neighbours.areQuiet(on: connection) }
    let pause = law.pause(after: holds.last, isAlone: isAlone)
    record.pace.pause = pause
    engine.observe(.batchCommitted(turn.step.id, record.direction, progress))
    Pause.sleep(milliseconds: pause)
  }

  // MARK: One batch

  /// Runs one batch in a transaction of its own.
  ///
  /// - Returns: false when it was rolled back and is to be looked for anew.
  private func commit(_ range: BatchRange) throws(MigrationError) -> Bool {
    try patiently { () throws(MigrationError) in try attempt(range) }
  }

  /// Tries again, as a whole, while another connection holds the lock and the time to wait is not over. In a rollback
  /// journal's modes a reader waits for a writer's commit, too.
  func patiently<Result>(_ body: () throws(MigrationError) -> Result) throws(MigrationError) -> Result {
    let deadline = ContinuousClock.now + engine.wait
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

  private func attempt(_ range: BatchRange) throws(MigrationError) -> Bool {
    connection.setBusyTimeout(milliseconds: 1_000)
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    let locked = ContinuousClock.now
    try refuseLostPlace()
    let limit = hasDeadline ? locked + law.deadline : nil
    connection.setProgressHandler(every: 1_000) { [engine] in
      limit.map { ContinuousClock.now < $0 } ?? !engine.cancellation.isRequested
    }
    defer { connection.removeProgressHandler() }
    // What was rolled back is not in the archive either.
    let marks = archive?.marks
    var isCommitted = false
    defer { if !isCommitted, let marks { archive?.restore(marks) } }
    do throws(MigrationError) {
      try archive?.capture(range.keys)
      let (_, writes) = try GuardedScript(script, on: connection).run(binding: [
        Batching.first: range.keys.first, Batching.last: range.keys.last,
      ])
      engine.lastWrites = writes
      try archive?.settle(range.keys, Ledger(connection: connection))
    } catch {
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
    record = after
    hasDeadline = true
    failuresOfDisk = 0
    rowsOfRun += range.rows
    longestHold = max(longestHold, held)
    holds.add(held)
    law.committed(rows: range.rows, milliseconds: held, committing: (ended - committing).milliseconds)
    return true
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
  private func end(_ transaction: consuming Transaction, leading cursor: BatchCursor) throws(MigrationError) {
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

  // MARK: The way back

  /// The archive of the other direction, in a transaction of its own.
  private func turnArchive() throws(MigrationError) {
    let turned = try BatchPlan(script, by: key, on: connection)
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    try refuseLostPlace()
    guard let ledger = engine.knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
    let young = try engine.youngColumns(of: record.id, key.table)
    archive = try BatchArchive(
      of: record, turned, entry: try lifting("reading the ledger") { () in try ledger.head() }, ledger,
      on: connection, isYoung: young)
    try lifting("writing the ledger") { () in
      try ledger.update(record)
      schemaVersion = try connection.value("PRAGMA main.schema_version")?.integer
    }
    try end(transaction, leading: record.cursor)
    try engine.knowledge.refresh(on: connection)
  }

  private func turnBack(from error: MigrationError) throws(MigrationError) {
    engine.observe(.turningBack(turn.step.id, reason: error.message))
    isTurnedBack = true
    record.turn(at: engine.now())
    try turnArchive()
    try runBatches()
    try finish()
    var error = error
    error.standing = .undone
    let present = try? Knowledge(of: connection)
    error.state =
      "every batch of \(record.id.short) was taken back; the database is \(present?.checkpointText ?? "as it was")"
    throw error
  }
}
