import Testing

@testable import PhaseDB

/// Statements that count the columns of a table.
struct PositionalRulesTests {
  private static func asking(
    _ sentence: String, _ sql: String, finds: [String: String] = [:], version: String = "1.4.0",
    change: String = "ALTER TABLE t ADD COLUMN c;", back: String = "ALTER TABLE t DROP COLUMN c;"
  ) -> LintCase {
    LintCase(
      sentence,
      folder: [
        "baseline.sql": "CREATE TABLE t (a, b);\nCREATE TABLE u (x);",
        "0001-a/expand.sql": "-- @window shop >=1.0 <2.0\n\(change)\n-- @down\n\(back)",
        "apps/shop/\(version).sql": "-- @query q\n\(sql)",
      ],
      finds: finds.mapValues { "apps/shop/\(version).sql:\($0)" })
  }

  @Test("what an application asks", arguments: corpus)
  func checkCorpus(_ example: LintCase) throws { try example.check() }

  static let corpus = [
    asking("INSERT without columns", "INSERT INTO t VALUES (1, 2);", finds: ["positional-insert": "2:13"]),
    asking(
      "INSERT OR REPLACE into a qualified, quoted name",
      "INSERT OR REPLACE INTO main.\"T\" SELECT x, x FROM u;",
      finds: ["positional-insert": "2:29"]),
    asking(
      "REPLACE with an alias", "REPLACE INTO t AS o VALUES (:a, :b);", finds: ["positional-insert": "2:14"]),
    asking(
      "INSERT from WITH", "INSERT INTO t WITH q AS (SELECT 1, 2) SELECT * FROM q;",
      finds: ["positional-insert": "2:13"]),
    asking("INSERT with columns", "INSERT INTO t (a, b) VALUES (1, 2);"),
    asking("INSERT of nothing", "INSERT INTO t DEFAULT VALUES;"),
    asking("INSERT without columns into another table", "INSERT INTO u VALUES (1);"),
    asking("SELECT *", "SELECT * FROM t;", finds: ["select-star": "2:8"]),
    asking(
      "SELECT DISTINCT * of a join", "SELECT DISTINCT * FROM u LEFT JOIN main.t ON x = a WHERE a > 1;",
      finds: ["select-star": "2:17"]),
    asking("every column of an alias", "SELECT u.x, n.* FROM u, t AS n;", finds: ["select-star": "2:15"]),
    asking(
      "every column of an alias without AS", "SELECT n.* FROM [t] n JOIN u;", finds: ["select-star": "2:10"]),
    asking("every column of the other table", "SELECT u.*, t.a FROM u, t;"),
    asking(
      "SELECT * in a subquery", "SELECT x FROM u WHERE x IN (SELECT * FROM t);",
      finds: ["select-star": "2:36"]),
    asking("a star below named columns", "SELECT a, b FROM (SELECT * FROM t);"),
    asking(
      "a star below two lists of named columns", "SELECT a FROM (SELECT a, b FROM (SELECT * FROM t) q);"),
    asking("a star below a star below named columns", "SELECT a FROM (SELECT q.* FROM (SELECT * FROM t) q);"),
    asking(
      "a star that a star hands on", "SELECT * FROM (SELECT * FROM t);", finds: ["select-star": "2:23"]),
    asking(
      "a star that the star of its alias hands on", "SELECT q.*, x FROM u, (SELECT * FROM t) AS q;",
      finds: ["select-star": "2:31"]),
    asking("a star beside one of another source", "SELECT u.*, q.a FROM u, (SELECT * FROM t) AS q;"),
    asking("a star in a join in parentheses", "SELECT a FROM (u JOIN (SELECT * FROM t) ON x = a);"),
    asking(
      "a star in WITH, named outside", "WITH q AS (SELECT * FROM t WHERE a > 1) SELECT a FROM q ORDER BY a;"),
    asking(
      "a star in WITH, handed on by a star", "WITH q AS MATERIALIZED (SELECT * FROM t) SELECT * FROM q;",
      finds: ["select-star": "2:32"]),
    asking(
      "a star in WITH, handed on by a second name",
      "WITH q AS (SELECT * FROM t), r AS (SELECT * FROM q) SELECT r.* FROM r;",
      finds: ["select-star": "2:19"]),
    asking(
      "a star in WITH that names its columns", "WITH q (a, b) AS (SELECT * FROM t) SELECT a FROM q;",
      finds: ["select-star": "2:26"]),
    asking(
      "a star in WITH, on the right of IN", "WITH q AS (SELECT * FROM t) SELECT x FROM u WHERE (x, x) IN q;",
      finds: ["select-star": "2:19"]),
    asking(
      "a star in UNION below named columns", "SELECT a FROM (SELECT * FROM t UNION SELECT x, x FROM u);",
      finds: ["select-star": "2:23"]),
    asking("a star below UPDATE FROM", "UPDATE u SET x = q.a FROM (SELECT * FROM t) AS q WHERE x = q.b;"),
    asking(
      "a star whose rows are inserted", "INSERT INTO u SELECT a FROM (SELECT * FROM t);"),
    asking(
      "a star below IN, with a name beside it", "SELECT a FROM t WHERE (a, b) IN (SELECT * FROM t);",
      finds: ["select-star": "2:41"]),
    asking("SELECT * of named columns", "SELECT * FROM (SELECT a, b FROM t);"),
    asking("SELECT * of a query that hides the table", "WITH t AS (SELECT x FROM u) SELECT * FROM t;"),
    asking("count(*)", "SELECT count(*), a * 2 FROM t;"),
    asking("EXISTS", "SELECT x FROM u WHERE EXISTS (SELECT * FROM t WHERE a = x);"),
    asking(
      "a star in a string and a comment",
      "SELECT a /* SELECT * FROM t */, 'SELECT * FROM t' FROM t; -- SELECT * FROM t"),
    asking("a version that runs only after the phase", "INSERT INTO t VALUES (1, 2, 3);", version: "2.0.0"),
    asking(
      "a phase that leaves the columns as they are", "INSERT INTO t VALUES (1, 2);",
      change: "CREATE INDEX i ON t (a);", back: "DROP INDEX i;"),
  ]

