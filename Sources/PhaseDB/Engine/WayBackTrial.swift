internal import PhaseSQL
internal import PhaseSQLite

/// The way back of a phase that has just gone up, tried in the same transaction.
struct WayBackTrial {
  private let step: Plan.Step
  private let rows: TransitionRows
  /// Rows that had no parent before the phase; nil when they were not looked for.
  private let orphans: [String: Int]?
  private let now: () -> Timestamp
  private let connection: Connection

  init(
    _ step: Plan.Step, _ rows: TransitionRows, since orphans: [String: Int]?,
    at now: @escaping () -> Timestamp, on connection: Connection
  ) {
    (self.step, self.rows, self.orphans) = (step, rows, orphans)
    (self.now, self.connection) = (now, connection)
  }

  /// What earlier attempts of the same step, which were rolled back, found out about the way back.
  struct Findings {
    /// By table, the rows that the way back alone does not restore; nil when it has not run yet.
    fileprivate var missing: [RememberedTable.Difference]?
    /// The rows that the phase inserted; nil when nobody looked yet.
    fileprivate var born: [RoundTripRecord.Born]?
    /// How the way back ends when those rows are archived; nil when that is not known yet.
    fileprivate var outcome: Outcome?
    /// Whether the way back ended the whole transaction. It is not tried again then, whatever others write meanwhile.
    fileprivate var endedTransaction = false

    /// Whether the rows before the phase have to be remembered.
    var needsRows: Bool { outcome == nil || missing?.contains(where: \.hasMissing) == true }

    /// Forgets what may be different with other rows.
    mutating func forgetRows() { if !endedTransaction { self = Findings() } }
  }

  enum Result {
    case recorded
    /// The attempt has to be rolled back and made again, knowing this.
    case again(Findings, needsOrphansBefore: Bool)
  }

