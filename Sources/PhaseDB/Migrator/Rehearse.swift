internal import PhaseSQLite

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Takes pending phases up, down and up again on a private copy.
struct RehearsalWork: MigratorWork {
  let migrator: Migrator

  func rehearse(
    _ scope: Migrator.RehearsalScope, allowsEmpty: Bool, in folder: String?,
    observe: @escaping (RehearsalEvent) -> Void
  ) throws(MigrationError) -> RehearsalReport {
    guard isThere else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(database), so there is nothing to rehearse on",
        help: ["check the path given with --database", "phasedb up creates the file if it is missing"])
    }
    var order = RehearsalOrder(steps: [], held: [], chosen: nil, baseline: nil, hasLedger: false)
    var copyTime = Duration.zero
    let copy = try reading(connection) { () throws(MigrationError) -> DatabaseCopy? in
      order = try self.order(scope, allowsEmpty: allowsEmpty)
      guard !order.steps.isEmpty else { return nil }
      let began = ContinuousClock.now
      let copy = try self.copy(in: folder) { observe(.copying(bytes: $0)) }
      copyTime = ContinuousClock.now - began
      return copy
    }
    guard let copy else { return RehearsalReport(database, order) }
    observe(.copied(bytes: copy.bytes, milliseconds: copyTime.milliseconds))
    // With the batch settings of a real run, but without the throttle query and the pause file.
    var pacing = options.pacing
    (pacing.throttle, pacing.pauseFile) = (nil, nil)
    let rehearsal = try Rehearsal(
      on: copy, catalog: catalog, readers: Self.readers, allowsEmpty: allowsEmpty,
      functions: options.functions, runner: options.runner, pacing: pacing,
      now: options.now, cancellation: options.cancellation, observe: observe)
    if let baseline = order.baseline { try rehearsal.run(baseline: baseline) }
    let phases = try rehearsal.run(order.steps, chosen: order.chosen)
    return RehearsalReport(database, order, copy, copyTime, phases, unread: rehearsal.unread)
  }

  func record(_ evidence: [Evidence]) throws(MigrationError) {
    try writing("committing the evidence") { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger else {
        throw MigrationError(
          .ledgerMissing, "\(database) has no ledger yet, so evidence cannot be recorded",
          state: "nothing was changed",
          help: [
            "keep the evidence in a file: phasedb rehearse --evidence FILE",
            "then use it: phasedb up --evidence FILE",
            "or rehearse as part of up: phasedb up --rehearse",
          ])
      }
      let (time, runner) = (options.now(), options.runner)
      try lifting("writing the ledger") { () in
        let present = try ledger.upgraded(by: runner, at: time)
        for item in evidence { try present.evidence.record(item, by: runner, at: time) }
      }
    }
  }

  /// One for each processor, but at most four, because they share the disk.
  private static var readers: Int { min(4, max(1, ProcessInfo.processInfo.activeProcessorCount)) }

  func copy(
    in folder: String?, observe: (Int) -> Void
  ) throws(MigrationError) -> DatabaseCopy {
    let path = connection.path
    let place = folder ?? (path.isEmpty ? PrivateFolder.temporary : FileDurability.folder(of: path))
    Leftovers.remove(beside: path, in: [place])
    return try DatabaseCopy(
      of: connection, as: "copy.db",
      in: DatabaseCopy.makeFolder(in: place, besides: path, for: .rehearsal), for: .rehearsal,
      shouldGoOn: { !options.cancellation.isRequested }, observe: observe)
  }

  private func order(
    _ scope: Migrator.RehearsalScope, allowsEmpty: Bool
  ) throws(MigrationError) -> RehearsalOrder {
    let knowledge = try Knowledge(of: connection)
    try knowledge.refuseLedgerDrift()
    guard knowledge.isInPlace else { throw try knowledge.driftError(isGate: false) }
    let baseline = try planning.baseline(knowledge)
    var order = try RehearsalOrder(scope, planner: try planning.planner(knowledge))
    order.baseline = baseline
    order.hasLedger = knowledge.ledger != nil
    guard !order.steps.isEmpty, knowledge.isFresh, !allowsEmpty else { return order }
    throw MigrationError(
      .rehearsalOnEmpty, "\(database) has no tables, so a rehearsal on it proves nothing",
      state: "nothing was changed, and nothing was recorded",
      help: ["rehearse on a copy of a database with rows", "or accept that: --allow-empty"])
  }
}

