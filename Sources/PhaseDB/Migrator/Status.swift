internal import PhaseSQLite

/// The state of a database: which phases are applied, what holds the others, and which versions may run.
public struct Status: Sendable {
  /// The path of the database.
  public let database: String
  /// False when there is no such file yet.
  public let isThere: Bool
  /// Whether phasedb has recorded anything there.
  public let hasLedger: Bool
  /// True when the database has no tables, so that there is nothing to be compatible with.
  public let isFresh: Bool
  /// Applied phases in the order in which they were applied, then pending ones in folder order.
  public internal(set) var phases: [Entry]
  /// The checkpoint the database is at, nil before the first phase.
  public let checkpoint: Checkpoint?
  /// How the schema differs from what the ledger says, one line each; empty when it does not.
  public let drift: [Prose]
  /// The closed gates that hold every phase: drift, and the texts that were edited.
  public let gates: [Gate.Closed]
  /// For each application, the versions that may be live now.
  public let live: [String: StateInterval]
  /// The check-ins that still count; empty when `live` of ``Options`` names the live versions.
  package let checkIns: [CheckIn]
  /// Who runs phases at this moment, nil when no run is going on.
  public let runner: String?
  /// The run that failed last, nil once another began or ended after it.
  package let lastStop: RunStop?
  /// The batched phase that is half done, nil when there is none.
  package let underWay: PhaseUnderWay?
  /// The way back to the last checkpoint that an operator named, nil when there is none below the present state.
  package let wayBack: CheckpointReversal?
  /// The watches of applied phases, oldest first.
  package let watches: [WatchRecord]
  /// The switches, by their names.
  package let switches: [SwitchRecord]
  /// What keeps watches from reversing; nil when nothing does.
  package let freeze: Freeze?
  /// The lanes that are held, or that the ledger says are held.
  package let lanes: [LaneStanding]
  /// The counted effects of applied phases. Phases that declare none are left out.
  package let effects: [PhaseID: [EffectCount]]
  /// Live versions that may not run on the present schema.
  package let misfits: [LiveMisfit]
  /// Why a live version cannot be judged, one sentence each.
  public let notes: [Prose]
  /// Errors in files that could not be read. Their phases are missing from ``phases``.
  package var unread: [MigrationError] = []

  /// The same status with only one phase.
  ///
  /// - Parameter name: its id, or a prefix that names one phase.
  /// - Throws: `unknown-phase`, `ambiguous-phase`.
  package func only(_ name: String) throws(MigrationError) -> Status {
    let id = try PhaseID.find(name, among: phases.map(\.id))
    var status = self
    status.phases = phases.filter { $0.id == id }
    return status
  }

  /// The phases that the database has.
  public var applied: [Entry] { Array(phases[..<firstPending]) }
  /// The phases of the catalog that it lacks.
  public var pending: [Entry] { Array(phases[firstPending...]) }
  private var firstPending: Int { phases.firstIndex { $0.applied == nil } ?? phases.endIndex }
  /// Whether somebody changed the schema outside phasedb.
  public var hasDrifted: Bool { !drift.isEmpty }

  /// The state of one phase.
  public struct Entry: Sendable {
    /// The phase.
    public let id: PhaseID
    /// How it was applied, nil while it is pending.
    package let applied: AppliedPhase?
    /// False while it is pending.
    public var isApplied: Bool { applied != nil }
    /// What keeps a pending phase from going up; empty when nothing does.
    public let gates: [Gate.Closed]
    /// False for an applied phase that the catalog does not have.
    public let isInCatalog: Bool
    /// Whether the baseline replaces it, so that it cannot come down.
    package var isSquashed: Bool { applied?.isSquashed == true }
    /// True for an applied phase whose text the catalog has changed.
    public let isEdited: Bool
    /// What the last rehearsal of its text showed, nil when there was none.
    package let evidence: Evidence?
    /// What its reversal would restore now; nil while it is pending.
    public let reversal: Reversal?
    /// Its text; for an applied phase, the text that was applied. Nil when the ledger's text cannot be read.
    public let text: Phase?
  }
}

