/// Turns what an operator asks for into a plan, or refuses it.
package struct Planner {
  let catalog: Catalog
  /// In the order in which they were applied.
  let applied: [AppliedPhase]
  let judgement: GateJudgement
  /// Why gates are overridden, when they are.
  let reason: String?
  let schema: Schema
  /// The digest of the schema, which is known also when the schema itself was not read.
  let schemaDigest: SchemaDigest
  /// How the schema differs from what the ledger says, when that is overridden.
  let drift: [Prose]
  let checkInsSince: Timestamp
  /// The batched phase that is half done; nil when there is none.
  let underWay: BatchRecord?
  /// Phases for which the operator brought evidence.
  let brought: Set<PhaseID>
  /// Gives an applied phase as the ledger recorded it.
  let recorded: (AppliedPhase) throws(MigrationError) -> Phase

  /// Finds contradictions between the folder and the ledger.
  var folder: FolderCheck { FolderCheck(catalog: catalog, applied: applied, recorded: recorded) }

  /// Plans a way up.
  ///
  /// Phases go up in folder order. A contract is held until its gates open, and expand and migrate phases of later
  /// migrations may go up before it. Any other held phase stops all phases after it.
  ///
  /// - Throws: `unknown-phase`, `ambiguous-phase`, `edited-after-apply`, `out-of-order`, `window-invalid`,
  ///   `phase-held` when the phase that was asked for is held.
  ///
  /// - Parameter contracts: whether contracts go up that are not the target.
  package func up(
    _ selection: Selection, baseline: Script?, contracts: Bool = true
  ) throws(MigrationError) -> Plan {
    if !judgement.overridden.contains(.edited) { try folder.refuseEdited() }
    try folder.refuseRenumbered()
    try folder.refuseOutOfOrder()
    let done = Set(applied.map(\.id))
    var candidates = catalog.phases.filter { !done.contains($0.id) }
    var target: PhaseID?
    var limit = Int.max
    switch selection {
    case .upTo(let name):
      let found = try PhaseID.find(name, among: catalog.phases.map(\.id))
      target = found
      candidates.removeAll { $0.id > found }
      if done.contains(found) { candidates = [] }
    case .up(let count): limit = count
    default: break
    }
    let left = contracts ? [] : candidates.filter { $0.id.kind == .contract && $0.id != target }.map(\.id)
    candidates.removeAll { left.contains($0.id) }
    candidates = try withUnderWay(candidates, target: target)
    let order = UpOrder(
      candidates, beyond: pendingAfter(candidates.map(\.id)), limit: limit, planner: self)
    if let target, !candidates.isEmpty, let held = order.held.first(where: { $0.id == target }) {
      throw held.error()
    }
    if let unfit = order.held.first(where: isHeldByWrongEvidence) { throw unfit.error() }
    let passing = LiveIntervals.alongUp(
      applied: applied.map(\.windows), steps: order.steps.map(\.phase.windows),
      pending: pendingAfter(order.steps.map(\.id)))
    try refuseStatesWithoutVersion(order.steps, passing)
    try refuseOfflineEnd(order.steps, passing, order.held)
    var plan = plan(.up, order: order.steps, liveAfter: passing, held: order.held, baseline: baseline)
    if !left.isEmpty {
      plan.notes.append(
        "contracts stay pending: \(DetailLines.enumeration(left.map(\.short))); --contracts lets them go up")
    }
    return plan
  }

  /// Plans a way down, in the reverse of the order in which phases were really applied.
  ///
  /// - Parameter checkpoints: the named checkpoints.
  /// - Throws: `unknown-phase`, `ambiguous-phase`, `unknown-checkpoint`, `checkpoint-gone`, `phase-held`.
  package func down(_ selection: Selection, checkpoints: [Checkpoint]) throws(MigrationError) -> Plan {
    var count: Int
    var half = halfApplied
    switch selection {
    case .down(let steps):
      if steps < 1 { half = nil }
      count = min(max(0, half == nil ? steps : steps - 1), applied.count)
    case .downTo(let target): count = applied.count - (try kept(target, checkpoints))
    default: count = applied.count
    }
    if let underWay, half == nil, count == 0 {
      throw underWay.inProgress("the database cannot stay as it is")
    }
    let note = try stopAtFloor(&count, selection, half != nil)
    let range = applied.suffix(count)
    var steps: [(id: PhaseID, phase: Phase)] = []
    var held: [Plan.Held] = []
    if let half {
      steps.append(half)
      let gates = judgement.closedForDown(half.id, half.phase.windows)
      if !gates.isEmpty { held.append(Plan.Held(id: half.id, phase: half.phase, gates: gates)) }
    }
    for phase in range.reversed() {
      let recorded = try recorded(phase)
      steps.append((phase.id, recorded))
      let gates = judgement.closedForDown(phase.id, phase.windows)
      if !gates.isEmpty { held.append(Plan.Held(id: phase.id, phase: recorded, gates: gates)) }
    }
    // If one phase may not come down, none is reversed.
    if let first = held.first { throw first.error(among: held) }
    let now = LiveIntervals.of(applied: applied.map(\.windows), pending: pendingAfter([]))
    let after = (half == nil ? [] : [now]) + intervalsAlongDown(range)
    var plan = plan(.down, order: steps, liveAfter: after, held: [], baseline: nil)
    plan.squashNote = note
    plan.notes += note.map { [$0] } ?? []
    return plan
  }

  /// Stops above the phases that the baseline replaces, because they cannot come down.
  ///
  /// - Returns: a note that says so, where the way ends there.
  /// - Throws: `squashed` when the target is below them.
  private func stopAtFloor(
    _ count: inout Int, _ selection: Selection, _ hasHalf: Bool
  ) throws(MigrationError) -> Prose? {
    let squashed = applied.filter(\.isSquashed)
    let above = applied.count - squashed.count
    guard let last = squashed.last, count > above else { return nil }
    let why: Prose =
      "\(last.id.short) and what was applied before it are squashed into the baseline and do not come down"
    var isLimited = false
    switch selection {
    case .downAll: isLimited = true
    case .down: isLimited = above > 0 || hasHalf
    default: break
    }
    guard isLimited else {
      throw MigrationError(
        .squashed, why, state: "nothing was changed",
        help: [
          above > 0
            ? "go back to there: phasedb down --to \(last.id.short)"
            : "put back a snapshot from before the squash: phasedb checkpoint list"
        ])
    }
    count = above
    return "the way down ends there: \(why)"
  }

  /// Whether an operator brought evidence that would open the only closed gate if it were about this text and schema.
  private func isHeldByWrongEvidence(_ held: Plan.Held) -> Bool {
    let wrong: Set<MigrationError.ID> = [.evidenceOtherPhase, .evidenceOtherSchema]
    return brought.contains(held.id) && held.gates.allSatisfy { wrong.contains($0.error) }
  }

  /// The intervals after each step of the way down: those of the way up through the same phases, read backwards.
  private func intervalsAlongDown(_ range: ArraySlice<AppliedPhase>) -> [[String: StateInterval]] {
    let kept = applied.dropLast(range.count).map(\.windows)
    let steps = range.map(\.windows)
    let pending = pendingAfter([])
    let bottom = LiveIntervals.of(applied: kept, pending: steps + pending)
    let along = LiveIntervals.alongUp(applied: kept, steps: steps, pending: pending)
    return ([bottom] + along).dropLast().reversed()
  }

  /// How many applied phases stay when coming down to a phase or `@CHECKPOINT`.
  private func kept(_ target: Selection.Target, _ checkpoints: [Checkpoint]) throws(MigrationError) -> Int {
    let name: String
    switch target {
    case .checkpoint(let checkpoint):
      let sequence = try Checkpoint.sequence(of: checkpoint, among: checkpoints, applied: applied)
      return applied.count { $0.sequence <= sequence }
    case .phase(let phase): name = phase
    }
    let id = try found(name)
    guard let index = applied.firstIndex(where: { $0.id == id }) else {
      throw MigrationError(
        .notApplied, "\(id) is not applied, so there is no way down to it", state: "nothing was changed",
        help: ["see what is applied: phasedb status"])
    }
    return index + 1
  }

  private func pendingAfter(_ steps: [PhaseID]) -> [Windows] {
    let steps = Set(steps)
    return Renumbered.pending(in: catalog, beside: applied).filter { !steps.contains($0.id) }.map(
      \.phase.windows)
  }

  func plan(
    _ direction: Direction, order: [(id: PhaseID, phase: Phase)], liveAfter: [[String: StateInterval]],
    held: [Plan.Held], baseline: Script?
  ) -> Plan {
    let steps = zip(order, liveAfter).map { step, live in
      Plan.Step(id: step.id, direction: direction, phase: step.phase, liveAfter: live)
    }
    return Plan(
      direction: direction, steps: steps, held: held, notes: notes(direction, order.map(\.phase.windows)),
      runsBaseline: baseline != nil, isFresh: judgement.isFresh,
      overridden: judgement.overridden, reason: reason, drift: drift, appliedBefore: applied.map(\.id),
      baseline: baseline, schemaBefore: schema, judgement: judgement, checkInsSince: checkInsSince,
      misfits: misfits)
  }

  /// The versions that may be live now.
  var liveBounds: LiveBounds { LiveBounds(applied, catalog, underWay: underWay) }

  /// Live versions that may not run on the present schema; empty on a new database.
  var misfits: [LiveMisfit] {
    judgement.isFresh || judgement.live.versions.isEmpty ? [] : liveBounds.misfits(judgement.live)
  }

  /// The same planner with gates that are overridden.
  func overriding(_ gates: Set<Gate>) -> Planner {
    Planner(
      catalog: catalog, applied: applied, judgement: judgement.overriding(gates), reason: reason,
      schema: schema,
      schemaDigest: schemaDigest, drift: drift, checkInsSince: checkInsSince, underWay: underWay,
      brought: brought, recorded: recorded)
  }

  /// A plan with one phase, for a rehearsal: on a copy no version is live and no gate matters.
  func alone(_ id: PhaseID, _ phase: Phase, _ direction: Direction) -> Plan {
    plan(direction, order: [(id, phase)], liveAfter: [[:]], held: [], baseline: nil)
  }

  private func notes(_ direction: Direction, _ windows: [Windows]) -> [Prose] {
    let underWay: [Prose] = underWayNote.map { [$0] } ?? []
    guard !judgement.isFresh else { return underWay }
    var notes = underWay
    let unknown = Set(windows.flatMap { judgement.unknownApplications(in: $0) }).sorted()
    if !unknown.isEmpty {
      let names = unknown.joined(separator: ", ")
      notes.append(
        direction == .up
          ? "no live version of \(names) is known: expand and migrate phases go up unchecked"
          : "no live version of \(names) is known: the way down is not checked against them")
    }
    for application in Set(windows.flatMap { $0.filter(\.range.isOffline).map(\.application) }).sorted() {
      let ranges = windows.compactMap { $0[application] }.filter(\.isOffline)
      let versions = ranges.compactMap(\.offlineVersion)
      let bound = (direction == .up ? versions.max() : versions.min()).map { "\($0)" } ?? ""
      notes.append(
        "\(application) stays stopped meanwhile; afterwards start \(application) \(direction == .up ? ">=" : "<")\(bound)"
      )
    }
    return notes + liveBounds.unjudged(judgement.live)
  }
}

