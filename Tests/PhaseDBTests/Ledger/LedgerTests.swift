import PhaseSQL
import PhaseSQLite
import TestDice
import Testing

@testable import PhaseDB

struct LedgerTests {
  @Test("a ledger of a newer format is refused by everything, with the remedy, and not touched")
  func tooNew() throws {
    let database = try TemporaryDatabase()
    try database.run(.up(1), tables(2))
    try database.run(
      "UPDATE phasedb_meta SET value = '\(LedgerFormat.current + 1)' WHERE key = 'format'; UPDATE phasedb_meta SET value = '9.1' WHERE key = 'phasedb'"
    )
    let before = try database.snapshot()
    let migrator = try database.migrator(tables(2))
    let acts: [() throws -> Void] = [
      { _ = try migrator.plan(.upAll) }, { _ = try migrator.plan(.down(1)) }, { _ = try migrator.status() },
      { _ = try migrator.verify() }, { _ = try migrator.checkpoints() }, { _ = try migrator.log() },
      { try migrator.createCheckpoint("x") },
    ]
    for act in acts {
      let error = try #require(migrationError(act))
      #expect(error.id == .ledgerTooNew)
      #expect(error.help == ["install phasedb 9.1 or newer"])
    }
    #expect(try database.snapshot() == before)
  }

  @Test("a ledger that becomes newer between plan and run is refused")
  func tooNewLate() throws {
    let database = try TemporaryDatabase()
    try database.run(.up(1), tables(2))
    let migrator = try database.migrator(tables(2))
    let plan = try migrator.plan(.upAll)
    try database.run("UPDATE phasedb_meta SET value = '\(LedgerFormat.current + 1)' WHERE key = 'format'")
    #expect(migrationError { try migrator.run(plan) }?.id == .ledgerTooNew)
  }

