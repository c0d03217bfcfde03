internal import PhaseSQL
internal import PhaseSQLite

/// The way back of a phase that has just gone up, tried in the same transaction.
struct WayBackTrial {
  private let step: Plan.Step
  private let rows: TransitionRows
  /// Rows that had no parent before the phase; nil when they were not looked for.
  private let orphans: [[Value]: Int]?
  /// Why the way back ended the transaction of an earlier attempt.
  private let end: MigrationError?
  private let now: () -> Timestamp
  private let connection: Connection

  init(
    _ step: Plan.Step, _ rows: TransitionRows, since orphans: [[Value]: Int]?, endedBy end: MigrationError?,
    at now: @escaping () -> Timestamp, on connection: Connection
  ) {
    (self.step, self.rows, self.orphans, self.end) = (step, rows, orphans, end)
    (self.now, self.connection) = (now, connection)
  }

  enum Result {
    case recorded
    /// Rows have no parent, and what there was before has to be known to tell whose fault it is; or the way back ended
    /// the transaction, and this is why.
    case needsOrphansBefore(endedBy: MigrationError?)
  }

  /// Runs the way back of a phase that has just gone up, compares what it leaves with what was there before the phase, and
  /// undoes it; keeps the rows that it does not give back; and records what it was seen to do.
  ///
  /// Belongs into the transaction of the phase, behind what the ledger got of it.
  ///
  func run(_ knowledge: inout Knowledge) throws(MigrationError) -> Result {
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
      let down = Plan.Step(id: step.id, direction: .down, phase: step.phase, liveAfter: [:])
      var outcome: Outcome
      if let end { outcome = .failed(end) } else { outcome = try run(down, trip, knowledge, isFirst: true) }
      if case .came(let differences, _, _, _) = outcome {
        let kept = try keep(differences, trip, ledger)
        if !kept.isEmpty {
          try lifting("writing the ledger") { () in try ledger.archives.record(kept, entry: applied.sequence)
          }
          let known = knowledge.schema
          knowledge.schema = try lifting("reading the schema") { () in
            try Schema(of: connection, known: known)
          }
          try knowledge.settle(on: connection)
          // What is kept now has to be seen to come back, too.
          outcome = try run(down, trip, knowledge, isFirst: false)
        }
      }
      switch outcome {
      case .needsComparison: return .needsOrphansBefore(endedBy: end)
      case .ended(let error): return .needsOrphansBefore(endedBy: error)
      case .came(let differences, let losses, let hasChance, let contents):
        given = contents
        record = trip.record(differences, losses, hasChance: hasChance, to: knowledge.schema)
      case .failed(let error) where error.isOfSurroundings:
        record = RoundTripRecord(verdict: .untried, reasons: [error.message.raw])
      case .failed(let error):
        record = RoundTripRecord(verdict: .blocked, reasons: ([error.message] + error.details).map(\.raw))
      }
    }
    if record.verdict == .blocked || record.verdict == .untried {
      record.chance = try trip.unseenChance(on: connection)
    }
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
        let read = (trip.back?.readTables ?? []).subtracting(trip.risk.touched)
        let tables = try touched + read.compactMap { try Table($0, of: knowledge.schema, on: connection) }
        record.contents =
          try tables.map { try TableContent(of: $0, on: connection) }
          + TableContent.statistics(on: connection)
        record.given = given
      }
      try ledger.roundTrips.record(record, of: applied.sequence)
    }
    guard trip.leadsBack, let back = trip.back else { return .recorded }
    let hasClaims = try ledger.phases.hasClaims(before: applied, among: knowledge.applied)
    let trial = DownTrial(
      back, step.phase, from: knowledge.schema, to: trip.before, hasClaims: hasClaims)
    try lifting("writing the ledger") { () in
      try ledger.waysDown.record(trial.record(of: applied, from: applied.schemaAfter, at: now()))
    }
    return .recorded
  }

  private enum Outcome {
    /// By table, how what is there then differs from what was there before; what differs that no archive can keep;
    /// whether it may be otherwise the next time; and what the tables hold.
    case came([RememberedTable.Difference], [RoundTripRecord.Loss], hasChance: Bool, [TableContent])
    case failed(MigrationError)
    case needsComparison
    /// It ended the transaction of the phase, too.
    case ended(MigrationError)
  }

  private func run(
    _ down: Plan.Step, _ trip: RoundTripTrial, _ knowledge: Knowledge, isFirst: Bool
  ) throws(MigrationError) -> Outcome {
    try lifting("trying the way back of \(down.id)") { () in try connection.execute("SAVEPOINT phasedb_trip")
    }
    let outcome: Outcome
    do throws(MigrationError) {
      // The way back was not asked for yet: it must not hold up the way up for ever.
      let pages = try lifting("reading the size of the database") { () in
        try connection.pageCount
      }
      outcome = try connection.limited(to: CostLimit(.database(bytes: pages << 12))) {
        () throws(MigrationError) in
        try wayBack(down, trip, knowledge, isFirst: isFirst)
      }
    } catch {
      guard error.id != .interrupted else { throw error }
      // As a trigger with RAISE(ROLLBACK) does, or a full disk: the phase itself was rolled back, too.
      guard !connection.isAutocommit else { return .ended(error) }
      outcome = .failed(error)
    }
    try lifting("undoing the way back of \(down.id)") { () in
      try connection.undo(since: "phasedb_trip")
    }
    return outcome
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
        // What chance has a part in may do otherwise the next time, with any row.
        try trip.remembered.map {
          try isFirst && hasChance && $0.successor != nil
            ? $0.all(on: connection) : $0.difference(on: connection)
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
    _ differences: [RememberedTable.Difference], _ trip: RoundTripTrial, _ ledger: Ledger
  ) throws(MigrationError) -> [ArchiveRecord] {
    return try lifting("archiving what the way back of \(step.id) does not restore") { () in
      var next = try ledger.archives.next()
      var records: [ArchiveRecord] = []
      for (table, difference) in zip(trip.remembered, differences) {
        guard
          let record = try table.keep(
            difference, next, phase: step.id, text: step.phase.tokenHash, on: connection)
        else { continue }
        records.append(record)
        next += 1
      }
      return records
    }
  }
}
