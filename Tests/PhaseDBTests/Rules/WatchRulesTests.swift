import Testing

@testable import PhaseDB

/// Rules about watches, probes, and phases that have neither.
struct WatchRulesTests {
  private static let table = [
    "0001-a/expand.sql": "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);\n-- @down\nDROP TABLE t;"
  ]

  private static func expand(
    watch: String = "30m every 30s", probe: String, up: String = "ALTER TABLE t ADD COLUMN b TEXT;",
    down: String = "ALTER TABLE t DROP COLUMN b;", more: [String: String] = [:]
  ) -> [String: String] {
    table.merging(more) { $1 }.merging([
      "0002-b/expand.sql":
        "-- @window app >=1.0\n-- @watch \(watch)\n-- @up\n\(up)\n-- @down\n\(down)\n-- @probe \(probe)\n"
    ]) { $1 }
  }

  private static let good = "no b\nSELECT id FROM t WHERE b IS NULL AND a > :since;"

  @Test("watches and probes", arguments: cases)
  func check(_ example: LintCase) throws { try example.check() }

  static let cases = [
    LintCase("a watch as it should be", folder: expand(probe: good)),
    LintCase(
      "ten samples are enough, and nine are not",
      folder: expand(watch: "5m every 30s", probe: good)),
    LintCase(
      "nine samples", folder: expand(watch: "4.5m every 30s", probe: good),
      finds: ["watch-too-short": "0002-b/expand.sql:1"]),
    LintCase(
      "more failures in a row than samples",
      folder: expand(watch: "5m every 30s", probe: "no b  fails after 11\nSELECT id FROM t WHERE b IS NULL;"),
      finds: ["watch-too-short": "0002-b/expand.sql:8"]),
    LintCase(
      "as many failures in a row as samples",
      folder: expand(watch: "5m every 30s", probe: "no b  fails after 10\nSELECT id FROM t WHERE b IS NULL;")),
    LintCase(
      "a control is not counted",
      folder: expand(
        watch: "5m every 30s", probe: good + "\n-- @probe lag  fails 20 of 30 control\nSELECT 1 WHERE 0;")),
    LintCase(
      "samples hours apart with a way back",
      folder: expand(watch: "2d every 2h then reverse", probe: good),
      finds: ["watch-too-short": "0002-b/expand.sql:1"]),
    LintCase("samples hours apart and a person", folder: expand(watch: "2d every 2h", probe: good)),
    LintCase(
      "a query that writes", folder: expand(probe: "no b\nDELETE FROM t RETURNING id;"),
      finds: ["probe-writes": "0002-b/expand.sql:8:1"]),
    LintCase(
      "a query that writes behind WITH",
      folder: expand(probe: "no b\nWITH c AS (SELECT 1) UPDATE t SET a = 1 RETURNING id;"),
      finds: ["probe-writes": "0002-b/expand.sql:8:1"]),
    LintCase(
      "a pragma that sets", folder: expand(probe: "no b\nPRAGMA user_version = 3;"),
      finds: ["probe-writes": "0002-b/expand.sql:8"]),
    LintCase(
      "VACUUM", folder: expand(probe: "no b\nVACUUM;"), finds: ["probe-writes": "0002-b/expand.sql:8:1"]),
    LintCase(
      "a function that reaches out", folder: expand(probe: "no b\nSELECT load_extension('x');"),
      finds: ["probe-writes": "0002-b/expand.sql:8"]),
    LintCase(
      "the ledger is not for probes", folder: expand(probe: "no b\nSELECT * FROM phasedb_log;"),
      finds: ["probe-invalid": "0002-b/expand.sql:8"]),
    LintCase(
      "a column that is not there", folder: expand(probe: "no b\nSELECT id FROM t\nWHERE c IS NULL;"),
      finds: ["probe-invalid": "0002-b/expand.sql:9:7"]),
    LintCase(
      "a column in double quotes that is not there",
      folder: expand(probe: "no b\nSELECT id FROM t WHERE \"c\" = 1;"),
      finds: ["probe-invalid": "0002-b/expand.sql:8:24"]),
    LintCase(
      "a column that the phase takes away",
      folder: expand(
        probe: "no a\nSELECT id FROM t WHERE a IS NULL;", up: "ALTER TABLE t RENAME COLUMN a TO b;",
        down: "ALTER TABLE t RENAME COLUMN b TO a;"),
      finds: ["probe-invalid": "0002-b/expand.sql:8:24", "expand-not-additive": "0002-b/expand.sql"]),
    LintCase(
      "a syntax error", folder: expand(probe: "no b\nSELEC 1;"),
      finds: ["probe-invalid": "0002-b/expand.sql:8:1"]),
    LintCase(
      "two columns for a number", folder: expand(probe: "rows  at least 1\nSELECT count(*), 1 FROM t;"),
      finds: ["probe-invalid": "0002-b/expand.sql:8:1"]),
    LintCase("two columns of violations", folder: expand(probe: "rows\nSELECT id, a FROM t;")),
    LintCase("a probe of the settings is asked elsewhere", folder: expand(probe: "checkout  at most 800")),
    LintCase(
      "a comparison with before that the schema before does not allow",
      folder: expand(probe: "rows  at least 50% of before\nSELECT count(b) FROM t;"),
      finds: ["probe-invalid": "0002-b/expand.sql:8:14"]),
    LintCase(
      "a comparison with before that both schemas allow",
      folder: expand(probe: "rows  at least 50% of before\nSELECT count(a) FROM t;")),
    LintCase(
      "a way back that fails",
      folder: expand(
        watch: "30m every 30s then reverse", probe: good, down: "ALTER TABLE t DROP COLUMN c;"),
      finds: [
        "watch-cannot-reverse": "0002-b/expand.sql:6", "down-not-inverse": "0002-b/expand.sql:6",
      ]),
    LintCase(
      "a way back that leads elsewhere",
      folder: expand(watch: "30m every 30s then reverse", probe: good, down: "SELECT 1;"),
      finds: [
        "watch-cannot-reverse": "0002-b/expand.sql:6", "down-not-inverse": "0002-b/expand.sql:6",
        "not-replayable": "0002-b/expand.sql:4",
      ]),
    LintCase(
      "a way back that leads elsewhere, for a person to go",
      folder: expand(probe: good, down: "SELECT 1;"),
      finds: ["down-not-inverse": "0002-b/expand.sql:6", "not-replayable": "0002-b/expand.sql:4"]),
    LintCase(
      "a migrate phase that goes up right behind",
      folder: expand(
        watch: "30m every 30s then reverse", probe: good,
        more: ["0002-b/migrate.sql": "UPDATE t SET b = a;\n-- @down\nUPDATE t SET b = NULL;"]),
      finds: ["watch-cannot-reverse": "0002-b/expand.sql:1", "backfill-gap": "0002-b/migrate.sql"]),
    LintCase(
      "a contract waits for the watch",
      folder: expand(
        watch: "30m every 30s then reverse", probe: good,
        more: [
          "0002-b/contract.sql":
            "DROP TABLE t;\n-- @down\nCREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);"
        ])),
  ]

