internal import PhaseSQLite

/// The results of running ways down of applied phases without rows: from the ledger, or tried now.
///
/// Each is tried once for each text and schema. A command that writes stores the results in the ledger, so that later
/// commands find them.
struct DownTrials {
  private let ledger: Ledger
  private let applied: [AppliedPhase]
  private let isInPlace: Bool
  private let readSchema: () throws(SQLiteError) -> Schema
  private let kept: [Int64: WayDownRecord]
  /// The sequence numbers at which an operator accepted changes from outside.
  private let drifts: [Int64]
  private let costLimit = CostLimit(.scratch)

  static let mostAtOnce = 50

  init(
    _ ledger: Ledger, _ applied: [AppliedPhase], isInPlace: Bool,
    schema: @escaping () throws(SQLiteError) -> Schema
  ) throws(MigrationError) {
    self.ledger = ledger
    self.applied = applied
    self.isInPlace = isInPlace
    readSchema = schema
    (kept, drifts) = try lifting("reading the ledger") { () in
      (try ledger.waysDown.all(.scratch), try ledger.schemas.driftSequences())
    }
  }

  /// - Throws: `ledger-damaged`, and what SQLite says while the schema is read.
  func trial(_ phase: AppliedPhase) throws(MigrationError) -> DownTrial {
    if let known = try known(phase) { return known }
    let isLast = phase.sequence == applied.last?.sequence
    let (present, former) = try lifting("reading the schema") { () in
      (
        isLast ? try readSchema() : try ledger.schemas.schema(after: phase.sequence),
        try ledger.schemas.schema(after: phase.sequence - 1)
      )
    }
    return DownTrial(
      phase.id, try ledger.phases.text(of: phase), from: present, to: hasDrift(after: phase) ? nil : former,
      hasClaims: try !ledger.phases.claims(before: phase, among: applied).isEmpty, costLimit)
  }

  /// The results that the ledger does not have yet, as rows for it: the last phases first, and at most
  /// ``mostAtOnce``, because the command has other work to do.
  func missing(at time: Timestamp) throws(MigrationError) -> [WayDownRecord] {
    var records: [WayDownRecord] = []
    for phase in applied.reversed() where try known(phase) == nil {
      guard records.count < Self.mostAtOnce else { break }
      let trial = try trial(phase)
      guard trial.outcome != .untried else { continue }
      records.append(trial.record(of: phase, from: try schema(of: phase), at: time))
    }
    return records
  }

  private func known(_ phase: AppliedPhase) throws(MigrationError) -> DownTrial? {
    guard let record = kept[phase.sequence] else { return nil }
    let subject = DownTrial.subject(phase, try schema(of: phase))
    return record.schema == subject ? DownTrial(record) : nil
  }

  /// The schema from which the phase comes down.
  private func schema(of phase: AppliedPhase) throws(MigrationError) -> SchemaDigest {
    guard hasDrift(after: phase) else { return phase.schemaAfter }
    return try lifting("reading the schema") { () in try readSchema() }.digest
  }

  /// Whether the schema changed from outside after the last applied phase.
  func hasDrift(after phase: AppliedPhase) -> Bool {
    phase.sequence == applied.last?.sequence
      && (!isInPlace || drifts.contains { $0 > phase.sequence })
  }
}
