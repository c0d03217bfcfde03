internal import PhaseSQL
internal import PhaseSQLite

/// The way down, run on a private copy of a database by the engine that would run it on the database itself.
///
/// What it writes over is told from the rows: a value that was there before, is another afterwards, and is not made again
/// by the phase's way up, is lost to whoever wrote it.
final class DownRun {
  let connection: Connection
  let engine: Engine
  /// A connection that goes on seeing the copy as it is at this moment.
  private let look: () throws -> Connection
  /// A connection on a copy of the copy.
  private let fork: () throws -> Connection
  private let makeEngine: (Connection) throws(MigrationError) -> Engine
  /// How many copies of the copy may be made to find the rows that are in the way.
  private var forksLeft: Int

  /// What came of one phase.
  struct Step {
    let id: PhaseID
    /// Why it did not come down; nil when it did.
    var failure: MigrationError?
    var times: StepTimes?
    /// How many rows came back from archives, by table.
    var restored: [DownRehearsal.Restored] = []
    /// The tables that it touches, folded.
    var tables: Set<FoldedName> = []
    var lost: [Reversal.AffectedRows] = []
    var uncertain: [Reversal.AffectedRows] = []
  }

  init(
    on connection: Connection, runner: Runner, pacing: Pacing, now: @escaping () -> Timestamp,
    cancellation: Cancellation, forks: Int, look: @escaping () throws -> Connection,
    fork: @escaping () throws -> Connection
  ) throws(MigrationError) {
    forksLeft = forks
    self.connection = connection
    self.look = look
    self.fork = fork
    let trials = TransitionTrials()
    makeEngine = { connection throws(MigrationError) in
      Engine(
        on: connection, knowledge: try Knowledge(of: connection), for: .copy, trials: trials, runner: runner,
        now: now, wait: .seconds(5), pacing: pacing, cancellation: cancellation, observe: { _ in })
    }
    engine = try makeEngine(connection)
  }

