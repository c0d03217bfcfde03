// The states to which a way up or down would lead, and the versions that may run on them.

extension Planner {
  /// The fewest steps down after which no applied phase excludes a version as too old; 0 when none excludes it now.
  func stepsDown(for live: LiveVersion) -> Int {
    func excludes(_ windows: Windows) -> Bool {
      windows[live.application]?.isUndercut(by: live.version) ?? false
    }
    let half = halfApplied.map { [$0.phase.windows] } ?? []
    let windows = applied.map(\.windows) + half
    return windows.firstIndex(where: excludes).map { windows.count - $0 } ?? 0
  }

  /// How many steps down are possible above the phases that the baseline replaces.
  var stepsToFloor: Int { applied.count { !$0.isSquashed } + (halfApplied == nil ? 0 : 1) }

  /// The versions that may run on the schema after so many steps down.
  func bounds(afterDown steps: Int) -> LiveBounds {
    let entries = LiveBounds.Entry.all(applied)
    let half = halfApplied.map { [LiveBounds.Entry(id: $0.id, windows: $0.phase.windows)] } ?? []
    let kept = entries.dropLast(max(0, steps - half.count))
    let gone = entries.dropFirst(kept.count) + half
    return LiveBounds(applied: Array(kept), pending: gone + stillPending(after: gone.map(\.id)))
  }

  /// The versions that may run on the schema after the steps of a plan up.
  func bounds(afterUp steps: [(id: PhaseID, phase: Phase)]) -> LiveBounds {
    let taken = steps.map { LiveBounds.Entry(id: $0.id, windows: $0.phase.windows) }
    return LiveBounds(
      applied: LiveBounds.Entry.all(applied) + taken, pending: stillPending(after: steps.map(\.id)))
  }

  /// The versions that may run on the schema after a phase. If it is applied, this is where `down --to` leads.
  /// Otherwise it is where `up --to` leads, as if all gates were open.
  ///
  /// - Throws: `unknown-phase`, `ambiguous-phase`, and what keeps a half-done phase from continuing.
  func bounds(after name: String) throws(MigrationError) -> LiveBounds {
    let done = applied.map(\.id)
    let id = try found(name)
    if let index = done.firstIndex(of: id) {
      return bounds(afterDown: done.count - index - 1 + (halfApplied == nil ? 0 : 1))
    }
    let pending = catalog.phases.filter { !done.contains($0.id) && $0.id <= id }
    let candidates = try withUnderWay(pending, target: id)
    let order = UpOrder(
      candidates, beyond: stillPending(after: candidates.map(\.id)).map(\.windows), limit: .max, planner: self
    )
    return bounds(afterUp: order.held.contains { $0.id == id } ? candidates : order.steps)
  }

  /// The phase of a name. Applied phases come first: a prefix that names one of them is unambiguous, whatever else the
  /// folder has.
  ///
  /// - Throws: `unknown-phase`, `ambiguous-phase`.
  func found(_ name: String) throws(MigrationError) -> PhaseID {
    let done = applied.map(\.id)
    let isAppliedName = done.contains { $0.isNamed(by: name) }
    return try PhaseID.find(
      name, among: isAppliedName ? done : Set(done).union(catalog.phases.map(\.id)).sorted())
  }

  /// The selection that leads to a state; nil if the database is already there.
  ///
  /// - Parameter contracts: whether contracts may go up on the way.
  /// - Throws: `unknown-phase`, `ambiguous-phase`; `version-not-live`, or `phase-held`, when no state can be reached in which
  ///   the version may run.
  func selection(
    to destination: Destination, contracts: Bool
  ) throws(MigrationError) -> Selection? {
    switch destination {
    case .checkpoint(let name): return .downTo(.checkpoint(name))
    case .phase(let name):
      let id = try found(name)
      let isComingDown = underWay?.id == id && underWay?.direction == .down
      return applied.contains { $0.id == id } && !isComingDown ? .downTo(.phase(name)) : .upTo(name)
    case .version(let live): return try selection(for: live, contracts: contracts)
    }
  }

  private func selection(for live: LiveVersion, contracts: Bool) throws(MigrationError) -> Selection? {
    let misfit = liveBounds.misfit(of: live)
    guard misfit != nil || judgement.isFresh else { return nil }
    let down = stepsDown(for: live)
    if down > 0 {
      guard down <= stepsToFloor else { throw unreachable(live, misfit) }
      guard bounds(afterDown: down).misfit(of: live) != nil else { return .down(down) }
      throw unreachable(live, misfit)
    }
    let done = applied.map(\.id)
    let pending = catalog.phases.filter { !done.contains($0.id) && (contracts || $0.id.kind != .contract) }
    let order = UpOrder(
      try withUnderWay(pending, target: nil), beyond: stillPending(after: pending.map(\.id)).map(\.windows),
      limit: .max, planner: self)
    let fitting = (1..<order.steps.count + 1).filter {
      bounds(afterUp: Array(order.steps.prefix($0))).misfit(of: live) == nil
    }
    // On a new database the version gets as much of the folder as it can use.
    if let count = judgement.isFresh ? fitting.last : fitting.first { return .up(count) }
    guard misfit != nil || !order.held.isEmpty else { return nil }
    let needed = liveBounds.phases(of: live.application).highest
    if let held = order.held.first(where: { $0.id == needed }) { throw held.error() }
    var error = unreachable(live, misfit)
    if !contracts, needed?.kind == .contract { error.help = ["let contracts go up on the way: --contracts"] }
    throw error
  }

  private func unreachable(_ live: LiveVersion, _ misfit: LiveMisfit?) -> MigrationError {
    MigrationError(
      .versionNotLive, "no state can be reached now in which \(live) may run",
      details: misfit?.causes ?? [], state: "nothing was changed",
      help: ["see which versions may run, and what holds phases: phasedb status"])
  }

  private func stillPending(after steps: [PhaseID]) -> [LiveBounds.Entry] {
    let steps = Set(steps)
    return Renumbered.pending(in: catalog, beside: applied).filter { !steps.contains($0.id) }.map {
      LiveBounds.Entry(id: $0.id, windows: $0.phase.windows)
    }
  }

  /// A plan without a step.
  var nothingToDo: Plan { plan(.down, order: [], liveAfter: [], held: [], baseline: nil) }
}
