internal import PhaseSQLite

/// Says of applied phases what their reversal would be. Reads only.
struct Reversals {
  private let ledger: Ledger
  private let applied: [AppliedPhase]
  /// Reads the present schema.
  private let readSchema: () throws(SQLiteError) -> Schema
  /// Whether the schema is that of the last checkpoint.
  private let isInPlace: Bool
  private let connection: Connection
  /// The ledger's SQL is anybody's who can write the database.
  private let costLimit = CostLimit(.scratch)

  /// - Parameters:
  ///   - applied: in the order in which they were applied.
  ///   - isInPlace: whether the schema is that of the last checkpoint, so that no way back can meet another.
  ///   - schema: reads the present one, which is asked for only where it decides.
  init(
    _ ledger: Ledger, _ applied: [AppliedPhase], isInPlace: Bool,
    schema: @escaping () throws(SQLiteError) -> Schema, on connection: Connection
  ) {
    self.ledger = ledger
    self.applied = applied
    self.isInPlace = isInPlace
    readSchema = schema
    self.connection = connection
  }

  /// The reversal of every applied phase.
  ///
  /// Phases are reversed last first. What one of them would give back is told from the rows as they are now, as far as the
  /// phases after it left them alone.
  func all() throws(MigrationError) -> [PhaseID: Reversal] {
    let archives = Dictionary(grouping: try ledger.archives().filter { $0.direction == .up }, by: \.phase)
    let adopted = try AdoptedLosses(ledger, applied)
    var reversals: [PhaseID: Reversal] = [:]
    var obstacle: PhaseID?
    var later: [ArchiveRecord]?
    for phase in applied.reversed() {
      let kept = archives[phase.id] ?? []
      let own = try reversal(of: phase, kept, adopted, after: later)
      later = kept.filter { $0.state == .kept } + (later ?? [])
      if case .blocked = own {
        obstacle = obstacle ?? phase.id
        reversals[phase.id] = own
      } else if let obstacle {
        reversals[phase.id] = .blocked(["\(obstacle.short), which came later, cannot be reversed"])
      } else {
        reversals[phase.id] = own
      }
    }
    return reversals
  }

  /// The reversal of the phase that was applied last; nil when none is applied.
  func last() throws(MigrationError) -> Reversal? {
    guard let phase = applied.last else { return nil }
    let archives = try ledger.archives(of: phase.id).filter { $0.direction == .up }
    return try reversal(of: phase, archives, AdoptedLosses(ledger, applied), after: nil)
  }

  /// - Parameter later: what the phases after it took; nil when there are none.
  private func reversal(
    of applied: AppliedPhase, _ archives: [ArchiveRecord], _ adopted: AdoptedLosses,
    after later: [ArchiveRecord]?
  ) throws(MigrationError) -> Reversal {
    let gone = try missing(archives)
    guard gone.isEmpty else { return .blocked(gone) }
    let kept = archives.filter { $0.state == .kept }
    var lost = try adopted.lost(by: applied)
    // Nothing but a contract takes constraints away, and what was only added goes as it came.
    let isTold = later == nil && !(isInPlace && applied.id.kind == .expand)
    guard isTold || !kept.isEmpty || !lost.isEmpty || applied.id.kind == .contract else { return .exact }
    let schema = try lifting("reading the schema") { () in try readSchema() }
    let phase = try ledger.phase(applied)
    let (before, after) = try lifting("reading the ledger") { () in
      (try ledger.schema(after: applied.sequence - 1), try ledger.schema(after: applied.sequence))
    }
    let aftermath = try later.map { later throws(MigrationError) in
      try Aftermath(from: after, to: schema, later)
    }
    let present = later == nil ? schema : after
    let trial: TransitionTrial
    do throws(MigrationError) {
      trial = try TransitionTrial(applied.id, phase, .down, on: present, costLimit)
    } catch {
      return .blocked([error.message])
    }
    let broken = try lifting("looking for rows that do not fit the schema before \(applied.id)") { () in
      try FormerConstraints(trial.there, from: present, to: before, with: kept, aftermath, on: connection)
        .broken()
    }
    guard broken.isEmpty else {
      return .blocked(broken.map { "\($0.sentence) is broken by the row with \($0.rows[0])" })
    }
    lost += UnreadableTables(before).gone(in: after)
    for archive in kept {
      let content = try ArchiveContent(archive)
      lost += try lifting("comparing rows with archive \(archive.id)") { () in
        try Shortfall(archive, content, trial.there, aftermath).lost(on: connection)
      }
    }
    return Self.verdict(on: lost, phase)
  }

  private static func verdict(on lost: [Reversal.LostValues], _ phase: Phase) -> Reversal {
    let declared = Set(phase.losses.map { "\($0.table).\($0.column)".folded })
    let values = lost.map { lost in
      Reversal.LostValues(
        table: lost.table, column: lost.column, rows: lost.rows, why: lost.why,
        isDeclared: declared.contains(lost.subject.folded))
    }
    return values.isEmpty ? .exact : .lossy(values)
  }

  private func missing(_ archives: [ArchiveRecord]) throws(MigrationError) -> [Prose] {
    var reasons: [Prose] = []
    for archive in archives where archive.state == .purged || archive.state == .kept {
      if archive.state == .purged {
        reasons.append("what it took from \(archive.table) was purged")
        continue
      }
      let isThere = try lifting("looking for archive \(archive.id)") { () in
        try connection.value("SELECT 1 FROM main.sqlite_schema WHERE name = ?1", .text(archive.tableName))
          != nil
      }
      if !isThere { reasons.append("\(archive.tableName) is gone, with what it took from \(archive.table)") }
    }
    return reasons
  }
}
