import PhaseSQLite
import Testing

@testable import PhaseDB

/// A way down to a schema that the rows do not fit any more.
struct BrokenConstraintTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let before: String
    let up: String
    let down: String
    let since: String
    /// What the message ends with, and the rows that are named; nil when nothing is in the way.
    let blocked: (by: String, rows: [Prose])?

    init(
      _ sentence: String, _ before: String, up: String, down: String, since: String,
      blocked: (by: String, rows: [Prose])?
    ) {
      testDescription = sentence
      self.before = before
      self.up = up
      self.down = down
      self.since = since
      self.blocked = blocked
    }
  }

  static let users =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, e TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');"
  static let loose = "id INTEGER PRIMARY KEY, e TEXT"

  static func tightened(_ definition: String, _ rest: String = "") -> String {
    "CREATE TABLE f (\(definition)) \(rest); INSERT INTO f (id, e) SELECT id, e FROM t; DROP TABLE t; ALTER TABLE f RENAME TO t"
  }

  static func made(_ definition: String, _ rest: String = "") -> String {
    "CREATE TABLE t (\(definition)) \(rest); INSERT INTO t (id, e) VALUES (1, 'a'), (2, 'b');"
  }

  static let cases = [
    Case(
      "duplicates where an index was unique", users + "CREATE UNIQUE INDEX u ON t (e)", up: "DROP INDEX u",
      down: "CREATE UNIQUE INDEX u ON t (e)", since: "INSERT INTO t VALUES (3, 'a'), (4, NULL), (5, NULL)",
      blocked: ("UNIQUE (e) of t", ["id = 1", "id = 3"])),
    Case(
      "duplicates by the collation of the index", users + "CREATE UNIQUE INDEX u ON t (e COLLATE NOCASE)",
      up: "DROP INDEX u", down: "CREATE UNIQUE INDEX u ON t (e COLLATE NOCASE)",
      since: "INSERT INTO t VALUES (3, 'A')", blocked: ("UNIQUE (e) of t", ["id = 1", "id = 3"])),
    Case(
      "duplicates that the condition of the index leaves out",
      users + "CREATE UNIQUE INDEX u ON t (e) WHERE id < 10", up: "DROP INDEX u",
      down: "CREATE UNIQUE INDEX u ON t (e) WHERE id < 10", since: "INSERT INTO t VALUES (30, 'a')",
      blocked: nil),
    Case(
      "duplicates that the way down deletes first", users + "CREATE UNIQUE INDEX u ON t (e)",
      up: "DROP INDEX u",
      down: "DELETE FROM t WHERE id > 2; CREATE UNIQUE INDEX u ON t (e)",
      since: "INSERT INTO t VALUES (3, 'a')",
      blocked: nil),
    Case(
      "duplicates where a rebuild brings UNIQUE back", made("id INTEGER PRIMARY KEY, e TEXT UNIQUE"),
      up: tightened(loose), down: tightened("id INTEGER PRIMARY KEY, e TEXT UNIQUE"),
      since: "INSERT INTO t VALUES (3, 'a')", blocked: ("UNIQUE (e) of t", ["id = 1", "id = 3"])),
    Case(
      "duplicates that the rebuild makes different", made("id INTEGER PRIMARY KEY, e TEXT UNIQUE"),
      up: tightened(loose),
      down: tightened("id INTEGER PRIMARY KEY, e TEXT UNIQUE").replacing(
        "SELECT id, e", with: "SELECT id, e || id"),
      since: "INSERT INTO t VALUES (3, 'a')", blocked: nil),
    Case(
      "NULL where NOT NULL comes back", made("id INTEGER PRIMARY KEY, e TEXT NOT NULL"), up: tightened(loose),
      down: tightened("id INTEGER PRIMARY KEY, e TEXT NOT NULL"), since: "UPDATE t SET e = NULL WHERE id = 2",
      blocked: ("NOT NULL of e of t", ["id = 2"])),
    Case(
      "what a CHECK forbids", made("id INTEGER PRIMARY KEY, e TEXT CHECK (e <> 'z')"), up: tightened(loose),
      down: tightened("id INTEGER PRIMARY KEY, e TEXT CHECK (e <> 'z')"),
      since: "INSERT INTO t VALUES (3, 'z')",
      blocked: ("CHECK (e <> 'z') of t", ["id = 3"])),
    Case(
      "a type that a STRICT table forbids", made("id INTEGER PRIMARY KEY, e TEXT", "STRICT"),
      up: tightened(loose),
      down: tightened(loose, "STRICT"), since: "INSERT INTO t VALUES (3, x'00')",
      blocked: ("the type TEXT of e of t", ["id = 3"])),
    Case(
      "a row in whose place another comes back", made("id INTEGER PRIMARY KEY, e TEXT UNIQUE"),
      up: "DELETE FROM t WHERE id = 2", down: "SELECT 1", since: "INSERT INTO t VALUES (3, 'b')",
      blocked: ("UNIQUE (e), with rows that come back, of t", ["id = 3"])),
    Case(
      "a row with the key of one that was deleted, which stays",
      made("id INTEGER PRIMARY KEY, e TEXT UNIQUE"),
      up: "DELETE FROM t WHERE id = 2", down: "SELECT 1", since: "INSERT INTO t VALUES (2, 'b')", blocked: nil
    ),
    Case(
      "nothing, where all rows fit", users + "CREATE UNIQUE INDEX u ON t (e)", up: "DROP INDEX u",
      down: "CREATE UNIQUE INDEX u ON t (e)", since: "INSERT INTO t VALUES (3, 'c')", blocked: nil),
  ]

  @Test("is blocked, with the rows, before anything runs", arguments: cases)
  func blocked(_ row: Case) throws {
    let database = try TemporaryDatabase(row.before)
    let catalog = try catalog(["0001-a": [phase(.contract, row.up, down: row.down)]])
    try database.run(.upAll, catalog)
    try database.run(row.since)
    let before = try database.snapshot()
    let error = migrationError { try database.run(.down(1), catalog) }
    guard let blocked = row.blocked else {
      #expect(error == nil)
      return
    }
    #expect(error?.id == .reversalBlocked)
    #expect(error?.message == "0001-a/contract cannot come down: present rows break \(blocked.by)")
    #expect(error?.details == blocked.rows)
    #expect(error?.standing == .unchanged)
    #expect(try database.snapshot() == before)
  }

  @Test("no more than ten rows are named")
  func many() throws {
    let database = try TemporaryDatabase(Self.users + "CREATE UNIQUE INDEX u ON t (e)")
    let catalog = try catalog([
      "0001-a": [phase(.contract, "DROP INDEX u", down: "CREATE UNIQUE INDEX u ON t (e)")]
    ])
    try database.run(.upAll, catalog)
    try database.run("INSERT INTO t (e) SELECT 'a' FROM pragma_function_list LIMIT 20")
    let error = try #require(migrationError { try database.run(.down(1), catalog) })
    #expect(error.details.count == 11 && error.details.last == "… and more")
  }
}