  @Test("a phase without a query that notices", arguments: undetected)
  func checkUndetected(_ example: LintCase) throws { try example.check() }

  private static func migrate(_ more: String = "", watch: String = "") -> [String: String] {
    table.merging([
      "0002-b/migrate.sql":
        "-- @window app >=1.0\n-- @residual none\n\(watch)-- @up\nUPDATE t SET a = 'x' WHERE id = 1;\n-- @down\nUPDATE t SET a = NULL WHERE id = 1;\n\(more)"
    ]) { $1 }
  }

  /// The other cases leave this finding out, so each of these says that it is there, or lints the folder itself.
  static let undetected = [
    LintCase(
      "a migrate phase with nothing", folder: migrate(), finds: ["undetected": "0002-b/migrate.sql:1"]),
    LintCase(
      "a contract with nothing",
      folder: table.merging([
        "0002-b/contract.sql": "DROP TABLE t;\n-- @down\nCREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);"
      ]) { $1 }, finds: ["undetected": "0002-b/contract.sql:1"]),
  ]

  @Test(
    "a phase with one",
    arguments: [
      migrate("-- @verify it is x\nSELECT id FROM t WHERE id = 1 AND a <> 'x';\n"),
      migrate(
        "-- @probe it is x\nSELECT id FROM t WHERE id = 1 AND a <> 'x';\n", watch: "-- @watch 30m every 30s\n"
      ),
      migrate("-- @probe checkout\n", watch: "-- @watch 30m every 30s\n"),
    ])
  func detected(_ files: [String: String]) throws {
    let report = try LintedFiles(files).report()
    #expect(!report.findings.contains { $0.id == "undetected" }, "\(report.text)")
    #expect(report.errors.isEmpty, "\(report.text)")
  }
}