extension Planner {
  /// Refuses a step after which no version of an application could be live, if some version could before it.
  ///
  /// A contract would wait instead; an expand or migrate phase has nothing to wait for. A new database has no
  /// versions to consider.
  func refuseStatesWithoutVersion(
    _ steps: [(id: PhaseID, phase: Phase)], _ after: [[String: StateInterval]]
  ) throws(MigrationError) {
    guard !judgement.isFresh, !judgement.overridden.contains(.window), !steps.isEmpty else { return }
    let done = Set(applied.map(\.id))
    var before = LiveIntervals.of(
      applied: applied.map(\.windows),
      pending: catalog.phases.filter { !done.contains($0.id) }.map(\.phase.windows))
    for (index, step) in steps.enumerated() {
      for window in step.phase.windows {
        guard let interval = after[index][window.application], interval.isContradiction,
          before[window.application]?.isEmpty != true
        else { continue }
        let needed = catalog.phases.first { id, phase in
          !done.contains(id) && !steps[...index].contains { $0.id == id }
            && phase.windows[window.application]?.upper == interval.upper
        }
        throw MigrationError(
          .windowInvalid,
          "once \(step.id.short) is applied, no version of \(window.application) may run: \(interval)",
          at: window.place,
          details: needed.map {
            [
              "\($0.id) is pending, and its window is \($0.phase.windows[window.application]?.description ?? "")"
            ]
          } ?? [],
          state: "nothing was changed",
          help: ["see both lines: phasedb lint", Gate.window.overriding])
      }
      before = after[index]
    }
  }

