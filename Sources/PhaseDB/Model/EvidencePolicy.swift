/// Which phases have to be rehearsed before they may go up.
public enum EvidencePolicy: String, Sendable, Hashable, CaseIterable {
  /// Those that remove and tighten.
  case contract
  /// All of them.
  case every
  /// None of them.
  case none

  func asks(for kind: PhaseKind) -> Bool {
    switch self {
    case .contract: kind == .contract
    case .every: true
    case .none: false
    }
  }
}
