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
