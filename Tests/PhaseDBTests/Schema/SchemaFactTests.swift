import PhaseSQL
import PhaseSQLite
import TestDice
import Testing

@testable import PhaseDB

struct SchemaFactTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let before: String
    let after: String

    init(_ before: String, _ after: String, _ sentences: String...) {
      (self.before, self.after) = (before, after)
      testDescription = sentences.joined(separator: "\n")
    }
  }

  /// Table t of these columns and constraints, before and after, and what a person says of it.
  static let tables = [
    Case("a", "a, given_name TEXT", "table t gains column given_name TEXT"),
    Case("a, b", "a, x  INT /* new */ NOT NULL, b", "table t gains column x INT NOT NULL at place 2"),
    Case("a, b REAL", "a", "table t loses column b REAL"),
    Case("a, b", "b, c", "table t loses column a", "table t gains column c"),
    Case("a, b, c, d", "a, c, d, b", "column t.b moves from place 2 to place 4"),
    Case(
      "a, b, c", "c, b, a", "column t.a moves from place 1 to place 3",
      "column t.c moves from place 3 to place 1"),
    Case(
      "a, b, m, c, d", "c, d, m, a, b", "column t.m is at place 3 between other columns",
      "column t.c moves from place 4 to place 1", "column t.d moves from place 5 to place 2"),
    Case("a REAL", "a INTEGER", "column t.a changes its type from REAL to INTEGER"),
    Case("a", "a TEXT", "column t.a changes its type from no type to TEXT"),
    Case("a", "a NOT NULL", "column t.a gains NOT NULL"),
    Case("a NOT NULL", "a", "column t.a loses NOT NULL"),
    Case(
      "a NOT NULL", "a NOT NULL ON CONFLICT IGNORE",
      "NOT NULL (a) of table t changes from ON CONFLICT ABORT to ON CONFLICT IGNORE"),
    Case("a", "a DEFAULT 'x'", "column t.a gains DEFAULT 'x'"),
    Case("a DEFAULT 'x'", "a", "column t.a loses DEFAULT 'x'"),
    Case("a DEFAULT 'x'", "a DEFAULT 'X'", "column t.a changes from DEFAULT 'x' to DEFAULT 'X'"),
    Case("a COLLATE NOCASE", "a", "column t.a loses COLLATE NOCASE"),
    Case("a, b AS (a)", "a, b AS (a) STORED", "column t.b changes from AS (a) VIRTUAL to AS (a) STORED"),
    Case("a, b", "a, b AS (a+1)", "column t.b gains AS (a+1) VIRTUAL"),
    Case("a", "a CHECK (a > 0)", "table t gains CHECK (a > 0)"),
    Case(
      "a, CHECK (a > 0)", "a, CHECK (a > 1)", "table t loses CHECK (a > 0)", "table t gains CHECK (a > 1)"),
    Case("a", "a, b CHECK (b > 0)", "table t gains column b CHECK (b > 0)"),
    Case("a", "a, b CHECK (b > a)", "table t gains column b CHECK (b > a)", "table t gains CHECK (b > a)"),
    Case("a, b CHECK (b > 0)", "a", "table t loses column b CHECK (b > 0)"),
    Case("a", "a UNIQUE", "table t gains UNIQUE (a)"),
    Case("a, b, UNIQUE (a, b)", "a, b", "table t loses UNIQUE (a, b)"),
    Case(
      "a UNIQUE", "a UNIQUE ON CONFLICT REPLACE",
      "UNIQUE (a) of table t changes from ON CONFLICT ABORT to ON CONFLICT REPLACE"),
    Case("a", "a REFERENCES p (x)", "table t gains a foreign key from a to p (x)"),
    Case("a REFERENCES p", "a", "table t loses its foreign key from a to p"),
    Case("a", "a, b REFERENCES p", "table t gains column b REFERENCES p"),
    Case(
      "a REFERENCES p ON DELETE CASCADE", "a REFERENCES p ON DELETE SET NULL",
      "ON DELETE of t.a's foreign key changes from CASCADE to SET NULL"),
    Case(
      "a REFERENCES p", "a REFERENCES q ON UPDATE RESTRICT", "t.a's foreign key points to q instead of p",
      "ON UPDATE of t.a's foreign key changes from NO ACTION to RESTRICT"),
    Case(
      "a REFERENCES p", "a REFERENCES p DEFERRABLE INITIALLY DEFERRED",
      "t.a's foreign key is checked at the end of the transaction"),
    Case("a REFERENCES p MATCH FULL", "a REFERENCES p", "t.a's foreign key is declared differently"),
    Case(
      "a, b, PRIMARY KEY (a)", "a, b, PRIMARY KEY (a, b)",
      "table t changes from PRIMARY KEY (a) to PRIMARY KEY (a, b)"),
    Case("a TEXT", "a TEXT PRIMARY KEY", "table t gains PRIMARY KEY (a)"),
    Case(
      "a INT PRIMARY KEY", "a INTEGER PRIMARY KEY", "column t.a changes its type from INT to INTEGER",
      "column t.a becomes a name of the rowid"),
    Case("a INTEGER PRIMARY KEY AUTOINCREMENT", "a INTEGER PRIMARY KEY", "table t loses AUTOINCREMENT"),
    Case("a TEXT PRIMARY KEY", "a TEXT, PRIMARY KEY (a)", "table t is declared differently"),
    Case("a CONSTRAINT x UNIQUE", "a CONSTRAINT y UNIQUE", "table t is declared differently"),
  ]

  static let objects = [
    Case("CREATE TABLE t (a)", "", "table t is gone"),
    Case("", "CREATE TABLE \"Big\" (a)", "table Big is added"),
    Case(
      "CREATE TABLE t (a ANY)", "CREATE TABLE t (a ANY) STRICT",
      "column t.a changes its affinity from NUMERIC to BLOB", "table t becomes STRICT"),
    Case(
      "CREATE TABLE t (a INT PRIMARY KEY) WITHOUT ROWID", "CREATE TABLE t (a INT PRIMARY KEY)",
      "column t.a loses NOT NULL", "table t is not WITHOUT ROWID any more"),
    Case("CREATE TABLE t (a, c)", "CREATE TABLE t (a, c); CREATE INDEX i ON t (c)", "index i on t is added"),
    Case(
      "CREATE TABLE t (c); CREATE INDEX i ON t (c)", "CREATE TABLE t (c); CREATE INDEX i ON t (c DESC)",
      "index i on t now sorts c descending"),
    Case(
      "CREATE TABLE t (c); CREATE INDEX i ON t (c) WHERE c > 1",
      "CREATE TABLE t (c); CREATE INDEX i ON t (c)", "index i on t loses its WHERE c > 1"),
    Case(
      "CREATE TABLE t (c); CREATE INDEX i ON t (c)",
      "CREATE TABLE t (c); CREATE UNIQUE INDEX i ON t (c COLLATE NOCASE)", "index i on t becomes UNIQUE",
      "c in index i on t gains COLLATE NOCASE"),
    Case(
      "CREATE TABLE t (c); CREATE INDEX i ON t (c)", "CREATE TABLE t (c); CREATE INDEX i ON t (c + 1)",
      "index i on t holds (c + 1) instead of (c)"),
    Case(
      "CREATE TABLE t (c); CREATE INDEX i ON t (c ASC)", "CREATE TABLE t (c); CREATE INDEX i ON t (c)",
      "index i on t is declared differently"),
    Case(
      "CREATE TABLE t (c); CREATE TRIGGER g AFTER UPDATE ON t BEGIN SELECT 1; END",
      "CREATE TABLE t (c); CREATE TRIGGER g AFTER UPDATE ON t BEGIN SELECT 2; END",
      "trigger g is not the same any more"),
    Case(
      "CREATE TABLE t (c); CREATE TRIGGER g AFTER UPDATE ON t BEGIN SELECT 1; END",
      "CREATE TABLE t (c); CREATE TRIGGER g BEFORE UPDATE OF c ON t WHEN 1 BEGIN SELECT 1; END",
      "trigger g fires BEFORE UPDATE OF c ON t instead of AFTER UPDATE ON t", "trigger g gains WHEN 1"),
    Case("CREATE VIEW v AS SELECT 1", "CREATE VIEW v AS SELECT 2", "view v selects something else"),
    Case("CREATE VIEW v AS SELECT 1 AS a", "CREATE TABLE v (a)", "table v is added", "view v is gone"),
    Case("", "CREATE VIRTUAL TABLE v USING fts5 (a)", "virtual table v is added, made by fts5"),
    Case("CREATE VIRTUAL TABLE v USING fts5 (a)", "", "virtual table v is gone"),
  ]

  private func schema(_ sql: String) throws -> Schema {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: sql)
    return try Schema(of: connection)
  }

  private func difference(_ before: String, _ after: String) -> SchemaDifference {
    SchemaDifference(
      from: Schema([SchemaObject(type: "table", name: "t", table: "t", sql: before)]),
      to: Schema([SchemaObject(type: "table", name: "t", table: "t", sql: after)]))
  }

  @Test("says of a table that", arguments: tables)
  func table(_ row: Case) throws {
    let difference = SchemaDifference(
      from: try schema("CREATE TABLE t (\(row.before))"), to: try schema("CREATE TABLE t (\(row.after))"))
    #expect(difference.sentences.joined(separator: "\n").description == row.testDescription)
  }

  @Test("says of a schema that", arguments: objects)
  func object(_ row: Case) throws {
    let difference = SchemaDifference(from: try schema(row.before), to: try schema(row.after))
    #expect(difference.sentences.joined(separator: "\n").description == row.testDescription)
  }

  @Test("spelling makes no fact", arguments: SchemaTests.equal)
  func spelling(_ pair: SchemaTests.Pair) throws {
    #expect(SchemaDifference(from: try schema(pair.one), to: try schema(pair.other)).facts.isEmpty)
  }

  @Test("every difference makes a fact", arguments: SchemaTests.different)
  func difference(_ pair: SchemaTests.Pair) throws {
    let difference = SchemaDifference(from: try schema(pair.one), to: try schema(pair.other))
    #expect(!difference.facts.isEmpty)
    #expect(!difference.sentences.contains(""))
  }

  @Test("two tables make facts when their tokens differ, and never otherwise", arguments: UInt64(1)...200)
  func anyTwo(seed: UInt64) throws {
    var (one, other) = (RandomTable(seed: seed), RandomTable(seed: seed + 1_000))
    let (before, after) = (one.sql(), other.sql())
    let comment: Comment = "seed \(seed)\n\(before)\n\(after)"
    let isSame = SQLTokens.normalized(before) == SQLTokens.normalized(after)
    #expect(difference(before, after).facts.isEmpty == isSame, comment)
    #expect(!difference(before, after).sentences.contains(""), comment)
    #expect(difference(before, SQLFragment(before).text).facts.isEmpty, comment)
  }

  @Test("every token of a table makes a fact when it is left out", arguments: UInt64(1)...20)
  func anyToken(seed: UInt64) throws {
    var random = RandomTable(seed: seed)
    let sql = random.sql()
    let bytes = Array(sql.utf8)
    for token in SQLTokens(sql) where !token.kind.isTrivia {
      let without = bytes[..<token.range.lowerBound] + [0x20] + bytes[token.range.upperBound...]
      let text = String(decoding: without, as: UTF8.self)
      #expect(!difference(sql, text).facts.isEmpty, "seed \(seed)\n\(sql)\n\(text)")
    }
  }

  @Test(
    "only what is there and was not adds",
    arguments: [
      ("a", "a, b", SchemaFact.Effect.adds), ("a, b", "a", .removes), ("a", "a NOT NULL", .tightens),
      ("a NOT NULL", "a", .loosens), ("a", "a DEFAULT 1", .changes), ("a", "a REFERENCES t", .tightens),
      ("a", "a UNIQUE", .tightens), ("a CHECK (a)", "a", .loosens),
    ])
  func effects(_ before: String, _ after: String, _ effect: SchemaFact.Effect) throws {
    let difference = SchemaDifference(
      from: try schema("CREATE TABLE t (\(before))"), to: try schema("CREATE TABLE t (\(after))"))
    #expect(difference.facts.map(\.effect) == [effect])
  }

  static let lossCases: [(String, String, [Prose])] = [
    ("a", "a, b", []), ("a, b", "a", ["- column t.b"]), ("a, b", "a, b, CHECK (a > b)", []),
    ("a REAL", "a TEXT NOT NULL", ["~ column t.a"]),
    ("a, b REAL", "b INT, c", ["- column t.a", "~ column t.b"]),
    ("a, b", "b, a", ["~ table t", "    column t.b moves from place 2 to place 1"]),
    // What was accepted still is, and reads the same.
    ("a CHECK (a)", "a", []), ("a NOT NULL", "a", []), ("a UNIQUE", "a", []), ("a REFERENCES p", "a", []),
    ("a NOT NULL", "a NOT NULL DEFAULT 1", []), ("a VARCHAR(10)", "a TEXT", []),
    // Here something is stored otherwise, or somebody needs it.
    ("a", "a DEFAULT 1", ["~ column t.a"]),
    ("a NOT NULL DEFAULT 1", "a NOT NULL DEFAULT 2", ["~ column t.a"]),
    ("a NOT NULL DEFAULT 1", "a NOT NULL", ["~ column t.a"]), ("a TEXT", "a INT", ["~ column t.a"]),
    ("a INT PRIMARY KEY", "a INTEGER PRIMARY KEY", ["~ column t.a"]),
    (
      "a UNIQUE, b REFERENCES t (a)", "a, b REFERENCES t (a)",
      [
        "~ table t", "    table t loses UNIQUE (a)",
      ]
    ),
    (
      "a COLLATE NOCASE", "a", ["~ column t.a"]
    ),
  ]

  @Test("what an expand phase may not do to a table", arguments: lossCases)
  func losses(_ before: String, _ after: String, _ lines: [Prose]) throws {
    let schemas = try [before, after].map { try schema("CREATE TABLE t (\($0))") }
    let difference = SchemaDifference(from: schemas[0], to: schemas[1])
    #expect(difference.losses(in: schemas[1]) == lines)
  }
}