/// The phases to rehearse, in the order in which they would go up.
struct RehearsalOrder {
  var steps: [(id: PhaseID, phase: Phase)]
  let held: [Plan.Held]
  /// The only one to rehearse, nil for all.
  let chosen: PhaseID?
  var baseline: Script?
  var hasLedger: Bool

  init(
    steps: [(id: PhaseID, phase: Phase)], held: [Plan.Held], chosen: PhaseID?, baseline: Script?,
    hasLedger: Bool
  ) {
    (self.steps, self.held, self.chosen) = (steps, held, chosen)
    (self.baseline, self.hasLedger) = (baseline, hasLedger)
  }

  /// First the phases that would go up now, in their order, so that each is rehearsed on the schema it will run on;
  /// then the held ones, as if their gates were open.
  init(_ scope: Migrator.RehearsalScope, planner: Planner) throws(MigrationError) {
    if let underWay = planner.underWay { throw underWay.inProgress("nothing can be rehearsed") }
    try planner.folder.refuseEdited()
    try planner.folder.refuseOutOfOrder()
    let done = Set(planner.applied.map(\.id))
    let candidates = planner.catalog.phases.filter { !done.contains($0.id) }
    let now = planner.overriding([.evidence])
    if case .selection(let selection) = scope {
      let plan = try now.up(selection, baseline: nil)
      self.init(
        steps: plan.steps.map { ($0.id, $0.phase) }, held: [], chosen: nil, baseline: nil, hasLedger: false)
      return
    }
    if case .phases(let ids) = scope {
      self.init(
        steps: ids.compactMap { id in planner.catalog[id].map { (id, $0) } }, held: [], chosen: nil,
        baseline: nil, hasLedger: false)
      return
    }
    guard case .phase(let name) = scope else {
      let all = Self.all(candidates, beyond: [], planner)
      self.init(steps: all.steps, held: all.held, chosen: nil, baseline: nil, hasLedger: false)
      return
    }
    let id = try PhaseID.find(name, among: planner.catalog.phases.map(\.id))
    guard !done.contains(id) else {
      throw MigrationError(
        .alreadyApplied, "\(id) is applied, so there is nothing to rehearse", state: "nothing was changed",
        help: ["see what is pending: phasedb status", "or rehearse its way back: phasedb rehearse down"])
    }
    // As `up --to` would do it: after the phases before it, and without those after it.
    let all = Self.all(
      candidates.filter { $0.id <= id },
      beyond: candidates.filter { $0.id > id }.map(\.phase.windows), planner)
    if let held = all.held.first(where: { $0.id == id }) { throw held.error() }
    let last = all.steps.firstIndex { $0.id == id } ?? all.steps.count - 1
    self.init(steps: Array(all.steps[...last]), held: [], chosen: id, baseline: nil, hasLedger: false)
  }

  /// The phases that would go up now, then the held ones.
  private static func all(
    _ candidates: [(id: PhaseID, phase: Phase)], beyond: [Windows], _ planner: Planner
  ) -> UpOrder {
    let now = UpOrder(
      candidates, beyond: beyond, limit: .max, planner: planner.overriding([.evidence]))
    let planned = Set(now.steps.map(\.id))
    return UpOrder(
      candidates.filter { !planned.contains($0.id) }, beyond: beyond, limit: .max,
      planner: planner.overriding([.evidence, .window, .soak, .switch, .watch, .reversed]), after: now.steps)
  }
}

extension RehearsalReport {
  fileprivate init(
    _ database: String, _ order: RehearsalOrder, _ copy: DatabaseCopy? = nil, _ copyTime: Duration = .zero,
    _ phases: [RehearsedPhase] = [],
    unread: [String: String] = [:]
  ) {
    self.init(
      database: database, copyBytes: copy?.bytes ?? 0, copyMilliseconds: copyTime.milliseconds,
      phases: phases,
      held: order.held, unread: unread, hasLedger: order.hasLedger)
  }
}
