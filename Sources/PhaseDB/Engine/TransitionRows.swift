internal import PhaseSQL
internal import PhaseSQLite

/// Archives rows that a transition removes, and restores archived rows. It begins before the SQL runs, and finishes
/// after it.
struct TransitionRows {
  private let step: Plan.Step
  /// Whether there are archives for this transition to restore.
  private let hasKept: Bool
  /// Whether this is the way up of an expand phase. Such a phase promises to remove nothing, and this is enforced.
  private let isPromise: Bool
  /// nil when the SQL does not run on a database without rows.
  private var work: (archiving: Archiving?, restoring: Restoring)?
  private(set) var failure: MigrationError?
  private var indexes: DerivedIndexes?
  /// On the way up: the copied rows that the trial of the way back needs.
  private(set) var trip: RoundTripTrial?

  /// - Parameters:
  ///   - known: what earlier attempts found out about the way back; nil when that of a way up will not be tried.
  ///   - comparisons: how archives compare with the present rows, as far as that is known.
  ///   - looksForCorrections: whether to find rows to which the SQL alone gives wrong values.
  /// - Returns: nil when there is nothing to archive and nothing to restore.
  /// - Throws: problems of an archive, and errors of SQLite while rows are copied.
  init?(
    _ step: Plan.Step, _ knowledge: Knowledge, _ trials: TransitionTrials,
    knowing known: WayBackTrial.Findings?, comparing comparisons: [Int64: ArchiveComparison],
    looksForCorrections: Bool, on connection: Connection
  ) throws(MigrationError) {
    guard let ledger = knowledge.ledger else { return nil }
    let kept = try ledger.archives.all(of: step.id).filter {
      $0.state == .kept && $0.direction != step.direction
    }
    self.step = step
    hasKept = !kept.isEmpty
    isPromise = step.direction == .up && step.phase.kind == .expand
    let trial: TransitionTrial
    do throws(MigrationError) {
      trial = try trials.trial(step.id, step.phase, step.direction, on: knowledge.schema)
    } catch {
      // Most SQL that fails without rows fails with rows, too, and then the error of the database itself is better.
      failure = error
      return
    }
    try Self.refuseBrokenConstraints(step, trial, knowledge, ledger, kept, on: connection)
    let restoring = try Restoring(
      kept, step.phase, trial.there, knowing: comparisons, looksForCorrections: looksForCorrections,
      on: connection)
    let young = try Self.young(step, knowledge, ledger)
    var archivePlans = isPromise ? [] : try ArchivePlan.all(in: trial, on: connection, isYoung: young)
    if step.direction == .up, let known {
      // The way back is run at once. Only if it does not make these rows again, they are archived.
      let unfollowed = trial.leadsBack ? archivePlans.filter(\.isLeftToWayBack) : []
      archivePlans.removeAll { plan in unfollowed.contains { $0.table.name == plan.table.name } }
      trip = try RoundTripTrial(
        step, trial, archivePlans, archivingWhole: Set(unfollowed.map(\.table.name)), restoring: kept,
        before: knowledge.schema, copiesRows: known.needsRows, on: connection)
    }
    indexes = try lifting("checking full-text indexes") { () in
      try DerivedIndexes(
        touched: restoring.tables.union(trial.there.touchedTables), of: knowledge.schema,
        isWayBack: step.direction == .down, on: connection)
    }
    let archiving = try lifting("archiving what \(step.id) \(step.direction.rawValue) will remove") { () in
      try Archiving(
        archivePlans.map { $0.restoredInto(restoring.tables) }, firstID: try ledger.archives.next(),
        isWayBackKnown: step.direction == .up, on: connection)
    }
    work = (archiving, restoring)
  }

  /// For the trial of the way back of a phase that has just gone up. It restores rows, and does not archive any.
  ///
  /// - Parameter trace: what the SQL of the way back does to tables and columns.
  init(
    trying step: Plan.Step, _ trace: ScriptTrace, _ archives: [ArchiveRecord], on connection: Connection
  ) throws(MigrationError) {
    self.step = step
    hasKept = !archives.isEmpty
    isPromise = false
    work = (
      nil, try Restoring(archives, step.phase, trace, looksForCorrections: false, on: connection)
    )
  }

