internal import PhaseSQLite

/// How long a way down may take, in milliseconds.
package struct DownTime: Sendable, Hashable {
  /// Where the figures come from. A measurement on the database is preferred to one on a copy.
  package enum Basis: String, Sendable, Hashable {
    /// Measured when the same text came down before.
    case measured
    /// Measured on a copy, and scaled by the ratio of the ways up on the database and on the copy.
    case scaled
    /// Measured on a copy, where no application writes.
    case rehearsed
  }

  package let basis: Basis
  /// The time while no application writes.
  package let least: Double
  /// The time while one writes; the same if nothing has to wait.
  package let most: Double

  /// - Parameters:
  ///   - idle: the time on a copy; nil when there is none.
  ///   - measured: the time of the last way down of this text; nil when there was none.
  ///   - up: the times of the way up on the database and on a copy.
  init?(
    of phase: Phase, idle: Double?, measured: Double?, up: (taken: Double, rehearsed: Double?),
    _ pacing: Options.Pacing
  ) {
    if let measured {
      self.init(basis: .measured, least: min(measured, idle ?? measured), most: measured)
      return
    }
    guard let idle else { return nil }
    let paced = phase.batching == nil ? idle : pacing.busy(idle: idle)
    if let rehearsed = up.rehearsed, rehearsed > 0, up.taken > rehearsed {
      let scaled = idle * up.taken / rehearsed
      if scaled > paced {
        self.init(basis: .scaled, least: idle, most: scaled)
        return
      }
    }
    self.init(basis: .rehearsed, least: idle, most: paced)
  }

  private init(basis: Basis, least: Double, most: Double) {
    (self.basis, self.least, self.most) = (basis, least, most)
  }
}

extension Options.Pacing {
  /// How long batches take while an application writes, in milliseconds: after each batch the run rests as long as it
  /// held the lock.
  ///
  /// - Parameter idle: how long they take alone.
  func busy(idle: Double) -> Double {
    let hold = max(0.5, self.hold.milliseconds)
    // Batches are meant to take three quarters of the hold (``BatchSizing``).
    let batches = max(1, (idle / (0.75 * hold)).rounded(.up))
    return idle + batches * max(pause?.milliseconds ?? 2, hold)
  }
}
