import Testing

@testable import PhaseDB

/// Rules about what phases want counted.
struct EffectRulesTests {
  private static func folder(
    _ effects: String,
    table: String = "CREATE TABLE outbox (id INTEGER PRIMARY KEY, at TEXT NOT NULL, sent INT);",
    up: String = "SELECT 1;", down: String = "SELECT 1;"
  ) -> [String: String] {
    [
      "0001-a/expand.sql": "\(table)\n-- @down\nDROP TABLE outbox;",
      "0002-b/expand.sql": "-- @window app >=1.0\n-- @effects \(effects)\n-- @up\n\(up)\n-- @down\n\(down)\n",
    ]
  }

  @Test("effects", arguments: cases)
  func check(_ example: LintCase) throws { try example.check() }

  static let cases = [
    LintCase("as it should be", folder: folder("outbox by id where sent: customer: mails")),
    LintCase(
      "in place of @residual in a migrate phase",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE outbox (id INTEGER PRIMARY KEY);\n-- @down\nDROP TABLE outbox;",
        "0002-b/migrate.sql":
          "-- @window app >=1.0\n-- @effects outbox by id: customer: mails\n-- @up\nSELECT 1;\n-- @down\nSELECT 1;\n",
      ]),
    LintCase(
      "no such table", folder: folder("mails by id: customer: x"),
      finds: ["effects-invalid": "0002-b/expand.sql:2:4"]),
    LintCase(
      "no such column", folder: folder("outbox by no: customer: x"),
      finds: ["effects-invalid": "0002-b/expand.sql:2:4"]),
    LintCase(
      "a condition that does not compile", folder: folder("outbox by id where gone = 1: customer: x"),
      finds: ["effects-invalid": "0002-b/expand.sql:2:4"]),
    LintCase(
      "a condition that is two", folder: folder("outbox by id where 1 LIMIT 1: customer: x"),
      finds: ["effects-invalid": "0002-b/expand.sql:2:4"]),
    LintCase(
      "a condition that calls what it must not",
      folder: folder("outbox by id where load_extension('x'): customer: x"),
      finds: ["effects-invalid": "0002-b/expand.sql:2:4"]),
    LintCase(
      "a condition that is another one each time",
      folder: folder("outbox by id where abs(random()) % 2 = 0: customer: x"),
      finds: ["effects-invalid": "0002-b/expand.sql:2:4"]),
    LintCase(
      "a column that the phase itself adds",
      folder: folder(
        "outbox by id where price: customer: x", up: "ALTER TABLE outbox ADD COLUMN price INT;",
        down: "ALTER TABLE outbox DROP COLUMN price;")),
    LintCase(
      "a moment without an index", folder: folder("outbox by at: customer: x"),
      finds: ["effects-slow": "0002-b/expand.sql:2:4"]),
    LintCase(
      "a moment with an index",
      folder: folder(
        "outbox by at: customer: x", up: "CREATE INDEX outbox_at ON outbox (at);",
        down: "DROP INDEX outbox_at;")),
    LintCase(
      "a moment with an index of some rows",
      folder: folder(
        "outbox by at: customer: x", up: "CREATE INDEX outbox_at ON outbox (at) WHERE sent;",
        down: "DROP INDEX outbox_at;"), finds: ["effects-slow": "0002-b/expand.sql:2:4"]),
    LintCase(
      "a key of text",
      folder: folder("outbox by id: customer: x", table: "CREATE TABLE outbox (id TEXT PRIMARY KEY);"),
      finds: ["effects-unordered": "0002-b/expand.sql:2:4"]),
    LintCase(
      "a column that may be NULL",
      folder: folder(
        "outbox by no: customer: x", table: "CREATE TABLE outbox (no INT);",
        up: "CREATE INDEX i ON outbox (no);",
        down: "DROP INDEX i;"), finds: ["effects-unordered": "0002-b/expand.sql:2:4"]),
    LintCase(
      "the rowid", folder: folder("outbox by rowid: customer: x", table: "CREATE TABLE outbox (no INT);")),
    LintCase(
      "a rowid that is not there",
      folder: folder(
        "outbox by rowid: customer: x", table: "CREATE TABLE outbox (no INT PRIMARY KEY) WITHOUT ROWID;"),
      finds: ["effects-invalid": "0002-b/expand.sql:2:4"]),
  ]
}
