internal import Dispatch
internal import PhaseSQLite
internal import Synchronization

/// Renews the triggers of lanes during a run, on a thread and connections of its own: a phase in one file may take
/// long while the queue is in another file.
final class LaneKeeper: Sendable {
  /// The files of the queues, by the names of the triggers.
  private let files = Mutex<[String: String]>([:])
  private let queue = DispatchQueue(label: "phasedb lanes")

  init() { renewLater() }

  private func renewLater() {
    queue.asyncAfter(deadline: .now() + LaneAccess.horizon.milliseconds / 4_000) { [weak self] in
      self?.renew()
      self?.renewLater()
    }
  }

  func keep(_ trigger: String, in file: String) { files.withLock { $0[trigger] = file } }
  func forget(_ trigger: String) { files.withLock { $0[trigger] = nil } }

  /// If a renewal fails now, it is tried again long before the trigger ends.
  private func renew() {
    for (trigger, file) in files.withLock({ $0 }) where !file.isEmpty {
      guard let connection = try? Connection(path: file, mode: .readWrite) else { continue }
      connection.setBusyTimeout(milliseconds: 2_000)
      guard let transaction = try? connection.begin(.immediate) else { continue }
      // A lane that was released meanwhile must not get a trigger again.
      guard files.withLock({ $0[trigger] != nil }),
        (try? LaneTriggers(on: connection).renew(
          trigger, until: LaneAccess.moment(after: LaneAccess.horizon), now: LaneAccess.now)) == true
      else { continue }
      try? transaction.commit()
    }
  }
}