  @Test("what the folder's own SQL does", arguments: own)
  func checkOwn(_ example: LintCase) throws { try example.check() }

  static let own = [
    LintCase(
      "column dropped and added back, under an application that counts",
      folder: [
        "baseline.sql": "CREATE TABLE t (a, b);",
        "0001-a/contract.sql": "ALTER TABLE t DROP COLUMN a;\n-- @down\nALTER TABLE t ADD COLUMN a;",
        "apps/app/1.4.0.sql": "INSERT INTO t VALUES (1, 2);",
      ],
      finds: ["positional-insert": "apps/app/1.4.0.sql:1:13"]),
    LintCase(
      "a column that is only renamed keeps its number",
      folder: [
        "baseline.sql": "CREATE TABLE t (a, b);",
        "0001-a/contract.sql": "ALTER TABLE t RENAME b TO c;\n-- @down\nALTER TABLE t RENAME c TO b;",
        "apps/app/1.4.0.sql": "INSERT INTO t VALUES (1, 2);",
      ]),
    LintCase(
      "a view that takes whatever columns there are",
      folder: [
        "baseline.sql": "CREATE TABLE t (a, b);\nCREATE VIEW v AS SELECT * FROM t;",
        "0001-a/expand.sql": "ALTER TABLE t ADD COLUMN c;\n-- @down\nALTER TABLE t DROP COLUMN c;",
      ], finds: ["select-star": "0001-a/expand.sql:4:1"]),
    LintCase(
      "a view of other columns",
      folder: [
        "baseline.sql": "CREATE TABLE t (a, b);\nCREATE VIEW v AS SELECT a, count(*) AS n FROM t;",
        "0001-a/expand.sql": "ALTER TABLE t ADD COLUMN c;\n-- @down\nALTER TABLE t DROP COLUMN c;",
      ]),
    LintCase(
      "a trigger that inserts by position",
      folder: [
        "baseline.sql":
          "CREATE TABLE t (a, b);\nCREATE TABLE u (x);\nCREATE TRIGGER r AFTER INSERT ON u BEGIN INSERT INTO t VALUES (1, 2); END;",
        "0001-a/expand.sql": "ALTER TABLE t ADD COLUMN c;\n-- @down\nALTER TABLE t DROP COLUMN c;",
      ], finds: ["positional-insert": "0001-a/expand.sql:4:1", "dangling-code": "0001-a/expand.sql:4:1"]),
    LintCase(
      "a rebuild that copies by SELECT *",
      folder: [
        "baseline.sql": "CREATE TABLE t (a, b);",
        "0001-a/contract.sql": """
        CREATE TABLE n (b, a);
        INSERT INTO n (b, a) SELECT * FROM t;
        DROP TABLE t;
        ALTER TABLE n RENAME TO t;
        -- @down
        CREATE TABLE n (a, b);
        INSERT INTO n (a, b) SELECT a, b FROM t;
        DROP TABLE t;
        ALTER TABLE n RENAME TO t;
        """,
      ], finds: ["select-star": "0001-a/contract.sql:5:29"]),
    LintCase(
      "a rebuild that leaves the columns as they are",
      folder: [
        "baseline.sql": "CREATE TABLE t (a, b);",
        "0001-a/contract.sql": """
        CREATE TABLE n (a NOT NULL, b);
        INSERT INTO n SELECT * FROM t;
        DROP TABLE t;
        ALTER TABLE n RENAME TO t;
        -- @down
        CREATE TABLE n (a, b);
        INSERT INTO n SELECT * FROM t;
        DROP TABLE t;
        ALTER TABLE n RENAME TO t;
        """,
      ]),
    LintCase(
      "a later backfill that may pass the contract",
      folder: [
        "baseline.sql": "CREATE TABLE t (a, b);\nCREATE TABLE u (x, y);",
        "0001-a/contract.sql": "ALTER TABLE t DROP COLUMN b;\n-- @down\nALTER TABLE t ADD COLUMN b;",
        "0002-b/migrate.sql":
          "UPDATE u SET x = (SELECT count(*) FROM (SELECT * FROM t UNION ALL SELECT * FROM t));\n-- @down\nSELECT 1;",
      ], finds: ["select-star": "0002-b/migrate.sql:4:48"]),
  ]
}
