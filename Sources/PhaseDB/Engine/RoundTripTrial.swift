internal import PhaseSQL
internal import PhaseSQLite

/// What is remembered of the rows before a phase goes up, so that its way back can be run behind it and compared.
struct RoundTripTrial {
  let risk: RowsAtRisk
  let back: ScriptTrace?
  let before: Schema
  private(set) var remembered: [RememberedTable] = []
  let hidden: HiddenContent
  private let trial: TransitionTrial

  /// Copies the rows of the tables that have to be compared.
  init(
    _ step: Plan.Step, _ trial: TransitionTrial, _ archivePlans: [ArchivePlan], before: Schema,
    on connection: Connection
  ) throws(MigrationError) {
    self.trial = trial
    self.before = before
    back = trial.back
    risk = RowsAtRisk(trial, archivePlans)
    hidden = try lifting("reading the virtual tables before \(step.id)") { () in
      try HiddenContent(trial, before, on: connection)
    }
    remembered = try lifting("remembering the rows before \(step.id)") { () in
      try risk.tables.enumerated().compactMap {
        try RememberedTable($0.element, number: $0.offset + 1, on: connection)
      }
    }
  }

  /// Whether the way back leads to the schema before the phase.
  var leadsBack: Bool { trial.leadsBack }
  /// Why the way back is not run; nil when it may be.
  var reasonNotToRun: MigrationError? { trial.backFailure.flatMap { $0.id == .tooCostly ? $0 : nil } }

  func needsRun(to after: Schema, on connection: Connection) throws(MigrationError) -> Bool {
    if risk.needsRun(from: before, to: after) { return true }
    return try lifting("looking at functions") { () in
      try FunctionList.leavesToChance(back?.functions ?? [], on: connection)
    }
  }

  func forget(on connection: Connection) {
    for table in remembered { table.forget(on: connection) }
    hidden.forget(on: connection)
  }
}

extension Engine {
  /// Runs the way back of a phase that has just gone up, compares what it leaves with what was there before the phase, and
  /// undoes it; keeps the rows that it does not give back; and records what it was seen to do.
  ///
  /// Belongs into the transaction of the phase, behind what the ledger got of it.
  ///
  /// - Returns: false when rows have no parent, and what there was before has to be known to tell whose fault it is.
  func tryWayBack(
    _ step: Plan.Step, _ rows: TransitionRows, since orphans: [[Value]: Int]?
  ) throws(MigrationError) -> Bool {
    guard let applied = knowledge.applied.last, let ledger = knowledge.ledger else { return true }
    guard let trip = rows.trip else {
      let reasons =
        rows.failure.map { ["on a database without rows, it does not go up: \($0.message.raw)"] } ?? []
      try lifting("writing the ledger") { () in
        try ledger.roundTrips.record(
          RoundTripRecord(verdict: .untried, reasons: reasons), of: applied.sequence)
      }
      return true
    }
    defer { trip.forget(on: connection) }
    var record = RoundTripRecord(verdict: .exact)
    if let reason = trip.reasonNotToRun {
      record = RoundTripRecord(verdict: .untried, reasons: [reason.message.raw])
    } else if try trip.needsRun(to: knowledge.schema, on: connection) {
      let down = Plan.Step(id: step.id, direction: .down, phase: step.phase, liveAfter: [:])
      var outcome: WayBackOutcome
      if let endedByWayBack {
        outcome = .failed(endedByWayBack)
        self.endedByWayBack = nil
      } else {
        outcome = try run(down, trip, since: orphans, isFirst: true)
      }
      if case .came(let differences, _, _) = outcome {
        let kept = try keep(differences, trip, step)
        if !kept.isEmpty {
          try lifting("writing the ledger") { () in try ledger.archives.record(kept, entry: applied.sequence)
          }
          knowledge.schema = try lifting("reading the schema") { () in
            try Schema(of: connection, known: knowledge.schema)
          }
          try knowledge.settle(on: connection)
          // What is kept now has to be seen to come back, too.
          outcome = try run(down, trip, since: orphans, isFirst: false)
        }
      }
      switch outcome {
      case .needsComparison: return false
      case .came(let differences, let losses, let hasChance):
        record = trip.record(differences, losses, hasChance: hasChance, to: knowledge.schema)
      case .failed(let error) where error.isOfSurroundings:
        record = RoundTripRecord(verdict: .untried, reasons: [error.message.raw])
      case .failed(let error):
        record = RoundTripRecord(verdict: .blocked, reasons: ([error.message] + error.details).map(\.raw))
      }
    }
    try lifting("writing the ledger") { () in
      let touched = try trip.risk.touched.compactMap {
        try Table($0, of: knowledge.schema, on: connection)
      }
      record.keys = try touched.compactMap { try connection.highestKey(of: $0) }
      record.chance?.contents = try touched.map { try TableContent(of: $0, on: connection) }
      let goesByRowID = !SQLTokens.identifiers(in: step.phase.down.text).isDisjoint(with: RowKey.rowIDNames)
      if record.verdict == .exact, !goesByRowID {
        let read = (trip.back?.readTables ?? []).subtracting(trip.risk.touched)
        let tables = try touched + read.compactMap { try Table($0, of: knowledge.schema, on: connection) }
        record.contents = try tables.map { try TableContent(of: $0, on: connection) }
      }
      try ledger.roundTrips.record(record, of: applied.sequence)
    }
    guard trip.leadsBack, let back = trip.back else { return true }
    let hasClaims = try ledger.phases.hasClaims(before: applied, among: knowledge.applied)
    let trial = DownTrial(
      back, step.phase, from: knowledge.schema, to: trip.before, hasClaims: hasClaims)
    try lifting("writing the ledger") { () in
      try ledger.waysDown.record(trial.record(of: applied, from: applied.schemaAfter, at: now()))
    }
    return true
  }

