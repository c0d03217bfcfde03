internal import PhaseSQL
internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Gathers the facts about phases, and decides which of them are evidence.
struct ReadinessWork {
  let migrator: Migrator
  let request: Readiness.Request
  let knowledge: Knowledge
  let status: Status
  let planner: Planner
  let now: Timestamp
  /// How many rows the database has; nil when counting took too long.
  let rows: Int?
  /// Every phase there is: applied ones in their order, then pending ones in the order in which they would go up.
  let order: [(id: PhaseID, phase: Phase)]
  /// For each pending phase, the schema on which it would run, as far as evidence tells.
  private let schemas: [PhaseID: SchemaDigest]
  /// For applied phases: when the way back was last seen to do what the verdict says.
  private let seen: [PhaseID: Timestamp]
  private let times: [PhaseID: DownTime]
  private let measured: [WayDownRecords.PhaseText: Double]

  init(
    _ migrator: Migrator, _ request: Readiness.Request, _ knowledge: Knowledge
  ) throws(MigrationError) {
    (self.migrator, self.request, self.knowledge) = (migrator, request, knowledge)
    status = try StatusWork(migrator: migrator).status(knowledge)
    let planner = try Planning(migrator: migrator).planner(knowledge)
    self.planner = planner
    now = migrator.options.now()
    rows = try Self.rows(knowledge, on: migrator.connection)
    let applied = status.applied.compactMap { phase in phase.text.map { (id: phase.id, phase: $0) } }
    // Without an order, for instance because a file was edited, there is no valid evidence either.
    let known = try? RehearsalOrder(.pending, planner: planner)
    let steps = known?.steps ?? []
    let planned = Set(steps.map(\.id))
    let rest = status.pending.filter { !planned.contains($0.id) }.compactMap { phase in
      phase.text.map { (id: phase.id, phase: $0) }
    }
    order = applied + steps + rest
    var schemas: [PhaseID: SchemaDigest] = [:]
    var schema: SchemaDigest? = knowledge.isInPlace ? knowledge.expectedDigest : nil
    for step in steps {
      schemas[step.id] = schema
      schema = planner.judgement.evidence.schema(after: step.id, step.phase, from: schema)
    }
    self.schemas = schemas
    guard let ledger = knowledge.ledger else {
      (seen, times, measured) = ([:], [:], [:])
      return
    }
    let evidence = planner.judgement.evidence.all
    var seen: [PhaseID: Timestamp] = [:]
    let (verdicts, records) = try lifting("reading the ledger") { () in
      (try ledger.roundTrips.verdicts(), try ledger.waysDown.all(.rehearsal))
    }
    for phase in knowledge.applied {
      let rehearsed = evidence.last { $0.phase == phase.id && $0.tokenHash == phase.tokenHash }?.at
      let tried = verdicts[phase.sequence].map { $0 == .untried ? nil : phase.appliedAt } ?? nil
      let since = records[phase.sequence].flatMap {
        $0.schema == knowledge.expectedDigest.text ? $0.at : nil
      }
      seen[phase.id] = [rehearsed, tried, since].compactMap(\.self).max()
    }
    self.seen = seen
    times = try Planning(migrator: migrator).downTimes(
      of: status.applied.compactMap { phase in phase.text.map { (phase.id, $0, phase.evidence) } }, knowledge)
    measured = try lifting("reading the log") { () in try ledger.waysDown.lastTimes() }
  }

  private static func rows(_ knowledge: Knowledge, on connection: Connection) throws(MigrationError) -> Int? {
    do throws(SQLiteError) {
      return try connection.limited(to: CostLimit(.reading(within: .seconds(2)))) { () throws(SQLiteError) in
        try knowledge.presentSchema(on: connection).rows(on: connection)
      }
    } catch {
      if error.code != .tooCostly, error.code.isOfSurroundings {
        throw MigrationError(error, while: "counting rows")
      }
      return nil
    }
  }

  // MARK: - What is meant