  /// Takes the phase down that was applied last.
  ///
  /// - Throws: what keeps the copy from being read; what keeps the phase from coming down is in the answer.
  func step(_ id: PhaseID, _ phase: Phase) throws(MigrationError) -> Step {
    var step = Step(id: id)
    let knowledge = try Knowledge(of: connection)
    guard let ledger = knowledge.ledger else { throw Ledger.damaged("there is no ledger") }
    let kept = try ledger.archives(of: id).filter { $0.state == .kept && $0.direction == .up }
    var outlooks: [(archive: ArchiveRecord, forecast: ArchiveForecast, computed: [Reversal.AffectedRows])] =
      []
    do throws(MigrationError) {
      let trace = try engine.trials.trial(id, phase, .down, on: knowledge.schema).there
      for archive in kept {
        let forecast = ArchiveForecast(archive, try ArchiveContent(archive), trace)
        let outlook = try lifting("comparing rows with archive \(archive.id)") { () in
          try forecast.outlook(on: connection)
        }
        step.lost += outlook.lost
        step.uncertain += outlook.others
        outlooks.append((archive, forecast, outlook.computed))
      }
    } catch  where error.id != .ledgerDamaged {
      // The engine says why.
    }
    let before = try reading(look)
    let writes: WriteSet
    do throws(MigrationError) {
      let report = try engine.runAlone(id, phase, .down, in: Catalog([]))
      (step.times, writes) = (report.times, report.writes)
    } catch {
      guard error.id != .interrupted, error.id != .tooCostly else { throw error }
      step.failure = error
      if error.isOfRows, error.details.isEmpty {
        let rows = try rowsInTheWay(of: id, phase, error.message)
        step.failure?.details = rows.map { Prose($0.title) }
        if let first = rows.first {
          step.failure?.help = [
            "change or delete these rows, for example: DELETE FROM \(whole: first.table) WHERE \(whole: first.title)",
            "then run: phasedb down",
          ]
        }
      }
      return step
    }
    step.tables = writes.tables.union(writes.columns.keys).union(writes.alteredTables)
      .union(writes.deletedTables).union(kept.map(\.table.folded))
    let left = Dictionary(
      try ledger.archives(of: id).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    // An archive of every row that is empty now gave back what the other one still has.
    let whole = try kept.map { archive throws(MigrationError) -> FoldedName? in
      let content = try ArchiveContent(archive)
      let isWhole = content.isSupplement == true && content.isComplete == true && content.hasGoneRows
      return isWhole && left[archive.id] == nil ? archive.table.folded : nil
    }
    for (archive, forecast, computed) in outlooks {
      guard let rest = left[archive.id], !whole.contains(archive.table.folded) else { continue }
      let known = step.lost.filter { $0.table == archive.table && $0.column == nil }
      let gone = try reading { try forecast.staysGone(in: rest, on: connection) }
      if gone > known.reduce(0, { $0 + ($1.rows ?? gone) }) {
        step.lost.removeAll { known.contains($0) }
        step.lost.append(
          Reversal.AffectedRows(
            table: archive.table, column: nil, rows: gone,
            why: "other rows have their keys now, or their parents were deleted"))
      }
      for rows in computed {
        let count = try reading { try forecast.others(than: rows.column ?? "", in: rest, on: connection) }
        if count > 0 { step.uncertain.append(rows.counted(count)) }
      }
    }
    step.restored = kept.map { archive in
      let rest = left[archive.id]?.rows ?? 0
      return DownRehearsal.Restored(table: archive.table, rows: archive.rows - rest, left: rest)
    }
    let known = Set(step.lost.filter { $0.column == nil }.map(\.table.folded))
    let cells = try overwritten(id, phase, since: before)
    step.lost += cells.affectedRows.filter { !known.contains($0.table.folded) }
    // Rows that come out of an archive are no surprise.
    let returning = Set(kept.filter { (try? ArchiveContent($0))?.hasGoneRows != false }.map(\.table.folded))
    step.uncertain += cells.bornRows.filter { !returning.contains($0.table.folded) }
    return step
  }

  private func reading<Result>(_ body: () throws -> Result) throws(MigrationError) -> Result {
    try lifting("reading the copy", body)
  }

  // MARK: Rows in the way

  private struct RowInTheWay {
    let table: String
    /// `id = 7`
    let title: String
  }

  private static let mostRowsNamed = 5
  private static let mostRowsSearched = 2_000

  /// The rows without which the way down does not fail as it did: each half of a table alone, and so on.
  private func rowsInTheWay(
    of id: PhaseID, _ phase: Phase, _ message: Prose
  ) throws(MigrationError) -> [RowInTheWay] {
    let named = SQLTokens.identifiers(in: phase.down.text)
    let tables = try reading {
      try DigestDraft(of: connection).readings.filter { named.contains($0.table.folded) }
    }
    for table in tables {
      guard
        let rows = try? connection.rows(
          "SELECT rowid FROM \(table.from) ORDER BY 1 LIMIT \(Self.mostRowsSearched + 1)")
      else { continue }
      let keys = rows.compactMap { $0[0].integer }
      guard (1...Self.mostRowsSearched).contains(keys.count) else { continue }
      let search = { (keys: ArraySlice<Int64>) throws(MigrationError) -> Bool in
        try self.fails(id, phase, message, table, keeping: keys)
      }
      guard try !search([]) else { continue }
      let found = try self.search(keys[...], isKnown: true, search)
      if !found.isEmpty {
        return try found.map { key throws(MigrationError) in
          RowInTheWay(
            table: SQLText.identifier(table.table), title: try reading { try self.title(of: key, in: table) })
        }
      }
    }
    return []
  }

  /// `id = 7`
  private func title(of rowID: Int64, in table: TableReading) throws -> String {
    let values =
      try connection.rows(
        "SELECT \(table.key.map { "quote(\($0))" }.joined(separator: ", ")) FROM \(table.from) WHERE rowid = ?1",
        .integer(rowID)
      ).first ?? []
    return zip(table.keyNames, values).map { "\($0) = \($1.text ?? "NULL")" }.joined(separator: " AND ")
  }

  private func search(
    _ keys: ArraySlice<Int64>, isKnown: Bool = false,
    _ fails: (ArraySlice<Int64>) throws(MigrationError) -> Bool
  ) throws(MigrationError) -> [Int64] {
    guard !keys.isEmpty, forksLeft > 0 else { return [] }
    if !isKnown { guard try fails(keys) else { return [] } }
    guard keys.count > 1 else { return Array(keys) }
    let middle = keys.startIndex + keys.count / 2
    var found = try search(keys[..<middle], fails)
    if found.count < Self.mostRowsNamed { found += try search(keys[middle...], fails) }
    return Array(found.prefix(Self.mostRowsNamed))
  }

  /// Whether the way down fails in the same way when a table has no rows but these.
  private func fails(
    _ id: PhaseID, _ phase: Phase, _ message: Prose, _ table: TableReading, keeping keys: ArraySlice<Int64>
  ) throws(MigrationError) -> Bool {
    forksLeft -= 1
    let copy = try reading(fork)
    try reading {
      copy.turn(.triggers, on: false)
      if let first = keys.first, let last = keys.last {
        try copy.execute(
          "DELETE FROM \(table.from) WHERE rowid NOT BETWEEN ?1 AND ?2", .integer(first),
          .integer(last))
      } else {
        try copy.execute("DELETE FROM \(table.from)")
      }
      copy.turn(.triggers, on: true)
    }
    let engine = try makeEngine(copy)
    do throws(MigrationError) {
      _ = try engine.runAlone(id, phase, .down, in: Catalog([]))
      return false
    } catch {
      guard error.id != .interrupted, error.id != .tooCostly else { throw error }
      return error.message == message
    }
  }

  // MARK: What it writes over

  /// The values and rows that were there before, are not afterwards, and do not come again with the way up.
  private func overwritten(
    _ id: PhaseID, _ phase: Phase, since before: Connection
  ) throws(MigrationError) -> LostCells {
    let compared = try reading { try self.compared(before) }
    let changed = try reading { try differences(compared, before, connection) }
    guard !changed.isEmpty else { return changed }
    let again: Connection
    do throws(MigrationError) {
      again = try upAgain(id, phase)
    } catch {
      guard error.id != .interrupted, error.id != .tooCostly else { throw error }
      // A rehearsal says more of a way up that does not run again.
      return LostCells()
    }
    let lost = try reading { try differences(compared, before, again) }.common(with: changed)
    guard !lost.isEmpty else { return lost }
    // What the clock or chance gave is another value each time, and not a loss.
    let clock = try reading { try StandingClock(at: "1987-06-05 04:03:02") }
    let other: Connection
    do throws(MigrationError) {
      other = try upAgain(id, phase, clock)
    } catch {
      guard error.id != .interrupted, error.id != .tooCostly else { throw error }
      // Chance may break a constraint in one run of several: then nothing is taken for chance.
      return lost
    }
    let chance = try reading { try differences(compared, again, other) }
    return lost.without(chance)
  }

  /// The phase up again, without what its way down kept.
  private func upAgain(
    _ id: PhaseID, _ phase: Phase, _ clock: StandingClock? = nil
  ) throws(MigrationError) -> Connection {
    let again = try reading(fork)
    if let clock { try reading { try clock.rule(again) } }
    try reading {
      let ledger = Ledger(connection: again)
      for archive in try ledger.archives(of: id) where archive.direction == .down {
        try again.execute("DROP TABLE IF EXISTS main.\(archive.tableName)")
        try ledger.forgetArchive(archive.id)
      }
    }
    let engine = try makeEngine(again)
    _ = try engine.runAlone(id, phase, .up, in: Catalog([]))
    return again
  }

  /// The tables that are there before and after, with the columns that are not.
  private func compared(_ before: Connection) throws -> [(table: String, without: Set<FoldedName>)] {
    let (old, new) = (try Schema(of: before), try Schema(of: connection))
    let readable = Set(try DigestDraft(of: connection).readings.map(\.table.folded))
    return try DigestDraft(of: before).readings.compactMap { reading in
      let name = SchemaName(reading.table)
      guard readable.contains(name.key), let one = old.table(name), let other = new.table(name) else {
        return nil
      }
      let gone = one.columns.filter { other.column($0.name) == nil }.map(\.name.key)
      return (reading.table, Set(gone))
    }
  }

  /// How many rows of a table are compared one by one.
  private static let most = 100_000

  private func differences(
    _ tables: [(table: String, without: Set<FoldedName>)], _ before: Connection, _ after: Connection
  ) throws -> LostCells {
    var cells = LostCells()
    let (old, new) = (try DigestDraft(of: before), try DigestDraft(of: after))
    for (table, without) in tables {
      guard let one = old.readings.first(where: { $0.table == table }),
        let other = new.readings.first(where: { $0.table.folded == table.folded }),
        try one.sum(on: before) != other.sum(on: after),
        let left = try Schema(of: before).object("table", SchemaName(table)),
        let right = try Schema(of: after).object("table", SchemaName(table))
      else { continue }
      // A key that is not there on both sides tells no rows apart.
      guard one.keyNames.allSatisfy({ other.keyNames.contains($0) && !without.contains($0.folded) })
      else { continue }
      let found = try RowComparison(before: before, after: after, declared: without, limit: Self.most)
        .difference(of: left, and: right)
      for row in found.first {
        switch row.kind {
        case .born: cells.born[table, default: []].insert(row.key)
        case .lost: cells.rows[table, default: []].insert(row.key)
        case .changed:
          for column in row.columns
          where column.before != nil && column.after != nil
            && !without.contains(column.name.folded)
          {
            cells.values[LostCells.Column(table: table, column: column.name), default: []].insert(row.key)
          }
        }
      }
    }
    return cells
  }
}

/// Rows that are gone or new, and values that are others, by the keys of their rows.
private struct LostCells {
  struct Column: Hashable {
    let table: String
    let column: String
  }

