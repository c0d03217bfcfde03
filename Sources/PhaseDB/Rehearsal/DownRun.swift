internal import PhaseSQL
internal import PhaseSQLite

/// Runs the way down on a private copy of a database, with the same engine that runs it on the database itself.
///
/// It compares rows to find what the way down overwrites. A value is lost if the way down changes it and the way up
/// does not bring it back.
final class DownRun {
  let connection: Connection
  let engine: Engine
  /// Opens a connection that keeps seeing the copy as it is at this moment.
  private let look: () throws -> Connection
  /// Opens a connection on a copy of the copy.
  private let fork: () throws -> Connection
  private let makeEngine: (Connection, Engine.Purpose) -> Engine
  /// As it was before the last step.
  private var schema: Schema?
  /// How many more copies may be made to find the rows that keep the way down from running.
  private var forksLeft: Int

  /// The result for one phase.
  struct Step {
    let id: PhaseID
    /// Why it did not come down; nil when it did.
    var failure: MigrationError?
    var times: RunResult.Times?
    /// How many rows came back from archives, by table.
    var restored: [DownRehearsal.Restored] = []
    /// The tables that it touches or reads, folded.
    var tables: Set<FoldedName> = []
    var lost: [Reversal.AffectedRows] = []
    var uncertain: [Reversal.AffectedRows] = []
    /// The values and rows that it overwrites, deletes or inserts, and that the way up does not restore.
    var written = LostCells()
    /// How many rows it inserts that come from no archive, by table, folded. Triggers insert some of them.
    var added: [FoldedName: Int] = [:]
    /// How many rows that the way up inserted remain, by table; only where the way back inserts none.
    var remaining: [String: Int] = [:]
    /// What it overwrites, deletes or inserts, where it is unknown whether the way up restores it: the way up does not
    /// run again, or depends on chance.
    var open = LostCells()
  }

  init(
    on connection: Connection, runner: Runner, pacing: Options.Pacing, now: @escaping () -> Timestamp,
    cancellation: Cancellation, forks: Int, look: @escaping () throws -> Connection,
    fork: @escaping () throws -> Connection, trials: TransitionTrials = TransitionTrials()
  ) throws(MigrationError) {
    forksLeft = forks
    self.connection = connection
    self.look = look
    self.fork = fork
    makeEngine = { connection, purpose in
      Engine(
        on: connection, for: purpose, trials: trials, runner: runner,
        now: now, wait: .seconds(5), pacing: pacing, cancellation: cancellation, observe: { _ in })
    }
    engine = makeEngine(connection, .copy)
  }

