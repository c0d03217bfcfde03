import PhaseSQLite
import Testing

@testable import PhaseDB

/// Cases written by hand, each with its exact SQL: what the way back is said to be when the phase is up, and what the
/// database holds after down.
@Suite("A batch there and back")
struct BatchTripTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, r)"
    let rows: String
    var batch = Batching(table: "t")
    let up: String
    let down: String
    /// What the application writes after up.
    var traffic = ""
    var query = "SELECT group_concat(id || '=' || quote(r), ' ') FROM (SELECT * FROM t ORDER BY id)"
    let verdict: RoundTripRecord.Verdict
    var losses: [String] = []
    /// What the query gives after down.
    let left: Value
    /// How many rows wait in the archive.
    var kept: Value = 0
  }

  private static let range = "id BETWEEN :first AND :last"
  private static let tables =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, r); CREATE TABLE o (k INTEGER PRIMARY KEY, v)"
  private static let others =
    "SELECT group_concat(k || '=' || quote(v), ' ') FROM (SELECT * FROM o ORDER BY k)"

  static let cases = [
    Case(
      testDescription: "a row that only down would change stays what it is",
      rows: "INSERT INTO t VALUES (1, NULL), (2, 0), (3, 5)",
      up: "UPDATE t SET r = 0 WHERE \(range) AND r IS NULL",
      down: "UPDATE t SET r = NULL WHERE \(range) AND r = 0",
      verdict: .exact, left: "1=NULL 2=0 3=5", kept: 1),
    Case(
      testDescription: "letters that up leaves as they are are kept from down",
      rows: "INSERT INTO t VALUES (1, 'A'), (2, 'b')", up: "UPDATE t SET r = upper(r) WHERE \(range)",
      down: "UPDATE t SET r = lower(r) WHERE \(range)", verdict: .exact, left: "1='A' 2='b'", kept: 1),
    Case(
      testDescription: "letters that the column's collation takes for the same",
      schema: "CREATE TABLE t (id INTEGER PRIMARY KEY, r TEXT COLLATE NOCASE)",
      rows: "INSERT INTO t VALUES (1, 'A'), (2, 'b')", up: "UPDATE t SET r = upper(r) WHERE \(range)",
      down: "UPDATE t SET r = lower(r) WHERE \(range)", verdict: .exact, left: "1='A' 2='b'", kept: 1),
    Case(
      testDescription: "a price in cents that was there before",
      schema: "CREATE TABLE t (id INTEGER PRIMARY KEY, p, r)",
      rows: "INSERT INTO t VALUES (1, 2, NULL), (2, 3, 300), (3, 4, 999)",
      up: "UPDATE t SET r = p * 100 WHERE \(range) AND r IS NULL",
      down: "UPDATE t SET r = NULL WHERE \(range)",
      verdict: .exact, left: "1=NULL 2=300 3=999", kept: 2),
    Case(
      testDescription: "a number that comes back as another type",
      rows: "INSERT INTO t VALUES (1, 1), (2, 1.0), (3, '1')", up: "UPDATE t SET r = r || '' WHERE \(range)",
      down: "UPDATE t SET r = CAST(r AS INTEGER) WHERE \(range)", verdict: .exact, left: "1=1 2=1.0 3='1'",
      kept: 2),
    Case(
      testDescription: "a row that a trigger of the table changes within the batch",
      schema:
        "CREATE TABLE t (id INTEGER PRIMARY KEY, q, r); CREATE TRIGGER tr AFTER UPDATE OF q ON t BEGIN UPDATE t SET r = 'x' WHERE id = new.q % 10; END",
      rows: "INSERT INTO t VALUES (1, 3, 'a'), (2, 1, 'b'), (3, 2, 'c')",
      up: "UPDATE t SET q = q + 10 WHERE \(range)", down: "UPDATE t SET q = q - 10 WHERE \(range)",
      verdict: .exact, left: "1='a' 2='b' 3='c'", kept: 3),
    Case(
      testDescription: "a way down that asks another table, which changes",
      schema: tables, rows: "INSERT INTO t VALUES (1, 'one'); INSERT INTO o VALUES (1, 'one')",
      up: "UPDATE t SET r = 'up' WHERE \(range)",
      down: "UPDATE t SET r = (SELECT v FROM o WHERE k = id) WHERE \(range)",
      traffic: "UPDATE o SET v = 'other'",
      verdict: .exact, left: "1='other'", kept: 1),
    Case(
      testDescription: "a way down by chance", rows: "INSERT INTO t VALUES (1, 0), (2, 1)",
      up: "UPDATE t SET r = r WHERE \(range)", down: "UPDATE t SET r = abs(random()) % 2 WHERE \(range)",
      verdict: .chance, left: "1=0 2=1", kept: 2),
    Case(
      testDescription: "a value that the application wrote and down does not compute",
      rows: "INSERT INTO t VALUES (1, 'a'), (2, 'b')", up: "UPDATE t SET r = upper(r) WHERE \(range)",
      down: "SELECT 1 FROM t WHERE \(range)", traffic: "UPDATE t SET r = 'mine' WHERE id = 2",
      verdict: .exact,
      left: "1='a' 2='mine'", kept: 2),
    Case(
      testDescription: "a row that changed since, and one that was born since, get what down computes",
      rows: "INSERT INTO t VALUES (1, 5), (2, 6)", up: "UPDATE t SET r = r * 2 WHERE \(range)",
      down: "UPDATE t SET r = r / 2 WHERE \(range)",
      traffic: "UPDATE t SET r = 40 WHERE id = 2; INSERT INTO t VALUES (3, 60)", verdict: .exact,
      left: "1=5 2=20 3=30"),
    Case(
      testDescription: "rows that up inserts and down does not take", schema: tables,
      rows: "INSERT INTO t VALUES (1, 5), (2, 6)", up: "INSERT INTO o SELECT id, r FROM t WHERE \(range)",
      down: "SELECT 1 FROM t WHERE \(range)", query: others, verdict: .lossy,
      losses: ["o: 2 rows: the phase inserts them, and the way back does not delete them"], left: "1=5 2=6"),
    Case(
      testDescription: "rows that up inserts and down takes, beside one that was there", schema: tables,
      rows: "INSERT INTO t VALUES (1, 5), (2, 6); INSERT INTO o VALUES (7, 'precious')",
      up: "INSERT INTO o SELECT id, r FROM t WHERE \(range)",
      down: "DELETE FROM o WHERE k IN (SELECT id FROM t WHERE \(range))", query: others, verdict: .exact,
      left: "7='precious'"),
    Case(
      testDescription: "rows that down inserts", schema: tables, rows: "INSERT INTO t VALUES (1, 5)",
      up: "UPDATE t SET r = 6 WHERE \(range)",
      down: "UPDATE t SET r = 5 WHERE \(range); INSERT INTO o SELECT id, r FROM t WHERE \(range)",
      query: others,
      verdict: .lossy, losses: ["o: 1 row: the way back inserts them"], left: "1=5", kept: 1),
    Case(
      testDescription: "a table without rows", rows: "", up: "UPDATE t SET r = 6 WHERE \(range)",
      down: "UPDATE t SET r = 5 WHERE \(range)", verdict: .exact, left: .null),
    Case(
      testDescription: "text keys without regard to case, WITHOUT ROWID",
      schema: "CREATE TABLE t (id TEXT PRIMARY KEY COLLATE NOCASE, r) WITHOUT ROWID",
      rows: "INSERT INTO t VALUES ('a', 'A'), ('B', 'b'), ('c', NULL)",
      up: "UPDATE t SET r = upper(r) WHERE \(range)",
      down: "UPDATE t SET r = lower(r) WHERE \(range)", verdict: .exact, left: "a='A' B='b' c=NULL", kept: 1),
    Case(
      testDescription: "rows by a column that several share",
      schema: "CREATE TABLE t (id INTEGER PRIMARY KEY, g, r); CREATE INDEX t_g ON t (g)",
      rows: "INSERT INTO t VALUES (1, 'x', 'A'), (2, 'y', 'b'), (3, 'x', 'C')",
      batch: Batching(table: "t", by: "g"),
      up: "UPDATE t SET r = upper(r) WHERE g BETWEEN :first AND :last",
      down: "UPDATE t SET r = lower(r) WHERE g BETWEEN :first AND :last", verdict: .exact,
      left: "1='A' 2='b' 3='C'",
      kept: 2),
  ]

  private func migrations(_ row: Case, batched: Bool = true) throws -> Catalog {
    try catalog(["0001-x": [phase(.migrate, row.up, down: row.down, batch: row.batch)]])
  }

  @Test("comes back, and what is said of it is true:", arguments: cases)
  func comesBack(row: Case) throws {
    let database = try TemporaryDatabase("\(row.schema); \(row.rows)")
    let migrations = try migrations(row)
    try database.run(.upAll, migrations)
    let report = try #require(try database.roundTrip())
    #expect(report.verdict == row.verdict)
    #expect(report.losses.map { "\($0.table): \(DetailLines.rows($0.rows)): \($0.why)" } == row.losses)
    #expect(try database.value("SELECT coalesce(sum(rows), 0) FROM phasedb_archive") == row.kept)
    try database.run(row.traffic)
    try database.run(.downAll, migrations)
    #expect(try database.value(row.query) == row.left)
    #expect(try database.value("SELECT count(*) FROM phasedb_round_trip") == 0)
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var schema = tables
    var rows = "INSERT INTO t VALUES (1, 5), (2, 6); INSERT INTO o VALUES (1, 'precious')"
    let up: String
    var down = "UPDATE t SET r = r WHERE \(range)"
    /// Rows of a batch.
    var size = 1
    let message: String
    /// Whether it is seen before the first batch.
    var isSeenBefore = false
    /// Whether batches ran before, whose values the next up has again.
    var hasBatchesBefore = false
  }

  static let refused = [
    Refused(
      testDescription: "INSERT OR REPLACE", up: "INSERT OR REPLACE INTO o SELECT id, r FROM t WHERE \(range)",
      message: "a batch replaces a row of o"),
    Refused(
      testDescription: "UPDATE OR REPLACE, in the second batch",
      schema: "CREATE TABLE t (id INTEGER PRIMARY KEY, r TEXT UNIQUE)",
      rows: "INSERT INTO t VALUES (1, 'a'), (2, 'A')",
      up: "UPDATE OR REPLACE t SET r = lower(r) WHERE \(range)",
      message: "a batch replaces a row of t", hasBatchesBefore: true),
    Refused(
      testDescription: "UNIQUE ON CONFLICT REPLACE",
      schema: "CREATE TABLE t (id INTEGER PRIMARY KEY, r TEXT UNIQUE ON CONFLICT REPLACE)",
      rows: "INSERT INTO t VALUES (1, 'a'), (2, 'A')", up: "UPDATE t SET r = lower(r) WHERE \(range)",
      size: 9,
      message: "a batch replaces a row of t"),
    Refused(
      testDescription: "a trigger that replaces",
      schema: tables
        + "; CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT OR REPLACE INTO o VALUES (new.id, new.r); END",
      up: "UPDATE t SET r = r + 1 WHERE \(range)",
      message: "a batch replaces a row of o through the trigger tr"),
    Refused(
      testDescription: "an INSTEAD OF trigger that replaces",
      schema: tables
        + "; CREATE VIEW w AS SELECT k, v FROM o; CREATE TRIGGER tr INSTEAD OF INSERT ON w BEGIN INSERT OR REPLACE INTO o VALUES (new.k, new.v); END",
      up: "INSERT INTO w SELECT id, r FROM t WHERE \(range)",
      message: "a batch replaces a row of o through the trigger tr"),
    Refused(
      testDescription: "a replaced row of a table WITHOUT ROWID",
      schema:
        "CREATE TABLE t (id INTEGER PRIMARY KEY, r); CREATE TABLE o (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
      up: "INSERT OR REPLACE INTO o SELECT id, r FROM t WHERE \(range)",
      message: "a batch replaces a row of o"),
    Refused(
      testDescription: "a trigger that writes rows of other ranges",
      schema: tables
        + "; CREATE TRIGGER tr AFTER UPDATE ON t BEGIN UPDATE t SET r = 'x' WHERE id = 3 - new.id; END",
      up: "UPDATE t SET r = r + 1 WHERE \(range)",
      message: "a batch changes a row of t outside its range through the trigger tr"),
    Refused(
      testDescription: "rows that a subquery finds",
      up: "UPDATE t SET r = 'x' WHERE id IN (SELECT id + 1 FROM t WHERE \(range))",
      message: "a batch changes a row of t outside its range"),
    Refused(
      testDescription: "an UPSERT of another table",
      up: "INSERT INTO o SELECT id, r FROM t WHERE \(range) ON CONFLICT DO UPDATE SET v = excluded.v",
      message: "a batch overwrites o", isSeenBefore: true),
    Refused(
      testDescription: "a way down that deletes a row that was there",
      up: "INSERT OR IGNORE INTO o SELECT id, r FROM t WHERE \(range)",
      down: "DELETE FROM o WHERE k IN (SELECT id FROM t WHERE \(range))",
      message: "the way back of a batch deletes a row of o"),
    Refused(
      testDescription: "a way down that deletes rows of a table that up does not fill",
      up: "UPDATE t SET r = 1 WHERE \(range)",
      down: "DELETE FROM o WHERE k IN (SELECT id FROM t WHERE \(range))",
      message: "the way back of a batch deletes rows of o", isSeenBefore: true),
    Refused(
      testDescription: "a way down that overwrites another table", up: "UPDATE t SET r = 1 WHERE \(range)",
      down: "UPDATE o SET v = NULL WHERE k IN (SELECT id FROM t WHERE \(range))",
      message: "the way back of a batch overwrites o", isSeenBefore: true),
    Refused(
      testDescription: "a way down that deletes rows of the table", up: "UPDATE t SET r = 1 WHERE \(range)",
      down: "DELETE FROM t WHERE \(range) AND r = 1", message: "the way back of a batch deletes rows of t",
      isSeenBefore: true),
    Refused(
      testDescription: "a way down that replaces",
      up: "UPDATE t SET r = 1 WHERE \(range)",
      down: "INSERT OR REPLACE INTO o SELECT id, r FROM t WHERE \(range)",
      message: "the way back of a batch replaces a row of o"),
    Refused(
      testDescription: "a way down that replaces what the way up inserted, through a trigger",
      schema: tables
        + "; CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT OR REPLACE INTO o VALUES (new.id, new.r); END",
      rows: "INSERT INTO t VALUES (1, 'a')", up: "UPDATE t SET r = upper(r) WHERE \(range)",
      down: "UPDATE t SET r = lower(r) WHERE \(range)",
      message: "the way back of a batch replaces a row of o through the trigger tr"),
    Refused(
      testDescription: "another primary key",
      schema: "CREATE TABLE t (id INTEGER UNIQUE NOT NULL, k TEXT PRIMARY KEY, r)",
      rows: "INSERT INTO t VALUES (1, 'a', 1)", up: "UPDATE t SET k = k || '.' WHERE \(range)",
      message: "a batch changes t.k, the key that identifies its rows", isSeenBefore: true),
  ]

  @Test("is refused with everything that was done taken back, for", arguments: refused)
  func isRefused(row: Refused) throws {
    let database = try TemporaryDatabase("\(row.schema); \(row.rows)")
    let before = try #require(try database.snapshot())
    let by = row.schema.contains("id INTEGER UNIQUE") ? "id" : nil
    let migrations = try catalog([
      "0001-x": [phase(.migrate, row.up, down: row.down, batch: Batching(table: "t", by: by))]
    ])
    let error = migrationError {
      try database.run(
        .upAll, migrations, .test(pacing: Options.Pacing(hold: .seconds(10), maximumRows: row.size)))
    }
    #expect(error?.id == .archiveImpossible)
    #expect(error?.message.raw == "\(row.message), but batches archive only what they overwrite in t")
    #expect(error?.standing == (row.isSeenBefore ? .unchanged : .undone))
    #expect(try before.isSame(as: database.snapshot()))
    #expect(
      try database.value(
        "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'phasedb_archive_[0-9]*' AND type = 'table'")
        == (row.hasBatchesBefore ? 1 : 0))
    #expect(try database.migrator(migrations, access: .reading).status().underWay == nil)
  }

  /// What another connection writes between two batches, and what comes back.
  @Test(
    "rows that only an archive gives back come back, unless the table from which down computes changed meanwhile",
    arguments: [
      ("INSERT INTO other VALUES (1)", Reversal.Word.exact, Value("1='Y' 2='x' 3='Y'")),
      ("UPDATE o SET v = 9 WHERE k = 'x'", .lossy, "1='y' 2=NULL 3='y'"),
    ])
  func busy(_ write: String, _ word: Reversal.Word, _ left: Value) throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE other (x); CREATE TABLE o (k, v); INSERT INTO o VALUES ('x', 1), ('y', 2); CREATE TABLE t (id INTEGER PRIMARY KEY, r); INSERT INTO t VALUES (1, 'Y'), (2, 'x'), (3, 'Y')"
    )
    let migrations = try catalog([
      "0001-x": [
        phase(
          .migrate, "UPDATE t SET r = (SELECT v FROM o WHERE k = lower(t.r)) WHERE \(Self.range)",
          down: "UPDATE t SET r = (SELECT k FROM o WHERE v = t.r) WHERE \(Self.range)",
          batch: Batching(table: "t"))
      ]
    ])
    var batches = 0
    let options = Options.test(pacing: Options.Pacing(hold: .seconds(10), maximumRows: 2))
    try database.run(.upAll, migrations, options) { event in
      if case .batchCommitted = event { batches += 1 }
      if batches == 1 { try? database.run(write) }
    }
    #expect(batches == 2)
    #expect(try database.migrator(migrations).reversals().first?.value.word == word)
    try database.run(.downAll, migrations)
    #expect(
      try database.value("SELECT group_concat(id || '=' || quote(r), ' ') FROM (SELECT * FROM t ORDER BY id)")
        == left)
  }

  @Test(
    "statistics of a table of few rows stop no batches; of one that grew since, they do, and ANALYZE opens them"
  )
  func statistics() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, r); INSERT INTO t VALUES (1, 'A'), (2, 'b'); ANALYZE")
    let migrations = try catalog([
      "0001-x": [
        phase(
          .migrate, "UPDATE t SET r = upper(r) WHERE \(Self.range)",
          down: "UPDATE t SET r = lower(r) WHERE \(Self.range)", batch: Batching(table: "t"))
      ]
    ])
    try database.run(.upAll, migrations)
    try database.run(.downAll, migrations)
    try database.run(.upAll, migrations)
    try database.run(
      "INSERT INTO t SELECT value, 'Z' FROM (WITH RECURSIVE n (value) AS (SELECT 3 UNION ALL SELECT value + 1 FROM n WHERE value < 20000) SELECT * FROM n)"
    )
    var large = Options.test
    large.mostBytesCopied = 0
    func words() throws -> [Reversal.Word] {
      try [.test, large].compactMap { try database.migrator(migrations, $0).reversals().first?.value.word }
    }
    #expect(try words() == [.blocked, .blocked])
    let rehearsing = try database.migrator(migrations, large)
    try rehearsing.record(try rehearsing.rehearseDown(.downAll))
    let error = migrationError { try database.run(.downAll, migrations) }
    #expect(error?.id == .batchNotKeyed)
    #expect(error?.help.first == "count its rows again, with this SQL: ANALYZE \"t\"")
    try database.run("ANALYZE \"t\"")
    #expect(try words().contains(.blocked) == false)
    try database.run(.downAll, migrations)
    #expect(try database.value("SELECT group_concat(r) FROM t WHERE id < 3") == "A,b")
  }

  @Test("says that the way back is blocked when its SQL fails on a row, and keeps what up overwrote")
  func blocked() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, r NOT NULL); INSERT INTO t VALUES (1, 5), (2, 6)")
    let migrations = try catalog([
      "0001-x": [
        phase(
          .migrate, "UPDATE t SET r = r + 1 WHERE \(Self.range)",
          down: "UPDATE t SET r = NULL WHERE \(Self.range)",
          batch: Batching(table: "t"))
      ]
    ])
    try database.run(.upAll, migrations)
    let report = try #require(try database.roundTrip())
    #expect(report.verdict == .blocked)
    #expect(
      report.reasons == [
        "the way back does not run on the rows of t.id from 1 to 2: NOT NULL constraint failed: t.r"
      ])
    #expect(try database.value("SELECT sum(rows) FROM phasedb_archive") == 2)
    let up = try #require(try database.snapshot())
    #expect(migrationError { try database.run(.downAll, migrations) }?.standing == .undone)
    #expect(try up.isSame(as: database.snapshot()))
  }

  @Test("says which keys there were")
  func keys() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, r); CREATE TABLE o (v); INSERT INTO t VALUES (7, 1), (9, 2)"
    )
    let migrations = try catalog([
      "0001-x": [
        phase(
          .migrate, "INSERT INTO o SELECT r FROM t WHERE \(Self.range)",
          down: "SELECT 1 FROM t WHERE \(Self.range)",
          batch: Batching(table: "t"))
      ]
    ])
    try database.run(.upAll, migrations)
    let report = try #require(try database.roundTrip())
    #expect(
      report.keys == [
        RoundTripRecord.Keys(table: "o", highest: 2, areNeverReused: false),
        RoundTripRecord.Keys(table: "t", highest: 9, areNeverReused: true),
      ])
  }

  @Test("keeps a full-text index in step with what comes back")
  func fullText() throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT);
      CREATE VIRTUAL TABLE f USING fts5 (b, content = 't', content_rowid = 'id');
      CREATE TRIGGER t_i AFTER INSERT ON t BEGIN INSERT INTO f (rowid, b) VALUES (new.id, new.b); END;
      CREATE TRIGGER t_u AFTER UPDATE ON t BEGIN
        INSERT INTO f (f, rowid, b) VALUES ('delete', old.id, old.b); INSERT INTO f (rowid, b) VALUES (new.id, new.b);
      END;
      INSERT INTO t VALUES (1, 'alpha'), (2, 'beta');
      """)
    let migrations = try catalog([
      "0001-x": [
        phase(
          .migrate, "UPDATE t SET b = 'new ' || id WHERE \(Self.range)",
          down: "UPDATE t SET b = 'gone' WHERE \(Self.range)",
          batch: Batching(table: "t"))
      ]
    ])
    for _ in 1...2 {
      try database.run(.upAll, migrations)
      try database.run("INSERT INTO f (f, rank) VALUES ('integrity-check', 1)")
      #expect(try database.value("SELECT group_concat(rowid) FROM f WHERE f MATCH 'new'") == "1,2")
      try database.run(.downAll, migrations)
      try database.run("INSERT INTO f (f, rank) VALUES ('integrity-check', 1)")
      #expect(try database.value("SELECT group_concat(rowid) FROM f WHERE f MATCH 'alpha'") == "1")
      #expect(try database.value("SELECT count(*) FROM f WHERE f MATCH 'gone'") == 0)
    }
  }
}

extension TemporaryDatabase {
  /// What the ledger says that the way back of the last phase was seen to do.
  func roundTrip() throws -> RoundTripRecord? {
    let ledger = Ledger(connection: try connect(.readOnly))
    return try ledger.phases.all().last.flatMap { phase in try ledger.roundTrips.read(of: phase.sequence) }
  }
}
