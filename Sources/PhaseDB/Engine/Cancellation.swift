import Synchronization

/// A request to stop, which may come from any thread or from a signal handler.
public final class Cancellation: Sendable {
  private let requested = Atomic(false)

  public init() {}

  /// Asks for a stop: the transaction that runs is rolled back, those before it stand.
  public func cancel() { requested.store(true, ordering: .relaxed) }

  public var isRequested: Bool { requested.load(ordering: .relaxed) }
}
