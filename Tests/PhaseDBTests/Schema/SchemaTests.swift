import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

struct SchemaTests {
  struct Pair: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let one: String
    let other: String

    init(_ sentence: String, _ one: String, _ other: String) {
      (testDescription, self.one, self.other) = (sentence, one, other)
    }
  }

  static let equal = [
    Pair("quotes", "CREATE TABLE t (a, \"b\" TEXT)", "CREATE TABLE \"t\" ([a], `b` TEXT)"),
    Pair("case of names and words", "CREATE TABLE t (a INTEGER)", "create table T (A integer)"),
    Pair("comments", "CREATE TABLE t (a, -- the first\n b)", "CREATE TABLE t (a, /* and */ b)"),
    Pair("white space", "CREATE TABLE t(a,b)", "CREATE TABLE t (\r\n\ta ,\n b )"),
    Pair(
      "a rename there and back", "CREATE TABLE t (a, b)", "CREATE TABLE u (a, b); ALTER TABLE u RENAME TO t"),
    Pair(
      "a column added and dropped", "CREATE TABLE t (a)",
      "CREATE TABLE t (a); ALTER TABLE t ADD b; ALTER TABLE t DROP b"),
    Pair(
      "the order of objects", "CREATE TABLE t (a); CREATE INDEX i ON t (a)",
      "CREATE TABLE t (a); CREATE INDEX j ON t (a); CREATE INDEX i ON t (a); DROP INDEX j"),
    Pair(
      "what is not the user's", "CREATE TABLE t (a)",
      """
      CREATE TABLE t (a); INSERT INTO t VALUES (1); ANALYZE; CREATE TABLE _litestream_seq (a);
      CREATE TABLE _litestream_lock (a); CREATE TABLE _cf_KV (a); CREATE TABLE d1_migrations (a);
      CREATE TABLE phasedb_anything (a); CREATE INDEX phasedb_index ON t (a)
      """),
  ]

  static let different = [
    Pair("a CHECK", "CREATE TABLE t (a)", "CREATE TABLE t (a CHECK (a > 0))"),
    Pair("another CHECK", "CREATE TABLE t (a CHECK (a > 0))", "CREATE TABLE t (a CHECK (a > 1))"),
    Pair("the case of a string", "CREATE TABLE t (a DEFAULT 'x')", "CREATE TABLE t (a DEFAULT 'X')"),
    Pair("a string that looks like a name", "CREATE TABLE t (a DEFAULT 'x')", "CREATE TABLE t (a DEFAULT x)"),
    Pair("a collation", "CREATE TABLE t (a)", "CREATE TABLE t (a COLLATE NOCASE)"),
    Pair(
      "DESC", "CREATE TABLE t (a); CREATE INDEX i ON t (a)",
      "CREATE TABLE t (a); CREATE INDEX i ON t (a DESC)"),
    Pair(
      "the WHERE of a partial index", "CREATE TABLE t (a); CREATE INDEX i ON t (a) WHERE a > 1",
      "CREATE TABLE t (a); CREATE INDEX i ON t (a) WHERE a > 2"),
    Pair(
      "an expression in an index", "CREATE TABLE t (a); CREATE INDEX i ON t (a + 1)",
      "CREATE TABLE t (a); CREATE INDEX i ON t (a + 2)"),
    Pair(
      "DEFERRABLE", "CREATE TABLE t (a REFERENCES t)",
      "CREATE TABLE t (a REFERENCES t DEFERRABLE INITIALLY DEFERRED)"),
    Pair("ON DELETE", "CREATE TABLE t (a REFERENCES t)", "CREATE TABLE t (a REFERENCES t ON DELETE CASCADE)"),
    Pair("ON CONFLICT", "CREATE TABLE t (a UNIQUE)", "CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE)"),
    Pair("the order of columns", "CREATE TABLE t (a, b)", "CREATE TABLE t (b, a)"),
    Pair("STRICT", "CREATE TABLE t (a TEXT)", "CREATE TABLE t (a TEXT) STRICT"),
    Pair("WITHOUT ROWID", "CREATE TABLE t (a PRIMARY KEY)", "CREATE TABLE t (a PRIMARY KEY) WITHOUT ROWID"),
    Pair(
      "AUTOINCREMENT", "CREATE TABLE t (a INTEGER PRIMARY KEY)",
      "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)"),
    Pair("a view's body", "CREATE VIEW t AS SELECT 1", "CREATE VIEW t AS SELECT 2"),
    Pair(
      "a trigger's body", "CREATE TABLE t (a); CREATE TRIGGER r INSERT ON t BEGIN SELECT 1; END",
      "CREATE TABLE t (a); CREATE TRIGGER r INSERT ON t BEGIN SELECT 1, 2; END"),
    Pair("a table instead of a view", "CREATE TABLE t (a)", "CREATE VIEW t AS SELECT 1 AS a"),
    Pair("another name", "CREATE TABLE t (a)", "CREATE TABLE u (a)"),
    Pair(
      "a trigger's table", "CREATE TABLE t (a); CREATE TABLE u (a); CREATE INDEX i ON t (a)",
      "CREATE TABLE t (a); CREATE TABLE u (a); CREATE INDEX i ON u (a)"),
    Pair("two columns that read like one", "CREATE TABLE t (a, b)", "CREATE TABLE t (\"a, b\")"),
  ]

  private func schema(_ sql: String) throws -> Schema {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: sql)
    return try Schema(of: connection)
  }

  @Test("is the same schema in spite of", arguments: equal)
  func same(_ pair: Pair) throws {
    let (one, other) = (try schema(pair.one), try schema(pair.other))
    #expect(one.digest == other.digest)
    #expect(SchemaDifference(from: one, to: other).isEmpty)
    #expect(SchemaDifference(from: one, to: other).lines == [])
  }

  @Test("is another schema because of", arguments: different)
  func differs(_ pair: Pair) throws {
    let (one, other) = (try schema(pair.one), try schema(pair.other))
    #expect(one.digest != other.digest)
    #expect(!SchemaDifference(from: one, to: other).isEmpty)
  }

  @Test("changes lead from one schema to another and back", arguments: equal + different)
  func changes(_ pair: Pair) throws {
    let (one, other) = (try schema(pair.one), try schema(pair.other))
    #expect(one.applying(other.changes(since: one)).digest == other.digest)
    #expect(other.applying(one.changes(since: other)).digest == one.digest)
    #expect(one.changes(since: one).isEmpty)
  }

  @Test("a difference is told in lines, with both texts of what changed on one line each")
  func lines() throws {
    let before = try schema("CREATE TABLE kept (a); CREATE TABLE gone (a); CREATE VIEW v AS\n  SELECT 1")
    let after = try schema("CREATE TABLE kept (a); CREATE TABLE Born (a); CREATE VIEW v AS SELECT 2")
    #expect(
      SchemaDifference(from: before, to: after).lines == [
        "- table gone", "+ table Born", "~ view v", "    was: CREATE VIEW v AS SELECT 1",
        "    is:  CREATE VIEW v AS SELECT 2",
      ])
  }

  @Test("reading again with what is known gives the same as reading afresh")
  func known() throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: "CREATE TABLE t (a); CREATE TABLE u (a); CREATE INDEX i ON t (a)")
    let known = try Schema(of: connection)
    try connection.execute(
      script: "DROP TABLE u; ALTER TABLE t ADD b; CREATE VIEW v AS SELECT 1; CREATE TABLE phasedb_x (a)")
    let (again, fresh) = (try Schema(of: connection, known: known), try Schema(of: connection))
    #expect(again.digest == fresh.digest)
    #expect(again.digest != known.digest)
    #expect(Set(again.objects.map(\.key)) == Set(fresh.objects.map(\.key)))
    #expect(again.ledgerNames == ["phasedb_x"])
  }

  @Test(
    "a digest is read back from its text, and from no other",
    arguments: ["", "0", String(repeating: "g", count: 32)])
  func digestText(_ wrong: String) throws {
    let digest = try schema("CREATE TABLE t (a)").digest
    #expect(digest.text.count == 32)
    #expect(SchemaDigest(digest.text) == digest)
    #expect(SchemaDigest(SchemaDigest.empty.text) == .empty)
    #expect(SchemaDigest(wrong) == nil)
  }
}

extension Schema {
  /// This schema with changes made to it.
  fileprivate func applying(_ changes: [SchemaChange]) -> Schema {
    var kept = Dictionary(objects.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    for change in changes { kept[change.object.key] = change.kind == .added ? change.object : nil }
    return Schema(Array(kept.values))
  }
}
