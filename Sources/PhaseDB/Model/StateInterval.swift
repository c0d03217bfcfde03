/// The versions of one application that may run on the schema at one point between phases.
///
/// A version below the lower bound of a phase's window runs only before the phase, and a version at or above the upper
/// bound only after it. So a state admits the versions from the largest lower bound of the applied phases up to the
/// smallest upper bound of the pending ones. If the two contradict each other, no version may be live; the interval is
/// empty and still holds both bounds.
public struct StateInterval: Sendable, Hashable {
  /// The largest lower bound of the applied phases.
  package let lower: VersionRange.Bound?
  /// The smallest upper bound of the pending phases.
  package let upper: VersionRange.Bound?

  init(lower: VersionRange.Bound?, upper: VersionRange.Bound?) {
    self.lower = lower
    self.upper = upper
  }

  /// The versions that may be live, nil when there are none.
  public var range: VersionRange? { VersionRange(from: lower?.plain, to: upper?.plain) }

  /// Whether no version may be live.
  public var isEmpty: Bool { range == nil }

  /// Whether the application is stopped at this point on purpose: it lies between two phases with the same `offline`
  /// version, and the application starts again after the second.
  public var isOffline: Bool {
    guard let lower, let upper else { return false }
    return lower.isOffline && upper.isOffline && lower.version == upper.version
  }

  /// Whether the windows contradict each other: no version may be live, and the application is not stopped on
  /// purpose.
  package var isContradiction: Bool { isEmpty && !isOffline }

  /// Whether any version may be live.
  package var isUnbounded: Bool { lower == nil && upper == nil }

  /// Whether a version may be live.
  public func contains(_ version: Version) -> Bool { range?.contains(version) ?? false }
}

extension StateInterval: CustomStringConvertible {
  public var description: String {
    if let range { return range.description }
    if isOffline, let lower { return "no version (offline \(lower.version))" }
    let parts = [
      lower.map { "\($0.isInclusive ? ">=" : ">")\($0.version)" },
      upper.map { "\($0.isInclusive ? "<=" : "<")\($0.version)" },
    ]
    return "no version (\(parts.compactMap(\.self).joined(separator: " ")))"
  }
}
