internal import PhaseSQL
internal import PhaseSQLite

/// Says of applied phases what their reversal would be. Reads only.
///
/// The verdicts come from runs: from the way back in the transaction in which the phase went up, from rehearsals, from
/// the way back on a scratch database, and, where the database is small, from the way back on a copy of it with its
/// rows.
struct Reversals {
  private let ledger: Ledger
  private let applied: [AppliedPhase]
  /// Reads the present schema.
  private let readSchema: () throws(SQLiteError) -> Schema
  /// Whether the schema is that of the last checkpoint.
  private let isInPlace: Bool
  /// What rehearsals showed, oldest first.
  private let evidence: [PhaseID: [Evidence]]
  private let connection: Connection
  /// Makes a copy on which the way down can be run; nil where it may not be made.
  private let copy: () throws(MigrationError) -> DownRun?
  private let reach: Reach

  /// How many phases are taken down on a copy.
  enum Reach {
    /// As many as depend on the present rows, and no more than ``mostSteps``.
    case asNeeded
    case steps(Int)
  }

  static let mostSteps = 20

  /// - Parameters:
  ///   - applied: in the order in which they were applied.
  ///   - isInPlace: whether the schema is that of the last checkpoint, so that no way back can meet another.
  ///   - schema: reads the present one, which is asked for only where it decides.
  init(
    _ ledger: Ledger, _ applied: [AppliedPhase], isInPlace: Bool,
    schema: @escaping () throws(SQLiteError) -> Schema, evidence: [Evidence] = [],
    copy: @escaping () throws(MigrationError) -> DownRun? = { () throws(MigrationError) in nil },
    reach: Reach = .asNeeded, on connection: Connection
  ) {
    self.reach = reach
    self.ledger = ledger
    self.applied = applied
    self.isInPlace = isInPlace
    readSchema = schema
    self.evidence = Dictionary(grouping: evidence, by: \.phase)
    self.copy = copy
    self.connection = connection
  }

  /// The reversal of every applied phase.
  ///
  /// Phases are reversed last first. What one of them would give back is told from the rows as they are now, as far as the
  /// phases after it left them alone.
  func all() throws(MigrationError) -> [PhaseID: Reversal] { try allAndSteps().reversals }