  /// Refuses a way up that would end between two phases for which an application stops: no version of it may run
  /// there.
  private func refuseOfflineEnd(
    _ steps: [(id: PhaseID, phase: Phase)], _ after: [[String: StateInterval]], _ held: [Plan.Held]
  ) throws(MigrationError) {
    guard !judgement.isFresh, !judgement.overridden.contains(.window), let last = steps.last else { return }
    let now = LiveIntervals.of(applied: applied.map(\.windows), pending: pendingAfter([]))
    for window in last.phase.windows {
      let application = window.application
      guard let interval = after.last?[application], interval.isOffline, now[application]?.isOffline != true
      else { continue }
      let done = Set(applied.map(\.id)).union(steps.map(\.id))
      let next = catalog.phases.first { id, phase in
        !done.contains(id) && phase.windows[application]?.upper == interval.upper
      }
      let gates = held.first { $0.id == next?.id }?.gates ?? []
      throw MigrationError(
        .windowInvalid,
        "after \(last.id.short) no version of \(application) may run until \(next?.id.short ?? "the next phase") is applied, too",
        at: window.place,
        details: gates.map {
          "\(next?.id.short ?? "") is held by its \($0.gate.rawValue) gate: \($0.reason)"
        },
        state: "nothing was changed",
        help: gates.map(\.opening)
          + (gates.isEmpty ? ["let both go up in one run: phasedb up --to \(next?.id.short ?? "PHASE")"] : [])
          + [Gate.window.overriding])
    }
  }
}

