internal import PhaseSQL
internal import PhaseSQLite

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One database and one catalog of migrations.
///
/// Ask for a plan, look at it, run it. A migrator belongs to the thread that made it.
///
/// ```swift
/// let catalog = try Catalog(folder: "migrations")
/// let migrator = try Migrator(database: "shop.db", catalog: catalog)
/// let plan = try migrator.plan(.upAll)
/// try migrator.run(plan) { event in print(event) }
/// ```
public final class Migrator {
  /// What a migrator may do with the database.
  public enum Access: Sendable, Hashable {
    /// Reads only, and never makes a file: for plans, status and checks.
    case reading
    /// Reads and writes a file that exists.
    case writing
    /// Reads and writes, and makes a missing file.
    case creating
  }

  /// The migrations that the database is to have.
  public internal(set) var catalog: Catalog
  /// The options of the next call.
  public var options: Options {
    didSet { connection.ignoredTables = NamePatterns(options.ignoreTables) }
  }
  /// The path, or `(borrowed)` for a handle without one.
  public let database: String
  let connection: Connection
  /// False when there is no file yet.
  public let isThere: Bool
  /// The version that brings the schema up for itself, and counts as live beside those that checked in.
  var starting: LiveVersion?

  /// Opens a database file.
  ///
  /// - Throws: `database-not-found`, `database-unreadable`, `database-read-only`, `not-a-database`,
  ///   `database-damaged`, `database-busy`, or `sqlite-too-old` for a library before 3.35.
  public init(
    database path: String, catalog: Catalog, access: Access = .creating, options: Options = Options()
  ) throws(MigrationError) {
    self.catalog = catalog
    self.options = options
    database = path
    if access == .reading {
      let opened = try DatabaseFile.openForReading(path, wait: options.wait)
      isThere = opened != nil
      if let opened {
        connection = opened
      } else {
        connection = try lifting("opening a database in memory") { () in
          try Connection(path: "", mode: .memory)
        }
      }
    } else {
      isThere = true
      connection = try DatabaseFile.openForWriting(path, creating: access == .creating, wait: options.wait)
    }
    connection.ignoredTables = NamePatterns(options.ignoreTables)
  }

  init(_ connection: Connection, _ name: String, catalog: Catalog, options: Options) {
    self.catalog = catalog
    self.options = options
    self.connection = connection
    database = name
    isThere = true
    connection.ignoredTables = NamePatterns(options.ignoreTables)
  }

  /// Borrows a handle that the application already has, from GRDB, SQLite.swift or `sqlite3_open`.
  ///
  /// The handle is not closed. Settings that phases need are put in force while a plan runs and put back as they
  /// were; the handle's own authorizer and progress handler are removed, because SQLite cannot give them back.
  ///
  /// - Parameter handle: a `sqlite3 *` without an open transaction, not used by other code while the migrator lives.
  /// - Throws: `sqlite-too-old` for a library before 3.35.
  @unsafe public init(
    borrowing handle: OpaquePointer, catalog: Catalog, options: Options = Options()
  ) throws(MigrationError) {
    try DatabaseFile.refuseOldSQLite()
    self.catalog = catalog
    self.options = options
    connection = unsafe Connection(borrowing: handle)
    database = connection.path.isEmpty ? "(borrowed)" : connection.path
    isThere = true
    connection.ignoredTables = NamePatterns(options.ignoreTables)
  }

  /// Plans what would be done; nothing runs and nothing is written.
  ///
  /// - Throws: whatever refuses the whole of it, from `unknown-phase` to `edited-after-apply` and `schema-drift`.
  public func plan(_ selection: Selection) throws(MigrationError) -> Plan {
    try connection.reading { () throws(MigrationError) in try presentPlan(selection) }
  }

