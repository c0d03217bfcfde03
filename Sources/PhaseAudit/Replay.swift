internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Runs the migrations of a folder one after another on scratch databases with rows that it makes itself.
final class Replay {
  private let folder: ToolFolder
  private let pair: ScratchPair
  /// For the trials with plainer rows, and with none.
  private var other: ScratchPair?
  /// A database without rows but those that migrations put in, and how many migrations it has.
  private var clean: (replay: ReplayConnection, count: Int)?
  private let seeds = SeededRows(.awkward)
  /// Tables that are to get rows before the next migration.
  private var toSeed: [SchemaObject] = []
  private var empty: Set<String> = []
  private var scarce: Set<String> = []
  /// The first migration that could not be run; later ones run on a schema that lacks its changes.
  private var skipped: String?
  /// Makes a database for the trials with other rows.
  private let makeOther: () throws(SQLiteError) -> ReplayConnection
  private let stubs: Set<FoldedName>
  /// The migrations whose way up did not run.
  private var unrun: Set<Int> = []

  private(set) var findings: [AuditFinding] = []

  init(_ folder: ToolFolder, stubs: [String], time: Duration) throws(SQLiteError) {
    self.folder = folder
    self.stubs = Set(stubs.map(\.folded))
    let clock = try StandingClock(at: "2026-01-31 12:00:00")
    // An endless script uses up the time of each trial: one trial with these rows, and four with plain rows or none.
    let (cost, other) = (CostLimit(.audit(time * 2 / 5)), CostLimit(.audit(time * 3 / 20)))
    // A script that ran on one database of the pair must run on the other one, too, even if it takes longer there.
    let room = CostLimit(.audit(time * 3, total: .seconds(1_000_000_000)))
    makeOther = { () throws(SQLiteError) in try ReplayConnection(clock, other, stubs: stubs) }
    pair = try ScratchPair(
      enforcing: folder.tool.enforcesForeignKeys,
      mirror: ReplayConnection(clock, room, stubs: stubs)
    ) { () throws(SQLiteError) in try ReplayConnection(clock, cost, stubs: stubs) }
  }

  /// Whether a migration could not be run, so that the schema differs from the one that the folder's migrations make.
  var hasSkipped: Bool { skipped != nil }

  /// The schema after the migrations that were taken so far.
  var schema: Schema { pair.schema }

  /// Takes the next migration up, down and up again.
  func judge(_ index: Int) throws(SQLiteError) -> AuditedMigration {
    let migration = folder.migrations[index]
    if let obstacle = migration.obstacle {
      skip(migration)
      return AuditedMigration(migration, .notJudged, [obstacle])
    }
    guard let written = migration.up else {
      skip(migration)
      return AuditedMigration(migration, .notJudged, ["it has no way up"])
    }
    let up = freed(written, of: migration)
    let down = migration.down.map { freed($0, of: migration) }
    let seeded = try pair.seed(toSeed, seeds)
    empty.formUnion(seeded.empty)
    scarce.formUnion(seeded.scarce)
    toSeed = []
    let refused = try pair.vary(ScriptValues(up, down: down), up: up)
    try pair.chain(up)
    let settled = try settled(refused)

    var trip = try pair.trip(up: up, down: down)
    var note: Prose?
    if let failure = trip.upFailure, failure.cause == .statement || failure.cause == .costly {
      // A script that fails on these rows may run with plain rows, with one row, or only with none.
      // Where some rows are in the way, others may not be.
      let trials: [(rows: Int, variation: Variation)] =
        failure.isOfRows
        ? [
          (4, .all), (4, .fitting), (4, .reversed), (4, .sparse), (4, .none), (2, .none), (1, .none),
          (0, .none),
        ]
        : [(4, .all), (4, .none), (1, .none), (0, .none)]
      var ran: ScratchPair.Trip?
      for (rows, variation) in trials {
        // Fewer rows show less.
        if ran != nil, rows < 4 { break }
        let (pair, trial) = try tried(index, up, down, plainRows: rows, variation)
        guard trial.upFailure == nil else { continue }
        if ran == nil {
          let isBare = trial.touched.allSatisfy { table in
            ((try? Table.rowCount(SchemaName(table), on: pair.mirror.connection)) ?? 0) == 0
          }
          note =
            "its way up fails on some rows (\(failure.message)), so it was tried \(rows == 0 || isBare ? "without rows" : "with others")"
        }
        // Some rows exclude others, so another set may show more.
        if let former = ran, trial.comesBack {
          ran?.counters = Set(trial.counters).union(former.counters).sorted()
          continue
        }
        ran = trial
        try self.pair.become(pair.mirror)
        if !trial.comesBack { break }
      }
      trip = ran ?? trip
    } else if trip.comesBack, let settled {
      var other = try settled.trip(up: up, down: down)
      if other.upFailure == nil, !other.comesBack {
        other.cascades = trip.cascades
        trip = other
      }
    }
    let unseeded = empty.filter { trip.touched.contains($0.folded) }.sorted()
    let few = scarce.filter { trip.touched.contains($0.folded) }.sorted()
    follow(trip, hasOtherRows: note != nil)
    remark(trip, migration)
    var judged = try verdict(on: migration, index, up, down, trip)
    judged.reasons += [note].compactMap(\.self)
    if judged.verdict.comesBack { judged.reasons += Self.counters(trip.counters) }
    if judged.verdict.comesBack, !few.isEmpty {
      judged.reasons.append(
        "\(few.map { Prose($0) }.joined(separator: ", ")): only one or two rows could be made, as constraints refuse others"
      )
    }
    judged.unseeded = unseeded
    judged.usesStub = !stubs.isEmpty && [up, down].contains { $0.map { $0.calls(stubs) } ?? false }
    return judged
  }

