import Foundation
import PhaseDB
import Testing

/// What is said of a way back before it begins, and what it then does, as an operator and the `sqlite3` shell see it.
@Suite("What is said of a way back")
struct ReversalWordsTests {
  struct Phase: Sendable {
    let id: String
    let up: String
    let down: String
    let directives: [String]

    init(_ id: String, up: String, down: String, _ directives: String...) {
      (self.id, self.up, self.down, self.directives) = (id, up, down, directives)
    }
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let before: String
    let phases: [Phase]
    /// What an application does between up and down.
    let traffic: String
    /// The word of each phase, first applied first, with a space between them.
    let words: [String]
    /// What stands behind the word of the last one: `t.c 1`, or the reason.
    let why: [String]
    /// What an operator types when the way down is refused, after which it goes through; ``printed`` for what stands on the
    /// screen.
    let wayOut: String?
    /// A query, and what it gives at the end.
    let query: String
    let rows: String

    init(
      _ sentence: String, _ before: String, _ phases: [Phase], since traffic: String = "",
      _ words: String, because why: [String] = [], wayOut: String? = nil, asking query: String,
      gives rows: String
    ) {
      testDescription = sentence
      (self.before, self.phases, self.traffic) = (before, phases, traffic)
      self.words = words.split(separator: " ").map(String.init)
      (self.why, self.wayOut, self.query, self.rows) = (why, wayOut, query, rows)
    }
  }

  /// The statement that is printed behind `for example`.
  static let printed = "for example: "

