import PhaseSQLite
import Testing

@testable import PhaseDB

/// What the reversal of applied phases is said to be.
struct ReversalTests {
  static let people = RestoringTests.people
  static let computing = "ALTER TABLE t ADD b TEXT DEFAULT 'none'; UPDATE t SET b = upper(a)"

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let up: String
    let down: String
    let since: String
    let expected: [String]

    init(
      _ sentence: String, up: String = RestoringTests.dropB, down: String = computing, since: String,
      _ expected: String...
    ) {
      testDescription = sentence
      self.up = up
      self.down = down
      self.since = since
      self.expected = expected
    }
  }

  static let computes = "the rows changed since, so the way back computes it"

  static let cases = [
    Case("exact, when nobody touched anything", since: "", "exact"),
    Case(
      "exact, when rows came, went, and changed where the way back computes nothing",
      down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'",
      since: "INSERT INTO t (id) VALUES (7); DELETE FROM t WHERE id = 1; UPDATE t SET a = 'z'", "exact"),
    Case(
      "uncertain by the rows that changed since, when the way back computes the value",
      since: "UPDATE t SET a = 'z' WHERE id < 3; DELETE FROM t WHERE id = 3",
      "uncertain t.b 2: \(computes)"),
    Case(
      "uncertain by every row, when it computes from a table that changed since",
      down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'; UPDATE t SET b = (SELECT n FROM u)",
      since: "UPDATE u SET n = 2", "uncertain t.b 4: the way back computes it from u, which changed since"),
    Case(
      "blocked, when its archive is gone", since: "DROP TABLE phasedb_archive_1",
      "blocked: phasedb_archive_1 is gone, with what it took from t"),
    Case(
      "blocked, when what it took was purged",
      since: "DROP TABLE phasedb_archive_1; UPDATE phasedb_archive SET state = 'purged'",
      "blocked: what it took from t was purged"),
    Case(
      "blocked, when present rows break a constraint that comes back", up: "DROP INDEX i",
      down: "CREATE UNIQUE INDEX i ON u (n)", since: "INSERT INTO u VALUES (1)",
      "blocked: present rows break UNIQUE (n) of u"),
    Case(
      "blocked, when its way back does not run", up: "DROP INDEX i", down: "CREATE UNIQUE INDEX i ON u (n)",
      since: "CREATE INDEX i ON t (a)", "blocked: index i already exists"),
  ]

  @Test("of the phase that was applied last is", arguments: cases)
  func last(_ row: Case) throws {
    let database = try TemporaryDatabase(
      Self.people + "CREATE TABLE u (n); INSERT INTO u VALUES (1); CREATE UNIQUE INDEX i ON u (n)")
    try database.run(.upAll, catalog(["0001-a": [phase(.contract, row.up, down: row.down)]]))
    try database.run(row.since)
    let before = try database.snapshot()
    #expect(try database.reversals() == ["0001-a/contract": row.expected])
    #expect(try database.snapshot() == before)
  }

  @Test(
    "rows that come from a table which changed since are counted one by one where the way back can be tried",
    arguments: [(Int.max, [1]), (0, [1, 2])])
  func comingFromAnother(_ mostBytes: Int, _ rows: [Int]) throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1), (2);
      CREATE TABLE c (p INTEGER PRIMARY KEY REFERENCES p, note); INSERT INTO c VALUES (1, 'one'), (2, 'two');
      """)
    let catalog = try catalog([
      "0001-a": [
        phase(
          .contract,
          "ALTER TABLE p ADD note; UPDATE p SET note = (SELECT note FROM c WHERE c.p = p.id); DROP TABLE c",
          down:
            "CREATE TABLE c (p INTEGER PRIMARY KEY REFERENCES p, note); INSERT INTO c SELECT id, note FROM p; ALTER TABLE p DROP COLUMN note"
        )
      ]
    ])
    try database.run(.upAll, catalog)
    try database.run("DELETE FROM p WHERE id = 2")
    var options = Options.test
    options.mostBytesCopied = mostBytes
    let reversal = try database.migrator(catalog, options).reversals().values.first
    #expect(reversal?.lost.map(\.rows) == rows)
    try database.run(.downAll, catalog)
    #expect(try database.value("SELECT group_concat(p || note) FROM c") == .text("1one"))
  }

  @Test("batches that found no row and go by chance are uncertain of rows that came since")
  func chanceWithoutRows() throws {
    let database = try TemporaryDatabase("CREATE TABLE t (id INTEGER PRIMARY KEY, b)")
    let all = try catalog([
      "0001-a": [
        phase(
          .migrate, "UPDATE t SET b = 1 WHERE id BETWEEN :first AND :last AND random() > 0",
          down: "UPDATE t SET b = 2 WHERE id BETWEEN :first AND :last AND random() > 0",
          batch: Batching(table: "t"))
      ]
    ])
    try database.run(.upAll, all)
    try database.run("INSERT INTO t VALUES (1, 'mine')")
    for _ in 0..<8 {
      // The copy on which it is tried may lose the value or not.
      let word = try database.migrator(all).plan(.downAll).reversals.values.first?.word
      #expect(word == .uncertain || word == .lossy, "\(word?.rawValue ?? "none")")
    }
  }

  /// What may refuse a value of `t.r`, and a way down that makes such a value of every other row by chance.
  static let refused = [
    ("r NOT NULL", "", "NULL"), ("r CHECK (r < 9)", "", "9"),
    ("r", "CREATE UNIQUE INDEX i ON t (r)", "2"), ("r UNIQUE", "", "2"),
    (
      "r", "CREATE TRIGGER g BEFORE UPDATE ON t WHEN new.r = 9 BEGIN SELECT RAISE(ABORT, 'no'); END", "9"
    ),
  ]

  @Test(
    "a way back that chance may break is neither exact nor expected, whether it broke or not",
    arguments: refused, [false, true])
  func brokenByChance(_ row: (column: String, object: String, value: String), isBatched: Bool) throws {
    var large = Options.test
    large.mostBytesCopied = 0
    let rows = isBatched ? " WHERE id BETWEEN :first AND :last" : ""
    let catalog = try catalog([
      "0001-a": [
        phase(
          .migrate, "UPDATE t SET a = 'b'\(rows)",
          down: "UPDATE t SET r = iif(abs(random()) % 2, \(row.value), r)\(rows)",
          batch: isBatched ? Batching(table: "t") : nil)
      ]
    ])
    for _ in 0..<8 {
      let database = try TemporaryDatabase(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, \(row.column)); INSERT INTO t VALUES (1, 'a', 1), (2, 'a', 2); \(row.object)"
      )
      try database.run(.upAll, catalog)
      for options in [Options.test, large] {
        let word = try database.migrator(catalog, options).plan(.downAll).reversals.values.first?.word
        #expect([.uncertain, .lossy, .blocked].contains(word), "\(word?.rawValue ?? "none")")
      }
    }
  }

  @Test("a loss that the phase declares is said to be declared")
  func declared() throws {
    let database = try TemporaryDatabase(Self.people)
    let contract = try phase(.contract, RestoringTests.dropB, down: Self.computing)
    let declaring = Phase(
      .contract, windows: contract.windows, up: contract.up, down: contract.down,
      losses: [Loss(table: "T", column: "B", reason: "it is old")])
    try database.run(.upAll, catalog(["0001-a": [declaring]]))
    try database.run("UPDATE t SET a = 'z' WHERE id = 1")
    try database.run(
      "UPDATE phasedb_round_trip SET verdict = 'lossy', report = replace(report, '\"losses\":[]', '\"losses\":[{\"table\":\"t\",\"column\":\"b\",\"rows\":1,\"why\":\"it is old\"}]')"
    )
    try database.run("UPDATE t SET a = 'Z' WHERE id = 1")
    let reversal = try #require(try database.migrator(Catalog([])).reversals().values.first)
    #expect(reversal.lost.map(\.isDeclared) == [true])
    #expect(reversal.isExactOrDeclared == reversal.uncertain.isEmpty)
  }

  @Test("phases below one that cannot be reversed cannot be reversed either")
  func below() throws {
    let database = try TemporaryDatabase(Self.people)
    try database.run(
      .upAll,
      catalog([
        "0001-a": [phase(.contract, "UPDATE t SET a = upper(a)", down: "SELECT 1")],
        "0002-b": [phase(.contract, RestoringTests.dropB, down: Self.computing)],
      ]))
    #expect(try database.reversals() == ["0001-a/contract": ["exact"], "0002-b/contract": ["exact"]])
    try database.run("UPDATE phasedb_archive SET state = 'purged' WHERE id = 2")
    #expect(
      try database.reversals() == [
        "0001-a/contract": ["blocked: 0002/contract, which was applied later, cannot be reversed"],
        "0002-b/contract": ["blocked: what it took from t was purged"],
      ])
  }

  struct BelowCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// The phase after it.
    let later: (up: String, down: String)
    let expected: [String]

    init(_ sentence: String, _ up: String, _ down: String, _ expected: String...) {
      testDescription = sentence
      later = (up, down)
      self.expected = expected
    }
  }

  static let unknown =
    "the way back computes it for rows that changed since; a rehearsal of the way back counts them"

  static let belows = [
    BelowCase(
      "counted, when the later one is about something else", "DROP INDEX i", "CREATE UNIQUE INDEX i ON u (n)",
      "uncertain t.b 1: \(computes)"),
    BelowCase(
      "counted, when the later one added to the table", "ALTER TABLE t ADD c", "ALTER TABLE t DROP c",
      "uncertain t.b 1: \(computes)"),
    BelowCase(
      "counted, when the later one overwrote what is compared", "UPDATE t SET a = lower(a)",
      "UPDATE t SET a = upper(a)", "uncertain t.b 1: \(computes)"),
    BelowCase(
      "counted, when the later one took a column away", "ALTER TABLE t DROP COLUMN a",
      "ALTER TABLE t ADD COLUMN a TEXT", "uncertain t.b 1: \(computes)"),
    BelowCase(
      "not known, when the later one gave the column another name", "ALTER TABLE t RENAME a TO z",
      "ALTER TABLE t RENAME z TO a", "uncertain t.b ?: \(unknown)"),
  ]

  @Test("of a phase below another is", arguments: belows)
  func below(_ row: BelowCase) throws {
    let database = try TemporaryDatabase(
      Self.people + "CREATE TABLE u (n); INSERT INTO u VALUES (1); CREATE UNIQUE INDEX i ON u (n)")
    let catalog = try catalog([
      "0001-a": [phase(.contract, RestoringTests.dropB, down: Self.computing)],
      "0002-b": [phase(.contract, row.later.up, down: row.later.down)],
    ])
    try database.run(.up(1), catalog)
    try database.run("UPDATE t SET a = 'Z' WHERE id = 1")
    try database.run(.upAll, catalog)
    let before = try database.snapshot()
    #expect(try database.reversals()["0001-a/contract"] == row.expected)
    #expect(try database.snapshot() == before)
  }

  @Test("a way down of several phases is refused as a whole when one below cannot come down")
  func range() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE u (n); CREATE UNIQUE INDEX i ON u (n); CREATE TABLE x (y)")
    let catalog = try catalog([
      "0001-a": [phase(.contract, "DROP INDEX i", down: "CREATE UNIQUE INDEX i ON u (n)")],
      "0002-b": [phase(.contract, "DROP TABLE x", down: "CREATE TABLE x (y)")],
    ])
    try database.run(.upAll, catalog)
    try database.run("INSERT INTO u VALUES (1), (1)")
    let before = try database.snapshot()
    let error = try #require(migrationError { try database.run(.down(2), catalog) })
    #expect(error.id == .reversalBlocked && error.message.hasPrefix("0001-a/contract cannot come down"))
    #expect(try database.snapshot() == before)
    try database.run(.down(1), catalog)
  }

  static let rehearsals: [(rows: Int, traffic: String, word: Reversal.Word, note: String)] = [
    (3, "", .exact, "rehearsed on these rows at \(day)"),
    (
      3, "INSERT INTO t (a) VALUES ('x'), ('y')", .exact,
      "rehearsed on \(day); since then: at least 2 rows of t were added, deleted or changed"
    ),
    (
      3, "UPDATE t SET a = 'x' WHERE id < 3", .uncertain,
      "rehearsed on \(day); since then: at least 1 row of t were added, deleted or changed"
    ),
    (
      3, "DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (4, 'x')", .exact,
      "rehearsed on \(day); since then: at least 1 row of t were added, deleted or changed"
    ),
    (
      100_001, "UPDATE t SET a = 'x' WHERE id = 1", .uncertain,
      "rehearsed on \(day); since then: it is unknown whether rows of t changed, because it has more than 100,000 rows"
    ),
  ]
  private static let day = "2026-01-31T12:00:00.000Z"

  @Test(
    "a rehearsal of the way down says how many rows are others since, as far as that is known",
    arguments: rehearsals)
  func rehearsed(_ row: (rows: Int, traffic: String, word: Reversal.Word, note: String)) throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, a, b);
      WITH RECURSIVE i (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM i WHERE x < \(row.rows))
        INSERT INTO t SELECT x, 'a', 'A' FROM i;
      """)
    let catalog = try catalog([
      "0001-a": [
        phase(.contract, "ALTER TABLE t DROP b", down: "ALTER TABLE t ADD b; UPDATE t SET b = upper(a)")
      ]
    ])
    try database.run(.upAll, catalog)
    let migrator = try database.migrator(catalog)
    try migrator.record(try migrator.rehearseDown(.downAll))
    try database.run(row.traffic)
    var options = Options.test
    options.mostBytesCopied = 0
    let reversal = try database.migrator(catalog, options).reversals().values.first
    #expect(reversal?.word == row.word)
    #expect(reversal?.notes.map(\.raw) == [row.note])
  }

  @Test("a rehearsal from other rows does not make a way down exact that writes over what came since")
  func rehearsedBefore() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')")
    let catalog = try catalog([
      "0001-a": [phase(.migrate, "UPDATE t SET a = upper(a)", down: "UPDATE t SET a = lower(a)")]
    ])
    try database.run(.upAll, catalog)
    let migrator = try database.migrator(catalog)
    try migrator.record(try migrator.rehearseDown(.downAll))
    #expect(try database.reversals() == ["0001-a/migrate": ["exact"]])
    try database.run("INSERT INTO t VALUES (2, 'OWN')")
    #expect(try database.reversals() == ["0001-a/migrate": ["expected"]])
  }

  private static func rebuilt(_ select: String) -> String {
    "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b TEXT DEFAULT 'none'); INSERT INTO n \(select); DROP TABLE t; ALTER TABLE n RENAME TO t"
  }

  static let among: [String] = [
    "UPDATE t SET a = NULL WHERE id IN (SELECT id FROM t LIMIT 2)",
    "UPDATE t SET a = NULL WHERE id IN u",
    "UPDATE t SET a = (SELECT count(*) FROM t)", "UPDATE t SET a = (SELECT max(id) FROM t)",
    "UPDATE t SET a = NULL WHERE EXISTS (SELECT 1 FROM t AS o WHERE o.id = t.id + 1)",
    "UPDATE t SET a = s.n FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM t) AS s WHERE s.id = t.id",
    "INSERT OR IGNORE INTO t VALUES (1, 'back', NULL)",
    "DELETE FROM t WHERE id IN (SELECT id FROM t ORDER BY id LIMIT 2); "
      + rebuilt("SELECT id, lower(a), b FROM t"),
    rebuilt("SELECT id, lower(a), b FROM t ORDER BY id LIMIT 2"),
    rebuilt("SELECT DISTINCT id, lower(a), b FROM t"),
    rebuilt("SELECT id, lead(a) OVER (ORDER BY id), b FROM t"),
  ]

  @Test(
    "a way down that looks at other rows is exact in a large database only while those are as they were",
    arguments: among)
  func amongRows(_ down: String) throws {
    let database = try TemporaryDatabase(Self.people + "CREATE TABLE u (n); INSERT INTO u VALUES (2)")
    let catalog = try catalog(["0001-a": [phase(.contract, "UPDATE t SET a = upper(a)", down: down)]])
    try database.run(.upAll, catalog)
    #expect(try database.reversals() == ["0001-a/contract": ["exact"]])
    try database.run("DELETE FROM t WHERE id = 1")
    #expect(try database.reversals() == ["0001-a/contract": ["expected"]])
    var options = Options.test
    options.mostBytesCopied = 0
    let notes = try database.migrator(catalog, options).reversals().values.first?.notes.map(\.raw)
    #expect(notes?.first?.hasPrefix("what its way back does to a row depends on other rows") == true)
  }

  struct OrderCase: CustomTestStringConvertible {
    let testDescription: String
    let since: String
    /// What is said where it is tried on a copy, from the SQL alone, and from a rehearsal of before.
    let words: [Reversal.Word]

    init(_ sentence: String, _ since: String, _ words: Reversal.Word...) {
      (testDescription, self.since, self.words) = (sentence, since, words)
    }
  }

  static let orders = [
    OrderCase("nothing happened", "", .exact, .exact, .exact),
    OrderCase("the last row was written again", again("k3"), .exact, .exact, .exact),
    OrderCase("the rows lie in another order", again("k1"), .lossy, .expected, .expected),
    OrderCase("SQLite may read them in another order", "ANALYZE", .exact, .expected, .expected),
    OrderCase("VACUUM kept their order", "VACUUM", .exact, .exact, .exact),
    OrderCase(
      "another table that it reads changed", "UPDATE u SET n = 1", .lossy, .expected, .expected),
  ]

  private static func again(_ key: String) -> String {
    """
    CREATE TEMP TABLE s AS SELECT * FROM t WHERE k = '\(key)'; DELETE FROM t WHERE k = '\(key)';
    INSERT INTO t SELECT * FROM s
    """
  }

  @Test(
    "of a way down that takes the first rows of a table without an order of its own, when", arguments: orders)
  func order(_ row: OrderCase) throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (k TEXT PRIMARY KEY, a, b);
      INSERT INTO t VALUES ('k1', 'x', 1), ('k2', 'y', 2), ('k3', 'z', 3);
      CREATE TABLE u (n); INSERT INTO u VALUES (2)
      """)
    let catalog = try catalog([
      "0001-a": [
        phase(
          .contract, "CREATE TABLE n (k TEXT PRIMARY KEY, a); INSERT INTO n SELECT k, a FROM t; " + Self.swap,
          down: "CREATE TABLE n (k TEXT PRIMARY KEY, a, b); "
            + "INSERT INTO n SELECT k, a, NULL FROM t LIMIT coalesce((SELECT n FROM u), 0); " + Self.swap)
      ]
    ])
    try database.run(.upAll, catalog)
    var large = Options.test
    large.mostBytesCopied = 0
    func word(_ options: Options = .test) throws -> Reversal.Word? {
      try database.migrator(catalog, options).reversals().values.first?.word
    }
    let rehearsing = try database.migrator(catalog)
    let rehearsal = try rehearsing.rehearseDown(.downAll)
    try database.run(row.since)
    var words = [try word(), try word(large)]
    try rehearsing.record(rehearsal)
    words.append(try word(large))
    #expect(words == row.words)
    try database.run(.downAll, catalog)
    let isBack =
      try database.value("SELECT group_concat(k || b, ' ') FROM (SELECT k, b FROM t ORDER BY k)")
      == .text("k11 k22 k33")
    #expect(isBack == (row.words[0] == .exact))
  }

  private static let swap = "DROP TABLE t; ALTER TABLE n RENAME TO t"

  static let keys: [(sentence: String, since: String, word: Reversal.Word, rows: String)] = [
    ("a row got another key", "UPDATE t SET k = 9 WHERE k = 2", .uncertain, "1a:x 3c:z 9b:y"),
    (
      "a row was deleted, and a new one holds the same",
      "DELETE FROM t WHERE k = 2; INSERT INTO t VALUES (9, 'b')", .uncertain, "1a:x 3c:z 9b:y"
    ),
    (
      "two rows may be the one that has another key",
      "UPDATE t SET k = 9 WHERE k = 2; INSERT INTO t VALUES (8, 'b')", .uncertain, "1a:x 3c:z 8b:- 9b:-"
    ),
    (
      "two rows exchanged their keys, or what they hold",
      "UPDATE t SET a = CASE k WHEN 1 THEN 'b' ELSE 'a' END WHERE k < 3", .uncertain, "1b:y 2a:x 3c:z"
    ),
    (
      "a row was copied, and changed then",
      "INSERT INTO t VALUES (9, 'b'); UPDATE t SET a = 'q' WHERE k = 2", .exact, "1a:x 2q:y 3c:z 9b:-"
    ),
    (
      "a row holds what a deleted one held", "DELETE FROM t WHERE k = 1; UPDATE t SET a = 'a' WHERE k = 2",
      .exact, "2a:y 3c:z"
    ),
    (
      "rows were changed, deleted and added",
      "UPDATE t SET a = 'q' WHERE k = 1; DELETE FROM t WHERE k = 3; INSERT INTO t VALUES (9, 'r')", .exact,
      "1q:x 2b:y 9r:-"
    ),
  ]

  @Test(
    "of dropped values, whose rows are known by their keys, also below another phase, when", arguments: keys,
    [false, true])
  func otherKeys(
    _ row: (sentence: String, since: String, word: Reversal.Word, rows: String), isBelow: Bool
  ) throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (k INTEGER PRIMARY KEY, a, s); INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z')"
    )
    let catalog = try catalog([
      "0001-a": [phase(.contract, "ALTER TABLE t DROP s", down: "ALTER TABLE t ADD s")],
      "0002-b": [phase(.expand, "CREATE TABLE u (n)", down: "DROP TABLE u")],
    ])
    try database.run(.up(isBelow ? 2 : 1), catalog)
    try database.run(row.since)
    var large = Options.test
    large.mostBytesCopied = 0
    for options in [Options.test, large] {
      let reversals = try database.migrator(catalog, options).reversals()
      #expect(reversals.first { $0.key.description.hasPrefix("0001") }?.value.word == row.word)
    }
    try database.run(.downAll, catalog)
    let rows = try database.value(
      "SELECT group_concat(k || a || ':' || coalesce(s, '-'), ' ') FROM (SELECT * FROM t ORDER BY k)")
    #expect(rows == .text(row.rows))
  }

  @Test("batches say the same of rows that changed since and are computed")
  func changedInBatches() throws {
    for batch in [nil, Batching(table: "t")] {
      let database = try TemporaryDatabase(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c); INSERT INTO t VALUES (1, 'x', 1, 'q'), (2, 'z', 2, 'r')"
      )
      let range = batch == nil ? "1" : "id BETWEEN :first AND :last"
      let catalog = try catalog([
        "0001-a": [
          phase(
            .migrate, "UPDATE t SET c = typeof(b) WHERE \(range)",
            down: "UPDATE t SET c = a WHERE a = 2.5 AND \(range)", batch: batch)
        ]
      ])
      try database.run(.upAll, catalog)
      try database.run("UPDATE t SET a = 2.5 WHERE id = 2")
      for isLarge in [true, false] {
        #expect(
          try database.reversals(isLarge: isLarge) == [
            "0001-a/migrate": ["uncertain t.c 1: \(Self.computes)"]
          ])
      }
    }
  }

  /// Ways up that bring back what a way down overwrites by chance only, or do not run again.
  static let unsure: [(up: String, down: String, since: String, words: Set<Reversal.Word>)] = [
    (
      "UPDATE t SET a = b, b = a WHERE abs(random()) % 2", "UPDATE t SET a = b, b = a",
      "INSERT INTO t VALUES (9, 'p', 'q'), (10, 'r', 's'), (11, 't', 'u'), (12, 'v', 'w')", [.lossy]
    ),
    (
      "UPDATE t SET a = a + 1", "UPDATE t SET b = 'old' WHERE b = 'mine'",
      "UPDATE t SET a = 9, b = 'mine' WHERE id = 1", [.uncertain]
    ),
  ]

  @Test(
    "values of an application that a way up may not bring back are not said to come back", arguments: unsure)
  func unsureUp(_ row: (up: String, down: String, since: String, words: Set<Reversal.Word>)) throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a CHECK (a IS NOT 10), b); INSERT INTO t VALUES (1, 1, 'Y'), (2, 2, 'W')"
    )
    let catalog = try catalog(["0001-a": [phase(.migrate, row.up, down: row.down)]])
    try database.run(.upAll, catalog)
    try database.run(row.since)
    let word = try #require(try database.migrator(catalog).reversals().values.first?.word)
    #expect(row.words.contains(word))
  }

  static let retired: [(sentence: String, key: String, since: String, word: Reversal.Word)] = [
    (
      "rows changed, came and went", "INTEGER",
      "UPDATE t SET a = 'z'; DELETE FROM t WHERE k = 1; \(again(4))", .exact
    ),
    ("a row was written again", "INTEGER", "INSERT OR REPLACE INTO t (k, a) VALUES (2, 'b')", .uncertain),
    ("a new row has the key of another", "INTEGER", "DELETE FROM t WHERE k = 3; \(again(3))", .uncertain),
    ("a row without a value was written again", "INTEGER", "DELETE FROM t WHERE k = 1; \(again(1))", .exact),
    ("rows went", "TEXT", "DELETE FROM t WHERE k < '3'", .exact),
    ("rows came", "TEXT", again(4), .exact),
    ("a row was written again", "TEXT", "INSERT OR REPLACE INTO t (k, a) VALUES (2, 'b')", .uncertain),
    ("a new row has the key of another", "TEXT", "DELETE FROM t WHERE k = 3; \(again(3))", .uncertain),
    ("a row without a value was written again", "TEXT", "DELETE FROM t WHERE k = 1; \(again(1))", .exact),
  ]
  private static func again(_ key: Int) -> String { "INSERT INTO t (k, a) VALUES (\(key), 'n')" }

  @Test("of a retired column, whose values are in the rows themselves, when", arguments: retired)
  func retiredColumn(_ row: (sentence: String, key: String, since: String, word: Reversal.Word)) throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (k \(row.key) PRIMARY KEY, a, s DEFAULT 7); INSERT INTO t VALUES (1, 'a', 7), (2, 'b', 'y'), (3, 'c', 'z')"
    )
    let contract = try phase(.contract, "SELECT 1", down: "SELECT 1")
    let retiring = Phase(
      .contract, windows: contract.windows, up: contract.up, down: contract.down,
      retirements: [Retirement(table: "t", column: "s")])
    let catalog = try catalog([
      "0001-a": [retiring], "0002-b": [phase(.expand, "CREATE TABLE u (n)", down: "DROP TABLE u")],
    ])
    try database.run(.up(1), catalog)
    try database.run(row.since)
    var large = Options.test
    large.mostBytesCopied = 0
    for options in [Options.test, large] {
      #expect(try database.migrator(catalog, options).reversals().values.first?.word == row.word)
    }
    try database.run(.upAll, catalog)
    for options in [Options.test, large] {
      let reversals = try database.migrator(catalog, options).reversals()
      #expect(reversals.first { $0.key.description.hasPrefix("0001") }?.value.word == row.word)
    }
  }

  @Test("a way back that was blocked when the phase went up is asked again once rows are others")
  func blockedThen() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (k INTEGER PRIMARY KEY, a UNIQUE, b); INSERT INTO t VALUES (1, 'x', 7), (2, 'y', 7)")
    let catalog = try catalog([
      "0001-a": [phase(.expand, "CREATE TABLE u (n)", down: "DROP TABLE u; UPDATE t SET a = b")]
    ])
    try database.run(.upAll, catalog)
    var large = Options.test
    large.mostBytesCopied = 0
    func words() throws -> [Reversal.Word?] {
      try [Options.test, large].map { try database.migrator(catalog, $0).reversals().values.first?.word }
    }
    #expect(try words() == [.blocked, .blocked])
    try database.run("DELETE FROM t WHERE k = 2")
    #expect(try words() == [.lossy, .uncertain])
    try database.run(.downAll, catalog)
    #expect(try database.value("SELECT a FROM t") == .integer(7))
  }

  @Test("one that was blocked then, over more rows than are read, stays so until it is rehearsed")
  func blockedThenAmongManyRows() throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (k INTEGER PRIMARY KEY, a UNIQUE, b);
      WITH RECURSIVE i (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM i WHERE x <= \(TableContent.mostRowsRead))
        INSERT INTO t SELECT x, x, max(x, 2) FROM i;
      """)
    let catalog = try catalog([
      "0001-a": [phase(.expand, "CREATE TABLE u (n)", down: "DROP TABLE u; UPDATE t SET a = b")]
    ])
    try database.run(.upAll, catalog)
    var large = Options.test
    large.mostBytesCopied = 0
    let migrator = try database.migrator(catalog, large)
    try database.run("DELETE FROM t WHERE k = 2")
    #expect(try migrator.reversals().values.first?.word == .blocked)
    try migrator.record(try migrator.rehearseDown(.downAll))
    #expect(try migrator.reversals().values.first?.word == .lossy)
    try database.run(.downAll, catalog)
    #expect(try database.value("SELECT a FROM t WHERE k = 1") == .integer(2))
  }

  @Test("a way back for which there was no time says so")
  func outOfTime() throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try catalog([
      "0001-a": [
        phase(.contract, "UPDATE t SET a = upper(a)", down: Self.rebuilt("SELECT id, lower(a), b FROM t"))
      ]
    ])
    try database.run(.upAll, catalog)
    try database.run("UPDATE t SET a = 'NEW' WHERE id = 1")
    var options = Options.test
    options.mostTimeTried = .zero
    let note = "the time was over before its way back was tried"
    let hurried = try database.migrator(catalog, options).reversals().values.first
    #expect(hurried?.word == .uncertain)
    #expect(hurried?.notes.contains { $0.hasPrefix(note) } == true)
    let reversal = try database.migrator(catalog).reversals().values.first
    #expect(reversal?.notes.contains { $0.hasPrefix(note) } == false)
  }

  @Test(
    "one that looks at each row alone is exact when rows went",
    arguments: [
      "UPDATE t SET a = lower(a)", "UPDATE t SET a = NULL WHERE b IN ('one', 'two')",
      rebuilt("SELECT id, lower(a), b FROM t"), rebuilt("SELECT id, lower(a), b FROM t WHERE a > 'X'"),
    ])
  func rowByRow(_ down: String) throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try catalog(["0001-a": [phase(.contract, "UPDATE t SET a = upper(a)", down: down)]])
    try database.run(.upAll, catalog)
    try database.run("DELETE FROM t WHERE id = 1")
    #expect(try database.reversals() == ["0001-a/contract": ["exact"]])
  }

  @Test(
    "an archive that somebody changed is told by a plan and by verify, and stops a way down of several phases"
  )
  func altered() throws {
    let database = try TemporaryDatabase(Self.people + "CREATE TABLE x (y)")
    let catalog = try catalog([
      "0001-a": [phase(.contract, RestoringTests.dropB, down: Self.computing)],
      "0002-b": [phase(.contract, "DROP TABLE x", down: "CREATE TABLE x (y)")],
    ])
    try database.run(.upAll, catalog)
    #expect(try database.migrator(catalog).verify().isClean)
    try database.run("UPDATE phasedb_archive_1 SET v1 = 'x' WHERE k1 = 1")
    let before = try database.snapshot()
    let migrator = try database.migrator(catalog)
    let plan = try migrator.plan(.down(2))
    let told = plan.steps.map { plan.reversals[$0.id].map { $0.word == .blocked } }
    #expect(told == [false, true])
    #expect(migrationError { try migrator.run(plan) }?.id == .archiveAltered)
    let broken = try migrator.verify().checks.filter { $0.outcome == .broken }
    #expect(broken.map(\.title) == ["the archives are complete"])
    #expect(try database.snapshot() == before)
  }

  @Test("archives are measured, by pages where SQLite counts them")
  func sizes() throws {
    let database = try TemporaryDatabase(Self.people)
    try database.run(
      .upAll, catalog(["0001-a": [phase(.contract, RestoringTests.dropB, down: Self.computing)]]))
    let connection = try database.connect(.readOnly)
    let sizes = try Ledger(connection: connection).archives.all().compactMap {
      try ArchiveSize($0, on: connection)
    }
    #expect(sizes.map(\.rows) == [4])
    let pageSize = try #require(try connection.value("PRAGMA page_size")?.integer)
    #expect(sizes.allSatisfy { $0.bytes > 0 && ($0.isEstimate || $0.bytes.isMultiple(of: Int(pageSize))) })
  }

  // MARK: - Virtual tables

  static let virtual = [
    (
      "CREATE VIRTUAL TABLE f USING fts5 (a, b)",
      "INSERT INTO f (rowid, a, b) VALUES (7, 'one word', 'p'), (9, 'two', NULL)", "rowid, a, b"
    ),
    (
      "CREATE VIRTUAL TABLE f USING fts4 (a, b)",
      "INSERT INTO f (rowid, a, b) VALUES (7, 'one word', 'p'), (9, 'two', 'q')", "rowid, a, b"
    ),
    (
      "CREATE VIRTUAL TABLE f USING rtree (id, x0, x1)", "INSERT INTO f VALUES (7, 1.5, 2.5), (9, -1, 0)",
      "id, x0, x1"
    ),
  ]

  @Test("a dropped virtual table that has its rows in itself has them again", arguments: virtual)
  func virtualTable(_ definition: String, _ rows: String, _ columns: String) throws {
    let database = try TemporaryDatabase("\(definition); \(rows)")
    let content = "SELECT \(columns) FROM f ORDER BY 1"
    let before = try database.connect().rows(content)
    let catalog = try catalog(["0001-a": [phase(.contract, "DROP TABLE f", down: definition)]])
    try database.run(.upAll, catalog)
    #expect(try database.reversals() == ["0001-a/contract": ["exact"]])
    try database.run(.down(1), catalog)
    #expect(try database.connect().rows(content) == before)
    #expect(database.integrity() == "ok")
  }

  @Test("rows of one that are overwritten or deleted come back, too")
  func virtualRows() throws {
    let database = try TemporaryDatabase(
      "CREATE VIRTUAL TABLE f USING fts5 (a); INSERT INTO f (rowid, a) VALUES (1, 'one'), (2, 'two'), (3, 'three')"
    )
    let before = try database.connect().rows("SELECT rowid, a FROM f")
    let catalog = try catalog([
      "0001-a": [
        phase(
          .migrate, "UPDATE f SET a = 'x' WHERE rowid = 1; DELETE FROM f WHERE rowid = 2", down: "SELECT 1")
      ]
    ])
    try database.run(.upAll, catalog)
    try database.run(.down(1), catalog)
    #expect(try database.connect().rows("SELECT rowid, a FROM f ORDER BY rowid") == before)
    #expect(try database.value("SELECT rowid FROM f WHERE f MATCH 'two'") == 2)
  }

  @Test("one whose rows cannot be read is said to be lost")
  func unreadable() throws {
    let definition = "CREATE VIRTUAL TABLE t USING fts5 (a, content = '')"
    let database = try TemporaryDatabase("\(definition); INSERT INTO t (rowid, a) VALUES (1, 'one')")
    try database.run(.upAll, catalog(["0001-a": [phase(.contract, "DROP TABLE t", down: definition)]]))
    #expect(
      try database.reversals() == [
        "0001-a/contract": ["lossy t 1: its module cannot restore its rows"]
      ])
  }

  static let adoptions = [
    ("UPDATE t SET a = 'x'", "SELECT 1", ["lossy t.a ?: \(whyAdopted)"]),
    (RestoringTests.dropB, "ALTER TABLE t ADD b TEXT DEFAULT 'none'", ["lossy t.b ?: \(whyAdopted)"]),
    ("DELETE FROM t WHERE id = 1", "SELECT 1", ["lossy t ?: \(whyAdopted)"]),
    ("CREATE INDEX ta ON t (a)", "DROP INDEX ta", ["expected"]),
  ]
  static let whyAdopted = "the phase was adopted, so nothing that it removed was archived"

  @Test("a phase that was adopted has kept nothing", arguments: adoptions)
  func adopted(_ up: String, _ down: String, _ expected: [String]) throws {
    let database = try TemporaryDatabase(Self.people)
    try database.run(up)
    let catalog = try catalog(["0001-a": [phase(.contract, up, down: down)]], baseline: Self.people.baseline)
    try database.migrator(catalog).adopt(at: "0001/contract")
    #expect(try database.reversals() == ["0001-a/contract": expected])
  }
}

