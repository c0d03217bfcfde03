/// Why a batched phase is paused.
package struct BatchPause: Sendable, Hashable {
  package enum Reason: String, Sendable, Hashable, CaseIterable {
    /// An operator or the application asked the run to stop.
    case interrupted
    /// A read transaction stays open, so SQLite cannot empty the write-ahead log.
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
  package let detail: Prose
  /// What makes it continue, in one sentence without a full stop.
  package let resuming: Prose
}
