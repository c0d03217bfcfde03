import PhaseSQLite
import Testing

@testable import PhaseDB

/// What the archive of a batched way down holds: the rows of which the way up does not make what they were.
@Suite("A batched way down keeps what the way up does not make again")
struct KeptRowsTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// What up sets, and on which rows.
    let up: String
    var condition = ""
    var down = "v = NULL"
    var downCondition = ""
    /// The declared type of the column.
    var type = "INTEGER"
    /// More of the schema.
    var schema = ""
    /// What the application writes after up.
    var edit = "UPDATE t SET v = 5 WHERE id = 3"
    /// How many of the 20 rows down has to keep.
    let kept: Value
    /// In how many rows down leaves a value.
    var left: Value = 0
  }

  @Test(
    "to the last bit, and the archive has only that:",
    arguments: [
      Case(testDescription: "a value that the application wrote", up: "v = n * 2", kept: 1),
      Case(
        testDescription: "the same value, written again", up: "v = n * 2", edit: "UPDATE t SET v = n * 2",
        kept: 0),
      Case(
        testDescription: "another name for the table, and comments", up: "v /* = 1, */ = x.n -- twice\n * 2",
        kept: 1),
      Case(
        testDescription: "two columns", up: "v = n, w = upper(name)", down: "v = NULL, w = NULL",
        edit: "UPDATE t SET w = 'mine' WHERE id < 4", kept: 3),
      Case(
        testDescription: "two columns of which up gives one", up: "v = n", down: "v = NULL, w = 'none'",
        edit: "UPDATE t SET w = 'mine' WHERE id < 4", kept: 3),
      Case(
        testDescription: "rows that up leaves alone", up: "v = n", condition: " AND n > 15",
        edit: "UPDATE t SET v = n WHERE id < 8", kept: 7),
      Case(
        testDescription: "a CASE with its own commas and words",
        up: "v = CASE WHEN n IN (1, 2) THEN 1 ELSE n END",
        kept: 1),
      Case(
        testDescription: "letters that the column's collation takes for the same", up: "v = name",
        type: "TEXT COLLATE NOCASE", edit: "UPDATE t SET v = upper(v) WHERE id = 3", kept: 1),
      Case(
        testDescription: "a number that a text column made a text of", up: "v = n", type: "TEXT",
        edit: "UPDATE t SET v = '007' WHERE id = 7", kept: 1),
      Case(
        testDescription: "a number of another type in a column that takes any", up: "v = n", type: "",
        edit: "UPDATE t SET v = CAST(n AS REAL) WHERE id = 7", kept: 1),
      Case(testDescription: "chance", up: "v = abs(random())", kept: 20),
      Case(testDescription: "the time of day", up: "v = strftime('%s', 'now')", kept: 20),
      Case(testDescription: "the time of day by a keyword", up: "v = CURRENT_TIMESTAMP", kept: 20),
      Case(
        testDescription: "another table", up: "v = (SELECT o.n FROM o)",
        schema: "CREATE TABLE o AS SELECT 4 AS n;",
        kept: 20),
      Case(
        testDescription: "rows between the ends and before another number", up: "v = n",
        condition: " AND id BETWEEN 4 AND 9", edit: "UPDATE t SET v = 1 WHERE id IN (3, 5, 12)", kept: 3),
      Case(
        testDescription: "another table by its name alone", up: "v = n IN o",
        schema: "CREATE TABLE o (k INTEGER PRIMARY KEY); INSERT INTO o VALUES (4);", kept: 20),
      Case(testDescription: "what down sets to NULL", up: "v = coalesce(x.v, n)", kept: 1),
      Case(
        testDescription: "a condition on what down sets to NULL", up: "v = n", condition: " AND v IS NULL",
        kept: 1),
      Case(
        testDescription: "a condition on it, of rows that down leaves alone", up: "v = n",
        condition: " AND v IS NULL", down: "v = NULL", downCondition: " AND n > 10", kept: 0, left: 1),
      Case(
        testDescription: "a value that down puts in its place", up: "v = coalesce(v, n)", down: "v = 0",
        kept: 1, left: 1),
      Case(
        testDescription: "a trigger that follows down", up: "v = coalesce(v, n)",
        schema:
          "CREATE TRIGGER r AFTER UPDATE OF v ON t BEGIN UPDATE t SET w = 'seen' WHERE id = NEW.id; END;",
        kept: 20),
      Case(
        testDescription: "a generated column", up: "v = g",
        schema: "ALTER TABLE t ADD COLUMN g INTEGER AS (coalesce(v, n) + 1);", kept: 1),
      Case(
        testDescription: "a trigger that follows", up: "v = n",
        schema:
          "CREATE TRIGGER r AFTER UPDATE OF v ON t BEGIN UPDATE t SET w = 'seen' WHERE id = NEW.id; END;",
        kept: 20),
      Case(
        testDescription: "a trigger that up does not wake", up: "v = n",
        schema:
          "CREATE TRIGGER r AFTER UPDATE OF n ON t BEGIN UPDATE t SET v = NEW.n WHERE id = NEW.id; END;",
        kept: 1),
      Case(
        testDescription: "columns set together", up: "(v, w) = (n, name)", down: "v = NULL, w = NULL", kept: 1
      ),
    ])
  func comesBack(row: Case) throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, name TEXT, w TEXT);
      INSERT INTO t (id, n, name)
        WITH RECURSIVE i (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM i WHERE x < 20) SELECT x, x, 'n' || x FROM i;
      """)
    let range = "id BETWEEN :first AND :last"
    let migrations = try catalog([
      "0001-v": [
        phase(
          .expand, "ALTER TABLE t ADD COLUMN v \(row.type); \(row.schema)",
          down: "SELECT 1 FROM t"),
        phase(
          .migrate, "UPDATE t AS x SET \(row.up) WHERE \(range)\(row.condition)",
          down: "UPDATE t SET \(row.down) WHERE \(range)\(row.downCondition);", batch: Batching(table: "t")),
      ]
    ])
    try database.run(.upAll, migrations)
    try database.run(row.edit)
    let up = try #require(try database.snapshot())
    try database.run(.down(1), migrations)
    #expect(
      try database.value("SELECT coalesce(sum(rows), 0) FROM phasedb_archive WHERE direction = 'down'")
        == row.kept)
    #expect(try database.value("SELECT count(v) FROM t") == row.left)
    try database.run(.upAll, migrations)
    // What down did not keep and up does not give would show here.
    #expect(try up.isSame(as: database.snapshot()))
  }
}