  private enum WayBackOutcome {
    /// By table, how what is there then differs from what was there before; what differs that no archive can keep; and
    /// whether it may be otherwise the next time.
    case came([RememberedTable.Difference], [RoundTripRecord.Loss], hasChance: Bool)
    case failed(MigrationError)
    case needsComparison
  }

  private func run(
    _ down: Plan.Step, _ trip: RoundTripTrial, since orphans: [[Value]: Int]?, isFirst: Bool
  ) throws(MigrationError) -> WayBackOutcome {
    let known = knowledge
    try lifting("trying the way back of \(down.id)") { () in try connection.execute("SAVEPOINT phasedb_trip")
    }
    let outcome: WayBackOutcome
    do throws(MigrationError) {
      // The way back was not asked for yet: it must not hold up the way up for ever.
      let pages = try lifting("reading the size of the database") { () in
        try connection.pageCount
      }
      outcome = try connection.limited(to: CostLimit(.database(bytes: pages << 12))) {
        () throws(MigrationError) in
        try wayBack(down, trip, since: orphans, isFirst: isFirst)
      }
    } catch {
      guard error.id != .interrupted else { throw error }
      guard !connection.isAutocommit else {
        // As a trigger with RAISE(ROLLBACK) does, or a full disk: the phase itself was rolled back, too.
        endedByWayBack = error
        knowledge = known
        return .needsComparison
      }
      outcome = .failed(error)
    }
    try lifting("undoing the way back of \(down.id)") { () in
      try connection.execute("ROLLBACK TO phasedb_trip")
      try connection.execute("RELEASE phasedb_trip")
    }
    knowledge = known
    return outcome
  }

  private func wayBack(
    _ down: Plan.Step, _ trip: RoundTripTrial, since orphans: [[Value]: Int]?, isFirst: Bool
  ) throws(MigrationError) -> WayBackOutcome {
    guard let ledger = knowledge.ledger else { return .came([], [], hasChance: false) }
    let archives = try ledger.archives.all(of: down.id).filter { $0.state == .kept && $0.direction == .up }
    let from = knowledge.schema
    var rows: TransitionRows? = try TransitionRows(
      trying: down, trip.back ?? ScriptTrace(tables: []), archives, on: connection)
    let sql = PhaseStatements(down.id, down.phase, .down, on: connection)
    let writes = try sql.run().writes
    let left = try lifting("reading the schema") { () in try Schema(of: connection, known: from) }
    let after = try putColumnsBack(down, of: left, with: &rows)
    _ = try driftOnTheWayBack(down, to: after)
    let kept = try rows?.finish(writes)
    let reach = ForeignKeyReach(
      writes, after.changes(since: from), to: after, renamed: sql.renamedTables,
      alsoWritten: kept?.tables ?? [])
    guard try hasNoNewForeignKeyViolations(down, in: reach, since: orphans, but: kept?.orphans ?? []) else {
      return .needsComparison
    }
    try verify(down)
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
      }, hasChance: hasChance)
  }

  /// Archives the rows that did not come back.
  private func keep(
    _ differences: [RememberedTable.Difference], _ trip: RoundTripTrial, _ step: Plan.Step
  ) throws(MigrationError) -> [ArchiveRecord] {
    guard let ledger = knowledge.ledger else { return [] }
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

extension RoundTripTrial {
  fileprivate func record(
    _ differences: [RememberedTable.Difference], _ losses: [RoundTripRecord.Loss], hasChance: Bool,
    to after: Schema
  ) -> RoundTripRecord {
    var losses = losses
    for (table, difference) in zip(remembered, differences) {
      let name = table.shape.name.spelled
      if !difference.numbers.isEmpty {
        losses.append(
          RoundTripRecord.Loss(
            table: name, column: nil, rows: difference.numbers.count,
            why: "the way back does not restore them"))
      }
      if difference.extra > 0 {
        losses.append(
          RoundTripRecord.Loss(
            table: name, column: nil, rows: difference.extra,
            why: "rows remain that were not there before the phase"))
      }
    }
    var record = RoundTripRecord(
      verdict: !losses.isEmpty ? .lossy : hasChance ? .chance : .exact, losses: losses)
    if hasChance {
      record.chance = .init(
        tables: remembered.filter {
          // Chance may break a constraint, too.
          !$0.isProofAgainstChance || $0.isConstrained(in: before) || $0.isConstrained(in: after)
        }.map(\.shape.name.spelled))
    }
    return record
  }
}

extension MigrationError {
  /// Whether it tells of the file or the machine, and nothing of the SQL that ran.
  fileprivate var isOfSurroundings: Bool {
    [
      .databaseBusy, .databaseFull, .databaseReadOnly, .databaseUnreadable, .ioFailed, .outOfMemory,
      .tooCostly,
    ].contains(
      id)
  }
}
