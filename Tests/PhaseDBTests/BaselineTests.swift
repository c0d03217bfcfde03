import PhaseSQLite
import Testing

@testable import PhaseDB

/// The schema of a database as SQL that makes it again.
struct BaselineTests {
  /// Everything a schema can hold, with what is nobody's business in between.
  static let schema = #"""
    CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
    CREATE TABLE schema_migrations (version varchar NOT NULL);
    CREATE UNIQUE INDEX unique_schema_migrations ON schema_migrations (version);
    CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
    CREATE TABLE "order" (id INTEGER PRIMARY KEY AUTOINCREMENT, "weird ""name""" TEXT DEFAULT "none" -- why not
    , kind TEXT UNIQUE ON CONFLICT ROLLBACK, twice AS (id * 2) STORED);
    CREATE VIEW kinds AS SELECT kind FROM "order";
    CREATE TRIGGER via INSTEAD OF UPDATE ON kinds BEGIN SELECT 1; END;
    CREATE TRIGGER no BEFORE DELETE ON "order" BEGIN SELECT RAISE(ROLLBACK, 'no; never'); END;
    CREATE TABLE line (o INTEGER REFERENCES "order" ON DELETE CASCADE, n, PRIMARY KEY (o, n)) WITHOUT ROWID;
    CREATE INDEX by_kind ON "order" (kind DESC) WHERE kind IS NOT NULL -- the last word
    ;
    CREATE VIRTUAL TABLE search USING fts5(kind, content='order', content_rowid='id');
    CREATE VIRTUAL TABLE old_search USING fts4(text);
    CREATE VIRTUAL TABLE boxes USING rtree(id, a, b);
    CREATE TRIGGER fill AFTER INSERT ON "order" BEGIN INSERT INTO search (rowid, kind) VALUES (NEW.id, NEW.kind); END;
    INSERT INTO "order" (kind) VALUES ('one');
    ANALYZE;
    """#

  @Test("makes the same schema again, in an order that runs, and leaves out what is not the application's")
  func roundTrip() throws {
    let database = try TemporaryDatabase(Self.schema)
    let before = try database.snapshot()
    let baseline = try database.migrator(Catalog([]), access: .reading).baseline()
    #expect(try database.snapshot() == before)
    let text = try #require(baseline.text)
    #expect(baseline.counts == ["table": 5, "index": 1, "view": 1, "trigger": 3])
    #expect(
      baseline.otherTools == [
        OtherTool(table: "alembic_version", tool: "Alembic"),
        OtherTool(table: "schema_migrations", tool: "Active Record, golang-migrate or dbmate"),
      ])
    #expect(baseline.broken == [])
    for name in ["alembic", "schema_migrations", "litestream", "sqlite_", "search_data", "boxes_node"] {
      #expect(!text.contains(name), "\(name)")
    }
    let kinds = text.matches(of: #/(?m)^CREATE (VIRTUAL|\w+)/#).map { String($0.output.1) }
    #expect(
      kinds == ["TABLE", "TABLE", "VIRTUAL", "VIRTUAL", "VIRTUAL", "INDEX", "VIEW"]
        + Array(repeating: "TRIGGER", count: 3))

    // The shell of sqlite3 and an empty database that phasedb brings up have the schema of the first.
    let other = try TemporaryDatabase(text)
    #expect(try Schema(of: other.connect()).digest == Schema(of: database.connect()).digest)
    let empty = try TemporaryDatabase()
    let catalog = try catalog(["0001-a": [table("a")]], baseline: text)
    try empty.run(.upAll, catalog)
    try empty.run(.downAll, catalog)
    #expect(try Schema(of: empty.connect()).digest == Schema(of: database.connect()).digest)
    #expect(throws: Never.self) { try database.migrator(catalog).adopt() }
  }

  @Test("names views and triggers that do not compile, each for itself")
  func broken() throws {
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (a, b);
      CREATE VIEW lost AS SELECT nowhere FROM t;
      CREATE VIEW found AS SELECT a FROM t;
      CREATE TRIGGER on_update AFTER UPDATE OF b ON t BEGIN INSERT INTO gone VALUES (NEW.a); END;
      CREATE TRIGGER on_delete AFTER DELETE ON t BEGIN DELETE FROM t WHERE c = OLD.a; END;
      CREATE TRIGGER on_insert AFTER INSERT ON t BEGIN UPDATE t SET a = NEW.b; END;
      CREATE TRIGGER of_view INSTEAD OF INSERT ON found BEGIN SELECT NEW.b; END;
      CREATE TRIGGER of_view_fine INSTEAD OF DELETE ON found BEGIN SELECT OLD.a; END;
      """)
    let baseline = try database.migrator(Catalog([]), access: .reading).baseline()
    #expect(
      baseline.broken.map { "\($0.type) \($0.name): \($0.reason)" } == [
        "view lost: no such column: nowhere", "trigger of_view: no such column: NEW.b",
        "trigger on_delete: no such column: c", "trigger on_update: no such table: main.gone",
      ])
    #expect(baseline.text?.contains("CREATE VIEW lost") == true, "it is part of the database")
  }

  @Test(
    "names what lint finds in it, and nothing else",
    arguments: [
      "CREATE TABLE t (a); CREATE VIEW v AS SELECT my_function(a) FROM t;",
      "CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t ORDER BY a COLLATE my_collation;",
      "CREATE TABLE t (a); CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a = my_function(a); END;",
      "CREATE TABLE t (a); CREATE VIEW v AS SELECT my_function(nowhere) FROM t;",
      "CREATE TABLE t (a); CREATE VIEW v AS SELECT nowhere FROM t; CREATE VIEW w AS SELECT * FROM v;",
      "CREATE TABLE t (a); CREATE VIEW v AS SELECT \"a word\" FROM t;",
      "CREATE TABLE t (a); CREATE TRIGGER g AFTER UPDATE OF a ON t BEGIN INSERT INTO gone VALUES (1); END;",
      "CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER g INSTEAD OF DELETE ON v BEGIN SELECT OLD.b; END;",
    ])
  func sameAsLint(_ schema: String) throws {
    let database = try TemporaryDatabase(schema)
    let baseline = try database.migrator(Catalog([]), access: .reading).baseline()
    let report = try LintedFiles(["baseline.sql": try #require(baseline.text)]).report()
    #expect(report.findings.allSatisfy { $0.id == "dangling-code" }, "\(report.text)")
    #expect(
      report.findings.map { $0.message + $0.details.filter { $0.contains("uses it") }.joined() }
        == baseline.broken.map { broken -> Prose in
          "\(broken.type) \(broken.name) does not compile: \(broken.reason)"
            + broken.dependents.map { "\($0) uses it and does not compile either" }.joined()
        })
  }

  @Test("of a database without tables is none")
  func empty() throws {
    let database = try TemporaryDatabase("CREATE TABLE d1_migrations (id)")
    let baseline = try database.migrator(Catalog([]), access: .reading).baseline()
    #expect(baseline.text == nil && baseline.counts.isEmpty && baseline.otherTools.count == 1)
  }

  @Test("of a database with a ledger, or of none, is refused")
  func refused() throws {
    let database = try TemporaryDatabase()
    #expect(
      migrationError { try database.migrator(Catalog([]), access: .reading).baseline() }?.id
        == .databaseNotFound)
    try database.run(.upAll, tables(1))
    #expect(
      migrationError { try database.migrator(Catalog([]), access: .reading).baseline() }?.id == .ledgerExists)
  }

  @Test("that needs what only the application has is refused at the statement")
  func applicationsOwn() throws {
    let database = try TemporaryDatabase("CREATE TABLE t (a)")
    // A virtual table of a module that only the application has.
    try database.run(
      """
      PRAGMA writable_schema = ON;
      INSERT INTO sqlite_schema VALUES
        ('table', 'vectors', 'vectors', 0, 'CREATE VIRTUAL TABLE vectors USING vec0(a)');
      """)
    let error = migrationError { try database.migrator(Catalog([]), access: .reading).baseline() }
    #expect(error?.id == .forbiddenStatement)
    #expect(error?.message.contains("module vec0") == true, "\(error as Any)")
    #expect(error?.place?.file == "baseline.sql")
    #expect(error?.state == "nothing was written")
  }
}
