import Synchronization

/// A request to stop, which may come from any thread or from a signal handler.
public final class Cancellation: Sendable {
  private let requested = Atomic(false)
  /// The moment at which it is requested automatically; nil when there is none.
  private let deadline: ContinuousClock.Instant?

  /// Another cancellation that also requests this one; nil when there is none.
  private let followed: Cancellation?

  /// One that is not requested yet.
  public init() { (deadline, followed) = (nil, nil) }

  /// One that is requested automatically after some time.
  init(after time: Duration) { (deadline, followed) = (.now + time, nil) }

  /// One that is also requested when another one is.
  init(following other: Cancellation) { (deadline, followed) = (nil, other) }

  /// Requests a stop: the running transaction is rolled back, earlier ones stay committed.
  public func cancel() { requested.store(true, ordering: .relaxed) }

  /// Whether the run is asked to stop.
  public var isRequested: Bool {
    requested.load(ordering: .relaxed) || deadline.map { ContinuousClock.now > $0 } ?? false
      || followed?.isRequested ?? false
  }
}
