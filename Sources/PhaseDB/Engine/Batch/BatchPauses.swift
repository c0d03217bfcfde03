internal import PhaseSQLite

/// Decides whether a batched run has to pause between two batches.
///
/// The run waits for a reader and a full disk as long as for a lock, and then ends where it is. It waits without
/// limit for a pause file and the throttle query, because an operator wants that. A request to stop ends the run at
/// once.
final class BatchPauses {
  private unowned let run: BatchRun
  private let engine: Engine
  private let connection: Connection
  private var lastThrottle: ContinuousClock.Instant?
  private var lastDisk: ContinuousClock.Instant?
  private let pageSize: Int64
  /// The most pages that may stay in the log because of a reader.
  private var mostPinned: Int64 { Self.mostPinnedBytes / max(1, pageSize) }
  private static let mostPinnedBytes: Int64 = 64 << 20

  init(_ run: BatchRun) throws(MigrationError) {
    self.run = run
    engine = run.engine
    connection = run.engine.connection
    let connection = connection
    pageSize = try lifting("reading PRAGMA page_size") { () in
      try connection.pageSize
    }
  }

  /// Returns when the next batch may run.
  ///
  /// - Throws: `interrupted`, `batch-paused`, `bad-settings`.
  func wait() throws(MigrationError) {
    guard let first = try obstacle(isWaiting: false) else { return }
    var pause = first
    let deadline = ContinuousClock.now + engine.wait
    run.notePause(pause)
    engine.observe(pause.event(of: run.record.id))
    var beaten = ContinuousClock.now
    while true {
      if pause.isEnding(after: deadline) { throw end(pause) }
      Pause.briefly()
      guard let next = try obstacle(isWaiting: true) else { break }
      if next.reason != pause.reason {
        engine.observe(next.event(of: run.record.id))
        run.notePause(next)
      } else if ContinuousClock.now - beaten > .seconds(5) {
        beaten = ContinuousClock.now
        run.notePause(next)
      }
      pause = next
    }
    run.notePause(nil)
    engine.observe(.batchResumed(run.record.id))
  }

  private func obstacle(isWaiting: Bool) throws(MigrationError) -> BatchPause? {
    if engine.cancellation.isRequested {
      throw MigrationError.stopped()
    }
    if engine.purpose != .change { return try lowDisk(isWaiting: isWaiting) }
    if let pause = try overBudget() { throw end(pause) }
    if let pause = pauseFile() { return pause }
    if let pause = try throttled() { return pause }
    if let pause = try pinnedLog(isWaiting: isWaiting) { return pause }
    return try lowDisk(isWaiting: isWaiting)
  }

  private func end(_ pause: BatchPause) -> MigrationError {
    run.pausedBy = pause
    return MigrationError(
      .batchPaused, "\(run.record.id.short) pauses (\(pause.reason.rawValue)): \(pause.detail)",
      help: [pause.resuming])
  }

  private func overBudget() throws(MigrationError) -> BatchPause? {
    let budget = run.planned.step.phase.budget
    guard let limit = run.record.direction == .up ? budget?.up : budget?.down, !run.isUndoing,
      ContinuousClock.now - run.began > limit
    else { return nil }
    return BatchPause(
      reason: .budget, detail: "this run used the \(DurationText.print(limit)) that @budget allows",
      resuming: "run the command again to continue")
  }

  private func pauseFile() -> BatchPause? {
    guard let path = engine.pauseFile, FileReading.exists(path) else { return nil }
    return BatchPause(
      reason: .pauseFile, detail: "the file \(path) exists", resuming: "remove the file \(path)")
  }

  private func throttled() throws(MigrationError) -> BatchPause? {
    guard let query = engine.pacing.throttle else { return nil }
    let now = ContinuousClock.now
    if let lastThrottle, now - lastThrottle < .milliseconds(100) { return nil }
    guard try Throttle(query).asksToWait(on: connection) else {
      lastThrottle = now
      return nil
    }
    return BatchPause(
      reason: .throttle, detail: "the throttle query of the settings returns a row",
      resuming: "it continues when the query returns no row")
  }