  /// The same, with what came of those that were taken down on a copy.
  func allAndSteps() throws(MigrationError) -> (reversals: [PhaseID: Reversal], steps: [DownRun.Step]) {
    let drafts = try drafts()
    let forecast = ReversalForecast(ledger, applied, schema: readSchema, on: connection)
    let (run, written, isOutOfTime) = try run(drafts, forecast)
    let steps = Dictionary(run.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var reversals: [PhaseID: Reversal] = [:]
    var obstacle: PhaseID?
    var later: ReversalForecast.Later?
    var left = LeftToChance()
    for draft in drafts {
      let id = draft.applied.id
      var own = draft.reversal
      var up: ReversalForecast.WayUp?
      if let step = steps[id] {
        own.take(step)
        if let written = written[id] { own.take(written) }
      } else {
        own.lost = own.lost.map(\.countedThen)
        try forecast.addFormerObstacles(draft, to: &own)
        up = try forecast.add(draft, after: later, to: &own)
        own.take(try WrittenAgain(draft.retired, on: connection))
        if isOutOfTime, draft.dependsOnRows, own.word == .expected || own.word == .uncertain {
          own.notes.append(
            "the time was over before its way back was tried on a copy; without a limit: \(draft.rehearsing)"
          )
        }
      }
      if !left.isEmpty, own.obstacles.isEmpty {
        own.uncertain += try forecast.reached(draft, from: left, but: own.lost)
      }
      // Two archives of one table may tell the same.
      own.uncertain = own.uncertain.reduce(into: []) { rows, next in
        if !rows.contains(next) { rows.append(next) }
      }
      left.add(draft)
      if !own.lost.isEmpty { own = own.declaring(try ledger.phases.text(of: draft.applied).losses) }
      later = later ?? ReversalForecast.Later()
      if draft.dependsOnRows { try later?.add(draft, up, touching: steps[id]?.tables ?? []) }
      if own.word == .blocked {
        obstacle = obstacle ?? id
      } else if let obstacle {
        own.obstacles = [
          Reversal.Obstacle(
            reason: "\(obstacle.short), which was applied later, cannot be reversed",
            openings: [
              "see what blocks \(obstacle.short): \(Self.command("plan down", drafts.firstIndex { $0.applied.id == obstacle } ?? 0))"
            ])
        ]
      }
      reversals[id] = own
    }
    return (reversals, run)
  }

  // MARK: What is known without rows

  /// A command that goes down as far as a phase with so many others above it.
  private static func command(_ verb: Prose, _ above: Int) -> Prose {
    "phasedb \(verb)\(above == 0 ? "" : " \(above + 1)")"
  }

  /// A phase, and what is known of its reversal so far.
  struct Draft {
    let applied: AppliedPhase
    var reversal: Reversal
    /// What it took and an archive keeps.
    let kept: [ArchiveRecord]
    let trial: DownTrial
    /// What was seen on a copy since, from the present schema.
    let rehearsal: WayDownRecord?
    /// Whether every row was seen to come back while the phase went up, no phase is above it, and the schema is the same
    /// since.
    let cameBack: Bool
    /// What its way back leaves to chance or the clock.
    let chance: RoundTripRecord.Chance?
    /// What columns held when it retired them.
    let retired: [RoundTripRecord.Retired]
    /// How it was blocked when the phase went up; nil when it was not.
    let blocked: RoundTripRecord?
    /// The command that rehearses its way back, and that of the phases above it.
    let rehearsing: Prose

    /// Whether the present rows matter for its verdict.
    var dependsOnRows: Bool {
      trial.outcome != .plain && trial.outcome != .blocked || !kept.isEmpty || blocked != nil
        || reversal.lost.contains(where: \.isRemaining)
    }
  }

  /// Last first.
  private func drafts() throws(MigrationError) -> [Draft] {
    let archives = Dictionary(grouping: try ledger.archives.all().filter { $0.direction == .up }, by: \.phase)
    let adopted = try AdoptedLosses(ledger, applied)
    let trials = try DownTrials(ledger, applied, isInPlace: isInPlace, schema: readSchema)
    let (verdicts, retiring, rehearsals) = try lifting("reading the ledger") { () in
      (
        try ledger.roundTrips.verdicts(), try ledger.roundTrips.retiring(),
        try ledger.waysDown.all(.rehearsal)
      )
    }
    var drafts: [Draft] = []
    for phase in applied.reversed() {
      let own = archives[phase.id] ?? []
      let trial = try trials.trial(phase)
      var reversal = Reversal(basis: trial.outcome == .untried ? .nothing : .scratch)
      reversal.obstacles = try Self.missing(own, on: connection)
      if trial.outcome == .blocked, let reason = trial.reason {
        reversal.obstacles.append(
          Reversal.Obstacle(reason: reason, rows: trial.details, openings: WayOut.forward))
      }
      if trial.outcome == .untried, let reason = trial.reason {
        reversal.notes.append("its way back could not be tried: \(reason)")
      }
      let verdict = trials.hasDrift(after: phase) ? nil : verdicts[phase.sequence]
      let record = try addRoundTrip(phase, verdict, to: &reversal)
      try addEvidence(phase, to: &reversal)
      reversal.lost += try adopted.lost(by: phase)
      drafts.append(
        Draft(
          applied: phase, reversal: reversal, kept: own.filter { $0.state == .kept }, trial: trial,
          rehearsal: rehearsals[phase.sequence],
          cameBack: verdict == .exact && phase.sequence == applied.last?.sequence, chance: record?.chance,
          retired: try retiring.contains(phase.sequence)
            ? ledger.roundTrips.read(of: phase.sequence)?.retired ?? [] : [],
          blocked: record?.verdict == .blocked && trial.outcome != .blocked ? record : nil,
          rehearsing: Self.command("rehearse down", drafts.count)))
    }
    return drafts
  }

  /// What was seen while the phase went up.
  ///
  /// - Returns: the record; nil where it says no more than the verdict.
  private func addRoundTrip(
    _ phase: AppliedPhase, _ verdict: RoundTripRecord.Verdict?, to reversal: inout Reversal
  ) throws(MigrationError) -> RoundTripRecord? {
    if verdict == .exact { reversal.basis = .rows }
    guard let verdict, verdict != .exact else { return nil }
    let record = try ledger.roundTrips.read(of: phase.sequence)
    if verdict == .lossy || verdict == .chance {
      reversal.basis = .rows
      reversal.lost += (record?.losses ?? []).map {
        Reversal.AffectedRows(table: $0.table, column: $0.column, rows: $0.rows, why: Prose($0.why))
      }
    }
    // Batches that found no row tried nothing. If chance decides, rows that were added since may also differ.
    if let chance = record?.chance { try addChance(chance, to: &reversal) }
    return record
  }

  /// What may come back otherwise than it was seen to: rows that no archive has, and those that came or changed since.
  private func addChance(
    _ chance: RoundTripRecord.Chance, to reversal: inout Reversal
  ) throws(MigrationError) {
    for table in chance.tables {
      reversal.uncertain.append(
        Reversal.AffectedRows(
          table: table, column: nil, rows: nil, why: "the way back computes them by chance or from the clock")
      )
    }
    for content in chance.contents where !chance.tables.contains(content.table) {
      let now = try lifting("counting the rows of \(content.table)") { () in
        try TableContent(SchemaName(content.table), on: connection)
      }
      guard let change = content.change(to: now) else { continue }
      reversal.uncertain.append(
        Reversal.AffectedRows(
          table: content.table, column: nil, rows: nil,
          why: "\(change) since, and the way back depends on chance or the clock"))
    }
  }

  /// What rehearsals of this text showed. A rehearsal that found a loss counts, whatever later ones say.
  private func addEvidence(_ phase: AppliedPhase, to reversal: inout Reversal) throws(MigrationError) {
    let own = (evidence[phase.id] ?? []).filter { $0.tokenHash == phase.tokenHash }
    if own.contains(where: { $0.verdict.isProof && $0.schemaBefore == phase.schemaBefore }) {
      reversal.basis = .rows
    }
    guard reversal.lost.isEmpty, let lossy = own.last(where: { $0.verdict == .lossy }) else { return }
    let tables = lossy.tables.filter { $0.differing > $0.declared }
    reversal.lost += tables.map {
      Reversal.AffectedRows(
        table: $0.table, column: nil, rows: $0.differing - $0.declared,
        why: "did not come back in the rehearsal of \(lossy.at)")
    }
    if tables.isEmpty {
      reversal.lost.append(
        Reversal.AffectedRows(
          table: phase.id.short, column: nil, rows: nil,
          why: "something other than rows did not come back in the rehearsal of \(lossy.at)"))
    }
  }

  /// What archives of a phase no longer have.
  static func missing(
    _ archives: [ArchiveRecord], on connection: Connection
  ) throws(MigrationError) -> [Reversal.Obstacle] {
    var obstacles: [Reversal.Obstacle] = []
    let openings: [Prose] = [
      "write a new migration instead, which creates what is needed",
      "or restore a snapshot made before: phasedb checkpoint list",
    ]
    for archive in archives where archive.state == .purged || archive.state == .kept {
      if archive.state == .purged {
        obstacles.append(
          Reversal.Obstacle(
            reason: "what it took from \(archive.table) was purged", openings: openings))
        continue
      }
      let isThere = try lifting("looking for archive \(archive.id)") { () in
        try connection.value("SELECT 1 FROM main.sqlite_schema WHERE name = ?1", .text(archive.tableName))
          != nil
      }
      if !isThere {
        obstacles.append(
          Reversal.Obstacle(
            reason: "\(archive.tableName) is gone, with what it took from \(archive.table)",
            openings: openings, error: .archiveMissing))
      }
    }
    return obstacles
  }

  // MARK: What the rows say

  /// Takes phases down on a copy, as far as the rows have a say and there is time.
  private func run(
    _ drafts: [Draft], _ forecast: ReversalForecast
  ) throws(MigrationError) -> (steps: [DownRun.Step], written: [PhaseID: WrittenAgain], isOutOfTime: Bool) {
    let open = drafts.prefix { $0.reversal.obstacles.isEmpty }
    let count =
      switch reach {
      case .steps(let count): min(count, open.count)
      case .asNeeded:
        open.prefix(Self.mostSteps).lastIndex { $0.dependsOnRows || !$0.retired.isEmpty }.map { $0 + 1 } ?? 0
      }
    guard count > 0, let run = try copy() else { return ([], [:], false) }
    var steps: [DownRun.Step] = []
    var written: [PhaseID: WrittenAgain] = [:]
    for draft in open.prefix(count) {
      do throws(MigrationError) {
        written[draft.applied.id] = try WrittenAgain(draft.retired, on: run.connection)
        var step = try run.step(draft.applied.id, try ledger.phases.text(of: draft.applied))
        // If all rows are as they were when the way back restored them, and it restores them again, it overwrites only
        // values of the phase.
        if !step.written.isEmpty || !step.open.isEmpty, try forecast.isAsSeen(draft),
          try givesBack(draft, run.connection)
        {
          (step.written, step.open) = (LostCells(), LostCells())
        }
        steps.append(step)
        if step.failure != nil { break }
      } catch {
        // A request to stop goes on to the caller; a time limit only ends the trial.
        guard error.id == .interrupted || error.id == .tooCostly, case .asNeeded = reach else { throw error }
        return (steps, written, true)
      }
    }
    return (steps, written, false)
  }

  /// Whether the way back left on a copy what it was seen to leave.
  private func givesBack(_ draft: Draft, _ copy: Connection) throws(MigrationError) -> Bool {
    guard let record = try ledger.roundTrips.read(of: draft.applied.sequence) else { return false }
    // Batches compared their rows one batch after the other.
    guard let given = record.given else { return record.contents != nil }
    return try TableContent.changes(since: given, heedsOrder: false, on: copy).isEmpty
  }

}

extension Reversal {
  /// Takes in what came of the phase on a copy.
  fileprivate mutating func take(_ step: DownRun.Step) {
    if let failure = step.failure { obstacles.append(Obstacle(failure, of: step.id)) }
    lost = lost.compactMap { rows in
      guard rows.isRemaining else { return rows }
      let count = step.remaining[rows.table] ?? max(rows.rows ?? 0, step.added[rows.table.folded] ?? 0)
      return count > 0 ? rows.counted(count) : nil
    }
    for (table, count) in step.remaining.sorted(by: { $0.key < $1.key })
    where count > 0 && !lost.contains(where: { $0.isRemaining && $0.table == table }) {
      lost.append(
        Reversal.AffectedRows(
          table: table, column: nil, rows: count, why: Prose(RoundTripRecord.Loss.remaining)))
    }
    let known = Set(lost.map(\.subject))
    lost += (step.lost + step.written.affectedRows).filter { !known.contains($0.subject) }
    let isTold = Set(step.uncertain.map(\.subject))
    uncertain +=
      (step.uncertain + step.written.bornRows
      + step.open.openRows.filter {
        !isTold.contains($0.subject)
      }).filter { !known.contains($0.subject) }
  }

