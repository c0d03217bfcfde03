/// How far a batched phase has come in one direction.
public struct BatchProgress: Sendable, Hashable {
  /// Rows it has gone through in this direction, whichever run did it.
  public let rows: Int
  /// The finished part of the way, from 0 to 1; nil while it is unknown.
  public let fraction: Double?
  /// Rows per second, pauses included; 0 before the first batch.
  public let rowsPerSecond: Double
  /// How many rows the next batch takes.
  public let batchSize: Int
  /// How long batches of this run held the write lock, in milliseconds: the last one, the median, the 99th percentile.
  package let hold: Hold
  package let pauseMilliseconds: Double
  /// How long the run rests before the next batch.
  public var pause: Duration { .milliseconds(pauseMilliseconds) }
  /// How long it will take from here; nil while it is being estimated.
  public let remaining: Duration?

  package struct Hold: Sendable, Hashable {
    package let last: Double
    package let median: Double
    package let p99: Double
  }
}

/// Why a batched phase is paused.
public struct BatchPause: Sendable, Hashable {
  package enum Reason: String, Sendable, Hashable, CaseIterable {
    /// Somebody asked the run to stop.
    case interrupted
    /// A reader that stays open keeps the write-ahead log from being emptied.
    case pinnedLog = "wal-pinned-by-reader"
    /// The disk has no room for the remaining batches.
    case diskLow = "disk-low"
    /// The run took as long as the phase's `@budget` allows.
    case budget
    /// The pause file exists.
    case pauseFile = "pause-file"
    /// The settings' throttle query returned a row.
    case throttle
    /// The SQL of a batch failed.
    case failed
  }

  package let reason: Reason
  /// What was found, in one sentence without a full stop.
  public let detail: Prose
  /// What makes it continue, in one sentence without a full stop.
  public let resuming: Prose
}
