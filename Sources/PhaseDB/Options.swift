/// What a migrator is told about its surroundings.
public struct Options: Sendable {
  /// How long to wait for another connection or runner before giving up; 30 s unless set.
  public var wait: Duration
  /// The versions of applications that are running now, as far as they are known.
  public var live: [LiveVersion]
  /// Gates to pass although they are closed.
  public var overridden: Set<Gate>
  /// Why they are passed; written into the log.
  public var reason: String?
  /// Who runs phases.
  public var runner: Runner
  /// What time it is.
  public var now: @Sendable () -> Timestamp
  /// Asks a run to stop.
  public var cancellation: Cancellation

  public init(
    wait: Duration = .seconds(30), live: [LiveVersion] = [], overridden: Set<Gate> = [],
    reason: String? = nil,
    runner: Runner = .current, now: @escaping @Sendable () -> Timestamp = { .now },
    cancellation: Cancellation = Cancellation()
  ) {
    self.wait = wait
    self.live = live
    self.overridden = overridden
    self.reason = reason
    self.runner = runner
    self.now = now
    self.cancellation = cancellation
  }
}
