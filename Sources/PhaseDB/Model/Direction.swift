/// Which way a phase is run.
public enum Direction: String, Sendable, Hashable, CaseIterable {
  /// Apply.
  case up
  /// Reverse.
  case down
}