  /// Takes the phase down that was applied last.
  ///
  /// - Throws: when the copy cannot be read. If the phase cannot come down, the result says why.
  func step(_ id: PhaseID, _ phase: Phase) throws(MigrationError) -> Step {
    var step = Step(id: id)
    let knowledge = try Knowledge(of: connection, known: schema)
    schema = knowledge.schema
    guard let ledger = knowledge.ledger else { throw Ledger.damaged("there is no ledger") }
    let archives = try ledger.archives.all(of: id)
    let kept = archives.filter { $0.state == .kept && $0.direction == .up }
    var outlooks: [(archive: ArchiveRecord, forecast: ArchiveForecast, ArchiveForecast.Outlook)] = []
    var (functionsOfUp, making, written): (Set<FoldedName>, Set<FoldedName>, Set<FoldedName>) = ([], [], [])
    /// The tables into which the way up inserts rows, and not only all of one table.
    var adding: Set<FoldedName> = []
    /// The archived tables of which a changed row comes back as one that had its values all along.
    var carriedOver: Set<FoldedName> = []
    var runsWithoutRows = false
    step.tables = Set(
      knowledge.schema.tables(named: SQLTokens.identifiers(in: phase.down.text)).map(\.key)
    ).union(kept.map(\.table.folded))
    do throws(MigrationError) {
      let trial = try engine.trials.trial(id, phase, .down, on: knowledge.schema)
      let trace = trial.there
      runsWithoutRows = true
      step.tables.formUnion(
        try decidingTables(trace, knowledge, ledger, kept).union(trace.readTables).map(\.key))
      written = trace.touchedTables
      step.tables.formUnion(written)
      functionsOfUp = trial.back?.functions ?? []
      making = trace.tablesWithNewRows
      adding = Set(
        (trial.back?.tables ?? []).filter { $0.gainsRows && !$0.hasAllRowsOfOne }.compactMap(\.outcome?.key))
      let former = try former(knowledge, ledger)
      let goesByChance = try reading { try FunctionList.leavesToChance(trace.functions, on: connection) }
      for archive in kept {
        let content = try ArchiveContent(archive)
        let forecast = ArchiveForecast(archive, content, trace)
        let (table, key) = (SchemaName(archive.table), content.key.names)
        if !goesByChance, let up = trial.back, trace.carriesOver(table, opposite: up, key: key),
          up.carriesOver(table, opposite: trace, key: key)
        {
          carriedOver.insert(archive.table.folded)
        }
        let outlook = try lifting("comparing rows with archive \(archive.id)") { () in
          try forecast.outlook(on: connection)
        }
        step.lost += outlook.lost
        if let merged = try reading({ try forecast.merged(in: former, on: connection) }) {
          step.lost.append(merged)
        }
        step.uncertain += outlook.others
        outlooks.append((archive, forecast, outlook))
      }
    } catch  where error.id != .ledgerDamaged {
      // The engine throws an error that says why.
    }
    let before = try reading(look)
    let record = try knowledge.applied.last.flatMap { applied throws(MigrationError) in
      try ledger.roundTrips.read(of: applied.sequence)
    }
    let writes: WriteSet
    do throws(MigrationError) {
      let report = try engine.runAlone(id, phase, .down, in: Catalog([]), knowing: schema).step
      (step.times, writes) = (report.times, report.writes)
    } catch {
      guard error.id != .interrupted, error.id != .tooCostly else { throw error }
      step.failure = error
      if error.id == .statementFailed || error.id == .transactionEnded, runsWithoutRows,
        error.details.isEmpty || phase.batching != nil
      {
        var search = RowsInTheWay(of: phase, writing: written, on: connection, tries: forksLeft) {
          table, keys in
          try self.fails(id, phase, error.message, table, keeping: keys)
        }
        defer { forksLeft = search.triesLeft }
        // If the time ends first, the error still says that rows are in the way.
        let isComplete = (try? search.find()) != nil
        let rows = search.rows
        if !rows.isEmpty {
          step.failure?.details =
            rows.map { Prose($0.title) } + (search.hasMore ? ["… and perhaps more"] : [])
        }
        step.failure?.help = [
          rows.first.map { WayOut.change(in: $0.table, $0.title) }
            ?? (isComplete
              ? "change or delete the rows that do not fit; they could not be found" : WayOut.rows)
        ]
      }
      return step
    }
    step.tables.formUnion(
      writes.tables.union(writes.columns.keys).union(writes.alteredTables).union(writes.deletedTables)
        .union(writes.readTables))
    let left = try ledger.archives.all(of: id)
    // Batches put what a changed row did not get back into another archive.
    let added = left.filter { rest in
      rest.state == .left && rest.direction == .up && !archives.contains { $0.id == rest.id }
    }
    func rest(of archive: ArchiveRecord) -> [ArchiveRecord] {
      left.filter { $0.id == archive.id } + added.filter { $0.table == archive.table }
    }
    // The whole-row archive is empty now, so its rows came back. They have the values that the other archive still
    // holds.
    let whole = try kept.map { archive throws(MigrationError) -> FoldedName? in
      let content = try ArchiveContent(archive)
      let isWhole = content.isSupplement == true && content.isComplete == true && content.hasGoneRows
      return isWhole && rest(of: archive).isEmpty ? archive.table.folded : nil
    }
    for (archive, forecast, outlook) in outlooks {
      // The archive could have replaced all rows together, but not beside others.
      if !outlook.recomputed.isEmpty, adding.contains(archive.table.folded) {
        let rows = try reading {
          try connection.value("SELECT count(*) FROM main.\(SQLText.identifier(archive.table))")?.integer ?? 0
        }
        if rows > archive.rows {
          step.uncertain.append(
            Reversal.AffectedRows(
              table: archive.table, column: nil, rows: Int(rows) - archive.rows,
              why: "they came since, or the phase inserted them and the way back leaves them"))
        }
      }
      let rest = rest(of: archive)
      guard !rest.isEmpty, !whole.contains(archive.table.folded) else { continue }
      let left = rest.reduce(0) { $0 + $1.rows }
      if left > 0 { step.lost += outlook.recomputed.map { $0.counted(left) } }
      let known = step.lost.filter { $0.table == archive.table && $0.column == nil }
      let (gone, taken) = try reading {
        try rest.reduce((0, 0)) { sum, archive in
          let (all, taken) = try forecast.staysGone(in: archive, on: connection)
          return (sum.0 + all, sum.1 + taken)
        }
      }
      if gone > known.reduce(0, { $0 + ($1.rows ?? gone) }) {
        step.lost.removeAll { known.contains($0) }
        let hasParents = try reading { try Table.hasForeignKeys(SchemaName(archive.table), on: connection) }
        for (rows, why) in [
          (taken, "other rows have their keys now"),
          (gone - taken, hasParents ? "their parents were deleted" : "the way back does not restore them"),
        ] where rows > 0 {
          step.lost.append(
            Reversal.AffectedRows(table: archive.table, column: nil, rows: rows, why: Prose(why)))
        }
      }
      let byOthers =
        carriedOver.contains(archive.table.folded) && !outlook.computed.isEmpty
        ? try writtenByOthers(id, phase, archive, rest, since: before) : [:]
      for rows in outlook.computed {
        let count = try reading {
          try rest.reduce(0) { try $0 + forecast.others(than: rows.column ?? "", in: $1, on: connection) }
        }
        let open = count - (byOthers[rows.column?.folded ?? ""] ?? 0)
        if open > 0 { step.uncertain.append(rows.counted(open)) }
      }
    }
    step.restored = kept.map { archive in
      let rest = rest(of: archive).reduce(0) { $0 + $1.rows }
      return DownRehearsal.Restored(table: archive.table, rows: archive.rows - rest, left: rest)
    }
    let known = Set(step.lost.filter { $0.column == nil }.map(\.table.folded))
    let changes = try changes(since: before, kept, record)
    step.added = Dictionary(
      changes.cells.filtered { !changes.archived.bringsBack($1, of: $0) }.born.map { ($0.folded, $1.count) },
      uniquingKeysWith: +)
    for born in record?.born ?? [] where step.added[born.table.folded] == nil {
      step.remaining[born.table] = try reading { try RememberedTable.count(born, on: connection) }
    }
    (step.written, step.open) = try overwritten(id, phase, changes, functionsOfUp, making)
    let others = step.written.filtered { table, _ in !known.contains(table.folded) }
    (step.written.rows, step.written.values) = (others.rows, others.values)
    for archive in kept {
      step.excuseRestored(
        try reading {
          try changes.archived.restored(step.written.values, of: archive, rest(of: archive), on: connection)
        }, changes.archived)
    }
    return step
  }

