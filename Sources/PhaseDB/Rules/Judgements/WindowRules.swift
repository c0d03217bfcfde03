/// Checks that the windows of a folder let some version run at every point of the way up.
enum WindowRules {
  static func findings(_ catalog: Catalog) -> [Finding] {
    catalog.migrations.flatMap(falling) + WindowWalk(catalog).findings
  }

  /// Within a migration the lower bound must not fall: the earlier change that excluded a version is still there.
  private static func falling(_ migration: Migration) -> [Finding] {
    zip(migration.phases, migration.phases.dropFirst()).flatMap { earlier, later in
      later.windows.compactMap { window -> Finding? in
        guard let before = earlier.windows[window.application]?.lower else { return nil }
        let falls = window.range.lower.map { before.isTighterLower(than: $0) } ?? true
        guard falls else { return nil }
        let id = PhaseID(migration.name, later.kind)
        return Finding(
          .windowInvalid, in: id,
          "the lower bound of \(window.application) falls from \(before.version) to \(window.range.lower.map { "\($0.version)" } ?? "none") along the migration",
          at: window.place ?? later.up.beginningOfFile,
          details: contradiction(
            (PhaseID(migration.name, earlier.kind), earlier), (id, later), application: window.application),
          remedies: [remedy(window, from: before)]
        )
      }
    }
  }

  /// The window line with a higher lower bound, and without its upper bound if the new lower bound reaches it.
  static func remedy(_ window: Window, from lower: VersionRange.Bound) -> Prose {
    let upper = window.range.upper.flatMap { $0.version > lower.version ? " <\($0.version)" : nil } ?? ""
    return "-- @window \(window.application) >=\(lower.version)\(upper)"
  }

  /// The two lines that contradict each other.
  static func contradiction(
    _ one: (id: PhaseID, phase: Phase), _ other: (id: PhaseID, phase: Phase), application: String
  ) -> [Prose] {
    [one, other].map { id, phase in
      let window = phase.windows.first { $0.application == application }
      let place = window?.place.map(\.description) ?? id.description
      return "\(place): @window \(application) \(window.map { "\($0.range)" } ?? "")"
    }
  }
}

/// Walks the way up as on a database in use. It follows folder order, with two exceptions: a contract waits while no
/// version could be live after it, and expand and migrate phases run only while a live version is in their windows.
private struct WindowWalk {
  private typealias Step = (id: PhaseID, phase: Phase)

  private(set) var findings: [Finding] = []
  private var applied: [Step] = []
  /// What the windows of applied phases shut out.
  private var shutOut = LiveIntervals()
  private let phases: [Step]
  private var pendingIDs: Set<PhaseID>
  /// The phases whose windows end: while one is pending, later versions may not run.
  private let ending: [Step]

  init(_ catalog: Catalog) {
    phases = catalog.phases
    pendingIDs = Set(phases.map(\.id))
    ending = phases.filter { $0.phase.windows.contains { $0.range.upper != nil } }
    var left = phases
    var progress = true
    while progress {
      var waiting: [Step] = []
      for (id, phase) in left {
        guard !waits(id, phase) else {
          waiting.append((id, phase))
          continue
        }
        let blocked = emptyInterval(after: phase, id)
        if id.kind == .contract, blocked != nil {
          waiting.append((id, phase))
          continue
        }
        if let blocked { findings.append(finding(id, phase, blocked)) }
        if let raise = raise(id, phase) { findings.append(raise) }
        applied.append((id, phase))
        shutOut.apply(phase.windows)
        pendingIDs.remove(id)
      }
      progress = waiting.count < left.count
      left = waiting
    }
    // The rest is a contract whose gate can never open, and phases that wait for it.
    for (id, phase) in left {
      if let blocked = emptyInterval(after: phase, id) { findings.append(finding(id, phase, blocked)) }
    }
  }

  /// Whether a phase comes after one that is pending: an earlier one of its migration, or one that it needs.
  private func waits(_ id: PhaseID, _ phase: Phase) -> Bool {
    Phase.Kind.allCases.contains { $0 < id.kind && pendingIDs.contains(PhaseID(id.migration, $0)) }
      || phase.needs.contains { need in pendingIDs.contains { $0 != id && $0.isNamed(by: need) } }
  }

  private func emptyInterval(after phase: Phase, _ id: PhaseID) -> (
    application: String, interval: StateInterval
  )? {
    var state = shutOut
    state.apply(phase.windows)
    for later in ending where later.id != id && pendingIDs.contains(later.id) {
      state.await(later.phase.windows)
    }
    for window in phase.windows {
      if let interval = state[window.application], interval.isContradiction {
        return (window.application, interval)
      }
    }
    return nil
  }

  private func finding(
    _ id: PhaseID, _ phase: Phase, _ blocked: (application: String, interval: StateInterval)
  ) -> Finding {
    let application = blocked.application
    let lower = (applied + [(id, phase)]).last {
      $0.phase.windows[application]?.lower == blocked.interval.lower
    }
    let upper = phases.first {
      $0.id != id && pendingIDs.contains($0.id)
        && $0.phase.windows[application]?.upper == blocked.interval.upper
    }
    let details =
      if let lower, let upper { WindowRules.contradiction(lower, upper, application: application) } else {
        [Prose]()
      }
    let newest = blocked.interval.upper.map { "\($0.version)" } ?? "the next one"
    let oldest = blocked.interval.lower.map { "\($0.version)" } ?? "the last one"
    return Finding(
      .windowInvalid, in: id,
      "once \(id.short) is applied, no version of \(application) may run: those before \(oldest) are shut out, and \(newest) and later need \(upper?.id.short ?? "a phase that is pending")",
      at: phase.windows.first { $0.application == application }?.place ?? phase.up.beginningOfFile,
      details: details,
      remedies: [
        "lower the bound of the first line, or raise that of the second, so that some version meets both",
        "or apply \(upper?.id.short ?? "the other") first, by its number or by -- @needs",
      ])
  }

  /// Only a contract may exclude versions that the state before it allowed.
  private func raise(_ id: PhaseID, _ phase: Phase) -> Finding? {
    guard id.kind != .contract else { return nil }
    for window in phase.windows where !window.range.isOffline {
      guard let lower = window.range.lower, let allowed = shutOut[window.application]?.lower,
        lower.isTighterLower(than: allowed)
      else { continue }
      return Finding(
        .windowInvalid, in: id,
        "\(id.kind.rawValue) shuts out \(window.application) \(allowed.version) up to \(lower.version), which may be live before it: only a contract may do that",
        at: window.place ?? phase.up.beginningOfFile,
        remedies: [
          WindowRules.remedy(window, from: allowed),
          "or, if the application stops meanwhile: -- @window \(window.application) offline \(lower.version)",
        ]
      )
    }
    return nil
  }
}
