internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Takes the migrations of a real database down from its head, on private copies of it.
final class DatabaseReplay {
  /// What the tool's table says.
  let history: ToolHistory
  /// The applied migrations, by their index in the folder, the last one first.
  let applied: [Int]
  let rows: Int
  private let folder: ToolFolder
  private let path: String
  private let subject: ReplayConnection
  private let mirror: ReplayConnection
  private let copies: [DatabaseCopy]

  /// A database of at most so many bytes is copied into memory.
  private static let inMemory = 64 << 20

  /// Copies a database, which is only read, at one moment, also while others write it.
  ///
  /// - Throws: `database-not-found` and the other errors of reading a database; `tool-table-missing` when it has no
  ///   table of the tool.
  init(
    ofFile path: String, _ folder: ToolFolder, stubs: [String], wait: Duration, shouldGoOn: () -> Bool
  ) throws(MigrationError) {
    guard let source = try DatabaseFile.openForReading(path, wait: wait, leavingNothing: true) else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(path)", help: ["check the path given with --database"])
    }
    self.folder = folder
    self.path = path
    let made = try reading(source) { () throws(MigrationError) in
      guard let history = try ToolHistory.read(from: source, tool: folder.tool) else {
        throw MigrationError(
          .toolTableMissing,
          "\(path) has no table of \(folder.tool.rawValue), so nothing says what is applied there",
          help: ["check that the database belongs to \(folder.path), or name the tool with --tool"])
      }
      let clock = try lifting("freezing the clock") { () in try StandingClock(at: "2026-01-31 12:00:00") }
      let bytes = try lifting("reading the size of the database") { () in try source.contentBytes }
      let cost = CostLimit(.copy(bytes: bytes))
      var copies: [DatabaseCopy] = []
      var connections: [ReplayConnection] = []
      let purpose = DatabaseCopy.Purpose.trial { $0 + 65_536 }
      let store =
        bytes > Self.inMemory
        ? try DatabaseCopy.makeFolder(in: PrivateFolder.temporary, besides: path, for: purpose) : nil
      for name in ["one.db", "other.db"] {
        if let store {
          let copy = try DatabaseCopy(of: source, as: name, in: store, for: purpose, shouldGoOn: shouldGoOn)
          copies.append(copy)
          connections.append(
            try lifting("opening a copy") { () in
              try ReplayConnection(at: copy.path, clock, cost, stubs: stubs)
            })
        } else {
          connections.append(
            try lifting("copying the database") { () in
              let replay = try ReplayConnection(clock, cost, stubs: stubs)
              try source.backUp(to: replay.connection) { _, _ in shouldGoOn() }
              return replay
            })
        }
      }
      return (history, copies, connections)
    }
    history = made.0
    copies = made.1
    (subject, mirror) = (made.2[0], made.2[1])
    applied = history.applied(of: folder).sorted(by: >)
    let (mirror, table) = (mirror, history.table.folded)
    rows = try lifting("counting rows") { () in
      try mirror.schema().objects.filter { $0.key.type == "table" && !$0.isVirtual && $0.key.name != table }
        .reduce(0) { try $0 + Table.rowCount(SchemaName($1.name), on: mirror.connection) }
    }
  }

  /// The version that was applied last, also when the folder does not have it.
  var head: String? {
    if let last = history.applied.last?.version, history.missing(from: folder).contains(last) { return last }
    return applied.first.map { folder.migrations[$0].version }
  }

  /// Differences between the database and the folder.
  ///
  /// - Parameter expected: the schema to which the folder leads at the head; nil when it is not known.
  func findings(expected: Schema?) throws(MigrationError) -> [AuditFinding] {
    var findings: [AuditFinding] = []
    if let dirty = history.dirty {
      findings.append(
        AuditFinding(
          .dirty, dirty, "\(history.table) says that \(folder.tool.rawValue) stopped half way in \(dirty)"))
    }
    let known = Dictionary(
      folder.migrations.map { ($0.version, $0) }, uniquingKeysWith: { first, _ in first })
    for entry in history.applied {
      guard let recorded = entry.checksum, let migration = known[entry.version],
        let present = migration.checksum,
        recorded != present
      else { continue }
      findings.append(
        AuditFinding(
          .edited, entry.version,
          "\(migration.files.first ?? migration.name) was edited after it was applied",
          at: migration.up.map { $0.beginning }))
    }
    let missing = history.missing(from: folder)
    if let first = missing.first {
      findings.append(
        AuditFinding(
          .unknown, nil,
          missing.count == 1
            ? "\(first) is applied and not in the folder"
            : "\(CountText.text(missing.count, "migration")) are applied and not in the folder, \(first) first"
        ))
    }
    guard let expected else { return findings }
    let drift = try lifting("comparing the schemas") { () in
      let present = Schema(
        Array(
          try mirror.schema().objects.filter {
            $0.key.name != history.table.folded && $0.table.folded != history.table.folded
          }))
      return SchemaDifference(from: expected, to: present).meaning(on: mirror.connection).flatMap(\.sentences)
    }
    if !drift.isEmpty {
      findings.append(
        AuditFinding(
          .drift, nil, "the schema of \(path) is not the one that the folder leads to", details: drift))
    }
    return findings
  }

  /// Goes down from the head, one migration after another, as far as they run.
  ///
  /// - Parameter first: the first migration that may go down.
  /// - Returns: each migration that was tried, by its place in the folder; and those that went down.
  func goDown(to first: Int) throws(MigrationError) -> (judged: [Int: AuditedMigration], wentDown: [Int]) {
    var judged: [Int: AuditedMigration] = [:]
    var wentDown: [Int] = []
    for index in applied where index >= first {
      let migration = folder.migrations[index]
      if migration.isRepeatable { continue }
      let step = try lifting("going down on a copy of the database") { () in try self.step(migration) }
      var tried = step.judged
      tried.isOnRealRows = true
      judged[index] = tried
      guard step.ran else { break }
      wentDown.append(index)
    }
    return (judged, wentDown)
  }

  private func step(_ migration: ToolMigration) throws -> (judged: AuditedMigration, ran: Bool) {
    let enforcing = folder.tool.enforcesForeignKeys
    if let obstacle = migration.obstacle {
      return (AuditedMigration(migration, .notJudged, [obstacle]), false)
    }
    guard let down = migration.down?.freed else {
      return (AuditedMigration(migration, .absent, ["it has no way down"]), false)
    }
    guard !down.statements.isEmpty else {
      return (AuditedMigration(migration, .empty, ["its way down does nothing"]), false)
    }
    let before = try mirror.schema()
    let trace: ReplayConnection.Trace
    do throws(ReplayConnection.Failure) {
      trace = try subject.run(down, enforcing: enforcing)
    } catch {
      return (failed(migration, error, "its way down does not run on these rows", down), false)
    }
    let below = try subject.schema()
    var judged = AuditedMigration(migration, .returns)
    var isBack = false
    if let up = migration.up?.freed {
      do {
        let again = try subject.run(up, enforcing: enforcing)
        let above = try subject.schema()
        let difference = SchemaDifference(from: before, to: above)
        let meaning = difference.meaning(on: mirror.connection)
        let touched = trace.touched.union(again.touched).union(difference.tables)
          .union(SchemaDifference(from: before, to: below).tables)
        let compared = RowsCompared(
          before: mirror, after: subject, schemaBefore: before, schemaAfter: above)
        judged.rows = compared.differences(in: touched.subtracting([history.table.folded]))
        judged.reasons = judged.rows.map { "going back and forward, \($0.sentence)" }
        judged.place = judged.rows.isEmpty ? nil : down.beginning
        if !judged.rows.isEmpty { judged.verdict = .rowsDiffer }
        if meaning.contains(where: { !$0.isOfOrder }) {
          judged.verdict = .otherSchema
          judged.reasons =
            meaning.flatMap(\.sentences).map { "after going back and forward, \($0)" } + judged.reasons
        } else if !meaning.isEmpty, judged.verdict == .returns {
          judged.verdict = .orderOnly
        }
        let counters = compared.lowerCounters(in: touched)
        if judged.verdict.comesBack { judged.reasons += Replay.counters(counters) }
        isBack = difference.isEmpty && judged.rows.isEmpty && counters.isEmpty
      } catch let error as ReplayConnection.Failure {
        judged = failed(migration, error, "after its way down, its way up does not run on these rows", up)
      }
    }
    do throws(ReplayConnection.Failure) {
      _ = try mirror.run(down, enforcing: enforcing)
      if isBack { _ = try subject.run(down, enforcing: enforcing) }
    } catch {
      return (failed(migration, error, "its way down does not run on these rows", down), false)
    }
    if !isBack { try subject.become(mirror) }
    return (judged, true)
  }

  private func failed(
    _ migration: ToolMigration, _ failure: ReplayConnection.Failure, _ words: Prose, _ script: ToolScript
  ) -> AuditedMigration {
    let place = failure.place ?? script.beginning
    return failure.cause == .statement
      ? AuditedMigration(migration, .doesNotRun, ["\(words): \(failure.message)"], at: place)
      : AuditedMigration(migration, .notJudged, [failure.message], at: place)
  }
}
