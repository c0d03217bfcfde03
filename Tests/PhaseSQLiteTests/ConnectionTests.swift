import Foundation
import PhaseSQL
import PhaseSQLite
import Testing

struct ConnectionTests {
  static let names = [
    "plain.db", "with space.db", "100%.db", "a%20b.db", "what?.db", "tag#1.db", "a&b=c.db", "straße-кот-🐈.db",
    "quote'\".db", "file:x.db",
  ]

  @Test("a file opens under any name, and no other file is made", arguments: names)
  func anyName(_ name: String) throws {
    let file = try TemporaryFile(named: name)
    try file.open(.create).execute("CREATE TABLE t AS SELECT 7 AS a")
    #expect(file.names == [name])
    for mode in [Connection.Mode.readWrite, .readOnly, .immutable] {
      #expect(try file.open(mode).value("SELECT a FROM t") == 7)
    }
    #expect(file.names == [name])
  }

  @Test("a path that begins with two slashes opens in every mode")
  func slashes() throws {
    let file = try TemporaryFile()
    try file.open().execute("CREATE TABLE t AS SELECT 7 AS a")
    for mode in [Connection.Mode.readOnly, .immutable] {
      #expect(try Connection(path: "/" + file.path, mode: mode).value("SELECT a FROM t") == 7)
    }
  }

  @Test("only .create makes a missing file", arguments: [Connection.Mode.readOnly, .immutable, .readWrite])
  func missing(_ mode: Connection.Mode) throws {
    let file = try TemporaryFile()
    let error = failure { _ = try file.open(mode).value("SELECT count(*) FROM sqlite_schema") }
    #expect(error?.code.primary == .cannotOpen)
    #expect(file.names == [])
  }

  @Test("a connection for reading does not write", arguments: [Connection.Mode.readOnly, .immutable])
  func readOnly(_ mode: Connection.Mode) throws {
    let file = try TemporaryFile()
    try file.open().execute("CREATE TABLE t (a)")
    let connection = try file.open(mode)
    #expect(connection.isReadOnly)
    #expect(failure { try connection.execute("INSERT INTO t VALUES (1)") }?.code.primary == .readOnly)
    #expect(try file.open().value("SELECT count(*) FROM t") == 0)
  }

  @Test("an immutable connection leaves no files beside a database in WAL mode")
  func immutable() throws {
    let file = try TemporaryFile()
    try file.open().execute(script: "PRAGMA journal_mode = WAL; CREATE TABLE t AS SELECT 7 AS a")
    #expect(try file.open(.immutable).value("SELECT a FROM t") == 7)
    #expect(file.names == ["test.db"])
  }

  @Test("a file that is no database says so")
  func notADatabase() throws {
    let file = try TemporaryFile()
    try Data(String(repeating: "no database at all\n", count: 100).utf8).write(
      to: URL(fileURLWithPath: file.path))
    #expect(
      failure { _ = try file.open().value("SELECT count(*) FROM sqlite_schema") }?.code == .notADatabase)
  }

  @Test("each switch answers what is in force", arguments: Connection.Switch.allCases)
  func switches(_ setting: Connection.Switch) throws {
    let connection = try memory()
    for on in [true, false, true] {
      #expect(connection.turn(setting, on: on) == on)
      #expect(connection.isOn(setting) == on)
    }
  }

  @Test("an error carries its extended code, its SQL and where in it")
  func errors() throws {
    let connection = try memory("CREATE TABLE t (a UNIQUE, b NOT NULL)")
    let unknown = failure { try connection.execute("SELECT a, nme FROM t") }
    #expect(unknown?.sql == "SELECT a, nme FROM t")
    #expect(unknown?.message == "no such column: nme")
    #expect(unknown?.offset == (SQLiteVersion.running < SQLiteVersion(number: 3_038_000) ? nil : 10))
    let notNull = failure { try connection.execute("INSERT INTO t VALUES (1, NULL)") }
    #expect(notNull?.code.rawValue == 1299)
    #expect(notNull?.code.primary == .constraint)
    #expect(notNull?.offset == nil, "a statement that fails while it runs has no position")
  }

  @Test("SQL without a statement is an error of its own", arguments: ["", "  ", "-- only a comment", ";;"])
  func noStatement(_ sql: String) throws {
    let connection = try memory()
    #expect(failure { try connection.execute(sql) }?.message == "there is no statement")
  }

  @Test("a statement is interrupted when its progress handler says no")
  func progress() throws {
    let connection = try memory("CREATE TABLE t (a)")
    var questions = 0
    connection.setProgressHandler(every: 100) {
      questions += 1
      return questions < 5
    }
    let endless =
      "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) INSERT INTO t SELECT n FROM c"
    #expect(failure { try connection.execute(endless) }?.code.primary == .interrupt)
    #expect(questions == 5)
    connection.removeProgressHandler()
    #expect(try connection.value("SELECT count(*) FROM t") == 0)
    #expect(questions == 5)
  }

  @Test("a function gets and gives every type")
  func functions() throws {
    let connection = try memory()
    var seen: [[Value]] = []
    try connection.define("echo", argumentCount: -1) { values in
      seen.append(values)
      return values.last ?? .null
    }
    for value in ValueTests.values { #expect(try connection.value("SELECT echo(1, ?1)", value) == value) }
    #expect(seen == ValueTests.values.map { [1, $0] })
    #expect(try connection.value("SELECT echo()") == .null)
  }

  @Test(
    "a backup of a database in WAL mode has what is committed and not yet checkpointed, and replaces the target"
  )
  func backup() throws {
    let source = try TemporaryFile()
    let target = try TemporaryFile()
    let connection = try source.open()
    try connection.execute(
      script:
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t AS SELECT 'in the log' AS a"
    )
    let writer = try source.open()
    let open = try writer.begin()
    try writer.execute("UPDATE t SET a = 'never committed'")
    do {
      let copy = try target.open()
      try copy.execute("CREATE TABLE old (a)")
      try connection.backUp(to: copy)
    }
    try open.rollBack()
    let copy = try target.open(.readOnly)
    #expect(try copy.rows("SELECT name FROM sqlite_schema") == [["t"]])
    #expect(try copy.value("SELECT a FROM t") == "in the log")
    #expect(try copy.value("PRAGMA integrity_check") == "ok")
    #expect(failure { try connection.backUp(to: copy) } != nil, "a target that cannot be written is an error")
  }

  @Test("versions of SQLite are ordered by number and printed with dots")
  func versions() throws {
    #expect(SQLiteVersion(number: 3_035_000).description == "3.35.0")
    #expect(SQLiteVersion(number: 3_040_001).description == "3.40.1")
    #expect(SQLiteVersion(number: 3_034_999) < .oldest)
    #expect(SQLiteVersion(number: 3_100_000) > SQLiteVersion(number: 3_099_009))
    #expect(try memory().value("SELECT sqlite_version()") == .text(SQLiteVersion.running.description))
  }
}

