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
  var writers: ConcurrentWriters
  /// What the SQL of the last batch wrote.
  var writes = WriteSet()
  private(set) var trip: BatchTrip
  let began = ContinuousClock.now
  /// How far the way was behind when this run began.
  let fractionBefore: Double?
  var rowsOfRun = 0
  /// Pages of the database when the run began, from which follows what the rest will need.
  private(set) var pagesBefore: Int64 = 0
  let isNew: Bool
  /// True while going back because of a failure at the end.
  private(set) var isTurnedBack = false
  /// Why the run ends, when it is a pause that does.
  var pausedBy: BatchPause?
  /// How often in a row the disk had no room for a batch.
  var failuresOfDisk = 0
  var wasDiskFull: Bool { failuresOfDisk > 0 }
  /// SQLite's count of schema changes, after the last look at the schema.
  var schemaVersion: Int64?
  /// When the last batch of this run let go of the lock.
  var released: ContinuousClock.Instant?
  /// False for a batch of one key that was stopped at its deadline: it cannot be made smaller.
  var hasDeadline = true

  /// - Parameter isNew: whether no run before this one had the phase under way.
  init(
    _ engine: Engine, _ turn: Turn, _ record: BatchRecord, _ plan: BatchPlan, _ trip: BatchTrip,
    _ writers: ConcurrentWriters, isNew: Bool
  ) {
    self.engine = engine
    self.turn = turn
    self.record = record
    self.plan = plan
    self.isNew = isNew
    law = BatchLaw(engine.pacing, limit: turn.step.phase.budget?.hold)
    fractionBefore = record.fraction
    self.writers = writers
    self.trip = trip
  }

  var connection: Connection { engine.connection }

  /// Runs every batch that is left, and the end.
  ///
  /// - Throws: `batch-paused`, `interrupted` or what a batch failed with, with standing `part-way` and the state; what
  ///   failed at the end, with standing `undone`, when all of it was taken back.
  func run() throws(MigrationError) -> StepReport {
    let autocheckpoint = try lifting("reading PRAGMA wal_autocheckpoint") { () in
      Int(try connection.value("PRAGMA wal_autocheckpoint")?.integer ?? 1_000)
    }
    try lifting("reading the size of the database") { () in
      pagesBefore = try connection.value("PRAGMA main.page_count")?.integer ?? 0
      schemaVersion = try connection.value("PRAGMA main.schema_version")?.integer
    }
    connection.takeOverCheckpoints()
    defer { connection.giveBackCheckpoints(every: autocheckpoint) }
    let cacheSize = try roomForABatch()
    defer { if let cacheSize { try? connection.execute("PRAGMA main.cache_size = \(cacheSize)") } }
    connection.removeProgressHandler()
    do throws(MigrationError) {
      try countWay()
      if record.orphans == nil { record.orphans = try rowsWithoutParent() }
      engine.observe(.batching(turn.step.id, record.direction, progress))
      do throws(MigrationError) {
        try runBatches()
        try patiently { () throws(MigrationError) in try check() }
      } catch {
        guard isEnd(error) else { throw error }
        try turnBack(from: error)
      }
      try finish()
    } catch {
      throw stopped(by: error)
    }
    return StepReport(
      times: StepTimes(
        milliseconds: (ContinuousClock.now - began).milliseconds, holdMilliseconds: longestHold,
        rows: record.rows),
      writes: writes)
  }

  /// Lets the connection's cache hold the pages of a batch, which are read to find its end, to keep what it overwrites and
  /// to run its SQL. SQLite's own 2 MB hold less than a batch of 10 ms has.
  ///
  /// - Returns: what PRAGMA cache_size was, to be given back; nil when it is enough.
  private func roomForABatch() throws(MigrationError) -> Int64? {
    try lifting("reading PRAGMA cache_size") { () in
      let size = try connection.value("PRAGMA main.cache_size")?.integer ?? 0
      let pageSize = try connection.value("PRAGMA main.page_size")?.integer ?? 4_096
      // Negative is in KiB (sqlite.org/pragma.html#pragma_cache_size).
      let kilobytes = size < 0 ? -size : size * pageSize / 1_024
      guard kilobytes < Self.cacheKilobytes else { return nil }
      try connection.execute("PRAGMA main.cache_size = -\(Self.cacheKilobytes)")
      return size
    }
  }

  private static let cacheKilobytes: Int64 = 8_192

  var longestHold = 0.0

  /// Until when what is tried now may wait for other connections.
  var lockDeadline = ContinuousClock.now

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
      rest()
      if engine.cancellation.isRequested { continue }
      do throws(MigrationError) {
        guard try commit(range) else {
          released = .now
          continue
        }
      } catch {
        // Rolled back, and nothing is lost: the next look at the disk says when there is room again.
        guard error.id == .databaseFull, failuresOfDisk < 10 else { throw error }
        failuresOfDisk += 1
        Pause.briefly()
        continue
      }
      law.isAlone = try patiently { () throws(MigrationError) in try writers.areQuiet(on: connection) }
      record.pace.pause = law.pause(after: holds.last)
      engine.observe(.batchCommitted(turn.step.id, record.direction, progress))
    }
  }

  /// Waits until the lock has been free for as long as the law says. What there is to do between two batches, such as
  /// emptying the log, is part of that time.
  private func rest() {
    guard let released else { return }
    let left = Duration.milliseconds(record.pace.pause) - (ContinuousClock.now - released)
    if left > .zero { Pause.sleep(milliseconds: left.milliseconds) }
  }

  // MARK: The way back

  /// Makes the other direction's SQL what batches run, in a transaction of its own.
  private func turnTrip() throws(MigrationError) {
    let turned = try BatchPlan(script, by: key, on: connection)
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    try refuseLostPlace()
    guard let ledger = engine.knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
    trip = try BatchTrip(
      record, turned, plan, whyNot: nil, try engine.batchBounds(record.id, record.phase),
      entry: try lifting("reading the ledger") { () in try ledger.head() }, ledger, engine.knowledge.schema,
      isNew: false, on: connection)
    try lifting("writing the ledger") { () in
      try ledger.update(record)
      schemaVersion = try connection.value("PRAGMA main.schema_version")?.integer
    }
    try end(transaction, leading: record.cursor)
    try engine.knowledge.refresh(on: connection)
  }

  /// Whether an error says that the phase as it is will never be done. One without batches is undone anyway.
  private func isEnd(_ error: MigrationError) -> Bool {
    switch error.id {
    case .verifyFailed, .foreignKeysViolated: true
    case .archiveImpossible: record.direction == .up && record.rows > 0
    default: false
    }
  }

  private func turnBack(from error: MigrationError) throws(MigrationError) {
    engine.observe(.turningBack(turn.step.id, reason: error.message))
    isTurnedBack = true
    record.turn(at: engine.now())
    let staying = trip.staying
    try turnTrip()
    try runBatches()
    try finish()
    var error = error
    error.standing = .undone
    let present = try? Knowledge(of: connection)
    error.state =
      "every batch of \(record.id.short) was taken back\(staying); the database is \(present?.checkpointText ?? "as it was")"
    throw error
  }
}
