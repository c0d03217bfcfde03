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
