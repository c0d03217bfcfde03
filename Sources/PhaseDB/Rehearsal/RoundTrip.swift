internal import PhaseSQL
internal import PhaseSQLite

/// One phase of a rehearsal: up, down and up again, each compared with what the copy held before.
struct RoundTrip {
  private let rehearsal: Rehearsal
  private let id: PhaseID
  private let phase: Phase
  private var copy: DatabaseCopy { rehearsal.copy }
  private var connection: Connection { rehearsal.connection }
  /// The digest of the schema of the copy since the last step.
  private var schema: SchemaDigest { rehearsal.knowledge.schema.digest }

  init(_ id: PhaseID, _ phase: Phase, in rehearsal: Rehearsal) {
    (self.id, self.phase, self.rehearsal) = (id, phase, rehearsal)
  }

  /// Runs the round trip.
  ///
  /// - Returns: the result, also when a direction failed.
  /// - Throws: when the rehearsal itself cannot go on: `rehearsal-on-empty`, `rehearsal-copy-failed`, `interrupted`.
  func run() throws(MigrationError) -> RehearsedPhase {
    connection.stubs?.forget()
    // From here on the size of the copy's write-ahead log shows how much the phase writes.
    try rehearsal.onCopy { () in try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)") }
    var trip = Trip(id, phase, schema: schema)
    let before = try rehearsal.state(of: id)
    trip.tables = before.digest.tables
    let archives = try archiveTables()

    guard let wayUp = try attempt(&trip, .up, .up) else { return finish(trip) }
    trip.earlierStubs = rehearsal.followStubs(phase, wayUp.writes)
    let up = wayUp.times
    trip.times.up = up.milliseconds
    trip.times.rowsUp = up.rows
    trip.times.logBytes = copy.logBytes
    trip.times.archiveBytes = bytes(of: try archiveTables().subtracting(archives))
    trip.schemaAfter = schema
    let after = try rehearsal.state(of: id)
    trip.emptyTables = try emptyTables(before.digest, after.digest, wayUp.writes)

    do throws(MigrationError) {
      trip.probes = try RedProbe.all(of: phase, on: connection, rehearsal.cancellation)
    } catch {
      throw rehearsal.onCopy(error)
    }

    guard let wayDown = try attempt(&trip, .down, .down) else {
      rehearsal.known = after.digest
      return finish(trip)
    }
    trip.times.down = wayDown.times.milliseconds
    trip.times.rowsDown = wayDown.times.rows
    trip.corrections = wayDown.corrections
    let back = try rehearsal.state(of: id)
    trip.afterDown = try rehearsal.onCopy { () in
      try before.difference(to: back, losses: phase.losses, limit: Rehearsal.shownRows)
    }

    guard let again = try attempt(&trip, .up, .again) else { return finish(trip) }
    trip.times.up = max(up.milliseconds, again.times.milliseconds)
    let last = try rehearsal.state(of: id)
    trip.afterSecondUp = try rehearsal.onCopy { () in
      try after.difference(to: last, losses: phase.losses, limit: Rehearsal.shownRows)
    }
    if let former = trip.schemaAfter, former != schema {
      trip.afterSecondUp.others.append("the second way up leads to another schema than the first")
    }
    rehearsal.known = last.digest
    return finish(trip)
  }

  /// Runs one direction; nil when it failed. A failure is a result of the rehearsal.
  private func attempt(
    _ trip: inout Trip, _ direction: Direction, _ stage: RehearsedPhase.Stage
  ) throws(MigrationError) -> StepReport? {
    do throws(MigrationError) {
      let report: StepReport
      (report, rehearsal.knowledge) = try rehearsal.engine.runAlone(
        id, phase, direction, in: rehearsal.catalog)
      trip.times.hold = max(trip.times.hold ?? 0, report.times.holdMilliseconds)
      rehearsal.observe(.ran(id, stage, report.times))
      return report
    } catch {
      let told = rehearsal.onCopy(error)
      // A phase in batches may have come down in part.
      if let present = try? Knowledge(of: connection) { rehearsal.knowledge = present }
      guard told.id != .interrupted, told.id != .rehearsalCopyFailed else { throw told }
      trip.failed = stage
      trip.failure = told
      trip.failure?.state = nil
      return nil
    }
  }

  /// Tables that the phase writes or alters and that had no rows, neither before nor after it.
  private func emptyTables(
    _ before: DatabaseDigest, _ after: DatabaseDigest, _ writes: WriteSet
  ) throws(MigrationError) -> [String] {
    let touched = writes.tables.union(writes.alteredTables).union(writes.columns.keys).union(
      phase.retirements.map(\.table.folded))
    let filled = Set(after.tables.filter { $0.rows > 0 }.map(\.table.folded))
    let empty = before.tables.filter { $0.rows == 0 }.map(\.table).filter {
      touched.contains($0.folded) && !filled.contains($0.folded)
    }
    guard !empty.isEmpty, !rehearsal.allowsEmpty else { return empty }
    let names = empty.joined(separator: ", ")
    throw MigrationError(
      .rehearsalOnEmpty,
      "\(id) touches \(names), which has no rows, so the rehearsal proves nothing",
      state: "nothing was changed, and nothing was recorded",
      help: ["rehearse on a copy of a database with rows", "or accept that: --allow-empty"])
  }

