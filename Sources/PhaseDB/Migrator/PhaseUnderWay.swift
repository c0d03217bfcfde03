/// A batched phase that is half done, as the ledger tells it.
public struct PhaseUnderWay: Sendable, Hashable {
  public let id: PhaseID
  public let direction: Direction
  public let progress: BatchProgress
  /// Why no batch runs; nil while batches do, or when the run was killed.
  public let pause: BatchPause?
  /// Since when it goes in this direction.
  public let since: Timestamp
  /// When its runner last said that it is there.
  public let lastSign: Timestamp
  /// Who that was, `user@host`.
  public let runner: String
  /// Whether somebody holds the lease for it.
  public let isRunning: Bool

  init(_ record: BatchRecord, isRunning: Bool) {
    let pace = record.pace
    id = record.id
    direction = record.direction
    progress = BatchProgress(
      rows: record.rows, fraction: record.fraction, rowsPerSecond: pace.rowsPerSecond, batchSize: pace.size,
      hold: BatchProgress.Hold(last: pace.lastHold, median: pace.medianHold, p99: pace.p99Hold),
      pauseMilliseconds: pace.pause, remaining: nil)
    pause = record.pause
    since = record.since
    lastSign = record.beat
    runner = record.runner
    self.isRunning = isRunning
  }
}
