/// A batched phase that is half done, as recorded in the ledger.
package struct PhaseUnderWay: Sendable, Hashable {
  package let id: PhaseID
  package let direction: Direction
  package let progress: Event.BatchProgress
  /// Why no batch runs; nil while batches do, or when the run was killed.
  package let pause: BatchPause?
  /// Since when it goes in this direction.
  package let since: Timestamp
  /// When its runner last gave a sign of life.
  package let lastSign: Timestamp
  /// That runner, as `user@host`.
  package let runner: String
  /// Whether somebody holds the lease for it.
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