  static let people = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);"
  static let three = people + "INSERT INTO t VALUES (1, 'x', 'p'), (2, 'y', 'q'), (3, 'z', 'r');"
  static let dropB = Phase(
    "0001-a/contract", up: "ALTER TABLE t DROP COLUMN b;", down: "ALTER TABLE t ADD COLUMN b TEXT;")
  static let all = "SELECT * FROM t ORDER BY id"

  static func rebuilt(_ definition: String, _ columns: String = "id, n", _ rest: String = "") -> String {
    "CREATE TABLE f (\(definition)) \(rest); INSERT INTO f SELECT \(columns) FROM t; DROP TABLE t; ALTER TABLE f RENAME TO t;"
  }

  static let cases = [
    Case(
      "exact, when nobody wrote", three, [dropB], "exact", asking: all,
      gives: "1,'x','p'\n2,'y','q'\n3,'z','r'\n"),
    Case(
      "exact, when rows came and went and were edited where the way back has no say", three, [dropB],
      since:
        "UPDATE t SET a = 'new' WHERE id = 1; DELETE FROM t WHERE id = 2; INSERT INTO t (a) VALUES ('n')",
      "exact", asking: all, gives: "1,'new','p'\n3,'z','r'\n4,'n',NULL\n"),
    Case(
      "exact, when a row without a key comes back beside one that has its rowid now",
      "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x'), ('y'), ('z')",
      [Phase("0001-a/migrate", up: "DELETE FROM t WHERE a = 'z';", down: "SELECT 1;")],
      since: "INSERT INTO t VALUES ('new')", "exact", asking: "SELECT a FROM t ORDER BY a",
      gives: "'new'\n'x'\n'y'\n'z'\n"),
    Case(
      "exact, when a row was edited beside the column that the way back computes",
      people + "INSERT INTO t VALUES (1, 'X', 'p'), (2, 'Y', 'q')",
      [Phase("0001-a/migrate", up: "UPDATE t SET a = lower(a);", down: "UPDATE t SET a = upper(a);")],
      since: "UPDATE t SET b = 'new' WHERE id = 1", "exact", asking: all, gives: "1,'X','new'\n2,'Y','q'\n"),
    Case(
      "exact, when a row was edited in a column to which a rebuild gave another name", three,
      [
        Phase(
          "0001-a/contract", up: rebuilt("id INTEGER PRIMARY KEY, c TEXT, b TEXT", "id, a, b"),
          down: rebuilt("id INTEGER PRIMARY KEY, a TEXT, b TEXT", "id, c, b"))
      ],
      since: "UPDATE t SET c = 'new' WHERE id = 1; DELETE FROM t WHERE id = 2", "exact", asking: all,
      gives: "1,'new','p'\n3,'z','r'\n"),
    Case(
      "exact, right after two columns got other names", three,
      [
        Phase(
          "0001-a/expand", up: "ALTER TABLE t ADD COLUMN c TEXT; ALTER TABLE t ADD COLUMN d TEXT;",
          down: "ALTER TABLE t DROP COLUMN d; ALTER TABLE t DROP COLUMN c;"),
        Phase("0001-a/migrate", up: "UPDATE t SET c = a, d = b;", down: "UPDATE t SET a = c, b = d;"),
        Phase(
          "0001-a/contract", up: "ALTER TABLE t DROP COLUMN a; ALTER TABLE t DROP COLUMN b;",
          down: "ALTER TABLE t ADD COLUMN a TEXT; ALTER TABLE t ADD COLUMN b TEXT; UPDATE t SET a = c, b = d;"
        ),
      ], "exact exact exact", asking: all, gives: "1,'x','p'\n2,'y','q'\n3,'z','r'\n"),
    Case(
      "lossy by the row that the way up put there and the way down leaves", three,
      [Phase("0001-a/migrate", up: "INSERT INTO t VALUES (9, 'born', '');", down: "SELECT 1;")],
      "lossy", because: ["t 1"], asking: "SELECT id FROM t", gives: "1\n2\n3\n9\n"),
    Case(
      "lossy by the row whose key another one has taken", three,
      [Phase("0001-a/migrate", up: "DELETE FROM t WHERE id = 3;", down: "SELECT 1;")],
      since: "INSERT INTO t (a) VALUES ('new')", "lossy", because: ["t 1"],
      asking: "SELECT a FROM t WHERE id = 3",
      gives: "'new'\n"),
    Case(
      "lossy by the values that the application wrote and the way back writes over", three,
      [Phase("0001-a/migrate", up: "UPDATE t SET b = upper(a);", down: "UPDATE t SET b = NULL;")],
      since: "INSERT INTO t VALUES (4, 'w', 'own')", "lossy", because: ["t.b 1"], asking: all,
      gives: "1,'x','p'\n2,'y','q'\n3,'z','r'\n4,'w',NULL\n"),
    Case(
      "lossy by the rows that the application wrote and the way back deletes", three,
      [Phase("0001-a/migrate", up: "UPDATE t SET a = 'q';", down: "DELETE FROM t;")],
      since: "INSERT INTO t VALUES (4, 'w', 'own')", "lossy", because: ["t 1"], asking: all,
      gives: "1,'x','p'\n2,'y','q'\n3,'z','r'\n"),
    Case(
      "lossy by what triggers write on the way",
      three
        + "CREATE TABLE log (x); CREATE TRIGGER g AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (new.id); END",
      [Phase("0001-a/migrate", up: "UPDATE t SET a = upper(a);", down: "UPDATE t SET a = lower(a);")],
      "lossy", because: ["log 6"], asking: "SELECT count(*) FROM log", gives: "6\n"),
    Case(
      "lossy by the children whose parents were deleted",
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id)); INSERT INTO p VALUES (1), (2); INSERT INTO t VALUES (1, 1), (2, 2)",
      [
        Phase(
          "0001-a/contract", up: "DROP TABLE t;",
          down: "CREATE TABLE t (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id));")
      ],
      since: "DELETE FROM p WHERE id = 2", "lossy", because: ["t 1"], asking: all, gives: "1,1\n"),
    Case(
      "uncertain by the row that may be another one with the same key", three, [dropB],
      since: "DELETE FROM t WHERE id = 3; INSERT INTO t (a) VALUES ('Eve')", "uncertain",
      because: ["t.b 1"], asking: "SELECT a FROM t WHERE id = 3", gives: "'Eve'\n"),
    Case(
      "uncertain by the rows that changed and get what is computed", three,
      [
        Phase(
          "0001-a/contract", up: "ALTER TABLE t DROP COLUMN b;",
          down: "ALTER TABLE t ADD COLUMN b TEXT; UPDATE t SET b = upper(a);")
      ],
      since: "UPDATE t SET a = 'new' WHERE id = 1", "uncertain", because: ["t.b 1"], asking: all,
      gives: "1,'new','NEW'\n2,'y','q'\n3,'z','r'\n"),
    Case(
      "lossy by what the application wrote into a row that comes and goes with the phase", three,
      [
        Phase(
          "0001-a/migrate", up: "INSERT INTO t VALUES (9, 'new', 'n');", down: "DELETE FROM t WHERE id = 9;")
      ],
      since: "UPDATE t SET b = 'own' WHERE id = 9", "lossy", because: ["t.b 1"],
      asking: "SELECT count(*) FROM t", gives: "3\n"),
    Case(
      "uncertain by the row that the way down inserts where the application deleted one", three,
      [
        Phase(
          "0001-a/expand", up: "CREATE TABLE o (x);",
          down: "INSERT OR IGNORE INTO t VALUES (2, 'back', NULL); DROP TABLE o;")
      ],
      since: "DELETE FROM t WHERE id = 2", "uncertain", because: ["t 1"], asking: all,
      gives: "1,'x','p'\n2,'back',NULL\n3,'z','r'\n"),
    Case(
      "uncertain, when rows of an application go and the way up could not run again to tell", three,
      [
        Phase(
          "0001-a/contract",
          up: rebuilt(
            "id INTEGER PRIMARY KEY, a TEXT NOT NULL", "id, CASE WHEN (SELECT count(*) FROM t) > 1 THEN a END"
          ),
          down: rebuilt("id INTEGER PRIMARY KEY, a TEXT, b TEXT", "id, a, NULL", "").replacing(
            "FROM t;", with: "FROM t LIMIT 1;"))
      ],
      since: "DELETE FROM t; INSERT INTO t VALUES (4, 'mine'), (5, 'gone')", "uncertain", because: ["t 1"],
      asking: all, gives: "4,'mine',NULL\n"),
    Case(
      "uncertain, when the way back makes a row again that an application deleted",
      "CREATE TABLE t (k TEXT PRIMARY KEY, n); INSERT INTO t VALUES ('a', 1)",
      [
        Phase(
          "0001-a/migrate", up: "DELETE FROM t WHERE n = -3;",
          down: "INSERT OR IGNORE INTO t VALUES ('a', -3);")
      ],
      since: "DELETE FROM t", "uncertain", because: ["t 1"], asking: "SELECT * FROM t", gives: "'a',-3\n"),
    Case(
      "lossy by what an application wrote, beside values that the way up takes from chance",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, n); INSERT INTO t VALUES (1, NULL)",
      [Phase("0001-a/migrate", up: "UPDATE t SET n = random();", down: "UPDATE t SET n = NULL;")],
      since: "INSERT INTO t VALUES (2, 5)", "lossy", because: ["t.n 1"], asking: all,
      gives: "1,NULL\n2,NULL\n"),
    Case(
      "blocked, when the way down of an expand does not run", three,
      [Phase("0001-a/expand", up: "ALTER TABLE t ADD COLUMN c;", down: "DROP TABLE missing;")], "blocked",
      because: ["no such table: missing"], asking: "SELECT count(*) FROM pragma_table_info('t')", gives: "4\n"
    ),
    Case(
      "blocked, when the way down of an expand leads nowhere", three,
      [Phase("0001-a/expand", up: "ALTER TABLE t ADD COLUMN c;", down: "SELECT 1;")], "blocked",
      because: ["it does not lead back to the schema before the phase"],
      asking: "SELECT count(*) FROM pragma_table_info('t')", gives: "4\n"),
    Case(
      "blocked by a value of another type",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER) STRICT; INSERT INTO t VALUES (1, 5)",
      [
        Phase(
          "0001-a/contract", up: rebuilt("id INTEGER PRIMARY KEY, n"),
          down: rebuilt("id INTEGER PRIMARY KEY, n INTEGER", "id, n", "STRICT"))
      ],
      since: "INSERT INTO t VALUES (2, 'word 7')", "blocked",
      because: ["present rows break the type INTEGER of n of t", "id = 2"],
      wayOut: "UPDATE t SET n = 7 WHERE id = 2", asking: all, gives: "1,5\n2,7\n"),
    Case(
      "blocked by a key of another type",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, n); INSERT INTO t VALUES (1, 5)",
      [
        Phase(
          "0001-a/contract", up: rebuilt("id TEXT PRIMARY KEY, n"), down: rebuilt("id INTEGER PRIMARY KEY, n")
        )
      ],
      since: "INSERT INTO t VALUES ('abc', 6)", "blocked", because: ["datatype mismatch", "id = 'abc'"],
      wayOut: "DELETE FROM \"t\" WHERE id = 'abc'", asking: all, gives: "1,5\n"),
    Case(
      "blocked by a value that the way back computes and a CHECK forbids",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER CHECK (b > 0)); INSERT INTO t VALUES (1, 5, 5)",
      [
        Phase(
          "0001-a/contract", up: rebuilt("id INTEGER PRIMARY KEY, a INTEGER", "id, a"),
          down: rebuilt("id INTEGER PRIMARY KEY, a INTEGER, b INTEGER CHECK (b > 0)", "id, a, a"))
      ],
      since: "INSERT INTO t VALUES (2, -5), (3, 8)", "blocked",
      because: ["CHECK constraint failed: b > 0", "id = 2"], wayOut: "DELETE FROM \"t\" WHERE id = 2",
      asking: all,
      gives: "1,5,5\n3,8,8\n"),
    Case(
      "blocked by a row whose key has a line break, in a column that is called as a keyword",
      "CREATE TABLE t (\"order\" TEXT PRIMARY KEY, k CHECK (k > 0)); INSERT INTO t VALUES ('a', 5)",
      [
        Phase(
          "0001-a/contract", up: rebuilt("\"order\" TEXT PRIMARY KEY, k", "\"order\", k"),
          down: rebuilt("\"order\" TEXT PRIMARY KEY, k CHECK (k > 0)", "\"order\", k + 0"))
      ],
      since: "INSERT INTO t VALUES ('a' || char(10) || 'b', -1)", "blocked",
      because: ["CHECK constraint failed: k > 0", "\"order\" = CAST(x'610a62' AS TEXT)"],
      wayOut: "DELETE FROM \"t\" WHERE \"order\" = CAST(x'610a62' AS TEXT)", asking: "SELECT * FROM t",
      gives: "'a',5\n"),
    Case(
      "blocked by rows that are equal where an index was unique", three + "CREATE UNIQUE INDEX u ON t (a)",
      [Phase("0001-a/contract", up: "DROP INDEX u;", down: "CREATE UNIQUE INDEX u ON t (a);")],
      since: "INSERT INTO t VALUES (4, 'x', '')", "blocked",
      because: ["present rows break UNIQUE (a) of t", "id = 1", "id = 4"],
      wayOut: "DELETE FROM t WHERE id = 4", asking: "SELECT count(*) FROM t", gives: "3\n"),
    Case(
      "blocked by a row that has the place of one that comes back",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
      [Phase("0001-a/migrate", up: "DELETE FROM t WHERE id = 2;", down: "SELECT 1;")],
      since: "INSERT INTO t VALUES (3, 'y')", "blocked",
      because: [
        "present rows break UNIQUE (a), with rows that come back, of t",
        "id = 3",
      ],
      wayOut: "UPDATE t SET a = 'other' WHERE id = 3", asking: all, gives: "1,'x'\n2,'y'\n3,'other'\n"),
    Case(
      "blocked by present rows without parents where a reference comes back",
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER REFERENCES p (id)); INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1)",
      [
        Phase(
          "0001-a/contract", up: rebuilt("id INTEGER PRIMARY KEY, n INTEGER"),
          down: rebuilt("id INTEGER PRIMARY KEY, n INTEGER REFERENCES p (id)"))
      ],
      since: "INSERT INTO t VALUES (2, 7)", "blocked",
      because: ["it leaves 1 row without a parent", "t rowid 2: no parent in p"],
      wayOut: "INSERT INTO \"p\" (\"id\") VALUES (7);", asking: all, gives: "1,1\n2,7\n"),
    Case(
      "blocked by a trigger that refuses a row, which is found",
      three
        + "CREATE TRIGGER no BEFORE UPDATE ON t WHEN new.a = 'locked' BEGIN SELECT RAISE(ABORT, 'no'); END",
      [Phase("0001-a/migrate", up: "UPDATE t SET b = b || '!';", down: "UPDATE t SET b = 'p';")],
      since: "INSERT INTO t VALUES (7, 'locked', 'r')", "blocked", because: ["no", "id = 7"],
      wayOut: printed, asking: "SELECT count(*) FROM t", gives: "3\n"),
    Case(
      "blocked by a value that a function refuses, in a table without rowids",
      "CREATE TABLE t (id TEXT PRIMARY KEY, a, b) WITHOUT ROWID; INSERT INTO t VALUES ('x', '[1]', 1), ('y', '[2]', 2)",
      [
        Phase(
          "0001-a/migrate", up: "UPDATE t SET b = b + 1;", down: "UPDATE t SET b = json_extract(a, '$[0]');")
      ],
      since: "INSERT INTO t VALUES ('it''s', '{', 3)", "blocked",
      because: ["malformed JSON", "id = 'it''s'"], wayOut: printed, asking: "SELECT id, b FROM t",
      gives: "'x',1\n'y',2\n"),
    Case(
      "blocked by one of many rows, in batches",
      people
        + "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO t SELECT i, '[1]', 1 FROM n",
      [
        Phase(
          "0001-a/migrate", up: "UPDATE t SET b = 2 WHERE id BETWEEN :first AND :last;",
          down: "UPDATE t SET b = json_extract(a, '$[0]') WHERE id BETWEEN :first AND :last;", "@batch t")
      ],
      since: "UPDATE t SET a = '{' WHERE id = 301", "blocked",
      because: ["malformed JSON", "id = 301"], wayOut: printed,
      asking: "SELECT count(*), sum(b) FROM t", gives: "399,399\n"),
    Case(
      "blocked by rows that break a constraint, below other phases",
      people.replacing("b TEXT", with: "b TEXT NOT NULL") + "INSERT INTO t VALUES (1, 'x', 'p')",
      [
        Phase(
          "0001-a/contract", up: rebuilt("id INTEGER PRIMARY KEY, a, b", "*"),
          down: rebuilt("id INTEGER PRIMARY KEY, a TEXT, b TEXT NOT NULL", "*")),
        Phase("0002-b/expand", up: "CREATE TABLE u (a);", down: "DROP TABLE u;"),
      ], since: "INSERT INTO t VALUES (2, 'y', NULL)", "blocked exact", wayOut: printed,
      asking: all, gives: "1,'x','p'\n"),
    Case(
      "exact where a new row took the rowid of a deleted one and is deleted, too",
      "CREATE TABLE t (code, b); INSERT INTO t VALUES ('k1', NULL), ('k2', NULL), ('k3', 9), ('k4', 9)",
      [
        Phase(
          "0001-a/migrate", up: "DELETE FROM t WHERE b IS NOT NULL; INSERT INTO t (code) VALUES ('k6');",
          down: "DELETE FROM t WHERE code = 'k6';")
      ], since: "DELETE FROM t WHERE code = 'k6'", "exact", asking: "SELECT rowid, * FROM t",
      gives: "1,'k1',NULL\n2,'k2',NULL\n3,'k3',9\n4,'k4',9\n"),
    Case(
      "uncertain where rows are updated, too, so that it may have been a row from before",
      "CREATE TABLE t (code, b); INSERT INTO t VALUES ('k1', NULL), ('k2', NULL), ('k3', 9), ('k4', 9)",
      [
        Phase(
          "0001-a/migrate",
          up:
            "UPDATE t SET b = 0 WHERE b IS NULL; DELETE FROM t WHERE b > 0; INSERT INTO t (code) VALUES ('k6');",
          down: "DELETE FROM t WHERE code = 'k6';")
      ], since: "DELETE FROM t WHERE code = 'k6'", "uncertain", because: ["t 1"],
      asking: "SELECT rowid, * FROM t", gives: "1,'k1',NULL\n2,'k2',NULL\n4,'k4',9\n"),
    Case(
      "exact of batches whose rows had no parent before",
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 9), (2, 1)",
      [
        Phase(
          "0001-a/migrate", up: "UPDATE t SET p = 1 WHERE id BETWEEN :first AND :last;",
          down: "UPDATE t SET p = NULL WHERE id BETWEEN :first AND :last;", "@batch t")
      ], "exact", asking: all, gives: "1,9\n2,1\n"),
    Case(
      "exact of the same rows in one transaction",
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 9), (2, 1)",
      [Phase("0001-a/migrate", up: "UPDATE t SET p = 1;", down: "UPDATE t SET p = NULL;")], "exact",
      asking: all, gives: "1,9\n2,1\n"),
    Case(
      "exact where the phase inserted a row whose number SQLite gave, and an application another one",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')",
      [
        Phase(
          "0001-a/migrate", up: "INSERT INTO t (a) VALUES ('seed');", down: "DELETE FROM t WHERE a = 'seed';")
      ],
      since: "INSERT INTO t (a) VALUES ('mine')", "exact", asking: all, gives: "1,'x'\n3,'mine'\n"),
    Case(
      "lossy where the application inserted a row that is equal to it",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')",
      [
        Phase(
          "0001-a/migrate", up: "INSERT INTO t (a) VALUES ('seed');", down: "DELETE FROM t WHERE a = 'seed';")
      ],
      since: "DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (9, 'seed')", "lossy", because: ["t 1"],
      asking: all,
      gives: "1,'x'\n"),
    Case(
      "uncertain where a rebuild copies a row that the way down made, in place of one that is gone",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')",
      [
        Phase(
          "0001-a/contract",
          up: rebuilt("id INTEGER PRIMARY KEY, a ANY", "id, a") + "DELETE FROM t WHERE id = 6;",
          down: "INSERT OR IGNORE INTO t VALUES (6, 'y');"
            + rebuilt("id INTEGER PRIMARY KEY, a", "id, a").replacing("FROM t;", with: "FROM t LIMIT 1;"))
      ], since: "DELETE FROM t", "uncertain", because: ["t 1"], asking: all, gives: "6,'y'\n"),
  ]

  @Test("is said alike by status, plan and library, and comes true:", arguments: cases)
  func said(_ row: Case) throws {
    let site = try Site()
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    for phase in row.phases {
      try site.phase(
        phase.id, up: phase.up, down: phase.down, window: "app >=1.0", directives: phase.directives)
    }
    try site.sqlite(row.before)
    let up = try site.phasedb("up -d shop.db --live app@1.5")
    try #require(up.code == 0, "\(up.summary)")
    if !row.traffic.isEmpty { try site.sqlite(row.traffic) }

    let reversals = try reversals(site)
    #expect(row.phases.map { reversals[$0.id]?.word.rawValue } == row.words, "\(reversals)")
    if let last = row.phases.last.flatMap({ reversals[$0.id] }) { #expect(last.why == row.why, "\(last)") }
    let status = try told(site.phasedb("status -d shop.db --format json"), "phases")
    let plan = try told(site.phasedb("plan down --all -d shop.db --format json"), "steps")
    #expect(status == plan && status.map(\.word).sorted() == row.words.sorted())

    let isBlocked = row.words.contains("blocked")
    let shown = try site.phasedb("plan down --all -d shop.db").output
    for advice in [
      "start      once it is open: phasedb down", "next: open what is blocked, then: phasedb down",
    ] {
      #expect(shown.contains(advice) == isBlocked, "\(shown)")
    }
    let down = try site.phasedb("down --all -d shop.db --live app@1.5")
    #expect((down.code == 0) != isBlocked, "\(down.summary)")
    #expect(!down.errors.contains("correct the"), "\(down.summary)")
    if let wayOut = row.wayOut {
      try site.sqlite(
        wayOut == Self.printed
          ? try #require(shown.split(separator: Self.printed).last?.split(separator: "\n").first).description
          : wayOut)
      let again = try site.phasedb("down --all -d shop.db --live app@1.5")
      #expect(again.code == 0, "\(again.summary)")
    }
    #expect(try site.sqlite(row.query) == row.rows)
  }

  /// What the library says.
  private func reversals(_ site: Site) throws -> [String: Reversal] {
    let migrator = try Migrator(
      database: site.path("shop.db"), catalog: Catalog(folder: site.path("migrations")), access: .reading)
    return Dictionary(
      uniqueKeysWithValues: try migrator.reversals().map { ($0.key.description, $0.value) })
  }

  struct Told: Equatable {
    let phase: String
    let word: String
    let lost: [String]
  }

  /// What a command says in JSON, in the order of the phases.
  private func told(_ outcome: Outcome, _ key: String) throws -> [Told] {
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let phases = try #require(json[key] as? [[String: Any]])
    return phases.map { phase in
      let reversal = phase["reversal"] as? [String: Any]
      let lost = ["lost", "uncertain", "obstacles"].flatMap { reversal?[$0] as? [[String: Any]] ?? [] }
      return Told(
        phase: phase["phase"] as? String ?? "", word: reversal?["verdict"] as? String ?? "",
        lost: lost.map { "\($0["table"] ?? $0["reason"] ?? "") \($0["rows"] ?? "")" })
    }.sorted { $0.phase < $1.phase }
  }

  @Test("a phase is uncertain below one that may delete its changed rows by chance, however that falls")
  func belowChance() throws {
    let site = try Site()
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    let upper = Self.dropB.down + "UPDATE t SET b = upper(a) WHERE b IS NULL;"
    try site.phase(Self.dropB.id, up: Self.dropB.up, down: upper, window: "app >=1.0")
    try site.phase(
      "0002-b/migrate", up: "INSERT INTO u VALUES (1);",
      down: "DELETE FROM u; DELETE FROM t WHERE random() > 0;", window: "app >=1.0")
    try site.sqlite(Self.three + "CREATE TABLE u (n)")
    try #require(site.phasedb("up -d shop.db --live app@1.5").code == 0)
    try site.sqlite("UPDATE t SET a = 'new' WHERE id = 1")
    for _ in 0..<8 { #expect(try reversals(site)[Self.dropB.id]?.word == .uncertain) }
  }

  @Test("advice for one of several phases goes exactly as far as the phases that can come down")
  func advice() throws {
    let site = try Site()
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    try site.table("u", in: "0001-a/expand")
    try site.phase(
      "0002-b/contract", up: Self.rebuilt("id INTEGER PRIMARY KEY, a TEXT", "id, a"),
      down: Self.rebuilt("id INTEGER PRIMARY KEY, a TEXT NOT NULL", "id, a"), window: "app >=1.0")
    try site.table("v", in: "0003-c/expand")
    try site.table("w", in: "0004-d/expand")
    try site.sqlite("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL); INSERT INTO t VALUES (1, 'x')")
    try #require(site.phasedb("up -d shop.db --live app@1.5 --live storefront@1.5").code == 0)
    try site.sqlite("INSERT INTO t VALUES (2, NULL)")
    let plan = try site.phasedb("plan down --all -d shop.db").output
    #expect(plan.contains("see what blocks 0002/contract: phasedb plan down 3 -d shop.db"), "\(plan)")
    #expect(
      try site.phasedb("plan down 3 -d shop.db").output.contains("for example: DELETE FROM t WHERE id = 2"))
    let open = try site.phasedb("plan down 2 -d shop.db").output
    #expect(open.contains("next: phasedb down 2 -d shop.db"), "\(open)")
    let down = try site.phasedb("down --all -d shop.db --live app@1.5 --live storefront@1.5")
    #expect(down.code == 2)
    #expect(
      down.errors.contains("or go no further than the phase above it: phasedb down 2 -d shop.db"),
      "\(down.errors)")
    let above = try site.phasedb("down 2 -d shop.db --live app@1.5 --live storefront@1.5")
    #expect(above.code == 0, "\(above.summary)")
  }

  @Test("a rehearsal of the way down shows what comes back, and holds while the rows stay as they are")
  func rehearsal() throws {
    let site = try Site()
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    try site.phase(Self.dropB.id, up: Self.dropB.up, down: Self.dropB.down, window: "app >=1.0")
    try site.sqlite(Self.three)
    try #require(site.phasedb("up -d shop.db --live app@1.5").code == 0)
    let before = try site.sqlite(Self.all.replacing("*", with: "id, a"))
    let rehearsal = try site.phasedb("rehearse down -d shop.db")
    #expect(rehearsal.code == 0, "\(rehearsal.summary)")
    #expect(rehearsal.output.contains("t: 3 rows come back\n"))
    #expect(try site.sqlite(Self.all.replacing("*", with: "id, a")) == before)
    #expect(
      try site.sqlite("SELECT means, verdict FROM phasedb_way_down WHERE means = 'rehearsal'")
        == "'rehearsal','exact'\n")
    #expect(!(try site.phasedb("plan down -d shop.db").output.contains("never rehearsed")))
    #expect(try site.phasedb("rehearse down --to 0001 -d shop.db").output.contains("nothing to rehearse"))
    for line in ["rehearse 0001 2", "rehearse --all", "rehearse down --evidence x", "rehearse down 1 --all"] {
      #expect(try site.phasedb("\(line) -d shop.db").code == 64, "\(line)")
    }
  }

  @Test(
    "a rehearsal that lost rows holds its phase whatever evidence is asked for, until somebody says why not")
  func known() throws {
    let site = try Site()
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    try site.table("u", in: "0001-a/expand")
    try site.sqlite(Self.three)
    try #require(site.phasedb("up -d shop.db --live app@1.5").code == 0)
    try site.phase(
      "0002-b/migrate", up: "INSERT INTO t (a) VALUES ('born');", down: "SELECT 1;", window: "app >=1.0")
    #expect(try site.phasedb("rehearse -d shop.db").code == 1)
    let held = try site.phasedb("up -d shop.db --live app@1.5")
    #expect(held.output.contains("in the rehearsal of"), "\(held.summary)")
    #expect(try site.sqlite("SELECT count(*) FROM t") == "3\n")
    // Rows that are there already do not differ, and that does not outvote what was seen.
    let passed = try site.run(
      try BuiltProgram.path(), "up", "-d", "shop.db", "--live", "app@1.5", "--override", "evidence",
      "--reason",
      "seen")
    #expect(passed.code == 0, "\(passed.summary)")
    #expect(try site.sqlite("SELECT count(*) FROM t") == "4\n")
  }

  @Test("one phase is rehearsed in the order in which it would go up, and that counts as its evidence")
  func order() throws {
    let site = try Site()
    try site.table("a", in: "0001-a/expand")
    try site.phase(
      "0002-b/contract", up: "ALTER TABLE t DROP COLUMN b;", down: "ALTER TABLE t ADD COLUMN b TEXT;",
      window: "app >=1.0", directives: ["@soak 1d"])
    try site.table("c", in: "0003-c/expand")
    try site.table("d", in: "0004-d/expand")
    try site.sqlite(Self.three)
    try #require(
      site.phasedb("up --to 0001 -d shop.db --live app@1.5 --live storefront@1.5").code == 0)
    let rehearsal = try site.phasedb("rehearse 0002/contract -d shop.db --allow-empty")
    #expect(rehearsal.code == 0, "\(rehearsal.summary)")
    let up = try site.phasedb("up --to 0002/contract -d shop.db --live app@1.5")
    #expect(up.code == 0, "\(up.summary)")
  }

  @Test("a migrate phase that fills what its expand made has rows to be rehearsed on")
  func filled() throws {
    let site = try Site()
    try site.phase(
      "0001-a/expand", up: "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT);", down: "DROP TABLE n;",
      window: "app >=1.0")
    try site.phase(
      "0001-a/migrate", up: "INSERT INTO n SELECT id, a FROM t;", down: "DELETE FROM n;", window: "app >=1.0")
    try site.sqlite(Self.three)
    let rehearsal = try site.phasedb("rehearse -d shop.db")
    #expect(rehearsal.code == 0, "\(rehearsal.summary)")
  }
}

extension Reversal {
  /// What stands behind the word, without the sentences.
  fileprivate var why: [String] {
    obstacles.flatMap { obstacle in
      ([obstacle.reason] + obstacle.rows.prefix(2)).map(\.raw).filter {
        !$0.hasPrefix("~") && !$0.hasPrefix(" ")
      }
    }
      + (lost + uncertain).map { "\($0.subject) \($0.rows.map(String.init) ?? "?")" }
  }
}