  func readiness() throws(MigrationError) -> Readiness {
    let (wanted, words) = try scope()
    let subjects = try order.filter { wanted.contains($0.id) }.map { id, phase throws(MigrationError) in
      try subject(id, phase)
    }
    let questions = ReadinessAnswers(work: self, subjects: subjects).questions()
    let says = ReadinessWords(work: self, subjects: subjects)
    let states = order.map(\.id)
    return Readiness(
      database: migrator.database, now: now, scope: words, isThere: migrator.isThere,
      hasLedger: knowledge.ledger != nil, checkpoint: status.checkpoint,
      drift: status.drift, rows: migrator.isThere ? rows : nil,
      headline: says.headline(questions), subjects: subjects, questions: questions,
      recoveries: says.recoveries(), explanations: says.explanations(), states: states,
      appliedStates: status.applied.count, bands: bands(), switches: status.switches,
      notes: status.notes + status.gates.map { "\($0.reason): \($0.opening)" })
  }

  private func scope() throws(MigrationError) -> (Set<PhaseID>, Prose) {
    let pending = Set(order.map(\.id)).subtracting(status.applied.map(\.id))
    let applied = Set(status.applied.map(\.id))
    switch request.scope {
    case .open where pending.isEmpty: return (applied, "what is applied; nothing is pending")
    case .open, .pending: return (pending, "what is pending")
    case .applied: return (applied, "what is applied")
    case .migration(let name):
      let id = try PhaseID.find(migration: name, among: order.map(\.id))
      return (Set(order.map(\.id).filter { $0.migration == id.migration }), "migration \(id.migration)")
    }
  }

  private func subject(_ id: PhaseID, _ phase: Phase) throws(MigrationError) -> Readiness.Subject {
    let present = status.phases.first { $0.id == id }
    let applied = present?.applied
    let evidence = evidence(of: id, phase)
    let shown = applied == nil ? evidence : present?.evidence
    var times = Readiness.Times(up: shown?.times.up ?? applied?.milliseconds, hold: shown?.times.hold)
    let down =
      self.times[id]
      ?? DownTime(
        of: phase, idle: shown?.times.down,
        measured: measured[WayDownRecords.PhaseText(phase: id.description, hash: phase.tokenHash)],
        up: (0, shown?.times.up), migrator.options.pacing)
    (times.downLeast, times.downMost, times.basis) = (down?.least, down?.most, down?.basis.rawValue)
    times.overBudget = overBudget(phase, times)
    let reversal = present?.reversal
    let kept: [KeptData] =
      applied == nil
      ? []
      : try PurgeRun(id.description, migrator.catalog, knowledge, on: migrator.connection).listing(
        lookingForDeleted: .seconds(1)
      ).items
    let wait = wait(id, phase)
    return Readiness.Subject(
      id: id, text: phase, applied: applied, word: reversal?.word ?? Self.word(evidence),
      wayBack: reversal.map(\.inOneLine) ?? Self.wayBack(evidence), lost: reversal?.lost ?? [],
      times: times,
      kept: kept, archiveForecast: applied == nil ? evidence?.times.archiveBytes : nil,
      effects: status.effects[id] ?? [], watch: status.watches.last { $0.phase == id }, wait: wait,
      gates: present?.gates ?? [],
      toSafe: timeToSafe(id, phase, times))
  }

  private func timeToSafe(_ id: PhaseID, _ phase: Phase, _ times: Readiness.Times) -> Readiness.TimeToSafe {
    let watches = phase.watch.map { watch in
      phase.probes.filter { !$0.isControl }.map { probe in
        (watch.settle + watch.every * probe.failures).milliseconds
      }
    }
    return Readiness.TimeToSafe(
      detect: watches?.max(), decide: phase.watch?.then == .reverse ? 0 : nil,
      close: switches(of: id).isEmpty || id.kind == .contract
        ? 0 : migrator.options.switchSettle.milliseconds,
      downLeast: times.downLeast, downMost: times.downMost)
  }

