import Testing

@testable import PhaseDB

/// Views and triggers that a phase breaks without anything failing.
struct DanglingCodeTests {
  @Test("views and triggers", arguments: cases)
  func code(_ example: LintCase) throws { try example.check() }

  private static func changing(
    _ sentence: String, baseline: String, _ up: String = "ALTER TABLE t DROP COLUMN b;",
    down: String = "ALTER TABLE t ADD COLUMN b;", finds: [String: String] = [:]
  ) -> LintCase {
    LintCase(
      sentence,
      folder: [
        "baseline.sql": "CREATE TABLE t (a, b);\nCREATE TABLE u (a);\n\(baseline)",
        "0001-a/contract.sql": "SELECT 1;\n\(up)\n-- @down\n\(down)",
      ], finds: finds)
  }

  private static let atDrop = ["dangling-code": "0001-a/contract.sql:5:1"]

  static let cases = [
    changing(
      "a trigger on another table that writes the dropped column",
      baseline: "CREATE TRIGGER r AFTER INSERT ON u BEGIN UPDATE t SET b = NEW.a; END;", finds: atDrop),
    changing(
      "a trigger on another table that inserts the dropped column",
      baseline: "CREATE TRIGGER r AFTER DELETE ON u BEGIN INSERT INTO t (a, b) VALUES (1, 2); END;",
      finds: atDrop),
    changing(
      "UPDATE OF the dropped column",
      baseline: "CREATE TRIGGER r AFTER UPDATE OF b ON t BEGIN DELETE FROM u; END;", finds: atDrop),
    changing(
      "a view of named columns over SELECT *", baseline: "CREATE VIEW v (x, y) AS SELECT * FROM t;",
      finds: ["dangling-code": "0001-a/contract.sql:5:1", "select-star": "0001-a/contract.sql:5:1"]),
    changing(
      "a trigger that copies a row by SELECT *",
      baseline:
        "CREATE TABLE log (x, y);\nCREATE TRIGGER r AFTER INSERT ON u BEGIN INSERT INTO log (x, y) SELECT * FROM t; END;",
      finds: ["dangling-code": "0001-a/contract.sql:5:1", "select-star": "0001-a/contract.sql:5:1"]),
    changing(
      "a view of a dropped table, and one that reads the view",
      baseline: "CREATE VIEW v AS SELECT a FROM u;\nCREATE VIEW w AS SELECT a FROM v;", "DROP TABLE u;",
      down: "CREATE TABLE u (a);", finds: atDrop),
    changing(
      "a trigger on a view",
      baseline:
        "CREATE VIEW v AS SELECT a FROM u;\nCREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN INSERT INTO t (b) VALUES (NEW.a); END;",
      finds: atDrop),
    changing(
      "a trigger that names a column of the other table",
      baseline: "CREATE TRIGGER r AFTER INSERT ON u BEGIN UPDATE t SET a = NEW.a; END;"),
    changing(
      "a view that names what stays", baseline: "CREATE VIEW v AS SELECT a FROM t;"),
    changing(
      "a view of other columns with a string like the dropped one",
      baseline: "CREATE VIEW v AS SELECT a, 'b' AS c FROM t;"),
    changing(
      "a view that asks the application for a function",
      baseline: "CREATE VIEW v AS SELECT slug(a) FROM t;"),
    changing(
      "the table renamed, and its trigger with it",
      baseline: "CREATE TRIGGER r AFTER INSERT ON u BEGIN UPDATE t SET b = NEW.a; END;",
      "ALTER TABLE t RENAME TO s;",
      down: "ALTER TABLE s RENAME TO t;"),
    LintCase(
      "a new trigger that misspells a column",
      folder: [
        "0001-a/expand.sql":
          "CREATE TABLE t (a);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET aa = 1; END;\n-- @down\nDROP TABLE t;"
      ], finds: ["dangling-code": "0001-a/expand.sql:5:1"]),
    LintCase(
      "a view that does not compile anywhere in the schema",
      folder: [
        "0001-a/expand.sql":
          "CREATE TABLE t (a);\nCREATE VIEW v AS SELECT b FROM t;\n-- @down\nDROP VIEW v;\nDROP TABLE t;"
      ], finds: ["dangling-code": "0001-a/expand.sql:5:1"]),
    LintCase(
      "a view of the baseline that does not compile, told once",
      folder: [
        "baseline.sql": "CREATE TABLE t (a);\nCREATE VIEW v AS SELECT b FROM t;",
        "0001-a/expand.sql": "ALTER TABLE t ADD COLUMN c;\n-- @down\nSELECT 1;\nALTER TABLE t DROP COLUMN c;",
      ], finds: ["dangling-code": "baseline.sql:2:13", "down-not-inverse": "0001-a/expand.sql:7"]),
    LintCase(
      "a view of the baseline that takes a word in double quotes for a string, as its application does",
      folder: [
        "baseline.sql": "CREATE TABLE t (a);\nCREATE VIEW v AS SELECT \"none\" AS x FROM t;",
        "0001-a/expand.sql": "ALTER TABLE t ADD COLUMN c;\n-- @down\nSELECT 1;",
      ], finds: ["down-not-inverse": "0001-a/expand.sql:6", "not-replayable": "0001-a/expand.sql:4"]),
    LintCase(
      "what a phase broke is not told again by the next one",
      folder: [
        "baseline.sql":
          "CREATE TABLE t (a, b);\nCREATE TABLE u (a);\nCREATE TRIGGER r AFTER INSERT ON u BEGIN UPDATE t SET b = 1; END;",
        "0001-a/contract.sql": "ALTER TABLE t DROP COLUMN b;\n-- @down\nALTER TABLE t ADD COLUMN b;",
        "0002-b/expand.sql":
          "-- @needs 0001-a/contract\nCREATE INDEX i ON t (a);\n-- @down\nDROP INDEX i;",
      ], finds: ["dangling-code": "0001-a/contract.sql:4:1"]),
  ]

  @Test("the finding names what is broken, what it misses and what breaks with it")
  func naming() throws {
    let report = try LintedFiles([
      "baseline.sql":
        "CREATE TABLE t (a, b);\nCREATE VIEW v AS SELECT a, b FROM t;\nCREATE VIEW w AS SELECT a FROM v;",
      "0001-a/contract.sql":
        "DROP TABLE t;\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;\nCREATE TABLE t (a, b);",
    ]).report()
    let finding = try #require(report.findings.first)
    #expect(report.findings.map(\.id) == ["dangling-code", "undetected"], "\(report.text)")
    #expect(finding.message == "view v does not compile: no such column: b")
    #expect(finding.details == ["view w uses it and does not compile either"])
  }
}