  /// - Parameter saysReversals: whether the plan of a way down says what it would give back.
  func presentPlan(
    _ selection: Selection, saysReversals: Bool = true, contracts: Bool = true
  ) throws(MigrationError) -> Plan {
    let knowledge = try undrifted()
    let planner = try planner(knowledge)
    switch selection.direction {
    case .up:
      let squashed = try unrecordedSquash(knowledge)
      var plan = try planner.up(selection, baseline: try baseline(knowledge), contracts: contracts)
      if let last = squashed.last {
        plan.squashed = squashed
        let note: Prose =
          "baseline.sql stands for the phases up to \(last.short): this is recorded, and they do not come down any more"
        plan.squashNote = note
        plan.notes.append(note)
      }
      try refuseUnknownProbes(of: plan)
      try refuseUnknownLanes(of: &plan)
      try refuseTakenSwitches(of: plan, knowledge)
      plan.notes += notesOnWatches(of: plan) + notesOnSwitches(of: plan)
      return plan
    case .down:
      let checkpoints = try lifting("reading the ledger") { () in
        try knowledge.ledger?.checkpoints.named(applied: knowledge.applied) ?? []
      }
      var plan = try planner.down(selection, checkpoints: checkpoints)
      try refuseUnknownLanes(of: &plan)
      if saysReversals { plan.reversals = try reversals(knowledge) }
      if saysReversals, let half = planner.halfApplied, let underWay = planner.underWay,
        let ledger = knowledge.ledger
      {
        plan.reversals[half.id] = try Reversal(of: underWay, ledger)
      }
      if saysReversals, let ledger = knowledge.ledger {
        for (phase, error) in try brokenArchives(of: plan.steps.map(\.id), on: .down, ledger)
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
      plan.closing = try closing(of: plan, knowledge)
      plan.notes += notesOnSwitches(of: plan)
      if saysReversals, let ledger = knowledge.ledger { try tellEffects(of: &plan, knowledge, ledger) }
      let rehearsed = plan.rehearsed
      plan.times = try downTimes(of: plan.steps.map { ($0.id, $0.phase, rehearsed[$0.id]) }, knowledge)
      return plan
    }
  }

  /// What is known of a database whose ledger and schema are as phasedb left them, or of which that is overridden.
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

  /// Runs a plan, each step in a transaction of its own.
  ///
  /// - Parameters:
  ///   - plan: from ``plan(_:)`` of a migrator on the same database.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: the first failure, with what it left behind in `standing` and `state`.
  @discardableResult
  public func run(_ plan: Plan, observe: @escaping (Event) -> Void = { _ in }) throws(MigrationError)
    -> RunResult
  {
    let before = try changingNothing { () throws(MigrationError) in
      try refuseBlocked(plan)
      try refuseBrokenArchives(plan)
      return try Knowledge(of: connection)
    }
    if !plan.squashed.isEmpty { try recordSquash(of: plan.squashed) }
    let knowledge = plan.squashed.isEmpty ? before : try Knowledge(of: connection)
    var stuck: Set<String> = []
    // What could not be let go is tried again at the end, and told once.
    let tell = { (event: Event) in
      if case .laneStuck(let name, _) = event, !stuck.insert(name).inserted { return }
      observe(event)
    }
    let engine = Engine(
      on: connection, probes: options.probes, lanes: lanes, effectsFolder: options.effectsFolder,
      switchSettle: options.switchSettle, runner: options.runner, now: options.now, wait: options.wait,
      pacing: options.pacing, cancellation: options.cancellation, observe: tell)
    letGoOfAbandonedLanes(tell)
    defer { letGoOfAbandonedLanes(tell) }
    let result = try engine.run(plan, from: knowledge).result
    // What is kept only spares later commands the trial.
    try? keepDownTrials()
    return result
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
      policy: options.evidencePolicy, recorded + options.evidence, hasLedger: knowledge.ledger != nil)
  }

  private func live(
    _ knowledge: Knowledge, since moment: Timestamp
  ) throws(MigrationError) -> LiveKnowledge {
    guard options.live.isEmpty, !options.isLiveComplete else {
      return LiveKnowledge(toldBy: options.live, isComplete: options.isLiveComplete, beside: starting)
    }
    return try lifting("reading the ledger") { () in
      LiveKnowledge(
        try knowledge.ledger?.checkIns.all(since: moment) ?? [],
        ended: try knowledge.ledger?.checkIns.applications() ?? [], beside: starting)
    }
  }

  /// The baseline, when it has to run: on a database that has nothing in it.
  ///
  /// A database that has tables and no ledger must have exactly the baseline's.
  func baseline(_ knowledge: Knowledge) throws(MigrationError) -> Script? {
    guard knowledge.ledger == nil else { return nil }
    if knowledge.isFresh { return catalog.baseline }
    // Whoever overrides drift begins with the schema that is there.
    if !options.overridden.contains(.drift) { try refuseUnadopted(knowledge) }
    return nil
  }
}