  private func overBudget(_ phase: Phase, _ times: Readiness.Times) -> [Prose] {
    let measured = ["up": times.up, "down": times.downMost, "hold": times.hold]
    return (phase.budget?.limits ?? []).compactMap { name, limit in
      guard let time = measured[name] ?? nil, time > limit.milliseconds else { return nil }
      return
        "\(name) took \(TimeText.text(.milliseconds(time))), and the budget is \(TimeText.text(limit))"
    }
  }

  /// How long a contract waits: for its soak, and until its switch was fully on for long enough.
  private func wait(_ id: PhaseID, _ phase: Phase) -> Readiness.Wait? {
    var waits: [Readiness.Wait] = []
    if let soak = phase.effectiveSoak {
      let earlier = order.filter { $0.id.migration == id.migration && $0.id < id }
      let times = earlier.compactMap { phase in knowledge.applied.first { $0.id == phase.id }?.appliedAt }
      waits.append(Readiness.Wait(lasts: soak, since: times.count == earlier.count ? times.max() : nil))
    }
    for required in phase.switchesRequired {
      guard let time = required.fullFor else { continue }
      let since = status.switches.first { $0.name == required.name }?.fullSince
      waits.append(Readiness.Wait(lasts: time, since: since))
    }
    return waits.max { left, right in
      guard let one = left.ends, let two = right.ends else {
        return left.ends != nil || left.lasts < right.lasts
      }
      return one < two
    }
  }

  /// The switches that decide who sees the change of a migration.
  func switches(of id: PhaseID) -> [String] {
    order.first { $0.id == PhaseID(id.migration, .expand) }?.phase.switchesMade ?? []
  }

  // MARK: - Evidence

  /// The reason why something is not evidence.
  struct Lack {
    let why: Prose
    let closing: Readiness.Closing
  }

  /// The evidence of a phase that is pending: of this text, on the schema on which it would run, with rows, and not
  /// too old. Every proved answer about a pending phase comes from here.
  func evidence(of id: PhaseID, _ phase: Phase) -> Evidence? { try? proof(of: id, phase).get() }

  func proof(of id: PhaseID, _ phase: Phase) -> Result<Evidence, LackOfProof> {
    func lacking(_ why: Prose, _ closing: Readiness.Closing? = nil) -> Result<Evidence, LackOfProof> {
      .failure(LackOfProof(lack: Lack(why: why, closing: closing ?? rehearsing)))
    }
    if let lack = generalLack { return .failure(LackOfProof(lack: lack)) }
    let hash = phase.tokenHash
    let own = planner.judgement.evidence.all.filter { $0.phase == id }
    guard let latest = own.last else { return lacking("it was never rehearsed") }
    let ofText = own.filter { $0.tokenHash == hash }
    guard let latestOfText = ofText.last else {
      return lacking("the rehearsal of \(latest.at.minute) was of another text: the file was edited since")
    }
    guard let schema = schemas[id] else {
      return lacking("the phases before it were not rehearsed, so the schema it would run on is not known")
    }
    let onSchema = ofText.filter { $0.schemaBefore == schema }
    guard let found = onSchema.last else {
      return lacking("the rehearsal of \(latestOfText.at.minute) was on another schema")
    }
    // A later success does not outweigh a loss, because it ran on other rows.
    let judged = onSchema.last { $0.verdict == .lossy } ?? found
    let details = judged.details
    guard details.tables.contains(where: { $0.rows > 0 }) else {
      return lacking("the rehearsal of \(judged.at.minute) had no rows")
    }
    guard details.emptyTables.isEmpty else {
      return lacking(
        "the rehearsal of \(judged.at.minute) had no rows in \(DetailLines.enumeration(details.emptyTables))")
    }
    guard !isTooOld(judged.at) else { return lacking(tooOld("the rehearsal", judged.at)) }
    return .success(judged)
  }