  private func decidingTables(
    _ trace: ScriptTrace, _ knowledge: Knowledge, _ ledger: Ledger, _ kept: [ArchiveRecord]
  ) throws(MigrationError) -> Set<SchemaName> {
    guard let applied = knowledge.applied.last else { return [] }
    let claims = try ledger.phases.claims(before: applied, among: knowledge.applied)
    return trace.decidingTables(
      to: try former(knowledge, ledger), claims, among: knowledge.schema,
      restoring: Set(kept.map { SchemaName($0.table) }))
  }

  /// The schema to which the way back leads.
  private func former(_ knowledge: Knowledge, _ ledger: Ledger) throws(MigrationError) -> Schema {
    guard let applied = knowledge.applied.last else { return knowledge.schema }
    return try reading { try ledger.schemas.schema(before: applied, from: knowledge.schema) }
  }

  private func reading<Result>(_ body: () throws -> Result) throws(MigrationError) -> Result {
    try lifting("reading the copy", body)
  }

  /// Whether the way down fails in the same way when a table has no rows but these.
  private func fails(
    _ id: PhaseID, _ phase: Phase, _ message: Prose, _ table: OrderedTable, keeping keys: OrderedTable.Rows
  ) throws(MigrationError) -> Bool {
    let copy = try reading(fork)
    try reading {
      copy.turn(.triggers, on: false)
      try table.delete(but: keys, on: copy)
      copy.turn(.triggers, on: true)
    }
    let engine = makeEngine(copy, .glance)
    do throws(MigrationError) {
      _ = try engine.runAlone(id, phase, .down, in: Catalog([]))
      return false
    } catch {
      guard error.id != .interrupted, error.id != .tooCostly else { throw error }
      return error.message == message
    }
  }

