internal import PhaseSQL
internal import PhaseSQLite

/// The result of checking a live database: its schema, ledger, foreign keys and claims.
public struct VerifyReport: Sendable {
  /// What a check is about.
  package enum Subject: String, Sendable, CaseIterable {
    /// Whether the schema is the one in the ledger.
    case schema
    /// Whether the ledger is consistent.
    case ledger
    /// Whether the files of applied phases are the ones that were applied.
    case files
    /// Rows without their parent.
    case foreignKeys = "foreign-keys"
    /// A claim of `@verify`.
    case claim
  }

  package enum Outcome: String, Sendable, CaseIterable {
    case holds
    case broken
    /// A claim about something that a later phase removed.
    case superseded
    /// A claim of a phase that is half done.
    case underWay = "under-way"
    /// Broken, and accepted by an operator.
    case accepted
    /// It was broken before phasedb tracked the database.
    case inherited
  }

  /// One checked claim, and its outcome.
  public struct Check: Sendable {
    package let subject: Subject
    /// What is claimed.
    public let title: String
    /// The phase whose claim it is.
    public let phase: PhaseID?
    package let outcome: Outcome
    /// Whether the claim does not hold, and no operator accepted that.
    public var isBroken: Bool { outcome == .broken }
    /// What breaks it, one line each.
    public let details: [Prose]
    /// Remedies, most useful first.
    public internal(set) var remedies: [Prose] = []
  }

  /// Everything that was checked, with the claims of phases in the order in which the phases were applied.
  public let checks: [Check]
  /// Whether nothing is broken.
  public var isClean: Bool { checks.allSatisfy { !$0.isBroken } }
}

/// Checks a live database.
struct Verifying: MigratorWork {
  let migrator: Migrator

  func verify() throws(MigrationError) -> VerifyReport {
    try reading(connection) { () throws(MigrationError) in try presentReport() }
  }

  private func presentReport() throws(MigrationError) -> VerifyReport {
    let knowledge = try Knowledge(of: connection)
    var checks: [VerifyReport.Check] = []
    func add(
      _ subject: VerifyReport.Subject, _ title: String, _ phase: PhaseID? = nil, broken details: [Prose]
    ) {
      checks.append(
        VerifyReport.Check(
          subject: subject, title: title, phase: phase, outcome: details.isEmpty ? .holds : .broken,
          details: details))
    }
    add(.schema, "the schema matches the last checkpoint", broken: try knowledge.driftLines())
    if let ledger = knowledge.ledger {
      add(
        .ledger, "the ledger's objects are unchanged",
        broken: DetailLines.first(knowledge.ledgerDrift.lines))
      let entries = try CheckpointWork(migrator: migrator).log(limit: nil)
      let older = entries.filter { !$0.coversSchemaVersion }.count
      let limits = older == 0 ? "" : " (\(older) older hashes do not cover schema_version)"
      add(.ledger, "the log's hash chain is intact\(limits)", broken: Self.brokenLines(of: entries))
      add(.ledger, "the recorded phases and schemas agree", broken: try ledger.misfits(knowledge))
      let archives = try ledger.archives.all().filter { $0.state == .kept || $0.state == .left }
      if !archives.isEmpty {
        add(.ledger, "the archives are complete", broken: try brokenArchives(archives))
      }
      add(
        .files, "the files of applied phases are unchanged",
        broken: try planning.planner(knowledge).folder.edited().flatMap { edited in
          [edited.message] + edited.details.map { "  \($0)" }
        })
      let renumbered = try planning.planner(knowledge).folder.renumbered
      if !renumbered.isEmpty {
        add(.files, "applied phases have the numbers of their files", broken: renumbered.map(\.sentence))
        checks[checks.count - 1].remedies = [Renumbered.opening]
      }
    }
    let orphans = try lifting("checking foreign keys") { () in try Orphans(of: connection) }
    checks += try self.checks(of: orphans, knowledge.ledger)
    let underWay = try knowledge.ledger?.batches.underWay()?.id
    for (index, applied) in knowledge.applied.enumerated() {
      guard let phase = try knowledge.ledger?.readablePhase(applied) else { continue }
      guard applied.id != underWay else {
        checks += phase.verifications.map {
          VerifyReport.Check(
            subject: .claim, title: $0.title, phase: applied.id, outcome: .underWay, details: [])
        }
        continue
      }
      let isLast = index == knowledge.applied.count - 1
      for claim in phase.verifications {
        checks.append(try check(claim, of: applied.id, mayBeSuperseded: !isLast))
      }
    }
    return VerifyReport(checks: checks)
  }

  /// Separates rows without a parent that the database had before phasedb tracked it from later ones.
  private func checks(of orphans: Orphans, _ ledger: Ledger?) throws(MigrationError) -> [VerifyReport.Check] {
    func check(
      _ title: String, _ outcome: VerifyReport.Outcome, _ orphans: Orphans, mayBeAccepted: Bool = true
    ) -> VerifyReport.Check {
      let accept: [Prose] = orphans.tables.map {
        "or accept them: phasedb verify --accept \(SQLName($0)) --reason \"...\""
      }
      return VerifyReport.Check(
        subject: .foreignKeys, title: title, phase: nil, outcome: outcome, details: orphans.lines,
        remedies: outcome == .broken
          ? orphans.remedies + (mayBeAccepted ? accept : []) : outcome == .inherited ? orphans.remedies : [])
    }
    let title = "every row has its parent"
    guard !orphans.isEmpty else { return [check(title, .holds, orphans)] }
    guard let ledger else { return [check(title, .broken, orphans, mayBeAccepted: false)] }
    let known = try ledger.orphans.known()
    let accepted = orphans.known(to: known.accepted)
    let rest = orphans.beyond(known.accepted)
    var checks: [VerifyReport.Check] = []
    if let recorded = known.before {
      let new = orphans.beyond(recorded.merging(known.accepted))
      let before = rest.beyond(new)
      checks.append(check(title, new.isEmpty ? .holds : .broken, new))
      if !before.isEmpty {
        checks.append(check("rows without a parent from before phasedb", .inherited, before))
      }
    } else {
      let unknown = rest.isEmpty ? "" : " (the ledger did not record which rows had none when it began)"
      checks.append(check(title + unknown, rest.isEmpty ? .holds : .broken, rest))
    }
    if !accepted.isEmpty {
      checks.append(check("rows without a parent that were accepted", .accepted, accepted))
    }
    return checks
  }

