internal import PhaseSQLite

/// The batches of one step, from the first transaction to the last.
///
/// Every batch is one transaction, and the cursor is part of it. So the run may stop at any moment, and no batch is
/// lost or repeated.
final class BatchRun {
  let transition: Transition
  /// What the run knows and holds once its last transaction was committed.
  var state: RunState
  let plan: BatchPlan
  var key: BatchKey { plan.key }
  var record: BatchRecord
  var sizing: BatchSizing
  var holds = HoldHistogram()
  var writers: ConcurrentWriters
  /// What the SQL of the last batch wrote.
  var writes = WriteSet()
  private(set) var trip: BatchTrip
  let began = ContinuousClock.now
  /// The finished part of the way when this run began.
  let fractionBefore: Double?
  var rowsOfRun = 0
  /// Pages of the database when the run began, to estimate the need of the rest.
  private(set) var pagesBefore: Int64 = 0
  let isNew: Bool
  /// True after a failure at the end, while the batches are taken back.
  private(set) var isUndoing = false
  /// The pause that ended the run, if one did.
  var pausedBy: BatchPause?
  /// How often in a row the disk had no room for a batch.
  var failuresOfDisk = 0
  var wasDiskFull: Bool { failuresOfDisk > 0 }
  /// SQLite's count of schema changes, after the last look at the schema.
  var schemaVersion: Int64?
  /// When the last batch of this run released the lock.
  var released: ContinuousClock.Instant?

  /// - Parameter isNew: whether this is the first run of the phase.
  init(
    _ transition: Transition, _ state: RunState, _ record: BatchRecord, _ plan: BatchPlan, _ trip: BatchTrip,
    _ writers: ConcurrentWriters, isNew: Bool
  ) {
    self.transition = transition
    self.state = state
    self.record = record
    self.plan = plan
    self.isNew = isNew
    sizing = BatchSizing(transition.engine.pacing, limit: transition.planned.step.phase.budget?.hold)
    fractionBefore = record.fraction
    self.writers = writers
    self.trip = trip
  }

  var engine: Engine { transition.engine }
  var planned: PlannedStep { transition.planned }
  var connection: Connection { engine.connection }
  private var ending: BatchEnd { BatchEnd(of: self) }

  /// Runs all remaining batches, and the end.
  ///
  /// - Throws: `batch-paused`, `interrupted` or what a batch failed with, with standing `part-way` and the state;
  ///   what failed at the end, with standing `undone` when all batches were undone.
  func run() throws(MigrationError) -> StepReport {
    let autocheckpoint = try lifting("reading PRAGMA wal_autocheckpoint") { () in
      Int(try connection.value("PRAGMA wal_autocheckpoint")?.integer ?? 1_000)
    }
    try lifting("reading the size of the database") { () in
      pagesBefore = try connection.pageCount
      schemaVersion = try connection.schemaVersion
    }
    connection.takeOverCheckpoints()
    defer { connection.giveBackCheckpoints(every: autocheckpoint) }
    let cacheSize = try roomForABatch()
    defer { if let cacheSize { try? connection.execute("PRAGMA main.cache_size = \(cacheSize)") } }
    connection.removeProgressHandler()
    do throws(MigrationError) {
      try countWay()
      if record.orphans == nil { record.orphans = try ending.rowsWithoutParent() }
      engine.observe(.batching(planned.step.id, record.direction, progress))
      do throws(MigrationError) {
        try runBatches()
        try patiently { () throws(MigrationError) in try ending.check() }
      } catch {
        guard isEnd(error) else { throw error }
        try turnBack(from: error)
      }
      try ending.finish()
    } catch {
      throw ending.stopped(by: error)
    }
    return StepReport(
      times: RunResult.Times(
        milliseconds: (ContinuousClock.now - began).milliseconds, holdMilliseconds: longestHold,
        rows: record.rows),
      writes: writes)
  }

  /// Makes the connection's cache large enough for the pages of a batch. They are read three times: to find the end
  /// of the batch, to archive rows and to run the SQL. SQLite's default of 2 MB is too small for a batch of 10 ms.
  ///
  /// - Returns: the former PRAGMA cache_size, to be restored; nil when it was enough.
  private func roomForABatch() throws(MigrationError) -> Int64? {
    try lifting("reading PRAGMA cache_size") { () in
      let size = try connection.value("PRAGMA main.cache_size")?.integer ?? 0
      let pageSize = try connection.pageSize
      // A negative size is in KiB (sqlite.org/pragma.html#pragma_cache_size).
      let kilobytes = size < 0 ? -size : size * pageSize / 1_024
      guard kilobytes < Self.cacheKilobytes else { return nil }
      try connection.execute("PRAGMA main.cache_size = -\(Self.cacheKilobytes)")
      return size
    }
  }