  /// A sentence about counters of AUTOINCREMENT that a way down lowers, if it does.
  static func counters(_ tables: [String]) -> [Prose] {
    guard !tables.isEmpty else { return [] }
    return [
      "AUTOINCREMENT of \(tables.map { Prose($0) }.joined(separator: ", ")) counts on from the highest key that is left, so a new row may get the key of a deleted one"
    ]
  }

  /// A copy of both databases on which rows that are there got values that no new row could have; nil when none could.
  private func settled(_ refused: [ScriptValues.Refused]) throws(SQLiteError) -> ScratchPair? {
    guard !refused.isEmpty else { return nil }
    let pair = try otherPair()
    try pair.become(self.pair.mirror)
    return try pair.settle(refused) ? pair : nil
  }

  /// The script without the tool's transaction, when it brings its own.
  private func freed(_ script: ToolScript, of migration: ToolMigration) -> ToolScript {
    guard script.wrapping == .transaction, let place = script.transactionControl else {
      return script
    }
    findings.append(
      AuditFinding(
        .ownTransaction, migration.version,
        "it begins or ends the transaction that \(folder.tool.rawValue) opens",
        at: place))
    return script.freed
  }

  private func skip(_ migration: ToolMigration) { skipped = skipped ?? migration.version }

  /// Remembers which tables need rows now.
  ///
  /// - Parameter hasOtherRows: whether the rows that were there before are gone, because the way up did not run on them.
  private func follow(_ trip: ScratchPair.Trip, hasOtherRows: Bool) {
    guard trip.upFailure == nil else { return }
    if hasOtherRows { seeds.beginAnew() }
    toSeed = hasOtherRows ? pair.schema.objects.filter { $0.key.type == "table" } : trip.changed
    let known = Set(toSeed.map(\.key))
    // If keys are enforced, child rows may be deleted with their parents, though no statement names their table.
    let children = (try? pair.mirror.foreignKeys())?.map(\.child) ?? []
    for table in trip.touched.union(children.filter { child in !empty.contains { $0.folded == child } }) {
      guard let object = pair.schema.object("table", SchemaName(table)), !known.contains(object.key)
      else { continue }
      if !trip.rewritten.contains(table) {
        guard let count = try? Table.rowCount(SchemaName(object.name), on: pair.mirror.connection), count == 0
        else { continue }
      }
      toSeed.append(object)
    }
    for object in toSeed {
      empty.remove(object.name)
      scarce.remove(object.name)
    }
  }

  private func remark(_ trip: ScratchPair.Trip, _ migration: ToolMigration) {
    if let place = trip.inertPragma {
      findings.append(
        AuditFinding(
          .inertPragma, migration.version, "PRAGMA foreign_keys does nothing here, inside a transaction",
          at: place))
    }
    for cascade in trip.cascades {
      let tables = cascade.rows.map(\.table).joined(separator: ", ")
      findings.append(
        AuditFinding(
          .cascade, migration.version,
          "\(cascade.isDown ? "its way down" : "its way up") drops \(cascade.dropped), and with foreign keys enforced rows of \(CountText.text(cascade.rows.count, "other table")) go with it: \(tables)",
          details: cascade.rows.map(\.sentence), at: cascade.place))
    }
  }

  // MARK: - The verdict