  /// Runs the way back of a phase that has just gone up, compares what it leaves with what was there before the phase, and
  /// undoes it; keeps the rows that it does not give back; and records what it was seen to do.
  ///
  /// In WAL mode SQLite undoes a part of a transaction in memory, page by page. So a way back that wrote much is undone
  /// with its whole transaction, and the next attempt knows what it did.
  ///
  /// Call it inside the transaction of the phase, after the phase was recorded in the ledger.
  ///
  /// - Parameters:
  ///   - earlier: what earlier attempts found out, with the same rows.
  ///   - limit: how much the way back may write, in bytes, before the whole transaction is rolled back; nil when it must
  ///     not be.
  func run(
    _ knowledge: inout Knowledge, knowing earlier: Findings, undoing limit: Int?
  ) throws(MigrationError) -> Result {
    guard let applied = knowledge.applied.last, let ledger = knowledge.ledger else { return .recorded }
    guard let trip = rows.trip else {
      let reasons =
        rows.failure.map { ["on a database without rows, it does not go up: \($0.message.raw)"] } ?? []
      try lifting("writing the ledger") { () in
        try ledger.roundTrips.record(
          RoundTripRecord(verdict: .untried, reasons: reasons), of: applied.sequence)
      }
      return .recorded
    }
    defer { trip.forget(on: connection) }
    var record = RoundTripRecord(verdict: .exact)
    var given: [TableContent] = []
    if let reason = trip.reasonNotToRun {
      record = RoundTripRecord(verdict: .untried, reasons: [reason.message.raw])
    } else if try trip.needsRun(to: knowledge.schema, on: connection) {
      var found = earlier
      if found.born == nil {
        found.born = try lifting("looking for rows that \(step.id) inserted") { () in
          var all: [RoundTripRecord.Born] = []
          for table in trip.remembered {
            if let born = try table.born(on: connection) { all.append(born) }
          }
          return all
        }
      }
      try keep(found.missing ?? [], trip, ledger, &knowledge)
      let limit = try trip.wayUpIsCertain(on: connection) ? limit : nil
      while found.outcome == nil {
        let (outcome, isUndone) = try run(trip, knowledge, isFirst: found.missing == nil, undoing: limit)
        switch outcome {
        case .needsComparison: return .again(found, needsOrphansBefore: true)
        // Rows that were archived just now must be seen to come back, so the way back runs again.
        case .came(let differences, _, _, _)
        where found.missing == nil && differences.contains(where: \.hasMissing):
          found.missing = differences
          if isUndone { try keep(differences, trip, ledger, &knowledge) }
        case .failed where found.missing == nil:
          found.outcome = outcome
          found.missing = trip.remembered.map(\.unseen)
          if isUndone { try keep(found.missing ?? [], trip, ledger, &knowledge) }
        default: found.outcome = outcome
        }
        found.endedTransaction = connection.isAutocommit
        guard isUndone else { return .again(found, needsOrphansBefore: false) }
      }
      switch found.outcome {
      case .came(let differences, let losses, let hasChance, let contents):
        given = contents
        record = trip.record(differences, losses, hasChance: hasChance, to: knowledge.schema)
      case .failed(let error) where error.isOfSurroundings:
        record = RoundTripRecord(verdict: .untried, reasons: [error.message.raw])
      case .failed(let error):
        record = RoundTripRecord(verdict: .blocked, reasons: ([error.message] + error.details).map(\.raw))
      case .needsComparison, nil: break
      }
      record.born = found.born.flatMap { $0.isEmpty ? nil : $0 }
    }
    if record.verdict == .blocked || record.verdict == .untried {
      record.chance = try trip.unseenChance(on: connection)
    }
    record.orphans = orphans.flatMap { $0.isEmpty ? nil : $0 }
    try lifting("writing the ledger") { () in
      let touched = try trip.risk.touched.compactMap {
        try Table($0, of: knowledge.schema, on: connection)
      }
      let retired = try step.phase.retirements.compactMap {
        try RoundTripRecord.Retired($0, by: step.id.migration, on: connection)
      }
      record.retired = retired.isEmpty ? nil : retired
      record.keys = try touched.compactMap { try RoundTripRecord.Keys(of: $0, on: connection) }
      record.chance?.contents = try touched.map { try TableContent(of: $0, on: connection) }
      let goesByRowID = !SQLTokens.identifiers(in: step.phase.down.text).isDisjoint(with: RowKey.rowIDNames)
      if record.verdict == .blocked || record.verdict == .exact && !goesByRowID {
        let claims = try ledger.phases.claims(before: applied, among: knowledge.applied)
        let deciding =
          trip.back?.decidingTables(
            to: trip.before, claims, among: knowledge.schema, restoring: trip.restored) ?? []
        let read = (trip.back?.readTables ?? []).union(deciding).subtracting(trip.risk.touched)
        let tables = try touched + read.compactMap { try Table($0, of: knowledge.schema, on: connection) }
        record.contents =
          try tables.map { try TableContent(of: $0, on: connection) }
          + TableContent.statistics(on: connection)
        record.given = given
      }
      try ledger.roundTrips.record(record, of: applied.sequence)
    }
    guard trip.leadsBack, let back = trip.back else { return .recorded }
    let hasClaims = try !ledger.phases.claims(before: applied, among: knowledge.applied).isEmpty
    let trial = DownTrial(
      back, step.phase, from: knowledge.schema, to: trip.before, hasClaims: hasClaims)
    try lifting("writing the ledger") { () in
      try ledger.waysDown.record(trial.record(of: applied, from: applied.schemaAfter, at: now()))
    }
    return .recorded
  }

  fileprivate enum Outcome {
    /// For each table, how its rows differ from those before the phase; differences that no archive can hold; whether
    /// another run may differ; and the content of the tables.
    case came([RememberedTable.Difference], [RoundTripRecord.Loss], hasChance: Bool, [TableContent])
    case failed(MigrationError)
    /// Some rows have no parent. The rows before the phase are needed to tell whether the phase caused that.
    case needsComparison
  }

