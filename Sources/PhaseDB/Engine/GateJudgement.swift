#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Decides which gates are closed for a phase, from what is known at one moment.
struct GateJudgement {
  /// What is known to be live; empty when nothing is.
  let live: [LiveVersion]
  /// True for a database without a user table when the run began: nobody depends on it yet.
  let isFresh: Bool
  let now: Date
  /// Gates an operator decided to pass.
  let overridden: Set<Gate>

  /// The gates that keep a phase from going up.
  ///
  /// - Parameters:
  ///   - appliedAt: when the phases below it were applied; a phase planned before it in the same run counts as now.
  func closedForUp(_ id: PhaseID, _ phase: Phase, appliedAt: [PhaseID: Date]) -> [ClosedGate] {
    var closed: [ClosedGate] = []
    if !isFresh {
      closed += windowForUp(phase)
      if let gate = soak(id, phase, appliedAt) { closed.append(gate) }
    }
    closed += needs(phase, appliedAt)
    return closed.filter { !overridden.contains($0.gate) }
  }

  /// The gates that keep a phase from coming down.
  func closedForDown(_ id: PhaseID, _ windows: Windows) -> [ClosedGate] {
    guard !overridden.contains(.window) else { return [] }
    return windows.flatMap { window in
      live.filter { $0.application == window.application && window.range.isExceeded(by: $0.version) }.map {
        ClosedGate(
          gate: .window, reason: "\($0) is live and needs \(id.short), whose window is \(window.range)",
          opening: "put a version inside the window back first, or give the live versions with --live")
      }
    }
  }

  /// The applications of a window of which no live version is known.
  func unknownApplications(in windows: Windows) -> [String] {
    windows.map(\.application).filter { application in !live.contains { $0.application == application } }
  }

  private func windowForUp(_ phase: Phase) -> [ClosedGate] {
    phase.windows.flatMap { window in
      let known = live.filter { $0.application == window.application }
      if known.isEmpty && phase.kind == .contract {
        return [
          ClosedGate(
            gate: .window,
            reason: "nothing is known about live versions of \(window.application), and a contract must know",
            opening: "name what is live, as in --live \(window.application)@VERSION")
        ]
      }
      return known.filter { window.range.isUndercut(by: $0.version) }.map {
        ClosedGate(
          gate: .window, reason: "\($0) is live and older than the window \(window.range)",
          opening: "deploy \(window.application) \(window.range) everywhere first")
      }
    }
  }

  private func soak(_ id: PhaseID, _ phase: Phase, _ appliedAt: [PhaseID: Date]) -> ClosedGate? {
    guard let soak = phase.soak else { return nil }
    let earlier = PhaseKind.allCases.filter { $0 < id.kind }.map { PhaseID(id.migration, $0) }
    guard let since = earlier.compactMap({ appliedAt[$0] }).max() else { return nil }
    let opens = since.addingTimeInterval(Double(soak.components.seconds))
    guard opens > now else { return nil }
    return ClosedGate(
      gate: .soak, reason: "the phase before it must have been in place for \(DurationText.print(soak))",
      opening: "wait until \(Timestamp(opens))")
  }

  private func needs(_ phase: Phase, _ appliedAt: [PhaseID: Date]) -> [ClosedGate] {
    phase.needs.compactMap { need in
      let isMet = appliedAt.keys.contains { $0.isNamed(by: need) }
      return isMet
        ? nil
        : ClosedGate(
          gate: .needs, reason: "it needs \(need), which is not applied", opening: "apply \(need) first")
    }
  }
}
