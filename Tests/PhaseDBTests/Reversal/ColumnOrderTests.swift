import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

/// A down that leaves every column, and not where it was: phasedb puts the table back, byte for byte.
struct ColumnOrderTests {
  /// Drops `b`, which is empty, from the middle of `t` and adds it again.
  static func swap(_ sentence: String, _ setUp: String, declared b: String = "b", more: String = "")
    -> Retreat
  {
    Retreat(
      sentence, setUp, up: "ALTER TABLE t DROP COLUMN b",
      down: "ALTER TABLE t ADD COLUMN \(b)" + (more.isEmpty ? "" : "; \(more)"))
  }

  static let cases = [
    swap(
      "a plain table",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, b, c TEXT); INSERT INTO t VALUES (3, NULL, 'x'), (1, NULL, 'y')"
    ),
    swap(
      "values of every type",
      "CREATE TABLE t (a, b, c); INSERT INTO t VALUES (1, NULL, 1.0), ('1', NULL, x'31'), (NULL, NULL, ''), (9e99, NULL, -9223372036854775808)"
    ),
    swap(
      "a declaration with everything",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT 'n' COLLATE NOCASE CHECK (b <> ''), c); INSERT INTO t (c) VALUES (1)",
      declared: "b TEXT NOT NULL DEFAULT 'n' COLLATE NOCASE CHECK (b <> '')"),
    swap(
      "rowids that nothing but the table keeps",
      "CREATE TABLE t (a, b, c); INSERT INTO t VALUES (1, NULL, 2), (3, NULL, 4), (5, NULL, 6); DELETE FROM t WHERE a = 3"
    ),
    swap(
      "rowids under the last name that is left",
      "CREATE TABLE t (rowid, b, _rowid_); INSERT INTO t (oid, rowid) VALUES (7, 'x'), (4, 'y')"),
    swap(
      "columns with all names of the rowid",
      "CREATE TABLE t (rowid, b, _rowid_, oid, PRIMARY KEY (oid)); INSERT INTO t VALUES (9, NULL, 8, 7), (1, NULL, 1, 1)"
    ),
    swap(
      "a key of two columns",
      "CREATE TABLE t (a, b, c, PRIMARY KEY (c, a)); INSERT INTO t VALUES (1, NULL, 2), (NULL, NULL, 2)"),
    swap(
      "a STRICT table WITHOUT ROWID",
      "CREATE TABLE t (a TEXT, b INT, c ANY, PRIMARY KEY (c, a DESC)) WITHOUT ROWID, STRICT; INSERT INTO t VALUES ('x', NULL, '007'), ('y', NULL, 7)",
      declared: "b INT"),
    swap(
      "an AUTOINCREMENT whose highest number is gone",
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, b, c); INSERT INTO t VALUES (5, NULL, 1), (9, NULL, 1); DELETE FROM t WHERE id = 9"
    ),
    swap(
      "an AUTOINCREMENT that never gave out a number",
      "CREATE TABLE u (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO u DEFAULT VALUES; CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, b, c)"
    ),
    swap(
      "generated columns, stored and not",
      "CREATE TABLE t (a, b, c AS (a * 2) STORED, d AS (c + 1) NOT NULL); INSERT INTO t (a) VALUES (1), (2)"),
    swap(
      "a table that references itself",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, b, up REFERENCES t (id) ON DELETE CASCADE); INSERT INTO t VALUES (1, NULL, NULL), (2, NULL, 1)"
    ),
    swap(
      "children that cascade, set to NULL and restrict",
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, b, c);
      CREATE TABLE x (p REFERENCES t ON DELETE CASCADE);
      CREATE TABLE y (p REFERENCES t (id) ON DELETE SET NULL);
      CREATE TABLE z (p, FOREIGN KEY (p) REFERENCES t);
      INSERT INTO t VALUES (1, NULL, 'c');
      INSERT INTO x VALUES (1); INSERT INTO y VALUES (1); INSERT INTO z VALUES (1);
      """),
    swap(
      "indexes of every kind",
      """
      CREATE TABLE t (a UNIQUE, b, c TEXT, UNIQUE (c, a));
      CREATE INDEX i ON t (c COLLATE NOCASE DESC, a);
      CREATE UNIQUE INDEX j ON t (lower(c)) WHERE c IS NOT NULL;
      CREATE INDEX k ON t (a) WHERE t.a > 1;
      INSERT INTO t VALUES (1, NULL, 'x'), (2, NULL, 'y');
      """),
    swap(
      "triggers, of the table and of others, none of which fires",
      """
      CREATE TABLE t (a, b, c);
      CREATE TABLE log (x);
      CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('born'); END;
      CREATE TRIGGER h BEFORE DELETE ON t BEGIN INSERT INTO log VALUES ('gone'); END;
      CREATE TRIGGER k AFTER UPDATE ON log BEGIN DELETE FROM t WHERE a = NEW.x; END;
      INSERT INTO t VALUES (1, NULL, 2);
      """),
    swap(
      "views, one of which does not compile",
      """
      CREATE TABLE t (a, b, c);
      CREATE VIEW v AS SELECT a, c FROM t;
      CREATE VIEW w AS SELECT a FROM v;
      INSERT INTO t VALUES (1, NULL, 2);
      """, more: "CREATE VIEW broken AS SELECT a FROM nowhere; DROP VIEW broken"),
    swap(
      "a CHECK that says whose column it means",
      "CREATE TABLE t (a CHECK (t.a > 0), b, c CHECK (\"T\" . c IS NOT 5)); INSERT INTO t VALUES (2, NULL, 3), (4, NULL, NULL); DELETE FROM t WHERE a = 2"
    ),
    swap(
      "a key in a table whose CHECK says whose column it means",
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, b, c CHECK (t.c > 0)); INSERT INTO t VALUES (8, NULL, 3); DELETE FROM t; INSERT INTO t VALUES (2, NULL, 1)"
    ),
    swap(
      "constraints that would replace or ignore rows",
      "CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE, b, c NOT NULL ON CONFLICT IGNORE); INSERT INTO t VALUES (1, NULL, 2), (NULL, NULL, 3), (NULL, NULL, 3)"
    ),
    swap(
      "whole numbers in columns with a type and without",
      "CREATE TABLE t (a, b, c REAL, d, e NUMERIC); INSERT INTO t VALUES (1, NULL, 3.0, 3, 3.0), (2, NULL, 3, 3.0, '4')"
    ),
    swap(
      "whole numbers in columns that all have one",
      "CREATE TABLE t (a, b INT, c REAL, d TEXT); INSERT INTO t VALUES (1, NULL, 3.0, 3), (2, NULL, 3, '4.0')",
      declared: "b INT"),
    swap(
      "rows from before columns were added",
      "CREATE TABLE t (a, b, c); INSERT INTO t VALUES (1, NULL, 2); ALTER TABLE t ADD d; ALTER TABLE t ADD e DEFAULT 5; INSERT INTO t VALUES (3, NULL, 4, 5, 6)"
    ),
    swap(
      "indexes that hold a column that moves, and one that holds none",
      """
      CREATE TABLE t (a UNIQUE, b, c TEXT, d);
      CREATE INDEX i ON t (c, a);
      CREATE INDEX j ON t (a) WHERE d > 1;
      CREATE INDEX k ON t (a);
      CREATE TRIGGER g AFTER UPDATE ON t BEGIN DELETE FROM t; END;
      INSERT INTO t VALUES (1, NULL, 'x', 2), (2, NULL, 'y', 1);
      """),
    swap(
      "a text in double quotes", "CREATE TABLE t (a DEFAULT \"new\", b, c); INSERT INTO t (c) VALUES (1)"),
    swap(
      "a full-text index that takes its content from the table",
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, b, c TEXT);
      INSERT INTO t VALUES (4, NULL, 'apple pie'), (2, NULL, 'plum cake');
      CREATE VIRTUAL TABLE f USING fts5 (c, content = 't', content_rowid = 'id');
      INSERT INTO f (f) VALUES ('rebuild');
      """),
    Retreat(
      "names that need quotes",
      "CREATE TABLE \"a \"\"b\" (\"x y\", [order], `select` TEXT); CREATE INDEX \"i \"\" i\" ON \"a \"\"b\" ([select]); INSERT INTO \"a \"\"b\" VALUES (1, NULL, 3)",
      up: "ALTER TABLE \"a \"\"b\" DROP COLUMN [order]", down: "ALTER TABLE \"a \"\"b\" ADD COLUMN [order]"),
    Retreat(
      "a rebuild of the author's own in the wrong order, without its constraints",
      "CREATE TABLE t (a, b, c, CONSTRAINT pair UNIQUE (a, c), CHECK (a < c)); INSERT INTO t VALUES (1, NULL, 3)",
      up: "CREATE TABLE n (a, c); INSERT INTO n SELECT a, c FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t",
      down:
        "CREATE TABLE n (c, b, a); INSERT INTO n SELECT c, NULL, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t"
    ),
    Retreat(
      "two tables at once",
      "CREATE TABLE t (a, b, c); CREATE TABLE u (x, y REFERENCES t, z); INSERT INTO t VALUES (1, NULL, 3); INSERT INTO u VALUES (NULL, NULL, 6)",
      up: "ALTER TABLE t DROP COLUMN b; ALTER TABLE u DROP COLUMN x",
      down: "ALTER TABLE u ADD COLUMN x; ALTER TABLE t ADD COLUMN b"),
    Retreat(
      "only the words around the columns",
      "CREATE TABLE t (a, b, CONSTRAINT one CHECK (a > 0)); INSERT INTO t VALUES (1, 2)",
      up: "CREATE TABLE n (a, b); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t",
      down: "SELECT 1"),
  ]

  @Test("rows, rowids, counters and the text of every object are as before", arguments: cases)
  func thereAndBack(_ example: Retreat) throws {
    let database = try TemporaryDatabase(example.setUp)
    let before = try database.snapshot()
    let sight = try database.sight()
    let catalog = try example.catalog()
    try database.run(.upAll, catalog)
    #expect(try database.sight().digest != sight.digest)
    try database.run(.downAll, catalog)
    #expect(try database.sight() == sight)
    let after = try database.snapshot()
    // An index or a trigger of a table that up built anew is the author's to make again, as is a name in quotes.
    #expect(after?.rows == before?.rows)
    if example.up.hasPrefix("ALTER") { #expect(after?.schema == before?.schema) }
    #expect(database.integrity() == "ok")
  }

  @Test("an application that counts columns writes and reads the right ones")
  func positions() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c REAL); INSERT INTO t VALUES (1, NULL, 1.5)")
    let catalog = try Self.swap("", "", declared: "b TEXT").catalog()
    try database.run(.upAll, catalog)
    try database.run(.downAll, catalog)
    try database.run("INSERT INTO t VALUES (2, 'two', 2.5)")
    #expect(
      try database.connect().rows("SELECT * FROM t") == [[1, .null, .real(1.5)], [2, "two", .real(2.5)]])
    try database.run("CREATE TABLE copy (x, y, z); INSERT INTO copy SELECT * FROM t")
    #expect(try database.value("SELECT y FROM copy WHERE x = 2") == "two")
  }

  @Test("a search finds the same rows after the table was built anew")
  func search() throws {
    let example = try #require(Self.cases.first { $0.testDescription.contains("full-text") })
    let database = try TemporaryDatabase(example.setUp)
    let catalog = try example.catalog()
    try database.run(.upAll, catalog)
    try database.run(.downAll, catalog)
    #expect(try database.value("SELECT rowid FROM f WHERE f MATCH 'plum'") == 2)
    #expect(throws: Never.self) { try database.run("INSERT INTO f (f, rank) VALUES ('integrity-check', 1)") }
  }

  @Test(
    "a table that differs in more stays the author's",
    arguments: [
      swap("another type", "CREATE TABLE t (a, b TEXT, c)", declared: "b INTEGER"),
      swap("a default too many", "CREATE TABLE t (a, b, c)", declared: "b DEFAULT 1"),
      swap("a CHECK forgotten", "CREATE TABLE t (a, b CHECK (b > 0), c)"),
      swap("another name", "CREATE TABLE t (a, b, c)", declared: "bb"),
      swap("a column too many", "CREATE TABLE t (a, b, c)", more: "ALTER TABLE t ADD COLUMN d"),
      swap("an index forgotten", "CREATE TABLE t (a, b, c)", more: "CREATE INDEX i ON t (a)"),
      Retreat(
        "STRICT forgotten", "CREATE TABLE t (a INT, b INT) STRICT", up: "DROP TABLE t",
        down: "CREATE TABLE t (b INT, a INT)"),
      Retreat(
        "WITHOUT ROWID forgotten", "CREATE TABLE t (a, b, PRIMARY KEY (a)) WITHOUT ROWID", up: "DROP TABLE t",
        down: "CREATE TABLE t (b, a, PRIMARY KEY (a))"),
    ])
  func others(_ example: Retreat) throws {
    let database = try TemporaryDatabase(example.setUp)
    let catalog = try example.catalog()
    try database.run(.upAll, catalog)
    let before = try database.sight()
    let error = try #require(migrationError { try database.run(.downAll, catalog) })
    #expect(error.id == .downNotInverse)
    #expect(error.standing == .undone)
    #expect(try database.sight() == before)
  }

  @Test("a row that the table as it was does not take is told, and the table stays")
  func misfit() throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: "CREATE TABLE t (a UNIQUE ON CONFLICT IGNORE, b, CHECK (a < 9))")
    let before = try Schema(of: connection)
    try connection.execute(
      script: """
        DROP TABLE t;
        CREATE TABLE t (b, a UNIQUE ON CONFLICT IGNORE);
        INSERT INTO t VALUES ('small', 1), ('large', 10);
        """)
    let rebuild = try #require(ColumnOrder(of: Schema(of: connection), as: before).rebuilds.first)
    let transaction = try connection.begin()
    let error = try #require(migrationError { try rebuild.run(on: connection) })
    try transaction.rollBack()
    #expect(error.id == .downNotInverse)
    #expect(
      error.message
        == "the rows of t do not fit the table as it was before the phase: CHECK constraint failed: a < 9")
    #expect(try connection.rows("SELECT * FROM t") == [["small", 1], ["large", 10]])
    #expect(!connection.isOn(.legacyAlterTable))
  }

  @Test("a table that was changed by hand, and accepted so, keeps what was done to it")
  func drift() throws {
    let database = try TemporaryDatabase("CREATE TABLE t (a, b, c)")
    let catalog = try catalog(["0001-a": [phase(.expand, "CREATE TABLE u (x)", down: "DROP TABLE u")]])
    try database.run(.upAll, catalog)
    try database.run("ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD COLUMN b")
    try database.run(.downAll, catalog, .test(override: [.drift], reason: "wanted"))
    #expect(
      try database.value("SELECT sql FROM sqlite_schema WHERE name = 't'") == "CREATE TABLE t (a, c, b)")
  }

  @Test("other values come back in the same pass where somebody has them")
  func reading() throws {
    for setUp in ["CREATE TABLE t (a, b, c)", "CREATE TABLE t (a, b, c CHECK (t.c > 0))"] {
      let connection = try Connection(path: "", mode: .memory)
      try connection.execute(script: setUp)
      let before = try Schema(of: connection)
      try connection.execute(
        script: """
          INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3);
          CREATE TABLE kept AS SELECT rowid AS id, b FROM t WHERE a <> 3;
          ALTER TABLE t DROP COLUMN b;
          ALTER TABLE t ADD COLUMN b;
          UPDATE t SET b = 'computed';
          """)
      let rebuild = try #require(ColumnOrder(of: Schema(of: connection), as: before).rebuilds.first)
      let id = try #require(rebuild.rowID)
      try rebuild.run(
        on: connection,
        reading: TableRebuild.Reading(
          columns: ["b": { "iif(kept.id IS NULL, \($0), kept.b)" }],
          join: "LEFT JOIN kept ON kept.id = \(id)"))
      #expect(try connection.rows("SELECT a, b FROM t") == [[1, "one"], [2, "two"], [3, "computed"]])
    }
  }

  static let orders: [(String, String, Bool)] = [
    ("CREATE TABLE t (a, b, c)", "CREATE TABLE t (a, c, b)", true),
    (
      "CREATE TABLE t (a INTEGER PRIMARY KEY, b UNIQUE, c, d)",
      "CREATE TABLE t (a INTEGER PRIMARY KEY, b UNIQUE, d, c)", true
    ),
    ("CREATE TABLE t (a, b REAL, c TEXT)", "CREATE TABLE t (a, c TEXT, b REAL)", true),
    ("CREATE TABLE t (a, b REAL, c)", "CREATE TABLE t (a, c, b REAL)", false),
    ("CREATE TABLE t (a, b REAL, c INT)", "CREATE TABLE t (a, c INT, b REAL)", false),
    ("CREATE TABLE t (a, b, c)", "CREATE TABLE t (a, c, b, CHECK (a > 0))", false),
    ("CREATE TABLE t (a, b DEFAULT 1, c)", "CREATE TABLE t (a, c, b DEFAULT 1)", false),
    ("CREATE TABLE t (a, b UNIQUE, c)", "CREATE TABLE t (a, c, b UNIQUE)", false),
    ("CREATE TABLE t (a, b, c, UNIQUE (a, c))", "CREATE TABLE t (a, c, b, UNIQUE (a, c))", false),
    ("CREATE TABLE t (a, b PRIMARY KEY, c)", "CREATE TABLE t (a, c, b PRIMARY KEY)", false),
    ("CREATE TABLE t (a, b AS (a), c)", "CREATE TABLE t (a, c, b AS (a))", false),
    ("CREATE TABLE t (a INT, b INT, c INT) STRICT", "CREATE TABLE t (a INT, c INT, b INT) STRICT", false),
    (
      "CREATE TABLE t (a PRIMARY KEY, b, c) WITHOUT ROWID",
      "CREATE TABLE t (a PRIMARY KEY, c, b) WITHOUT ROWID", false
    ),
    ("CREATE TABLE t (a, b)", "CREATE TABLE \"t\" (a, b)", false),
  ]

  @Test("values trade places inside their rows where nothing can come out as another one", arguments: orders)
  func inPlace(_ present: String, _ wanted: String, _ isInPlace: Bool) throws {
    let present = try #require(TableDefinition(present))
    let wanted = try #require(TableDefinition(wanted))
    #expect((ColumnReordering(from: present, to: wanted) != nil) == isInPlace)
  }

  @Test("another connection sees the order of a table whose rows stayed in their place")
  func elsewhere() throws {
    let database = try TemporaryDatabase("CREATE TABLE t (a, b, c); INSERT INTO t VALUES (1, NULL, 2)")
    let catalog = try catalog([
      "0001-a": [phase(.contract, "ALTER TABLE t DROP COLUMN b", down: "ALTER TABLE t ADD COLUMN b")]
    ])
    try database.run(.upAll, catalog)
    let other = try Connection(path: database.path, mode: .readWrite)
    #expect(try other.rows("SELECT * FROM t") == [[1, 2]])
    try database.run(.down(1), catalog)
    #expect(try other.rows("SELECT * FROM t") == [[1, .null, 2]])
    #expect(try other.value("PRAGMA integrity_check") == "ok")
  }
}