extension Planner {
  /// A planner for a private copy of a database, where no version is live and the given judgement decides about
  /// gates.
  package init(
    onCopy knowledge: Knowledge, _ catalog: Catalog, _ judgement: GateJudgement, at now: Timestamp
  ) throws(MigrationError) {
    var judgement = judgement
    judgement.squashed = (catalog.baseline?.squashed ?? []).map(\.id)
    self.init(
      catalog: catalog, applied: knowledge.applied, judgement: judgement, reason: nil,
      schema: knowledge.schema, schemaDigest: knowledge.schema.digest, drift: try knowledge.driftLines(),
      checkInsSince: now, underWay: try knowledge.ledger?.batches.underWay(), brought: []
    ) { applied throws(MigrationError) in
      guard let ledger = knowledge.ledger else { throw Ledger.damaged("there is no ledger") }
      return try ledger.phases.text(of: applied)
    }
  }
}

extension Planner {
  /// The phases that may go up, with the half-done phase first: until it is finished, no other phase may run.
  ///
  /// - Throws: `batch-edited`; `phase-in-progress` when the folder does not have it, or it comes after the target.
  func withUnderWay(
    _ candidates: [(id: PhaseID, phase: Phase)], target: PhaseID?
  ) throws(MigrationError) -> [(id: PhaseID, phase: Phase)] {
    guard let underWay else { return candidates }
    if let target, underWay.id > target {
      throw underWay.inProgress("\(target.short) cannot be the target of up")
    }
    let isRecorded = applied.contains { $0.id == underWay.id }
    // A phase that was coming down takes its text from the ledger, as its way down did.
    guard let phase = isRecorded ? underWay.phase : catalog[underWay.id] else {
      throw underWay.inProgress("nothing can go up from a folder without \(underWay.id)")
    }
    try underWay.refuseResume(of: underWay.id, phase, .up)
    return [(underWay.id, phase)] + candidates.filter { $0.id != underWay.id }
  }

  /// The phase that is half way up. It comes down before all applied ones.
  var halfApplied: (id: PhaseID, phase: Phase)? {
    guard let underWay, !applied.contains(where: { $0.id == underWay.id }) else { return nil }
    return (underWay.id, underWay.phase)
  }

  /// A note for the operator about the half-done phase.
  var underWayNote: Prose? {
    underWay.map { record in
      let percent = record.fraction.map { ", \(PercentText.text($0))" } ?? ""
      return
        "\(record.id.short) is under way \(record.direction.rawValue) (\(DetailLines.rows(record.rows))\(percent)): it continues from there, before anything else runs"
    }
  }
}
