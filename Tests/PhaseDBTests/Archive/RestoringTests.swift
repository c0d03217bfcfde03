import PhaseSQLite
import Testing

@testable import PhaseDB

/// Rows and values come back with the way back.
struct RestoringTests {
  static let people = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT DEFAULT 'none');
    INSERT INTO t VALUES (1, 'x', 'one'), (2, 'y', 'two'), (3, NULL, 'three'), (9, 'z', NULL);
    """
  static let dropB = "ALTER TABLE t DROP b"

  // MARK: - The four rules

  static let rules = [
    RoundTrip(
      "an unchanged row gets the value that was dropped, whatever the way back computes", people, up: dropB,
      down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'; UPDATE t SET b = 'computed ' || a"),
    RoundTrip(
      "a row that changed since keeps what the way back computes", people, up: dropB,
      down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'; UPDATE t SET b = 'computed ' || a",
      since: "UPDATE t SET a = 'new' WHERE id = 2",
      after: ["t": ["1, 'x', 'one'", "2, 'new', 'computed new'", "3, NULL, 'three'", "9, 'z', NULL"]]),
    RoundTrip(
      "a row that changed since gets the value that was dropped when the way back computes none", people,
      up: dropB, down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'",
      since: "UPDATE t SET a = 'new' WHERE id = 2",
      after: ["t": ["1, 'x', 'one'", "2, 'new', 'two'", "3, NULL, 'three'", "9, 'z', NULL"]]),
    RoundTrip(
      "a row born since keeps what the way back gives it", people, up: dropB,
      down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'", since: "INSERT INTO t (id, a) VALUES (4, 'w')",
      after: ["t": ["1, 'x', 'one'", "2, 'y', 'two'", "3, NULL, 'three'", "4, 'w', 'none'", "9, 'z', NULL"]]),
    RoundTrip(
      "a row deleted since stays deleted", people, up: dropB, down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'",
      since: "DELETE FROM t WHERE id = 2",
      after: ["t": ["1, 'x', 'one'", "3, NULL, 'three'", "9, 'z', NULL"]]),
    RoundTrip(
      "a value computed from another table gives way to the dropped one only while that table stands still",
      people + "CREATE TABLE u (t, n); INSERT INTO u VALUES (1, 'new one'), (2, 'new two')", up: dropB,
      down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'; UPDATE t SET b = (SELECT n FROM u WHERE u.t = t.id)",
      since: "UPDATE u SET n = 'newer two' WHERE t = 2",
      after: [
        "t": ["1, 'x', 'new one'", "2, 'y', 'newer two'", "3, NULL, NULL", "9, 'z', NULL"],
        "u": ["1, 'new one'", "2, 'newer two'"],
      ]),
    RoundTrip(
      "of a value looked up by the other table's key, only the rows whose own one changed there count as changed",
      people
        + "CREATE TABLE u (id PRIMARY KEY, n); INSERT INTO u VALUES (1, 'new one'), (2, 'new two'), (9, 'nine')",
      up: dropB,
      down:
        "ALTER TABLE t ADD b TEXT DEFAULT 'none'; UPDATE t SET b = (SELECT n FROM u WHERE u.id IS t.id AND n <> '')",
      since:
        "UPDATE u SET n = 'newer two' WHERE id = 2; DELETE FROM u WHERE id = 9; INSERT INTO u VALUES (3, 'three!')",
      after: [
        "t": ["1, 'x', 'one'", "2, 'y', 'newer two'", "3, NULL, 'three!'", "9, 'z', NULL"],
        "u": ["1, 'new one'", "2, 'newer two'", "3, 'three!'"],
      ]),
    RoundTrip(
      "what the phase left alone and the way back computes wrongly is what it was", people, .migrate,
      up: "UPDATE t SET b = upper(b) WHERE id = 1", down: "UPDATE t SET b = 0",
      since: "UPDATE t SET a = 'changed' WHERE id = 2; INSERT INTO t (id) VALUES (4)",
      after: [
        "t": ["1, 'x', 'one'", "2, 'changed', '0'", "3, NULL, 'three'", "4, NULL, '0'", "9, 'z', NULL"]
      ]),
    RoundTrip(
      "also in a column that the phase does not mention", people, up: dropB,
      down: "ALTER TABLE t ADD b TEXT DEFAULT 'none'; UPDATE t SET a = 'oops'"),
  ]

  @Test("by the rules of restoring", arguments: rules)
  func rule(_ trip: RoundTrip) throws { try trip.check() }

  // MARK: - Whatever the table is like

  static let types =
    "(1, NULL), (2, 7), (3, 7.0), (4, '7'), (5, x'37'), (6, ''), (7, x''), (8, 9223372036854775807), (9, 1e300), (10, 'é' || char(0) || 'x')"

  static let tables = [
    RoundTrip(
      "values come back with their types",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES \(types)",
      up: "ALTER TABLE t DROP v", down: "ALTER TABLE t ADD v"),
    RoundTrip(
      "of a STRICT table",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY, w REAL) STRICT; INSERT INTO t (id, v) VALUES \(types); UPDATE t SET w = id",
      up: "ALTER TABLE t DROP w", down: "ALTER TABLE t ADD w REAL"),
    RoundTrip(
      "of a table without rowid",
      "CREATE TABLE t (a TEXT, b INT, v, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO t VALUES ('x', 1, 1), ('X', 1, 2.0), ('x', 2, 'y')",
      up: "ALTER TABLE t DROP v", down: "ALTER TABLE t ADD v"),
    RoundTrip(
      "of a table with a key of two columns, one of them NULL somewhere",
      "CREATE TABLE t (a, b, v, PRIMARY KEY (a, b)); INSERT INTO t VALUES (1, 1, 'p'), (1, NULL, 'q'), (1, NULL, 'r'), (NULL, NULL, 's')",
      up: "ALTER TABLE t DROP v", down: "ALTER TABLE t ADD v"),
    RoundTrip(
      "of a table without a key",
      "CREATE TABLE t (a, v); INSERT INTO t VALUES (1, 'p'), (1, 'q'), (NULL, 'r'); DELETE FROM t WHERE v = 'p'",
      up: "ALTER TABLE t DROP v", down: "ALTER TABLE t ADD v"),
    RoundTrip(
      "of a table whose key tells no case apart",
      "CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY, v); INSERT INTO t VALUES ('a', 1), ('B', 2)",
      up: "ALTER TABLE t DROP v", down: "ALTER TABLE t ADD v"),
    RoundTrip(
      "of a table whose key tells case apart",
      "CREATE TABLE t (k TEXT PRIMARY KEY, v); INSERT INTO t VALUES ('a', 1), ('A', 2)",
      up: "ALTER TABLE t DROP v", down: "ALTER TABLE t ADD v"),
    RoundTrip(
      "beside generated columns",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, g AS (a * 2), s AS (a * 3) STORED, v); INSERT INTO t (id, a, v) VALUES (1, 2, 'p'), (2, NULL, 'q')",
      up: "ALTER TABLE t DROP v", down: "ALTER TABLE t ADD v"),
    RoundTrip(
      "under names of any kind",
      "CREATE TABLE \"order \"\"x\"\"\" (\"select\" INTEGER PRIMARY KEY, \"größe 'é'\", \"a]b\"); INSERT INTO \"order \"\"x\"\"\" VALUES (1, 'p', 'q')",
      up: "ALTER TABLE \"order \"\"x\"\"\" DROP \"a]b\"", down: "ALTER TABLE \"order \"\"x\"\"\" ADD \"a]b\""),
    RoundTrip(
      "of a table that has a column called rowid",
      "CREATE TABLE t (rowid, v); INSERT INTO t VALUES (7, 'p'), (7, 'q')",
      up: "ALTER TABLE t DROP v", down: "ALTER TABLE t ADD v"),
    RoundTrip(
      "of several columns",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c); INSERT INTO t VALUES (1, 2, 3, 4)",
      up: "ALTER TABLE t DROP c; ALTER TABLE t DROP b", down: "ALTER TABLE t ADD b; ALTER TABLE t ADD c"),
    RoundTrip(
      "of a table and a column that are renamed on the way",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, v); INSERT INTO t VALUES (1, 'x', 'p'), (2, 'y', 'q')",
      up:
        "ALTER TABLE t RENAME a TO b; ALTER TABLE t RENAME TO u; ALTER TABLE u DROP v; ALTER TABLE u RENAME id TO n",
      down:
        "ALTER TABLE u RENAME n TO id; ALTER TABLE u RENAME TO t; ALTER TABLE t RENAME b TO a; ALTER TABLE t ADD v; UPDATE t SET v = a",
      since: "UPDATE u SET b = 'z' WHERE n = 2", after: ["t": ["1, 'x', 'p'", "2, 'z', 'z'"]]),
  ]

  @Test("values come back", arguments: tables)
  func table(_ trip: RoundTrip) throws { try trip.check() }

  // MARK: - Tables that go

  static let legacy = """
    CREATE TABLE old (id INTEGER PRIMARY KEY, name TEXT, note TEXT);
    CREATE TABLE new (id INTEGER PRIMARY KEY, title TEXT);
    INSERT INTO old VALUES (1, 'one', 'p'), (2, 'two', NULL), (3, 'never copied', 'r');
    INSERT INTO new VALUES (1, 'one'), (2, 'two');
    """
  static let makeOld = "CREATE TABLE old (id INTEGER PRIMARY KEY, name TEXT, note TEXT)"

  static let dropped = [
    RoundTrip("a dropped table has its rows again", legacy, up: "DROP TABLE old", down: makeOld),
    RoundTrip(
      "a table without a key has its rowids again",
      "CREATE TABLE t (a); INSERT INTO t (rowid, a) VALUES (5, 'x'), (9, 'y'); CREATE TABLE u (r); INSERT INTO u SELECT rowid FROM t",
      up: "DROP TABLE t", down: "CREATE TABLE t (a)",
      since: "CREATE VIEW v AS SELECT 1; DROP VIEW v"),
    RoundTrip(
      "so has one with a key that is not the rowid, because full-text tables may point to them",
      "CREATE TABLE t (k TEXT PRIMARY KEY, a); INSERT INTO t (rowid, k) VALUES (5, 'x'), (9, 'y')",
      up: "DROP TABLE t", down: "CREATE TABLE t (k TEXT PRIMARY KEY, a)"),
    RoundTrip(
      "a table filled again from one that nobody wrote is exactly what it was", legacy, up: "DROP TABLE old",
      down: "\(makeOld); INSERT INTO old (id, name) SELECT id, title FROM new"),
    RoundTrip(
      "of a table filled again, a row keeps what was written since where its rows went on", legacy,
      up: "DROP TABLE old",
      down: "\(makeOld); INSERT INTO old (id, name, note) SELECT id, title, 'new' FROM new",
      since: "UPDATE new SET title = 'deux' WHERE id = 2; INSERT INTO new VALUES (4, 'four')",
      after: [
        "old": ["1, 'one', 'p'", "2, 'deux', 'new'", "3, 'never copied', 'r'", "4, 'four', 'new'"],
        "new": ["1, 'one'", "2, 'deux'", "4, 'four'"],
      ]),
    RoundTrip(
      "and a row that was deleted there stays deleted", legacy, up: "DROP TABLE old",
      down: "\(makeOld); INSERT INTO old (id, name, note) SELECT id, title, 'new' FROM new",
      since: "DELETE FROM new WHERE id = 1",
      after: ["old": ["2, 'two', NULL", "3, 'never copied', 'r'"], "new": ["2, 'two'"]]),
    RoundTrip(
      "a table filled again from two that changed keeps what the way back makes, and gets the rows it lacks",
      legacy + "CREATE TABLE more (id, note); INSERT INTO more VALUES (1, 'm')", up: "DROP TABLE old",
      down: "\(makeOld); INSERT INTO old SELECT id, title, more.note FROM new JOIN more USING (id)",
      since: "UPDATE more SET note = 'n'",
      after: ["old": ["1, 'one', 'n'", "2, 'two', NULL", "3, 'never copied', 'r'"], "more": ["1, 'n'"]]),
    RoundTrip(
      "a counter comes back with its table",
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a); INSERT INTO t VALUES (1, 'x'), (9, 'y'); DELETE FROM t WHERE id = 9",
      up: "DROP TABLE t", down: "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a)"),
    RoundTrip(
      "also with one that had no rows left",
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a); INSERT INTO t VALUES (9, 'y'); DELETE FROM t",
      up: "DROP TABLE t", down: "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a)"),
  ]

  @Test("dropped tables come back", arguments: dropped)
  func goneTable(_ trip: RoundTrip) throws { try trip.check() }

  // MARK: - Rebuilds

  static func rebuild(
    _ definition: String, _ columns: String, from source: String = "", where condition: String = ""
  ) -> String {
    """
    CREATE TABLE fresh (\(definition));
    INSERT INTO fresh (\(columns)) SELECT \(source.isEmpty ? columns : source) FROM t \(condition);
    DROP TABLE t; ALTER TABLE fresh RENAME TO t;
    """
  }

  static let rebuilds = [
    RoundTrip(
      "a text that became a number is the text it was",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, '007'), (2, '1e3'), (3, 'x'), (4, NULL), (5, '7')",
      up: rebuild("id INTEGER PRIMARY KEY, v INTEGER", "id, v"),
      down: rebuild("id INTEGER PRIMARY KEY, v TEXT", "id, v"),
      since: "UPDATE t SET v = 8 WHERE id = 2; UPDATE t SET v = 7 WHERE id = 1",
      after: ["t": ["1, '007'", "2, '8'", "3, 'x'", "4, NULL", "5, '7'"]]),
    RoundTrip(
      "it still is when something else of the row changed, and the way back only hands it over",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w); INSERT INTO t VALUES (1, '007', 'a'), (2, '008', 'b'), (3, '009', 'c')",
      up: rebuild("id INTEGER PRIMARY KEY, v INTEGER, w", "id, v, w"),
      down: rebuild("id INTEGER PRIMARY KEY, v TEXT, w", "id, v, w"),
      since: "UPDATE t SET w = 'A' WHERE id = 1; UPDATE t SET v = 80 WHERE id = 2",
      after: ["t": ["1, '007', 'A'", "2, '80', 'b'", "3, '009', 'c'"]]),
    RoundTrip(
      "and is computed anew when the way back computes it",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w); INSERT INTO t VALUES (1, '007', 'a'), (2, '008', 'b')",
      up: rebuild("id INTEGER PRIMARY KEY, v INTEGER, w", "id, v, w"),
      down: rebuild("id INTEGER PRIMARY KEY, v TEXT, w", "id, v, w", from: "id, 'no ' || v, w"),
      since: "UPDATE t SET w = 'A' WHERE id = 1",
      after: ["t": ["1, 'no 7', 'A'", "2, '008', 'b'"]]),
    RoundTrip(
      "a rebuild by SELECT * hands over, too",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w); INSERT INTO t VALUES (1, '007', 'a')",
      up:
        "CREATE TABLE f (id INTEGER PRIMARY KEY, v INTEGER, w); INSERT INTO f SELECT * FROM t; DROP TABLE t; ALTER TABLE f RENAME TO t",
      down:
        "CREATE TABLE f (id INTEGER PRIMARY KEY, v TEXT, w); INSERT INTO f SELECT t.* FROM t; DROP TABLE t; ALTER TABLE f RENAME TO t",
      since: "UPDATE t SET w = 'A'", after: ["t": ["1, '007', 'A'"]]),
    RoundTrip(
      "a key that became a number is the text it was",
      "CREATE TABLE t (k TEXT PRIMARY KEY, v); INSERT INTO t VALUES ('007', 'a'), ('1e3', 'b'), ('9', 'c')",
      up: rebuild("k INTEGER PRIMARY KEY, v", "k, v"), down: rebuild("k TEXT PRIMARY KEY, v", "k, v")),
    RoundTrip(
      "a column that a rebuild leaves out comes back",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'x', 'p'), (2, 'y', 'q')",
      up: rebuild("id INTEGER PRIMARY KEY, a", "id, a"),
      down: rebuild("id INTEGER PRIMARY KEY, a, b", "id, a"),
      since: "UPDATE t SET a = 'z' WHERE id = 2", after: ["t": ["1, 'x', 'p'", "2, 'z', 'q'"]]),
    RoundTrip(
      "and keeps what the way back computes where the row changed",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'x', 'p'), (2, 'y', 'q')",
      up: rebuild("id INTEGER PRIMARY KEY, a", "id, a"),
      down: rebuild("id INTEGER PRIMARY KEY, a, b", "id, a, b", from: "id, a, upper(a)"),
      since: "UPDATE t SET a = 'z' WHERE id = 2", after: ["t": ["1, 'x', 'p'", "2, 'z', 'Z'"]]),
    RoundTrip(
      "rows that a rebuild leaves out come back",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, NULL)",
      up: rebuild("id INTEGER PRIMARY KEY, a NOT NULL", "id, a", where: "WHERE a IS NOT NULL"),
      down: rebuild("id INTEGER PRIMARY KEY, a", "id, a"),
      since: "INSERT INTO t VALUES (3, 'z')", after: ["t": ["1, 'x'", "2, NULL", "3, 'z'"]]),
    RoundTrip(
      "a key that was born again since keeps its new row",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, NULL)",
      up: rebuild("id INTEGER PRIMARY KEY, a NOT NULL", "id, a", where: "WHERE a IS NOT NULL"),
      down: rebuild("id INTEGER PRIMARY KEY, a", "id, a"),
      since: "INSERT INTO t VALUES (2, 'z')", after: ["t": ["1, 'x'", "2, 'z'"]]),
    RoundTrip(
      "a rebuild of a table without a key that nobody touched is undone exactly",
      "CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('007'), ('7')",
      up: rebuild("v INTEGER", "v"), down: rebuild("v TEXT", "v")),
    RoundTrip(
      "of one that was touched the way back decides",
      "CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('007'), ('8')",
      up: rebuild("v INTEGER", "v"), down: rebuild("v TEXT", "v"), since: "INSERT INTO t VALUES (9)",
      after: ["t": ["'7'", "'8'", "'9'"]]),
    RoundTrip(
      "a rebuild that hands over the rowids of a table without a key is followed row by row",
      "CREATE TABLE t (v TEXT, w); INSERT INTO t (rowid, v) VALUES (3, '007'), (7, '8'), (9, '009')",
      up: rebuild("v INTEGER, w", "rowid, v, w"), down: rebuild("v TEXT, w", "rowid, v, w"),
      since:
        "UPDATE t SET v = 9 WHERE v = 8; DELETE FROM t WHERE rowid = 3; UPDATE t SET w = 'z' WHERE rowid = 9",
      after: ["t": ["'009', 'z'", "'9', NULL"]]),
    RoundTrip(
      "one that does not, on the way back alone, puts no value into a wrong row",
      "CREATE TABLE t (a, v); INSERT INTO t (rowid, a, v) VALUES (3, 'x', 'p'), (7, 'y', 'q')",
      up: "ALTER TABLE t DROP v", down: rebuild("a, v", "a"), since: "DELETE FROM t WHERE a = 'x'",
      after: ["t": ["'y', NULL"]]),
    RoundTrip(
      "and is exact while nobody wrote",
      "CREATE TABLE t (a, v); INSERT INTO t (rowid, a, v) VALUES (3, 'x', 'p'), (7, 'y', 'q')",
      up: "ALTER TABLE t DROP v", down: rebuild("a, v", "a")),
    RoundTrip(
      "a rebuild that renames the old table away first",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'x', 'p')",
      up:
        "ALTER TABLE t RENAME TO away; CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t SELECT id, a FROM away; DROP TABLE away",
      down: "ALTER TABLE t ADD b"),
    RoundTrip(
      "the counter of a rebuilt table counts on",
      "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a, b); INSERT INTO t VALUES (1, 'x', 'p'), (9, 'y', 'q'); DELETE FROM t WHERE id = 9",
      up: rebuild("id INTEGER PRIMARY KEY AUTOINCREMENT, a", "id, a"),
      down: rebuild("id INTEGER PRIMARY KEY AUTOINCREMENT, a, b", "id, a")),
  ]

  @Test("rebuilt tables come back", arguments: rebuilds)
  func rebuilt(_ trip: RoundTrip) throws { try trip.check() }

  // MARK: - Values that are overwritten, rows that are deleted

  static let written = [
    RoundTrip(
      "overwritten values come back, also when the way back does nothing", people, .migrate,
      up: "UPDATE t SET a = upper(a), b = NULL WHERE id < 9",
      down: "SELECT 1"),
    RoundTrip(
      "but not over what was written since, while an unrelated write does not matter", people, .migrate,
      up: "UPDATE t SET b = '0'", down: "SELECT 1",
      since: "UPDATE t SET b = 'mine' WHERE id = 1; UPDATE t SET a = 'mine' WHERE id = 2",
      after: ["t": ["1, 'x', 'mine'", "2, 'mine', 'two'", "3, NULL, 'three'", "9, 'z', NULL"]]),
    RoundTrip(
      "what the way back computes stays where the row changed", people, .migrate,
      up: "UPDATE t SET b = '0'", down: "UPDATE t SET b = 'computed ' || coalesce(a, '')",
      since: "UPDATE t SET a = 'mine' WHERE id = 2",
      after: ["t": ["1, 'x', 'one'", "2, 'mine', 'computed mine'", "3, NULL, 'three'", "9, 'z', NULL"]]),
    RoundTrip(
      "deleted rows come back", people, .migrate, up: "DELETE FROM t WHERE a IS NULL OR b IS NULL",
      down: "SELECT 1",
      since: "INSERT INTO t VALUES (3, 'born', 'again')",
      after: ["t": ["1, 'x', 'one'", "2, 'y', 'two'", "3, 'born', 'again'", "9, 'z', NULL"]]),
    RoundTrip(
      "what a trigger overwrites comes back, and no trigger fires on it",
      people + """
        CREATE TABLE seen (n INTEGER PRIMARY KEY, what); INSERT INTO seen VALUES (1, 'before');
        CREATE TRIGGER r AFTER UPDATE ON t BEGIN UPDATE seen SET what = NEW.a; END;
        CREATE TRIGGER d AFTER DELETE ON t BEGIN UPDATE seen SET what = 'deleted'; END;
        CREATE TRIGGER i AFTER INSERT ON t BEGIN UPDATE seen SET what = 'inserted'; END;
        """, .migrate, up: "UPDATE t SET a = 'u' WHERE id = 1; DELETE FROM t WHERE id = 2", down: "SELECT 1"),
    RoundTrip(
      "rows that REPLACE pushed out come back",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b); INSERT INTO t VALUES (1, 'x', 'p'), (2, 'y', 'q')",
      .migrate, up: "REPLACE INTO t VALUES (2, 'z', 'r')", down: "SELECT 1"),
    RoundTrip(
      "also where the table itself says REPLACE",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE ON CONFLICT REPLACE, b); INSERT INTO t VALUES (1, 'x', 'p'), (2, 'y', 'q')",
      .migrate, up: "UPDATE t SET a = 'x' WHERE id = 2", down: "UPDATE t SET a = 'y' WHERE id = 2"),
    RoundTrip(
      "a key that the phase changes comes back by the rowid",
      "CREATE TABLE t (k TEXT PRIMARY KEY, a); INSERT INTO t VALUES ('x', 1), ('y', 2)",
      .migrate, up: "UPDATE t SET k = upper(k), a = a + 1", down: "SELECT 1",
      since: "UPDATE t SET a = 0 WHERE k = 'Y'",
      after: ["t": ["'x', 1", "'y', 0"]]),
    RoundTrip(
      "a table whose rowids the phase changes comes back when nobody touched it",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
      .migrate, up: "UPDATE t SET id = id + 100", down: "SELECT 1"),
    RoundTrip(
      "and goes the way of its own SQL when somebody did",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
      .migrate, up: "UPDATE t SET id = id + 100", down: "UPDATE t SET id = id - 100",
      since: "UPDATE t SET a = 'z' WHERE id = 102",
      after: ["t": ["1, 'x'", "2, 'z'"]]),
    RoundTrip(
      "a contract that moves values and then drops their column",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, '007'), (2, 'x')",
      up: "ALTER TABLE t ADD w INTEGER; UPDATE t SET w = CAST(v AS INTEGER); ALTER TABLE t DROP v",
      down: "ALTER TABLE t ADD v TEXT; UPDATE t SET v = w; ALTER TABLE t DROP w",
      since: "UPDATE t SET w = 5 WHERE id = 2",
      after: ["t": ["1, '007'", "2, '5'"]]),
  ]

  @Test("what was overwritten or deleted comes back", arguments: written)
  func overwriting(_ trip: RoundTrip) throws { try trip.check() }
}