  /// Takes in what retired columns have lost.
  fileprivate mutating func take(_ written: WrittenAgain) {
    uncertain += written.affectedRows
    guard basis == .rows, !written.notes.isEmpty else { return }
    basis = .scratch
    notes += written.notes
  }
}

extension Reversal.AffectedRows {
  /// Whether they are rows that the way back does not remove. Triggers may insert more of them for rows that came since.
  fileprivate var isRemaining: Bool { why.description == RoundTripRecord.Loss.remaining }

  fileprivate var countedThen: Reversal.AffectedRows {
    !isRemaining
      ? self
      : Reversal.AffectedRows(
        table: table, column: column, rows: rows, why: "\(why), counted when it went up",
        isDeclared: isDeclared)
  }
}

extension BrokenConstraint {
  var obstacle: Reversal.Obstacle {
    Reversal.Obstacle(reason: "present rows break \(sentence)", rows: lines, openings: [opening])
  }
}

extension Reversal {
  /// What the batches of a phase that is half done were seen to give back when they ran. Rows may have changed since.
  init(of halfDone: BatchRecord, _ ledger: Ledger) throws(MigrationError) {
    self.init(basis: .nothing)
    // Older formats have no place for a report; in later ones none means that every batch came back.
    guard min(halfDone.format, ledger.format) >= 3 else { return }
    let report = try ledger.roundTrips.read(of: BatchTrip.place) ?? RoundTripRecord(verdict: .exact)
    lost = report.losses.map {
      AffectedRows(table: $0.table, column: $0.column, rows: $0.rows, why: Prose($0.why))
    }
    if report.verdict == .blocked {
      obstacles = report.reasons.map { Obstacle(reason: Prose($0), openings: WayOut.forward) }
    }
    guard report.verdict != .untried, report.verdict != .chance else { return }
    basis = .scratch
    notes = ["it is half done, and its batches were seen to come back when they ran"]
    self = declaring(halfDone.phase.losses)
  }
}