  /// How a rebuild reads a table, so that archived values are restored in the same pass.
  mutating func reading(for table: TableRebuild) throws(MigrationError) -> TableRebuild.Reading {
    try work?.restoring.reading(for: table) ?? TableRebuild.Reading()
  }

  /// Restores archived values, and archives what the SQL removed.
  ///
  /// - Parameter writes: what the SQL wrote.
  /// - Throws: if the SQL failed on a database without rows but ran here, and so may have removed rows: the error of
  ///   that trial.
  func finish(_ writes: WriteSet) throws(MigrationError) -> Outcome {
    if let failure, hasKept || (!isPromise && writes.mayTakeRows) { throw failure }
    guard let (archiving, begun) = work else { return Outcome() }
    var restoring = begun
    let (left, used) = try restoring.finish()
    try lifting("checking full-text indexes") { () in try indexes?.mend() }
    let made = try lifting("archiving what \(step.id) \(step.direction.rawValue) removed") { () in
      try archiving?.settle(step.id, step.phase, step.direction) ?? []
    }
    return Outcome(
      made: made, left: left, used: used, orphans: restoring.orphans, tables: restoring.tables,
      corrections: restoring.corrections)
  }

  /// The changes of archives in a transition.
  struct Outcome {
    var made: [ArchiveRecord] = []
    var left: [ArchiveRecord] = []
    var used: [Int64] = []
    /// The foreign keys of restored rows that never had a parent.
    var orphans: Set<String> = []
    /// Tables that got rows or values back, folded.
    var tables: Set<FoldedName> = []
    /// Rows to which the SQL alone gave wrong values, if that was asked for.
    var corrections: [TableDifference] = []

    /// Records the new state of archives after a transition.
    func record(in archives: ArchiveRecords, entry: Int64) throws(SQLiteError) {
      try archives.record(made, entry: entry)
      try archives.record(left)
      for id in used { try archives.forget(id) }
    }
  }

  /// Refuses a down if newer rows do not fit the schema it leads to.
  private static func refuseBrokenConstraints(
    _ step: Plan.Step, _ trial: TransitionTrial, _ knowledge: Knowledge, _ ledger: Ledger,
    _ kept: [ArchiveRecord], on connection: Connection
  ) throws(MigrationError) {
    guard step.direction == .down, let applied = knowledge.applied.last else { return }
    let broken = try lifting("looking for rows that do not fit the schema before \(step.id)") {
      () throws(SQLiteError) -> [BrokenConstraint] in
      // If the phase only added objects, rows cannot fail to fit.
      if kept.isEmpty, try !ledger.schemas.hasLostObjects(since: applied.sequence) { return [] }
      return try FormerConstraints(
        trial.there, from: knowledge.schema,
        to: try ledger.schemas.schema(before: applied, from: knowledge.schema),
        with: kept, on: connection
      ).broken()
    }
    guard let first = broken.first else { return }
    throw MigrationError(
      .reversalBlocked, "\(step.id) cannot come down: present rows break \(first.sentence)",
      details: first.lines + broken.dropFirst().flatMap { ["and \($0.sentence):"] + $0.lines },
      help: [first.opening])
  }

  /// Columns that the migration itself added, and a migrate phase fills.
  private static func young(
    _ step: Plan.Step, _ knowledge: Knowledge, _ ledger: Ledger
  ) throws(MigrationError) -> (SchemaName, SchemaName) -> Bool {
    guard step.direction == .up, step.phase.kind == .migrate,
      let first = knowledge.applied.first(where: { $0.id.migration == step.id.migration })
    else { return { _, _ in false } }
    let before = try lifting("reading the ledger") { () in
      try ledger.schemas.schema(after: first.sequence - 1)
    }
    return { table, column in before.table(table)?.column(column) == nil }
  }
}