  private func verdict(
    on migration: ToolMigration, _ index: Int, _ up: ToolScript, _ down: ToolScript?, _ trip: ScratchPair.Trip
  ) throws(SQLiteError) -> AuditedMigration {
    if let failure = trip.upFailure {
      skip(migration)
      unrun.insert(index)
      return refused(migration, failure, "its way up does not run", of: up)
    }
    if migration.isRepeatable {
      return AuditedMigration(
        migration, .notJudged,
        ["it is repeatable: the tool runs it again when it changes, and never takes it back"])
    }
    guard let down else { return AuditedMigration(migration, .absent, ["it has no way down"]) }
    if let failure = trip.downFailure {
      var judged = refused(migration, failure, "its way down does not run", of: down)
      guard judged.verdict == .doesNotRun else { return judged }
      let (_, bare) = try tried(index, up, down, plainRows: 0)
      if bare.comesBack {
        judged.reasons[0] = "its way down fails with rows: \(failure.message)"
        let (_, plain) = try tried(index, up, down, plainRows: 1)
        judged.reasons.append(
          plain.comesBack
            ? "with one plain row in each table it comes back" : "on an empty database it comes back")
      }
      return judged
    }
    if let failure = trip.againFailure {
      return refused(migration, failure, "after its way down, its way up does not run again", of: up)
    }
    let place = down.beginning
    if !trip.left.isEmpty || !trip.again.isEmpty {
      if down.statements.isEmpty {
        return AuditedMigration(migration, .empty, trip.left.told(as: "its way down does nothing, so"))
      }
      var judged = AuditedMigration(
        migration, .otherSchema,
        trip.left.told(as: "after its way down,") + trip.again.map { "after the second way up, \($0)" },
        at: place)
      judged.rows = trip.rows
      return judged
    }
    if !trip.rows.isEmpty || !trip.rowsAgain.isEmpty {
      if down.statements.isEmpty {
        return AuditedMigration(
          migration, .empty, trip.rows.map(\.sentence).told(as: "its way down does nothing, so"))
      }
      var judged = AuditedMigration(
        migration, .rowsDiffer,
        trip.rows.map(\.sentence) + trip.rowsAgain.map { "after the second way up, \($0.sentence)" },
        at: place)
      judged.rows = trip.rows.isEmpty ? trip.rowsAgain : trip.rows
      let (_, plain) = try tried(index, up, down, plainRows: 1)
      if plain.comesBack { judged.reasons.append("one plain row in each table comes back") }
      return judged
    }
    if down.statements.isEmpty, !up.statements.isEmpty {
      return AuditedMigration(migration, .empty, ["its way down does nothing"])
    }
    return AuditedMigration(migration, trip.isOfOrder ? .orderOnly : .returns)
  }

  private func refused(
    _ migration: ToolMigration, _ failure: ReplayConnection.Failure, _ words: Prose, of script: ToolScript
  ) -> AuditedMigration {
    let place = failure.place ?? script.beginning
    guard failure.cause == .statement else {
      return AuditedMigration(migration, .notJudged, [failure.message], at: place)
    }
    if let skipped, skipped != migration.version, failure.dependsOnSchema {
      return AuditedMigration(
        migration, .notJudged, ["\(words) after \(skipped), which could not be run: \(failure.message)"],
        at: place)
    }
    return AuditedMigration(migration, .doesNotRun, ["\(words): \(failure.message)"], at: place)
  }

  // MARK: - Other rows

  /// Which rows with values of the way up there are: all, or all on which it runs, in one order or the other. UNIQUE
  /// may allow only one of two rows.
  private enum Variation { case none, all, fitting, reversed, sparse }

  /// The same migration with so many plain rows in each table, beside those of the migrations before it.
  ///
  /// - Parameter variation: which rows there are with the values of the way up.
  private func tried(
    _ index: Int, _ up: ToolScript, _ down: ToolScript?, plainRows: Int, _ variation: Variation = .none
  ) throws(SQLiteError) -> (pair: ScratchPair, trip: ScratchPair.Trip) {
    let pair = try otherPair()
    try pair.become(try cleaned(upTo: index))
    let tables = Array(pair.schema.objects.filter { $0.key.type == "table" })
    let values = ScriptValues(up, down: down)
    switch variation {
    case .none, .all:
      let seeds = SeededRows(.plain)
      for _ in 0..<plainRows { try pair.seed(tables, seeds) }
      guard variation == .all else { break }
      _ = try pair.vary(values, up: up)
      try pair.chain(up)
    case .fitting, .reversed, .sparse:
      let (sparse, seeds, varied) = try pair.draft(values, tables)
      let rows =
        variation == .sparse
        ? sparse + seeds + varied
        : (variation == .fitting ? varied : varied.reversed()) + seeds + sparse
      try pair.add(rows, asFarAs: up, attempts: 80)
      try pair.tidy()
      try pair.chain(up)
    }
    return (pair, try pair.trip(up: up, down: down))
  }

  private func otherPair() throws(SQLiteError) -> ScratchPair {
    if let other { return other }
    let pair = try ScratchPair(
      enforcing: folder.tool.enforcesForeignKeys, mirror: makeOther(), makeOther)
    other = pair
    return pair
  }

  /// A database with the first migrations, and only their rows. Each migration runs on it at most once.
  private func cleaned(upTo index: Int) throws(SQLiteError) -> ReplayConnection {
    let replay: ReplayConnection
    if let clean { replay = clean.replay } else { replay = try makeOther() }
    for next in (clean?.count ?? 0)..<index {
      let migration = folder.migrations[next]
      guard !unrun.contains(next), migration.obstacle == nil, let up = migration.up else { continue }
      _ = try? replay.run(up.freed, enforcing: folder.tool.enforcesForeignKeys)
    }
    clean = (replay, index)
    return replay
  }
}

extension [Prose] {
  /// The sentences with words before the first one.
  fileprivate func told(as beginning: Prose) -> [Prose] {
    guard let first else { return [] }
    return ["\(beginning) \(first)"] + dropFirst()
  }
}
