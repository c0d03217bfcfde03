/// What a phase may do to a schema, and its place within a migration: expand, then migrate, then contract.
public enum PhaseKind: String, Sendable, Hashable, CaseIterable, Comparable {
  /// Only adds; old and new application versions work on the result.
  case expand
  /// Only changes rows.
  case migrate
  /// Removes or tightens what no live version needs any more.
  case contract

  public static func < (left: PhaseKind, right: PhaseKind) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .expand: 0
    case .migrate: 1
    case .contract: 2
    }
  }
}