  // MARK: What it writes over

  /// How the rows differ from those before the way down.
  private struct Changes {
    let comparison: CellComparison
    let old: CellComparison.State
    let cells: LostCells
    let archived: ArchivedKeys
    /// The highest number of each table when the phase went up. A row with a higher one came since.
    let highest: [FoldedName: Int64]
  }

  private func changes(
    since before: Connection, _ kept: [ArchiveRecord], _ record: RoundTripRecord?
  ) throws(MigrationError) -> Changes {
    try reading {
      let (old, present) = (try CellComparison.State(before), try CellComparison.State(connection))
      let comparison = CellComparison(old, present)
      let cells = try comparison.cells(old, present)
      return Changes(
        comparison: comparison, old: old, cells: cells,
        archived: try ArchivedKeys(cells.isEmpty ? [] : kept, on: before),
        highest: Dictionary(
          (record?.keys ?? []).compactMap { keys in keys.highest.map { (keys.table.folded, $0) } },
          uniquingKeysWith: { first, _ in first }))
    }
  }

  /// The values and rows that the way down removes and the way up does not restore.
  ///
  /// - Parameter making: the tables into which the way down inserts new rows: their sources keep their own rows.
  private func overwritten(
    _ id: PhaseID, _ phase: Phase, _ changes: Changes, _ functionsOfUp: Set<FoldedName>,
    _ making: Set<FoldedName>
  ) throws(MigrationError) -> (lost: LostCells, open: LostCells) {
    let (comparison, old, changed, archived) = (
      changes.comparison, changes.old, changes.cells, changes.archived
    )
    guard !changed.isEmpty else { return (changed, LostCells()) }
    let again: CellComparison.State
    do throws(MigrationError) {
      again = try upAgain(id, phase)
    } catch {
      guard error.id != .interrupted, error.id != .tooCostly else { throw error }
      // If the way up does not run again, a rehearsal of it says more about rows that have not changed.
      var open = changed.filtered { archived.hasUnchanged($1, of: $0) != true }
      open.born = changed.filtered { !archived.bringsBack($1, of: $0) }.born
      return (LostCells(), open)
    }
    var lost = try reading { try comparison.cells(old, again) }.common(with: changed)
    if !lost.rows.isEmpty {
      let own = try reading { try comparison.renumbered(old, again, upTo: changes.highest) }
      lost = lost.without(LostCells(rows: own))
    }
    let goesByChance = try reading { try FunctionList.leavesToChance(functionsOfUp, on: connection) }
    // An application may have deleted such a row, whether the way up deletes it again or not.
    let made = changed.filtered { table, _ in making.contains(table.folded) }.born
    guard !lost.isEmpty || !made.isEmpty || goesByChance else { return (lost, LostCells()) }
    lost.born.merge(made) { $0.union($1) }
    if goesByChance {
      // The way up may have deleted rows that it would keep the next time, and restored values of an application that
      // it would not.
      lost.born = changed.born
      let byOthers = changed.filtered { archived.hasUnchanged($1, of: $0) == false }
      for _ in 0..<min(Self.mostTries, forksLeft) where !byOthers.without(lost).isEmpty {
        let next: CellComparison.State
        do throws(MigrationError) {
          next = try upAgain(id, phase)
        } catch {
          guard error.id != .interrupted, error.id != .tooCostly else { throw error }
          break
        }
        lost.add(try reading { try comparison.cells(old, next) }.common(with: byOthers))
      }
    }
    guard !lost.isEmpty else { return (lost, LostCells()) }
    // Rows that come from an archive are expected.
    lost.born = lost.filtered { !archived.bringsBack($1, of: $0) }.born
    // A value from the clock or from chance differs with each run, so it is not a loss. But a row that changed since
    // the way up has values from the application, and so may one of which nothing was kept.
    let clock = try reading { try StandingClock(at: "1987-06-05 04:03:02") }
    let other: CellComparison.State
    do throws(MigrationError) {
      other = try upAgain(id, phase, clock)
    } catch {
      guard error.id != .interrupted, error.id != .tooCostly else { throw error }
      // Chance may break a constraint in one of several runs. Then no value is treated as chance.
      return (lost, LostCells())
    }
    var chance = try reading { try comparison.cells(again, other) }
    chance.born = [:]
    let own = chance.filtered { archived.hasUnchanged($1, of: $0) == true }
    let open = chance.filtered { archived.hasUnchanged($1, of: $0) == nil }
    return (lost.without(own).without(open), lost.common(with: open))
  }

