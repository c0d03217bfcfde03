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
      down: "SELECT 1", .returns),
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

  @Test(arguments: cases)
  func verdict(_ row: Case) throws {
    let steps = row.before.map { Step($0, down: nil) } + [Step(row.up, down: row.down)]
    let audit = try Auditor(.made(of: steps), time: .milliseconds(300)).audit()
    let judged = try #require(audit.migrations.last)
    #expect(judged.verdict == row.verdict, "\(judged.reasons.map(\.description))")
    #expect(
      row.why.isEmpty || judged.reasons.first?.contains(row.why) == true,
      "\(judged.reasons.map(\.description))")
  }
}