  private static let cacheKilobytes: Int64 = 8_192

  var longestHold = 0.0

  /// The deadline for the present attempt to wait for other connections.
  var lockDeadline = ContinuousClock.now

  /// How far it has come.
  var progress: Event.BatchProgress {
    let pace = record.pace
    var remaining: Duration?
    if let before = fractionBefore, let fraction = record.fraction {
      let done = fraction - before
      let seconds = (ContinuousClock.now - began).milliseconds / 1_000
      if done > 0.005, seconds > 1 { remaining = .milliseconds(seconds * 1_000 * (1 - fraction) / done) }
    }
    return Event.BatchProgress(
      rows: record.rows, fraction: record.fraction, rowsPerSecond: pace.rowsPerSecond, batchSize: sizing.size,
      hold: Event.BatchProgress.Hold(
        last: holds.last, median: holds.quantile(0.5), p99: holds.quantile(0.99)),
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
    var hasDeadline = true
    while true {
      let range = try patiently { () throws(MigrationError) in
        try pauses.wait()
        return try lifting("looking for the next batch") { () in
          try BatchSearch(key: key, connection: connection).next(of: record, size: sizing.size)
        }
      }
      guard let range else { return }
      rest()
      if engine.cancellation.isRequested { continue }
      do throws(MigrationError) {
        switch try commit(range, hasDeadline: hasDeadline) {
        case .committed: hasDeadline = true
        case .overran(let isSmallest):
          if isSmallest { hasDeadline = false }
          released = .now
          continue
        }
      } catch {
        // The batch was rolled back and nothing is lost. The next check of the disk waits for free space.
        guard error.id == .databaseFull, failuresOfDisk < 10 else { throw error }
        failuresOfDisk += 1
        Pause.briefly()
        continue
      }
      sizing.isAlone = try patiently { () throws(MigrationError) in try writers.areQuiet(on: connection) }
      record.pace.pause = sizing.pause(after: holds.last)
      engine.observe(.batchCommitted(planned.step.id, record.direction, progress))
    }
  }

  /// Waits until the lock has been free for as long as `BatchSizing` says. Work between two batches, such as emptying
  /// the log, counts as part of that time.
  private func rest() {
    guard let released else { return }
    let left = Duration.milliseconds(record.pace.pause) - (ContinuousClock.now - released)
    if left > .zero { Pause.sleep(milliseconds: left.milliseconds) }
  }

  // MARK: The way back

  /// Switches the batches to the SQL of the other direction, in a transaction of its own.
  private func changeDirection() throws(MigrationError) {
    let turned = try BatchPlan(script, by: key, on: connection)
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    try refuseLostPlace()
    guard let ledger = state.knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
    trip = try BatchTrip(
      record, turned, plan, whyNot: nil, try BatchStart.bounds(of: record.id, record.phase, state.knowledge),
      BatchStart.others(
        than: key.table, record.id, record.phase, record.direction, state.knowledge, engine.trials),
      entry: try lifting("reading the ledger") { () in try ledger.head() }, ledger, state.knowledge.schema,
      isNew: false, on: connection)
    try lifting("writing the ledger") { () in
      try ledger.batches.update(record)
      schemaVersion = try connection.schemaVersion
    }
    try end(transaction, leading: record.cursor)
    try state.knowledge.refresh(on: connection)
  }

  /// Whether an error means that the phase can never finish as it is, so that its batches are undone.
  private func isEnd(_ error: MigrationError) -> Bool {
    switch error.id {
    case .verifyFailed, .foreignKeysViolated: true
    case .archiveImpossible: record.direction == .up && record.rows > 0
    default: false
    }
  }

  private func turnBack(from error: MigrationError) throws(MigrationError) {
    engine.observe(.turningBack(planned.step.id, reason: error.message))
    isUndoing = true
    record.reverse(at: engine.now())
    let staying = record.direction == .down ? trip.staying : try stayingOfDown()
    try changeDirection()
    try runBatches()
    try ending.finish()
    var error = error
    error.standing = .undone
    let present = try? Knowledge(of: connection)
    error.state =
      "every batch of \(record.id.short) was undone\(staying); the database is \(present?.checkpointText ?? "as it was")"
    throw error
  }

  /// What a way down that is taken back leaves, as the end of a sentence: rows that triggers inserted in both directions.
  private func stayingOfDown() throws(MigrationError) -> Prose {
    guard let applied = state.knowledge.applied.last(where: { $0.id == record.id }) else { return "" }
    let seen = try lifting("reading the ledger") { () in
      try state.knowledge.ledger?.roundTrips.read(of: applied.sequence)
    }
    let tables = Set((seen?.losses ?? []).filter { $0.column == nil }.map(\.table)).sorted()
    return tables.isEmpty
      ? "" : ", but not rows that were inserted into \(tables.map { Prose($0) }.joined(separator: ", "))"
  }
}

extension BatchRun {
  private enum Attempt {
    case committed
    /// The batch was rolled back, and the next one is smaller. `isSmallest` when it was stopped at its deadline and cannot be
    /// made smaller: then it runs again without one.
    case overran(isSmallest: Bool)
  }

