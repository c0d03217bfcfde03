/// A batched phase that is half done, as recorded in the ledger.
package struct PhaseUnderWay: Sendable, Hashable {
  package let id: PhaseID
  package let direction: Direction
  package let progress: Event.BatchProgress
  /// Why the batches are paused; nil while they run, or when the run was killed.
  package let pause: BatchPause?
  /// When it began in this direction.
  package let since: Timestamp
  /// When its runner last recorded that it is alive.
  package let lastSign: Timestamp
  /// That runner, as `user@host`.
  package let runner: String
  /// Whether a process holds the lease for it.
  package let isRunning: Bool

  init(_ record: BatchRecord, isRunning: Bool) {
    let pace = record.pace
    id = record.id
    direction = record.direction
    progress = Event.BatchProgress(
      rows: record.rows, fraction: record.fraction, rowsPerSecond: pace.rowsPerSecond, batchSize: pace.size,
      hold: Event.BatchProgress.Hold(last: pace.lastHold, median: pace.medianHold, p99: pace.p99Hold),
      pauseMilliseconds: pace.pause, remaining: nil)
    pause = record.pause
    since = record.since
    lastSign = record.beat
    runner = record.runner
    self.isRunning = isRunning
  }
}
