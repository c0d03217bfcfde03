import PhaseSQLite
import Testing

@testable import PhaseDB

/// Phases that must not happen: each ends with its error at the right place, and a database to which nothing happened.
struct RefusalTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let statement: String
    let id: MigrationError.ID
    /// Of the statement, which is on line 2; nil when the error is about the whole phase.
    let column: Int?

    init(_ sentence: String, _ statement: String, _ id: MigrationError.ID, at column: Int? = 1) {
      (testDescription, self.statement, self.id, self.column) = (sentence, statement, id, column)
    }
  }

  /// An application's database with everything in it that a phase could trip over.
  static let shop = """
    CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE);
    INSERT INTO notes VALUES (1, 'one'), (2, 'two');
    CREATE TABLE rude (a UNIQUE ON CONFLICT ROLLBACK);
    INSERT INTO rude VALUES (1);
    CREATE TABLE strict_notes (a);
    CREATE TRIGGER no_more BEFORE INSERT ON strict_notes BEGIN SELECT RAISE(ROLLBACK, 'no more notes'); END;
    """

  static let guarded = [
    Case("COMMIT", "COMMIT", .forbiddenStatement),
    Case("END", "END", .forbiddenStatement),
    Case("ROLLBACK", "ROLLBACK", .forbiddenStatement),
    Case("BEGIN", "BEGIN", .forbiddenStatement),
    Case("SAVEPOINT", "SAVEPOINT s", .forbiddenStatement),
    Case("RELEASE", "RELEASE s", .forbiddenStatement),
    Case("ROLLBACK TO", "ROLLBACK TO s", .forbiddenStatement),
    Case("ATTACH", "ATTACH ':memory:' AS other", .forbiddenStatement),
    Case("DETACH", "DETACH main", .forbiddenStatement),
    Case("VACUUM", "VACUUM", .forbiddenStatement),
    Case("VACUUM after a comment", "/* quietly */ VACUUM", .forbiddenStatement, at: 15),
    Case("VACUUM INTO", "VACUUM INTO '/nowhere/else.db'", .forbiddenStatement),
    Case("PRAGMA journal_mode", "PRAGMA journal_mode = OFF", .forbiddenStatement),
    Case("PRAGMA foreign_keys", "PRAGMA foreign_keys = ON", .forbiddenStatement),
    Case("PRAGMA writable_schema", "PRAGMA writable_schema = ON", .forbiddenStatement),
    Case("PRAGMA user_version with a value", "PRAGMA user_version = 7", .forbiddenStatement),
    Case("a pragma in the form of a table", "SELECT * FROM pragma_locking_mode", .forbiddenStatement),
    Case("load_extension", "SELECT load_extension('evil')", .forbiddenStatement, at: 8),
    Case("a write to sqlite_schema", "UPDATE sqlite_schema SET sql = ''", .statementFailed),
    Case("INSERT OR ROLLBACK", "INSERT OR ROLLBACK INTO notes VALUES (1, 'x')", .forbiddenStatement, at: 8),
    Case("UPDATE OR ROLLBACK", "UPDATE OR ROLLBACK notes SET id = 1", .forbiddenStatement, at: 8),
    Case(
      "RAISE(ROLLBACK) in a trigger it makes",
      "CREATE TRIGGER r DELETE ON notes BEGIN SELECT RAISE(ROLLBACK, 'x'); END", .forbiddenStatement, at: 47),
    Case(
      "ON CONFLICT ROLLBACK in a table it makes", "CREATE TABLE t (a UNIQUE ON CONFLICT ROLLBACK)",
      .forbiddenStatement, at: 29),
    Case(
      "RAISE(ROLLBACK) in a trigger that was there", "INSERT INTO strict_notes VALUES (1)", .transactionEnded),
    Case("ON CONFLICT ROLLBACK in a table that was there", "INSERT INTO rude VALUES (1)", .transactionEnded),
    Case("a table named phasedb_x", "CREATE TABLE phasedb_x (a)", .forbiddenStatement),
    Case("an index named phasedb_x", "CREATE INDEX PhaseDB_x ON notes (text)", .forbiddenStatement),
    Case("a rename to phasedb_x", "ALTER TABLE notes RENAME TO phasedb_x", .ledgerTouched, at: 29),
    Case("a quoted rename to phasedb_x", "ALTER TABLE notes RENAME TO [PHASEDB_x]", .ledgerTouched, at: 29),
    Case("a view over the ledger", "CREATE VIEW v AS SELECT * FROM phasedb_log", .ledgerTouched, at: 32),
    Case(
      "a view over the ledger by a string", "CREATE VIEW v AS SELECT * FROM 'phasedb_log'", .ledgerTouched,
      at: 32),
    Case(
      "a trigger over the ledger", "CREATE TRIGGER r DELETE ON notes BEGIN DELETE FROM \"phasedb_log\"; END",
      .ledgerTouched, at: 52),
    Case(
      "a trigger on the ledger", "CREATE TRIGGER r DELETE ON phasedb_log BEGIN SELECT 1; END",
      .forbiddenStatement),
    Case("rows of the ledger", "DELETE FROM phasedb_log", .forbiddenStatement),
    Case("a look at the ledger", "INSERT INTO notes SELECT 3, phase FROM phasedb_phase", .forbiddenStatement),
    Case("dropping the ledger", "DROP TABLE phasedb_phase", .forbiddenStatement),
    Case("a TEMP table", "CREATE TEMP TABLE t (a)", .forbiddenStatement),
    Case("a TEMP table by its schema", "CREATE TABLE temp.notes (a)", .forbiddenStatement),
    Case("a TEMP view", "CREATE TEMP VIEW t AS SELECT 1", .forbiddenStatement),
    Case("a TEMP trigger", "CREATE TEMP TRIGGER t DELETE ON notes BEGIN SELECT 1; END", .forbiddenStatement),
    Case("a syntax error", "INSERT INTO notes VALUES (3 'x')", .statementFailed, at: 29),
    Case("an unknown column", "UPDATE notes SET text = txt", .statementFailed, at: 25),
    Case("a double-quoted string", "UPDATE notes SET text = \"x\"", .statementFailed, at: 25),
    Case(
      "a broken constraint, at the statement and not the one after",
      "INSERT INTO notes VALUES (3, 'one');\nSELECT 1", .statementFailed),
  ]

  @Test("on a fresh database, the way up refuses", arguments: guarded)
  func up(_ example: Case) throws {
    let database = try TemporaryDatabase(Self.shop)
    let before = try database.snapshot()
    let up =
      "INSERT INTO notes VALUES (9, 'nine');\n\(example.statement);\nINSERT INTO rude VALUES (10)"
    let catalog = try catalog(["0001-a": [phase(.contract, up, down: "SELECT 1")]])
    let error = try #require(migrationError { try database.run(.upAll, catalog) })
    check(error, example, line: 2)
    #expect(try database.snapshot() == before)
    #expect(try database.applied() == [])
  }

  @Test("with a ledger, the way down refuses", arguments: guarded)
  func down(_ example: Case) throws {
    let database = try TemporaryDatabase(Self.shop)
    let down =
      "INSERT INTO notes VALUES (9, 'nine');\n\(example.statement);\nINSERT INTO rude VALUES (10)"
    let catalog = try catalog(["0001-a": [phase(.expand, "SELECT 1", down: down)]])
    try database.run(.upAll, catalog)
    let before = try database.snapshot()
    let error = try #require(migrationError { try database.run(.down(1), catalog) })
    check(error, example, line: 7)
    #expect(try database.snapshot()?.isUndone(since: before) == true)
    #expect(database.integrity() == "ok")
  }

  private func check(_ error: MigrationError, _ example: Case, line: Int) {
    #expect(error.id == example.id, "\(error)")
    #expect(error.standing == .undone)
    #expect(error.place?.line == line, "\(error)")
    #expect(error.place?.column == example.column, "\(error)")
    #expect(!error.help.isEmpty)
    #expect(error.state?.contains("was rolled back") == true)
  }

  @Test(
    "what only reads may run in a phase",
    arguments: [
      "PRAGMA foreign_key_check", "PRAGMA user_version", "SELECT * FROM pragma_table_info('notes')",
      "PRAGMA integrity_check", "SELECT * FROM json_each('[1]')",
      "INSERT OR ABORT INTO notes VALUES (3, 'rollback')",
      "REPLACE INTO notes VALUES (1, 'or rollback')", "CREATE TABLE \"conflict\" (\"rollback\")",
    ])
  func allowed(_ statement: String) throws {
    let database = try TemporaryDatabase(Self.shop)
    #expect(
      try database.run(.upAll, catalog(["0001-a": [phase(.contract, statement, down: "SELECT 1")]]))
        == ["0001/contract"])
  }

  // MARK: - What the kind of a phase promises, and what rows must keep

  struct Promise: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let kind: Phase.Kind
    let up: String
    let id: MigrationError.ID?
    let details: [Prose]
    let verify: String?

    init(
      _ sentence: String, _ kind: Phase.Kind, _ up: String, _ id: MigrationError.ID? = nil,
      _ details: [Prose] = [],
      verify: String? = nil
    ) {
      (testDescription, self.kind, self.up) = (sentence, kind, up)
      (self.id, self.details, self.verify) = (id, details, verify)
    }
  }

  static let family = """
    CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT DEFAULT 'x');
    CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id), half AS (parent) STORED);
    CREATE TABLE lines (id INTEGER PRIMARY KEY, raw INTEGER, p AS (raw) STORED REFERENCES parents (id));
    CREATE TABLE twins (id INTEGER PRIMARY KEY REFERENCES parents (id));
    CREATE INDEX names ON parents (name);
    CREATE VIEW everybody AS SELECT name FROM parents;
    CREATE TRIGGER named AFTER UPDATE ON parents BEGIN SELECT 1; END;
    INSERT INTO parents VALUES (1, 'a'), (2, 'b');
    INSERT INTO children VALUES (1, 1), (2, 2);
    INSERT INTO twins VALUES (1);
    INSERT INTO lines (id, raw) VALUES (1, 1);
    CREATE TABLE codes (raw TEXT, code AS (lower(raw)) STORED UNIQUE);
    CREATE TABLE coded (code TEXT REFERENCES codes (code));
    INSERT INTO codes (raw) VALUES ('A');
    INSERT INTO coded VALUES ('a');
    CREATE TABLE bikes (plate); CREATE UNIQUE INDEX plate ON bikes (plate);
    CREATE TABLE riders (bike REFERENCES bikes (plate));
    """

  static let rebuilt = """
    CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT DEFAULT 'x', email TEXT);
    INSERT INTO new (id, name) SELECT id, name FROM parents; DROP VIEW everybody; DROP TABLE parents;
    ALTER TABLE new RENAME TO parents;
    CREATE INDEX names ON parents (name); CREATE VIEW everybody AS SELECT name FROM parents;
    CREATE TRIGGER named AFTER UPDATE ON parents BEGIN SELECT 1; END;
    """

  static let promises = [
    Promise(
      "an expand adds a table, a column, an index and a view", .expand,
      "CREATE TABLE t (a); ALTER TABLE parents ADD email; CREATE INDEX i ON t (a); CREATE VIEW v AS SELECT 1"),
    Promise("an expand rebuilds a table that only gains something", .expand, rebuilt),
    Promise(
      "an expand drops a table", .expand, "DROP TABLE children", .expandNotAdditive, ["- table children"]),
    Promise("an expand drops an index", .expand, "DROP INDEX names", .expandNotAdditive, ["- index names"]),
    Promise(
      "an expand drops a view", .expand, "DROP VIEW everybody", .expandNotAdditive, ["- view everybody"]),
    Promise(
      "an expand drops a column", .expand, "ALTER TABLE children DROP half", .expandNotAdditive,
      ["- column children.half"]),
    Promise(
      "an expand renames a column", .expand, "ALTER TABLE children RENAME half TO whole", .expandNotAdditive,
      ["- column children.half"]),
    Promise(
      "an expand renames a table", .expand, "ALTER TABLE twins RENAME TO both", .expandNotAdditive,
      ["- table twins"]),
    Promise(
      "an expand changes a default", .expand, rebuilt.replacing("DEFAULT 'x'", with: "DEFAULT 'y'"),
      .expandNotAdditive, ["~ column parents.name"]),
    Promise(
      "an expand changes a trigger", .expand,
      "DROP TRIGGER named; CREATE TRIGGER named AFTER UPDATE ON parents BEGIN SELECT 2; END",
      .expandNotAdditive,
      [
        "~ trigger named", "    was: CREATE TRIGGER named AFTER UPDATE ON parents BEGIN SELECT 1; END",
        "    is:  CREATE TRIGGER named AFTER UPDATE ON parents BEGIN SELECT 2; END",
      ]),
    Promise(
      "an expand loses an index in a rebuild", .expand,
      rebuilt.replacing("CREATE INDEX names ON parents (name);", with: ""), .expandNotAdditive,
      ["- index names"]),
    Promise("a migrate changes rows", .migrate, "UPDATE parents SET name = 'c'"),
    Promise("a migrate makes a table and drops it", .migrate, "CREATE TABLE t (a); DROP TABLE t"),
    Promise(
      "a migrate changes the schema", .migrate, "CREATE TABLE t (a)", .migrateChangesSchema, ["+ table t"]),
    Promise("a contract removes", .contract, "DROP TABLE children"),

    Promise(
      "parents go, children stay", .migrate, "DELETE FROM parents WHERE id = 2", .foreignKeysViolated,
      ["children rowid 2: no parent in parents"]),
    Promise(
      "REPLACE takes a parent away", .migrate, "UPDATE OR REPLACE parents SET id = 1 WHERE id = 2",
      .foreignKeysViolated,
      ["children rowid 2: no parent in parents"]),
    Promise(
      "a parent gets another rowid", .migrate, "UPDATE parents SET rowid = 5 WHERE id = 2",
      .foreignKeysViolated,
      ["children rowid 2: no parent in parents"]),
    Promise(
      "a child gets a parent that is not there", .migrate, "INSERT INTO twins VALUES (7)",
      .foreignKeysViolated, ["twins rowid 7: no parent in parents"]),
    Promise(
      "a child's key changes under the name rowid", .migrate, "UPDATE twins SET rowid = 9",
      .foreignKeysViolated, ["twins rowid 9: no parent in parents"]),
    Promise(
      "a child's generated key follows another column", .migrate,
      "UPDATE lines SET raw = 9", .foreignKeysViolated, ["lines rowid 1: no parent in parents"]),
    Promise(
      "a parent's generated key follows another column", .migrate,
      "UPDATE codes SET raw = 'B'", .foreignKeysViolated, ["coded rowid 1: no parent in codes"]),
    Promise(
      "a parent's key is not unique any more", .contract, "DROP INDEX plate", .foreignKeysViolated,
      ["riders: foreign key mismatch - \"riders\" referencing \"bikes\""]),
    Promise(
      "a column with a foreign key is dropped and comes back with a default", .contract,
      "ALTER TABLE children DROP half; ALTER TABLE children ADD half DEFAULT 9 REFERENCES parents (id)",
      .foreignKeysViolated,
      ["children rowid 1: no parent in parents", "children rowid 2: no parent in parents"]),
    Promise(
      "the parents' table goes", .contract, "DROP VIEW everybody; DROP TABLE parents", .foreignKeysViolated,
      [
        "children rowid 1: no parent in parents",
        "children rowid 2: no parent in parents", "lines rowid 1: no parent in parents",
        "twins rowid 1: no parent in parents",
      ]),
    Promise(
      "a new table has children without parents", .expand,
      "CREATE TABLE more (p REFERENCES parents (id)); INSERT INTO more VALUES (3)", .foreignKeysViolated,
      ["more rowid 1: no parent in parents"]),

    Promise(
      "a claim holds", .migrate, "UPDATE parents SET name = 'c'",
      verify: "SELECT id FROM parents WHERE name <> 'c'"),
    Promise(
      "a claim is broken", .migrate, "UPDATE parents SET name = 'c' WHERE id = 1", .verifyFailed,
      ["id = 2, name = 'b'"], verify: "SELECT id, name FROM parents WHERE name <> 'c'"),
    Promise(
      "a claim does not compile", .migrate, "SELECT 1", .verifyInvalid, ["no such column: nme"],
      verify: "SELECT nme FROM parents"),
    Promise(
      "a claim writes", .migrate, "SELECT 1", .verifyInvalid, ["it is not a SELECT"],
      verify: "DELETE FROM parents"),
    Promise(
      "a claim writes and returns rows", .migrate, "SELECT 1", .verifyInvalid, ["it is not a SELECT"],
      verify: "DELETE FROM parents RETURNING id"),
    Promise(
      "a claim is a COMMIT", .migrate, "SELECT 1", .verifyInvalid, ["COMMIT inside a phase is not allowed"],
      verify: "COMMIT"),
    Promise(
      "a claim is a pragma", .migrate, "SELECT 1", .verifyInvalid,
      ["PRAGMA journal_mode inside a phase is not allowed"], verify: "PRAGMA journal_mode = MEMORY"),
    Promise(
      "a claim looks at the ledger", .migrate, "SELECT 1", .verifyInvalid,
      ["the use of phasedb_log, which belongs to phasedb, is not allowed"],
      verify: "SELECT * FROM phasedb_log"),
    Promise(
      "a claim is two statements", .migrate, "SELECT 1", .badDirective, [],
      verify: "SELECT 1 WHERE 0; DELETE FROM parents"),
  ]

  @Test("the promise of a kind, foreign keys and claims:", arguments: promises)
  func promise(_ example: Promise) throws {
    let database = try TemporaryDatabase(Self.family)
    let before = try database.snapshot()
    let verify = example.verify.map { [("it is right", $0)] } ?? []
    let catalog = try catalog(["0001-a": [phase(example.kind, example.up, down: "SELECT 1", verify: verify)]])
    let error = migrationError { try database.run(.upAll, catalog) }
    #expect(error?.id == example.id, "\(String(describing: error)) \(error?.details ?? [])")
    if let error {
      #expect(error.details == example.details)
      // What is no claim at all is seen before anything runs.
      #expect(error.standing == (example.id == .badDirective ? .unchanged : .undone))
      #expect(try database.snapshot() == before)
    } else {
      #expect(try database.applied() == ["0001/\(example.kind.rawValue)"])
    }
    #expect(database.integrity() == "ok")
  }

  @Test("rows without a parent that were there before are nobody's fault, and a new one among them is found")
  func violationsBefore() throws {
    let database = try TemporaryDatabase(
      Self.family + "INSERT INTO children VALUES (3, 8), (4, 8); INSERT INTO twins VALUES (8)")
    let rebuild = try catalog([
      "0001-a": [phase(.expand, Self.rebuilt, down: "SELECT 1")],
      "0002-b": [phase(.migrate, "INSERT INTO children VALUES (5, 2), (6, 7)", down: "SELECT 1")],
    ])
    let error = try #require(migrationError { try database.run(.upAll, rebuild) })
    #expect(error.id == .foreignKeysViolated)
    #expect(error.message == "0002-b/migrate up leaves 1 row without a parent")
    #expect(error.standing == .partWay)
    #expect(try database.applied() == ["0001/expand"])
  }

  @Test(
    "rows that a guard finds are named, however its INSERT is written",
    arguments: [
      "INSERT INTO \"n is empty\" SELECT id FROM t WHERE n IS NULL",
      "INSERT INTO main.\"n is empty\" SELECT id FROM t WHERE n IS NULL",
      "INSERT OR ABORT INTO [N is empty] (x) SELECT id FROM t WHERE n IS NULL",
      "INSERT INTO \"n is empty\" WITH w AS (SELECT id FROM t WHERE n IS NULL) SELECT id FROM w",
      "WITH w AS (SELECT id FROM t WHERE n IS NULL) INSERT INTO \"n is empty\" SELECT id FROM w",
    ])
  func namesRows(_ insert: String) throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, n); INSERT INTO t VALUES (1, 'a'), (7, NULL), (9, NULL);")
    func error(_ insert: String) throws -> MigrationError {
      let up = "CREATE TABLE \"n is empty\" (x CHECK (false)); \(insert); DROP TABLE \"n is empty\";"
      let catalog = try catalog(["0001-a": [phase(.contract, up, down: "SELECT 1")]])
      return try #require(migrationError { try database.run(.upAll, catalog) })
    }
    let found = try error(insert)
    #expect(found.id == .statementFailed && found.details == ["id = 7", "id = 9"])
    #expect(found.help.first == "change or delete these rows, then run the command again")
    // A constraint that some rows meet names none.
    let other = try error("CREATE TABLE u (x CHECK (x < 7)); INSERT INTO u SELECT id FROM t")
    #expect(other.id == .statementFailed && other.details == [])
  }

  @Test("a phase cannot be made without a way down and a window")
  func typed() throws {
    // `Phase(.expand, windows: w, up: s)` and `Phase(.expand, up: s, down: s)` do not compile: neither `down` nor
    // `windows` has a default. What they are made of cannot be empty either.
    #expect(Script("") == nil)
    #expect(Script("  -- only a comment\n;") == nil)
    #expect(Script("SELECT 1")?.text == "SELECT 1")
    let only = try Window("app", VersionRange(">=1.0"))
    #expect(Array(try Windows(only)) == [only])
    #expect(migrationError { try Windows(only, [only]) }?.id == .windowInvalid)
    let text = "-- @window app >=1.0\n-- @up\nSELECT 1;\n-- @down\nSELECT 1;\n"
    func read(_ text: String) throws -> Phase { try PhaseFile.read(text, file: "x", kind: .expand) }
    #expect(try read(text).down.text == "SELECT 1;\n")
    #expect(migrationError { try read(text.replacing("-- @down\n", with: "")) }?.id == .missingDown)
    #expect(
      migrationError { try read(text.replacing("-- @window app >=1.0\n", with: "")) }?.id == .missingWindow)
  }
}