  /// How often a way up that depends on chance runs again. A value with two equally likely results then seems to come
  /// back in 1 of 8,192 cases.
  private static let mostTries = 12

  /// Of the rows that did not get their archived values back, how many have in a column what an application wrote: the way
  /// up makes something else of the archived value. Such a value is carried over.
  ///
  /// - Parameter rest: what is left of the archive.
  /// - Returns: the counts by column, folded; only for columns that the phase does not drop.
  private func writtenByOthers(
    _ id: PhaseID, _ phase: Phase, _ archive: ArchiveRecord, _ rest: [ArchiveRecord], since before: Connection
  ) throws(MigrationError) -> [FoldedName: Int] {
    let content = try ArchiveContent(archive)
    let columns = content.columns.enumerated().filter {
      SchemaName($0.element.name) == $0.element.after.map { SchemaName($0) }
    }
    guard !columns.isEmpty else { return [:] }
    let again: CellComparison.State
    do throws(MigrationError) {
      again = try upAgain(id, phase) { fork in
        guard let table = try Table(SchemaName(archive.table), on: fork) else { return }
        fork.turn(.triggers, on: false)
        defer { fork.turn(.triggers, on: true) }
        let values = columns.map { "\(SQLText.identifier($0.element.name)) = a.v\($0.offset + 1)" }
        let match = RowMatch.condition(
          content.key.names.map { SchemaName($0) }, in: table, as: "t", against: "a")
        for left in rest {
          try fork.execute(
            "UPDATE main.\(SQLText.identifier(archive.table)) AS t SET \(values.joined(separator: ", ")) FROM main.\(left.tableName) AS a WHERE a.gone = 0 AND \(match)"
          )
        }
      }
    } catch {
      guard error.id != .interrupted, error.id != .tooCostly else { throw error }
      return [:]
    }
    return try reading {
      let old = try CellComparison.State(before)
      let cells = try CellComparison(old, again).cells(old, again)
      let keys = try ArchivedKeys.titles(of: rest, content, on: connection)
      return Dictionary(
        columns.map { column in
          let name = column.element.name
          let written = cells.values.first {
            $0.key.table.folded == archive.table.folded && $0.key.column.folded == name.folded
          }
          return (name.folded, written?.value.intersection(keys).count ?? 0)
        }, uniquingKeysWith: { first, _ in first })
    }
  }

