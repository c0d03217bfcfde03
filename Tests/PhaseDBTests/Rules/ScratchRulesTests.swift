import Testing

@testable import PhaseDB

/// Rules that ask the scratch database what a phase wrote and what still compiles after it.
struct ScratchRulesTests {
  private static let shop = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
    CREATE TABLE visits (customer INTEGER, at TEXT);
    CREATE VIRTUAL TABLE found USING fts5 (name);
    """

  @Test("rows in a schema phase", arguments: rows)
  func checkRows(_ example: LintCase) throws { try example.check() }

  private static func writing(
    _ sentence: String, in kind: String = "expand", _ up: String, down: String = "SELECT 1;", line: Int? = nil
  ) -> LintCase {
    let file = "0001-a/\(kind).sql"
    return LintCase(
      sentence, folder: ["baseline.sql": shop, file: "\(up)\n-- @down\n\(down)"],
      finds: line.map { ["schema-phase-writes-rows": "\(file):\($0):1"] } ?? [:])
  }

  static let rows = [
    writing("an UPDATE in an expand", "UPDATE customers SET name = '';", line: 4),
    writing("a DELETE in a contract", in: "contract", "SELECT 1;\nDELETE FROM visits;", line: 5),
    writing(
      "a REPLACE in an expand", "REPLACE INTO customers (id) VALUES (1);", down: "DELETE FROM customers;",
      line: 4),
    writing(
      "an INSERT that fills an old table from a new one",
      "CREATE TABLE n (a);\nINSERT INTO visits (at) SELECT a FROM n;",
      down: "DROP TABLE n;", line: 5),
    writing(
      "an old table under a new name", in: "contract",
      "ALTER TABLE visits RENAME TO calls;\nUPDATE calls SET at = '';",
      down: "ALTER TABLE calls RENAME TO visits;",
      line: 5),
    writing(
      "a write by way of a trigger",
      "CREATE TABLE n (a);\nCREATE TRIGGER r AFTER INSERT ON n BEGIN DELETE FROM visits; END;\nINSERT INTO n (a) VALUES (1);",
      down: "DROP TABLE n;", line: 6),
    writing(
      "rows of a table the phase makes",
      "CREATE TABLE n (a);\nINSERT INTO n (a) VALUES (1);\nUPDATE n SET a = 2;",
      down: "DROP TABLE n;"),
    writing(
      "a search table the phase makes",
      "CREATE VIRTUAL TABLE s USING fts5 (x);\nINSERT INTO s (x) SELECT name FROM customers;",
      down: "DROP TABLE s;"),
    writing(
      "a search table that is told to rebuild its index", "INSERT INTO found (found) VALUES ('rebuild');"),
    writing(
      "a rebuild", in: "contract",
      "CREATE TABLE n (customer INTEGER, at TEXT NOT NULL);\nINSERT INTO n (customer, at) SELECT customer, at FROM visits;\nDROP TABLE visits;\nALTER TABLE n RENAME TO visits;",
      down:
        "CREATE TABLE n (customer INTEGER, at TEXT);\nINSERT INTO n (customer, at) SELECT customer, at FROM visits;\nDROP TABLE visits;\nALTER TABLE n RENAME TO visits;"
    ),
    writing(
      "the counter of an AUTOINCREMENT table",
      "CREATE TABLE n (id INTEGER PRIMARY KEY AUTOINCREMENT);\nINSERT INTO sqlite_sequence (name, seq) VALUES ('n', 7);",
      down: "DROP TABLE n;"),
    writing(
      "rows of a table that the phase drops", in: "contract", "DELETE FROM visits;\nDROP TABLE visits;",
      down: "CREATE TABLE visits (customer INTEGER, at TEXT);"),
    writing(
      "a default in every row", "ALTER TABLE visits ADD COLUMN paid INTEGER NOT NULL DEFAULT 0;",
      down: "ALTER TABLE visits DROP COLUMN paid;"),
  ]

  @Test("backfills", arguments: backfills)
  func checkBackfill(_ example: LintCase) throws { try example.check() }

  private static func filling(
    _ sentence: String, expand: String, migrate: String = "UPDATE customers SET short = substr(name, 1, 3);",
    window: String = ">=1.0 <2.0", migrateWindow: String? = nil, isGap: Bool = false
  ) -> LintCase {
    LintCase(
      sentence,
      folder: [
        "baseline.sql": shop,
        "0001-a/expand.sql":
          "-- @window app \(window)\n\(expand)\n-- @down\nDROP TRIGGER IF EXISTS r;\nDROP TRIGGER IF EXISTS q;\nALTER TABLE customers DROP COLUMN short;",
        "0001-a/migrate.sql": "-- @window app \(migrateWindow ?? window)\n\(migrate)\n-- @down\nSELECT 1;",
      ], finds: isGap ? ["backfill-gap": "0001-a/migrate.sql:5:1"] : [:])
  }

  private static let column = "ALTER TABLE customers ADD COLUMN short TEXT;"

  static let backfills = [
    filling("a column that nothing keeps filled", expand: column, isGap: true),
    filling(
      "a trigger that fills it for new rows",
      expand:
        "\(column)\nCREATE TRIGGER r AFTER INSERT ON customers WHEN NEW.short IS NULL BEGIN UPDATE customers SET short = substr(name, 1, 3) WHERE id = NEW.id; END;"
    ),
    filling(
      "a trigger that fills it by way of another one",
      expand: """
        \(column)
        CREATE TRIGGER r AFTER INSERT ON customers BEGIN UPDATE customers SET name = trim(name) WHERE id = NEW.id; END;
        CREATE TRIGGER q AFTER UPDATE OF name ON customers BEGIN UPDATE customers SET short = name WHERE id = NEW.id; END;
        """),
    filling(
      "a trigger that fills another column",
      expand:
        "\(column)\nCREATE TRIGGER r AFTER INSERT ON customers BEGIN UPDATE customers SET email = '' WHERE id = NEW.id; END;",
      isGap: true),
    filling(
      "a trigger that could fill it and does not, because of its WHEN",
      expand:
        "\(column)\nCREATE TRIGGER r AFTER INSERT ON customers WHEN NEW.short IS NOT NULL BEGIN UPDATE customers SET short = '' WHERE id = NEW.id; END;",
      isGap: true),
    filling(
      "a trigger that fills it with something random, as the backfill does",
      expand:
        "\(column)\nCREATE TRIGGER r AFTER INSERT ON customers BEGIN UPDATE customers SET short = hex(randomblob(9)) WHERE id = NEW.id; END;",
      migrate: "UPDATE customers SET short = hex(randomblob(9));"),
    filling(
      "a trigger that only follows updates",
      expand:
        "\(column)\nCREATE TRIGGER r AFTER UPDATE OF name ON customers BEGIN UPDATE customers SET short = name WHERE id = NEW.id; END;",
      isGap: true),
    filling(
      "a stopgap default in every row",
      expand: "ALTER TABLE customers ADD COLUMN short TEXT NOT NULL DEFAULT '';",
      isGap: true),
    filling(
      "a default that is right for new rows",
      expand: "ALTER TABLE customers ADD COLUMN short TEXT NOT NULL DEFAULT 'none';",
      migrate: "UPDATE customers SET short = 'gold' WHERE id IN (SELECT customer FROM visits);"),
    filling(
      "a column that was there before the migration", expand: column,
      migrate: "UPDATE customers SET email = lower(email);"),
    LintCase(
      "a generated column needs no filling",
      folder: [
        "baseline.sql": shop,
        "0001-a/expand.sql":
          "ALTER TABLE customers ADD COLUMN short TEXT AS (substr(name, 1, 3));\n-- @down\nALTER TABLE customers DROP COLUMN short;",
        "0001-a/migrate.sql": "UPDATE customers SET name = trim(name);\n-- @down\nSELECT 1;",
      ]),
    LintCase(
      "no version that is older than the column may be live",
      folder: [
        "baseline.sql": shop,
        "0001-a/contract.sql": "-- @window app >=2.0\nSELECT 1;\n-- @down\nSELECT 1;",
        "0002-b/expand.sql":
          "-- @window app <2.0\n-- @up\n\(column)\n-- @down\nALTER TABLE customers DROP COLUMN short;",
        "0002-b/migrate.sql":
          "-- @window app >=2.0\n-- @needs 0001-a/contract\n-- @residual none\n-- @up\nUPDATE customers SET short = name;\n-- @down\nSELECT 1;",
      ]),
  ]

  @Test("backfills of a column that another migration brought", arguments: laterBackfills)
  func checkLaterBackfill(_ example: LintCase) throws { try example.check() }

  private static func fillingLater(
    _ sentence: String, expand: String = column,
    between: [String: String] = [:],
    migrate: String = "UPDATE customers SET short = substr(name, 1, 3);",
    window: String = ">=1.0 <2.0", migrateWindow: String? = nil, needs: String = "--", isGap: Bool = false
  ) -> LintCase {
    LintCase(
      sentence,
      folder: [
        "baseline.sql": shop,
        "0001-a/expand.sql":
          "-- @window app \(window)\n\(expand)\n-- @down\nDROP TRIGGER IF EXISTS r;\nALTER TABLE customers DROP COLUMN short;",
        "0003-c/migrate.sql":
          "-- @window app \(migrateWindow ?? window)\n-- @residual none\n\(needs)\n-- @up\n\(migrate)\n-- @down\nSELECT 1;",
      ].merging(between) { $1 }, finds: isGap ? ["backfill-gap": "0003-c/migrate.sql:5:1"] : [:])
  }

  static let laterBackfills = [
    fillingLater("a column that nothing keeps filled", isGap: true),
    fillingLater(
      "a column that nothing keeps filled, with a migration between",
      between: [
        "0002-b/expand.sql":
          "-- @window app >=1.0 <2.0\nALTER TABLE customers ADD COLUMN age INTEGER;\n-- @down\nALTER TABLE customers DROP COLUMN age;"
      ], isGap: true),
    fillingLater(
      "only the rows without a value are filled",
      migrate: "UPDATE customers SET short = (SELECT at FROM visits) WHERE short IS NULL;", isGap: true),
    fillingLater(
      "a trigger that came with the column fills it",
      expand:
        "\(column)\nCREATE TRIGGER r AFTER INSERT ON customers WHEN NEW.short IS NULL BEGIN UPDATE customers SET short = substr(name, 1, 3) WHERE id = NEW.id; END;"
    ),
    fillingLater(
      "a trigger that came between fills it",
      between: [
        "0002-b/expand.sql":
          "-- @window app >=1.0 <2.0\nCREATE TRIGGER q AFTER INSERT ON customers WHEN NEW.short IS NULL BEGIN UPDATE customers SET short = substr(name, 1, 3) WHERE id = NEW.id; END;\n-- @down\nDROP TRIGGER q;"
      ]),
    fillingLater("values that are only put right", migrate: "UPDATE customers SET short = lower(short);"),
    fillingLater(
      "values that are only put right, by a default that new rows have",
      expand: "ALTER TABLE customers ADD COLUMN short TEXT NOT NULL DEFAULT 'none';",
      migrate: "UPDATE customers SET short = 'gold' WHERE id IN (SELECT customer FROM visits);"),
    fillingLater(
      "no version that is older than the column may be live",
      between: [
        "0002-b/contract.sql": "-- @window app >=2.0\nSELECT 1;\n-- @down\nSELECT 1;"
      ],
      migrateWindow: ">=2.0", needs: "-- @needs 0002-b/contract"),
    fillingLater(
      "a contract that shuts older versions out may be held",
      between: [
        "0002-b/contract.sql": "-- @window app >=2.0\nSELECT 1;\n-- @down\nSELECT 1;"
      ],
      migrateWindow: ">=1.0", isGap: true),
    LintCase(
      "a column of a table that came with it",
      folder: [
        "baseline.sql": shop,
        "0001-a/expand.sql": "CREATE TABLE n (a, b);\n-- @down\nDROP TABLE n;",
        "0002-b/migrate.sql": "UPDATE n SET b = a;\n-- @down\nSELECT 1;",
      ]),
  ]

  @Test("the trigger that a gap asks for closes it")
  func remedy() throws {
    var files: [String: String] = [
      "0001-a/expand.sql":
        "CREATE TABLE \"order\" (\"the key\" TEXT PRIMARY KEY, name) WITHOUT ROWID;\n-- @down\nDROP TABLE \"order\";",
      "0002-b/expand.sql":
        "ALTER TABLE \"order\" ADD COLUMN \"short name\";\n-- @down\nALTER TABLE \"order\" DROP COLUMN \"short name\";",
      "0002-b/migrate.sql":
        "UPDATE \"order\" SET name = trim(name), \"short name\" = substr(name,\n  1, 3) WHERE name > '';\n-- @down\nSELECT 1;",
    ]
    let gap = try #require(try LintedFiles(files).report().findings.first { $0.id == "backfill-gap" })
    let trigger = try #require(gap.remedies.first)
    #expect(trigger.contains("SET \"short name\" = substr(name, 1, 3) WHERE \"the key\" = NEW.\"the key\""))
    files["0002-b/expand.sql"] =
      "ALTER TABLE \"order\" ADD COLUMN \"short name\";\n\(trigger)\n-- @down\nDROP TRIGGER \"order_fill_short name\";\nALTER TABLE \"order\" DROP COLUMN \"short name\";"
    #expect(try LintedFiles(files).report().findings.map(\.id) == ["unbounded-write", "undetected"])
  }

  private static func lines(_ up: String) -> [String: String] {
    [
      "baseline.sql":
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, n, m); CREATE TABLE \"order lines\" (id INTEGER PRIMARY KEY, n, m); CREATE UNIQUE INDEX \"by m\" ON \"order lines\" (m);",
      "0001-a/migrate.sql": "\(up)\n-- @down\nSELECT 1;",
    ]
  }

  @Test("writes that may reach every row", arguments: unbounded)
  func checkUnbounded(_ example: LintCase) throws { try example.check() }

  static let unbounded =
    [
      "UPDATE lines SET n = 'x' WHERE n IS NULL;", "UPDATE main.lines SET n = 'x' WHERE n IS NULL;",
      "UPDATE \"order lines\" SET n = 'x' WHERE n IS NULL;",
      "UPDATE main.\"order lines\" AS \"o l\" SET n = 'x' WHERE n IS NULL;",
      "DELETE FROM \"order lines\" WHERE n IS NULL;", "UPDATE \"order lines\" SET n = 'x' WHERE m > 3;",
    ].map { LintCase($0, folder: lines($0), finds: ["unbounded-write": "0001-a/migrate.sql:4:1"]) }

  @Test(
    "writes that find their rows by a unique key",
    arguments: [
      "UPDATE \"order lines\" SET n = 'x' WHERE id = 3;", "UPDATE \"order lines\" SET n = 'x' WHERE m = 3;",
      "UPDATE main.\"order lines\" SET n = 'x' WHERE m IN (3, 4);",
    ])
  func bounded(_ up: String) throws {
    let report = try LintedFiles(Self.lines(up)).report()
    #expect(report.findings.map(\.id) == ["undetected"], "\(report.text)")
  }

  @Test("batches of a table whose name has a space")
  func batchedName() throws {
    let batch = "UPDATE \"order lines\" SET n = 'x' WHERE +id BETWEEN :first AND :last;"
    let whole = Self.lines("-- @batch \"order lines\"\n\(batch)").mapValues {
      $0.replacing("SELECT 1;", with: batch.replacing("+id", with: "id"))
    }
    let report = try LintedFiles(whole).report()
    let finding = try #require(report.findings.first { $0.id == "batch-not-keyed" }, "\(report.text)")
    #expect(finding.details == ["SCAN order lines"])
    let keyed = whole.mapValues { $0.replacing("+id", with: "id") }
    #expect(try LintedFiles(keyed).report().findings.map(\.id) == ["undetected"])
  }

  @Test("claims", arguments: claims)
  func checkClaim(_ example: LintCase) throws { try example.check() }

  static let claims = [
    LintCase(
      "a claim about a column that is not there",
      folder: [
        "0001-a/expand.sql":
          "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;\n-- @verify it is\nSELECT b FROM t;"
      ],
      finds: ["verify-invalid": "0001-a/expand.sql:8:8"]),
    LintCase(
      "a claim that writes",
      folder: [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;\n-- @verify it is\nDELETE FROM t;"
      ], finds: ["verify-invalid": "0001-a/expand.sql:8:1"]),
    LintCase(
      "a claim in double quotes that would compare with a word",
      folder: [
        "0001-a/expand.sql":
          "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;\n-- @verify it is\nSELECT a FROM t WHERE a = \"x\";"
      ], finds: ["verify-invalid": "0001-a/expand.sql:8:27"]),
    LintCase(
      "a claim that can be checked, on what the phase makes",
      folder: [
        "0001-a/expand.sql":
          "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;\n-- @verify it is\nSELECT a FROM t;"
      ]),
  ]
}
