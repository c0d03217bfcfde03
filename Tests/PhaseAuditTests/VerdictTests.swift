import PhaseAudit
import PhaseDB
import Testing

/// What is true of a way down, from the SQL of both ways alone.
struct VerdictTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Migrations before the one that is judged.
    var before: [String] = []
    let up: String
    let down: String?
    let verdict: AuditVerdict
    /// What the first reason says.
    var why = ""

    init(
      _ testDescription: String, before: [String] = [], up: String, down: String?, _ verdict: AuditVerdict,
      _ why: String = ""
    ) {
      self.testDescription = testDescription
      self.before = before
      self.up = up
      self.down = down
      self.verdict = verdict
      self.why = why
    }
  }

  static let people = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age TEXT)"

  static let cases = [
    Case("a table that is made and dropped", up: people, down: "DROP TABLE people", .returns),
    Case(
      "a column that is added and dropped", before: [people], up: "ALTER TABLE people ADD COLUMN x TEXT",
      down: "ALTER TABLE people DROP COLUMN x", .returns),
    Case(
      "a table that is built anew in both directions", before: [people],
      up: """
        CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age TEXT, x TEXT DEFAULT 'n');
        INSERT INTO new (id, name, age) SELECT id, name, age FROM people; DROP TABLE people;
        ALTER TABLE new RENAME TO people
        """,
      down: """
        CREATE TABLE old (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age TEXT);
        INSERT INTO old SELECT id, name, age FROM people; DROP TABLE people; ALTER TABLE old RENAME TO people
        """, .returns),
    Case(
      "a trigger in other lines and other case",
      before: [people, "CREATE TRIGGER t AFTER DELETE ON people BEGIN SELECT 1; END"],
      up: "DROP TRIGGER t", down: "create trigger \"t\"\n  after delete on people\nbegin\n  select 1;\nend",
      .returns),
    Case(
      "a default in parentheses", before: ["CREATE TABLE t (a INTEGER DEFAULT 1, b TEXT)"],
      up: "DROP TABLE t", down: "CREATE TABLE t (a INTEGER DEFAULT (1), b TEXT DEFAULT NULL)", .rowsDiffer,
      "4 rows of t"),
    Case(
      "the clock and chance in defaults", before: ["CREATE TABLE t (a INTEGER PRIMARY KEY)"],
      up: "CREATE TABLE u AS SELECT a, random() AS r, CURRENT_TIMESTAMP AS c FROM t", down: "DROP TABLE u",
      .returns),
    Case(
      "rows that a migration puts in and takes out", before: [people],
      up: "INSERT INTO people (id, name) VALUES (1, 'root')", down: "DELETE FROM people WHERE id = 1",
      .returns),
    Case(
      "a counter that a rebuild loses",
      before: ["CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT)"],
      up:
        "CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT); INSERT INTO b SELECT * FROM a; DROP TABLE a; ALTER TABLE b RENAME TO a",
      down: "SELECT 1", .returns, "AUTOINCREMENT of a"),
    Case(
      "a counter that a rebuild takes along",
      before: ["CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT)"],
      up: "ALTER TABLE a ADD COLUMN y",
      down: """
        CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT); INSERT INTO b SELECT id, x FROM a;
        DELETE FROM sqlite_sequence WHERE name = 'b';
        INSERT INTO sqlite_sequence (name, seq) SELECT 'b', seq FROM sqlite_sequence WHERE name = 'a';
        DROP TABLE a; ALTER TABLE b RENAME TO a
        """, .returns),
    Case(
      "a row of a table without a key",
      before: ["CREATE TABLE log (at TEXT, what TEXT)", "DELETE FROM log WHERE what = '008'"],
      up:
        "CREATE TABLE n (at TEXT, what TEXT, x); INSERT INTO n SELECT at, what, 1 FROM log; DROP TABLE log; ALTER TABLE n RENAME TO log",
      down: "ALTER TABLE log DROP COLUMN x", .returns),
    Case(
      "a column that comes back at the end",
      before: ["CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c TEXT)"],
      up: "ALTER TABLE t RENAME COLUMN b TO d",
      down: "ALTER TABLE t ADD COLUMN b TEXT; UPDATE t SET b = d; ALTER TABLE t DROP COLUMN d", .orderOnly),
    Case(
      "a column that comes back empty", before: [people], up: "ALTER TABLE people DROP COLUMN age",
      down: "ALTER TABLE people ADD COLUMN age TEXT", .rowsDiffer, "of people are gone or changed"),
    Case(
      "leading zeros that a number does not keep", before: [people],
      up:
        "ALTER TABLE people ADD COLUMN n INTEGER; UPDATE people SET n = age; ALTER TABLE people DROP COLUMN age",
      down:
        "ALTER TABLE people ADD COLUMN age TEXT; UPDATE people SET age = n; ALTER TABLE people DROP COLUMN n",
      .rowsDiffer),
    Case(
      "an index that is forgotten", before: [people, "CREATE INDEX by_name ON people (name)"],
      up: "DROP INDEX by_name", down: "CREATE INDEX by_age ON people (age)", .otherSchema, "index by_name"),
    Case(
      "NOT NULL that does not come back", before: [people],
      up:
        "ALTER TABLE people ADD COLUMN b TEXT; UPDATE people SET b = name; ALTER TABLE people DROP COLUMN name; ALTER TABLE people RENAME b TO name",
      down: "UPDATE people SET name = name", .otherSchema, "column people.name loses NOT NULL"),
    Case(
      "a down that SQLite refuses", up: people, down: "DROP TABLE persons", .doesNotRun,
      "no such table: persons"),
    Case(
      "a down that only an empty database takes", before: [people],
      up: "ALTER TABLE people DROP COLUMN name", down: "ALTER TABLE people ADD COLUMN name TEXT NOT NULL",
      .doesNotRun, "fails with rows"),
    Case(
      "an up that SQLite refuses", up: "CREATE TABLE t (a,)", down: "DROP TABLE t", .doesNotRun, "its way up"),
    Case(
      "a flag that is set and cleared",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, on_sale BOOLEAN NOT NULL DEFAULT 0)"],
      up: "UPDATE t SET on_sale = 1", down: "UPDATE t SET on_sale = 0", .rowsDiffer),
    Case(
      "a word that rows had before", before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, state TEXT NOT NULL)"],
      up: "UPDATE t SET state = 'active' WHERE state = 'draft'",
      down: "UPDATE t SET state = 'draft' WHERE state = 'active'", .rowsDiffer, "of t "),
    Case(
      "rows that two conditions find", before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER)"],
      up: "DELETE FROM t WHERE a <> 'x' AND b IS NULL", down: "SELECT 1", .rowsDiffer),
    Case(
      "what a migration puts in itself was not there before",
      before: ["CREATE TABLE roles (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"],
      up: "INSERT INTO roles (name) VALUES ('admin')", down: "DELETE FROM roles WHERE name = 'admin'",
      .returns),
    Case(
      "two words that change places", before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, state TEXT)"],
      up: "UPDATE t SET state = CASE state WHEN 'a' THEN 'b' WHEN 'b' THEN 'a' ELSE state END",
      down: "UPDATE t SET state = CASE state WHEN 'a' THEN 'b' WHEN 'b' THEN 'a' ELSE state END", .returns),
    Case(
      "a view with the other sign for unequal",
      before: [people, "CREATE VIEW v AS SELECT id FROM people WHERE name != 'x'"],
      up: "DROP VIEW v", down: "CREATE VIEW v AS SELECT id FROM people WHERE (name <> 'x')", .returns),
    Case(
      "a view whose column takes its name from the sign",
      before: [people, "CREATE VIEW v AS SELECT name != 'x' FROM people"], up: "DROP VIEW v",
      down: "CREATE VIEW v AS SELECT name <> 'x' FROM people", .otherSchema, "view v"),
    Case(
      "a CHECK with parentheses that change nothing",
      before: ["CREATE TABLE t (a INTEGER, b INTEGER, CHECK (a > 1 AND b > 2 OR a = b))"],
      up: "ALTER TABLE t RENAME TO u",
      down:
        "CREATE TABLE t (a INTEGER, b INTEGER, CHECK (((a > 1) AND (b > 2)) OR (a == b))); INSERT INTO t SELECT * FROM u; DROP TABLE u",
      .returns),
    Case(
      "a CHECK with parentheses that change something",
      before: ["CREATE TABLE t (a INTEGER, b INTEGER, CHECK (a > 1 AND (b > 2 OR a = b)))"],
      up: "ALTER TABLE t RENAME TO u",
      down:
        "CREATE TABLE t (a INTEGER, b INTEGER, CHECK (a > 1 AND b > 2 OR a = b)); INSERT INTO t SELECT * FROM u; DROP TABLE u",
      .otherSchema, "CHECK"),
    Case(
      "a WHEN and an index with parentheses that change nothing",
      before: [
        people,
        "CREATE TRIGGER t AFTER DELETE ON people WHEN old.age != 'x' AND old.id > 1 BEGIN SELECT 1; END",
        "CREATE INDEX i ON people (name) WHERE age > 'a' AND id > 3",
      ], up: "DROP TRIGGER t; DROP INDEX i",
      down:
        "CREATE TRIGGER t AFTER DELETE ON people WHEN (old.age <> 'x') AND (old.id > 1) BEGIN SELECT 1; END; CREATE INDEX i ON people (name) WHERE (age > 'a') AND ((id > 3))",
      .returns),
    Case(
      "rows beside those that a new CHECK refuses",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)"],
      up:
        "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT CHECK (a > '')); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t",
      down:
        "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO n SELECT * FROM t LIMIT 3; DROP TABLE t; ALTER TABLE n RENAME TO t",
      .rowsDiffer),
    Case(
      "rows after a migration that none could be there for",
      before: [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", "CREATE TABLE u (b)",
        "CREATE TABLE n (b CHECK (b IS NULL AND b IS NOT NULL)); INSERT INTO n SELECT * FROM u; DROP TABLE u; ALTER TABLE n RENAME TO u",
      ], up: "UPDATE t SET a = 'x'", down: "SELECT 1", .rowsDiffer),
    Case("a down without a statement", up: people, down: "-- nothing\n;", .empty),
    Case("no down", up: people, down: nil, .absent),
    Case(
      "a function of the application", before: [people], up: "UPDATE people SET name = slug(name)",
      down: "SELECT 1", .notJudged, "slug"),
    Case("another database", up: "ATTACH 'other.db' AS o", down: "DETACH o", .notJudged, "attaches"),
    Case("an extension", up: "SELECT load_extension('x')", down: "SELECT 1", .notJudged),
    Case(
      "writable_schema", up: "PRAGMA writable_schema = ON", down: "SELECT 1", .notJudged, "writable_schema"),
    Case(
      "a statement without an end",
      up:
        "CREATE TABLE t AS WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) AS n FROM c",
      down: "DROP TABLE t", .notJudged, "stopped"),
    Case(
      "a table that fills the memory",
      up:
        "CREATE TABLE t AS WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT zeroblob(1000000) AS n FROM c",
      down: "DROP TABLE t", .notJudged, "stopped"),
    Case("a command of the shell", up: ".read other.sql", down: "DROP TABLE t", .doesNotRun),
    Case(
      "a down that makes its up impossible", before: [people], up: "CREATE TABLE t (a)",
      down: "ALTER TABLE t RENAME TO u", .otherSchema),
  ]

  /// A table that is built anew with other columns.
  private static func rebuilt(
    _ columns: String, _ list: String, from select: String? = nil, _ tail: String = ""
  )
    -> String
  {
    """
    CREATE TABLE n (\(columns)); INSERT INTO n (\(list)) SELECT \(select ?? list) FROM t\(tail);
    DROP TABLE t; ALTER TABLE n RENAME TO t
    """
  }

  private static func rebuilding(
    _ what: String, _ table: String, _ columns: String, _ list: String, _ verdict: AuditVerdict,
    _ why: String = ""
  ) -> Case {
    Case(
      what, before: ["CREATE TABLE t \(table)"], up: "ALTER TABLE t ADD COLUMN added TEXT",
      down: rebuilt(columns, list), verdict, why)
  }

  private static func setting(
    _ what: String, _ columns: String, _ up: String, back down: String, _ verdict: AuditVerdict = .rowsDiffer
  ) -> Case {
    Case(what, before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, \(columns))"], up: up, down: down, verdict)
  }

  /// Ways down that look right.
  static let lookalikes = [
    // What a rebuild forgets of the schema.
    rebuilding(
      "a default", "(id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'x')",
      "id INTEGER PRIMARY KEY, a TEXT NOT NULL", "id, a", .otherSchema, "loses DEFAULT"),
    rebuilding(
      "a collation", "(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE)", "id INTEGER PRIMARY KEY, a TEXT",
      "id, a", .otherSchema, "NOCASE"),
    rebuilding(
      "the order of columns", "(id INTEGER PRIMARY KEY, a TEXT, b TEXT)",
      "id INTEGER PRIMARY KEY, b TEXT, a TEXT",
      "id, b, a", .orderOnly),
    rebuilding(
      "STRICT", "(id INTEGER PRIMARY KEY, a TEXT) STRICT", "id INTEGER PRIMARY KEY, a TEXT", "id, a",
      .otherSchema,
      "STRICT"),
    rebuilding(
      "WITHOUT ROWID", "(id TEXT PRIMARY KEY, a TEXT) WITHOUT ROWID", "id TEXT PRIMARY KEY, a TEXT", "id, a",
      .otherSchema),
    rebuilding(
      "a generated column", "(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER AS (a * 2) STORED)",
      "id INTEGER PRIMARY KEY, a INTEGER, b INTEGER", "id, a, b", .otherSchema, "b"),
    rebuilding(
      "AUTOINCREMENT", "(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT)", "id INTEGER PRIMARY KEY, a TEXT",
      "id, a",
      .otherSchema, "AUTOINCREMENT"),
    rebuilding(
      "a counter", "(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT)",
      "id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT", "id, a", .returns, "AUTOINCREMENT of t counts on"),
    rebuilding(
      "a CHECK", "(id INTEGER PRIMARY KEY, a INTEGER CHECK (a > 0))", "id INTEGER PRIMARY KEY, a INTEGER",
      "id, a",
      .otherSchema, "CHECK"),
    rebuilding(
      "what happens on a conflict", "(id INTEGER PRIMARY KEY, a TEXT UNIQUE ON CONFLICT REPLACE)",
      "id INTEGER PRIMARY KEY, a TEXT UNIQUE", "id, a", .otherSchema),
    rebuilding(
      "that a key is the rowid", "(id INTEGER PRIMARY KEY, a TEXT)", "id INT PRIMARY KEY, a TEXT", "id, a",
      .otherSchema),
    rebuilding(
      "that a default is computed", "(id INTEGER PRIMARY KEY, a TEXT DEFAULT CURRENT_TIMESTAMP)",
      "id INTEGER PRIMARY KEY, a TEXT DEFAULT 'CURRENT_TIMESTAMP'", "id, a", .otherSchema),
    Case(
      "the action of a foreign key",
      before: [
        "CREATE TABLE p (id INTEGER PRIMARY KEY)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id) ON DELETE CASCADE)",
      ], up: "ALTER TABLE t ADD COLUMN added TEXT",
      down: rebuilt("id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id)", "id, p"), .otherSchema, "CASCADE"),
    Case(
      "the condition of an index",
      before: [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, gone INTEGER)",
        "CREATE INDEX i ON t (a) WHERE gone IS NULL",
      ],
      up: "DROP INDEX i", down: "CREATE INDEX i ON t (a)", .otherSchema, "index i"),
    Case(
      "an index and a trigger",
      before: [
        people, "CREATE INDEX i ON people (age)",
        "CREATE TRIGGER f AFTER DELETE ON people BEGIN SELECT 1; END",
      ],
      up: "ALTER TABLE people ADD COLUMN added",
      down:
        "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age TEXT); INSERT INTO n SELECT id, name, age FROM people; DROP TABLE people; ALTER TABLE n RENAME TO people",
      .otherSchema, "index i"),
    Case(
      "a view over a table that is gone",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY)", "CREATE VIEW v AS SELECT id FROM t"],
      up: "CREATE TABLE m (id INTEGER PRIMARY KEY); DROP VIEW v; CREATE VIEW v AS SELECT id FROM m",
      down: "DROP TABLE m", .otherSchema, "view v"),
    // What a rebuild forgets of the rows.
    Case(
      "leading zeros in a STRING, which is a number to SQLite",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, zip TEXT)"],
      up: rebuilt("id INTEGER PRIMARY KEY, zip STRING", "id, zip"),
      down: rebuilt("id INTEGER PRIMARY KEY, zip TEXT", "id, zip"), .rowsDiffer),
    Case(
      "columns that are copied crosswise",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, first TEXT, last TEXT)"],
      up: "ALTER TABLE t ADD COLUMN added TEXT",
      down: rebuilt(
        "id INTEGER PRIMARY KEY, first TEXT, last TEXT", "id, first, last", from: "id, last, first"),
      .rowsDiffer),
    Case(
      "whole numbers that REAL does not hold",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, big INTEGER)"],
      up: rebuilt("id INTEGER PRIMARY KEY, big REAL", "id, big"),
      down: rebuilt("id INTEGER PRIMARY KEY, big INTEGER", "id, big"), .rowsDiffer),
    Case(
      "rows that WHERE leaves out", before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, age INTEGER)"],
      up: "ALTER TABLE t ADD COLUMN added TEXT",
      down: rebuilt("id INTEGER PRIMARY KEY, age INTEGER", "id, age", " WHERE age < 150"), .rowsDiffer),
    Case(
      "rows that INSERT OR IGNORE leaves out on the way up",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT)"],
      up:
        "CREATE TABLE n (id INTEGER PRIMARY KEY, mail TEXT UNIQUE); INSERT OR IGNORE INTO n SELECT id, mail FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t",
      down: rebuilt("id INTEGER PRIMARY KEY, mail TEXT", "id, mail"), .rowsDiffer),
    Case(
      "rows that INSERT OR IGNORE leaves out on the way down",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT)"],
      up: "ALTER TABLE t ADD COLUMN added TEXT",
      down:
        "CREATE TABLE n (id INTEGER PRIMARY KEY, mail TEXT); CREATE UNIQUE INDEX u ON n (mail); INSERT OR IGNORE INTO n SELECT id, mail FROM t; DROP INDEX u; DROP TABLE t; ALTER TABLE n RENAME TO t",
      .rowsDiffer),
    Case(
      "rows that are one but for case", before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT UNIQUE)"],
      up:
        "CREATE TABLE n (id INTEGER PRIMARY KEY, mail TEXT UNIQUE COLLATE NOCASE); INSERT OR REPLACE INTO n SELECT id, mail FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t",
      down: rebuilt("id INTEGER PRIMARY KEY, mail TEXT UNIQUE", "id, mail"), .rowsDiffer),
    Case(
      "rows of which a table for one kind takes only some",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, size INTEGER, name TEXT)"],
      up: rebuilt("id INTEGER PRIMARY KEY, size INTEGER, name TEXT CHECK (name IS NULL)", "id, size, name"),
      down: rebuilt(
        "id INTEGER PRIMARY KEY, size INTEGER, name TEXT", "id, size, name", " WHERE size IS NULL"),
      .rowsDiffer, "of t "),
    Case(
      "the few rows that a UNIQUE flag takes",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, flag BOOLEAN)"],
      up: rebuilt("id INTEGER PRIMARY KEY, flag BOOLEAN UNIQUE", "id, flag"),
      down: rebuilt("id INTEGER PRIMARY KEY, flag BOOLEAN", "id, flag", " LIMIT 3"), .rowsDiffer),
    Case(
      "the only row that a CHECK and a UNIQUE allow",
      before: ["CREATE TABLE t (state TEXT NOT NULL CHECK (state = 'a') UNIQUE, size REAL NOT NULL)"],
      up: "UPDATE t SET size = 2 WHERE size = 0.5", down: "SELECT 1", .rowsDiffer),
    Case(
      "rows that two comparisons find",
      before: ["CREATE TABLE t (id TEXT PRIMARY KEY, a INTEGER NOT NULL, b INTEGER NOT NULL)"],
      up: "DELETE FROM t WHERE a < 0 AND b > 18", down: "SELECT 1", .rowsDiffer),
    Case(
      "rows of which an earlier migration left none",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", "DELETE FROM t WHERE a <> 'x'"],
      up: "DELETE FROM t WHERE NOT a = 'x'", down: "SELECT 1", .rowsDiffer),
    Case(
      "rows that an earlier migration changed one and all",
      before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", "UPDATE t SET a = a || '!'"],
      up: rebuilt("id INTEGER PRIMARY KEY, a INTEGER", "id, a"),
      down: rebuilt("id INTEGER PRIMARY KEY, a TEXT", "id, a"), .rowsDiffer),
    Case(
      "whole numbers of a column without a type", before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, a)"],
      up: rebuilt("id INTEGER PRIMARY KEY, a TEXT", "id, a"),
      down: rebuilt("id INTEGER PRIMARY KEY, a", "id, a"),
      .rowsDiffer),
    Case(
      "rows of a key of which a CHECK leaves one column free",
      before: [
        "CREATE TABLE t (state TEXT CHECK (state = 'a'), n INTEGER, rank TEXT, PRIMARY KEY (state, n)) WITHOUT ROWID"
      ], up: "DELETE FROM t WHERE rank > 'sent'", down: "SELECT 1", .rowsDiffer),
    Case(
      "a condition that a trigger asks of rows that come again",
      before: [
        "CREATE TABLE log (what)", "CREATE TABLE t (id INTEGER PRIMARY KEY, state TEXT, size TEXT)",
        "CREATE TRIGGER f AFTER INSERT ON t WHEN new.size = 'a' BEGIN INSERT INTO log VALUES (new.id); END",
      ],
      up: "CREATE TABLE kept AS SELECT * FROM t WHERE state = 'b'; DELETE FROM t WHERE state = 'b'",
      down: "INSERT INTO t SELECT * FROM kept; DROP TABLE kept", .rowsDiffer, "log"),
    // What an UPDATE does not give back.
    setting(
      "a number for NULL", "a INTEGER", "UPDATE t SET a = -1 WHERE a IS NULL",
      back: "UPDATE t SET a = NULL WHERE a = -1"),
    setting(
      "an empty text for NULL", "a TEXT", "UPDATE t SET a = '' WHERE a IS NULL",
      back: "UPDATE t SET a = NULL WHERE a = ''"),
    setting(
      "NULL for an empty text that is UNIQUE", "a TEXT UNIQUE", "UPDATE t SET a = NULL WHERE a = ''",
      back: "SELECT 1"),
    setting("blanks", "a TEXT", "UPDATE t SET a = trim(a)", back: "SELECT 1"),
    setting("case", "a TEXT NOT NULL", "UPDATE t SET a = lower(a)", back: "SELECT 1"),
    setting(
      "case under a CHECK", "a TEXT NOT NULL CHECK (length(a) = 3)", "UPDATE t SET a = upper(a)",
      back: "SELECT 1"),
    setting(
      "case that only the way down folds", "a TEXT NOT NULL", "ALTER TABLE t ADD COLUMN added",
      back: "UPDATE t SET a = lower(a); ALTER TABLE t DROP COLUMN added"),
    setting(
      "how JSON was written", "a JSON", "UPDATE t SET a = json_set(a, '$.v', 2) WHERE json_valid(a)",
      back: "UPDATE t SET a = json_remove(a, '$.v') WHERE json_valid(a)"),
    setting("decimals", "a REAL", "UPDATE t SET a = round(a, 3)", back: "SELECT 1"),
    setting("the last bit", "a REAL", "UPDATE t SET a = a + 0.1", back: "UPDATE t SET a = a - 0.1"),
    setting(
      "the half of an odd number", "a INTEGER", "UPDATE t SET a = a / 2", back: "UPDATE t SET a = a * 2"),
    setting("a sign", "a INTEGER NOT NULL", "UPDATE t SET a = abs(a)", back: "SELECT 1"),
    setting(
      "two columns that change places", "a REAL, b REAL", "UPDATE t SET a = b, b = a", back: "SELECT 1"),
    setting(
      "a text that was already the other one", "login TEXT NOT NULL, shown TEXT NOT NULL",
      "UPDATE t SET shown = login WHERE shown = ''", back: "UPDATE t SET shown = '' WHERE shown = login"),
    setting(
      "fractions of a second", "made_at DATETIME", "UPDATE t SET made_at = unixepoch(made_at)",
      back: "UPDATE t SET made_at = datetime(made_at, 'unixepoch')"),
    setting(
      "rows of long ago", "made_at TEXT NOT NULL",
      "DELETE FROM t WHERE made_at < datetime('now', '-90 days')",
      back: "SELECT 1"),
    setting(
      "rows that end before they start", "starts INTEGER, ends INTEGER", "DELETE FROM t WHERE ends < starts",
      back: "SELECT 1"),
    setting(
      "rows beyond a LIMIT", "a TEXT",
      "DELETE FROM t WHERE id NOT IN (SELECT id FROM t ORDER BY id DESC LIMIT 100)", back: "SELECT 1"),
    setting(
      "all but one of a group", "a TEXT", "DELETE FROM t WHERE id NOT IN (SELECT min(id) FROM t GROUP BY a)",
      back: "SELECT 1"),
    Case(
      "numbers that are UNIQUE and that the way down gives before they are free",
      before: ["CREATE TABLE t (n INTEGER UNIQUE, a TEXT)"], up: "UPDATE t SET n = n + 2",
      down: "UPDATE t SET n = n - 2", .doesNotRun, "fails with rows"),
    // What comes back although it looks lost.
    setting(
      "seconds as milliseconds", "a INTEGER", "UPDATE t SET a = a * 1000", back: "UPDATE t SET a = a / 1000",
      .returns),
    Case(
      "whole numbers as texts", before: ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER)"],
      up: rebuilt("id INTEGER PRIMARY KEY, a TEXT", "id, a"),
      down: rebuilt("id INTEGER PRIMARY KEY, a INTEGER", "id, a"),
      .returns),
    Case(
      "a word in a full-text table", before: ["CREATE VIRTUAL TABLE t USING fts5 (a)"],
      up: "INSERT INTO t (a) VALUES ('word')", down: "DELETE FROM t WHERE t MATCH 'word'", .returns),
    Case(
      "a table that a UNIQUE index makes of rows that differ", before: [people],
      up: "CREATE UNIQUE INDEX u ON people (name)", down: "DROP INDEX u", .returns, "fails on some rows"),
  ]

  @Test(arguments: cases + lookalikes)
  func verdict(_ row: Case) throws {
    let steps = row.before.map { Step($0, down: nil) } + [Step(row.up, down: row.down)]
    let audit = try Auditor(.made(of: steps), time: .milliseconds(300)).audit()
    let judged = try #require(audit.migrations.last)
    #expect(judged.verdict == row.verdict, "\(judged.reasons.map(\.description))")
    if row.verdict == .returns, row.why.isEmpty { #expect(judged.reasons.map(\.description) == []) }
    #expect(
      row.why.isEmpty || judged.reasons.first?.contains(row.why) == true,
      "\(judged.reasons.map(\.description))")
  }
}
