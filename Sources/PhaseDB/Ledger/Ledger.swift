internal import PhaseSQL
internal import PhaseSQLite

/// The ledger: the tables `phasedb_…` in which phasedb keeps its records, inside the user's database.
package struct Ledger {
  let connection: Connection
  /// Its format. It may be an older one until the ledger is written; then newer tables are missing.
  package let format: Int

  init(connection: Connection, format: Int = LedgerFormat.current) {
    self.connection = connection
    self.format = format
  }

  // MARK: Its tables

  /// The phases that are applied.
  var phases: AppliedPhases { AppliedPhases(ledger: self) }
  /// The schemas that phases led to.
  var schemas: RecordedSchemas { RecordedSchemas(ledger: self) }
  /// The archives: what phases removed.
  var archives: ArchiveRecords { ArchiveRecords(ledger: self) }
  /// The results of ways back that were tried when their phases went up.
  var roundTrips: RoundTripRecords { RoundTripRecords(ledger: self) }
  /// The results of ways down that were tried later.
  var waysDown: WayDownRecords { WayDownRecords(ledger: self) }
  /// The evidence of rehearsals.
  var evidence: EvidenceRecords { EvidenceRecords(ledger: self) }
  /// The named checkpoints.
  var checkpoints: Checkpoints { Checkpoints(ledger: self) }
  /// The check-ins of applications.
  var checkIns: CheckIns { CheckIns(ledger: self) }
  /// The lease of the present run.
  var lease: LeaseRow { LeaseRow(ledger: self) }
  /// The batched phase that is under way.
  var batches: BatchRecords { BatchRecords(ledger: self) }
  /// The watches of phases, and their samples.
  var watches: WatchRecords { WatchRecords(ledger: self) }
  /// The lanes.
  var lanes: LaneRecords { LaneRecords(ledger: self) }
  /// The switches of phases.
  var switches: SwitchRecords { SwitchRecords(ledger: self) }
  /// The ramps of switches.
  var ramps: RampRecords { RampRecords(ledger: self) }
  /// The points from which effects count.
  var effects: EffectMarks { EffectMarks(ledger: self) }
  /// Rows without a parent.
  var orphans: OrphanRecord { OrphanRecord(ledger: self) }
  /// The phases that a baseline replaces.
  var squash: SquashRecord { SquashRecord(ledger: self) }

  // MARK: Whether there is one, and which

  /// Whether a database has a ledger, and in which format.
  enum Presence: Hashable {
    case absent
    case present(format: Int, writtenBy: String)

    /// Whether this version of phasedb understands it.
    var isReadable: Bool {
      if case .present(let format, _) = self { format <= LedgerFormat.current } else { false }
    }
  }

  /// Looks for a ledger without changing anything.
  static func presence(in connection: Connection) throws(SQLiteError) -> Presence {
    let sql = try connection.value(
      "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = 'phasedb_meta'")
    guard let sql = sql?.text else { return .absent }
    // A table of that name with other columns is not a ledger; it counts as drift.
    let columns = try Table("phasedb_meta", presently: sql, on: connection).columns.map(\.name.spelled)
    guard columns.contains("key"), columns.contains("value") else { return .absent }
    let said = try connection.rows(
      """
      SELECT (SELECT CAST(value AS INTEGER) FROM phasedb_meta WHERE key = 'format'),
      (SELECT value FROM phasedb_meta WHERE key = 'phasedb')
      """)[0]
    return .present(format: Int(said[0].integer ?? 0), writtenBy: said[1].text ?? "unknown")
  }

  /// Makes the tables, and records the present schema and the rows without a parent. Call it inside a transaction.
  static func create(
    in connection: Connection, schema: Schema, by runner: Runner, at time: Timestamp
  ) throws -> Ledger {
    let ledger = Ledger(connection: connection)
    try connection.execute(script: LedgerFormat.definition)
    for (key, value) in [
      ("format", String(LedgerFormat.current)), ("phasedb", PhaseDBVersion.current),
      ("schema", schema.digest.text),
    ] {
      try connection.execute("INSERT INTO phasedb_meta VALUES (?1, ?2)", .text(key), .text(value))
    }
    try ledger.schemas.record(schema.changes(since: Schema()), sequence: 0)
    let orphans = try Orphans(of: connection)
    try ledger.orphans.record(KnownOrphans(before: orphans))
    let found = orphans.isEmpty ? "" : ", \(DetailLines.rows(orphans.count)) without a parent"
    try ledger.log(
      .begin, subject: "", detail: "schema \(schema.digest.text)\(found)", by: runner, at: time)
    return ledger
  }

  /// Brings the ledger to the present format if it has an older one. Call it inside a transaction.
  func upgraded(by runner: Runner, at time: Timestamp) throws(SQLiteError) -> Ledger {
    guard format < LedgerFormat.current else { return self }
    for (number, definition) in LedgerFormat.additions.sorted(by: { $0.key < $1.key }) where number > format {
      try connection.execute(script: definition)
    }
    try connection.execute(
      "UPDATE phasedb_meta SET value = ?1 WHERE key = 'format'", .text(String(LedgerFormat.current)))
    try log(
      .upgrade, subject: "", detail: "ledger format \(format) to \(LedgerFormat.current)", by: runner,
      at: time)
    return Ledger(connection: connection)
  }

  /// The digest of the schema that the ledger began with.
  func initialSchemaDigest() throws(SQLiteError) -> SchemaDigest? {
    guard
      var digest = try connection.value("SELECT value FROM phasedb_meta WHERE key = 'schema'")?.text.flatMap(
        SchemaDigest.init)
    else { return nil }
    digest -= try schemas.digestsOfIgnored().sum(after: 0)
    return digest
  }

  /// Whether the schema is unchanged since the ledger was last written, by SQLite's own counter
  /// (sqlite.org/fileformat2.html, "schema cookie"). The counter may miss a change made through `writable_schema`.
  func hasSameSchemaVersion() throws(SQLiteError) -> Bool {
    try connection.value(
      "SELECT schema_version = (SELECT schema_version FROM pragma_schema_version) FROM phasedb_log ORDER BY id DESC LIMIT 1"
    )?.integer == 1
  }

  // MARK: Its log

  /// The id of the log's last row: it changes whenever the ledger does.
  func head() throws(SQLiteError) -> Int64 {
    try connection.value("SELECT max(id) FROM phasedb_log")?.integer ?? 0
  }

  /// The last row of the log and its hash.
  func lastEntry() throws(SQLiteError) -> (id: Int64, hash: String?) {
    let id = try head()
    return (id, try hash(of: id))
  }

  /// The hash of a row of the log, nil when there is no such row.
  func hash(of entry: Int64) throws(SQLiteError) -> String? {
    try connection.value("SELECT hash FROM phasedb_log WHERE id = ?1", .integer(entry))?.text
  }

  /// Adds a row to the log.
  ///
  /// - Returns: its id.
  @discardableResult
  func log(
    _ action: LogEntry.Action, subject: String, detail: String, by runner: Runner, at time: Timestamp
  ) throws(SQLiteError) -> Int64 {
    var last = try connection.prepare("SELECT id, hash FROM phasedb_log ORDER BY id DESC LIMIT 1")
    let hasLast = try last.step()
    let schemaVersion = try connection.value("PRAGMA main.schema_version")?.integer ?? 0
    let entry = LogEntry(
      id: hasLast ? last.integer(at: 0) &+ 1 : 1, at: time, who: runner.user, host: runner.host,
      action: action.rawValue, subject: subject, detail: detail, hash: "", schemaVersion: schemaVersion)
    let hash = entry.presentHash(after: hasLast ? last.text(at: 1) : LogEntry.genesis)
    try connection.execute(
      "INSERT INTO phasedb_log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
      .integer(entry.id), .text(time.text), .text(entry.who), .text(entry.host), .text(entry.action),
      .text(subject), .text(detail), .text(hash), .integer(schemaVersion))
    return entry.id
  }

  /// The numbers of the log's rows of one action, oldest first.
  func numbers(of action: LogEntry.Action) throws(SQLiteError) -> [Int64] {
    try connection.rows("SELECT id FROM phasedb_log WHERE action = ?1 ORDER BY id", .text(action.rawValue))
      .compactMap { $0[0].integer }
  }

  /// The log, oldest first.
  ///
  /// - Parameter limit: how many of the newest entries; nil for all.
  func entries(limit: Int? = nil) throws(SQLiteError) -> [LogEntry] {
    try entries("ORDER BY id DESC LIMIT ?1", .integer(Int64(limit ?? -1)))
  }

  /// The log's row of that id; nil when there is none.
  func entry(_ id: Int64) throws(SQLiteError) -> LogEntry? {
    try entries("WHERE id = ?1", .integer(id)).first
  }

  private func entries(_ which: String, _ value: Value) throws(SQLiteError) -> [LogEntry] {
    var rows = try connection.prepare(
      "SELECT id, at, who, host, action, subject, detail, hash, schema_version FROM phasedb_log \(which)"
    )
    try rows.bind([value])
    var entries: [LogEntry] = []
    while try rows.step() {
      entries.append(
        LogEntry(
          id: rows.integer(at: 0), at: Timestamp(text: rows.text(at: 1)), who: rows.text(at: 2),
          host: rows.text(at: 3), action: rows.text(at: 4), subject: rows.text(at: 5),
          detail: rows.text(at: 6),
          hash: rows.text(at: 7), schemaVersion: rows.integer(at: 8)))
    }
    return entries.reversed()
  }

  // MARK: Its commit, and its damage

  /// Commits, and if that fails, reads the log before it reports a failure: a commit that landed may still return an
  /// error, for instance from the checkpoint that follows it in WAL mode.
  ///
  /// - Parameters:
  ///   - entry: the id of a row that the transaction wrote into the log, nil when it wrote none.
  ///   - hash: the row's hash, which no other row has.
  ///   - activity: as in "committing 0001-create-shop/expand"; it opens the error's sentence.
  /// - Throws: with standing `partWay` when the log cannot be read either, so that the outcome is unknown.
  func commit(
    _ transaction: consuming Transaction, leaving entry: Int64?, _ hash: String?, while activity: Prose
  ) throws(MigrationError) {
    do {
      try transaction.commit()
    } catch {
      var failure = MigrationError(error, while: activity)
      if let entry, connection.isAutocommit {
        do {
          if let written = try self.hash(of: entry), written == hash { return }
        } catch  where error.code.isOfSurroundings {
          failure.standing = .partWay
          failure.state =
            "it is unknown whether the change was committed, because the database cannot be read"
          failure.help.append("once it can be read, see what is applied: phasedb status")
        } catch {
          // Without a log, the transaction that made it was rolled back.
        }
      }
      throw failure
    }
  }

  /// Throws if the file was moved between the last check and the commit, and says where the commit went.
  ///
  /// - Throws: `database-replaced` with standing `partWay`.
  static func refuseMoved(_ connection: Connection, _ activity: Prose) throws(MigrationError) {
    guard connection.isMoved else { return }
    throw MigrationError(
      .databaseReplaced, "\(activity): the database's file was deleted, moved or replaced while it was open",
      state:
        "the change is in the file that was at \(connection.path) before; the file that is there now was not touched",
      help: [
        "find the file that was moved, with its -wal file, or run the command again on the one that is there",
        "keep programs from replacing the file of a database that is in use",
      ], standing: .partWay)
  }

  /// The error about a ledger that cannot be read.
  static func damaged(_ what: Prose) -> MigrationError {
    MigrationError(
      .ledgerDamaged, what, state: "nothing was changed",
      help: [
        "look at the row with: sqlite3 FILE 'SELECT * FROM phasedb_phase'",
        "restore the ledger from a backup",
      ])
  }

  /// The error for a database whose objects have names of the ledger.
  static func namesTaken(_ objects: [SchemaObject]) -> MigrationError {
    MigrationError(
      .ledgerTouched, "the database has no ledger, but objects that are named phasedb_… or use such a name",
      details: objects.map { Prose($0.title) }.sorted(),
      help: ["rename or drop them: the prefix is reserved for the ledger"])
  }
}

/// One of the ledger's tables, with the functions that read and write it.
protocol LedgerTable {
  var ledger: Ledger { get }
}

extension LedgerTable {
  var connection: Connection { ledger.connection }
  /// The format of the ledger: the table may be missing from an older one.
  var format: Int { ledger.format }
}
