internal import Dispatch
internal import Synchronization

/// The events of a run, for a loop. The run has a thread of its own. It works only while the loop waits for the next
/// event, so that the two never use the migrator at the same time.
struct RunEvents: AsyncSequence {
  typealias Element = Event
  typealias Failure = MigrationError

  let migrator: Migrator
  let selection: Selection

  func makeAsyncIterator() -> Iterator { Iterator(migrator, selection) }

  /// One run. It starts when the loop asks for the first event. Leaving the loop stops it, and waits until it has
  /// stopped.
  final class Iterator: AsyncIteratorProtocol {
    private let migrator: Migrator
    private let selection: Selection
    private let own: Cancellation
    private let cancellation: Cancellation
    private let handover = Handover()
    private var isOver = false
    private var hasBegun = false

    init(_ migrator: Migrator, _ selection: Selection) {
      (self.migrator, self.selection, own) = (migrator, selection, migrator.options.cancellation)
      cancellation = Cancellation(following: own)
    }

    func next(isolation actor: isolated (any Actor)?) async throws(MigrationError) -> Event? {
      guard !isOver else { return nil }
      let (handover, cancellation) = (handover, cancellation)
      let next = await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          handover.waits(continuation)
          if hasBegun { handover.run.signal() } else { begin() }
        }
      } onCancel: {
        cancellation.cancel()
      }
      switch next {
      case .event(let event): return event
      case .end(let failure):
        end()
        if let failure { throw failure }
        return nil
      }
    }

    private func begin() {
      hasBegun = true
      migrator.options.cancellation = cancellation
      nonisolated(unsafe) let migrator = migrator
      let (handover, selection) = (handover, selection)
      DispatchQueue(label: "phasedb").async {
        var failure: MigrationError?
        do throws(MigrationError) {
          let migrator = unsafe migrator
          try migrator.run(try migrator.plan(selection)) { handover.tell(.event($0)) }
        } catch {
          failure = error
        }
        handover.tell(.end(failure))
      }
    }

    private func end() {
      isOver = true
      migrator.options.cancellation = own
    }

    deinit {
      guard hasBegun, !isOver else { return }
      cancellation.cancel()
      handover.leave()
      end()
    }
  }

  private enum Next: Sendable {
    case event(Event)
    /// The run is over; nil when it did not fail.
    case end(MigrationError?)
  }

  /// Passes control between the loop and the run.
  private final class Handover: Sendable {
    /// Lets the run go on after an event.
    let run = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let state = Mutex<State>(State())

    private struct State {
      var loop: CheckedContinuation<Next, Never>?
      var isLeft = false
    }

    func waits(_ loop: CheckedContinuation<Next, Never>) { state.withLock { $0.loop = loop } }

    func tell(_ next: Next) {
      let (loop, isLeft) = state.withLock { state in
        defer { state.loop = nil }
        return (state.loop, state.isLeft)
      }
      loop?.resume(returning: next)
      switch next {
      case .event: if !isLeft { run.wait() }
      case .end: ended.signal()
      }
    }

    /// The loop was left: lets the run stop, and waits for it.
    func leave() {
      state.withLock { $0.isLeft = true }
      run.signal()
      ended.wait()
    }
  }
}
