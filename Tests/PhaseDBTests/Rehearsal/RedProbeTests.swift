import PhaseSQLite
import Testing

@testable import PhaseDB

/// What a rehearsal does to see probes fail, and what it leaves.
@Suite("Probes in a rehearsal")
struct RedProbeTests {
  /// A probe of a phase that adds a column with a copy of the names, and how it comes out.
  struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let probe: String
    /// As `said` writes it.
    let outcome: String

    init(_ sentence: String, _ probe: String, _ outcome: String) {
      (testDescription, self.probe, self.outcome) = (sentence, probe, outcome)
    }
  }

  private static let shop = """
    CREATE TABLE items (
      id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, price INT CHECK (price > 0), code TEXT UNIQUE,
      made TEXT
    );
    INSERT INTO items (name, price, code, made)
    VALUES ('Hat', 1200, 'h', '2020-01-01 00:00:00'), ('Bag', 30, 'b', '2020-01-02 00:00:00'),
      ('Cup', NULL, 'c', '2020-01-03 00:00:00');
    CREATE TABLE lines (id INTEGER PRIMARY KEY, item INTEGER REFERENCES items (id) ON DELETE CASCADE);
    INSERT INTO lines (item) VALUES (1), (1), (2), (3);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, at TEXT);
    CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
    INSERT INTO pairs VALUES ('x', 'y');
    CREATE VIEW named AS SELECT id, name, label_of.text AS label FROM items LEFT JOIN label_of ON item = items.id;
    CREATE TABLE label_of (item INTEGER PRIMARY KEY, text TEXT);
    INSERT INTO label_of SELECT id, name FROM items;
    CREATE TABLE guarded (id INTEGER PRIMARY KEY, state TEXT);
    INSERT INTO guarded VALUES (1, 'on');
    CREATE TRIGGER guarded_stays BEFORE UPDATE ON guarded BEGIN SELECT RAISE(ABORT, 'no'); END;
    CREATE TRIGGER guarded_is_kept BEFORE DELETE ON guarded BEGIN SELECT RAISE(ROLLBACK, 'no'); END;
    CREATE TRIGGER guarded_is_alone BEFORE INSERT ON guarded BEGIN SELECT RAISE(FAIL, 'no'); END;
    CREATE VIRTUAL TABLE found USING fts5(text);
    INSERT INTO found VALUES ('hat');
    """

  static let rows = [
    // Seen to fail without help.
    Row(
      "a column that is set to NULL", "a\nSELECT id FROM items WHERE label IS NULL AND made > :since;",
      "failed after label of items was set to NULL: 3 rows"),
    Row(
      "a NOT NULL refuses NULL, and an empty text is next",
      "a\nSELECT id FROM items WHERE name = '' OR name IS NULL;",
      "failed after name of items was set to '': 3 rows"),
    Row(
      "rows that are too few", "a  at least 1\nSELECT count(*) FROM items;",
      "failed after every row of items was deleted: 0 is not at least 1"),
    Row(
      "rows that are too many", "a  at most 5\nSELECT count(*) FROM lines;",
      "failed after the rows of lines were there twice: 8 is not at most 5"),
    Row(
      "a parent that goes does not take its children",
      "a\nSELECT id FROM lines WHERE item NOT IN (SELECT id FROM items);",
      "failed after every row of items was deleted: 4 rows"),
    Row(
      "two rows with one value", "a\nSELECT name FROM items GROUP BY name HAVING count(*) > 1;",
      "failed after name of items was set to '': 1 row"),
    Row(
      "a value that is too high", "a  at most 100000\nSELECT max(price) FROM items;",
      "failed after price of items was set to 9e18: 9000000000000000000 is not at most 100000"),
    Row(
      "what came in the last minutes",
      "a  at most 0\nSELECT count(*) FROM items WHERE made > datetime('now', '-10 minutes');",
      "failed after made of items was set to 9e18: 3 is not at most 0"),
    Row(
      "a share of before", "a  at least 10% of before\nSELECT sum(price) FROM items WHERE id > 0;",
      "failed after price of items was set to '': 0 is not at least 10% of before, which was 1230"),
    Row(
      "through a view", "a\nSELECT id FROM named WHERE name IS NOT label;",
      "failed after name of items was set to '': 3 rows"),
    Row(
      "a missing value that fails",
      "a  at most 100000 missing fails\nSELECT avg(price) FROM items WHERE price < 2000;",
      "failed after every row of items was deleted: there is no value"),
    Row(
      "rows that break it already", "a\nSELECT id FROM items WHERE price IS NULL AND made > :since;",
      "failed already: 1 row"),
    // Never.
    Row("a query that asks nothing", "a\nSELECT 1 WHERE 0;", "never"),
    Row("a constant", "a  at most 5\nSELECT 3;", "never"),
    Row(
      "what a CHECK excludes", "a\nSELECT id FROM items WHERE price < 0;", "never"),
    Row(
      "what a key excludes", "a\nSELECT 1 FROM pairs GROUP BY a, b HAVING count(*) > 1;", "never"),
    Row(
      "a condition that contradicts itself", "a\nSELECT id FROM items WHERE price > 5 AND price < 5;", "never"
    ),
    // Unknown.
    Row(
      "a table without rows", "a\nSELECT id FROM orders WHERE at IS NULL;",
      "unknown: it reads orders, where the copy has no row to break"),
    Row(
      "one of two tables without rows", "a\nSELECT items.id FROM items JOIN orders ON at = name;",
      "unknown: it reads orders, where the copy has no row to break"),
    Row(
      "below its floor", "a  at least 50% of before, floor 20\nSELECT count(*) FROM items;",
      "unknown: before the phase it was 3, below the floor"),
    Row(
      "nothing to compare with", "a  at least 50% of before\nSELECT sum(id) FROM orders;",
      "unknown: what it was before cannot be told: there is no value"),
    Row(
      "a query that does not compile", "a\nSELECT nobody FROM items;",
      "unknown: no such column: nobody"),
    Row("a query that writes", "a\nDELETE FROM items RETURNING id;", "unknown: it is not a SELECT"),
    Row(
      "two columns for a number", "a  at most 1\nSELECT id, price FROM items;",
      "unknown: it returned several columns"),
    // By the author's SQL.
    Row(
      "red that works",
      "a  at most 9\nSELECT count(*) FROM lines;\n-- @red\nINSERT INTO lines (item) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6) SELECT 1 FROM n;",
      "failed after its @red ran: 10 is not at most 9"),
    Row(
      "red on a table without rows",
      "a\nSELECT id FROM orders WHERE at > :since;\n-- @red\nINSERT INTO orders (at) VALUES (datetime('now'));",
      "failed after its @red ran: 1 row"),
    Row(
      "red in two statements, one of which changes the schema",
      "a\nSELECT id FROM items WHERE label IS NULL;\n-- @red\nDROP TRIGGER guarded_stays;\nUPDATE items SET label = NULL;",
      "failed after its @red ran: 3 rows"),
    Row(
      "red that breaks nothing",
      "a\nSELECT id FROM items WHERE label IS NULL;\n-- @red\nDELETE FROM items WHERE id = 99;",
      "never"),
    Row(
      "red that a constraint refuses",
      "a\nSELECT id FROM items WHERE label IS NULL;\n-- @red\nUPDATE items SET name = NULL;",
      "unknown: the SQL of its @red fails at 0001-a/expand.sql:11:1: NOT NULL constraint failed: items.name"),
    Row(
      "red that ends the transaction", "a\nSELECT id FROM items WHERE label IS NULL;\n-- @red\nCOMMIT;",
      "unknown: the SQL of its @red fails at 0001-a/expand.sql:11:1: COMMIT inside a phase"),
    Row(
      "red that a trigger rolls back",
      "a\nSELECT id FROM items WHERE label IS NULL;\n-- @red\nDELETE FROM guarded;",
      "unknown: the SQL of its @red fails"),
    // Whatever triggers do.
    Row(
      "a trigger that refuses, fails and rolls back", "a\nSELECT id FROM guarded WHERE state <> 'on';",
      "unknown"),
    Row(
      "an index of words", "a\nSELECT rowid FROM found WHERE text = '';",
      "failed after text of found was set to '': 1 row"),
    Row("a probe of the settings", "checkout  at most 800", "not asked"),
  ]

  @Test("come out as", arguments: rows)
  func outcome(_ row: Row) throws {
    let database = try TemporaryDatabase(Self.shop)
    let before = try database.snapshot()
    let report = try Self.rehearse(database, probes: "-- @probe \(row.probe)")
    let phase = try #require(report.phases.first)
    let probe = try #require(phase.probes.first)
    #expect(Self.said(probe).hasPrefix(row.outcome))
    #expect((probe.remedy == nil) == (row.outcome.hasPrefix("failed") || row.outcome == "not asked"))
    #expect(report.isClean == (row.outcome != "never"))
    // Nothing of it stayed: the round trip behind it compares every row.
    #expect(phase.verdict == .exact && phase.cameBack, "\(phase.failure?.message ?? "")")
    #expect(phase.afterDown.isEmpty && phase.afterSecondUp.isEmpty)
    #expect(phase.afterDown.notes.isEmpty && phase.afterSecondUp.notes.isEmpty)
    #expect(try database.snapshot() == before)
  }

  @Test("are tried one after the other, and none hides another")
  func several() throws {
    let database = try TemporaryDatabase(Self.shop)
    let report = try Self.rehearse(
      database,
      probes: """
        -- @probe first
        SELECT id FROM guarded WHERE state <> 'on';
        -- @probe second
        SELECT id FROM items WHERE label IS NULL;
        -- @probe third
        SELECT 1 WHERE 0;
        -- @probe checkout
        """)
    let probes = try #require(report.phases.first).probes
    #expect(probes.map(\.title) == ["first", "second", "third", "checkout"])
    #expect(Self.said(probes[1]) == "failed after label of items was set to NULL: 3 rows")
    #expect(probes.map(\.isNeverRed) == [false, false, true, false])
    #expect(report.phases.first?.cameBack == true)
    #expect(!report.isClean)
    #expect(report.evidence.map(\.verdict) == [.exact], "evidence is about the way back alone")
  }

  @Test("are not tried where the phase does not go up")
  func failedUp() throws {
    let database = try TemporaryDatabase(Self.shop)
    let report = try Self.rehearse(
      database, up: "ALTER TABLE items ADD COLUMN name TEXT;",
      probes: "-- @probe a\nSELECT id FROM items WHERE name = '';")
    #expect(report.phases.map(\.failed) == [.up])
    #expect(report.phases.map(\.probes.isEmpty) == [true])
  }

  @Test("end when somebody asks to stop, and the copy is removed")
  func stops() throws {
    let database = try TemporaryDatabase(Self.shop)
    let cancellation = Cancellation()
    let catalog = try Self.catalog(probes: "-- @probe a\nSELECT 1 WHERE 0;")
    let migrator = try database.migrator(catalog, .test(cancellation: cancellation), access: .reading)
    let error = migrationError {
      try migrator.rehearse(observe: { event in
        if case .digested = event { cancellation.cancel() }
      })
    }
    #expect(error?.id == .interrupted)
  }

  private static func rehearse(
    _ database: TemporaryDatabase,
    up: String = "ALTER TABLE items ADD COLUMN label TEXT;\nUPDATE items SET label = name;", probes: String
  ) throws -> RehearsalReport {
    try database.migrator(catalog(up: up, probes: probes), access: .reading).rehearse()
  }

  private static func catalog(
    up: String = "ALTER TABLE items ADD COLUMN label TEXT;\nUPDATE items SET label = name;", probes: String
  ) throws -> Catalog {
    let text =
      "-- @window app >=1.0\n-- @watch 30m every 30s\n-- @up\n\(up)\n-- @down\nALTER TABLE items DROP COLUMN label;\n\(probes)\n"
    let phase = try PhaseFile.read(text, file: "0001-a/expand.sql", kind: .expand)
    return try PhaseDBTests.catalog(["0001-a": [phase]])
  }

  private static func said(_ probe: RedProbe) -> String {
    switch probe.outcome {
    case .failed(let after, let reason):
      after.isEmpty ? "failed already: \(reason)" : "failed after \(after): \(reason)"
    case .never: "never"
    case .unknown(let why): "unknown: \(why)"
    case .notAsked: "not asked"
    }
  }
}
