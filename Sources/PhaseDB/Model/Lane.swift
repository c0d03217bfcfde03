/// A lane of this environment: how it is held, and how to see whether it is quiet.
public struct Lane: Sendable {
  /// What a command of the environment answers when it is asked for a number.
  public enum Reply: Sendable, Hashable {
    /// So many jobs.
    case count(LaneCount)
    /// It cannot be told: why, as the end of a sentence.
    case unknown(String)
  }

  /// How many jobs there are.
  public enum Look: Sendable {
    /// A SELECT on the database of the lane: how many, and in a second column the age of the oldest in seconds.
    case query(String)
    /// Something else tells. What it is given says whether the command was asked to stop.
    case answer(@Sendable (_ isCancelled: @Sendable () -> Bool) -> Reply)
  }

  /// Does something to the lane, and returns what went wrong, as the end of a sentence; nil when nothing did.
  public typealias Act = @Sendable (_ isCancelled: @Sendable () -> Bool) -> String?

  /// How new work is kept from beginning.
  package enum Hold: Sendable {
    /// A trigger on the table of the queue ignores what claims a job.
    case trigger(LaneClaim)
    /// The application is told.
    case acts(hold: Act, release: Act)
  }

  package let hold: Hold
  /// Whether a trigger holds it.
  var isTrigger: Bool { if case .trigger = hold { true } else { false } }
  /// What is in flight; nil where only time tells.
  package let busy: Look?
  /// What waits; nil where nothing tells.
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
  ///   - busy: what is in flight; nil to wait for `pause` instead.
  ///   - waiting: what waits, for `@lane … empty`.
  ///   - pause: how long to wait once the lane is held.
  ///   - file: the SQLite file of the queue; nil for the database that is migrated.
  /// - Throws: `bad-settings` when the claim cannot be read.
  public init(
    claim: String, busy: Look?, waiting: Look? = nil, pause: Duration = .zero, file: String? = nil
  ) throws(MigrationError) {
    self.init(
      hold: .trigger(try LaneClaim(claim)), busy: busy, waiting: waiting, pause: pause, file: file)
  }

  /// A lane that the application holds itself.
  ///
  /// - Parameters:
  ///   - hold: keeps new work from beginning; called again when an earlier run was ended half way.
  ///   - release: lets it begin again; called again likewise.
  public init(
    hold: @escaping Act, release: @escaping Act, busy: Look?, waiting: Look? = nil,
    pause: Duration = .zero, file: String? = nil
  ) {
    self.init(
      hold: .acts(hold: hold, release: release), busy: busy, waiting: waiting, pause: pause, file: file)
  }

  /// A lane of a known queue.
  ///
  /// - Parameters:
  ///   - kind: the name of the library, as in the settings: `oban-lite`.
  ///   - queue: the queue of it; nil for all, or for the one that the library has unless told otherwise.
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

  /// The same with other ways to see what is in flight and what waits.
  package func looking(busy: Look?, waiting: Look?) -> Lane {
    Lane(hold: hold, busy: busy, waiting: waiting, pause: pause, file: file)
  }
}

/// How many jobs of a lane are in flight, or wait.
public struct LaneCount: Sendable, Hashable {
  /// How many.
  public let jobs: Int
  /// How long the oldest of them has been so; nil when nothing tells.
  public let oldest: Duration?

  /// - Parameters:
  ///   - jobs: how many.
  ///   - oldest: how long the oldest of them has been so.
  public init(_ jobs: Int, oldest: Duration? = nil) { (self.jobs, self.oldest) = (jobs, oldest) }
}

extension LaneCount {
  /// `3 jobs in flight, oldest 12 s`.
  package func words(_ what: Prose) -> Prose {
    let seconds = oldest.map { ", oldest \(CountText.text($0.components.seconds)) s" as Prose } ?? ""
    return "\(CountText.text(jobs, "job")) \(what)\(seconds)"
  }
}

/// What a phase needs of a lane, a job queue or an outgoing integration: nothing new is begun there while the phase runs.
package struct LaneUse: Sendable, Hashable {
  /// How quiet the lane must be before the phase begins.
  package enum Need: String, Sendable, Hashable, CaseIterable {
    /// What was begun has ended.
    case idle
    /// And nothing waited at the moment when the lane was held.
    case empty
  }

  /// The name of the lane in the settings.
  package let lane: String
  /// How quiet it must be.
  package let need: Need
  /// How long that may take. The lane is released, and the phase does not begin, once it took longer.
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
  /// What stands behind the name in the arguments of `@lane`.
  package var clauses: String {
    "\(need.rawValue) within \(DurationText.print(limit))\(isThroughWatch ? " through watch" : "")"
  }
}
