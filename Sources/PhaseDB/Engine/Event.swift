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
  case batchPaused(PhaseID, BatchPause)
  /// Batches run again.
  case batchResumed(PhaseID)
  /// What all batches led to does not hold, so they are taken back one by one.
  case turningBack(PhaseID, reason: Prose)
  /// What a phase caused was counted, before it comes down: how many rows, how many of the counts are unknown, in which file
  /// the rows are listed, and why they are in none when that failed.
  case effectsListed(PhaseID, rows: Int, unknown: Int, file: String?, failure: Prose?)
  /// The step is committed.
  case committed(PhaseID, Direction, StepTimes, checkpoint: Int64)
  /// Another runner did this step meanwhile, so it was left out.
  case alreadyDone(PhaseID, Direction)
  /// The step waits for another connection or runner.
  case waiting(PhaseID, reason: Prose)
  /// A schema that is not what the ledger said was recorded as it is; the difference, one line each.
  case driftAccepted([Prose])
  /// A lane is held, and the phase waits until it is quiet; `what` is what it waits for.
  case laneWaiting(String, PhaseID, LaneCount, what: LaneWait)
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

  /// What a phase waits for in a lane.
  public enum LaneWait: String, Sendable, Hashable, CaseIterable {
    /// Jobs that are in flight.
    case inFlight = "in-flight"
    /// Jobs that wait, before the lane is held.
    case waiting
    /// A fixed time, because nothing shows what is in flight.
    case time
  }
}

/// How long a step took.
public struct StepTimes: Sendable, Hashable {
  package let milliseconds: Double
  package let holdMilliseconds: Double
  /// From its beginning to its commit, waiting left out.
  public var duration: Duration { .milliseconds(milliseconds) }
  /// How long the write lock was held.
  public var hold: Duration { .milliseconds(holdMilliseconds) }
  /// Rows its SQL changed, triggers included.
  public let rows: Int
}