/// A possible way back to a checkpoint.
package struct CheckpointReversal: Sendable {
  package let checkpoint: Checkpoint
  /// The worst word of the phases that would come down.
  package let word: Reversal.Word
  /// How long each of them may take, as far as that is known.
  package let times: [PhaseID: DownTime]
  /// How many phases would come down.
  package let count: Int
  /// The gate of the first phase that may not come down now; nil when all may.
  package let gate: Gate.Closed?
}

extension Status {
  /// The last watch that failed, and how many phases come down to take back what it covers; nil when none did, or nothing
  /// of it is applied any more.
  package var wayBackOfWatch: (watch: WatchRecord, count: Int)? {
    for watch in watches.reversed() where watch.verdict == .failed {
      let count = applied.count { ($0.applied?.sequence ?? 0) >= watch.first }
      if count > 0 { return (watch, count) }
    }
    return nil
  }
}

/// Works out the state of every phase.
struct StatusWork: MigratorWork {
  let migrator: Migrator

  func status() throws(MigrationError) -> Status {
    try reading(connection) { () throws(MigrationError) in
      try status(try Knowledge.glancing(at: connection))
    }
  }

  static func status(
    database path: String, folder: String, options: Options
  ) throws(MigrationError) -> Status {
    let files = CatalogReading(folder: folder)
    let migrator = try Migrator(
      database: path, catalog: try Catalog([]), access: .reading, options: options)
    return try reading(migrator.connection) { () throws(MigrationError) in
      let knowledge = try Knowledge.glancing(at: migrator.connection)
      // The folder is still being read; this does not need it.
      let reversals = try WaysBack(migrator: migrator).reversals(knowledge)
      let texts = try lifting("reading the ledger") { () in try knowledge.ledger?.phases.texts() ?? [] }
      let (catalog, problems) = files.finish()
      if let catalog { migrator.catalog = catalog }
      RecordedText.recognize(knowledge.applied, by: texts, in: migrator.catalog)
      var status = try StatusWork(migrator: migrator).status(knowledge, reversals)
      status.unread = problems
      return status
    }
  }

  func status(_ knowledge: Knowledge) throws(MigrationError) -> Status {
    try status(knowledge, try WaysBack(migrator: migrator).reversals(knowledge))
  }

  private func status(
    _ knowledge: Knowledge, _ reversals: [PhaseID: Reversal]
  ) throws(MigrationError) -> Status {
    let planner = try planning.planner(knowledge)
    let shown = Dictionary(grouping: planner.judgement.evidence.all, by: \.phase)
    let files = Dictionary(catalog.phases.map { ($0.id, $0.phase) }, uniquingKeysWith: { first, _ in first })
    var texts: [PhaseID: Phase] = [:]
    let applied = knowledge.applied.map { phase in
      let file = files[phase.id]
      let isEdited = file.map { $0.tokenHash != phase.tokenHash } ?? false
      // The ledger is asked only where the folder does not have the same text.
      let text = (isEdited ? nil : file) ?? (try? knowledge.ledger?.phases.text(of: phase))
      texts[phase.id] = text
      return Status.Entry(
        id: phase.id, applied: phase, gates: [], isInCatalog: file != nil, isEdited: isEdited,
        evidence: shown[phase.id]?.last { $0.tokenHash == phase.tokenHash }, reversal: reversals[phase.id],
        text: text)
    }
    let wayBack = try wayBack(applied, texts, planner.judgement, knowledge)
    let done = Set(knowledge.applied.map(\.id))
    let candidates = catalog.phases(where: { !done.contains($0) })
    let pendingHere = Renumbered.pending(in: catalog, beside: knowledge.applied)
    let order = UpOrder(pendingHere, beyond: [], limit: .max, planner: planner)
    var held = Dictionary(order.held.map { ($0.id, $0.gates) }, uniquingKeysWith: { first, _ in first })
    for one in planner.folder.renumbered {
      held[one.present] = [
        Gate.Closed(
          gate: .order, reason: one.sentence, brief: "applied as \(one.former.short)",
          opening: Renumbered.opening)
      ]
    }
    let pending = candidates.map { id, phase in
      // Hashing a text takes time, so it is done only where there is evidence for a phase of that name.
      let evidence = shown[id].flatMap { own in
        let hash = phase.tokenHash
        return own.last { $0.tokenHash == hash }
      }
      return Status.Entry(
        id: id, applied: nil, gates: held[id] ?? [], isInCatalog: true, isEdited: false, evidence: evidence,
        reversal: nil, text: phase)
    }
    let lease = try lifting("reading the ledger") { () in try knowledge.ledger?.lease.held() }
    let underWay = planner.underWay
    let half = underWay.map { [$0.phase.windows] } ?? []
    return Status(
      database: database, isThere: isThere, hasLedger: knowledge.ledger != nil, isFresh: knowledge.isFresh,
      phases: applied + pending,
      checkpoint: knowledge.applied.last.map(Checkpoint.init(after:)),
      drift: knowledge.ledgerDrift.lines + planner.drift,
      gates: gates(knowledge, edited: applied.filter(\.isEdited).map(\.id)),
      live: LiveIntervals.of(
        applied: knowledge.applied.map(\.windows) + half, pending: pendingHere.map(\.phase.windows) + half),
      checkIns: planner.judgement.live.checkIns,
      runner: lease.map { "\($0.holder.user) on \($0.holder.host) (process \($0.holder.processID))" },
      lastStop: try lifting("reading the log") { () in
        try knowledge.ledger.flatMap { ledger throws(SQLiteError) in try RunStop.last(in: ledger) }
      },
      underWay: underWay.map { PhaseUnderWay($0, isRunning: lease != nil) }, wayBack: wayBack,
      watches: planner.judgement.watches.filter { watch in
        // A watch whose way back stopped half way is shown while some of its phases are still applied.
        watch.verdict == .checking
          || knowledge.applied.contains {
            $0.sequence == watch.id
              || watch.verdict == .failed && watch.reversal != nil
                && (watch.first...watch.id).contains($0.sequence)
          }
      }, switches: planner.judgement.switches, freeze: try WatchDecisions(migrator: migrator).presentFreeze(),
      lanes: try LaneWork(migrator: migrator).standings(knowledge.ledger).filter {
        $0.state != .open || $0.isUnheld
      },
      effects: try EffectWork(migrator: migrator).counts(of: texts, knowledge),
      misfits: planner.misfits,
      notes: planner.judgement.live.versions.isEmpty && planner.judgement.live.checkIns.isEmpty
        ? [] : planner.liveBounds.unjudged(planner.judgement.live))
  }

