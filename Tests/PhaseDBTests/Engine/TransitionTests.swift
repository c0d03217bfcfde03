import CSQLite
import Foundation
import Testing

@testable import PhaseDB
@testable import PhaseSQLite

/// What a run does to a database, and what it leaves behind when it does not come to its end.
struct TransitionTests {
  // MARK: - Rebuilding a parent

  static let family = """
    CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE lines (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents ON DELETE CASCADE);
    CREATE TABLE hints (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents ON DELETE SET NULL);
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, n);
    INSERT INTO parents VALUES (1, 'a'), (2, 'b');
    INSERT INTO lines VALUES (1, 1), (2, 2);
    INSERT INTO hints VALUES (1, 1), (2, NULL);
    INSERT INTO counted VALUES (1, 'x'), (7, 'y');
    DELETE FROM counted WHERE id = 7;
    """

  static func rebuild() throws -> Catalog {
    try catalog([
      "0001-rebuild": [
        phase(
          .expand,
          """
          CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
          INSERT INTO new (id, name) SELECT id, name FROM parents;
          DROP TABLE parents;
          ALTER TABLE new RENAME TO parents;
          """,
          down: """
            CREATE TABLE old (id INTEGER PRIMARY KEY, name TEXT);
            INSERT INTO old SELECT id, name FROM parents;
            DROP TABLE parents;
            ALTER TABLE old RENAME TO parents;
            """)
      ]
    ])
  }