  func accept(orphansOf tables: [String], reason: String) throws(MigrationError) {
    try writing("committing what is accepted") { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger else {
        throw MigrationError(
          .ledgerMissing, "\(database) has no ledger yet, so nothing can be recorded",
          state: "nothing was recorded", help: ["create one: phasedb adopt", "or: phasedb up"])
      }
      let orphans = try lifting("checking foreign keys") { () in try Orphans(of: connection) }
      var known = try ledger.orphans.known()
      for table in tables {
        let found = orphans.of(tables: [SchemaName(table)])
        guard !found.isEmpty else {
          throw MigrationError(
            .nothingToAccept, "every row of \(table) has its parent", state: "nothing was recorded",
            help: ["list the rows that have none: phasedb verify"])
        }
        known.accepted = known.accepted.merging(found)
        try lifting("writing the ledger") { () in
          _ = try ledger.log(
            .accept, subject: table, detail: "\(DetailLines.rows(found.count)) without a parent: \(reason)",
            by: options.runner, at: options.now())
        }
      }
      let all = known
      try lifting("writing the ledger") { () in try ledger.orphans.record(all) }
    }
  }

  /// A claim compiled when its phase went up, so if it no longer does, a later phase removed what it is about.
  private func check(
    _ claim: Verification, of phase: PhaseID, mayBeSuperseded: Bool
  ) throws(MigrationError) -> VerifyReport.Check {
    do throws(MigrationError) {
      let breaking = try claim.breakingRows(on: connection, limit: DetailLines.limit)
      return VerifyReport.Check(
        subject: .claim, title: claim.title, phase: phase, outcome: breaking.count == 0 ? .holds : .broken,
        details: breaking.lines)
    } catch {
      guard error.id == .verifyInvalid else { throw error }
      return VerifyReport.Check(
        subject: .claim, title: claim.title, phase: phase, outcome: mayBeSuperseded ? .superseded : .broken,
        details: error.details)
    }
  }

  func brokenLogEntries() throws(MigrationError) -> [LogEntry] {
    LogEntry.broken(in: try CheckpointWork(migrator: migrator).log(limit: nil))
  }

  private static func brokenLines(of entries: [LogEntry]) -> [Prose] {
    DetailLines.first(
      LogEntry.broken(in: entries).map {
        "row \($0.id) of phasedb_log (\($0.action) \($0.subject)) was changed or follows a gap"
      })
  }

  /// Reads every row of every archive.
  private func brokenArchives(_ archives: [ArchiveRecord]) throws(MigrationError) -> [Prose] {
    var lines: [Prose] = []
    for archive in archives {
      do throws(MigrationError) {
        try ArchiveTable(archive, try ArchiveContent(archive)).verify(archive, on: connection)
      } catch {
        guard [.archiveMissing, .archiveAltered, .ledgerDamaged].contains(error.id) else { throw error }
        lines.append(error.message)
      }
    }
    return DetailLines.first(lines)
  }
}

extension Ledger {
  /// A phase as it was applied; nil when its text cannot be read, which is an inconsistency.
  fileprivate func readablePhase(_ applied: AppliedPhase) throws(MigrationError) -> Phase? {
    do throws(MigrationError) {
      return try phases.text(of: applied)
    } catch {
      guard error.id == .ledgerDamaged else { throw error }
      return nil
    }
  }

  /// The contradictions between the tables of the ledger, one line each.
  fileprivate func misfits(_ knowledge: Knowledge) throws(MigrationError) -> [Prose] {
    var misfits: [Prose] = []
    for applied in knowledge.applied {
      if try readablePhase(applied) == nil {
        misfits.append("the text of \(applied.id) in phasedb_phase was changed after it was applied")
      }
    }
    let entries = try lifting("reading the ledger") { () in try self.entries() }
    let logged = Dictionary(entries.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let names = RecordedNames.logged(in: entries)
    for applied in knowledge.applied {
      let entry = logged[applied.sequence]
      let isLogged = [LogEntry.Action.up, .adopt].map(\.rawValue).contains(entry?.action)
      if !isLogged || names[applied.sequence] != applied.id.description {
        misfits.append("the log does not say that \(applied.id) was applied as \(applied.sequence)")
      }
    }
    let drifts = try lifting("reading the ledger") { () in try schemas.driftSequences() }
    for sequence in drifts {
      guard let entry = logged[sequence],
        [LogEntry.Action.drift, .down, .purge].map(\.rawValue).contains(entry.action)
      else {
        misfits.append("the log does not say who accepted the changes of phasedb_schema under \(sequence)")
        continue
      }
    }
    if try knowledge.recordedSchema().digest != knowledge.expectedDigest {
      misfits.append("phasedb_schema does not add up to the schema of the last checkpoint")
    }
    return misfits
  }
}
