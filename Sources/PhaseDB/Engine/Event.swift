/// What happens while a plan runs, in the order in which it happens.
public enum Event: Sendable, Hashable {
  /// The baseline is about to run, on a database that had nothing in it.
  case baselineBegan
  /// A step is about to run; this is step `number` of `count`, counted from 1.
  case began(PhaseID, Direction, number: Int, count: Int)
  /// A claim of `@verify` holds.
  case verified(PhaseID, title: String)
  /// The batches of a step are about to run, from where an earlier run left them.
  case batching(PhaseID, Direction, BatchProgress)
  /// A batch is committed, together with how far it has come.
  case batchCommitted(PhaseID, Direction, BatchProgress)
  /// No batch runs for now.
  ///
  /// - `reason`: a stable word: `interrupted`, `wal-pinned-by-reader`, `disk-low`, `budget`, `pause-file`, `throttle` or
  ///   `failed`.
  /// - `detail`: what was found, in one sentence without a full stop.
  /// - `resuming`: what makes it continue, in the same form.
  case batchPaused(PhaseID, reason: String, detail: Prose, resuming: Prose)
  /// Batches run again.
  case batchResumed(PhaseID)
  /// What all batches led to does not hold, so they are taken back one by one.
  case turningBack(PhaseID, reason: Prose)
  /// What a phase caused was counted, before it comes down: how many rows, how many of the counts are unknown, in which file
  /// the rows are listed, and why they are in none when that failed.
  case effectsListed(PhaseID, rows: Int, unknown: Int, file: String?, failure: Prose?)
  /// The step is committed.
  case committed(PhaseID, Direction, RunResult.Times, checkpoint: Int64)
  /// Another runner did this step meanwhile, so it was left out.
  case alreadyDone(PhaseID, Direction)
  /// The step waits for another connection or runner.
  case waiting(PhaseID, reason: Prose)
  /// A schema that is not what the ledger said was recorded as it is; the difference, one line each.
  case driftAccepted([Prose])
  /// A lane is not held yet, because the phase needs it empty: it waits for jobs that wait. `oldest` is how long the oldest of
  /// them has waited; nil when nothing tells.
  case laneQueued(String, PhaseID, jobs: Int, oldest: Duration?)
  /// A lane is held, and the phase waits for jobs that are in flight. `oldest` is how long ago the oldest of them began; nil
  /// when nothing tells.
  case laneBusy(String, PhaseID, jobs: Int, oldest: Duration?)
  /// A lane is held, and the phase waits for a fixed time, because nothing shows what is in flight.
  case lanePausing(String, PhaseID, remaining: Duration)
  /// A lane is quiet, so long after the phase began to wait for it.
  case laneHeld(String, PhaseID, after: Duration)
  /// The run needs a lane no more, and it stays held: for a watch, or because somebody holds it by hand.
  case laneKept(String)
  /// A lane is open again.
  case laneOpened(String)
  /// A lane could not be let go at once: why, and what lets it go.
  case laneStuck(String, reason: Prose)
  /// A phase is not held by a lane that is open in any case, because what its queue needs is not there: why.
  case laneAbsent(String, PhaseID, reason: Prose)
  /// These switches of the step's migration are closed now, none when they were before, and the step waits so long for those
  /// that asked before.
  case switchesClosed(PhaseID, [String], waiting: Duration)
  /// A lease was taken over from a process that is provably dead.
  case tookOver(from: String)

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
}