  @Test(
    "rebuilding a parent wipes no children, whatever the connection enforced before",
    arguments: [true, false])
  func cascade(_ isEnforced: Bool) throws {
    let database = try TemporaryDatabase(Self.family)
    let before = try #require(try database.snapshot())
    let connection = try database.connect()
    connection.turn(.foreignKeys, on: isEnforced)
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: Self.rebuild(), options: .test)
    try migrator.run(migrator.plan(.upAll))
    #expect(connection.isOn(.foreignKeys) == isEnforced)
    let up = try #require(try database.snapshot())
    #expect(up.rows["lines"] == before.rows["lines"])
    #expect(up.rows["hints"] == before.rows["hints"])
    #expect(up.rows["parents"] == ["1, 'a', NULL", "2, 'b', NULL"])
    try migrator.run(migrator.plan(.downAll))
    #expect(connection.isOn(.foreignKeys) == isEnforced)
    let after = try #require(try database.snapshot())
    #expect(after.rows == before.rows)
    #expect(after.rows["sqlite_sequence"] == ["'counted', 7"])
    #expect(database.integrity() == "ok")
  }

  @Test("a down that puts a column back as another one is no way back")
  func anotherColumn() throws {
    let database = try TemporaryDatabase("CREATE TABLE t (a, b, c)")
    let catalog = try catalog([
      "0001-a": [phase(.contract, "ALTER TABLE t DROP b", down: "ALTER TABLE t ADD b TEXT")]
    ])
    try database.run(.upAll, catalog)
    let before = try database.snapshot()
    let error = try #require(migrationError { try database.run(.down(1), catalog) })
    #expect(error.id == .downNotInverse)
    #expect(
      error.details == [
        "~ table t", "    column t.c moves from place 3 to place 2",
        "    column t.b changes its type from no type to TEXT",
      ])
    #expect(error.standing == .undone)
    #expect(try database.snapshot()?.isUndone(since: before) == true)
  }

  @Test("a down that breaks a claim of a phase below it in the same migration is undone")
  func claimsOnTheWayDown() throws {
    let database = try TemporaryDatabase("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    let catalog = try catalog([
      "0001-a": [
        phase(
          .expand, "SELECT 1", down: "SELECT 1",
          verify: [("one row", "SELECT 1 WHERE (SELECT count(*) FROM t) <> 1")]),
        phase(.migrate, "INSERT INTO t VALUES (2)", down: "DELETE FROM t"),
      ]
    ])
    try database.run(.upAll, catalog)
    let error = try #require(migrationError { try database.run(.down(1), catalog) })
    #expect(error.id == .verifyFailed)
    #expect(error.message == "0001-a/migrate down breaks the claim 'one row': 1 row")
    #expect(try database.value("SELECT count(*) FROM t") == 2)
  }

  // MARK: - Ends

  @Test("a phase that fails third leaves the first two, says so, and lets the lease go")
  func partWay() throws {
    let database = try TemporaryDatabase()
    let catalog = try catalog([
      "0001-a": [table("a")], "0002-b": [table("b")],
      "0003-c": [phase(.expand, "CREATE TABLE c (x); CREATE TABLE a (x)", down: "DROP TABLE c")],
      "0004-d": [table("d")],
    ])
    let error = try #require(migrationError { try database.run(.upAll, catalog) })
    #expect(error.id == .statementFailed)
    #expect(error.standing == .partWay)
    #expect(error.state == "0003/expand was rolled back; the database is at checkpoint 3 (0002/expand)")
    #expect(try database.applied() == ["0001/expand", "0002/expand"])
    #expect(try database.snapshot()?.rows.keys.sorted() == ["a", "b"])
    #expect(try database.value("SELECT count(*) FROM phasedb_lease") == 0)
    #expect(try database.run(.down(2), catalog) == ["0002/expand", "0001/expand"])
  }

  @Test("events come in order, and a commit is told when another connection can see it")
  func events() throws {
    let database = try TemporaryDatabase()
    let catalog = try catalog([
      "0001-a": [
        phase(.expand, "CREATE TABLE a (x)", down: "DROP TABLE a", verify: [("empty", "SELECT x FROM a")])
      ],
      "0002-b": [table("b")],
    ])
    var events: [String] = []
    try database.run(.upAll, catalog) { event in
      let seen = (try? database.value("SELECT group_concat(phase) FROM phasedb_phase")) ?? nil
      let state = "sees \(seen?.text ?? "nothing")"
      switch event {
      case .began(let id, let direction, let number, let count):
        events.append("began \(id.short) \(direction) \(number)/\(count), \(state)")
      case .verified(let id, let title): events.append("verified \(id.short) \(title), \(state)")
      case .committed(let id, _, let times, let checkpoint):
        events.append("committed \(id.short) @\(checkpoint), \(state)")
        #expect(times.holdMilliseconds <= times.milliseconds)
      default: events.append("\(event)")
      }
    }
    #expect(
      events == [
        "began 0001/expand up 1/2, sees nothing",
        "verified 0001/expand empty, sees nothing",
        "committed 0001/expand @2, sees 0001-a/expand",
        "began 0002/expand up 2/2, sees 0001-a/expand",
        "committed 0002/expand @3, sees 0001-a/expand,0002-b/expand",
      ])
  }

  @Test("rows that SQL changed are counted, those of triggers too")
  func rowCount() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (a); CREATE TABLE u (a); CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO u VALUES (NEW.a); END"
    )
    var rows: Int?
    try database.run(
      .upAll, catalog(["0001-a": [phase(.migrate, "INSERT INTO t VALUES (1), (2)", down: "SELECT 1")]])
    ) {
      if case .committed(_, _, let times, _) = $0 { rows = times.rows }
    }
    #expect(rows == 4)
  }

  @Test("a write lock that does not go away is busy, and nothing was changed")
  func busy() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let before = try database.snapshot()
    let other = try database.connect()
    let lock = try other.begin()
    let error = try #require(migrationError { try database.run(.upAll, tables(2)) })
    #expect(error.id == .databaseBusy)
    #expect(error.standing == .busy)
    try lock.rollBack()
    #expect(try database.snapshot() == before)
    #expect(try database.run(.upAll, tables(2)).count == 2)
  }

  @Test("a reader that keeps a commit out is busy, and nothing was changed")
  func busyCommit() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a); INSERT INTO old VALUES (1)")
    let before = try database.snapshot()
    let reader = try database.connect(.readOnly)
    var rows = try reader.prepare("SELECT a FROM old")
    _ = try rows.step()
    let error = try #require(migrationError { try database.run(.upAll, tables(1)) })
    #expect(error.id == .databaseBusy)
    #expect(error.standing == .busy)
    rows.reset()
    #expect(try database.snapshot() == before)
  }

  @Test("a lock that goes away in time is waited for, once told")
  func waits() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let other = try database.connect()
    try other.execute("BEGIN IMMEDIATE")
    var waits = 0
    let done = try database.run(.upAll, tables(2), .test(wait: .seconds(20))) {
      guard case .waiting = $0 else { return }
      waits += 1
      #expect(throws: Never.self) { try other.execute("ROLLBACK") }
    }
    #expect(done == ["0001/expand", "0002/expand"])
    #expect(waits == 1)
  }

  @Test("a full disk is undone")
  func full() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let before = try database.snapshot()
    let connection = try database.connect()
    try connection.execute("PRAGMA max_page_count = 60")
    let fill = """
      CREATE TABLE big (a);
      WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000) INSERT INTO big SELECT zeroblob(1000) FROM c
      """
    let catalog = try catalog(["0001-a": [phase(.expand, fill, down: "DROP TABLE big")]])
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: catalog, options: .test)
    let error = try #require(migrationError { try migrator.run(migrator.plan(.upAll)) })
    #expect(error.id == .databaseFull)
    #expect(error.standing == .undone)
    #expect(error.place?.line == 2)
    #expect(try database.snapshot() == before)
    #expect(database.integrity() == "ok")
  }

  // MARK: - Stopping

  @Test("a request to stop before the first phase runs nothing")
  func stopBefore() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let before = try database.snapshot()
    let cancellation = Cancellation()
    cancellation.cancel()
    let error = try #require(
      migrationError { try database.run(.upAll, tables(2), .test(cancellation: cancellation)) })
    #expect(error.id == .interrupted)
    #expect(error.standing != .partWay)
    #expect(try database.snapshot() == before)
  }

  @Test("a request to stop between two phases leaves the first")
  func stopBetween() throws {
    let database = try TemporaryDatabase()
    let cancellation = Cancellation()
    let error = try #require(
      migrationError {
        try database.run(.upAll, tables(3), .test(cancellation: cancellation)) {
          if case .committed = $0 { cancellation.cancel() }
        }
      })
    #expect(error.id == .interrupted)
    #expect(error.standing == .partWay)
    #expect(try database.applied() == ["0001/expand"])
    #expect(try database.value("SELECT count(*) FROM phasedb_lease") == 0)
  }

  @Test(
    "a request to stop in the middle of a statement undoes its phase, also beside a schema of many objects",
    arguments: [1, 2])
  func stopWithin(_ position: Int) throws {
    let many = (1...150).map { "CREATE TABLE old\($0) (a)" }.joined(separator: ";")
    let database = try TemporaryDatabase(many)
    let connection = try database.connect()
    let cancellation = Cancellation()
    try connection.define("ask_to_stop", argumentCount: 0) { _ in
      cancellation.cancel()
      return 1
    }
    let endless = """
      WITH RECURSIVE c (n) AS (SELECT ask_to_stop() UNION ALL SELECT n + 1 FROM c) INSERT INTO old1 SELECT n FROM c
      """
    let catalog = try Catalog(
      (1...2).map {
        let sql = $0 == position ? endless : "INSERT INTO old1 VALUES ('kept')"
        return try Migration(MigrationName("000\($0)-a"), phases: [phase(.migrate, sql, down: "SELECT 1")])
      })
    let migrator = try unsafe Migrator(
      borrowing: connection.handle, catalog: catalog, options: .test(cancellation: cancellation))
    let error = try #require(migrationError { try migrator.run(migrator.plan(.upAll)) })
    #expect(error.id == .interrupted)
    #expect(error.standing == (position == 1 ? .undone : .partWay))
    #expect(
      error.state
        == (position == 1
          ? "0001/migrate was rolled back; the database is before the first phase"
          : "0002/migrate was rolled back; the database is at checkpoint 2 (0001/migrate)"))
    #expect(try connection.value("SELECT count(*) FROM old1")?.integer == Int64(position - 1))
    #expect(try database.applied().count == position - 1)
    if position == 2 { #expect(try database.value("SELECT count(*) FROM phasedb_lease") == 0) }
  }

  // MARK: - Other people

  @Test("drift made before planning is found and shown, in both directions")
  func drift() throws {
    let database = try TemporaryDatabase()
    try database.run(.up(1), tables(2))
    try database.run("CREATE TABLE stray (a); ALTER TABLE t1 ADD b")
    for selection in [Selection.upAll, .down(1)] {
      let error = try #require(migrationError { try database.run(selection, tables(2)) })
      #expect(error.id == .schemaDrift)
      #expect(error.standing == .unchanged)
      #expect(
        error.details == [
          "+ table stray", "~ table t1", "    table t1 gains column b",
        ])
    }
    try database.run("DROP TABLE stray; ALTER TABLE t1 DROP b")
    #expect(try database.run(.upAll, tables(2)) == ["0002/expand"])
  }

  @Test("drift made between plan and run is found before anything runs", arguments: [true, false])
  func lateDrift(_ hasLedger: Bool) throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    if hasLedger { try database.run(.up(1), tables(3)) }
    let migrator = try database.migrator(tables(3))
    let plan = try migrator.plan(.upAll)
    try database.run("CREATE TABLE stray (a)")
    let before = try database.snapshot()
    let error = try #require(migrationError { try migrator.run(plan) })
    #expect(error.id == .schemaDrift)
    #expect(error.standing == .unchanged)
    #expect(error.details == ["+ table stray"])
    #expect(try database.snapshot() == before)
  }

  @Test("the second of two runners with the same plan has nothing to do")
  func race() throws {
    let database = try TemporaryDatabase()
    let slow = try database.migrator(tables(3))
    let plan = try slow.plan(.upAll)
    try database.run(.upAll, tables(3))
    let before = try database.snapshot()
    var events: [Event] = []
    let result = try slow.run(plan) { events.append($0) }
    #expect(result.done.isEmpty)
    #expect(result.skipped.map(\.short) == ["0001/expand", "0002/expand", "0003/expand"])
    #expect(events.count { if case .alreadyDone = $0 { true } else { false } } == 3)
    #expect(try database.snapshot() == before)
  }

  @Test(
    "what another runner did of the plan is left out, the rest is done, and overrides are in the log all the same"
  )
  func halfRace() throws {
    let database = try TemporaryDatabase()
    let slow = try database.migrator(tables(3), .test(override: [.soak, .window], reason: "it burns"))
    let plan = try slow.plan(.upAll)
    try database.run(.up(1), tables(3))
    let result = try slow.run(plan)
    #expect(result.skipped.map(\.short) == ["0001/expand"])
    #expect(result.done.map(\.id.short) == ["0002/expand", "0003/expand"])
    #expect(
      try slow.log().filter { $0.action == "override" }.map { "\($0.subject): \($0.detail)" } == [
        "soak: it burns", "window: it burns",
      ])
    #expect(try database.value("SELECT count(*) FROM phasedb_lease") == 0)
  }

  @Test("an override without a reason is in the log too")
  func overrideWithoutReason() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    try database.run(.upAll, tables(1), .test(override: [.window]))
    #expect(
      try database.migrator(tables(1)).log().filter { $0.action == "override" }.map(\.subject) == ["window"])
  }

  struct Moved: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let planned: Selection
    let meanwhile: [Selection]
    /// Another text of the last phase, for what happens meanwhile.
    let isEdited: Bool
  }

  @Test(
    "a plan does not run on a ledger that has moved elsewhere:",
    arguments: [
      Moved(
        testDescription: "up, and a phase below was reversed", planned: .upAll, meanwhile: [.down(2)],
        isEdited: false),
      Moved(
        testDescription: "down, and a phase came on top", planned: .down(1), meanwhile: [.upAll],
        isEdited: false),
      Moved(
        testDescription: "down, and the phase was replaced by another of its name", planned: .down(1),
        meanwhile: [.down(1), .up(1)], isEdited: true),
      Moved(
        testDescription: "up, and another phase of that name was applied", planned: .upAll,
        meanwhile: [.upAll], isEdited: true),
    ])
  func moved(_ example: Moved) throws {
    let database = try TemporaryDatabase()
    func three(_ other: Bool) throws -> Catalog {
      try catalog([
        "0001-a": [table("t1")],
        "0002-b": [phase(.expand, "CREATE TABLE t2 (a\(other ? ", b" : ""))", down: "DROP TABLE t2")],
        "0003-c": [phase(.expand, "CREATE TABLE t3 (a\(other ? ", b" : ""))", down: "DROP TABLE t3")],
      ])
    }
    try database.run(.up(2), three(false))
    let migrator = try database.migrator(three(false))
    let plan = try migrator.plan(example.planned)
    let isDownFirst = example.meanwhile == [.down(1), .up(1)]
    for selection in example.meanwhile {
      let other = example.isEdited && (selection.direction == .up)
      let catalog =
        isDownFirst || !other
        ? try three(other)
        : try catalog([
          "0001-a": [table("t1")], "0002-b": three(false).migrations[1].phases,
          "0003-c": three(true).migrations[2].phases,
        ])
      try database.run(selection, catalog)
    }
    let before = try database.snapshot()
    let error = try #require(migrationError { try migrator.run(plan) })
    #expect(error.id == .ledgerMoved)
    #expect(error.standing == .unchanged)
    #expect(try database.snapshot() == before)
  }

  @Test("plans made while another runner works see one state and no drift")
  func snapshots() async throws {
    let database = try TemporaryDatabase()
    try database.run("PRAGMA journal_mode = WAL")
    let path = database.path
    let (runner, end) = AsyncThrowingStream<Never, any Error>.makeStream()
    // A thread of its own: a task would wait for its turn behind all other tests, and the loop below keep a processor
    // busy as long.
    Thread.detachNewThread {
      do {
        for _ in 1...25 {
          for selection in [Selection.upAll, .downAll] {
            let migrator = try Migrator(
              database: path, catalog: tables(2), options: .test(wait: .seconds(20)))
            try migrator.run(migrator.plan(selection))
          }
        }
        end.finish()
      } catch {
        end.finish(throwing: error)
      }
    }
    let reader = try database.migrator(tables(2), access: .reading)
    var applied: Set<Int> = []
    repeat {
      applied.insert(2 - (try reader.plan(.upAll).steps.count))
      #expect(try reader.verify().isClean)
    } while try reader.log().count < 101
    for try await _ in runner {}
    #expect(!applied.isEmpty)
  }

  // MARK: - Trials that are undone with their whole transaction

  /// What the way back of `UPDATE t SET v = lower(v)` says, and what was there before.
  static let largeTrials: [(String, before: String, RoundTripRecord.Verdict)] = [
    ("UPDATE t SET v = upper(v);", "'A', 'B'", .exact),
    ("UPDATE t SET v = upper(v);", "'Ab', 'B'", .exact),
    ("UPDATE t SET v = v;", "'A', 'b'", .exact),
    ("DELETE FROM t WHERE v = 'b';", "'A', 'b'", .exact),
    ("UPDATE t SET v = v || randomblob(0);", "'A', 'b'", .chance),
    ("INSERT INTO t (v) SELECT 'new' FROM t;", "'A', 'b'", .lossy),
    ("INSERT INTO t (id) VALUES (1);", "'A', 'b'", .blocked),
    ("INSERT INTO t (v) VALUES ('end');", "'A', 'b'", .blocked),
    ("INSERT INTO child VALUES (99);", "'A', 'b'", .blocked),
  ]

  @Test("a trial that is undone with its transaction sees what another one sees", arguments: largeTrials)
  func largeTrial(_ down: String, before: String, _ verdict: RoundTripRecord.Verdict) throws {
    let values = before.split(separator: ", ").map { "(\($0))" }.joined(separator: ",")
    var records: [RoundTripRecord] = []
    var archived: [[[Value]]] = []
    for mostBytesUndone in [1 << 40, -1] {
      let database = try TemporaryDatabase(
        """
        PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, v NOT NULL); INSERT INTO t (v) VALUES \(values);
        CREATE TABLE child (t REFERENCES t(id)); INSERT INTO child VALUES (1), (7);
        CREATE TRIGGER ends BEFORE INSERT ON t WHEN new.v = 'end' BEGIN SELECT RAISE(ROLLBACK, 'no'); END;
        """)
      var options = Options.test
      options.mostBytesUndone = mostBytesUndone
      let catalog = try catalog(["0001-low": [phase(.migrate, "UPDATE t SET v = lower(v);", down: down)]])
      var committed = 0
      try database.run(.upAll, catalog, options) { if case .committed = $0 { committed += 1 } }
      #expect(committed == 1)
      let connection = try database.connect(.readOnly)
      records.append(try #require(try Ledger(connection: connection).roundTrips.read(of: 2)))
      archived.append(
        try connection.rows(
          "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'phasedb_archive_*' ORDER BY name"
        ).map {
          try connection.rows("SELECT * FROM \($0[0].text ?? "")").flatMap(\.self)
        })
      #expect(try connection.rows("SELECT v FROM t").allSatisfy { $0[0].text == $0[0].text?.lowercased() })
      #expect(try connection.rows("SELECT t FROM child").compactMap(\.[0].integer) == [1, 7])
    }
    #expect(records.map(\.verdict) == [verdict, verdict], "\(records)")
    #expect(records[0] == records[1])
    #expect(archived[0] == archived[1])
  }

  @Test(
    "what an application writes between such a trial and the next attempt is looked at, too", arguments: 0...4
  )
  func overtakenTrial(_ writes: Int) throws {
    let database = try TemporaryDatabase(
      "PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, v, w); INSERT INTO t (v, w) VALUES ('Ab', 1);"
    )
    var options = Options.test
    options.mostBytesUndone = -1
    let connection = try database.connect()
    let catalog = try catalog([
      "0001-low": [phase(.migrate, "UPDATE t SET v = lower(v);", down: "DELETE FROM t WHERE v = 'ab';")]
    ])
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: catalog, options: options)
    let plan = try migrator.plan(.upAll)
    // SQLite calls this when a transaction was rolled back and its lock is gone.
    let application = Application(try database.connect(), left: writes)
    unsafe sqlite3_rollback_hook(
      connection.handle, { unsafe Unmanaged<Application>.fromOpaque($0!).takeUnretainedValue().write() },
      Unmanaged.passUnretained(application).toOpaque())
    try migrator.run(plan)
    unsafe sqlite3_rollback_hook(connection.handle, nil, nil)
    // The first write comes before the first attempt, and after three that were for nothing the trial is undone alone.
    #expect(application.written == writes)
    #expect(
      try connection.value("SELECT count(*) FROM t WHERE v = 'ab'")?.integer == Int64(1 + writes)
    )
    try migrator.run(migrator.plan(.downAll))
    #expect(
      try database.value("SELECT count(*) FROM t WHERE (v, w) = ('Ab', 1)")?.integer == Int64(1 + writes))
  }

  private final class Application {
    private let connection: Connection
    private var left: Int
    private(set) var written = 0

    init(_ connection: Connection, left: Int) { (self.connection, self.left) = (connection, left) }

    func write() {
      guard left > 0, (try? connection.execute("INSERT INTO t (v, w) VALUES ('Ab', 1)")) != nil else {
        return
      }
      (left, written) = (left - 1, written + 1)
    }
  }

  // MARK: - Borrowed handles

  enum Ending: String, CaseIterable, CustomTestStringConvertible {
    case success, failure, refusal
    var testDescription: String { rawValue }
  }

  @Test("a borrowed handle gets its settings back after", arguments: Ending.allCases)
  func settings(_ ending: Ending) throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let connection = try database.connect()
    try connection.execute(
      script: "PRAGMA synchronous = OFF; PRAGMA busy_timeout = 1234; PRAGMA foreign_keys = ON")
    connection.turn(.defensive, on: false)
    connection.turn(.legacyAlterTable, on: true)
    connection.turn(.doubleQuotedStringsInDML, on: true)
    func all() throws -> [String] {
      try Connection.Switch.allCases.map { "\($0) \(connection.isOn($0))" }
        + ["synchronous", "busy_timeout", "recursive_triggers", "journal_mode"].map {
          try "\($0) \(connection.value("PRAGMA \($0)") ?? .null)"
        }
    }
    let before = try all()
    let up =
      [Ending.success: "CREATE TABLE t (a)", .failure: "INSERT INTO old VALUES (1, 2)", .refusal: "COMMIT"][
        ending]
      ?? ""
    let catalog = try catalog(["0001-a": [phase(.expand, up, down: "DROP TABLE t")]])
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: catalog, options: .test)
    let error = migrationError { try migrator.run(migrator.plan(.upAll)) }
    #expect(error?.id == [Ending.failure: .statementFailed, .refusal: .forbiddenStatement][ending])
    #expect(try all() == before)
    #expect(connection.isAutocommit)
  }

  @Test("during a phase the settings are phasedb's: synchronous is EXTRA and foreign keys are off")
  func inForce() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let connection = try database.connect()
    try connection.execute(script: "PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON")
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: tables(1), options: .test)
    var seen: [Value?] = []
    try migrator.run(migrator.plan(.upAll)) { event in
      guard case .began = event else { return }
      for pragma in ["synchronous", "foreign_keys"] {
        seen.append((try? connection.value("PRAGMA \(pragma)")) ?? nil)
      }
    }
    #expect(seen == [3, 0])
  }

  @Test("a handle with an open transaction is refused, and its transaction stays open")
  func openTransaction() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    try database.run(.upAll, tables(1))
    let connection = try database.connect()
    let transaction = try connection.begin()
    try connection.execute("INSERT INTO old VALUES (1)")
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: tables(2), options: .test)
    #expect(migrationError { try migrator.run(migrator.plan(.upAll)) }?.id == .transactionOpen)
    #expect(migrationError { try migrator.createCheckpoint("x") }?.id == .transactionOpen)
    #expect(try migrator.verify().isClean)
    #expect(!connection.isAutocommit)
    try transaction.commit()
    #expect(try database.value("SELECT count(*) FROM old") == 1)
  }

  @Test("a handle in memory is migrated like a file")
  func memory() throws {
    let connection = try Connection(path: "", mode: .memory)
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: tables(2), options: .test)
    #expect(migrator.database == "(borrowed)")
    #expect(try migrator.run(migrator.plan(.upAll)).done.count == 2)
    #expect(try connection.value("SELECT count(*) FROM t2") == 0)
  }

  // MARK: - Baseline

  static let baseline = "CREATE TABLE old (a);\nCREATE INDEX i ON old (a);"

  @Test("a baseline runs first on an empty database, and stays when everything is reversed")
  func baselineRuns() throws {
    let database = try TemporaryDatabase()
    let catalog = try catalog(
      ["0001-a": [phase(.expand, "ALTER TABLE old ADD b", down: "ALTER TABLE old DROP b")]],
      baseline: Self.baseline)
    let plan = try database.migrator(catalog).plan(.upAll)
    #expect(plan.runsBaseline)
    var events: [Event] = []
    try database.run(.upAll, catalog) { events.append($0) }
    #expect(events.contains(.baselineBegan))
    try database.run(.downAll, catalog)
    #expect(try database.snapshot()?.schema == ["CREATE INDEX i ON old (a)", "CREATE TABLE old (a)"])
  }

  @Test("a database that has exactly the baseline is taken as it is, whatever its formatting")
  func baselineMatches() throws {
    let database = try TemporaryDatabase(
      "create table OLD(\"a\"); CREATE INDEX i ON old (a); INSERT INTO old VALUES (1)")
    let catalog = try catalog(["0001-a": [table("t")]], baseline: Self.baseline)
    #expect(try database.migrator(catalog).plan(.upAll).runsBaseline == false)
    try database.run(.upAll, catalog)
    #expect(try database.value("SELECT count(*) FROM old") == 1)
  }

  @Test("a database with another schema than the baseline is refused, with the difference")
  func baselineDiffers() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let before = try database.snapshot()
    let error = try #require(
      migrationError { try database.run(.upAll, catalog(["0001-a": [table("t")]], baseline: Self.baseline)) })
    #expect(error.id == .schemaDrift)
    #expect(error.details == ["- index i"])
    #expect(try database.snapshot() == before)
  }

  @Test("a baseline that fails is undone with the phase, at its own place")
  func baselineFails() throws {
    let database = try TemporaryDatabase("VACUUM")
    let before = try database.snapshot()
    let error = try #require(
      migrationError {
        try database.run(
          .upAll, catalog(["0001-a": [table("t")]], baseline: "CREATE TABLE old (a);\nCREATE TABLE old (a)"))
      })
    #expect(error.id == .statementFailed)
    #expect(error.place?.description == "baseline.sql:2:14")
    #expect(try database.snapshot() == before)
  }

  // MARK: - Without the folder

  @Test("down works from the ledger when the catalog no longer has the migrations")
  func withoutCatalog() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a); INSERT INTO old VALUES (1)")
    let before = try #require(try database.snapshot())
    try database.run(.upAll, tables(3))
    #expect(try database.migrator(Catalog([])).status().phases.map(\.isInCatalog) == [false, false, false])
    #expect(try database.run(.downAll, Catalog([])) == ["0003/expand", "0002/expand", "0001/expand"])
    #expect(try before.isSame(as: database.snapshot()))
  }

  @Test("reading a database that is not there makes no file")
  func readingMissing() throws {
    let database = try TemporaryDatabase()
    let migrator = try database.migrator(tables(2), access: .reading)
    #expect(!migrator.isThere)
    #expect(try migrator.plan(.upAll).steps.count == 2)
    #expect(try migrator.status().pending.count == 2)
    #expect(try migrator.verify().isClean)
    #expect(try migrator.checkpoints() == [])
    #expect(try migrator.log() == [])
    #expect(try database.snapshot() == nil)
  }
}
