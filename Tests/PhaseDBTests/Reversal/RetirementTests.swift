import PhaseSQLite
import Testing

@testable import PhaseDB

/// `@retire`: out of everybody's use and not gone.
struct RetirementTests {
  static let people = """
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '', age, "home town" TEXT);
    INSERT INTO people VALUES (1, 'Ann', 31, 'Ulm'), (2, 'Bob', 2.5, NULL), (7, 'Cyd', x'00', 'Ems');
    """

  static let cases = [
    Retreat("a column in the middle", people, retires: ["people.name"]),
    Retreat("the last column, its name in quotes", people, retires: ["people.\"home town\""]),
    Retreat("two columns of one table", people, retires: ["people.age", "people.name"]),
    Retreat("a name in another case", people, retires: ["PEOPLE.Name"]),
    Retreat("a whole table", people, retires: ["people"]),
    Retreat(
      "a column with an index, unique where it is not NULL",
      people
        + "CREATE INDEX by_age ON people (age DESC, name); CREATE UNIQUE INDEX by_town ON people (\"home town\")",
      retires: ["people.age", "people.\"home town\""]),
    Retreat(
      "a generated column",
      people + "ALTER TABLE people ADD COLUMN loud AS (upper(name)) NOT NULL", retires: ["people.loud"]),
    Retreat(
      "a generated column and then its source",
      people + "ALTER TABLE people ADD COLUMN loud AS (upper(age))", retires: ["people.loud", "people.age"]),
    Retreat(
      "a column whose CHECK lets its default in",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'new' CHECK (a IN ('new', 'old')), b CHECK (b > 0));"
        + "INSERT INTO t VALUES (1, 'old', 2)", retires: ["t.a", "t.b"]),
    Retreat(
      "a column of a STRICT table WITHOUT ROWID",
      "CREATE TABLE t (a TEXT, b INTEGER, c ANY, PRIMARY KEY (b, a)) STRICT, WITHOUT ROWID;"
        + "INSERT INTO t VALUES ('x', 1, '1'), ('y', 1, 1.5)", retires: ["t.c"]),
    Retreat(
      "a column whose foreign key sets it to NULL",
      people + "CREATE TABLE pets (id INTEGER PRIMARY KEY, owner REFERENCES people ON DELETE SET NULL, name);"
        + "INSERT INTO pets VALUES (1, 7, 'Rex'), (2, NULL, 'Tom')", retires: ["pets.owner"]),
    Retreat(
      "a table with everything that belongs to it",
      people
        + """
        CREATE TABLE pets (id INTEGER PRIMARY KEY AUTOINCREMENT, owner REFERENCES people ON DELETE CASCADE,
          mother REFERENCES pets, name);
        INSERT INTO pets VALUES (4, 1, NULL, 'Rex'), (9, 7, 4, 'Tom');
        DELETE FROM pets WHERE id = 9;
        CREATE INDEX pets_by_name ON pets (name) WHERE name IS NOT NULL;
        CREATE TRIGGER pets_named AFTER INSERT ON pets BEGIN UPDATE pets SET name = 'new' WHERE id = NEW.id; END;
        """, retires: ["pets"]),
    Retreat(
      "a table and its child in either order",
      people
        + "CREATE TABLE pets (id INTEGER PRIMARY KEY, owner REFERENCES people); INSERT INTO pets VALUES (3, 1)",
      retires: ["people", "pets"]),
    Retreat(
      "a view and triggers that up drops and down makes again",
      people
        + """
        CREATE VIEW names AS SELECT name FROM people;
        CREATE TABLE log (name);
        CREATE TRIGGER logged AFTER UPDATE OF name ON people BEGIN INSERT INTO log VALUES (NEW.name); END;
        CREATE TRIGGER renamed AFTER INSERT ON log BEGIN UPDATE people SET name = NEW.name WHERE id = 1; END;
        """,
      up: "DROP VIEW names; DROP TRIGGER logged; DROP TRIGGER renamed",
      down: """
        CREATE VIEW names AS SELECT name FROM people;
        CREATE TRIGGER logged AFTER UPDATE OF name ON people BEGIN INSERT INTO log VALUES (NEW.name); END;
        CREATE TRIGGER renamed AFTER INSERT ON log BEGIN UPDATE people SET name = NEW.name WHERE id = 1; END
        """, retires: ["people.name"]),
    Retreat(
      "beside a view and a trigger that name other columns",
      people
        + """
        CREATE VIEW ages AS SELECT id, age FROM people;
        CREATE TABLE log (name);
        CREATE TRIGGER aged AFTER UPDATE OF age ON people BEGIN INSERT INTO log VALUES (NEW.age); END;
        """, retires: ["people.name"]),
    Retreat(
      "names that need quotes",
      "CREATE TABLE \"a \"\"b\"\" c\" (\"order\" TEXT, [select] , `x y`); INSERT INTO \"a \"\"b\"\" c\" VALUES (1, 2, 3)",
      retires: ["\"a \"\"b\"\" c\".order", "\"a \"\"b\"\" c\".\"x y\""]),
  ]

  @Test("comes back with every value in its place", arguments: cases)
  func thereAndBack(_ example: Retreat) throws {
    let database = try TemporaryDatabase(example.setUp)
    let before = try database.sight()
    let catalog = try example.catalog()
    try database.run(.upAll, catalog)
    let up = try database.sight()
    #expect(up.digest != before.digest)
    try database.run(.downAll, catalog)
    #expect(try database.sight() == before)
    #expect(database.integrity() == "ok")
    try database.run(.upAll, catalog)
    #expect(try database.sight() == up, "the same names every time")
    #expect(try database.migrator(catalog).verify().checks.allSatisfy { $0.outcome != .broken })
    #expect(try database.migrator(catalog).status().gates == [])
  }

  @Test("what an application writes meanwhile stays, and has the default in what it did not know")
  func applications() throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try Retreat(
      "", "", down: "UPDATE people SET name = 'made up' WHERE name = ''", retires: ["people.name"]
    ).catalog()
    try database.run(.upAll, catalog)
    #expect(try database.value("SELECT phasedb_retired_7_name FROM people WHERE id = 1") == "Ann")
    try database.run(
      """
      INSERT INTO people (id, age) VALUES (8, 8);
      UPDATE people SET age = 32 WHERE id = 1;
      DELETE FROM people WHERE id = 2;
      """)
    try database.run(.downAll, catalog)
    #expect(
      try database.connect().rows("SELECT * FROM people").map { "\($0)" } == [
        "[1, 'Ann', 32, 'Ulm']", "[7, 'Cyd', x'00', 'Ems']", "[8, 'made up', 8, NULL]",
      ])
  }

  @Test("a parent that an application deletes takes rows of a retired child along")
  func cascade() throws {
    let database = try TemporaryDatabase(
      Self.people
        + """
        CREATE TABLE pets (id INTEGER PRIMARY KEY, owner REFERENCES people ON DELETE CASCADE);
        INSERT INTO pets VALUES (1, 1), (2, 7);
        """)
    let catalog = try Retreat("", "", retires: ["pets"]).catalog()
    try database.run(.upAll, catalog)
    try database.run("PRAGMA foreign_keys = ON; DELETE FROM people WHERE id = 1")
    try database.run(.downAll, catalog)
    #expect(try database.connect().rows("SELECT id FROM pets") == [[2]])
  }
}