  private func archiveTables() throws(MigrationError) -> Set<String> {
    try rehearsal.onCopy { () in
      let rows = try connection.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'phasedb_archive_[0-9]*'")
      return Set(rows.compactMap { $0[0].text })
    }
  }

  /// The size of tables; nil where this SQLite was built without `dbstat` (sqlite.org/dbstat.html).
  private func bytes(of tables: Set<String>) -> Int? {
    var bytes = 0
    for table in tables {
      guard let size = try? connection.value("SELECT sum(pgsize) FROM dbstat WHERE name = ?1", .text(table))
      else { return nil }
      bytes += Int(size.integer ?? 0)
    }
    return bytes
  }

  private func finish(_ trip: Trip) -> RehearsedPhase {
    let evidence = Evidence(
      phase: trip.id, tokenHash: trip.phase.tokenHash, verdict: trip.verdict, at: rehearsal.now(),
      who: rehearsal.runner.user,
      host: rehearsal.runner.host, phasedb: PhaseDBVersion.current, sqlite: SQLiteVersion.running.description,
      times: trip.times, detailText: trip.details.text,
      schemaBefore: trip.schemaBefore,
      schemaAfter: trip.schemaAfter)
    return RehearsedPhase(
      id: trip.id, corrections: trip.corrections, afterDown: trip.afterDown,
      afterSecondUp: trip.afterSecondUp, failed: trip.failed,
      failure: trip.failure, overBudget: trip.overBudget, losses: trip.phase.losses,
      emptyTables: trip.emptyTables, probes: trip.probes,
      stubs: trip.earlierStubs.union(connection.stubs?.taken ?? []).sorted(),
      evidence: evidence)
  }
}

/// The results of a round trip so far.
private struct Trip {
  let id: PhaseID
  let phase: Phase
  let schemaBefore: SchemaDigest
  var schemaAfter: SchemaDigest?
  var tables: [TableDigest] = []
  var times = RehearsedTimes()
  var emptyTables: [String] = []
  var corrections: [TableDifference] = []
  var afterDown = StateDifference()
  var afterSecondUp = StateDifference()
  var failed: RehearsedPhase.Stage?
  var failure: MigrationError?
  var probes: [RedProbe] = []
  /// The stubs that answered in earlier phases.
  var earlierStubs: Set<String> = []

  init(_ id: PhaseID, _ phase: Phase, schema: SchemaDigest) {
    self.id = id
    self.phase = phase
    schemaBefore = schema
  }

  var verdict: Evidence.Verdict {
    if failed != nil { return .failed }
    if afterDown.isEmpty, afterSecondUp.isEmpty { return .exact }
    return afterDown.isDeclared && isRepeatable ? .declared : .lossy
  }

  /// Whether the second way up gives the same result as the first. Rows that did not come back on the way down are
  /// not compared: they are lost already.
  private var isRepeatable: Bool {
    let own = afterSecondUp.tables.filter { table in
      !afterDown.tables.contains { $0.table.folded == table.table.folded }
    }
    return own.allSatisfy(\.isDeclared) && afterSecondUp.others.isEmpty
  }

  /// What was compared, and which parts prove nothing.
  var details: RehearsedDetails {
    let red = probes.filter { if case .failed = $0.outcome { true } else { false } }.map(\.title)
    return RehearsedDetails(tables: rehearsedTables, emptyTables: emptyTables, redProbes: red)
  }

  private var rehearsedTables: [RehearsedTable] {
    tables.map { table in
      let found = (afterDown.tables + afterSecondUp.tables).first {
        $0.table.folded == table.table.folded
      }
      return RehearsedTable(
        table: table.table, rows: table.rows, differing: found?.rows ?? 0, declared: found?.declaredRows ?? 0)
    }
  }

  var overBudget: [String] {
    guard let budget = phase.budget else { return [] }
    let limits: [(name: String, limit: Duration?, measured: Double?)] = [
      ("up", budget.up, times.up), ("down", budget.down, times.down), ("hold", budget.hold, times.hold),
    ]
    return limits.compactMap { name, limit, measured in
      guard let limit, let measured, measured > limit.milliseconds else { return nil }
      return
        "\(name) took \(DurationText.print(.milliseconds(measured.rounded(.up)))), and the budget is \(DurationText.print(limit))"
    }
  }
}
