import Testing

@testable import PhaseDB
@testable import PhaseSQLite

/// What archives are in the ledger: who they belong to, what becomes of them, and what happens when they are not what
/// they were.
struct ArchiveTests {
  static let people = RestoringTests.people

  /// An expand phase with a column that applications write.
  static func nickname() throws -> Catalog {
    try catalog([
      "0001-a": [phase(.expand, "ALTER TABLE t ADD n TEXT", down: "ALTER TABLE t DROP n")]
    ])
  }

  @Test(
    "what applications wrote into a new column is back after down and up, and again after another down and up"
  )
  func downUpDown() throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try Self.nickname()
    try database.run(.upAll, catalog)
    try database.run("UPDATE t SET n = 'Ann' WHERE id = 1; UPDATE t SET n = 'Bob' WHERE id = 2")
    let up = try #require(try database.snapshot())
    for _ in 1...2 {
      try database.run(.down(1), catalog)
      #expect(try database.archives() == ["0001-a/expand down t: 4 rows, kept"])
      try database.run(.upAll, catalog)
      #expect(try database.snapshot()?.rows == up.rows)
      #expect(try database.archives() == [])
    }
  }

  @Test("a contract may go up and down again and again")
  func contractAgain() throws {
    let database = try TemporaryDatabase(Self.people)
    let before = try #require(try database.snapshot())
    let catalog = try catalog([
      "0001-a": [
        phase(
          .contract, RestoringTests.dropB,
          down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'; UPDATE t SET b = upper(a)")
      ]
    ])
    for _ in 1...3 {
      try database.run(.upAll, catalog)
      try database.run(.down(1), catalog)
      #expect(try database.snapshot()?.rows == before.rows)
    }
  }

  @Test("two archives of one column do not mix: each comes back with the way back from its own phase")
  func twoPhases() throws {
    let database = try TemporaryDatabase(Self.people)
    let before = try #require(try database.snapshot())
    let catalog = try catalog([
      "0001-a": [
        phase(
          .contract, RestoringTests.dropB, down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'", window: ">=1.0")
      ],
      "0002-b": [
        phase(.expand, "ALTER TABLE t ADD b TEXT DEFAULT 'none'", down: "ALTER TABLE t DROP b"),
        phase(.contract, "ALTER TABLE t DROP b", down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'"),
      ],
    ])
    try database.run(.upTo("0002/expand"), catalog)
    try database.run("UPDATE t SET b = 'second ' || id")
    let second = try #require(try database.snapshot())
    try database.run(.upAll, catalog)
    #expect(
      try database.archives() == [
        "0001-a/contract up t: 4 rows, kept", "0002-b/contract up t: 4 rows, kept",
      ])
    try database.run(.down(1), catalog)
    #expect(try database.snapshot()?.rows == second.rows)
    try database.run(.down(2), catalog)
    #expect(try database.snapshot()?.rows == before.rows)
    #expect(try database.archives() == ["0002-b/expand down t: 4 rows, kept"])
  }

  @Test("what could not come back stays in the archive, and nothing else does")
  func left() throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try catalog([
      "0001-a": [
        phase(
          .contract, RestoringTests.dropB,
          down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'; UPDATE t SET b = upper(a)")
      ]
    ])
    try database.run(.upAll, catalog)
    try database.run("DELETE FROM t WHERE id = 1; UPDATE t SET a = 'new' WHERE id = 2")
    try database.run(.down(1), catalog)
    #expect(try database.archives() == ["0001-a/contract up t: 2 rows, left"])
    #expect(
      try database.connect().rows("SELECT k1, v1 FROM phasedb_archive_1 ORDER BY k1")
        == [[1, "one"], [2, "two"]])
  }

  @Test("of rows that only some values of could be restored, the others stay in the archive")
  func partlyLeft() throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try catalog([
      "0001-a": [phase(.migrate, "UPDATE t SET a = 'x', b = 'x'", down: "SELECT 1")]
    ])
    try database.run(.upAll, catalog)
    try database.run("UPDATE t SET b = 'mine' WHERE id = 2")
    try database.run(.down(1), catalog)
    #expect(try database.value("SELECT a || b FROM t WHERE id = 2") == "ymine")
    #expect(
      try database.archives() == ["0001-a/migrate up t: 1 row, left", "0001-a/migrate down t: 4 rows, kept"])
  }

  /// One run of the way up proves nothing of the next: chance repeats itself, and what is computed from other rows changes
  /// with them.
  @Test(
    "what the way up computed is what it was after down and up again, whatever the way up would compute now",
    arguments: ["abs(random()) % 2", "(SELECT count(*) FROM t)"])
  func computedByUp(expression: String) throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, r);
      WITH RECURSIVE i (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM i WHERE x < 40) INSERT INTO t SELECT x, NULL FROM i
      """)
    func rebuild(_ value: String) -> String {
      "CREATE TABLE n (id INTEGER PRIMARY KEY, r); INSERT INTO n SELECT id, \(value) FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t"
    }
    let catalog = try catalog([
      "0001-r": [phase(.contract, rebuild("coalesce(r, \(expression))"), down: rebuild("r"))]
    ])
    let values = "SELECT group_concat(r, '') FROM (SELECT r FROM t WHERE id <= 40 ORDER BY id)"
    try database.run(.upAll, catalog)
    let first = try database.value(values)
    try database.run(.down(1), catalog)
    try database.run("INSERT INTO t VALUES (41, NULL)")
    try database.run(.upAll, catalog)
    #expect(try database.value(values) == first)
  }

  @Test("no archive is made where nothing was taken")
  func nothingTaken() throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try catalog([
      "0001-a": [phase(.migrate, "UPDATE t SET a = a; DELETE FROM t WHERE id > 100", down: "SELECT 1")]
    ])
    try database.run(.upAll, catalog)
    #expect(try database.archives() == [])
    #expect(
      try database.value("SELECT count(*) FROM sqlite_schema WHERE name GLOB 'phasedb_archive_[0-9]*'") == 0)
  }

  @Test("a backfill of a column of its own migration keeps only what applications wrote there")
  func young() throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try catalog([
      "0001-a": [
        phase(.expand, "ALTER TABLE t ADD n TEXT DEFAULT 'x'", down: "ALTER TABLE t DROP n"),
        phase(.migrate, "UPDATE t SET n = upper(a)", down: "UPDATE t SET n = 'x'"),
      ]
    ])
    try database.run(.up(1), catalog)
    try database.run("UPDATE t SET n = 'mine' WHERE id = 2")
    let before = try #require(try database.snapshot())
    try database.run(.upAll, catalog)
    #expect(try database.archives() == ["0001-a/migrate up t: 1 row, kept"])
    try database.run(.down(1), catalog)
    #expect(try database.snapshot()?.rows == before.rows)
  }

  @Test("rows that the way up inserts by number and the way down deletes are the same rows the next time")
  func insertedAgain() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a); INSERT INTO t (a) VALUES ('x')")
    let catalog = try catalog([
      "0001-a": [
        phase(
          .migrate, "INSERT INTO t (a) VALUES ('y'), ('z')", down: "DELETE FROM t WHERE a IN ('y', 'z', 'Z')")
      ]
    ])
    try database.run(.upAll, catalog)
    try database.run("UPDATE t SET a = 'Z' WHERE a = 'z'; INSERT INTO t (a) VALUES ('w')")
    let up = try #require(try database.snapshot())
    try database.run(.down(1), catalog)
    try database.run(.upAll, catalog)
    #expect(try database.snapshot()?.rows["t"] == up.rows["t"])
  }

  // MARK: - Trouble

  static let damages = [
    ("DROP TABLE phasedb_archive_1", MigrationError.ID.archiveMissing),
    ("UPDATE phasedb_archive_1 SET v1 = 'forged' WHERE k1 = 1", .archiveAltered),
    ("UPDATE phasedb_archive_1 SET rest = 1 WHERE k1 = 1", .archiveAltered),
    ("DELETE FROM phasedb_archive_1 WHERE k1 = 1", .archiveAltered),
    (
      "INSERT INTO phasedb_archive_1 SELECT 77, v1, rest, gone FROM phasedb_archive_1 LIMIT 1",
      .archiveAltered
    ),
    ("ALTER TABLE phasedb_archive_1 RENAME v1 TO w1", .ledgerTouched),
    ("UPDATE phasedb_archive SET content = '{}'", .ledgerTouched),
    ("UPDATE phasedb_archive SET state = 'lost'", .ledgerDamaged),
  ]

  @Test("a way down whose archive is not what it was is refused before anything runs", arguments: damages)
  func damage(_ sql: String, _ id: MigrationError.ID) throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try catalog([
      "0001-a": [phase(.contract, RestoringTests.dropB, down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'")]
    ])
    try database.run(.upAll, catalog)
    try database.run(sql)
    let before = try database.snapshot()
    let error = try #require(migrationError { try database.run(.down(1), catalog) })
    #expect(error.id == id)
    #expect(error.standing == .unchanged)
    #expect(error.state?.contains("nothing was changed") == true)
    #expect(try database.snapshot() == before)
  }

  @Test(
    "a disk that is full while rows are archived leaves everything as it was",
    arguments: [
      RestoringTests.dropB, "UPDATE t SET b = upper(b)",
    ])
  func full(_ up: String) throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, a, b);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO t SELECT i, i, hex(randomblob(100)) || 'z' FROM n;
      """)
    let catalog = try catalog(["0001-a": [phase(.contract, up, down: "SELECT 1")]])
    let before = try #require(try database.snapshot())
    let connection = try database.connect()
    let pages = try #require(try connection.value("PRAGMA page_count")?.integer)
    _ = try connection.value("PRAGMA max_page_count = \(pages + 20)")
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: catalog, options: .test)
    let error = try #require(migrationError { try migrator.run(migrator.plan(.upAll)) })
    #expect(error.id == .databaseFull)
    // Archives are filled before the SQL of the phase runs.
    #expect(error.standing == .unchanged)
    #expect(try database.snapshot()?.isSame(as: before) == true)
    #expect(database.integrity() == "ok")
  }

  @Test("a connection that was lent has no TEMP tables afterwards, and fires its triggers")
  func lent() throws {
    let database = try TemporaryDatabase(Self.people)
    let connection = try database.connect()
    let catalog = try catalog([
      "0001-a": [
        phase(
          .contract,
          "ALTER TABLE t ADD c; UPDATE t SET c = b; DELETE FROM t WHERE id = 1; ALTER TABLE t DROP b",
          down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'; UPDATE t SET b = c; ALTER TABLE t DROP c")
      ]
    ])
    let migrator = try unsafe Migrator(borrowing: connection.handle, catalog: catalog, options: .test)
    try migrator.run(migrator.plan(.upAll))
    try database.run("UPDATE t SET c = 'new' WHERE id = 2; DELETE FROM t WHERE id = 3")
    try migrator.run(migrator.plan(.down(1)))
    #expect(try connection.rows("SELECT name FROM sqlite_temp_schema") == [])
    #expect(connection.isOn(.triggers))
  }

  @Test("a key that no archive could name keeps the phase from running")
  func nameless() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (rowid, oid, _rowid_, a); INSERT INTO t VALUES (1, 2, 3, 4)")
    let before = try #require(try database.snapshot())
    let catalog = try catalog([
      "0001-a": [phase(.contract, "ALTER TABLE t DROP a", down: "ALTER TABLE t ADD a")]
    ])
    #expect(migrationError { try database.run(.upAll, catalog) }?.id == .archiveImpossible)
    #expect(try database.snapshot()?.isSame(as: before) == true)
  }

  // MARK: - Together with what else phasedb does

  @Test(
    "a column that comes back in its old place has its values, whether the row changed or not",
    arguments: ["id INTEGER PRIMARY KEY, v, a)", "id INT PRIMARY KEY, v, a) WITHOUT ROWID", "id, v, a)"],
    [("", "'two'", "NULL"), ("; UPDATE t SET v = upper(a) || '!'", "'A!'", "'V!'")])
  func order(_ table: String, _ computing: (sql: String, changed: String, born: String)) throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (\(table);
      INSERT INTO t VALUES (1, 'one', 'x'), (2, 'two', 'y'), (3, x'00', 'z'), (4, NULL, 'w');
      """)
    let catalog = try catalog([
      "0001-a": [phase(.contract, "ALTER TABLE t DROP v", down: "ALTER TABLE t ADD v\(computing.sql)")]
    ])
    try database.run(.upAll, catalog)
    try database.run(
      "UPDATE t SET a = 'A' WHERE id = 2; DELETE FROM t WHERE id = 4; INSERT INTO t VALUES (5, 'v')")
    try database.run(.down(1), catalog)
    // Without a key the new row has the rowid, and so the name, of the one that was deleted.
    let isNamed = table.contains("PRIMARY KEY")
    let born = isNamed || !computing.sql.isEmpty ? computing.born : "NULL"
    #expect(
      try database.snapshot()?.rows["t"] == [
        "1, 'one', 'x'", "2, \(computing.changed), 'A'", "3, X'00', 'z'", "5, \(born), 'v'",
      ])
  }

  @Test("one contract may retire a column, drop another and overwrite a third")
  func retiring() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c); INSERT INTO t VALUES (1, 2, 3, 4)")
    let before = try #require(try database.snapshot())
    var contract = try phase(
      .contract, "ALTER TABLE t DROP b; UPDATE t SET c = 'x'", down: "ALTER TABLE t ADD b")
    contract = Phase(
      .contract, windows: contract.windows, up: contract.up, down: contract.down,
      retirements: [Retirement(table: "t", column: "a")])
    let migrations = try catalog(["0001-a": [contract]])
    try database.run(.upAll, migrations)
    #expect(try database.snapshot()?.rows["t"] == ["1, 2, 'x'"])
    try database.run(.down(1), migrations)
    #expect(try database.snapshot()?.rows == before.rows)
  }
}

extension TemporaryDatabase {
  /// `0001-a/contract up t: 4 rows, kept`
  func archives() throws -> [String] {
    try Ledger(connection: connect(.readOnly)).archives.all().map {
      "\($0.phase) \($0.direction.rawValue) \($0.table): \(DetailLines.rows($0.rows)), \($0.state.rawValue)"
    }
  }
}
