import PhaseSQLite
import Testing

@testable import PhaseDB

struct DatabaseDigestTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    let schema: String
    let change: String

    init(_ name: String, _ schema: String, _ change: String) {
      testDescription = name
      self.schema = schema
      self.change = change
    }
  }

  private static let people = """
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INT, note);
    INSERT INTO people VALUES (1, 'Ann', 30, x'00'), (2, 'Bob', NULL, 1.5), (3, 'Cid', 7, '');
    """

  static let same = [
    Case(
      "rows written again in another order", people,
      "DELETE FROM people WHERE id = 2; INSERT INTO people VALUES (2, 'Bob', NULL, 1.5)"),
    Case(
      "columns in another order", people,
      "CREATE TABLE p (name TEXT, note, age INT, id INTEGER PRIMARY KEY); INSERT INTO p SELECT name, note, age, id FROM people; DROP TABLE people; ALTER TABLE p RENAME TO people"
    ),
    Case("a column in another case", people, "ALTER TABLE people RENAME COLUMN name TO NAME"),
    Case("an index more", people, "CREATE INDEX i ON people (name)"),
    Case("a generated column more", people, "ALTER TABLE people ADD COLUMN upper AS (upper(name))"),
    Case("the ledger's tables", people, "CREATE TABLE phasedb_meta (a); INSERT INTO phasedb_meta VALUES (1)"),
    Case(
      "another tool's books", people,
      "CREATE TABLE schema_migrations (v); INSERT INTO schema_migrations VALUES (1)"),
    Case("statistics", people, "ANALYZE"),
    Case(
      "the rowids of a table with a key of its own",
      "CREATE TABLE t (k TEXT PRIMARY KEY); INSERT INTO t VALUES ('a'), ('b')",
      "CREATE TABLE u (k TEXT PRIMARY KEY); INSERT INTO u SELECT k FROM t ORDER BY k DESC; DROP TABLE t; ALTER TABLE u RENAME TO t"
    ),
    Case(
      "what a full-text index keeps inside",
      "CREATE VIRTUAL TABLE f USING fts5 (a); INSERT INTO f VALUES ('one'); INSERT INTO f VALUES ('two')",
      "INSERT INTO f (f) VALUES ('optimize')"),
    Case(
      "pages", people,
      "CREATE VIRTUAL TABLE s USING dbstat; INSERT INTO people (name) VALUES ('x'); DELETE FROM people WHERE name = 'x'"
    ),
  ]

  @Test("a digest does not see", arguments: same)
  func isSame(_ row: Case) throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: row.schema)
    let before = try DatabaseDigest(of: connection)
    try connection.execute(script: row.change)
    let after = try DatabaseDigest(of: connection)
    #expect(after.text.lowercased() == before.text.lowercased())
  }

  static let other = [
    Case("a value", people, "UPDATE people SET name = 'Zed' WHERE id = 1"),
    Case("a type", people, "UPDATE people SET note = 1 WHERE id = 2"),
    Case(
      "two rows that trade a value", people,
      "UPDATE people SET name = CASE id WHEN 1 THEN 'Bob' ELSE 'Ann' END WHERE id < 3"),
    Case("a row less", people, "DELETE FROM people WHERE id = 3"),
    Case("a key", people, "UPDATE people SET id = 4 WHERE id = 3"),
    Case("another name of a column", people, "ALTER TABLE people RENAME COLUMN name TO title"),
    Case("another name of a table", people, "ALTER TABLE people RENAME TO persons"),
    Case("an empty table more", people, "CREATE TABLE empty (a)"),
    Case(
      "rowids where there is no key", "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)",
      "UPDATE t SET rowid = 9 WHERE a = 1"),
    Case(
      "rows of a table without rowid",
      "CREATE TABLE t (a PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO t VALUES (1, 2)", "UPDATE t SET b = 3"),
    Case(
      "a stored value that a generated column follows from",
      "CREATE TABLE t (a, b AS (a + 1) STORED); INSERT INTO t VALUES (1)", "UPDATE t SET a = 2"),
    Case(
      "what a full-text index holds", "CREATE VIRTUAL TABLE f USING fts5 (a); INSERT INTO f VALUES ('one')",
      "INSERT INTO f VALUES ('two')"),
    Case(
      "a table whose column is called rowid", "CREATE TABLE t (rowid, a); INSERT INTO t VALUES (1, 2)",
      "UPDATE t SET oid = 7"),
    Case(
      "a counter", "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO t VALUES (NULL); DELETE FROM t"),
    Case("user_version", people, "PRAGMA user_version = 7"),
    Case("application_id", people, "PRAGMA application_id = 7"),
  ]

  @Test("a digest sees", arguments: other)
  func isOther(_ row: Case) throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: row.schema)
    let before = try DatabaseDigest(of: connection)
    try connection.execute(script: row.change)
    let after = try DatabaseDigest(of: connection)
    #expect(after != before)
    #expect(after.text != before.text)
  }

  @Test("a virtual table without its module is named, and does not hide the rest")
  func unread() throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: "\(Self.people)\nPRAGMA writable_schema = ON")
    try connection.execute(
      "INSERT INTO sqlite_schema VALUES ('table', 'gone', 'gone', 0, 'CREATE VIRTUAL TABLE gone USING nosuch (a)')"
    )
    try connection.execute("PRAGMA writable_schema = RESET")
    let digest = try DatabaseDigest(of: connection)
    #expect(digest.unread["gone"]?.contains("no such module") == true)
    #expect(digest.table("PEOPLE")?.rows == 3)
  }

  @Test("several readers come to what one comes to", arguments: [1, 2, 3, 5])
  func readers(_ count: Int) throws {
    let database = try TemporaryDatabase(
      """
      PRAGMA journal_mode = WAL;
      CREATE TABLE wide (id INTEGER PRIMARY KEY, a TEXT, b REAL);
      WITH RECURSIVE n (i) AS (SELECT -30000 UNION ALL SELECT i + 3 FROM n WHERE i < 30000)
      INSERT INTO wide SELECT i, 'row ' || i, i / 7.0 FROM n;
      CREATE TABLE edge (id INTEGER PRIMARY KEY);
      INSERT INTO edge VALUES (-9223372036854775808), (0), (9223372036854775807);
      CREATE TABLE bare (a);
      CREATE TABLE keyed (k TEXT PRIMARY KEY) WITHOUT ROWID;
      INSERT INTO keyed SELECT a FROM wide;
      """)
    let one = try DatabaseDigest(of: database.connect(.readOnly))
    #expect(one.table("wide")?.rows == 20_001)
    let several = try DatabaseDigest(on: Readers(path: database.path, count: count))
    #expect(several == one)
    #expect(try DatabaseDigest(ofFile: database.path, readers: count) == one)
  }

  @Test("readers see the moment they began at, whatever is written meanwhile")
  func moment() throws {
    let database = try TemporaryDatabase("PRAGMA journal_mode = WAL; \(Self.people)")
    let writer = try database.connect()
    let before = try DatabaseDigest(of: writer)
    let readers = try Readers.whileNoneCommits(on: writer) { try Readers(path: database.path, count: 2) }
    try writer.execute("DELETE FROM people")
    #expect(try DatabaseDigest(on: readers) == before)
    #expect(try DatabaseDigest(of: writer) != before)
  }

  @Test("the digest of a file that is not there is an error, and makes none")
  func missing() throws {
    let database = try TemporaryDatabase()
    #expect(migrationError { try DatabaseDigest(ofFile: database.path, readers: 2) }?.id == .databaseNotFound)
    #expect(try database.snapshot() == nil)
  }

  @Test("readers stop on request")
  func stop() throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i FROM n;
      """)
    let readers = try Readers(path: database.path, count: 2, shouldGoOn: { false })
    #expect(throws: SQLiteError.self) { try DatabaseDigest(on: readers) }
  }
}
