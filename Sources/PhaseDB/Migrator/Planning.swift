internal import PhaseSQLite

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Makes plans from what the database and the catalog say.
struct Planning: MigratorWork {
  let migrator: Migrator
  /// Which gates are overridden, and which versions are live. The rest is read from the migrator's own options.
  let options: Options
  /// A version for which the schema is brought to a state. It counts as live beside the versions that checked in.
  let starting: LiveVersion?

  /// - Parameter options: instead of the migrator's own.
  init(migrator: Migrator, options: Options? = nil, starting: LiveVersion? = nil) {
    self.migrator = migrator
    self.options = options ?? migrator.options
    self.starting = starting
  }

  /// Makes a plan in a read transaction of its own.
  func readingPlan(_ selection: Selection) throws(MigrationError) -> Plan {
    try reading(connection) { () throws(MigrationError) in try plan(selection) }
  }

  /// - Parameter saysReversals: whether the plan of a way down says what it would restore.
  func plan(
    _ selection: Selection, saysReversals: Bool = true, contracts: Bool = true
  ) throws(MigrationError) -> Plan {
    let knowledge = try undrifted()
    let planner = try planner(knowledge)
    let switches = SwitchPlanning(migrator: migrator)
    let waysBack = WaysBack(migrator: migrator)
    switch selection.direction {
    case .up:
      let squashed = try Squashing(migrator: migrator).unrecorded(knowledge)
      var plan = try planner.up(selection, baseline: try baseline(knowledge), contracts: contracts)
      if let last = squashed.last {
        plan.squashed = squashed
        let note: Prose =
          "baseline.sql stands for the phases up to \(last.short): this is recorded, and they do not come down any more"
        plan.squashNote = note
        plan.notes.append(note)
      }
      let watches = WatchPlanning(migrator: migrator)
      try watches.refuseUnknownProbes(of: plan)
      try LaneWork(migrator: migrator).refuseUnknownLanes(of: &plan)
      try switches.refuseTaken(of: plan, knowledge)
      plan.notes += watches.notes(on: plan) + switches.notes(on: plan)
      return plan
    case .down:
      let checkpoints = try lifting("reading the ledger") { () in
        try knowledge.ledger?.checkpoints.named(applied: knowledge.applied) ?? []
      }
      var plan = try planner.down(selection, checkpoints: checkpoints)
      try LaneWork(migrator: migrator).refuseUnknownLanes(of: &plan)
      if saysReversals {
        plan.dataState = try lifting("reading PRAGMA data_version") { () in try DataState(of: connection) }
        plan.reversals = try waysBack.reversals(knowledge)
      }
      if saysReversals, let half = planner.halfApplied, let underWay = planner.underWay,
        let ledger = knowledge.ledger
      {
        plan.reversals[half.id] = try Reversal(of: underWay, ledger)
      }
      if saysReversals, let ledger = knowledge.ledger {
        for (phase, error) in try waysBack.brokenArchives(of: plan.steps.map(\.id), on: .down, ledger)
        where plan.reversals[phase]?.word != .blocked {
          plan.reversals[phase, default: Reversal()].obstacles = [Reversal.Obstacle(error, of: phase)]
        }
      }
      for step in plan.steps {
        let hash = step.phase.tokenHash
        plan.rehearsed[step.id] = planner.judgement.evidence.all.last {
          $0.phase == step.id && $0.tokenHash == hash
        }
      }
      plan.closing = try switches.closing(of: plan, knowledge)
      plan.notes += switches.notes(on: plan)
      if saysReversals, let ledger = knowledge.ledger {
        try EffectWork(migrator: migrator).tell(of: &plan, knowledge, ledger)
      }
      let rehearsed = plan.rehearsed
      plan.times = try downTimes(of: plan.steps.map { ($0.id, $0.phase, rehearsed[$0.id]) }, knowledge)
      return plan
    }
  }

  /// Reads the database, and refuses one whose ledger or schema was changed from outside, unless that is overridden.
  func undrifted() throws(MigrationError) -> Knowledge {
    let knowledge = try Knowledge(of: connection)
    try knowledge.refuseLedgerDrift()
    guard knowledge.isInPlace || options.overridden.contains(.drift) else {
      throw try knowledge.driftError()
    }
    return knowledge
  }

