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
  /// - `detail`: what was found, in one sentence without a full stop.
  /// - `resuming`: what makes it continue, in the same form.
  case batchPaused(PhaseID, reason: Phase.PauseReason, detail: Prose, resuming: Prose)
  /// Batches run again.
  case batchResumed(PhaseID)
  /// The result of all batches failed a check, so they are undone one by one.
  case turningBack(PhaseID, reason: Prose)
  /// The effects of a phase were counted before it comes down. `rows` is how many there are, `unknown` how many
  /// counts failed, `file` where the rows are listed, and `failure` why they could not be listed.
  case effectsListed(PhaseID, rows: Int, unknown: Int, file: String?, failure: Prose?)
  /// The step is committed.
  case committed(PhaseID, Direction, RunResult.Times, checkpoint: Int64)
  /// Another runner did this step meanwhile, so it was left out.
  case alreadyDone(PhaseID, Direction)
  /// The step waits for another connection or runner.
  case waiting(PhaseID, reason: Prose)
  /// Changes of the schema from outside were accepted and recorded, one line each.
  case driftAccepted([Prose])
  /// A phase needs a lane empty, and jobs are waiting in it, so the lane is not held yet. `oldest` is how long the
  /// oldest job has waited; nil when that is unknown.
  case laneQueued(String, PhaseID, jobs: Int, oldest: Duration?)
  /// A lane is held, and the phase waits for jobs in flight. `oldest` is how long ago the oldest job began; nil when
  /// that is unknown.
  case laneBusy(String, PhaseID, jobs: Int, oldest: Duration?)
  /// A lane is held, and the phase waits for a fixed time, because nothing shows what is in flight.
  case lanePausing(String, PhaseID, remaining: Duration)
  /// A lane is held and quiet. `after` is how long the phase waited for that.
  case laneHeld(String, PhaseID, after: Duration)
  /// The run no longer needs a lane. The lane stays held, for a watch or because an operator holds it.
  case laneKept(String)
  /// A lane is open again.
  case laneOpened(String)
  /// A lane could not be released now. `reason` says why, and what will release it.
  case laneStuck(String, reason: Prose)
  /// A phase comes down without holding a lane, because a table or column of the queue does not exist.
  case laneAbsent(String, PhaseID, reason: Prose)
  /// The switches of the step's migration were closed. The list is empty when they were closed already. The step now
  /// waits for requests that saw them open.
  case switchesClosed(PhaseID, [String], waiting: Duration)
  /// A lease was taken over from a process that is provably dead.
  case tookOver(from: String)

  /// How far a batched phase has come in one direction.
  public struct BatchProgress: Sendable, Hashable {
    /// How many rows are done in this direction, by this and earlier runs.
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
    /// The estimated time to the end; nil while there is no estimate.
    public let remaining: Duration?

    package struct Hold: Sendable, Hashable {
      package let last: Double
      package let median: Double
      package let p99: Double
    }
  }
}
