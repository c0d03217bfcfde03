/// The word of the settings for the phases that have to be rehearsed before they may go up.
package enum EvidencePolicy: String, Sendable, Hashable, CaseIterable {
  /// Those that remove and tighten.
  case contract
  /// All of them.
  case every
  /// None of them.
  case none

  /// The kinds of these phases.
  package var kinds: Set<Phase.Kind> {
    switch self {
    case .contract: [.contract]
    case .every: Set(Phase.Kind.allCases)
    case .none: []
    }
  }
}
