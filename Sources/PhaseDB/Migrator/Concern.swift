/// A reason for which a check of a database's status fails.
package struct Concern: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    /// A phase that is not applied.
    case pending
    /// A batched phase that is half done.
    case halfDone = "half-done"
    /// The schema is not what the ledger says.
    case drift
    /// The text of an applied phase was edited.
    case edited
    /// The last rehearsal of a pending phase did not prove that it comes back.
    case rehearsal
    /// A file that cannot be read, and may hold a pending phase.
    case unread
    /// The watch of an applied phase failed, or saw too little.
    case watch
    /// A lane is held by a run that has ended, or by hand for longer than was asked.
    case lane
    /// A version is live that may not run on this schema.
    case liveVersion = "live-version"
  }

  package let kind: Kind
  /// The phase that it is about; nil when it is about the database.
  package let phase: PhaseID?
  /// What is wrong, in one sentence without a full stop.
  package let message: Prose
  /// Differences and causes, one line each.
  package let details: [Prose]
  /// Remedies, most useful first.
  package let remedies: [Prose]

  init(
    _ kind: Kind, of phase: PhaseID? = nil, _ message: Prose, details: [Prose] = [], remedies: [Prose]
  ) {
    self.kind = kind
    self.phase = phase
    self.message = message
    self.details = details
    self.remedies = remedies
  }
}

extension Status {
  /// Why the database is not in order; empty when it is.
  package var concerns: [Concern] {
    let versions = misfits.map {
      Concern(.liveVersion, $0.message, details: $0.causes, remedies: $0.remedies)
    }
    let files = unread.map {
      Concern(.unread, $0.message, details: $0.details, remedies: ["see what is wrong: phasedb lint"])
    }
    return gates.map(concern) + versions + halfDone + watching + abandoned + rehearsals + waiting + files
  }

  private func concern(_ gate: Gate.Closed) -> Concern {
    Concern(
      gate.gate == .drift ? .drift : .edited, of: gate.phase, gate.reason,
      details: gate.gate == .drift ? drift : [], remedies: [gate.opening])
  }

  private var halfDone: [Concern] {
    guard let underWay else { return [] }
    let (on, back) = underWay.direction == .up ? ("up", "down") : ("down", "up")
    return [
      Concern(
        .halfDone, of: underWay.id, "\(underWay.id) is half done on its way \(underWay.direction.rawValue)",
        remedies: underWay.isRunning
          ? ["wait until its runner is done"]
          : ["continue with: phasedb \(on)", "or undo it with: phasedb \(back)"])
    ]
  }

  private var watching: [Concern] {
    watches.filter { !$0.lets && $0.verdict != .watching }.map { watch in
      let detail: Prose = watch.detail.isEmpty ? "" : ": \(watch.detail)"
      return Concern(
        .watch, of: watch.phase, "the watch of \(watch.phase) is \(watch.verdict.rawValue)\(detail)",
        remedies: watch.isOpen
          ? ["go on watching: phasedb watch"]
          : [
            watch.verdict == .contained
              ? "find out why, then raise the switch again or reverse the phase: phasedb down"
              : "reverse the phase: phasedb down",
            "or take it on yourself: phasedb watch waive \(watch.phase.short) --reason \"...\"",
          ])
    }
  }

  private var abandoned: [Concern] {
    lanes.filter { $0.isAbandoned && $0.state != .open }.map { lane in
      Concern(
        .lane,
        lane.isOver
          ? "lane \(lane.name) is held by hand, and the time for that is over"
          : "lane \(lane.name) is held by a run that is gone",
        remedies: ["let it go: phasedb lane release \(ShellWord(lane.name)) --reason \"...\""])
    }
  }

  /// A known loss is reported before the phase goes up, whatever the settings ask for.
  private var rehearsals: [Concern] {
    pending.compactMap { phase in
      guard let evidence = phase.evidence, let (reason, opening) = evidence.objection(to: phase.id) else {
        return nil
      }
      return Concern(.rehearsal, of: phase.id, "\(phase.id): \(reason)", remedies: [opening])
    }
  }

  private var waiting: [Concern] {
    pending.filter { $0.id != underWay?.id }.map { phase in
      guard let gate = phase.gates.first else {
        return Concern(
          .pending, of: phase.id, "\(phase.id) is pending", remedies: ["see the plan: phasedb plan"])
      }
      return Concern(
        .pending, of: phase.id, "\(phase.id) is held by \(gate.gate.rawValue): \(gate.reason)",
        remedies: [gate.opening])
    }
  }
}
