#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Decides which gates are closed for a phase, from what is known at one moment.
package struct GateJudgement: Sendable {
  private(set) var live: LiveKnowledge
  /// Whether the database had no user table when the run began, so that no application depends on it yet.
  let isFresh: Bool
  let now: Date
  /// Gates an operator decided to pass.
  private(set) var overridden: Set<Gate>
  let evidence: EvidenceKnowledge
  /// The watches of the ledger, oldest first.
  var watches: [WatchRecord] = []
  /// The switches of the ledger.
  var switches: [SwitchRecord] = []
  /// The phases that the baseline of the folder replaces.
  var squashed: [PhaseID] = []

  /// Opens every gate: on a copy no version is live and no writer waits.
  static let ofCopy = GateJudgement(
    live: LiveKnowledge(toldBy: [], isComplete: true), isFresh: false, now: .distantPast, overridden: [],
    evidence: EvidenceKnowledge())

  /// Opens every gate, as on a new database, for copies where the question is not whether a phase may run.
  package static func ofNewCopy(at now: Timestamp) -> GateJudgement {
    GateJudgement(
      live: LiveKnowledge(toldBy: []), isFresh: true, now: now.date ?? .distantPast, overridden: [],
      evidence: EvidenceKnowledge())
  }

  /// The gates that keep a phase from going up.
  ///
  /// - Parameters:
  ///   - appliedAt: when earlier phases were applied. A phase planned before it in the same run counts as applied
  ///     now.
  ///   - schema: the schema on which it would run; nil when unknown.
  ///   - watched: the phases planned before it in the same run whose watch begins with them.
  ///   - isWaiting: whether a phase that comes first is held.
  func closedForUp(
    _ id: PhaseID, _ phase: Phase, appliedAt: [PhaseID: Timestamp], schema: SchemaDigest?,
    watched: [PhaseID] = [], isWaiting: Bool
  ) -> [Gate.Closed] {
    var closed: [Gate.Closed] = []
    closed += windowForUp(phase)
    if !isFresh, let gate = soak(id, phase, appliedAt) { closed.append(gate) }
    closed += needs(phase, appliedAt)
    if !isFresh {
      closed += openWatches(id, appliedAt, watched)
      if let gate = reversal(id, phase) { closed.append(gate) }
      closed += closedSwitches(phase, among: switches)
    }
    closed.removeAll { overridden.contains($0.gate) }
    if !isFresh, !overridden.contains(.evidence),
      let gate = evidence.closedGate(id, phase, on: schema, isWaiting: isWaiting || !closed.isEmpty)
    {
      closed.append(gate)
    }
    return closed
  }

  /// The gates that keep a phase from coming down.
  func closedForDown(_ id: PhaseID, _ windows: Windows) -> [Gate.Closed] {
    guard !overridden.contains(.window) else { return [] }
    return windows.flatMap { window in
      if window.range.isOffline {
        let gates = notStopped(window, .down)
        if !gates.isEmpty { return gates }
      }
      return live.versions(of: window.application).filter { window.range.isExceeded(by: $0.version) }.map {
        Gate.Closed(
          gate: .window,
          reason: "\(live.sentence($0)) and needs \(id.short), whose window is \(window.range)",
          brief: "\(live.brief($0)), which needs \(id.short)",
          opening: window.range.isOffline
            ? "start \(window.application) \(window.range.withoutLower) instead"
            : "deploy a version inside the window first, or name the live versions with --live")
      }
    }
  }

  /// The applications of a window of which no live version is known.
  func unknownApplications(in windows: Windows) -> [String] {
    windows.map(\.application).filter { live.versions(of: $0).isEmpty && !live.isKnownAbsent($0) }
  }

  /// The same judgement with the check-ins of a later moment.
  ///
  /// - Parameter ended: the applications that checked in before.
  func now(knowing checkIns: [CheckIn], ended: Set<String>) -> GateJudgement {
    var judgement = self
    judgement.live = LiveKnowledge(checkIns, ended: ended, beside: live.starting)
    return judgement
  }

  /// The same judgement with gates that are overridden.
  func overriding(_ gates: Set<Gate>) -> GateJudgement {
    var judgement = self
    judgement.overridden.formUnion(gates)
    return judgement
  }

  /// Judges only the window gate, which a check-in may have closed since the plan was made.
  func closedWindow(_ id: PhaseID, _ phase: Phase, _ direction: Direction) -> [Gate.Closed] {
    guard !overridden.contains(.window) else { return [] }
    if direction == .down { return closedForDown(id, phase.windows) }
    return windowForUp(phase)
  }

  /// Judges only the evidence gate, on the schema on which the step really runs.
  func closedEvidence(_ id: PhaseID, _ phase: Phase, on schema: SchemaDigest) -> [Gate.Closed] {
    guard !isFresh, !overridden.contains(.evidence) else { return [] }
    return evidence.closedGate(id, phase, on: schema).map { [$0] } ?? []
  }

  /// On a new database, only the version that starts now depends on it.
  private func windowForUp(_ phase: Phase) -> [Gate.Closed] {
    phase.windows.flatMap { window in
      if window.range.isOffline, !isFresh {
        let gates = notStopped(window, .up)
        if !gates.isEmpty { return gates }
      }
      let known = live.versions(of: window.application).filter { !isFresh || $0 == live.starting }
      let unreadable = live.unreadable(of: window.application)
      if phase.kind == .contract, !isFresh, let checkIn = unreadable.first {
        return [
          Gate.Closed(
            gate: .window,
            reason:
              "\(checkIn.instance) checked in as \(window.application) '\(checkIn.versionText)', which is not a version",
            opening: "make it check in with its version, or name the live versions with --live")
        ]
      }
      // For a phase with an `offline` window this was checked above.
      let isKnown = window.range.isOffline || live.isToldAbsent(window.application)
      if known.isEmpty, phase.kind == .contract, !isFresh, !isKnown {
        return [
          Gate.Closed(
            gate: .window,
            reason: "no live version of \(window.application) is known, and a contract needs to know it",
            brief: "needs to know which \(window.application) is live",
            opening: "make it check in, or name the live version: --live \(window.application)@VERSION")
        ]
      }
      return known.filter { window.range.isUndercut(by: $0.version) }.map {
        Gate.Closed(
          gate: .window, reason: "\(live.sentence($0)) and older than the window \(window.range)",
          brief: "needs \(window.application) \(window.range.withoutUpper); \(live.brief($0))",
          opening:
            "deploy \(window.application) \(window.range.isOffline ? window.range.withoutUpper : window.range) everywhere"
        )
      }
    }
  }

  /// The gates against a phase for which an application must be stopped: a version of it runs, or it is unknown
  /// whether one does.
  private func notStopped(_ window: Window, _ direction: Direction) -> [Gate.Closed] {
    let application = window.application
    let way = direction == .up ? "goes up" : "comes down"
    let stop: Prose =
      "stop every instance of \(application), and wait until its check-ins are forgotten or say so: --live none"
    let unreadable = live.unreadable(of: application)
    if !unreadable.isEmpty {
      return unreadable.map {
        Gate.Closed(
          gate: .window,
          reason:
            "\($0.instance) checked in as \(application) '\($0.versionText)', and the phase \(way) only while \(application) is stopped",
          opening: stop)
      }
    }
    let running = live.running(of: application)
    guard running.isEmpty else {
      return running.map {
        Gate.Closed(
          gate: .window,
          reason: "\(live.sentence($0)), and the phase \(way) only while \(application) is stopped",
          brief: "stop \(application) first; \(live.brief($0))", opening: stop)
      }
    }
    guard !live.isKnownAbsent(application) else { return [] }
    return [
      Gate.Closed(
        gate: .window,
        reason:
          "the phase \(way) only while \(application) is stopped, and nothing says that it is",
        brief: "needs to know that \(application) is stopped",
        opening: "stop every instance of \(application), then say so: --live none")
    ]
  }

  private func soak(_ id: PhaseID, _ phase: Phase, _ appliedAt: [PhaseID: Timestamp]) -> Gate.Closed? {
    guard let soak = phase.soak else { return nil }
    let earlier = Phase.Kind.allCases.filter { $0 < id.kind }.map { PhaseID(id.migration, $0) }
    guard let since = earlier.compactMap({ appliedAt[$0] }).max()?.date else { return nil }
    let opens = since.addingTimeInterval(soak.milliseconds / 1_000)
    guard opens > now else { return nil }
    return Gate.Closed(
      gate: .soak, reason: "the phase before it must have been in place for \(DurationText.print(soak))",
      brief: "waits until \(Timestamp(opens).minute)",
      opening: "wait until \(Timestamp(opens))")
  }

  /// A contract removes what the way back of the earlier phases needs, so their watches have to end first.
  private func openWatches(
    _ id: PhaseID, _ appliedAt: [PhaseID: Timestamp], _ watched: [PhaseID]
  ) -> [Gate.Closed] {
    guard id.kind == .contract else { return [] }
    let begun = watched.filter { $0.migration == id.migration }.map { phase in
      Gate.Closed(
        gate: .watch, reason: "the watch of \(phase.short) begins when it goes up",
        brief: "waits for the watch of \(phase.short)",
        opening: "apply \(phase.short) first, and watch it: phasedb up --watch")
    }
    let last = Dictionary(watches.map { ($0.phase, $0) }, uniquingKeysWith: { _, later in later })
    let open = last.values.filter {
      $0.phase.migration == id.migration && appliedAt[$0.phase] == $0.since && !$0.lets
    }
    return begun
      + open.sorted { $0.id < $1.id }.map { watch in
        let detail = watch.detail.isEmpty ? "" : ": \(watch.detail)"
        return Gate.Closed(
          gate: .watch, reason: "the watch of \(watch.phase.short) is \(watch.verdict.rawValue)\(detail)",
          brief: "the watch of \(watch.phase.short) is \(watch.verdict.rawValue)",
          opening: watch.isOpen
            ? "go on watching: phasedb watch"
            : "find out why, and take it on yourself: phasedb watch waive \(watch.phase.short) --reason \"...\""
        )
      }
  }

  private func reversal(_ id: PhaseID, _ phase: Phase) -> Gate.Closed? {
    let reversed = watches.last { $0.phase == id && $0.reversal != nil }
    guard let reversed, reversed.text.tokenHash == phase.tokenHash else { return nil }
    return Gate.Closed(
      gate: .reversed,
      reason:
        "this text came down by itself, because the probe '\(reversed.failed)' failed after it went up on \(reversed.since)",
      brief: "came down by itself: '\(reversed.failed)' failed",
      opening: "correct the phase")
  }

  /// The gates of a phase that waits for switches. Each must have been on for everybody for long enough.
  ///
  /// - Parameter switches: the present switches.
  func closedSwitches(_ phase: Phase, among switches: [SwitchRecord]) -> [Gate.Closed] {
    guard !isFresh, !overridden.contains(.switch) else { return [] }
    return phase.switchesRequired.compactMap { required in
      let name = required.name
      let word = ShellWord(name)
      guard let present = switches.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
        return Gate.Closed(
          gate: .switch, reason: "it waits for the switch '\(name)', which no applied phase makes",
          brief: "waits for the switch '\(name)', which is not made",
          opening: "apply the expand that makes it first")
      }
      let time = DurationText.print(required.fullFor ?? .zero)
      guard let since = present.fullSince?.date else {
        let isAll = present.exposure == .full
        return Gate.Closed(
          gate: .switch,
          reason:
            "the switch '\(name)' must have been on for everybody for \(time), and is at \(present.standing)",
          brief: "the switch '\(name)' is at \(present.standing)",
          opening: isAll
            ? "see who is pinned off: phasedb switch list \(word)"
            : "raise it: phasedb switch set \(word) 100% --reason \"...\"")
      }
      let opens = since.addingTimeInterval((required.fullFor ?? .zero).milliseconds / 1_000)
      guard opens > now else { return nil }
      return Gate.Closed(
        gate: .switch,
        reason:
          "the switch '\(name)' must have been on for everybody for \(time), and is since \(Timestamp(since))",
        brief: "waits until \(Timestamp(opens).minute)", opening: "wait until \(Timestamp(opens))")
    }
  }

  private func needs(_ phase: Phase, _ appliedAt: [PhaseID: Timestamp]) -> [Gate.Closed] {
    phase.needs.compactMap { need in
      let isMet = (Array(appliedAt.keys) + squashed).contains { $0.isNamed(by: need) }
      return isMet
        ? nil
        : Gate.Closed(
          gate: .needs, reason: "it needs \(need), which is not applied",
          brief: "waits for \((try? PhaseID(need))?.short ?? need)",
          opening: "apply \(need) first")
    }
  }
}
