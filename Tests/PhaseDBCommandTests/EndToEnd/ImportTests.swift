import Foundation
import Testing

@Suite("The folder of another tool")
struct ImportTests {
  /// A folder of goose, and a database that has two of its four migrations.
  private static func shop() throws -> Site {
    let site = try Site()
    for (name, up, down) in [
      ("1_shop", "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);", "DROP TABLE customers;"),
      ("2_seed", "INSERT INTO customers VALUES (1, 'Ada');", "DELETE FROM customers;"),
      (
        "3_mail", "PRAGMA journal_mode = WAL;\nALTER TABLE customers ADD COLUMN mail TEXT;",
        "ALTER TABLE customers DROP COLUMN mail;"
      ),
      ("4_tags", "CREATE TABLE tags (name TEXT);", "DROP TABLE tag;"),
    ] {
      try site.write("-- +goose Up\n\(up)\n-- +goose Down\n\(down)\n", to: "db/\(name).sql")
    }
    try site.sqlite(
      """
      CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP);
      INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1), (2, 1);
      CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
      INSERT INTO customers VALUES (1, 'Ada');
      """)
    return site
  }

  @Test("becomes a baseline and phases, and is tracked from there on")
  func story() throws {
    let site = try Self.shop()
    let before = try content(site)
    let made = try site.start(
      ["import", "db", "-d", "shop.db", "-m", "phases", "--window", "shop >=1"]
    ).outcome()
    #expect(
      made.summary == """
        exit 1
        4 migrations of goose: 2 in baseline.sql, 2 pending
        created phases/phasedb.json
        created phases/baseline.sql
        created phases/0001-mail/expand.sql
        created phases/0002-tags/expand.sql
        left alone: goose_db_version (goose)
        not taken over:
          PRAGMA journal_mode = WAL;: set it where the application opens the database (db/3_mail.sql:2)
        to decide:
          phases/0002-tags/expand.sql: its way down does not run: no such table: tag
        next: switch goose off, then: phasedb adopt -d shop.db -m phases
        note: the history also writes rows, which baseline.sql has not: customers (1 row). A new database begins without them

        """)
    #expect(try content(site) == before)

    // As typed, while a phase still lacks its way down.
    try site.expect(0, "adopt -d shop.db -m phases")
    try site.expect(2, "up -d shop.db -m phases")
    try site.phasedb("lint -m phases")
    let draft = try String(
      contentsOf: site.folder.appending(path: "phases/0002-tags/expand.sql"), encoding: .utf8)
    try site.write(draft + "DROP TABLE tags;\n", to: "phases/0002-tags/expand.sql")
    for line in [
      "lint -m phases", "status -d shop.db -m phases", "verify -d shop.db -m phases",
      "rehearse --allow-empty -d shop.db -m phases", "up -d shop.db -m phases", "verify -d shop.db -m phases",
      "down --all -d shop.db -m phases", "verify -d shop.db -m phases",
    ] {
      try site.expect(0, line)
    }
    #expect(try site.sqlite("SELECT * FROM customers") == "1,'Ada'\n")
  }

  /// What must not change: the other folder and the database.
  private func content(_ site: Site) throws -> [Data] {
    try ["shop.db", "db/1_shop.sql", "db/2_seed.sql", "db/3_mail.sql", "db/4_tags.sql"].map {
      try Data(contentsOf: site.folder.appending(path: $0))
    } + [Data(try FileManager.default.contentsOfDirectory(atPath: site.path("db")).sorted().joined().utf8)]
  }

  @Test("is described to a program by the documented keys")
  func json() throws {
    let site = try Self.shop()
    let made = try site.phasedb("import db -d shop.db -m phases --format json")
    #expect(made.code == 1, "\(made.summary)")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(made.output.utf8)) as? [String: Any])
    #expect(try JSONSchema.output.problems(in: made.output) == [], "\(made.output)")
    #expect(object["tool"] as? String == "goose" && object["history"] as? Int == 2)
    #expect((object["phases"] as? [[String: Any]])?.map { $0["kind"] as? String } == ["expand", "expand"])
    #expect((object["leftOut"] as? [[String: Any]])?.map { $0["line"] as? Int } == [2])
    #expect((object["files"] as? [String])?.count == 4)
  }

  @Test("is never written into, and nothing that is there is overwritten")
  func refusals() throws {
    let site = try Self.shop()
    let before = SiteFiles(of: site)
    for (line, error) in [
      ("import db -m db", "import-refused"), ("import db -m db/new", "import-refused"),
      ("import nowhere", "folder-not-found"),
      ("import db -d nothing.db", "database-not-found"),
      ("import db --tool sqlx -d shop.db", "import-refused"),
    ] {
      let outcome = try site.phasedb(line)
      #expect(outcome.code == 2 && outcome.errors.contains("[\(error)]"), "\(line): \(outcome.summary)")
    }
    let window = try site.start(["import", "db", "--window", "shop"]).outcome()
    #expect(window.code == 2 && window.errors.contains("[window-invalid]"), "\(window.summary)")
    #expect(SiteFiles(of: site) == before)
    try site.expect(1, "import db -d shop.db -m phases")
    let made = SiteFiles(of: site)
    let again = try site.phasedb("import db -d shop.db -m phases")
    #expect(again.code == 2 && again.errors.contains("[already-exists]"), "\(again.summary)")
    #expect(SiteFiles(of: site) == made)
    let nothing = try site.phasedb("import db -d shop.db -m phases --pending-only --as later")
    #expect(nothing.code == 0 && nothing.output.contains("nothing to add"), "\(nothing.summary)")
    #expect(SiteFiles(of: site) == made)
    try site.write(
      "-- +goose Up\nCREATE TABLE notes (text TEXT);\n-- +goose Down\nDROP TABLE notes;\n",
      to: "db/5_notes.sql")
    try site.expect(0, "import db -d shop.db -m phases --pending-only --as later")
    #expect(site.exists("phases/0003-later-notes/expand.sql") && !site.exists("phases/0004-later-notes"))
  }

  @Test("without a database is history")
  func history() throws {
    let site = try Self.shop()
    let made = try site.phasedb("import db -m phases")
    #expect(made.code == 0, "\(made.summary)")
    #expect(made.output.contains("4 migrations of goose: 4 in baseline.sql, 0 pending"), "\(made.summary)")
    #expect(made.output.contains("phasedb adopt -d app.db -m phases"), "\(made.summary)")
  }
}
