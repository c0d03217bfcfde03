import Synchronization

/// A request to stop, which may come from any thread or from a signal handler.
public final class Cancellation: Sendable {
  private let requested = Atomic(false)
  /// When it asks by itself; nil when it does not.
  private let deadline: ContinuousClock.Instant?

  /// What asks for it, too; nil when nothing else does.
  private let followed: Cancellation?

  /// One that is not requested yet.
  public init() { (deadline, followed) = (nil, nil) }

  /// One that asks by itself after some time.
  init(after time: Duration) { (deadline, followed) = (.now + time, nil) }

  /// One that also asks when another one does.
  init(following other: Cancellation) { (deadline, followed) = (nil, other) }

  /// Requests a stop: the running transaction is rolled back, earlier ones stay committed.
  public func cancel() { requested.store(true, ordering: .relaxed) }

  /// Whether the run is asked to stop.
  public var isRequested: Bool {
    requested.load(ordering: .relaxed) || deadline.map { ContinuousClock.now > $0 } ?? false
      || followed?.isRequested ?? false
  }
}