  /// The phase up again, without what its way down kept.
  ///
  /// - Parameter prepare: what to do with the copy first.
  private func upAgain(
    _ id: PhaseID, _ phase: Phase, _ clock: StandingClock? = nil,
    prepare: (Connection) throws -> Void = { _ in }
  ) throws(MigrationError) -> CellComparison.State {
    let again = try reading(fork)
    if let clock { try reading { try clock.rule(again) } }
    try reading { try prepare(again) }
    try reading {
      let ledger = Ledger(connection: again)
      for archive in try ledger.archives.all(of: id) where archive.direction == .down {
        try again.execute("DROP TABLE IF EXISTS main.\(archive.tableName)")
        try ledger.archives.forget(archive.id)
      }
    }
    let engine = makeEngine(again, .glance)
    _ = try engine.runAlone(id, phase, .up, in: Catalog([]), knowing: schema)
    return try reading { try CellComparison.State(again) }
  }
}

extension DownRun.Step {
  /// A value that an archive gave back is not lost. Only of a row that changed since it is unknown whose value it replaced.
  fileprivate mutating func excuseRestored(
    _ restored: [LostCells.Column: Set<String>], _ archived: ArchivedKeys
  ) {
    for (column, keys) in restored where !keys.isEmpty {
      written.values[column]?.subtract(keys)
      if written.values[column]?.isEmpty == true { written.values[column] = nil }
      let changed = keys.filter { archived.hasUnchanged($0, of: column.table) != true }
      guard !changed.isEmpty else { continue }
      uncertain.append(
        Reversal.AffectedRows(
          table: column.table, column: column.column, rows: changed.count,
          why: "the rows changed since, and the archived value comes back"))
    }
  }
}

extension DownRun {
  /// On a copy in memory.
  ///
  /// - Parameters:
  ///   - limit: how many bytes are copied at most.
  ///   - time: how long it may take.
  ///   - trials: keeps what is tried without rows.
  /// - Returns: nil for a database that is too large, or that only its application can read.
  static func inMemory(
    of source: Connection, upTo limit: Int, within time: Duration, runner: Runner,
    now: @escaping () -> Timestamp, trials: TransitionTrials = TransitionTrials()
  ) throws(MigrationError) -> DownRun? {
    guard !source.isBorrowed else { return nil }
    let bytes = try lifting("reading the size of the database") { () in try source.contentBytes }
    guard bytes <= limit else { return nil }
    let copy = try lifting("copying the database into memory") { () in
      let copy = try copyInMemory(of: source)
      try copy.execute("DELETE FROM phasedb_lease")
      return copy
    }
    var pacing = Options.Pacing()
    pacing.pause = .zero
    let fork = { () throws -> Connection in try copyInMemory(of: copy) }
    return try DownRun(
      on: copy, runner: runner, pacing: pacing, now: now, cancellation: Cancellation(after: time),
      forks: 60, look: fork, fork: fork, trials: trials)
  }

  /// On a copy in a file. More copies of it are made beside it.
  static func onFile(
    _ copy: DatabaseCopy, runner: Runner, pacing: Options.Pacing, now: @escaping () -> Timestamp,
    cancellation: Cancellation
  ) throws(MigrationError) -> DownRun {
    let connection = try copy.openForRehearsal()
    var forks: [DatabaseCopy] = []
    var number = 0
    return try DownRun(
      on: connection, runner: runner, pacing: pacing, now: now, cancellation: cancellation,
      forks: min(60, (256 << 20) / max(1, copy.bytes)),
      look: {
        let reader = try copy.open(.readOnly)
        reader.setBusyTimeout(milliseconds: 10_000)
        try reader.execute("BEGIN")
        // A deferred transaction begins with the first read.
        _ = try reader.value("SELECT 1 FROM sqlite_schema LIMIT 1")
        return reader
      },
      fork: {
        number += 1
        let fork = try DatabaseCopy(
          of: connection, as: "fork-\(number).db", in: copy.folder, for: .rehearsal,
          shouldGoOn: { !cancellation.isRequested })
        // No more than two are compared.
        forks = forks.suffix(1) + [fork]
        return try fork.openForRehearsal()
      })
  }

  private static func copyInMemory(of source: Connection) throws(SQLiteError) -> Connection {
    let copy = try DatabaseCopy.inMemory(of: source)
    // The SQL in the ledger is not trusted: any program that can write the database can change it.
    var limits = CostLimit.Limits.scratch
    limits.valueBytes = nil
    try copy.limit(to: CostLimit(limits))
    return copy
  }
}
