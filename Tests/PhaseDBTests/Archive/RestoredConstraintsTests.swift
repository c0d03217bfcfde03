import Testing

@testable import PhaseDB

/// Constraints that a way back restores, and rows that have come to break them: in a large database, where nothing is tried
/// on a copy before it is asked for.
@Suite("A constraint that a way back restores")
struct RestoredConstraintsTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let before: String
    let phases: [(Phase.Kind, up: String, down: String)]
    /// What makes rows that the former schema refuses, and what an operator does about them.
    let breaks: String
    let mends: String
    /// Whether the rows that break it are found without a copy.
    var isAsked = false

    init(
      _ sentence: String, _ before: String, _ phases: (Phase.Kind, up: String, down: String)...,
      breaks: String, mends: String, isAsked: Bool = false
    ) {
      testDescription = sentence
      (self.before, self.phases, self.breaks, self.mends) = (before, phases, breaks, mends)
      self.isAsked = isAsked
    }
  }

  private static func rebuilt(_ definition: String) -> String {
    "CREATE TABLE n (\(definition)); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t"
  }

  static let cases = [
    Case(
      "a reference, and a child without a parent",
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, p"),
        down: rebuilt("id INTEGER PRIMARY KEY, p REFERENCES p")
      ), breaks: "INSERT INTO t VALUES (2, 9)", mends: "INSERT INTO p VALUES (9)"),
    Case(
      "a reference, and a parent that was deleted",
      "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, p"),
        down: rebuilt("id INTEGER PRIMARY KEY, p REFERENCES p")
      ), breaks: "DELETE FROM p", mends: "INSERT INTO p VALUES (1)"),
    Case(
      "a CHECK of a column that has another name",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a CHECK (a > 0)); INSERT INTO t VALUES (1, 1)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, b"),
        down: rebuilt("id INTEGER PRIMARY KEY, a CHECK (a > 0)")
      ), breaks: "INSERT INTO t VALUES (2, -1)", mends: "DELETE FROM t WHERE id = 2"),
    Case(
      "an index that is unique by an expression",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE UNIQUE INDEX u ON t (lower(a)); INSERT INTO t VALUES (1, 'x')",
      (.contract, up: "DROP INDEX u", down: "CREATE UNIQUE INDEX u ON t (lower(a))"),
      breaks: "INSERT INTO t VALUES (2, 'X')", mends: "DELETE FROM t WHERE id = 2"),
    Case(
      "an index of an expression that some values do not have",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE INDEX u ON t (json_extract(a, '$.n')); INSERT INTO t VALUES (1, '{}')",
      (.contract, up: "DROP INDEX u", down: "CREATE INDEX u ON t (json_extract(a, '$.n'))"),
      breaks: "INSERT INTO t VALUES (2, 'none')", mends: "DELETE FROM t WHERE id = 2"),
    Case(
      "a partial index of columns that have other names",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); CREATE UNIQUE INDEX u ON t (a) WHERE b > 0; INSERT INTO t VALUES (1, 'x', 1)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, c, d"),
        down: rebuilt("id INTEGER PRIMARY KEY, a, b") + "; CREATE UNIQUE INDEX u ON t (a) WHERE b > 0"
      ), breaks: "INSERT INTO t VALUES (2, 'x', 1)", mends: "DELETE FROM t WHERE id = 2"),
    Case(
      "the key of a deleted row, in a table where NULL in the key makes the rowid tell rows apart",
      "CREATE TABLE t (code TEXT PRIMARY KEY, a); INSERT INTO t VALUES ('k1', 'x'), (NULL, 'y'), ('k3', 'z')",
      (.migrate, up: "DELETE FROM t WHERE code = 'k1'", down: "SELECT 1"),
      breaks: "INSERT INTO t VALUES ('k1', 'mine')", mends: "DELETE FROM t WHERE code = 'k1'", isAsked: true),
    Case(
      "the type of a STRICT column, and a text that only begins with a number",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER) STRICT; INSERT INTO t VALUES (1, 1)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, a"),
        down: rebuilt("id INTEGER PRIMARY KEY, a INTEGER").replacing("); INSERT", with: ") STRICT; INSERT")
      ), breaks: "INSERT INTO t VALUES (2, '1x')",
      mends: "DELETE FROM t WHERE id = 2", isAsked: true),
  ]

  @Test("is not called exact once rows may break it, nor blocked once they no longer do:", arguments: cases)
  func words(_ row: Case) throws {
    let database = try TemporaryDatabase(row.before)
    let catalog = try catalog([
      "0001-a": try row.phases.map { try phase($0.0, $0.up, down: $0.down) }
    ])
    try database.run(.upAll, catalog)
    var large = Options.test
    large.mostBytesCopied = 0
    func word(_ options: Options) throws -> Reversal.Word? {
      try database.migrator(catalog, options).reversals().values.first?.word
    }
    func rehearse() throws {
      let migrator = try database.migrator(catalog, large)
      try migrator.record(try migrator.rehearseDown(.downAll))
    }
    #expect(try word(large) == .exact)
    try database.run(row.breaks)
    #expect(try [word(large), word(.test)] == [row.isAsked ? .blocked : .expected, .blocked])
    try rehearse()
    #expect(try word(large) == .blocked)
    try database.run(row.mends)
    #expect(try word(large) != .blocked)
    try rehearse()
    #expect(try [word(large), word(.test)] == [.exact, .exact])
    // What was seen holds no longer than the rows that decided.
    try database.run(row.breaks.replacing("(2, 9)", with: "(3, 8)"))
    let after = try word(large)
    #expect(after == .expected || after == .blocked)
  }

  struct WordCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let before: String
    /// Each of a migration of its own; the word is that of the first.
    let phases: [(Phase.Kind, up: String, down: String)]
    let since: String
    let large: Reversal.Word
    let small: Reversal.Word

    init(
      _ sentence: String, _ before: String, _ phases: (Phase.Kind, up: String, down: String)...,
      since: String = "", large: Reversal.Word, small: Reversal.Word
    ) {
      testDescription = sentence
      (self.before, self.phases, self.since) = (before, phases, since)
      (self.large, self.small) = (large, small)
    }
  }

  private static let rows =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 1), (3, 'z', 3);"
  private static let families =
    "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1), (2); CREATE TABLE t (id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO t VALUES (1, 1), (2, 2);"
  private static let above = (Phase.Kind.expand, up: "CREATE TABLE z (a)", down: "DROP TABLE z")

  static let wordCases = [
    WordCase(
      "a row took the key of one that a rebuild left out", rows,
      (
        .contract,
        up: rebuilt("id INTEGER PRIMARY KEY, a, b").replacing(
          "SELECT * FROM t", with: "SELECT min(id), a, b FROM t GROUP BY b"),
        down: rebuilt("id INTEGER PRIMARY KEY, a, b")
      ), since: "INSERT INTO t VALUES (2, 'mine', 5)", large: .lossy, small: .lossy),
    WordCase(
      "a row took the key of one that was deleted, below another phase", rows,
      (.migrate, up: "DELETE FROM t WHERE b > 2", down: "SELECT 1"), above,
      since: "INSERT INTO t VALUES (3, 'mine', 1)", large: .expected, small: .lossy),
    WordCase(
      "the parent of a row that was deleted is gone, below another phase", families,
      (.migrate, up: "DELETE FROM t", down: "SELECT 1"), above,
      since: "DELETE FROM p WHERE id = 2", large: .expected, small: .lossy),
    WordCase(
      "a changed row got another key, below another phase", rows,
      (.migrate, up: "UPDATE t SET b = 0 WHERE b > 2", down: "SELECT 1"), above,
      since: "UPDATE t SET id = 100 WHERE id = 3", large: .expected, small: .lossy),
    WordCase(
      "a CHECK compares in another way than the present column would",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE CHECK (b IN ('open'))); INSERT INTO t VALUES (1, 'Open')",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, b TEXT"),
        down: rebuilt("id INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE CHECK (b IN ('open'))")
      ), large: .exact, small: .exact),
    WordCase(
      "a CHECK is about the type that the column had",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, b INTEGER CHECK (b < 10)); INSERT INTO t VALUES (1, 5)",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, b TEXT"),
        down: rebuilt("id INTEGER PRIMARY KEY, b INTEGER CHECK (b < 10)")
      ), large: .exact, small: .exact),
    WordCase(
      "the way down reads rows with a function that refuses a value", rows,
      (.expand, up: "ALTER TABLE t ADD c", down: "SELECT json(a) FROM t; ALTER TABLE t DROP c"),
      large: .blocked, small: .blocked),
    WordCase(
      "the way down has a table of its own that guards it", rows,
      (
        .expand, up: "ALTER TABLE t ADD c",
        down:
          "CREATE TABLE g (n CHECK (n < 1)); INSERT INTO g SELECT count(*) FROM t; DROP TABLE g; ALTER TABLE t DROP c"
      ), large: .blocked, small: .blocked),
    WordCase(
      "the way down computes a value that there is not", rows + "UPDATE t SET a = -9223372036854775808",
      (.migrate, up: "UPDATE t SET b = 2", down: "UPDATE t SET b = abs(a)"), large: .blocked, small: .blocked),
    WordCase(
      "a CHECK calls a function that refuses a value",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a CHECK (json_extract(a, '$.x') IS NULL)); INSERT INTO t VALUES (1, '{}')",
      (
        .contract, up: rebuilt("id INTEGER PRIMARY KEY, a"),
        down: rebuilt("id INTEGER PRIMARY KEY, a CHECK (json_extract(a, '$.x') IS NULL)")
      ), since: "INSERT INTO t VALUES (2, 'none')", large: .expected, small: .blocked),
    WordCase(
      "a child came that refers to a row which the phase added", families,
      (.migrate, up: "INSERT INTO p VALUES (9)", down: "DELETE FROM p WHERE id = 9"),
      since: "INSERT INTO t VALUES (3, 9)", large: .expected, small: .blocked),
    WordCase(
      "the parent of an archived reference was deleted", families,
      (.migrate, up: "UPDATE t SET p = NULL", down: "SELECT 1"), since: "DELETE FROM p WHERE id = 2",
      large: .expected, small: .blocked),
    WordCase(
      "the parent of a dropped reference got another key", families,
      (.contract, up: "ALTER TABLE t DROP COLUMN p", down: "ALTER TABLE t ADD COLUMN p REFERENCES p"),
      since: "PRAGMA foreign_keys = OFF; UPDATE p SET id = 7 WHERE id = 2", large: .expected, small: .blocked),
    WordCase(
      "it was blocked at once, and a later phase changed the table",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (3, 30, 'Ab')",
      (.migrate, up: "UPDATE t SET b = upper(b)", down: "UPDATE t SET a = json_extract(b, '$')"),
      (.expand, up: "ALTER TABLE t ADD COLUMN z DEFAULT 1", down: "ALTER TABLE t DROP COLUMN z"),
      large: .blocked, small: .blocked),
    WordCase(
      "a table without a key was copied, and a later phase changed it",
      "CREATE TABLE t (code, g); INSERT INTO t VALUES ('c1', NULL)",
      (.contract, up: rebuilt("code, g"), down: rebuilt("code, g")),
      (.expand, up: "ALTER TABLE t ADD COLUMN z DEFAULT 1", down: "ALTER TABLE t DROP COLUMN z"),
      large: .exact, small: .exact),
    WordCase(
      "the way back may write NULL to a column that it adds with NOT NULL",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, c NOT NULL DEFAULT 0); INSERT INTO t VALUES (1, NULL, 5)",
      (
        .contract, up: "ALTER TABLE t DROP COLUMN c",
        down: "ALTER TABLE t ADD COLUMN c NOT NULL DEFAULT 0; UPDATE t SET c = a"
      ), large: .blocked, small: .blocked),
    WordCase(
      "the way back inserts a row that the way up inserted and deleted",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
      (
        .migrate, up: "INSERT INTO t VALUES (4, 'z'); DELETE FROM t WHERE id % 2 = 0",
        down: "INSERT INTO t VALUES (8, 'z')"
      ), large: .exact, small: .exact),
    WordCase(
      "rows changed, and a later phase dropped their table",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 'x', 5)",
      (.contract, up: "ALTER TABLE t DROP COLUMN b", down: "ALTER TABLE t ADD COLUMN b; UPDATE t SET b = a"),
      (.contract, up: "DROP TABLE t", down: "CREATE TABLE t (id INTEGER PRIMARY KEY, a)"),
      large: .expected, small: .exact),
    WordCase(
      "the application deleted the row that the phase inserted", rows,
      (.migrate, up: "INSERT INTO t VALUES (9, 'n', 9)", down: "SELECT 1"),
      since: "DELETE FROM t WHERE id = 9",
      large: .lossy, small: .exact),
    WordCase(
      "a row that the phase inserted no longer has the row by which the way back finds it",
      rows + "CREATE TABLE o (id INTEGER PRIMARY KEY)",
      (.migrate, up: "INSERT INTO o SELECT id FROM t", down: "DELETE FROM o WHERE id IN (SELECT id FROM t)"),
      since: "DELETE FROM t WHERE id = 2", large: .expected, small: .lossy),
    WordCase(
      "the way back goes by rowids, and a row was written again",
      "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, a, b); INSERT INTO t VALUES ('x', 1, 2), ('y', 3, 4)",
      (
        .contract, up: "ALTER TABLE t DROP COLUMN a",
        down: "ALTER TABLE t ADD COLUMN a; DELETE FROM t WHERE rowid > 2"
      ), since: "DELETE FROM t WHERE k = 'x'; INSERT INTO t VALUES ('x', 2)", large: .expected, small: .lossy),
    WordCase(
      "a child was merged into its parent, which was deleted",
      "CREATE TABLE p (id INTEGER PRIMARY KEY, note); INSERT INTO p VALUES (1, 'a'), (2, 'b'); CREATE TABLE c (id INTEGER PRIMARY KEY REFERENCES p, note); INSERT INTO c VALUES (1, 'a'), (2, 'b')",
      (
        .contract, up: "DROP TABLE c",
        down:
          "CREATE TABLE c (id INTEGER PRIMARY KEY REFERENCES p, note); INSERT INTO c SELECT id, note FROM p"
      ), since: "DELETE FROM p WHERE id = 2", large: .lossy, small: .lossy),
    WordCase(
      "another row has the unique value that comes back",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE); INSERT INTO t VALUES (1, 'x')",
      (.migrate, up: "UPDATE t SET a = a || '!'", down: "SELECT 1"), since: "INSERT INTO t VALUES (3, 'x')",
      large: .expected, small: .blocked),
  ]

  @Test("is told from the rows, or not called exact, where", arguments: wordCases)
  func told(_ row: WordCase) throws {
    let database = try TemporaryDatabase(row.before)
    let first = try row.phases.first.map { try phase($0.0, $0.up, down: $0.down) }.map { [$0] } ?? []
    let second = try row.phases.dropFirst().map { try phase($0.0, $0.up, down: $0.down) }
    let catalog =
      try second.isEmpty
      ? catalog(["0001-a": first]) : catalog(["0001-a": first, "0002-b": second])
    try database.run(.upAll, catalog)
    try database.run(row.since)
    var large = Options.test
    large.mostBytesCopied = 0
    let words = try [large, .test].map { options in
      try database.migrator(catalog, options).reversals().first { $0.key.description.hasPrefix("0001") }?
        .value.word
    }
    #expect(words == [row.large, row.small])
  }

  /// What was rehearsed, what happens to the rows then, and the word of the first phase, of a large database.
  static let rehearsed = [
    (
      "CREATE TABLE t (code, b); INSERT INTO t VALUES ('c1', 'ab'), ('c2', 'Ef')",
      [("UPDATE t SET b = lower(b)", "SELECT 1"), ("DELETE FROM t WHERE code = 'c1'", "SELECT 1")],
      "VACUUM", Reversal.Word.expected
    ),
    (
      "CREATE TABLE t (code, b); INSERT INTO t VALUES ('c1', 'ab'), ('c2', 'Ef')",
      [("UPDATE t SET b = lower(b)", "SELECT 1"), ("DELETE FROM t WHERE code = 'c1'", "SELECT 1")], "", .exact
    ),
    (
      families, [("DELETE FROM t", "SELECT 1"), ("UPDATE p SET id = id", "SELECT 1")],
      "DELETE FROM p WHERE id = 2", .expected
    ),
    (
      "CREATE TABLE t (k TEXT PRIMARY KEY, g) WITHOUT ROWID; INSERT INTO t VALUES ('A', 1), ('B', 2), ('q', 3)",
      [("UPDATE t SET k = lower(k) WHERE g < 3", "UPDATE t SET k = upper(k) WHERE g < 3")], "", .exact
    ),
  ]

  @Test(
    "a rehearsal counts for the rows that it saw, under their rowids, and for their parents",
    arguments: rehearsed)
  func rehearsal(
    _ schema: String, _ ways: [(up: String, down: String)], _ write: String, _ word: Reversal.Word
  ) throws {
    let database = try TemporaryDatabase(schema)
    let catalog = try Catalog(
      ways.enumerated().map { index, way in
        try Migration(
          MigrationName("000\(index + 1)-a"), phases: [phase(.migrate, way.up, down: way.down)])
      })
    var large = Options.test
    large.mostBytesCopied = 0
    try database.run(.upAll, catalog)
    let migrator = try database.migrator(catalog, large)
    try migrator.record(try migrator.rehearseDown(.downAll))
    try database.run(write)
    let told = try database.migrator(catalog, large).reversals().first {
      $0.key.description.hasPrefix("0001")
    }
    #expect(told?.value.word == word)
  }

  @Test("what a rehearsal saw lost stays lossy when other rows change")
  func lossy() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'Ab')")
    let catalog = try catalog([
      "0001-a": [phase(.migrate, "UPDATE t SET a = upper(a)", down: "UPDATE t SET a = lower(a)")]
    ])
    try database.run(.upAll, catalog)
    try database.run("INSERT INTO t VALUES (3, 'Qq')")
    let migrator = try database.migrator(catalog)
    try migrator.record(try migrator.rehearseDown(.downAll))
    for write in ["", "INSERT INTO t VALUES (4, 'x')"] {
      try database.run(write)
      let told = try database.reversals()["0001-a/migrate"]?.first
      #expect(told?.hasPrefix("lossy t.a 1: ") == true, "\(told ?? "")")
    }
  }
}