extension TemporaryDatabase {
  /// What is said of every applied phase, as ``Reversal/told``.
  ///
  /// - Parameter isLarge: whether nothing is run on a copy, as of a large database.
  func reversals(isLarge: Bool = true) throws -> [String: [String]] {
    let connection = try connect(.readOnly)
    let knowledge = try Knowledge(of: connection)
    let ledger = try #require(knowledge.ledger)
    let all = try Reversals(
      ledger, knowledge.applied, isInPlace: knowledge.isInPlace, schema: { () in knowledge.schema },
      evidence: try ledger.evidence.all(),
      copy: { () throws(MigrationError) in
        isLarge
          ? nil
          : try DownRun.inMemory(
            of: connection, upTo: Options().mostBytesCopied, within: Options().mostTimeTried,
            runner: .current, now: { .now })
      },
      on: connection
    ).all()
    return Dictionary(uniqueKeysWithValues: all.map { ($0.key.description, $0.value.told) })
  }
}

extension Reversal {
  /// Its word, and what stands behind it: one line each.
  var told: [String] {
    let lines =
      obstacles.map { "blocked: \($0.reason)" } + lost.map { "lossy \($0.told)" }
      + uncertain.map { "uncertain \($0.told)" }
    return lines.isEmpty ? [word.rawValue] : lines
  }
}

extension Reversal.AffectedRows {
  fileprivate var told: String { "\(subject) \(rows.map(String.init) ?? "?"): \(why)" }
}

extension String {
  /// Its first statement, which makes the table.
  fileprivate var baseline: String { String(prefix { $0 != ";" }) }
}