  @Test("a new ledger says its format, its tool and the schema it began with")
  func meta() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let began = try Schema(of: database.connect(.readOnly)).digest
    try database.run(.upAll, tables(1))
    let meta = try database.connect(.readOnly).rows("SELECT key, value FROM phasedb_meta ORDER BY key")
    #expect(
      meta == [
        ["format", .text(String(LedgerFormat.current))],
        ["orphans", #"{"accepted":[],"before":[]}"#], ["phasedb", .text(PhaseDBVersion.current)],
        ["schema", .text(began.text)],
      ])
    let made = try database.connect(.readOnly).rows(
      "SELECT name FROM sqlite_schema WHERE name LIKE 'phasedb%' AND sql IS NOT NULL")
    #expect(Set(made.compactMap { $0[0].text.map { FoldedName($0) } }) == LedgerFormat.objectNames)
  }

  @Test("a ledger of an older format is read as it is, and brought to the present one by the next step")
  func upgrade() throws {
    let database = try TemporaryDatabase()
    try database.run(.up(1), tables(2))
    try database.run(
      """
      DROP TABLE phasedb_archive; DROP TABLE phasedb_evidence; DROP TABLE phasedb_batch;
      DROP TABLE phasedb_snapshot; DROP TABLE phasedb_round_trip; DROP TABLE phasedb_way_down;
      DROP TABLE phasedb_watch; DROP TABLE phasedb_sample; DROP TABLE phasedb_watcher; DROP TABLE phasedb_freeze;
      \(TemporaryDatabase.backToFormat4);
      UPDATE phasedb_meta SET value = '1' WHERE key = 'format'
      """)
    #expect(try database.migrator(tables(2)).status().applied.count == 1)
    try database.run(.upAll, tables(2))
    let connection = try database.connect(.readOnly)
    #expect(try Ledger.presence(in: connection).isReadable)
    let names = try connection.rows(
      "SELECT name FROM sqlite_schema WHERE name LIKE 'phasedb%' AND sql IS NOT NULL")
    #expect(Set(names.compactMap { $0[0].text.map { FoldedName($0) } }) == LedgerFormat.objectNames)
    let log = try connection.rows("SELECT detail FROM phasedb_log WHERE action = 'upgrade'")
    #expect(log == [[.text("ledger format 1 to \(LedgerFormat.current)")]])
  }

  @Test(
    "tables that are named like the ledger's and are somebody else's are refused",
    arguments: [
      (sql: "CREATE TABLE phasedb_mine (a)", title: "table phasedb_mine"),
      ("CREATE TABLE phasedb_meta (a)", "table phasedb_meta"),
      ("CREATE TABLE phasedb_meta (key, a)", "table phasedb_meta"),
      ("CREATE VIEW phasedb_meta AS SELECT 1 AS key, 2 AS value", "view phasedb_meta"),
    ])
  func impostor(_ sql: String, _ title: String) throws {
    let database = try TemporaryDatabase(sql)
    let before = try database.snapshot()
    let error = try #require(migrationError { try database.run(.upAll, tables(1)) })
    #expect(error.id == .ledgerTouched)
    #expect(error.details.map(\.raw) == [title])
    #expect(try database.snapshot() == before)
    #expect(try database.migrator(tables(1), access: .reading).status().phases.map(\.isApplied) == [false])
  }

  // MARK: - The log

  struct Forgery: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let sql: String
    let broken: [Int64]
  }

  @Test(
    "the chain of hashes shows",
    arguments: [
      Forgery(testDescription: "nothing, when nothing was done", sql: "SELECT 1", broken: []),
      Forgery(
        testDescription: "who did it, changed", sql: "UPDATE phasedb_log SET who = 'nobody' WHERE id = 3",
        broken: [3]),
      Forgery(
        testDescription: "a moved border between fields",
        sql: "UPDATE phasedb_log SET who = who || 'x', host = substr(host, 2) WHERE id = 2", broken: [2]),
      Forgery(
        testDescription: "the first row, changed", sql: "UPDATE phasedb_log SET detail = '' WHERE id = 1",
        broken: [1]),
      Forgery(
        testDescription: "a hash, changed", sql: "UPDATE phasedb_log SET hash = 'x' WHERE id = 2",
        broken: [2, 3]),
      Forgery(
        testDescription: "a row in the middle, gone", sql: "DELETE FROM phasedb_log WHERE id = 3", broken: [4]
      ),
      Forgery(
        testDescription: "a row in the middle, gone and closed up",
        sql: "DELETE FROM phasedb_log WHERE id = 2; UPDATE phasedb_log SET id = id - 1 WHERE id > 2",
        broken: [2, 3]),
      Forgery(
        testDescription: "a row put at the end",
        sql:
          "INSERT INTO phasedb_log SELECT 5, at, who, host, action, subject, detail, hash, schema_version FROM phasedb_log WHERE id = 4",
        broken: [5]),
      Forgery(
        testDescription: "a row put before the first",
        sql:
          "INSERT INTO phasedb_log SELECT 0, at, who, host, action, subject, detail, hash, schema_version FROM phasedb_log WHERE id = 1",
        broken: [0, 1]),
      Forgery(
        testDescription: "two rows, exchanged",
        sql:
          "UPDATE phasedb_log SET id = 9 WHERE id = 2; UPDATE phasedb_log SET id = 2 WHERE id = 3; UPDATE phasedb_log SET id = 3 WHERE id = 9",
        broken: [2, 3, 4]),
    ])
  func chain(_ forgery: Forgery) throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, tables(3))
    try database.run(forgery.sql)
    let migrator = try database.migrator(tables(3), access: .reading)
    #expect(try migrator.brokenLogEntries().map(\.id) == forgery.broken)
    #expect(try migrator.verify().isClean == forgery.broken.isEmpty)
  }

  @Test("the log says who did what, newest of them when asked for few")
  func log() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    try database.run(.upAll, tables(2), .test(override: [.soak], reason: "it burns"))
    try database.migrator(tables(2)).createCheckpoint("safe", note: "before lunch")
    try database.run(.down(1), tables(2))
    let log = try database.migrator(tables(2)).log()
    #expect(
      log.map { "\($0.id) \($0.action) \($0.subject)" } == [
        "1 begin ", "2 override soak", "3 up 0001-t1/expand", "4 up 0002-t2/expand", "5 checkpoint safe",
        "6 down 0002-t2/expand",
      ])
    #expect(
      log.allSatisfy {
        $0.who == "operator" && $0.at.text == "2026-01-31T12:00:00.000Z" && $0.host == Runner.test.host
      })
    #expect(try database.migrator(tables(2)).log(limit: 2).map(\.id) == [5, 6])
    #expect(try database.migrator(tables(2)).brokenLogEntries().isEmpty)
  }

  // MARK: - What can be read back

  static let oddScripts = [
    "CREATE TABLE t (a)", "CREATE TABLE t (a);", "CREATE TABLE t (a) -- no semicolon",
    "CREATE TABLE t (a) /* open",
    "CREATE TABLE t (a);\r\n-- CRLF\r\nSELECT 1;\r\n", "-- @down\nCREATE TABLE t (a)",
    "CREATE TABLE t (a); -- @down",
    "CREATE TABLE t (a);\n-- @verify nothing\n", "CREATE TABLE t (a);\n  --@up\nSELECT 1",
    "-- @nonsense\nCREATE TABLE t (a)",
    "CREATE TABLE t (a DEFAULT '-- @down');\n", "CREATE TABLE t (a DEFAULT '\n-- @down\n')",
    "/*\n-- @down\n*/ CREATE TABLE t (a)",
    "CREATE TABLE t (a); CREATE TRIGGER r INSERT ON t BEGIN\n-- @down\nSELECT 1; END",
    "CREATE TABLE t (\n-- @window app >=9\na)", "CREATE TABLE t (\"-- @up\" DEFAULT 'Zoë 🐈 \u{2028}')",
    ";;CREATE TABLE t (a);;;",
    "CREATE TABLE t (a)\n;\n", "\u{FEFF}CREATE TABLE t (a)", "CREATE TABLE t (a); --",
    "CREATE TABLE t (a); /**/", "CREATE TABLE t (a) --\r",
    "CREATE TABLE t (a);\u{0C}SELECT 1;\u{0C}", "CREATE TABLE t (a); SELECT ':a', x'00', 1e3, 0x1F",
    "CREATE TABLE t (a);\n-- (@down)",
  ]

  @Test(
    "the text of a phase comes back from the ledger as the same phase, and takes it down again",
    arguments: oddScripts)
  func restored(_ script: String) throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let before = try #require(try database.snapshot())
    let phase = Phase(
      .expand, windows: try Windows(Window("app", VersionRange(">=1.0 <2.0-rc.1"))),
      up: try #require(Script(script)),
      down: try #require(Script("DROP TABLE t\n-- @up")), summary: "@up first\n\n-- @down\r\nsecond  line",
      verifications: [
        Verification("  nothing\nis  there ", query: try #require(Script("SELECT * FROM t -- @up")))
      ],
      residuals: [Residual(.support, "a\nletter -- @up")],
      losses: [Loss(table: "t \"x\"", column: "a.b", reason: "old")],
      needs: [], budget: Budget(up: .milliseconds(1500)), allowances: [])
    try database.run(.upAll, catalog(["0001-a": [phase]]))
    let connection = try database.connect(.readOnly)
    let knowledge = try Knowledge(of: connection)
    let restored = try #require(knowledge.ledger).phases.text(of: try #require(knowledge.applied.last))
    #expect(restored.tokenHash == phase.tokenHash)
    #expect(knowledge.applied.last?.windows == phase.windows)
    #expect(try database.migrator(catalog(["0001-a": [phase]])).plan(.upAll).steps.isEmpty)
    try database.run(.down(1), Catalog([]))
    #expect(try before.isSame(as: database.snapshot()))
  }

  @Test(
    "whatever an application is called, its window comes back from the ledger",
    arguments: ["app", "my app", "a \"b\"", "é", "@x", "a>=b", "a\tb", "a\nb", "a >=1"])
  func applications(_ name: String) throws {
    let database = try TemporaryDatabase()
    let windows = try Windows(Window(name, VersionRange(">=1.0 <2.0")), [Window("other", VersionRange("=1"))])
    let script = try #require(Script("CREATE TABLE t (a)"))
    let phase = Phase(.expand, windows: windows, up: script, down: try #require(Script("DROP TABLE t")))
    try database.run(.upAll, catalog(["0001-a": [phase]]))
    #expect(try database.migrator(Catalog([])).status().applied.map { $0.applied?.windows } == [windows])
    let live = Options.test(live: [])
    let isSeen = migrationError {
      try database.run(
        .down(1), Catalog([]),
        {
          var o = live; o.live = [LiveVersion(name, try Version("2.0"))]; return o
        }())
    }
    #expect(isSeen?.id == .phaseHeld)
    #expect(try database.run(.down(1), Catalog([])) == ["0001/expand"])
  }

  @Test(
    "a phase whose text could not be read back is refused before it is applied",
    arguments: [
      "DROP TABLE t; SELECT 'open", "DROP TABLE t; SELECT \"open",
    ])
  func unreadable(_ down: String) throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let before = try database.snapshot()
    let error = try #require(
      migrationError {
        try database.run(.upAll, catalog(["0001-a": [phase(.expand, "CREATE TABLE t (a)", down: down)]]))
      })
    #expect(error.id == .incompleteStatement)
    #expect(error.standing == .unchanged)
    #expect(try database.snapshot() == before)
  }

  @Test("text that was changed in the ledger is not run", arguments: ["up_sql", "down_sql", "declarations"])
  func changedText(_ column: String) throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, tables(1))
    try database.run("UPDATE phasedb_phase SET \(column) = \(column) || 'DROP TABLE t1;'")
    let before = try database.snapshot()
    let error = try #require(migrationError { try database.run(.down(1), Catalog([])) })
    #expect(error.id == .ledgerDamaged)
    #expect(error.standing == .unchanged)
    #expect(try database.snapshot() == before)
    #expect(try !database.migrator(Catalog([])).verify().isClean)
  }

  // MARK: - Schemas

  @Test(
    "after any ups and downs the recorded changes add up to the schema, and every point is the one it was",
    arguments: 1...4)
  func history(_ seed: UInt64) throws {
    var random = Dice(seed: seed)
    let database = try TemporaryDatabase(
      "CREATE TABLE base (a, b); CREATE VIEW seen AS SELECT a FROM base; INSERT INTO base VALUES (1, 'x')")
    let edits: [(String, String)] = [
      ("CREATE TABLE t# (a, b)", "DROP TABLE t#"), ("ALTER TABLE base ADD c#", "ALTER TABLE base DROP c#"),
      ("ALTER TABLE base RENAME TO base#; ALTER TABLE base# RENAME TO base", "SELECT 1"),
      ("CREATE INDEX i# ON base (a, b DESC)", "DROP INDEX i#"),
      ("CREATE TRIGGER r# AFTER INSERT ON base BEGIN SELECT #; END", "DROP TRIGGER r#"),
      (
        "DROP VIEW seen; CREATE VIEW seen AS SELECT a, # AS n FROM base",
        "DROP VIEW seen; CREATE VIEW seen AS SELECT a FROM base"
      ),
      ("CREATE TABLE w# (a PRIMARY KEY) WITHOUT ROWID", "DROP TABLE w#"),
    ]
    var hasView = false
    var migrations: [Migration] = []
    for number in 1...12 {
      var (up, down) = edits[Int(random.next() % UInt64(edits.count))]
      if up.hasPrefix("DROP VIEW") {
        if hasView { (up, down) = edits[0] }
        hasView = true
      }
      func numbered(_ sql: String) -> String { sql.replacing("#", with: "\(number)") }
      migrations.append(
        try Migration(
          MigrationName("\(number)-m"), phases: [phase(.contract, numbered(up), down: numbered(down))]))
    }
    let catalog = try Catalog(migrations)
    var points: [Int: Snapshot] = [0: try #require(try database.snapshot())]
    for _ in 1...12 {
      let count = Int(random.next() % 6) + 1
      try database.run(random.next() % 5 < 3 ? .up(count) : .down(count), catalog)
      let connection = try database.connect(.readOnly)
      let knowledge = try Knowledge(of: connection)
      #expect(try knowledge.recordedSchema().digest == knowledge.schema.digest)
      #expect(try database.migrator(catalog).verify().isClean)
      let present = try #require(try database.snapshot())
      let known = points[knowledge.applied.count, default: present]
      #expect(present.rows == known.rows)
      points[knowledge.applied.count] = known
    }
    try database.run(.downAll, catalog)
    #expect(try database.snapshot()?.rows == points[0]?.rows)
    #expect(database.integrity() == "ok")
  }

  // MARK: - Checkpoints

  @Test("a checkpoint can be reached until its phases are reversed, and then is told to be gone")
  func checkpoints() throws {
    let database = try TemporaryDatabase()
    let migrator = try database.migrator(tables(3))
    #expect(migrationError { try migrator.createCheckpoint("early") }?.id == .ledgerMissing)
    try database.run(.up(2), tables(3))
    let made = try migrator.createCheckpoint("release-1.4", note: "n")
    #expect(made.sequence == 3)
    #expect(made.phase?.short == "0002/expand")
    #expect(migrationError { try migrator.createCheckpoint("release-1.4") }?.id == .checkpointExists)
    try database.run(.up(1), tables(3))
    func listed() throws -> [String] {
      try migrator.checkpoints().map {
        "\($0.name ?? "-") @\($0.sequence) \($0.phase?.short ?? "-") \($0.isReachable)"
      }
    }
    #expect(
      try listed() == [
        "- @2 0001/expand true", "- @3 0002/expand true", "release-1.4 @3 0002/expand true",
        "- @5 0003/expand true",
      ])
    try database.run(.down(2), tables(3))
    try database.run(.up(1), tables(3))
    #expect(try listed() == ["- @2 0001/expand true", "release-1.4 @3 - false", "- @8 0002/expand true"])
  }

  @Test("names that cannot be a checkpoint's", arguments: ["", "5", "a b", "@x", "a/b"])
  func checkpointNames(_ name: String) throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, tables(1))
    #expect(migrationError { try database.migrator(tables(1)).createCheckpoint(name) }?.id == .invalidName)
  }

  @Test("a checkpoint names no point in a drifted database")
  func checkpointDrift() throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, tables(1))
    try database.run("CREATE TABLE stray (a)")
    #expect(migrationError { try database.migrator(tables(1)).createCheckpoint("x") }?.id == .schemaDrift)
  }

  // MARK: - Lease

  struct Holder: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let isDead: Bool
    let change: @Sendable (inout Runner) -> Void

    init(_ sentence: String, isDead: Bool, _ change: @escaping @Sendable (inout Runner) -> Void) {
      (testDescription, self.isDead, self.change) = (sentence, isDead, change)
    }
  }

  /// No system gives out this number: Linux stops at 2^22, macOS at 99999.
  static let noProcess: Int32 = 2_000_000_000

  static let holders = [
    Holder("a process that runs, of another user", isDead: false) { $0.user = "colleague" },
    Holder("another host", isDead: false) { ($0.host, $0.processID) = ("elsewhere", noProcess) },
    Holder("another container of this host", isDead: false) {
      ($0.processSpace, $0.processID) = ("pid:[1]", noProcess)
    },
    Holder("a host that cannot tell when it started", isDead: false) {
      ($0.bootID, $0.processID) = ("", noProcess)
    },
    Holder("a process whose start is not known", isDead: false) {
      ($0.user, $0.processStart) = ("colleague", "")
    },
    Holder("this host before it was started again", isDead: true) { $0.bootID = "before" },
    Holder("a process that is not there", isDead: true) { $0.processID = noProcess },
    Holder("a process whose number another one has now", isDead: true) { $0.processStart = "1" },
  ]

  #if os(Linux)
    @Test("a lease is taken over from nobody but a process that is provably dead:", arguments: holders)
    func lease(_ holder: Holder) throws {
      let database = try TemporaryDatabase()
      try database.run(.up(1), tables(3))
      var runner = Runner.test
      holder.change(&runner)
      do {
        let connection = try database.connect()
        let lease = Lease(
          holder: runner, since: Timestamp(text: "2026-01-31T11:00:00.000Z"), work: "up, 9 phases")
        try Ledger(connection: connection).lease.take(lease)
        #expect(try Ledger(connection: connection).lease.held() == lease)
      }
      #expect(runner.isProvablyDead(seenFrom: .test) == holder.isDead)
      #expect(try database.migrator(tables(3)).status().runner != nil)
      let before = try database.snapshot()
      var events: [Event] = []
      let error = migrationError { try database.run(.upAll, tables(3)) { events.append($0) } }
      #expect(error?.id == (holder.isDead ? nil : .leaseHeld))
      if holder.isDead {
        #expect(events.count { if case .tookOver = $0 { true } else { false } } == 1)
        #expect(
          try database.migrator(tables(3)).log().map(\.action) == ["begin", "up", "take-over", "up", "up"])
        #expect(try database.value("SELECT count(*) FROM phasedb_lease") == 0)
      } else {
        #expect(error?.standing == .busy)
        #expect(try database.snapshot() == before)
      }
    }
  #endif

  @Test("between two phases of a run others see its lease, and after it none")
  func leaseDuringRun() throws {
    let database = try TemporaryDatabase()
    var seen: [String] = []
    try database.run(.upAll, tables(3)) { event in
      guard case .committed = event else { return }
      seen.append((try? database.value("SELECT work FROM phasedb_lease"))??.text ?? "none")
    }
    #expect(seen == ["up, 3 phases", "up, 3 phases", "none"])
    var other = Runner.test
    other.user = "colleague"
    let options = Options.test(runner: other)
    var refused: MigrationError?
    try database.run(.downAll, tables(3)) { event in
      guard case .committed = event, refused == nil else { return }
      refused = migrationError { try database.run(.down(1), tables(3), options) }
    }
    #expect(refused?.id == .leaseHeld)
    #expect(refused?.standing == .busy)
    #expect(try database.applied() == [])
  }
}