  var rows: [String: Set<String>] = [:]
  var born: [String: Set<String>] = [:]
  var values: [Column: Set<String>] = [:]

  var isEmpty: Bool { rows.isEmpty && born.isEmpty && values.isEmpty }

  /// Those that another difference has as well; of a row that is gone in one of them, the values that are others in the other.
  func common(with other: LostCells) -> LostCells {
    var common = filtered {
      $0.intersection($1)
    } with: {
      other
    }
    for (one, another) in [(self, other), (other, self)] {
      for (column, keys) in one.values {
        let gone = keys.intersection(another.rows[column.table] ?? [])
        if !gone.isEmpty { common.values[column, default: []].formUnion(gone) }
      }
    }
    return common
  }

  /// Those that another difference does not have.
  func without(_ other: LostCells) -> LostCells {
    filtered {
      $0.subtracting($1)
    } with: {
      other
    }
  }

  private func filtered(
    _ combine: (Set<String>, Set<String>) -> Set<String>, with other: () -> LostCells
  ) -> LostCells {
    let other = other()
    var result = LostCells()
    for (table, keys) in rows {
      let left = combine(keys, other.rows[table] ?? [])
      if !left.isEmpty { result.rows[table] = left }
    }
    for (table, keys) in born {
      let left = combine(keys, other.born[table] ?? [])
      if !left.isEmpty { result.born[table] = left }
    }
    for (column, keys) in values {
      let left = combine(keys, other.values[column] ?? [])
      if !left.isEmpty { result.values[column] = left }
    }
    return result
  }