  /// Runs one batch in a transaction of its own.
  private func commit(_ range: BatchRange, hasDeadline: Bool) throws(MigrationError) -> Attempt {
    try patiently { () throws(MigrationError) in try attempt(range, hasDeadline: hasDeadline) }
  }

  /// Runs a body, and runs it again while another connection holds the lock and there is time to wait. With a
  /// rollback journal, a reader also waits for a writer's commit.
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
        if !hasSaid { engine.observe(.waiting(planned.step.id, reason: error.message)) }
        hasSaid = true
        Pause.briefly()
      }
    }
  }

  /// Lets statements wait for locks for a second at most, and not past the deadline, so that a request to stop is
  /// noticed.
  func waitShortly() { connection.setBusyDeadline(min(lockDeadline, .now + .seconds(1))) }

  private func attempt(_ range: BatchRange, hasDeadline: Bool) throws(MigrationError) -> Attempt {
    waitShortly()
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    let locked = ContinuousClock.now
    try refuseLostPlace()
    try transition.lanes.refuseLost(state.knowledge)
    let lanes = try transition.lanes.lift(forWritesOf: plan.writes, &state.knowledge)
    let limit = hasDeadline ? locked + sizing.deadline : nil
    connection.setProgressHandler(every: 1_000) { [engine] in
      limit.map { ContinuousClock.now < $0 } ?? !engine.cancellation.isRequested
    }
    defer { connection.removeProgressHandler() }
    // If the batch is rolled back, its rows are not in the archive either.
    let marks = trip.marks
    var isCommitted = false
    defer { if !isCommitted { trip.restore(marks) } }
    do throws(MigrationError) {
      writes = try trip.run(range.keys)
    } catch {
      if isOfNeighbours(error, in: range) {
        sizing.overran(rows: range.rows)
        return .overran(isSmallest: false)
      }
      guard error.id == .interrupted, limit != nil else { throw failed(error, in: range) }
      sizing.overran(rows: range.rows)
      return .overran(isSmallest: range.rows <= 1 || range.keys.first == range.keys.last)
    }
    connection.removeProgressHandler()
    try transition.lanes.putBack(planned, lanes, applied: nil, &state.knowledge)
    try refuseChangedSchema()
    let worked = ContinuousClock.now
    let after = advanced(by: range, held: (worked - locked).milliseconds)
    try lifting("writing the ledger") { () in try Ledger(connection: connection).batches.update(after) }
    let committing = ContinuousClock.now
    try end(transaction, leading: after.cursor)
    isCommitted = true
    let ended = ContinuousClock.now
    let held = (ended - locked).milliseconds
    released = ended
    record = after
    failuresOfDisk = 0
    rowsOfRun += range.rows
    longestHold = max(longestHold, held)
    holds.add(held)
    sizing.committed(rows: range.rows, milliseconds: held, committing: (ended - committing).milliseconds)
    return .committed
  }

  /// Whether rows of one batch may have conflicted with each other on the way down. In batches of one row they do
  /// not: each gets its value back before the next one runs.
  private func isOfNeighbours(_ error: MigrationError, in range: BatchRange) -> Bool {
    record.direction == .down && error.id == .archiveImpossible && range.rows > 1
      && range.keys.first != range.keys.last
  }

  var script: Script { record.direction == .up ? record.phase.up : record.phase.down }

  /// Another run may have taken over the lease while this process was stopped for a long time, and may have moved the
  /// cursor.
  func refuseLostPlace() throws(MigrationError) {
    let ledger = Ledger(connection: connection)
    let (lease, cursor) = try lifting("reading the ledger") { () in
      (try ledger.lease.held(), try ledger.batches.cursor())
    }
    guard lease?.holder == engine.runner, cursor == record.cursor else {
      throw MigrationError(
        .ledgerMoved, "another runner took over \(record.id)", help: ["see its progress: phasedb status"])
    }
    let version = try lifting("reading the schema") { () in try connection.schemaVersion }
    if version != schemaVersion {
      try state.knowledge.refresh(on: connection)
      guard state.knowledge.isInPlace else { throw try state.knowledge.driftError(isGate: false) }
      schemaVersion = version
    }
  }

  private func refuseChangedSchema() throws(MigrationError) {
    let version = try lifting("reading the schema") { () in try connection.schemaVersion }
    guard version != schemaVersion else { return }
    // Values that could not be restored have an archive of their own, which changed the schema.
    let schema = try lifting("reading the schema") { () in try Schema(of: connection) }
    guard schema.digest != state.knowledge.schema.digest else {
      schemaVersion = version
      return
    }
    throw MigrationError(
      .migrateChangesSchema, "\(record.id) changes the schema; a migrate phase must not",
      at: script.place(at: script.firstTokenOffset),
      help: ["move the change to expand.sql or contract.sql of the same migration"])
  }

  /// The record of the phase after a batch.
  private func advanced(by range: BatchRange, held: Double) -> BatchRecord {
    var after = record
    after.cursor = record.direction == .up ? .after(range.keys.last) : .before(range.keys.first)
    after.rows += range.rows
    after.pause = nil
    after.beat = engine.now()
    let seconds = (ContinuousClock.now - began).milliseconds / 1_000
    after.pace = BatchRecord.Pace(
      size: sizing.size, rowsPerSecond: Double(rowsOfRun + range.rows) / max(0.001, seconds),
      lastHold: holds.last == 0 ? held : holds.last, medianHold: holds.quantile(0.5),
      p99Hold: holds.quantile(0.99), pause: record.pace.pause)
    return after
  }

  /// Commits, and if that fails, reads the cursor before it reports a failure.
  func end(_ transaction: consuming Transaction, leading cursor: BatchCursor) throws(MigrationError) {
    do {
      try transaction.commit()
    } catch {
      if connection.isAutocommit, (try? Ledger(connection: connection).batches.cursor()) == cursor { return }
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

  /// Records why the run is paused, unless the disk is full.
  func notePause(_ pause: BatchPause?) {
    record.pause = pause
    record.beat = engine.now()
    // A writer that has held the lock for so long will hardly release it now, so the wait is short.
    connection.setBusyDeadline(.now + min(engine.wait, .seconds(1)))
    guard let transaction = try? connection.begin(.immediate) else { return }
    let ledger = Ledger(connection: connection)
    guard (try? ledger.lease.held())?.holder == engine.runner,
      (try? ledger.batches.cursor()) == record.cursor,
      (try? ledger.batches.update(record)) != nil
    else { return }
    try? transaction.commit()
  }
}

/// Tells whether other connections write, by SQLite's own counter (sqlite.org/pragma.html#pragma_data_version).
struct ConcurrentWriters {
  private var version: Int64?
  private var lastWrite: ContinuousClock.Instant

  /// The application counts as idle after this time without a write.
  private static let quiet = Duration.milliseconds(200)

  /// Begins with the times at which the files were last written, so that the run need not wait and watch first.
  /// Call it before the run's own first write.
  init(of path: String) {
    let ages = [path, "\(path)-wal"].compactMap { FileReading.age(of: $0) }
    lastWrite = ContinuousClock.now - (path.isEmpty ? .zero : ages.min() ?? .zero)
  }

  /// Whether other connections have not written for a while.
  mutating func areQuiet(on connection: Connection) throws(MigrationError) -> Bool {
    let present = try lifting("reading PRAGMA data_version") { () in try connection.dataVersion }
    let now = ContinuousClock.now
    if version != nil, present != version { lastWrite = now }
    version = present
    return now - lastWrite > Self.quiet
  }
}