  /// The same for an applied phase. Its way back is judged with the present rows.
  ///
  /// - Returns: when it was seen, or why it is not evidence.
  func proofOfApplied(_ phase: Status.Entry) -> Result<Timestamp, LackOfProof> {
    func lacking(_ why: Prose, _ closing: Readiness.Closing? = nil) -> Result<Timestamp, LackOfProof> {
      .failure(LackOfProof(lack: Lack(why: why, closing: closing ?? rehearsingDown(phase.id))))
    }
    if !knowledge.isInPlace || !knowledge.ledgerDrift.isEmpty, let lack = generalLack {
      return .failure(LackOfProof(lack: lack))
    }
    if phase.isEdited {
      return lacking(
        "its file says something else than what was applied",
        Readiness.Closing(before: "restore the applied text", commands: ["phasedb lint"]))
    }
    guard let at = seen[phase.id] else { return lacking("its way back was never run on rows") }
    guard rows != 0 else { return lacking("the database has no rows, so that nothing is proved") }
    guard !isTooOld(at) else { return lacking(tooOld("its way back was seen, which", at)) }
    return .success(at)
  }

  struct LackOfProof: Error { let lack: Lack }

  /// The reason why nothing can be proved; nil when there is none.
  private var generalLack: Lack? {
    if !knowledge.isInPlace || !knowledge.ledgerDrift.isEmpty {
      return Lack(
        why: "the schema was changed outside phasedb since",
        closing: Readiness.Closing(
          before: "undo that, or write it as a migration", commands: ["phasedb verify"]))
    }
    if status.applied.contains(where: \.isEdited) {
      return Lack(
        why: "the file of an applied phase was edited, so nothing can go up",
        closing: Readiness.Closing(before: "restore the applied text", commands: ["phasedb lint"]))
    }
    if let half = status.underWay {
      return Lack(
        why: "\(half.id.short) is half done",
        closing: Readiness.Closing(before: "", commands: ["phasedb \(half.direction.rawValue)"]))
    }
    return nil
  }

  func isTooOld(_ at: Timestamp) -> Bool {
    // An unreadable time has no age, and evidence from the future proves nothing.
    at.date == nil || at < now.before(request.maximumAge) || at > now.before(.zero - .seconds(3_600))
  }

  func tooOld(_ what: Prose, _ at: Timestamp) -> Prose {
    "\(what) of \(at.minute) is older than \(DurationText.print(request.maximumAge)), or not of the past"
  }

  /// The file with evidence that a report reads.
  private var file: ShellWord { ShellWord(request.file ?? "evidence.json") }

  /// How pending phases are rehearsed.
  var rehearsing: Readiness.Closing {
    guard migrator.isThere, !knowledge.isFresh else {
      return Readiness.Closing(
        before: "there are no rows yet to rehearse on; going up tries the way back", commands: ["phasedb up"])
    }
    let before: Prose = rows == 0 ? "fill the tables: what has no rows proves nothing" : ""
    guard knowledge.ledger == nil else {
      return Readiness.Closing(before: before, commands: ["phasedb rehearse"])
    }
    return Readiness.Closing(
      before: before,
      commands: ["phasedb rehearse --evidence \(file)", "phasedb report --evidence \(file)"])
  }

  func rehearsingDown(_ id: PhaseID) -> Readiness.Closing {
    Readiness.Closing(
      before: rows == 0 ? "fill the tables: what has no rows proves nothing" : "",
      commands: ["phasedb rehearse down \(stepsDown(to: id))"])
  }

  /// How many phases have to come down, including this one.
  func stepsDown(to id: PhaseID) -> Int {
    knowledge.applied.count - (knowledge.applied.firstIndex { $0.id == id } ?? 0)
  }

  /// How to run compat so that a report can use the result.
  func comparing(_ before: Prose = "") -> Readiness.Closing {
    Readiness.Closing(
      before: before, commands: ["phasedb compat --evidence \(file)", "phasedb report --evidence \(file)"],
      // The queries are written for the seed rows of the folder, if it has any.
      isOnDatabase: rows != 0
        && !(request.folder.map { FileReading.exists(Corpus(of: $0).seedPath) } ?? false))
  }