  var bornRows: [Reversal.AffectedRows] {
    born.sorted { $0.key < $1.key }.map {
      Reversal.AffectedRows(
        table: $0.key, column: nil, rows: $0.value.count,
        why: "the way back inserts them, and the way up does not delete them")
    }
  }

  var affectedRows: [Reversal.AffectedRows] {
    rows.sorted { $0.key < $1.key }.map {
      Reversal.AffectedRows(
        table: $0.key, column: nil, rows: $0.value.count, why: "the way back deletes them")
    }
      + values.sorted { ($0.key.table, $0.key.column) < ($1.key.table, $1.key.column) }.map {
        Reversal.AffectedRows(
          table: $0.key.table, column: $0.key.column, rows: $0.value.count,
          why: "the way back overwrites the present values")
      }
  }
}

extension DownRun {
  /// Up to what size a database is copied into memory to say what its way down would do. Copying so much takes a few
  /// milliseconds, so that every command can; larger ones are asked with `phasedb rehearse down`.
  static let mostBytes = 4 << 20
  /// How long the way down of a small database may take before it counts as not tried.
  private static let mostTime = Duration.seconds(2)

  /// On a copy in memory.
  ///
  /// - Parameter limit: how many bytes are copied at most.
  /// - Returns: nil for a database that is too large, or that only its application can read.
  static func inMemory(
    of source: Connection, upTo limit: Int, runner: Runner, now: @escaping () -> Timestamp
  ) throws(MigrationError) -> DownRun? {
    guard !source.isBorrowed else { return nil }
    let bytes = try lifting("reading the size of the database") { () in
      (try source.value("PRAGMA main.page_count")?.integer ?? 0)
        * (try source.value("PRAGMA main.page_size")?.integer ?? 0)
    }
    guard bytes <= limit else { return nil }
    let copy = try lifting("copying the database into memory") { () in
      let copy = try source.copyInMemory()
      try copy.execute("DELETE FROM phasedb_lease")
      return copy
    }
    var pacing = Pacing()
    pacing.pause = .zero
    let fork = { () throws -> Connection in try copy.copyInMemory() }
    return try DownRun(
      on: copy, runner: runner, pacing: pacing, now: now, cancellation: Cancellation(after: mostTime),
      forks: 60, look: fork, fork: fork)
  }

  /// On a copy in a file. More copies of it are made beside it.
  static func onFile(
    _ copy: DatabaseCopy, runner: Runner, pacing: Pacing, now: @escaping () -> Timestamp,
    cancellation: Cancellation
  ) throws(MigrationError) -> DownRun {
    let connection = try copy.openForRehearsal()
    var forks: [DatabaseCopy] = []
    var number = 0
    return try DownRun(
      on: connection, runner: runner, pacing: pacing, now: now, cancellation: cancellation,
      forks: min(60, (256 << 20) / max(1, copy.bytes)),
      look: {
        let reader = try Connection(path: copy.path, mode: .readOnly)
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
}

extension Connection {
  fileprivate func copyInMemory() throws(SQLiteError) -> Connection {
    let copy = try Connection(path: "", mode: .memory)
    try backUp(to: copy)
    // The ledger's SQL is anybody's who can write the database.
    var limits = CostLimit.Limits.scratch
    limits.valueBytes = nil
    try copy.limit(to: CostLimit(limits))
    return copy
  }
}
