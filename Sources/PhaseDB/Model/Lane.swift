/// A job queue or an outgoing integration of this environment: how to stop new work in it, and how to see whether
/// work is under way.
public struct Lane: Sendable {
  /// How to count jobs.
  package enum Look: Sendable {
    /// A SELECT on the database of the lane. Its first column is the number of jobs, a second one the age of the
    /// oldest in seconds.
    case query(String)
    /// A function counts them.
    case answer(Count)
  }

  /// Counts jobs, and says how long the oldest has been in flight or has waited; nil when that is unknown. It throws
  /// when the jobs cannot be counted, and the error's text is the reason. `isCancelled` says whether the run has to
  /// stop.
  public typealias Count =
    @Sendable (_ isCancelled: @Sendable () -> Bool) throws -> (
      jobs: Int, oldest: Duration?
    )

  /// Does something to the lane, and returns what went wrong, as the end of a sentence; nil when nothing did.
  public typealias Act = @Sendable (_ isCancelled: @Sendable () -> Bool) -> String?

  /// How new work is stopped from starting.
  package enum Hold: Sendable {
    /// A trigger on the table of the queue ignores statements that claim a job.
    case trigger(LaneClaim)
    /// Functions do it.
    case acts(hold: Act, release: Act)
  }

  package let hold: Hold
  /// Whether a trigger holds it.
  var isTrigger: Bool { if case .trigger = hold { true } else { false } }
  /// Counts the jobs in flight; nil where only waiting helps.
  package let busy: Look?
  /// Counts the jobs that wait; nil where they cannot be counted.
  package let waiting: Look?
  /// How long to wait once the lane is held, where nothing shows what is in flight.
  package let pause: Duration
  /// The SQLite file of the queue; nil for the database that is migrated.
  package let file: String?

  package init(hold: Hold, busy: Look?, waiting: Look?, pause: Duration, file: String?) {
    (self.hold, self.busy, self.waiting, self.pause, self.file) = (hold, busy, waiting, pause, file)
  }

  /// A lane whose queue is a table of SQLite.
  ///
  /// - Parameters:
  ///   - claim: what takes a job, as the head and the condition of a trigger:
  ///     `UPDATE OF state ON outbox WHEN NEW.state = 'sending'`.
  ///   - busy: a SELECT on the database of the queue: how many jobs are in flight, and in a second column the age of the
  ///     oldest in seconds; nil to wait for `pause` instead.
  ///   - waiting: the same for jobs that wait, for `@lane … empty`.
  ///   - pause: how long to wait once the lane is held.
  ///   - file: the SQLite file of the queue; nil for the database that is migrated.
  /// - Throws: `bad-settings` when the claim cannot be read.
  public init(
    claim: String, busy: String?, waiting: String? = nil, pause: Duration = .zero, file: String? = nil
  ) throws(MigrationError) {
    self.init(
      hold: .trigger(try LaneClaim(claim)), busy: busy.map { .query($0) },
      waiting: waiting.map { .query($0) },
      pause: pause, file: file)
  }

  /// A lane that the application holds itself.
  ///
  /// - Parameters:
  ///   - hold: stops new work from starting. It is called again when an earlier run ended half way.
  ///   - release: lets new work start again. It, too, may be called again.
  ///   - busy: counts the jobs in flight; nil to wait for `pause` instead.
  ///   - waiting: counts the jobs that wait, for `@lane … empty`.
  ///   - pause: how long to wait once the lane is held.
  public init(
    hold: @escaping Act, release: @escaping Act, busy: Count?, waiting: Count? = nil, pause: Duration = .zero
  ) {
    self.init(
      hold: .acts(hold: hold, release: release), busy: busy.map { .answer($0) },
      waiting: waiting.map { .answer($0) }, pause: pause, file: nil)
  }

  /// A lane of a known queue.
  ///
  /// - Parameters:
  ///   - kind: the name of the library, as in the settings: `oban-lite`.
  ///   - queue: one queue of that library; nil for all of them, or for the default queue of the library.
  ///   - pause: how long to wait once the lane is held, for libraries that do not show what is in flight.
  ///   - file: the SQLite file of the queue; nil for the database that is migrated.
  /// - Throws: `bad-settings` for an unknown kind, and for one that cannot be held from outside.
  public init(
    kind: String, queue: String? = nil, pause: Duration = .zero, file: String? = nil
  ) throws(MigrationError) {
    guard let kind = LaneKind(rawValue: kind) else { throw LaneKind.unknown(kind) }
    let queries = kind.queries(queue: queue)
    guard let claim = kind.claim(queue: queue) else {
      throw MigrationError(
        .badSettings, "\(kind.rawValue) cannot be held by a trigger: \(LaneKind.whyNot)",
        help: [LaneKind.instead])
    }
    self.init(
      hold: .trigger(claim), busy: queries.busy.map { .query($0) },
      waiting: .query(queries.waiting), pause: pause, file: file)
  }

  /// The same lane with other ways to count jobs.
  package func looking(busy: Look?, waiting: Look?) -> Lane {
    Lane(hold: hold, busy: busy, waiting: waiting, pause: pause, file: file)
  }
}

/// How many jobs of a lane are in flight, or wait.
package struct LaneCount: Sendable, Hashable {
  /// How many.
  package let jobs: Int
  /// How long the oldest of them has been in flight, or has waited; nil when that is unknown.
  package let oldest: Duration?

  package init(_ jobs: Int, oldest: Duration? = nil) { (self.jobs, self.oldest) = (jobs, oldest) }
}

extension LaneCount {
  /// `3 jobs in flight, oldest 12 s`.
  package func words(_ what: Prose) -> Prose {
    let seconds = oldest.map { ", oldest \(CountText.text($0.components.seconds)) s" as Prose } ?? ""
    return "\(CountText.text(jobs, "job")) \(what)\(seconds)"
  }
}

/// What a phase says about a lane, which is a job queue or an outgoing integration: no new work starts there while
/// the phase runs.
package struct LaneUse: Sendable, Hashable {
  /// How quiet the lane must be before the phase begins.
  package enum Need: String, Sendable, Hashable, CaseIterable {
    /// No job is in flight.
    case idle
    /// No job is in flight, and none waited when the lane was held.
    case empty
  }

  /// The name of the lane in the settings.
  package let lane: String
  /// How quiet it must be.
  package let need: Need
  /// How long to wait for that. After this time the lane is released, and the phase does not begin.
  package let limit: Duration
  /// Whether the lane stays held until the watch of the phase has its verdict.
  package let isThroughWatch: Bool

  /// - Parameters:
  ///   - lane: the name of the lane in the settings.
  ///   - need: how quiet it must be.
  ///   - limit: how long that may take; more than zero.
  ///   - isThroughWatch: whether it stays held until the watch of the phase has its verdict.
  package init(
    _ lane: String, _ need: Need = .idle, within limit: Duration, throughWatch isThroughWatch: Bool = false
  ) {
    (self.lane, self.need, self.limit, self.isThroughWatch) = (lane, need, limit, isThroughWatch)
  }
}

extension LaneUse {
  /// The arguments of `@lane` after the name.
  package var clauses: String {
    "\(need.rawValue) within \(DurationText.print(limit))\(isThroughWatch ? " through watch" : "")"
  }
}