// MARK: - Ways that are closed

extension RetirementTests {
  /// What cannot be retired, and what is said of it.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let retreat: Retreat
    let why: String
    let remedy: Prose

    init(
      _ sentence: String, _ setUp: String, up: String = "SELECT 1", retires: String..., why: String,
      remedy: Prose
    ) {
      retreat = Retreat(sentence, setUp, up: up, retires: retires)
      self.why = why
      self.remedy = remedy
    }

    var testDescription: String { retreat.testDescription }
  }

  static let refusals =
    missing + columnRefusals + tableRefusals + users

  private static let missing = [
    Refusal(
      "a column that is misspelt", people, retires: "people.nmae",
      why: "cannot retire people.nmae: people has no such column after @up",
      remedy: "did you mean name?"),
    Refusal(
      "a column that up drops, too", people, up: "ALTER TABLE people DROP COLUMN age", retires: "people.age",
      why: "people has no such column after @up",
      remedy: "name one of id, name, home town, or remove the line: what @up drops is not retired"),
    Refusal(
      "a table that is not there", people, retires: "accounts",
      why: "there is no such table after @up",
      remedy: "name an existing table, or remove the line: what @up drops is not retired"),
    Refusal(
      "a view", people + "CREATE VIEW v AS SELECT 1 AS a", retires: "v",
      why: "there is no such table after @up",
      remedy: "name an existing table, or remove the line: what @up drops is not retired"),
    Refusal(
      "a full-text table", "CREATE VIRTUAL TABLE f USING fts5 (a)", retires: "f",
      why: "f is a virtual table, whose content its module keeps",
      remedy: "remove the line, and drop it in @up, which archives it: DROP TABLE f;"),
  ]

  private static let columnRefusals = [
    Refusal(
      "NOT NULL without a default", "CREATE TABLE t (a TEXT NOT NULL, b)", retires: "t.a",
      why: "it is NOT NULL without a default, so an INSERT that does not name it would fail",
      remedy:
        "let a recipe loosen it first: phasedb new NAME drop-column t.a; or remove the line, and drop it in @up, which archives it: ALTER TABLE t DROP COLUMN a;"
    ),
    Refusal(
      "NOT NULL with the default NULL", "CREATE TABLE t (a TEXT NOT NULL DEFAULT NULL, b)", retires: "t.a",
      why: "it is NOT NULL without a default, so an INSERT that does not name it would fail",
      remedy:
        "let a recipe loosen it first: phasedb new NAME drop-column t.a; or remove the line, and drop it in @up, which archives it: ALTER TABLE t DROP COLUMN a;"
    ),
    Refusal(
      "part of the primary key", "CREATE TABLE t (a, b, PRIMARY KEY (a, b))", retires: "t.b",
      why: "it is part of the primary key",
      remedy: "remove the line, and rebuild the table in @up with another key"),
    Refusal(
      "UNIQUE with a default", "CREATE TABLE t (a DEFAULT 'x' UNIQUE, b)", retires: "t.a",
      why: "every new row would have its default, and UNIQUE (a) takes it once",
      remedy: "remove the line, and drop it in @up, which archives it: ALTER TABLE t DROP COLUMN a;"),
    Refusal(
      "in a unique index with a default",
      "CREATE TABLE t (a DEFAULT 'x', b); CREATE UNIQUE INDEX i ON t (b, a)",
      retires: "t.a", why: "every new row would have its default, and the unique index i on t takes it once",
      remedy: "remove the line, and drop it in @up, which archives it: ALTER TABLE t DROP COLUMN a;"),
    Refusal(
      "in the condition of a unique index",
      "CREATE TABLE t (a, b); CREATE UNIQUE INDEX i ON t (b) WHERE a IS NOT NULL", retires: "t.a",
      why: "the unique index i on t is computed from it",
      remedy: "drop the index in @up, and make it again in @down"),
    Refusal(
      "a CHECK that its default breaks", "CREATE TABLE t (a TEXT DEFAULT 'new' CHECK (a <> 'new'), b)",
      retires: "t.a",
      why: "CHECK (a <> 'new') refuses 'new', which every new row would have",
      remedy: "remove the line, and rebuild the table in @up without the column and the CHECK"),
    Refusal(
      "a CHECK that NULL breaks", "CREATE TABLE t (a, b, CHECK (a IS NOT NULL))", retires: "t.a",
      why: "CHECK (a IS NOT NULL) refuses NULL, which every new row would have",
      remedy: "remove the line, and rebuild the table in @up without the column and the CHECK"),
    Refusal(
      "a CHECK on two columns", "CREATE TABLE t (a, b, CHECK (a < b))", retires: "t.a",
      why: "CHECK (a < b) compares other columns with it",
      remedy: "remove the line, and rebuild the table in @up without the column and the CHECK"),
    Refusal(
      "the source of a generated column", "CREATE TABLE t (a, b AS (a + 1))", retires: "t.a",
      why: "the generated column b is computed from it",
      remedy: "drop b in @up, or retire it on a line of its own above this one"),
    Refusal(
      "a foreign key that cascades", people + "CREATE TABLE pets (a, o REFERENCES people ON DELETE CASCADE)",
      retires: "pets.o", why: "its foreign key to people would still act on rows of pets",
      remedy: "remove the line, and drop it in @up, which archives it: ALTER TABLE pets DROP COLUMN o;"),
    Refusal(
      "a foreign key that restricts", people + "CREATE TABLE pets (a, o REFERENCES people)",
      retires: "pets.o",
      why: "its foreign key to people would still act on rows of pets",
      remedy: "remove the line, and drop it in @up, which archives it: ALTER TABLE pets DROP COLUMN o;"),
    Refusal(
      "half of a foreign key",
      "CREATE TABLE p (x, y, PRIMARY KEY (x, y)); CREATE TABLE c (a, b, FOREIGN KEY (a, b) REFERENCES p ON DELETE SET NULL)",
      retires: "c.a", why: "its foreign key to p would still act on rows of c",
      remedy: "remove the line, and rebuild the table in @up without the column and the key"),
    Refusal(
      "a column that children reference",
      "CREATE TABLE p (id, code UNIQUE); CREATE TABLE c (a REFERENCES p (code))",
      retires: "p.code", why: "c (a) references it", remedy: "rebuild c in @up without the foreign key"),
    Refusal(
      "a name that is taken", "CREATE TABLE t (a, b, phasedb_retired_7_a)", retires: "t.a",
      why: "the name phasedb_retired_7_a is taken already", remedy: "first reverse or purge what has the name"
    ),
    Refusal(
      "a column beside a text in double quotes", "CREATE TABLE t (a, b CHECK (b <> \"zz\"))", retires: "t.a",
      // From 3.41 on, SQLite puts the name in quotes and asks whether it should be a string.
      why: "error in table t: no such column: ",
      remedy: "drop or repair in @up what SQLite names: a RENAME reads the whole schema"),
  ]

  private static let tableRefusals = [
    Refusal(
      "a table with children in use", people + "CREATE TABLE pets (a, o REFERENCES people ON DELETE CASCADE)",
      retires: "people",
      why: "pets (o) references it: what an application writes there would still need its rows",
      remedy: "retire pets first, drop its column, or rebuild it in @up without the foreign key"),
    Refusal(
      "a table that keeps its parents from going", people + "CREATE TABLE pets (a, o REFERENCES people)",
      retires: "pets", why: "its foreign key to people would keep an application from deleting rows there",
      remedy: "remove the line, and drop it in @up, which archives it: DROP TABLE pets;"),
    Refusal(
      "a table whose foreign key sets to NULL what may not be",
      people + "CREATE TABLE pets (a, o NOT NULL DEFAULT 1 REFERENCES people ON DELETE SET NULL)",
      retires: "pets",
      why: "its foreign key to people would keep an application from deleting rows there",
      remedy: "remove the line, and drop it in @up, which archives it: DROP TABLE pets;"),
    Refusal(
      "a table of which a full-text index takes its content",
      people + "CREATE VIRTUAL TABLE found USING fts5 (name, content = 'people', content_rowid = 'id')",
      retires: "people", why: "the virtual table found takes content from it",
      remedy: "drop found in @up, or make it again without what is retired"),
    Refusal(
      "a name that is taken by a table", "CREATE TABLE t (a); CREATE TABLE phasedb_retired_7_t (a)",
      retires: "t",
      why: "the name phasedb_retired_7_t is taken already", remedy: "first reverse or purge what has the name"
    ),
  ]

  private static let users = [
    Refusal(
      "a column that a view names", people + "CREATE VIEW v AS SELECT id, name FROM people",
      retires: "people.name",
      why: "view v uses it",
      remedy:
        "DROP VIEW v; in @up, and make it again in @down; where it is still wanted, create it again in @up without name"
    ),
    Refusal(
      "a column that a view shows by *", people + "CREATE VIEW v (a, b, c, d) AS SELECT * FROM people",
      retires: "people.name", why: "view v shows it by *",
      remedy:
        "DROP VIEW v; in @up, and make it again in @down; where it is still wanted, create it again in @up without name"
    ),
    Refusal(
      "a column that a view joins by",
      people + "CREATE TABLE o (name); CREATE VIEW v AS SELECT age FROM people NATURAL JOIN o",
      retires: "people.name", why: "view v joins people by NATURAL",
      remedy:
        "DROP VIEW v; in @up, and make it again in @down; where it is still wanted, create it again in @up without name"
    ),
    Refusal(
      "a column that a view joins by USING",
      people + "CREATE TABLE o (name); CREATE VIEW v AS SELECT age FROM people JOIN o USING (name)",
      retires: "people.name",
      why: "error in view v after rename: cannot join using column name - column not present in both tables",
      remedy: "drop or repair in @up what SQLite names: a RENAME reads the whole schema"),
    Refusal(
      "a column that a trigger of its table uses",
      people + "CREATE TRIGGER g AFTER UPDATE OF name ON people BEGIN SELECT 1; END", retires: "people.name",
      why: "trigger g uses it",
      remedy:
        "DROP TRIGGER g; in @up, and make it again in @down; where it is still wanted, create it again in @up without name"
    ),
    Refusal(
      "a column that a trigger elsewhere writes",
      people
        + "CREATE TABLE o (x); CREATE TRIGGER g AFTER INSERT ON o BEGIN UPDATE people SET name = NEW.x; END",
      retires: "people.name", why: "trigger g uses it",
      remedy:
        "DROP TRIGGER g; in @up, and make it again in @down; where it is still wanted, create it again in @up without name"
    ),
    Refusal(
      "a table that a trigger elsewhere writes",
      people + "CREATE TABLE o (x); CREATE TRIGGER g AFTER INSERT ON o BEGIN DELETE FROM people; END",
      retires: "people", why: "trigger g uses it",
      remedy:
        "DROP TRIGGER g; in @up, and make it again in @down; where it is still wanted, create it again in @up without people"
    ),
    Refusal(
      "while another view does not compile", people + "CREATE VIEW broken AS SELECT x FROM nowhere",
      retires: "people.name", why: "error in view broken: no such table: main.nowhere",
      remedy: "drop or repair in @up what SQLite names: a RENAME reads the whole schema"),
  ]

  @Test("is refused, and nothing is changed", arguments: refusals)
  func refusal(_ refusal: Refusal) throws {
    let database = try TemporaryDatabase(refusal.retreat.setUp)
    let before = try database.snapshot()
    let catalog = try refusal.retreat.catalog()
    let error = try #require(migrationError { try database.run(.upAll, catalog) })
    #expect(error.id == .retirementRefused)
    #expect(error.message.contains(refusal.why) && error.details.isEmpty, "\(error.message) \(error.details)")
    #expect(error.help.first == refusal.remedy)
    #expect(error.place?.excerpt == "-- @retire \(refusal.retreat.retires[0])")
    #expect(error.standing == .undone)
    #expect(try database.snapshot()?.isSame(as: before) == true)
  }

  @Test("everything that stands in the way is told at once")
  func several() throws {
    let database = try TemporaryDatabase("CREATE TABLE t (a DEFAULT 1 UNIQUE CHECK (a > 1), b AS (a))")
    let error = try #require(
      migrationError { try database.run(.upAll, Retreat("", "", retires: ["t.a"]).catalog()) })
    #expect([error.message.hasSuffix("the generated column b is computed from it")] == [true])
    #expect(
      error.details == [
        "every new row would have its default, and UNIQUE (a) takes it once",
        "CHECK (a > 1) refuses 1, which every new row would have",
      ])
    #expect(error.help.count == 3 + 1)
  }

  @Test(
    "what was taken away by hand is not brought back",
    arguments: [
      ("ALTER TABLE people DROP COLUMN phasedb_retired_7_name", "phasedb_retired_7_name is gone"),
      ("ALTER TABLE people ADD COLUMN name", "another name exists now"),
    ])
  func blocked(_ sql: String, _ why: String) throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try Retreat("", "", retires: ["people.name"]).catalog()
    try database.run(.upAll, catalog)
    try database.run(sql)
    let drift = try #require(migrationError { try database.run(.downAll, catalog) })
    #expect(drift.id == .schemaDrift)
    let before = try database.sight()
    let error = try #require(
      migrationError { try database.run(.downAll, catalog, .test(override: [.drift], reason: "known")) })
    #expect(error.id == .retirementBlocked)
    #expect(error.message == "people.name, which 0007-c/contract retired, cannot come back: \(why)")
    #expect(error.help.isEmpty == false)
    #expect(try database.sight() == before)
  }
}