  /// - Returns: how the way back ended, and whether it is undone. If it is not, the whole attempt has to be rolled back.
  private func run(
    _ trip: RoundTripTrial, _ knowledge: Knowledge, isFirst: Bool, undoing limit: Int?
  ) throws(MigrationError) -> (Outcome, isUndone: Bool) {
    let down = Plan.Step(id: step.id, direction: .down, phase: step.phase, liveAfter: [:])
    let (bytes, pageSize) = try lifting("trying the way back of \(down.id)") { () in
      try connection.execute("SAVEPOINT phasedb_trip")
      return (try connection.contentBytes, Int(try connection.pageSize))
    }
    let spilled = connection.spilledPages
    let outcome: Outcome
    do throws(MigrationError) {
      // The trial is optional, so it has a limit.
      outcome = try connection.limited(to: CostLimit(.database(bytes: Int64(bytes)))) {
        () throws(MigrationError) in
        try wayBack(down, trip, knowledge, isFirst: isFirst)
      }
    } catch {
      guard error.id != .interrupted else { throw error }
      // A trigger with RAISE(ROLLBACK), or a full disk, has rolled back the phase, too.
      guard !connection.isAutocommit else { return (.failed(error), isUndone: false) }
      outcome = .failed(error)
    }
    if let limit, (connection.spilledPages - spilled) * pageSize > limit { return (outcome, isUndone: false) }
    try lifting("undoing the way back of \(down.id)") { () in
      try connection.undo(since: "phasedb_trip")
    }
    return (outcome, isUndone: true)
  }

  private func wayBack(
    _ down: Plan.Step, _ trip: RoundTripTrial, _ knowledge: Knowledge, isFirst: Bool
  ) throws(MigrationError) -> Outcome {
    guard let ledger = knowledge.ledger else { return .came([], [], hasChance: false, []) }
    let archives = try ledger.archives.all(of: down.id).filter { $0.state == .kept && $0.direction == .up }
    let from = knowledge.schema
    var rows: TransitionRows? = try TransitionRows(
      trying: down, trip.back ?? ScriptTrace(tables: []), archives, on: connection)
    let sql = PhaseStatements(down.id, down.phase, .down, on: connection)
    let writes = try sql.run().writes
    let left = try lifting("reading the schema") { () in try Schema(of: connection, known: from) }
    let checks = StepChecks(down, knowledge, on: connection)
    let after = try checks.putColumnsBack(of: left, with: &rows)
    _ = try checks.driftOnTheWayBack(to: after)
    let kept = try rows?.finish(writes)
    let reach = ForeignKeyReach(
      writes, after.changes(since: from), to: after, renamed: sql.renamedTables,
      alsoWritten: kept?.tables ?? [])
    guard
      try checks.hasNoNewForeignKeyViolations(in: reach, since: orphans, but: kept?.orphans ?? [])
    else { return .needsComparison }
    try checks.verify()
    let hasChance = try lifting("looking at functions") { () in
      try FunctionList.leavesToChance(writes.functions.union(trip.back?.functions ?? []), on: connection)
    }
    return .came(
      try lifting("comparing rows with those before \(down.id)") { () in
        // If chance decides, every row may differ in the next run.
        try trip.remembered.map { table throws(SQLiteError) in
          if isFirst, hasChance, table.successor != nil || table.isArchivedWhole {
            return try table.all(on: connection)
          }
          let difference = try table.difference(on: connection)
          return isFirst ? try table.archived(difference, on: connection) : difference
        }
      },
      try lifting("comparing virtual tables with those before \(down.id)") { () in
        try trip.hidden.losses(on: connection)
      }, hasChance: hasChance,
      try lifting("reading what \(down.id) leaves") { () in
        try TableContent.present(among: trip.remembered.map(\.shape.name), on: connection)
      })
  }

  /// Archives the rows that did not come back.
  private func keep(
    _ missing: [RememberedTable.Difference], _ trip: RoundTripTrial, _ ledger: Ledger,
    _ knowledge: inout Knowledge
  ) throws(MigrationError) {
    guard missing.contains(where: \.hasMissing), let applied = knowledge.applied.last else { return }
    try lifting("archiving what the way back of \(step.id) does not restore") { () in
      var next = try ledger.archives.next()
      var records: [ArchiveRecord] = []
      for (table, difference) in zip(trip.remembered, missing) {
        guard
          let record = try table.keep(
            difference, next, phase: step.id, text: step.phase.tokenHash, on: connection)
        else { continue }
        records.append(record)
        next += 1
      }
      try ledger.archives.record(records, entry: applied.sequence)
    }
    let known = knowledge.schema
    knowledge.schema = try lifting("reading the schema") { () in
      try Schema(of: connection, known: known)
    }
    try knowledge.settle(on: connection)
  }
}
