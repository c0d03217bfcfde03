import Foundation
import Testing

@Suite("Databases that were there before phasedb")
struct AdoptTests {
  /// A database that another tool has migrated so far.
  private static func shop() throws -> Site {
    let site = try Site()
    try site.sqlite(
      """
      CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
      INSERT INTO alembic_version VALUES ('ae1027a6acf');
      CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT DEFAULT "nobody");
      CREATE TABLE orders (id INTEGER PRIMARY KEY, customer REFERENCES customers ON DELETE CASCADE);
      CREATE INDEX by_customer ON orders (customer);
      CREATE VIEW lost AS SELECT nowhere FROM orders;
      CREATE TRIGGER kept BEFORE DELETE ON customers BEGIN SELECT RAISE(ROLLBACK, 'keep them'); END;
      INSERT INTO customers (id) VALUES (1); INSERT INTO orders VALUES (1, 1);
      """)
    return site
  }

  @Test("are read by init, adopted, changed, and built again from nothing")
  func story() throws {
    let site = try Self.shop()
    let before = try Data(contentsOf: site.folder.appending(path: "shop.db"))
    let made = try site.phasedb("init --from shop.db")
    #expect(
      made.summary == """
        exit 0
        created migrations/baseline.sql and migrations/phasedb.json
        shop.db has 2 tables, 1 index, 1 view, 1 trigger
        left alone: alembic_version (Alembic)
        next: phasedb adopt
        note: view lost does not compile: no such column: nowhere

        """)
    #expect(try Data(contentsOf: site.folder.appending(path: "shop.db")) == before)

    // The settings name the database, so that none has to be named from here on.
    let content = try DatabaseContents(of: site)
    let adopted = try site.phasedb("adopt")
    #expect(
      adopted.summary == """
        exit 0
        adopted migrations/../shop.db before the first phase
        left alone: alembic_version (Alembic)
        next: phasedb plan

        """)
    let after = try DatabaseContents(of: site)
    #expect(after.schema == content.schema && after.rows == content.rows)
    expectFailure(
      try site.phasedb("adopt"), 2,
      """
      error: migrations/../shop.db already has a ledger, and is before the first phase [ledger-exists]
        state: nothing was changed
        help:  see what is applied: phasedb status
      """, at: site)
    expectFailure(
      try site.phasedb("init --from shop.db -m other"), 2,
      """
      error: shop.db already has a ledger, and is before the first phase [ledger-exists]
        state: nothing was changed
        help:  see what is applied: phasedb status -m other
      """, at: site)
    #expect(!site.exists("other"))

    try site.sqlite("DROP VIEW lost; UPDATE alembic_version SET version_num = 'next'")
    let drifted = try site.phasedb("up --override drift --reason mended")
    #expect(drifted.code == 0 && drifted.output.contains("- view lost"), "\(drifted.summary)")
    try site.table("a", in: "0001-first/expand")
    #expect(try site.phasedb("up").code == 0)
    #expect(try site.phasedb("down --all").code == 0)
    #expect(try site.phasedb("verify").code == 0)

    let built = try site.phasedb("up -d new.db")
    #expect(built.output.contains("the database is empty: running the baseline"), "\(built.summary)")
    #expect(
      try site.sqlite("SELECT name FROM sqlite_schema WHERE type = 'trigger'", on: "new.db") == "'kept'\n")
  }

  @Test("are adopted at the phase they are at")
  func atPhase() throws {
    let site = try Self.shop()
    #expect(try site.phasedb("init --from shop.db").code == 0)
    try site.table("a", in: "0001-first/expand")
    try site.sqlite("CREATE TABLE a (id INTEGER PRIMARY KEY, text TEXT)")
    expectFailure(
      try site.phasedb("adopt"), 2,
      """
      error: the schema of migrations/../shop.db is not that of migrations/baseline.sql [schema-drift]
          + table a
        state: nothing was changed
        help:  it is the schema after 0001-first/expand: phasedb adopt --at 0001/expand
      """, at: site)
    let adopted = try site.phasedb("adopt --at 0001 --format json")
    #expect(adopted.code == 0, "\(adopted.summary)")
    let object = try JSONSerialization.jsonObject(with: Data(adopted.output.utf8)) as? [String: Any]
    #expect(object?["adopted"] as? [String] == ["0001-first/expand"])
    #expect(object?["checkpoint"] as? Int == 2)
    #expect(object?["leftAlone"] as? [[String: String]] == [["table": "alembic_version", "tool": "Alembic"]])
    let log = try site.phasedb("log --check")
    #expect(log.code == 0 && log.output.contains("adopt  0001/expand"), "\(log.output)")
    #expect(try site.phasedb("down --live storefront@1.0").code == 0)
    #expect(try site.sqlite("SELECT count(*) FROM sqlite_schema WHERE name = 'a'") == "0\n")
  }

  @Test(
    "have settings that name them from wherever the folder is", arguments: ["db/migrations", "migrations"])
  func settings(folder: String) throws {
    let site = try Self.shop()
    try site.makeFolder("data")
    try site.sqlite("CREATE TABLE only (x)", on: "data/it's \"here\".db")
    for (database, path) in [
      (
        "data/it's \"here\".db",
        folder == "migrations" ? "../data/it's \\\"here\\\".db" : "../../data/it's \\\"here\\\".db"
      ),
      (site.path("shop.db"), site.path("shop.db")),
    ] {
      let made = try site.start(["init", "-m", folder, "--from", database]).outcome()
      #expect(made.code == 0, "\(made.summary)")
      let text = try String(contentsOfFile: site.path("\(folder)/phasedb.json"), encoding: .utf8)
      #expect(text.contains("\n  \"database\": \"\(path)\",\n"), "\(text)")
      #expect(try site.phasedb("adopt -m \(folder)").code == 0)
      try site.remove(folder)
    }
  }

  @Test("are not begun with where something is in the way, and nothing is written then")
  func inTheWay() throws {
    let site = try Self.shop()
    #expect(try site.phasedb("init").code == 0)
    // Settings that are there are kept.
    let settings = try String(contentsOfFile: site.path("migrations/phasedb.json"), encoding: .utf8)
    #expect(try site.phasedb("init --from shop.db").summary.contains("created migrations/baseline.sql\n"))
    #expect(try String(contentsOfFile: site.path("migrations/phasedb.json"), encoding: .utf8) == settings)
    let before = SiteFiles(of: site)
    expectFailure(
      try site.phasedb("init --from shop.db"), 2,
      """
      error: migrations/baseline.sql exists already [already-exists]
        state: it was not changed
        help:  edit it, or remove it first
      """, at: site)
    expectFailure(
      try site.phasedb("init --from nowhere.db -m other"), 2,
      """
      error: there is no database at nowhere.db [database-not-found]
        help:  check the path given with --from
      """, at: site)
    expectFailure(
      try site.phasedb("init --from postgres://db/shop -m other"), 2,
      """
      error: the database's address cannot be used: phasedb works on SQLite, and this is postgres [no-database]
        help:  write a path, or sqlite:PATH; --database goes before PHASEDB_DATABASE and DATABASE_URL
      """, at: site)
    #expect(SiteFiles(of: site) == before)
  }

  @Test("without tables need no baseline")
  func empty() throws {
    let site = try Site()
    try site.sqlite("CREATE TABLE django_migrations (id)")
    let made = try site.phasedb("init --from shop.db")
    #expect(
      made.summary == """
        exit 0
        created migrations/phasedb.json
        shop.db has no tables, so it needs no baseline
        left alone: django_migrations (Django)
        next: phasedb new create-shop

        """)
  }
}
