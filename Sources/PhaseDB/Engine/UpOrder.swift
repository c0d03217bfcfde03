internal import PhaseSQLite

/// Works out the order in which pending phases go up, and which ones are held.
///
/// Phases go up in folder order. A contract with a closed gate is skipped and tried again at the end, because it may
/// wait for a later phase. A held expand or migrate phase stops all phases after it.
struct UpOrder {
  private(set) var steps: [(id: PhaseID, phase: Phase)] = []
  private(set) var held: [Plan.Held] = []

  private let planner: Planner
  private var appliedAt: [PhaseID: Timestamp]
  /// The schema after the steps so far; nil when unknown.
  private var schema: SchemaDigest?
  private let now: Timestamp
  private var pending: [(id: PhaseID, phase: Phase)]
  private let beyond: [Windows]

  /// - Parameters:
  ///   - candidates: pending phases that were asked for, in folder order.
  ///   - beyond: windows of the other pending phases.
  ///   - limit: the most steps to plan.
  ///   - first: steps that are already planned, before these.
  init(
    _ candidates: [(id: PhaseID, phase: Phase)], beyond: [Windows], limit: Int, planner: Planner,
    after first: [(id: PhaseID, phase: Phase)] = []
  ) {
    self.planner = planner
    self.beyond = beyond
    pending = candidates
    now = Timestamp(planner.judgement.now)
    // Times stay text here: they are parsed only when a soak needs them.
    appliedAt = Dictionary(
      planner.applied.map { ($0.id, $0.appliedAt) },
      uniquingKeysWith: { first, _ in first })
    schema = planner.schemaDigest
    for step in first { take(step) }
    var progress = true
    while progress, steps.count < limit, !pending.isEmpty { progress = pass(limit: limit) }
  }

  /// Goes through the pending phases once.
  ///
  /// - Returns: true when another pass may find more.
  private mutating func pass(limit: Int) -> Bool {
    let candidates = pending
    let before = steps.count
    pending = []
    held = []
    var blocker: PhaseID?
    var contractHeld: PhaseID?
    for (index, candidate) in candidates.enumerated() {
      guard steps.count < limit else {
        pending += candidates[index...]
        return false
      }
      let (id, phase) = candidate
      let ownEarlier = held.last { $0.id.migration == id.migration }?.id
      let inFront = blocker ?? ownEarlier ?? (phase.kind == .contract ? contractHeld : nil)
      let gates = closedGates(id, phase, inFront: inFront, rest: pending + candidates[(index + 1)...])
      guard gates.isEmpty else {
        held.append(Plan.Held(id: id, phase: phase, gates: gates))
        pending.append(candidate)
        if phase.kind == .contract { contractHeld = contractHeld ?? id } else { blocker = blocker ?? id }
        continue
      }
      take(candidate)
    }
    return steps.count > before && !held.isEmpty
  }

  private mutating func take(_ step: (id: PhaseID, phase: Phase)) {
    schema = planner.judgement.evidence.schema(after: step.id, step.phase, from: schema)
    steps.append(step)
    appliedAt[step.id] = now
  }

  /// The schema to which the steps so far lead on a database without rows, if a phase was rehearsed on it: after a
  /// rehearsal of one phase alone, there is no evidence of the phases before it.
  private func rehearsedSchema(_ id: PhaseID, _ phase: Phase) -> SchemaDigest? {
    let evidence = planner.judgement.evidence
    guard planner.schema.digest == planner.schemaDigest, evidence.all.contains(where: { $0.phase == id })
    else { return nil }
    var schema = planner.schema
    for step in steps {
      guard let trial = try? TransitionTrial(step.id, step.phase, .up, on: schema, CostLimit(.scratch))
      else { return nil }
      schema = trial.schema(from: schema)
    }
    return evidence.found(id, phase, on: schema.digest) == nil ? nil : schema.digest
  }

  private func closedGates(
    _ id: PhaseID, _ phase: Phase, inFront: PhaseID?, rest: [(id: PhaseID, phase: Phase)]
  ) -> [Gate.Closed] {
    var gates = planner.judgement.closedForUp(
      id, phase, appliedAt: appliedAt, schema: schema ?? rehearsedSchema(id, phase),
      watched: steps.filter { $0.phase.watch != nil }.map(\.id), isWaiting: inFront != nil)
    if gates.isEmpty, phase.kind == .contract, !planner.judgement.isFresh,
      let gate = emptyInterval(after: phase, rest: rest)
    {
      gates = [gate]
    }
    if gates.isEmpty, let inFront {
      gates = [
        Gate.Closed(
          gate: .order, reason: "\(inFront.short) comes first and is held",
          brief: "waits for \(inFront.short)",
          opening: "apply \(inFront)")
      ]
    }
    return gates
  }

  /// The gate of a contract after which no version of an application could be live. It has to wait for the phases
  /// that the newer version needs.
  private func emptyInterval(after phase: Phase, rest: [(id: PhaseID, phase: Phase)]) -> Gate.Closed? {
    guard !planner.judgement.overridden.contains(.window) else { return nil }
    let intervals = LiveIntervals.of(
      applied: planner.applied.map(\.windows) + steps.map(\.phase.windows) + [phase.windows],
      pending: rest.map(\.phase.windows) + beyond)
    for window in phase.windows {
      guard let interval = intervals[window.application], interval.isContradiction else { continue }
      let needed = rest.first { $0.phase.windows[window.application]?.upper == interval.upper }
      return Gate.Closed(
        gate: .window, reason: "after it no version of \(window.application) could be live: \(interval)",
        opening: needed.map { "apply \($0.id) first" }
          ?? "apply the phases that the newer version needs first")
    }
    return nil
  }
}
