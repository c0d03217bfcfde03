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
  /// Whether the way up restores rows that an earlier way down archived. The archives of this way up do not contain
  /// them.
  private let restoresRows: Bool

  /// Copies the rows of the tables that have to be compared.
  ///
  /// - Parameters:
  ///   - whole: tables of which every row is archived if any row does not come back.
  ///   - copiesRows: false when the way back has run in an earlier attempt, and nothing has to be kept for it.
  init(
    _ step: Plan.Step, _ trial: TransitionTrial, _ archivePlans: [ArchivePlan],
    archivingWhole whole: Set<SchemaName>, restoring kept: [ArchiveRecord], before: Schema, copiesRows: Bool,
    on connection: Connection
  ) throws(MigrationError) {
    self.trial = trial
    restoresRows = try kept.map { record throws(MigrationError) in try ArchiveContent(record).hasGoneRows }
      .contains(true)
    self.before = before
    back = trial.back
    risk = RowsAtRisk(trial, archivePlans)
    hidden = try lifting("reading the virtual tables before \(step.id)") { () in
      try HiddenContent(trial, before, on: connection)
    }
    remembered = try lifting("remembering the rows before \(step.id)") { () in
      try risk.tables.enumerated().compactMap {
        try RememberedTable(
          $0.element, number: $0.offset + 1, isArchivedWhole: whole.contains($0.element.name),
          copiesRows: copiesRows, on: connection)
      }
    }
  }

  /// The tables of which archives may restore values or rows.
  var restored: Set<SchemaName> { Set(trial.there.tables.filter(\.isTakenFrom).compactMap(\.origin)) }

  /// Whether the way back leads to the schema before the phase.
  var leadsBack: Bool { trial.leadsBack }
  /// Why the way back is not run; nil when it may be.
  var reasonNotToRun: MigrationError? { trial.backFailure.flatMap { $0.id == .tooCostly ? $0 : nil } }

  func needsRun(to after: Schema, on connection: Connection) throws(MigrationError) -> Bool {
    if risk.needsRun(from: before, to: after) { return true }
    return try leavesToChance(back, on: connection)
  }

  /// Whether the way up does the same when it runs again with the same rows.
  func wayUpIsCertain(on connection: Connection) throws(MigrationError) -> Bool {
    let isChance = try leavesToChance(trial.there, on: connection)
    return !isChance
  }

  private func leavesToChance(_ way: ScriptTrace?, on connection: Connection) throws(MigrationError) -> Bool {
    try lifting("looking at functions") { () in
      try FunctionList.leavesToChance(way?.functions ?? [], on: connection)
    }
  }

  /// The tables that a way back may change in a different way next time, if it calls functions that depend on chance
  /// and did not finish here. nil without such functions.
  func unseenChance(on connection: Connection) throws(MigrationError) -> RoundTripRecord.Chance? {
    guard try leavesToChance(back, on: connection) else { return nil }
    let written = (back?.tables ?? []).filter { $0.isTouched || $0.origin == nil }.compactMap(\.outcome)
    return RoundTripRecord.Chance(tables: Set(risk.touched + written).map(\.spelled).sorted())
  }

  func forget(on connection: Connection) {
    for table in remembered { table.forget(on: connection) }
    hidden.forget(on: connection)
  }

  /// The tables that may refuse a value which the way back writes, by their names after it.
  private func mayRefuse(to after: Schema) -> [SchemaName] {
    (back?.tables ?? []).filter { table in
      let written = table.columns.filter { $0.isUpdated || $0.isInserted }
      let (old, new) = (Set(written.compactMap(\.origin)), Set(written.compactMap(\.outcome)))
      return table.origin.map { after.mayRefuse(valuesOf: old, in: $0) } ?? false
        || table.outcome.map { before.mayRefuse(valuesOf: new, in: $0) } ?? false
    }.compactMap(\.outcome)
  }

  /// What the ledger keeps of a way back that ran.
  func record(
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
            why: RoundTripRecord.Loss.remaining))
      }
    }
    var record = RoundTripRecord(
      verdict: !losses.isEmpty ? .lossy : hasChance ? .chance : .exact, losses: losses)
    if hasChance {
      // A constraint may refuse a value that chance produces.
      let open = remembered.filter {
        restoresRows || !$0.isProofAgainstChance || $0.mayBeRefused(in: before) || $0.mayBeRefused(in: after)
      }
      let tables = Set(open.map(\.shape.name) + mayRefuse(to: after))
      record.chance = .init(tables: tables.map(\.spelled).sorted())
    }
    return record
  }
}
