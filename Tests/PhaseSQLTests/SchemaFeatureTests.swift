import PhaseSQLite
import Testing

@testable import PhaseSQL

struct SchemaFeatureTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let sql: String
    /// `3.37 STRICT`
    let needs: [String]

    init(_ sql: String, _ needs: String...) { (self.sql, self.needs) = (sql, needs) }

    var testDescription: String {
      "\(sql) needs \(needs.isEmpty ? "nothing new" : needs.joined(separator: ", "))"
    }
  }

  static let cases = [
    Case("CREATE TABLE t (a INT) STRICT", "3.37.0 STRICT"),
    Case("CREATE TABLE t (a INT PRIMARY KEY) WITHOUT ROWID, STRICT", "3.37.0 STRICT"),
    Case("CREATE TABLE strict (strict TEXT, b strict)"),
    Case("CREATE TABLE t (a, b AS (a + 1))", "3.31.0 generated columns"),
    Case("ALTER TABLE t ADD b INT GENERATED ALWAYS AS (a)", "3.31.0 generated columns"),
    Case("CREATE TABLE t (a CHECK (CAST(a AS INT) > 1))"),
    Case("ALTER TABLE t DROP COLUMN a", "3.35.0 DROP COLUMN"),
    Case("ALTER TABLE t RENAME a TO b", "3.25.0 RENAME COLUMN"),
    Case("ALTER TABLE t RENAME TO u"),
    Case("DELETE FROM t RETURNING a", "3.35.0 RETURNING"),
    Case("WITH x AS NOT MATERIALIZED (SELECT 1) SELECT * FROM x", "3.35.0 MATERIALIZED"),
    Case("UPDATE t SET a = u.a FROM u WHERE u.b = t.b", "3.33.0 UPDATE … FROM"),
    Case("UPDATE t SET a = (SELECT b FROM u) WHERE a IN (SELECT c FROM u)"),
    Case("UPDATE t SET a = b IS NOT DISTINCT FROM c", "3.39.0 IS DISTINCT FROM"),
    Case(
      "INSERT INTO t SELECT a FROM u WHERE 1 ON CONFLICT (a) DO UPDATE SET a = 2", "3.24.0 ON CONFLICT DO"),
    Case("CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE REFERENCES p ON UPDATE SET NULL)"),
    Case(
      "CREATE TRIGGER g AFTER UPDATE ON t BEGIN SELECT 1; UPDATE t SET a = 1 FROM u; END",
      "3.33.0 UPDATE … FROM"),
    Case("SELECT 1 FROM a RIGHT JOIN b", "3.39.0 RIGHT and FULL JOIN"),
    Case("SELECT 1 FROM a NATURAL FULL OUTER JOIN b", "3.39.0 RIGHT and FULL JOIN"),
    Case("SELECT 1 FROM a LEFT JOIN b"),
    Case("SELECT a IS NOT DISTINCT FROM b", "3.39.0 IS DISTINCT FROM"),
    Case("SELECT DISTINCT a FROM b"),
    Case("SELECT a ->> 'b', a->'c'", "3.38.0 the operators -> and ->>", "3.38.0 the operators -> and ->>"),
    Case("SELECT iif(a, 1, 2)", "3.32.0 the function iif()"),
    Case("SELECT iif(a, max(1, 2))", "3.48.0 iif() with two arguments"),
    Case("SELECT iif(a, 1, b, 2, 3)", "3.49.0 iif() with more than three arguments"),
    Case("SELECT if(a, 1, 2)", "3.48.0 the function if()"),
    Case("DROP TABLE IF EXISTS t"),
    Case(
      "SELECT unixepoch(), Format('%d', 1)", "3.38.0 the function unixepoch()", "3.38.0 the function format()"
    ),
    Case("CREATE TABLE format (a); CREATE INDEX i ON format (a); INSERT INTO concat (a) VALUES (1)"),
    Case("WITH floor (a) AS (SELECT 1) SELECT format, floor.a FROM floor"),
    Case(
      "SELECT octet_length(a), timediff(a, b)", "3.43.0 the function octet_length()",
      "3.43.0 the function timediff()"),
    Case("SELECT group_concat(a, ',' ORDER BY b) FROM t", "3.44.0 ORDER BY in an aggregate"),
    Case("SELECT max((SELECT a FROM t ORDER BY a)) FROM (SELECT 1 ORDER BY 1)"),
    Case("SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM t", "3.25.0 window functions"),
    Case(
      "SELECT count(*) FILTER (WHERE a) FROM t ORDER BY 1 NULLS LAST", "3.30.0 FILTER on an aggregate",
      "3.30.0 NULLS FIRST and NULLS LAST"),
    Case("SELECT jsonb_set(a, '$', 1)", "3.45.0 the function jsonb_set()"),
    Case("SELECT 1_000, 0xFF_FF", "3.46.0 _ in numbers", "3.46.0 _ in numbers"),
    Case("SELECT 1000, a_1, '1_000'"),
    Case("SELECT RAISE(ABORT, 'no ' || NEW.a)", "3.47.0 an expression as the message of RAISE()"),
    Case("SELECT RAISE(ABORT, 'no'), RAISE(IGNORE)"),
    Case("SELECT 'iif(a, 1)', \"returning\", [strict] -- RETURNING"),
  ]

  @Test("the SQL", arguments: cases)
  func needs(_ row: Case) {
    #expect(SchemaFeature.needed(by: row.sql).map { "\($0.since) \($0.name)" } == row.needs)
  }

  @Test("a feature knows where it stands")
  func place() throws {
    let sql = "/* é */ DELETE FROM t WHERE a IS NOT DISTINCT FROM b RETURNING a"
    let places = SchemaFeature.needed(by: sql).map {
      String(decoding: Array(sql.utf8)[$0.range], as: UTF8.self)
    }
    #expect(places == ["IS NOT DISTINCT FROM", "RETURNING"])
    #expect(SchemaFeature.needed(by: "SELECT 1") == [])
  }

  /// What this machine's SQLite can do must not be said to need a newer one.
  @Test(
    "SQLite agrees where it can be asked",
    arguments: [
      "SELECT iif(1, 2, 3)", "SELECT floor(1.5)", "SELECT unixepoch()", "SELECT 1 IS DISTINCT FROM 2",
      "SELECT '[1]' -> 0", "SELECT octet_length('a')", "SELECT concat('a')", "SELECT jsonb('1')",
      "SELECT 1_000",
      "SELECT iif(1, 2)", "SELECT if(1, 2, 3)", "SELECT iif(1, 2, 3, 4)", "SELECT unistr('a')",
      "SELECT json_pretty('1')",
      "SELECT group_concat(1 ORDER BY 1)", "SELECT unhex('00')", "CREATE TABLE t (a INT) STRICT",
      "SELECT timediff('2020-01-01', '2021-01-01')", "SELECT * FROM jsonb_each('[1]')",
      "SELECT json_error_position('1')",
    ])
  func agrees(_ sql: String) throws {
    let connection = try Connection(path: "", mode: .memory)
    let needed = try #require(SchemaFeature.needed(by: sql).map(\.since).max())
    let works = (try? connection.execute(script: sql)) != nil
    #expect(works == (needed <= .running), "\(sql) needs \(needed), this is \(SQLiteVersion.running)")
  }
}