  private func wayBack(
    _ applied: [Status.Entry], _ texts: [PhaseID: Phase], _ judgement: GateJudgement, _ knowledge: Knowledge
  ) throws(MigrationError) -> CheckpointReversal? {
    // If the ledger's tables were changed from outside, they cannot be trusted.
    guard knowledge.isInPlace, knowledge.ledgerDrift.isEmpty, let present = knowledge.applied.last?.sequence
    else { return nil }
    let checkpoints = try lifting("reading the ledger") { () in
      try knowledge.ledger?.checkpoints.named(applied: knowledge.applied) ?? []
    }
    guard let checkpoint = checkpoints.last(where: { $0.isReachable && $0.sequence < present }) else {
      return nil
    }
    let above = applied.reversed().filter { $0.applied.map { $0.sequence > checkpoint.sequence } ?? false }
    let steps = above.compactMap { phase in texts[phase.id].map { (phase.id, $0, phase.evidence) } }
    return CheckpointReversal(
      checkpoint: checkpoint, word: above.compactMap { $0.reversal?.word }.max() ?? .unknown,
      times: try planning.downTimes(of: steps, knowledge), count: above.count,
      gate: steps.lazy.flatMap { judgement.closedForDown($0.0, $0.1.windows) }.first)
  }

  private func gates(_ knowledge: Knowledge, edited: [PhaseID]) -> [Gate.Closed] {
    let drift = Gate.Closed(
      gate: .drift, reason: "the schema differs from the one in the ledger \(knowledge.checkpointText)",
      opening: "undo the change that was made outside phasedb, or accept it with --override drift")
    let ledger = knowledge.ledgerDrift
    let touched = Gate.Closed(
      gate: .drift, reason: "objects of the ledger were changed or added from outside",
      opening: ledger.remedies.joined(separator: "; "))
    return (ledger.isEmpty ? [] : [touched]) + (knowledge.isInPlace ? [] : [drift])
      + edited.map {
        Gate.Closed(
          gate: .edited, reason: "\($0) was edited after it was applied",
          opening: "restore the applied text, and write the change as a new migration", phase: $0)
      }
  }
}