  /// Empties the log once it is as long as SQLite's own limit, and checks how much a reader keeps in it.
  private func pinnedLog(isWaiting: Bool) throws(MigrationError) -> BatchPause? {
    guard isWaiting || connection.pagesInLog >= 1_000 else { return nil }
    let log = try lifting("emptying the write-ahead log") { () in
      do throws(SQLiteError) {
        guard let log = try connection.checkpoint() else { return WriteAheadLog?.none }
        // The whole log is in the database already, but readers that come and go keep SQLite from restarting it.
        if log.pinned == 0, log.pages > mostPinned / 2 { _ = try? connection.checkpoint(restarting: true) }
        return log
      } catch {
        // The log stays as it is; the check of the disk reports the reason.
        if [.full, .busy, .locked, .ioError].contains(error.code.primary) { return nil }
        throw error
      }
    }
    guard let log, log.pinned > (isWaiting ? mostPinned / 2 : mostPinned) else { return nil }
    let megabytes = (Int64(log.pinned) * pageSize) >> 20
    return BatchPause(
      reason: .pinnedLog, detail: "an open reader keeps \(megabytes) MB in the write-ahead log",
      resuming: "it continues when the reader ends its transaction")
  }

  /// Checks the free space: the rest of the way needs as much as the finished part in proportion, and the log needs
  /// room, too.
  private func lowDisk(isWaiting: Bool) throws(MigrationError) -> BatchPause? {
    let now = ContinuousClock.now
    if let lastDisk, !isWaiting, !run.wasDiskFull, now - lastDisk < .milliseconds(250) { return nil }
    lastDisk = now
    guard !connection.path.isEmpty, let free = FileReading.freeBytes(at: connection.path) else { return nil }
    let pages = try lifting("reading the size of the database") { () in
      try connection.pageCount
    }
    var needed = 2_000 * pageSize
    if let before = run.fractionBefore, let fraction = run.record.fraction, fraction - before > 0.01 {
      let growth = Double(max(0, pages - run.pagesBefore) * pageSize)
      needed += Int64(growth / (fraction - before) * (1 - fraction))
    }
    guard free < needed else { return nil }
    return BatchPause(
      reason: .diskLow,
      detail:
        "the disk has \(free >> 20) MB free, and the remaining batches need about \((needed + 1_048_575) >> 20) MB",
      resuming: "make room on the disk")
  }
}

extension BatchPause {
  /// The event for a phase that it pauses.
  fileprivate func event(of id: PhaseID) -> Event {
    .batchPaused(id, reason: reason, detail: detail, resuming: resuming)
  }

  /// Whether the run ends because of it, once the time to wait is over.
  fileprivate func isEnding(after deadline: ContinuousClock.Instant) -> Bool {
    switch reason {
    case .pinnedLog, .diskLow: ContinuousClock.now >= deadline
    case .pauseFile, .throttle: false
    case .interrupted, .budget, .failed: true
    }
  }
}

/// The query of the settings that asks batches to wait.
struct Throttle {
  private let query: Script

  init(_ query: Script) { self.query = query }

  /// - Throws: `bad-settings` when it is not one statement that only reads.
  func asksToWait(on connection: Connection) throws(MigrationError) -> Bool {
    let guarding = StatementGuard()
    guarding.watch(connection)
    defer { guarding.release(connection) }
    do {
      var statement = try connection.prepare(query.text)
      guard statement.isReadOnly, statement.columnCount > 0 else { throw invalid("it is not a SELECT") }
      return try statement.step()
    } catch let error as MigrationError {
      throw error
    } catch let error as SQLiteError {
      if error.code.primary == .busy { throw MigrationError(error, while: "asking the throttle query") }
      throw invalid(guarding.refusal.map { "\($0.what) is not allowed" } ?? "\(error.message)")
    } catch {
      throw invalid("\(error)")
    }
  }

  private func invalid(_ why: Prose) -> MigrationError {
    MigrationError(
      .badSettings, "the throttle query cannot run: \(why)",
      at: query.place(at: query.firstTokenOffset),
      help: ["write one SELECT that returns a row while batches should wait"])
  }
}
