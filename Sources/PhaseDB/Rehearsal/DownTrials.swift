internal import PhaseSQLite

/// What the ways down of applied phases do where there are no rows: as the ledger has it, or tried now.
///
/// Each is tried once for each text and schema. A command that writes keeps the answers, so that one that reads finds them.
struct DownTrials {
  private let ledger: Ledger
  private let applied: [AppliedPhase]
  private let isInPlace: Bool
  private let readSchema: () throws(SQLiteError) -> Schema
  private let kept: [Int64: WayDownRecord]
  /// The sequences under which changes from outside were accepted.
  private let drifts: [Int64]
  private let trials = TransitionTrials()

  init(
    _ ledger: Ledger, _ applied: [AppliedPhase], isInPlace: Bool,
    schema: @escaping () throws(SQLiteError) -> Schema
  ) throws(MigrationError) {
    self.ledger = ledger
    self.applied = applied
    self.isInPlace = isInPlace
    readSchema = schema
    (kept, drifts) = try lifting("reading the ledger") { () in
      (try ledger.wayDownRecords(.scratch), try ledger.driftSequences())
    }
  }

  /// - Throws: `ledger-damaged`, and what SQLite says while the schema is read.
  func trial(_ phase: AppliedPhase) throws(MigrationError) -> DownTrial {
    if let known = try known(phase) { return known }
    let isLast = phase.sequence == applied.last?.sequence
    let (present, former) = try lifting("reading the schema") { () in
      (
        isLast ? try readSchema() : try ledger.schema(after: phase.sequence),
        try ledger.schema(after: phase.sequence - 1)
      )
    }
    return DownTrial(
      phase.id, try ledger.phase(phase), from: present, to: hasDrift(after: phase) ? nil : former,
      hasClaims: try hasClaims(before: phase), trials)
  }

  /// Those that the ledger does not have yet, as rows for it.
  func missing(at time: Timestamp) throws(MigrationError) -> [WayDownRecord] {
    var records: [WayDownRecord] = []
    for phase in applied where try known(phase) == nil {
      let trial = try trial(phase)
      guard trial.outcome != .untried else { continue }
      records.append(
        WayDownRecord(
          sequence: phase.sequence, means: .scratch, schema: try schema(of: phase).text, at: time,
          verdict: trial.outcome.rawValue, report: trial.report))
    }
    return records
  }

  private func known(_ phase: AppliedPhase) throws(MigrationError) -> DownTrial? {
    guard let record = kept[phase.sequence], record.schema == (try schema(of: phase)).text else { return nil }
    return DownTrial(record)
  }

  /// The schema from which the phase comes down.
  private func schema(of phase: AppliedPhase) throws(MigrationError) -> SchemaDigest {
    guard hasDrift(after: phase) else { return phase.schemaAfter }
    return try lifting("reading the schema") { () in try readSchema() }.digest
  }

  /// Whether the schema from which the phase that was applied last comes down is not the one that it left.
  func hasDrift(after phase: AppliedPhase) -> Bool {
    phase.sequence == applied.last?.sequence
      && (!isInPlace || drifts.contains { $0 > phase.sequence })
  }

  /// Whether claims of earlier phases of the same migration are in force again.
  private func hasClaims(before phase: AppliedPhase) throws(MigrationError) -> Bool {
    for other in applied where other.id.migration == phase.id.migration && other.sequence < phase.sequence {
      if try !ledger.phase(other).verifications.isEmpty { return true }
    }
    return false
  }
}