  /// Asks for an edit in the file of a phase, or for a new migration where the phase is applied.
  func writing(_ what: Prose, into id: PhaseID) -> Readiness.Closing {
    guard knowledge.applied.contains(where: { $0.id == id }) else {
      return Readiness.Closing(before: "write \(what) into its file", commands: ["phasedb lint"])
    }
    return Readiness.Closing(
      before: "an applied phase cannot be edited: take it down, write \(what), and apply it again",
      commands: ["phasedb plan down \(stepsDown(to: id))"])
  }

  /// Where a piece of evidence is written.
  func place(of evidence: Evidence) -> Prose {
    migrator.options.evidence.contains(evidence) ? Prose(request.file ?? "a file") : "phasedb_evidence"
  }

  private static func word(_ evidence: Evidence?) -> Reversal.Word {
    switch evidence?.verdict {
    case nil: .unknown
    case .exact: .exact
    case .declared, .lossy: .lossy
    case .failed: .blocked
    }
  }

  private static func wayBack(_ evidence: Evidence?) -> Prose {
    guard let evidence else { return "unknown" }
    let tables = evidence.details.tables.filter { $0.differing > 0 }
    let list = tables.map { "\(CountText.text($0.differing, "row")) of \($0.table)" as Prose }
    switch evidence.verdict {
    case .exact: return "exact"
    case .declared: return "lossy, as declared: \(list.joined(separator: ", "))"
    case .lossy: return "lossy: \(list.joined(separator: ", "))"
    case .failed: return "blocked: the rehearsal failed"
    }
  }

  /// The command that takes down a phase and the phases after it.
  func downCommand(to id: PhaseID) -> Prose {
    let index = order.firstIndex { $0.id == id } ?? 0
    let isOffline = order[index...].contains { $0.phase.windows.contains(where: \.range.isOffline) }
    let stopped: Prose = isOffline ? " --live none" : ""
    return (index == 0 ? "phasedb down --all" : "phasedb down --to \(order[index - 1].id.short)") + stopped
  }

  // MARK: - Bands

  private func bands() -> [Readiness.Bands] {
    let windows = order.map(\.phase.windows)
    let intervals =
      [LiveIntervals.of(applied: [Windows](), pending: windows)]
      + LiveIntervals.alongUp(applied: [Windows](), steps: windows, pending: [Windows]())
    let corpus = request.folder.map { Corpus(of: $0).files() } ?? []
    let live = planner.judgement.live.versions
    return Set(windows.flatMap { $0.map(\.application) }).sorted().map { application in
      let own = live.filter { $0.application == application }.map(\.version)
      var versions = own + corpus.filter { $0.application == application }.compactMap(\.version)
      // If no version is known, the bounds themselves are used as versions.
      if versions.isEmpty {
        versions = windows.compactMap { $0[application] }.flatMap { [$0.lower?.version, $0.upper?.version] }
          .compactMap(\.self)
      }
      var distinct: [Version] = []
      for version in versions.sorted() where distinct.last != version { distinct.append(version) }
      return Readiness.Bands(
        application: application,
        rows: distinct.suffix(10).map { version in
          Readiness.Bands.Row(
            version: version.description, isLive: own.contains(version),
            mayRun: intervals.map { $0[application]?.contains(version) ?? true })
        })
    }
  }
}

extension PhaseID {
  /// Finds the migration that a user names, by its name, its number or one of its phases.
  ///
  /// - Returns: a phase of it.
  /// - Throws: `unknown-phase`, `ambiguous-phase`.
  fileprivate static func find(
    migration name: String, among candidates: [PhaseID]
  ) throws(MigrationError) -> PhaseID {
    let matches = candidates.filter { $0.isNamed(by: name) }
    if let first = matches.first, matches.allSatisfy({ $0.migration == first.migration }) { return first }
    return try find(name, among: candidates)
  }
}
