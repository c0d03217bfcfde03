import Foundation
import Testing

/// `phasedb audit` from the built binary: what it prints, and that it writes nothing.
struct AuditCommandTests {
  private static func site() throws -> Site {
    let site = try Site()
    let steps = [
      ("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL);", "DROP TABLE people;"),
      (
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people ON DELETE CASCADE);",
        "DROP TABLE notes;"
      ),
      ("CREATE TABLE log (at TEXT);", "DROP TABLE logs;"),
      ("ALTER TABLE people ADD COLUMN mail TEXT;", "ALTER TABLE people DROP COLUMN mail;"),
      (
        """
        PRAGMA foreign_keys = OFF;
        CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL, mail TEXT, born DATE);
        INSERT INTO p (id, name, mail) SELECT id, name, mail FROM people;
        DROP TABLE people;
        ALTER TABLE p RENAME TO people;
        """, "ALTER TABLE people DROP COLUMN born;"
      ),
    ]
    for (index, step) in steps.enumerated() {
      try site.write(step.0 + "\n", to: "old/2026-01-0\(index + 1)-000000_step/up.sql")
      try site.write(step.1 + "\n", to: "old/2026-01-0\(index + 1)-000000_step/down.sql")
    }
    return site
  }

  /// The folder of `site` applied up to its fourth migration, with rows.
  private static func fill(_ site: Site) throws {
    try site.sqlite(
      """
      CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
      CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, mail TEXT);
      CREATE TABLE notes (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people ON DELETE CASCADE);
      CREATE TABLE log (at TEXT);
      INSERT INTO people VALUES (1, 'Ada', 'ada@example.org'), (2, 'Bob', NULL);
      INSERT INTO notes VALUES (1, 1);
      INSERT INTO __diesel_schema_migrations (version) VALUES ('20260101000000'), ('20260102000000'), ('20260103000000'), ('20260104000000');
      """)
  }

  @Test("says in a sentence, a table and findings what comes back, and writes nothing")
  func text() throws {
    let site = try Self.site()
    let before = SiteFiles(of: site)
    let outcome = try site.expect(1, "audit old")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.first == "You can go back 2 migrations, to 20260103000000, which does not run.")
    #expect(outcome.output.contains("old, diesel: 5 migrations; 4 returns, 1 does-not-run"))
    #expect(outcome.output.contains("no such table: logs"))
    #expect(outcome.output.contains("1 | DROP TABLE logs;") && outcome.output.contains("^^^^"))
    #expect(
      outcome.output.contains("[cascade]") && outcome.output.contains("3 rows of notes are gone or changed"))
    #expect(outcome.output.contains("[inert-pragma]"))
    #expect(SiteFiles(of: site) == before)
  }

  @Test("goes down from the head on a copy of real rows, and leaves database and folder as they are")
  func database() throws {
    let site = try Self.site()
    try Self.fill(site)
    let before = SiteFiles(of: site)
    let outcome = try site.expect(1, "audit old --database shop.db")
    #expect(
      outcome.output.hasPrefix(
        "You can go back 1 migration, to 20260103000000, which does not run; 1 row of 1 table does not survive it unchanged.\n"
      ),
      "\(outcome.output)")
    #expect(outcome.output.contains("mail 'ada@example.org' -> NULL"))
    #expect(SiteFiles(of: site) == before)
    #expect(try site.sqlite("SELECT count(*) FROM people") == "2\n")
  }

  @Test("works while an application writes, in both journal modes", arguments: ["wal", "delete"])
  func writer(mode: String) throws {
    let site = try Self.site()
    try Self.fill(site)
    try site.sqlite("PRAGMA journal_mode = \(mode)")
    let writer = try RunningProgram(
      "/usr/bin/env",
      [
        "sqlite3", "shop.db",
        "PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE; WITH RECURSIVE c (n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) INSERT INTO people (id, name) SELECT n, 'x' FROM c; COMMIT;",
      ], in: site.path(""), environment: Site.environment)
    try site.expect(1, "audit old --database shop.db")
    let written = writer.outcome()
    #expect(written.code == 0, "\(written.summary)")
    #expect(try site.sqlite("SELECT count(*) FROM people") == "19993\n")
  }

  @Test("says what is dirty, and what was applied and is not in the folder")
  func dirty() throws {
    let site = try Site()
    try site.write("CREATE TABLE a (x);", to: "m/1_a.up.sql")
    try site.write("DROP TABLE a;", to: "m/1_a.down.sql")
    try site.write("CREATE TABLE b (x);", to: "m/2_b.up.sql")
    try site.write("DROP TABLE b;", to: "m/2_b.down.sql")
    try site.sqlite(
      "CREATE TABLE schema_migrations (version uint64, dirty bool); INSERT INTO schema_migrations VALUES (2, 1); CREATE TABLE a (x)"
    )
    let outcome = try site.expect(1, "audit m --tool golang-migrate --database shop.db")
    #expect(outcome.output.contains("[dirty]"))
    #expect(outcome.output.contains("[drift]") && outcome.output.contains("table b is gone"))
    try site.sqlite("UPDATE schema_migrations SET version = 3, dirty = 0")
    let newer = try site.expect(1, "audit m --tool golang-migrate --database shop.db")
    #expect(newer.output.hasPrefix("You cannot go back: 3, the last one, is not in the folder.\n"))
    #expect(newer.output.contains("[not-in-folder]"))
  }

  @Test(
    "prints the same in every form, or writes it to a file",
    arguments: [
      ("text", "old, diesel: 5 migrations"),
      (
        "json",
        "\"headline\" : \"You can go back 2 migrations, to 20260103000000, which does not run.\""
      ),
      ("sarif", "\"ruleId\" : \"does-not-run\""), ("markdown", "<!-- phasedb-audit -->"),
      ("html", "</html>"),
    ])
  func forms(name: String, mark: String) throws {
    let site = try Self.site()
    let outcome = try site.expect(1, "audit old --format \(name)")
    #expect(outcome.output.contains(mark))
    #expect(outcome.output.contains("does-not-run"))
    let written = try site.expect(1, "audit old --format \(name) -o audit.out")
    #expect(written.output.isEmpty && written.errors.isEmpty == (name == "json"))
    #expect(try String(contentsOfFile: site.path("audit.out"), encoding: .utf8) == outcome.output)
  }

  @Test("ends with its own exit code for each kind of mistake")
  func mistakes() throws {
    let site = try Self.site()
    try site.write("hello", to: "other/readme.txt")
    try site.write("not a database, but long enough to be read as one by mistake", to: "broken.db")
    for (line, code, mark) in [
      ("audit", 64, "missing-argument"), ("audit old --set x", 64, "missing-value"),
      ("audit old --tool rails", 64, "bad-choice"),
      ("audit nowhere", 2, "folder-not-found"), ("audit other", 2, "unknown-tool"),
      ("audit old --since 9", 2, "unknown-migration"),
      ("audit old -o old/audit.md", 2, "output-failed"),
      ("audit old --database none.db", 2, "database-not-found"),
      ("audit old --database broken.db", 2, "not-a-database"),
    ] as [(String, Int32, String)] {
      let outcome = try site.expect(code, line)
      #expect(outcome.errors.contains("[\(mark)]"), "\(line): \(outcome.errors)")
    }
    try site.sqlite("CREATE TABLE x (y)", on: "plain.db")
    #expect(try site.expect(2, "audit old --database plain.db").errors.contains("[tool-table-missing]"))
  }

  @Test("of a folder of phasedb says what lint says")
  func ours() throws {
    let site = try Site()
    try site.table("a", in: "0001-make/expand")
    try site.write("{}", to: "migrations/phasedb.json")
    let audit = try site.phasedb("audit migrations")
    let lint = try site.phasedb("lint -m migrations")
    #expect(audit.code == lint.code && audit.output == lint.output)
  }
}
