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