struct AuthorizerTests {
  @Test("what is refused fails, and only while the authorizer is there")
  func deny() throws {
    let connection = try memory("CREATE TABLE t (a)")
    connection.setAuthorizer { $0.code != .insert }
    #expect(failure { try connection.execute("INSERT INTO t VALUES (1)") }?.code.primary == .auth)
    try connection.execute("DELETE FROM t")
    connection.removeAuthorizer()
    try connection.execute("INSERT INTO t VALUES (1)")
    #expect(try connection.value("SELECT count(*) FROM t") == 1)
  }

  @Test("it is told of columns, and of the trigger or view a statement reaches through")
  func origin() throws {
    let connection = try memory(
      """
      CREATE TABLE t (a, b); CREATE TABLE log (a); CREATE VIEW v AS SELECT b FROM t;
      CREATE TRIGGER note AFTER UPDATE OF a ON t BEGIN INSERT INTO log SELECT b FROM v; END
      """)
    var actions: [AuthorizedAction] = []
    connection.setAuthorizer {
      actions.append($0)
      return true
    }
    try connection.execute("UPDATE t SET a = 1")
    let update = try #require(actions.first { $0.code == .update })
    #expect([update.first, update.second, update.database, update.origin] == ["t", "a", "main", nil])
    let insert = try #require(actions.first { $0.code == .insert })
    #expect([insert.first, insert.database, insert.origin] == ["log", "main", "note"])
    let read = try #require(actions.first { $0.code == .read && $0.first == "t" && $0.second == "b" })
    #expect(read.origin == "v")
  }

  @Test(
    "a line of a query plan names its table and its index, whatever they are called",
    arguments: [
      (#"UPDATE lines SET n = 1 WHERE n IS NULL"#, "scan lines -"),
      (#"UPDATE main.lines SET n = 1 WHERE n IS NULL"#, "scan lines -"),
      (#"UPDATE "order lines" SET n = 1 WHERE n IS NULL"#, "scan order lines -"),
      (#"UPDATE main."order lines" SET n = 1 WHERE n IS NULL"#, "scan order lines -"),
      (#"SELECT * FROM "order lines" AS "o l""#, "scan o l -"),
      (#"SELECT * FROM "order lines" WHERE m = 1"#, "search order lines by m (now"),
      (#"SELECT m FROM "order lines" ORDER BY m"#, "scan order lines by m (now"),
      (#"SELECT * FROM "order lines" WHERE id = 1"#, "search order lines -"),
      (#"SELECT * FROM lines LEFT JOIN "order lines" ON 1"#, "scan lines -, scan order lines -"),
      (
        #"SELECT * FROM lines LEFT JOIN "order lines" ON m = lines.n"#,
        "scan lines -, search order lines by m (now"
      ),
      (#"SELECT * FROM words WHERE words MATCH 'a'"#, "scan words -"),
    ])
  func queryPlan(_ sql: String, _ wanted: String) throws {
    let connection = try memory(
      """
      CREATE TABLE lines (id INTEGER PRIMARY KEY, n);
      CREATE TABLE "order lines" (id INTEGER PRIMARY KEY, n, m);
      CREATE INDEX "by m (now" ON "order lines" (m);
      CREATE VIRTUAL TABLE words USING fts5 (word);
      """)
    let lines = try connection.queryPlan(of: sql).filter { $0.access != nil }.map {
      "\($0.access == .scan ? "scan" : "search") \($0.alias ?? $0.table) \($0.index ?? "-")"
    }
    #expect(lines.joined(separator: ", ") == wanted)
  }

  @Test("a connection that goes away lets go of what its closures hold")
  func release() throws {
    final class Held {}
    weak var held: Held?
    do {
      let connection = try memory()
      let object = Held()
      held = object
      connection.setAuthorizer { _ in object === object }
      connection.setAuthorizer { _ in object === object }
      connection.setProgressHandler(every: 10) { object === object }
      try connection.define("f", argumentCount: 0) { _ in object === object ? 1 : 0 }
      #expect(try connection.value("SELECT f()") == 1)
    }
    #expect(held == nil)
  }
}