// MARK: - Phases that come later

extension RetirementTests {
  @Test(
    "SQL of phases may not name what was retired",
    arguments: [
      "UPDATE people SET phasedb_retired_7_name = ''",
      "ALTER TABLE people DROP COLUMN \"phasedb_retired_7_name\"",
      "ALTER TABLE people RENAME phasedb_retired_7_name TO name",
      "CREATE VIEW v AS SELECT Phasedb_Retired_7_name FROM people",
      "CREATE TABLE t (a); ALTER TABLE t RENAME TO phasedb_retired_9_t",
      "CREATE TABLE 'phasedb_retired_9_t' (a)",
    ])
  func naming(_ sql: String) throws {
    let database = try TemporaryDatabase(Self.people)
    try database.run(.upAll, Retreat("", "", retires: ["people.name"]).catalog())
    let before = try database.sight()
    let later = try catalog(["0008-d": [phase(.contract, sql, down: "SELECT 1")]])
    let error = try #require(migrationError { try database.run(.upAll, later) })
    #expect(error.id == .forbiddenStatement)
    #expect(error.message.description.lowercased().contains("the use of phasedb_retired_"))
    #expect(try database.sight() == before)
  }

  @Test("SELECT * in a later phase and in a claim is no use of it")
  func star() throws {
    let database = try TemporaryDatabase(Self.people)
    try database.run(.upAll, Retreat("", "", retires: ["people.name"]).catalog())
    let later = try catalog([
      "0008-d": [
        phase(
          .migrate, "INSERT INTO people (age) SELECT count(*) FROM (SELECT * FROM people)",
          down: "DELETE FROM people WHERE age = 3",
          verify: [("all are known", "SELECT * FROM people WHERE id < 1")])
      ]
    ])
    #expect(try database.run(.upAll, later) == ["0008/migrate"])
    #expect(try database.value("SELECT age FROM people WHERE id = 8") == 3)
  }

  @Test("a down that builds the table anew gets the retired column back in its place")
  func rebuild() throws {
    let database = try TemporaryDatabase(Self.people)
    try database.run(.upAll, Retreat("", "", retires: ["people.name"]).catalog())
    let before = try database.sight().digest
    let rebuild = "DROP TABLE people; ALTER TABLE n RENAME TO people"
    let later = try catalog([
      "0008-d": [
        phase(
          .contract,
          "CREATE TABLE n (id INTEGER PRIMARY KEY, age NOT NULL, \"home town\" TEXT); INSERT INTO n SELECT id, age, \"home town\" FROM people; \(rebuild)",
          down:
            "CREATE TABLE n (id INTEGER PRIMARY KEY, age, \"home town\" TEXT); INSERT INTO n SELECT * FROM people; \(rebuild)"
        )
      ]
    ])
    try database.run(.upAll, later)
    try database.run(.down(1), later)
    #expect(try database.sight().digest == before)
    #expect(
      try database.connect().rows("PRAGMA table_info(people)").map { $0[1].text } == [
        "id", "phasedb_retired_7_name", "age", "home town",
      ])
  }
}