  /// How long ways down may take, as far as that is known.
  func downTimes(
    of steps: [(id: PhaseID, phase: Phase, evidence: Evidence?)], _ knowledge: Knowledge
  ) throws(MigrationError) -> [PhaseID: DownTime] {
    guard let ledger = knowledge.ledger else { return [:] }
    let seen = try lifting("reading the ledger") { () in try ledger.waysDown.all(.rehearsal) }
    let measured = try lifting("reading the log") { () in try ledger.waysDown.lastTimes() }
    let applied = Dictionary(knowledge.applied.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var times: [PhaseID: DownTime] = [:]
    for (id, phase, evidence) in steps {
      guard let applied = applied[id] else { continue }
      let idle = seen[applied.sequence].flatMap {
        WayDownJSON.read(DownRehearsal.Seen.self, from: $0.report)?.milliseconds
      }
      times[id] = DownTime(
        of: phase, idle: idle ?? evidence?.times.down,
        measured: measured[WayDownRecords.PhaseText(phase: id.description, hash: applied.tokenHash)],
        up: (applied.milliseconds, evidence?.times.up), options.pacing)
    }
    return times
  }

  func planner(_ knowledge: Knowledge) throws(MigrationError) -> Planner {
    let now = options.now()
    let since = now.before(options.forget)
    let judgement = GateJudgement(
      live: try live(knowledge, since: since), isFresh: knowledge.isFresh, now: now.date ?? .distantPast,
      overridden: options.overridden,
      evidence: try evidence(knowledge), watches: try knowledge.ledger?.watches.all() ?? [],
      switches: try lifting("reading the ledger") { () in try knowledge.ledger?.switches.all() ?? [] },
      squashed: (catalog.baseline?.squashed ?? []).map(\.id))
    return Planner(
      catalog: catalog, applied: knowledge.applied, judgement: judgement, reason: options.reason,
      schema: knowledge.schema,
      schemaDigest: knowledge.isInPlace ? knowledge.expectedDigest : knowledge.schema.digest,
      drift: try knowledge.driftLines(), checkInsSince: since,
      underWay: try knowledge.ledger?.batches.underWay(), brought: Set(options.evidence.map(\.phase))
    ) { applied throws(MigrationError) in
      guard let ledger = knowledge.ledger else { throw Ledger.damaged("there is no ledger") }
      return try ledger.phases.text(of: applied)
    }
  }

  private func evidence(_ knowledge: Knowledge) throws(MigrationError) -> EvidenceKnowledge {
    let recorded = try lifting("reading the ledger") { () in try knowledge.ledger?.evidence.all() ?? [] }
    return EvidenceKnowledge(
      for: options.mustBeRehearsed, recorded + options.evidence, hasLedger: knowledge.ledger != nil)
  }

  private func live(
    _ knowledge: Knowledge, since moment: Timestamp
  ) throws(MigrationError) -> LiveKnowledge {
    guard options.live.isEmpty, !options.isLiveComplete else {
      return LiveKnowledge(
        toldBy: options.live, isComplete: options.isLiveComplete, beside: starting)
    }
    return try lifting("reading the ledger") { () in
      LiveKnowledge(
        try knowledge.ledger?.checkIns.all(since: moment) ?? [],
        ended: try knowledge.ledger?.checkIns.applications() ?? [], beside: starting)
    }
  }

  /// The baseline if it has to run, which is on an empty database.
  ///
  /// A database with tables and without a ledger must have exactly the tables of the baseline.
  func baseline(_ knowledge: Knowledge) throws(MigrationError) -> Script? {
    guard knowledge.ledger == nil else { return nil }
    if knowledge.isFresh { return catalog.baseline }
    // With --override drift, the present schema is the starting point.
    if !options.overridden.contains(.drift) {
      try Adopting(migrator: migrator).refuseUnadopted(knowledge)
    }
    return nil
  }
}

/// The parts of a plan that are about watches and their probes.
struct WatchPlanning: MigratorWork {
  let migrator: Migrator

  /// Refuses a plan whose phases name probes that the options do not have.
  ///
  /// - Throws: `unknown-probe`.
  func refuseUnknownProbes(of plan: Plan) throws(MigrationError) {
    guard !plan.isFresh else { return }
    for step in plan.steps {
      for probe in step.phase.probes where probe.query == nil {
        let place = Place(file: step.phase.up.file, line: 1, column: 1)
        guard let source = options.probes[probe.title] else {
          let known = options.probes.keys.sorted()
          let nearest: Prose? = Suggestion.nearest(to: probe.title, in: known).map { "did you mean '\($0)'?" }
          throw MigrationError(
            .unknownProbe, "\(step.id) asks the probe '\(probe.title)', which is not in phasedb.json",
            at: place, state: "nothing was changed",
            help: [nearest, "add it there under \"probes\", or write a SELECT under its @probe"].compactMap(
              \.self))
        }
        guard probe.wantsNumber, !source.givesNumber else { continue }
        throw MigrationError(
          .unknownProbe, "\(step.id) expects a number of the probe '\(probe.title)', which gives none",
          at: place, state: "nothing was changed",
          help: ["set \"number\": true on it in phasedb.json, or remove what it expects"])
      }
    }
  }

  /// Notes for which phases a watch would not reverse, because it is unknown how long the way down takes.
  func notes(on plan: Plan) -> [Prose] {
    guard !plan.isFresh else { return [] }
    return plan.steps.filter { $0.phase.watch?.then == .reverse }.compactMap { step in
      let hash = step.phase.tokenHash
      let isMeasured = plan.judgement.evidence.all.contains {
        $0.phase == step.id && $0.tokenHash == hash && $0.times.down != nil
      }
      guard !isMeasured else { return nil }
      return
        "the watch of \(step.id.short) would reverse nothing, because no rehearsal has measured how long that takes: phasedb rehearse"
    }
  }
}
