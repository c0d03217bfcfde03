import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// Batched phases on a database, from the first batch to the last and back.
@Suite("A batched phase")
struct BatchRunTests {
  /// A table of 3,000 rows whose number goes up by one with each up: what is done twice, or not at all, shows.
  static let rows = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, name, touched INTEGER NOT NULL DEFAULT 0);
    INSERT INTO t (id, n, name)
      WITH RECURSIVE i (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM i WHERE x < 3000)
      SELECT x * 3, x, CASE x % 3 WHEN 0 THEN '007' WHEN 1 THEN x'07' END FROM i;
    """

  static func counting(verify: [(String, String)] = [], budget: Budget? = nil) throws -> Catalog {
    try catalog([
      "0001-count": [
        phase(
          .migrate, "UPDATE t SET n = n + 1 WHERE id BETWEEN :first AND :last",
          down: "UPDATE t SET n = n - 1 WHERE id BETWEEN :first AND :last", verify: verify, budget: budget,
          batch: Batching(table: "t"))
      ]
    ])
  }

  /// Stops a run after so many batches.
  private func stop(
    after batches: Int, _ selection: Selection, _ database: TemporaryDatabase, _ catalog: Catalog
  ) -> MigrationError? {
    let cancellation = Cancellation()
    var seen = 0
    return migrationError {
      try database.run(
        selection, catalog,
        .test(pacing: Options.Pacing(hold: .seconds(10), maximumRows: 100), cancellation: cancellation)
      ) { event in
        if case .batchCommitted = event { seen += 1 }
        if seen == batches { cancellation.cancel() }
      }
    }
  }

  // MARK: Keys

  struct Key: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let table: String
    let batch: Batching
    /// The key's column, in SQL.
    let column: String
    /// A row's key from a number.
    let value: String
  }

  static let keys = [
    Key(
      testDescription: "an INTEGER PRIMARY KEY", table: "k INTEGER PRIMARY KEY", batch: Batching(table: "t"),
      column: "k", value: "x * 7 - 9000"),
    Key(
      testDescription: "the rowid of a table without a key", table: "k", batch: Batching(table: "t"),
      column: "rowid",
      value: "x"),
    Key(
      testDescription: "a rowid whose name a column has", table: "k, rowid TEXT", batch: Batching(table: "t"),
      column: "_rowid_", value: "x"),
    Key(
      testDescription: "text", table: "k TEXT PRIMARY KEY", batch: Batching(table: "t", by: "k"), column: "k",
      value: "printf('%x/é', x * 7919 % 10007)"),
    Key(
      testDescription: "text without regard to case", table: "k TEXT COLLATE NOCASE UNIQUE",
      batch: Batching(table: "t", by: "K"), column: "k", value: "iif(x % 2, 'a', 'B') || x"),
    Key(
      testDescription: "blobs", table: "k BLOB NOT NULL UNIQUE", batch: Batching(table: "t", by: "k"),
      column: "k",
      value: "CAST(printf('%05d', x * 7919 % 10007) AS BLOB)"),
    Key(
      testDescription: "real numbers", table: "k REAL UNIQUE", batch: Batching(table: "t", by: "k"),
      column: "k",
      value: "x / 7.0 - 100"),
    Key(
      testDescription: "WITHOUT ROWID", table: "k TEXT PRIMARY KEY", batch: Batching(table: "t"), column: "k",
      value: "'key ' || x"),
    Key(
      testDescription: "values that several rows share", table: "k INTEGER",
      batch: Batching(table: "t", by: "k"),
      column: "k", value: "x / 37"),
    Key(
      testDescription: "the first column of a key of two",
      table: "k INTEGER, l INTEGER DEFAULT (random()), PRIMARY KEY (k, l)",
      batch: Batching(table: "t", by: "k"), column: "k", value: "x / 5"),
    Key(
      testDescription: "names in need of quotes", table: "\"the \"\"key\" TEXT UNIQUE",
      batch: Batching(table: "t", by: "the \"key"), column: "\"the \"\"key\"", value: "'k' || x"),
  ]

  @Test("goes through every row once, by", arguments: keys)
  func goesThrough(row: Key) throws {
    let name = row.column == "rowid" || row.column == "_rowid_" ? "k" : row.column
    let withoutRowID = row.testDescription == "WITHOUT ROWID" ? " WITHOUT ROWID" : ""
    let index = row.value.contains("x / 37") ? "CREATE INDEX t_k ON t (k);" : ""
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (\(row.table.replacingOccurrences(of: ", PRIMARY KEY (k, l)", with: "")), n INTEGER\(row.table.contains("(k, l)") ? ", PRIMARY KEY (k, l)" : ""))\(withoutRowID);
      \(index)
      INSERT INTO t (\(name), n) WITH RECURSIVE i (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM i WHERE x < 1200)
        SELECT \(row.value), x FROM i;
      """)
    let before = try #require(try database.snapshot())
    let migrations = try catalog([
      "0001-count": [
        phase(
          .migrate, "UPDATE t SET n = n + 100000 WHERE \(row.column) BETWEEN :first AND :last",
          down: "UPDATE t SET n = n - 100000 WHERE \(row.column) BETWEEN :first AND :last", batch: row.batch)
      ]
    ])
    var batches = 0
    let options = Options.test(pacing: Options.Pacing(hold: .seconds(10), maximumRows: 64))
    try database.run(.upAll, migrations, options) { if case .batchCommitted = $0 { batches += 1 } }
    #expect(try database.value("SELECT count(*) FROM t WHERE n BETWEEN 100001 AND 101200") == 1200)
    #expect(batches >= 15)
    try database.run(.downAll, migrations, options)
    #expect(try before.isSame(as: database.snapshot()))
  }

  struct Unfit: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let table: String
    let batch: Batching
    var up = "UPDATE t SET n = 1 WHERE k BETWEEN :first AND :last"
    let message: Prose
    let help: Prose
  }

  @Test(
    "is refused before anything runs when it has no key, by",
    arguments: [
      Unfit(
        testDescription: "a table that is not there", table: "t (k, n)", batch: Batching(table: "u"),
        message: "there is no table u", help: "name an ordinary table: -- @batch TABLE"),
      Unfit(
        testDescription: "a column that is not there", table: "t (k, n)",
        batch: Batching(table: "t", by: "m"),
        message: "t has no column m", help: "name a column of it: -- @batch t by COLUMN"),
      Unfit(
        testDescription: "a column without an index", table: "t (k, n)", batch: Batching(table: "t", by: "k"),
        message: "no index of all rows of t begins with k",
        help: "CREATE INDEX \"t_by_k\" ON \"t\" (\"k\"); in expand.sql of the same migration"),
      Unfit(
        testDescription: "a key of two columns", table: "t (k, l, n, PRIMARY KEY (k, l)) WITHOUT ROWID",
        batch: Batching(table: "t"), message: "the key of t has 2 columns",
        help: "name the first of them: -- @batch t by k"),
      Unfit(
        testDescription: "a table all of whose rowid's names are taken",
        table: "t (k, n, rowid, oid, _rowid_)",
        batch: Batching(table: "t"), message: "columns of t hide every name of its rowid",
        help: "name a column that an index begins with: -- @batch t by COLUMN"),
      Unfit(
        testDescription: "rows without a key", table: "t (k UNIQUE, n); INSERT INTO t VALUES (NULL, 1)",
        batch: Batching(table: "t", by: "k"), message: "rows of t have no k, so no batch would include them",
        help: "order the batches by a column that is never NULL: -- @batch TABLE by COLUMN"),
      Unfit(
        testDescription: "a statement that looks at every row", table: "t (k INTEGER PRIMARY KEY, n)",
        batch: Batching(table: "t"), up: "UPDATE t SET n = 1 WHERE +k BETWEEN :first AND :last",
        message: "a statement does not find the rows of a batch by t.k",
        help: "WHERE \"k\" BETWEEN :first AND :last"),
      Unfit(
        testDescription: "a statement that moves the keys", table: "t (k INTEGER PRIMARY KEY, n)",
        batch: Batching(table: "t"), up: "UPDATE t SET k = k + 1 WHERE k BETWEEN :first AND :last",
        message: "a batch writes t.k, the key of the batches",
        help: "order the batches by a column that does not change: -- @batch t by COLUMN"),
    ])
  func unfit(row: Unfit) throws {
    let database = try TemporaryDatabase("CREATE TABLE \(row.table)")
    let before = try database.snapshot()
    let migrations = try catalog([
      "0001-x": [
        phase(
          .migrate, row.up, down: "UPDATE t SET n = 0 WHERE k BETWEEN :first AND :last", batch: row.batch)
      ]
    ])
    let error = migrationError { try database.run(.upAll, migrations) }
    #expect(error?.id == .batchNotKeyed)
    #expect(error?.message == row.message)
    #expect(error?.help.first == row.help)
    #expect(error?.standing == .unchanged)
    #expect(try database.snapshot() == before)
  }

  // MARK: Half-way

  @Test(
    "that is stopped stands where its last batch left it, and goes on from there or turns back",
    arguments: [true, false])
  func stopped(goesOn: Bool) throws {
    let database = try TemporaryDatabase(Self.rows)
    let before = try #require(try database.snapshot())
    let catalog = try Self.counting()
    let error = stop(after: 5, .upAll, database, catalog)
    #expect(error?.id == .interrupted && error?.standing == .partWay)
    #expect(error?.help == ["continue with: phasedb up", "or undo it with: phasedb down"])
    #expect(try database.value("SELECT count(*) FROM t WHERE n = id / 3 + 1") == 500)
    let status = try database.migrator(catalog, access: .reading).status()
    let underWay = try #require(status.underWay)
    #expect(underWay.id.short == "0001/migrate" && underWay.direction == .up && !underWay.isRunning)
    #expect(underWay.progress.rows == 500 && underWay.pause?.reason == .interrupted)
    #expect(abs((underWay.progress.fraction ?? 0) - 1.0 / 6) < 0.01)
    #expect(status.runner == nil)
    if goesOn {
      #expect(stop(after: 2, .upAll, database, catalog)?.standing == .partWay)
      #expect(try database.run(.upAll, catalog) == ["0001/migrate"])
      #expect(try database.value("SELECT count(*) FROM t WHERE n = id / 3 + 1") == 3000)
      #expect(try database.applied() == ["0001/migrate"])
    } else {
      #expect(stop(after: 2, .down(1), database, catalog)?.standing == .partWay)
      #expect(try database.run(.down(1), catalog) == ["0001/migrate"])
      #expect(try before.isSame(as: database.snapshot()))
      #expect(try database.applied() == [])
    }
    #expect(try database.value("SELECT count(*) FROM phasedb_batch") == 0)
    #expect(try database.value("SELECT count(*) FROM phasedb_lease") == 0)
    #expect(try database.migrator(catalog, access: .reading).verify().isClean)
  }

  @Test("that comes down and is stopped goes up again, and stays applied")
  func halfDown() throws {
    let database = try TemporaryDatabase(Self.rows)
    let catalog = try Self.counting(verify: [("all are counted", "SELECT id FROM t WHERE n <> id / 3 + 1")])
    try database.run(.upAll, catalog)
    let up = try #require(try database.snapshot())
    #expect(stop(after: 7, .down(1), database, catalog)?.standing == .partWay)
    #expect(try database.value("SELECT count(*) FROM t WHERE n = id / 3") == 700)
    let report = try database.migrator(catalog, access: .reading).verify()
    #expect(report.isClean && report.checks.contains { $0.outcome == .underWay })
    #expect(try database.run(.upAll, catalog) == ["0001/migrate"])
    #expect(try up.isSame(as: database.snapshot()))
    #expect(try database.applied() == ["0001/migrate"])
    #expect(try database.run(.down(1), catalog) == ["0001/migrate"])
    #expect(try database.value("SELECT count(*) FROM t WHERE n = id / 3") == 3000)
  }

  struct Leaver: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var other = "CREATE TABLE o (k INTEGER PRIMARY KEY, v)"
    let up: String
    var down = "SELECT 1 FROM t WHERE id BETWEEN :first AND :last"
    /// Up is asked for where this is true, down where it is false, each stopped after so many batches.
    let ways: [(isUp: Bool, batches: Int)]
    /// What the application writes before the last way up.
    var traffic = ""
  }

  private static let inserting = "INSERT INTO o (v) SELECT n FROM t WHERE id BETWEEN :first AND :last"
  private static let leavers = [
    Leaver(testDescription: "up", up: inserting, ways: [(true, 9)]),
    Leaver(testDescription: "half up and on", up: inserting, ways: [(true, 2), (true, 9)]),
    Leaver(
      testDescription: "half up, half down and up", up: inserting, ways: [(true, 2), (false, 1), (true, 9)]),
    Leaver(testDescription: "up, half down and up", up: inserting, ways: [(true, 9), (false, 1), (true, 9)]),
    Leaver(
      testDescription: "up, and twice half down and up", up: inserting,
      ways: [(true, 9), (false, 2), (true, 1), (false, 2), (true, 9)]),
    Leaver(
      testDescription: "rows that are there already when it goes up again",
      up: "INSERT OR IGNORE INTO o SELECT id, n FROM t WHERE id BETWEEN :first AND :last",
      ways: [(true, 2), (false, 1), (true, 9), (false, 1), (true, 9)]),
    Leaver(
      testDescription: "rows that down inserts",
      up: "UPDATE t SET n = n + 1 WHERE id BETWEEN :first AND :last",
      down: "UPDATE t SET n = n - 1 WHERE id BETWEEN :first AND :last; " + inserting,
      ways: [(true, 2), (false, 1), (true, 9), (false, 1), (true, 9)]),
    Leaver(
      testDescription: "rows that only the second way up inserts", up: inserting + " AND n = 7",
      ways: [(true, 9), (false, 1), (true, 9)], traffic: "UPDATE t SET n = 7 WHERE id = 390"),
  ]

  @Test("counts what it leaves behind as often as it leaves it:", arguments: leavers)
  func leaves(_ row: Leaver) throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, n); \(row.other);
      WITH RECURSIVE i (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM i WHERE x < 400) INSERT INTO t SELECT x, 0 FROM i;
      """)
    let migrations = try catalog([
      "0001-x": [phase(.migrate, row.up, down: row.down, batch: Batching(table: "t"))]
    ])
    for (index, way) in row.ways.enumerated() {
      if index == row.ways.count - 1 { try database.run(row.traffic) }
      let error = stop(after: way.batches, way.isUp ? .upAll : .down(1), database, migrations)
      #expect(error == nil || error?.standing == .partWay, "\(String(describing: error))")
    }
    let report = try #require(try database.roundTrip())
    #expect(report.verdict == .lossy)
    try database.run(.downAll, migrations)
    #expect(
      try database.value("SELECT count(*) FROM o")
        == .integer(Int64(report.losses.reduce(0) { $0 + $1.rows })))
  }

  @Test("that is half done comes before everything else, and what needs a whole database is refused")
  func inFront() throws {
    let database = try TemporaryDatabase(Self.rows)
    var migrations = try catalog([
      "0000-first": [table("a")], "0001-count": Self.counting().phases.map(\.phase),
    ])
    try database.run(.up(1), migrations)
    #expect(stop(after: 3, .upAll, database, migrations)?.standing == .partWay)
    let migrator = try database.migrator(migrations)
    #expect(try migrator.plan(.downAll).steps.map(\.id.short) == ["0001/migrate", "0000/expand"])
    #expect(try migrator.plan(.down(1)).steps.map(\.id.short) == ["0001/migrate"])
    #expect(try migrator.plan(.downTo("0000")).steps.map(\.id.short) == ["0001/migrate"])
    #expect(try migrator.plan(.upAll).notes.contains { $0.hasPrefix("0001/migrate is under way up") })
    #expect(migrationError { try migrator.createCheckpoint("here") }?.id == .phaseInProgress)
    #expect(migrationError { try migrator.plan(.upTo("0000")) }?.id == .phaseInProgress)
    // A folder that lacks it cannot go up past it, and can take it back.
    migrations = try catalog(["0000-first": [table("a")], "0002-later": [table("b")]])
    #expect(migrationError { try database.run(.upAll, migrations) }?.id == .phaseInProgress)
    #expect(try database.run(.down(1), migrations) == ["0001/migrate"])
    #expect(try database.run(.upAll, migrations) == ["0002/expand"])
  }

  @Test(
    "that is half done in either direction is finished by that one and undone by the other",
    arguments: [true, false])
  func wayOn(isUp: Bool) throws {
    let database = try TemporaryDatabase(Self.rows)
    let catalog = try Self.counting()
    if !isUp { try database.run(.upAll, catalog) }
    #expect(stop(after: 3, isUp ? .upAll : .down(1), database, catalog)?.standing == .partWay)
    let migrator = try database.migrator(catalog)
    let (on, back) = isUp ? ("up", "down") : ("down", "up")
    for error in [
      migrationError { try migrator.createCheckpoint("here") }, migrationError { try migrator.rehearse() },
    ] {
      #expect(error?.id == .phaseInProgress)
      #expect(error?.help == ["finish it: phasedb \(on)", "or undo it: phasedb \(back)"])
    }
  }

  @Test(
    "goes on only with the text and the ledger's format it began with; down always works",
    arguments: ["text", "format"])
  func edited(what: String) throws {
    let database = try TemporaryDatabase(Self.rows)
    let before = try #require(try database.snapshot())
    let catalog = try Self.counting()
    #expect(stop(after: 3, .upAll, database, catalog)?.standing == .partWay)
    var edited = catalog
    if what == "text" {
      edited = try Self.counting(verify: [("nothing", "SELECT 1 WHERE 0")])
    } else {
      try database.run("UPDATE phasedb_batch SET format = format - 1")
    }
    let error = migrationError { try database.run(.upAll, edited) }
    #expect(error?.id == .batchEdited && error?.standing == .unchanged)
    #expect(error?.help.first?.hasSuffix("phasedb down") == true)
    #expect(error?.details.isEmpty == (what == "format"))
    #expect(try database.run(.down(1), edited) == ["0001/migrate"])
    #expect(try before.isSame(as: database.snapshot()))
  }

  @Test("is taken over from a runner elsewhere that is silent, and not from one that is not")
  func silent() throws {
    let database = try TemporaryDatabase(Self.rows)
    let catalog = try Self.counting()
    #expect(stop(after: 3, .upAll, database, catalog)?.standing == .partWay)
    try database.run(
      "INSERT INTO phasedb_lease VALUES (1, 'deploy', 'elsewhere', 7, 'boot', '', '1', '2026-01-31T12:00:00.000Z', 'up of 0001/migrate')"
    )
    let early = migrationError {
      try database.run(.upAll, catalog, .test(now: "2026-01-31T12:01:59.000Z"))
    }
    #expect(early?.id == .leaseHeld && early?.standing == .busy)
    var isTaken = false
    try database.run(.upAll, catalog, .test(now: "2026-01-31T12:02:01.000Z")) {
      if case .tookOver = $0 { isTaken = true }
    }
    #expect(isTaken)
    #expect(try database.value("SELECT count(*) FROM t WHERE n = id / 3 + 1") == 3000)
    #expect(try database.value("SELECT count(*) FROM phasedb_log WHERE action = 'take-over'") == 1)
  }

  @Test("ends without having changed anything when its lease was taken while it rested")
  func fenced() throws {
    let database = try TemporaryDatabase(Self.rows)
    let catalog = try Self.counting()
    var seen = 0
    let error = migrationError {
      try database.run(.upAll, catalog, .test(pacing: Options.Pacing(hold: .seconds(10), maximumRows: 100))) {
        event in
        guard case .batchCommitted = event else { return }
        seen += 1
        if seen == 3 { try? database.run("UPDATE phasedb_lease SET host = 'elsewhere'") }
      }
    }
    #expect(error?.id == .ledgerMoved && error?.standing == .partWay)
    #expect(try database.value("SELECT count(*) FROM t WHERE n = id / 3 + 1") == 300)
    #expect(try database.value("SELECT count(*) FROM phasedb_lease") == 1)
  }

  // MARK: Failures

  @Test(
    "whose statement fails says in which keys, keeps what is done, and is undone when nothing is",
    arguments: [2_000, 1])
  func failing(number: Int) throws {
    let database = try TemporaryDatabase(
      Self.rows
        + "CREATE TRIGGER no BEFORE UPDATE ON t WHEN OLD.n = \(number) BEGIN SELECT RAISE(ABORT, 'no'); END;")
    let before = try #require(try database.snapshot())
    let catalog = try Self.counting()
    let error = migrationError {
      try database.run(.upAll, catalog, .test(pacing: Options.Pacing(hold: .seconds(10), maximumRows: 100)))
    }
    #expect(error?.id == .statementFailed)
    let first = (number - 1) / 100 * 300 + 3
    #expect(error?.details == ["in the batch of t.id from \(first) to \(first + 297)"])
    #expect(error?.standing == (number == 1 ? .undone : .partWay))
    if number == 1 {
      #expect(try before.isSame(as: database.snapshot()))
      #expect(try database.value("SELECT count(*) FROM phasedb_batch") == 0)
    } else {
      #expect(try database.migrator(catalog, access: .reading).status().underWay?.pause?.reason == .failed)
      try database.run("DROP TRIGGER no")
      let drift = migrationError { try database.run(.upAll, catalog) }
      #expect(drift?.id == .schemaDrift)
      try database.run(
        .upAll, catalog, .test(override: [.drift], reason: "the trigger was in the way"))
      #expect(try database.value("SELECT count(*) FROM t WHERE n = id / 3 + 1") == 3000)
    }
  }

  struct EndCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let extra: String
    let up: String
    let down: String
    let verify: String
    let error: MigrationError.ID
  }

  @Test(
    "whose end does not hold is taken back batch by batch",
    arguments: [
      EndCase(
        testDescription: "a claim", extra: "",
        up: "UPDATE t SET n = n + 1, name = 'gone' WHERE id BETWEEN :first AND :last",
        down: "UPDATE t SET n = n - 1 WHERE id BETWEEN :first AND :last",
        verify: "SELECT id FROM t WHERE n = 77",
        error: .verifyFailed),
      EndCase(
        testDescription: "foreign keys",
        extra:
          "CREATE TABLE u (id INTEGER PRIMARY KEY, t REFERENCES t (n)); CREATE UNIQUE INDEX t_n ON t (n); INSERT INTO u VALUES (1, 1);",
        up: "UPDATE t SET n = -n WHERE id BETWEEN :first AND :last",
        down: "UPDATE t SET n = -n WHERE id BETWEEN :first AND :last", verify: "SELECT 1 WHERE 0",
        error: .foreignKeysViolated),
    ])
  func end(row: EndCase) throws {
    let database = try TemporaryDatabase(Self.rows + row.extra)
    let before = try #require(try database.snapshot())
    let migrations = try catalog([
      "0001-x": [
        phase(
          .migrate, row.up, down: row.down, verify: [("it holds", row.verify)], batch: Batching(table: "t"))
      ]
    ])
    var turned = 0
    let error = migrationError {
      try database.run(.upAll, migrations) { if case .turningBack = $0 { turned += 1 } }
    }
    #expect(error?.id == row.error && error?.standing == .undone && turned == 1)
    #expect(try before.isSame(as: database.snapshot()))
    #expect(try database.applied() == [])
    #expect(try database.value("SELECT count(*) FROM phasedb_batch") == 0)
  }

  @Test("that changes the schema is rolled back with its batch")
  func schema() throws {
    let database = try TemporaryDatabase(Self.rows)
    let before = try #require(try database.snapshot())
    let migrations = try catalog([
      "0001-x": [
        phase(
          .migrate, "CREATE TABLE u AS SELECT * FROM t WHERE id BETWEEN :first AND :last",
          down: "SELECT n FROM t WHERE id BETWEEN :first AND :last",
          batch: Batching(table: "t"))
      ]
    ])
    let error = migrationError { try database.run(.upAll, migrations) }
    #expect(error != nil && error?.standing != .partWay)
    #expect(try before.isSame(as: database.snapshot()))
  }

  // MARK: Pauses

  @Test(
    "pauses while there is a pause file, and while the throttle query returns a row",
    arguments: [Phase.PauseReason.pauseFile, .throttle])
  func waits(reason: Phase.PauseReason) throws {
    let database = try TemporaryDatabase(Self.rows)
    var pacing = Options.Pacing(hold: .seconds(10), maximumRows: 500)
    switch reason {
    case .throttle:
      try database.run("CREATE TABLE jobs (id); INSERT INTO jobs VALUES (1)")
      pacing.throttle = Script("SELECT 1 FROM jobs")
    default: try Data().write(to: URL(fileURLWithPath: database.path + ".pause"))
    }
    var seen: [Phase.PauseReason] = []
    var resumed = 0
    try database.run(.upAll, Self.counting(), .test(pacing: pacing)) { event in
      if case .batchResumed = event { resumed += 1 }
      guard case .batchPaused(_, let reason, let detail, let resuming) = event else { return }
      seen.append(reason)
      // Another operator looks, and takes the reason away.
      let status = try? database.migrator(Self.counting(), access: .reading).status()
      #expect(
        status?.underWay?.pause == BatchPause(reason: reason, detail: detail, resuming: resuming)
          && status?.underWay?.isRunning == true)
      if reason == .throttle {
        try? database.run("DELETE FROM jobs")
      } else {
        try? FileManager.default.removeItem(atPath: database.path + ".pause")
      }
    }
    #expect(seen == [reason] && resumed == 1)
    #expect(try database.applied() == ["0001/migrate"])
  }

  @Test("stops when it took as long as its budget allows")
  func budget() throws {
    let database = try TemporaryDatabase(Self.rows)
    let catalog = try Self.counting(budget: Budget(up: .nanoseconds(1)))
    let error = migrationError { try database.run(.upAll, catalog) }
    #expect(error?.id == .batchPaused && error?.message.contains("(budget)") == true)
    #expect(error?.standing == .undone)
  }

  @Test(
    "is refused with a throttle query that is none",
    arguments: ["DELETE FROM t", "SELECT * FROM nowhere", "PRAGMA user_version = 1"])
  func throttle(query: String) throws {
    let database = try TemporaryDatabase(Self.rows)
    let error = migrationError {
      try database.run(.upAll, Self.counting(), .test(pacing: Options.Pacing(throttle: Script(query))))
    }
    #expect(error?.id == .badSettings)
  }

  // MARK: What is kept

  @Test(
    "gives back what it overwrote: exactly where nobody touched a row, as the SQL says where somebody did")
  func archive() throws {
    let database = try TemporaryDatabase(Self.rows)
    let before = try #require(try database.snapshot())
    let migrations = try catalog([
      "0001-x": [
        phase(
          .migrate, "UPDATE t SET name = 'n' || n, n = n * 2 WHERE id BETWEEN :first AND :last",
          down: "UPDATE t SET name = 'computed', n = n / 2 WHERE id BETWEEN :first AND :last",
          batch: Batching(table: "t"))
      ]
    ])
    try database.run(.upAll, migrations)
    #expect(try database.value("SELECT rows FROM phasedb_archive WHERE direction = 'up'") == 3000)
    try database.run(.downAll, migrations)
    #expect(try before.isSame(as: database.snapshot()))
    try database.run(.upAll, migrations)
    try database.run(
      "UPDATE t SET touched = 1 WHERE id <= 30; DELETE FROM t WHERE id BETWEEN 31 AND 60; INSERT INTO t (id, n) VALUES (31, 8)"
    )
    try database.run(.downAll, migrations)
    #expect(
      try database.value("SELECT count(*) FROM t WHERE id <= 30 AND name = 'computed' AND n = id / 3") == 10)
    #expect(try database.value("SELECT n FROM t WHERE id = 31") == 4)
    let untouched = "SELECT group_concat(quote(name)) FROM t WHERE id > 60"
    let exact = try database.value(untouched)
    let fresh = try TemporaryDatabase(Self.rows)
    #expect(try exact == fresh.value(untouched))
    #expect(try database.value("SELECT sum(rows) FROM phasedb_archive WHERE state = 'left'") == 20)
  }

  static let takers: [(up: String, losses: [Loss], why: String?)] = [
    ("DELETE FROM t WHERE id BETWEEN :first AND :last AND n = 7", [], "a batch deletes rows of t"),
    (
      "UPDATE u SET x = 1 WHERE id BETWEEN :first AND :last; UPDATE t SET n = 0 WHERE id BETWEEN :first AND :last",
      [], "a batch overwrites u"
    ),
    (
      "UPDATE u SET x = 1 WHERE id BETWEEN :first AND :last; UPDATE t SET n = 0 WHERE id BETWEEN :first AND :last",
      [Loss(table: "U", column: "x", reason: "it is a cache")], nil
    ),
    ("INSERT INTO u SELECT id, n FROM t WHERE id BETWEEN :first AND :last", [], nil),
  ]

  @Test("is refused when what it takes is kept nowhere, unless its author says so", arguments: takers)
  func unkept(_ up: String, _ losses: [Loss], _ why: String?) throws {
    let database = try TemporaryDatabase(Self.rows + "CREATE TABLE u (id INTEGER PRIMARY KEY, x);")
    let plain = try phase(
      .migrate, up, down: "SELECT 1 FROM t WHERE id BETWEEN :first AND :last", batch: Batching(table: "t"))
    let declaring = Phase(
      .migrate, windows: plain.windows, up: plain.up, down: plain.down, losses: losses,
      batching: plain.batching)
    let before = try database.snapshot()
    let error = migrationError { try database.run(.upAll, catalog(["0001-x": [declaring]])) }
    guard let why else {
      #expect(error == nil)
      return
    }
    #expect(error?.id == .archiveImpossible && error?.message.hasPrefix(why) == true)
    #expect(try database.snapshot() == before)
  }

  @Test(
    "is refused on its way back when its archive is not what it was",
    arguments: [
      ("UPDATE phasedb_archive_1 SET v1 = 'x' WHERE k1 = 3", MigrationError.ID.archiveAltered),
      ("DELETE FROM phasedb_archive_1 WHERE k1 = 3", .archiveAltered),
      ("DROP TABLE phasedb_archive_1", .archiveMissing),
    ])
  func altered(_ sql: String, _ id: MigrationError.ID) throws {
    let database = try TemporaryDatabase(Self.rows)
    let catalog = try catalog([
      "0001-x": [
        phase(
          .migrate, "UPDATE t SET name = 'n' WHERE id BETWEEN :first AND :last",
          down: "SELECT 1 FROM t WHERE id BETWEEN :first AND :last", batch: Batching(table: "t"))
      ]
    ])
    try database.run(.upAll, catalog)
    try database.run(sql)
    let before = try database.snapshot()
    #expect(migrationError { try database.run(.down(1), catalog) }?.id == id)
    #expect(try database.snapshot() == before)
  }
}
