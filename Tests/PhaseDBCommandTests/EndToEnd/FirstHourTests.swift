import Foundation
import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("The first hour")
struct FirstHourTests {
  static let foreign: [(files: [String: String], tool: String)] = [
    (["1_a.up.sql": "CREATE TABLE a (x);", "1_a.down.sql": "DROP TABLE a;"], "golang-migrate or sqlx"),
    (["00001_a.sql": "-- +goose Up\nCREATE TABLE a (x);\n-- +goose Down\nDROP TABLE a;"], "goose"),
    (["2024_a.sql": "-- migrate:up\nCREATE TABLE a (x);\n-- migrate:down\nDROP TABLE a;"], "dbmate"),
    (["2024-a/up.sql": "CREATE TABLE a (x);", "2024-a/down.sql": "DROP TABLE a;"], "diesel"),
    (["V1__a.sql": "CREATE TABLE a (x);"], "refinery or flyway"),
    (["sqitch.plan": "%project=a", "deploy/a.sql": ""], "sqitch"),
    (["meta/_journal.json": "{}", "0000_a.sql": ""], "drizzle"),
    (["2024_a/migration.sql": ""], "prisma"),
  ]

  @Test("init writes nothing into a folder of another tool, and says what to do instead", arguments: foreign)
  func folders(_ files: [String: String], _ tool: String) throws {
    let site = try Site()
    try site.sqlite("CREATE TABLE a (x)")
    for (name, text) in files { try site.write(text, to: "migrations/\(name)") }
    let refused = try site.expect(2, "init --from shop.db")
    #expect(refused.errors.contains("the files in migrations belong to \(tool) [folder-of-other-tool]"))
    #expect(
      refused.errors.contains("phasedb audit migrations")
        && refused.errors.contains("phasedb import migrations"))
    #expect(!site.exists("migrations/phasedb.json") && !site.exists("migrations/baseline.sql"))
    // As it is printed.
    let line = try #require(refused.errors.split(separator: "\n").last { $0.contains("phasedb init") })
    let words = try #require(line.components(separatedBy: "phasedb ").last)
    try site.expect(0, words)
    #expect(site.exists("phases/baseline.sql"))
  }

  @Test(
    "squash moves files and keeps each of them, with a part of a migration, and its folder still leads there")
  func squash() throws {
    let site = try squashable()
    try site.expect(0, "up -d whole.db --override window --reason test -q")
    let dry = try site.expect(0, "squash --to 0002/expand --dry-run -d shop.db")
    #expect(dry.output.contains("would squash 2 phases") && site.exists("migrations/0001-one"))
    let done = try site.expect(0, "squash --to 0002/expand -d shop.db --format json")
    #expect(done.output.contains("\"rows\" : 1"))
    for file in [
      "baseline.sql", "0001-one/expand.sql", "0001-one/README.md", "0002-two/expand.sql",
    ] {
      #expect(site.exists("migrations/.squashed-0002-expand/\(file)"), "\(file)")
    }
    #expect(
      site.exists("migrations/0002-two/migrate.sql")
        && !site.exists("migrations/0002-two/expand.sql"))
    try site.expect(0, "lint")
    try site.expect(0, "up -d shop.db --live storefront@1.5 -q")
    let status = try site.expect(0, "status --check -d shop.db --live storefront@1.5")
    #expect(status.output.contains("squashed  2 phases up to 0002/expand"))
    let down = try site.expect(0, "down --all -d shop.db --live storefront@1.5")
    #expect(down.output.contains("the way down ends there"))
    #expect(
      try site.expect(2, "down -d shop.db --live storefront@1.5").errors.contains("[squashed]"))
    try site.expect(0, "up -d whole.db --live storefront@1.5")
    try site.expect(0, "up -d new.db")
    #expect(try site.sqlite("SELECT text FROM one", on: "new.db") == "'one'\n")
    // One that is behind goes there with the former folder.
    try site.expect(0, "up --to 0001 -d late.db -m migrations/.squashed-0002-expand -q")
    #expect(try site.expect(2, "up -d late.db").errors.contains("[squash-incomplete]"))
    try site.expect(
      0,
      "up --to 0002/expand -d late.db -m migrations/.squashed-0002-expand --live storefront@1.5 -q")
    try site.expect(0, "up -d late.db --live storefront@1.5")
    #expect(try site.expect(2, "squash --to 0009 -d shop.db").errors.contains("[unknown-phase]"))
  }

  /// A folder of which two phases are to be squashed, and a database that has them.
  private func squashable() throws -> Site {
    let site = try Site()
    try site.write("CREATE TABLE old (a);", to: "migrations/baseline.sql")
    try site.table("one", in: "0001-one/expand")
    try site.phase("0002-two/expand", up: "CREATE TABLE two (a);", down: "DROP TABLE two;")
    try site.phase("0002-two/migrate", up: "INSERT INTO two VALUES (1);", down: "DELETE FROM two;")
    try site.write("notes", to: "migrations/0001-one/README.md")
    try site.expect(0, "up -d shop.db --to 0002/expand -q")
    return site
  }

  /// What whoever reads the folder finds: the phases, and for which ones the baseline stands.
  private func look(_ site: Site) throws -> [String] {
    let catalog = try Catalog(folder: site.path("migrations"))
    return catalog.phases.map { "phase \($0.id)" }
      + (catalog.baseline?.squashed ?? []).map { "squashed \($0.id)" }
  }

  /// Without what Foundation leaves of a file that it was writing.
  private func files(_ site: Site) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: site.path("migrations"))
      .filter { !$0.hasPrefix(".dat.") }.sorted()
  }

  private func contents(_ site: Site) throws -> Set<String> {
    Set(
      try files(site).compactMap {
        try? String(contentsOfFile: site.path("migrations/\($0)"), encoding: .utf8)
      })
  }

  /// The folder is as it was or as it is to be, no file is gone, and a second squash does the rest.
  private func checkStopped(_ site: Site, _ place: String) throws {
    let whole = try squashable()
    let (before, there) = (try look(whole), try contents(whole))
    try whole.expect(0, "squash --to 0002/expand -d shop.db")
    #expect([before, try look(whole)].contains(try look(site)), "\(place)")
    #expect(try contents(site).isSuperset(of: there), "\(place)")
    try site.expect(0, "lint")
    try site.expect(0, "squash --to 0002/expand -d shop.db")
    #expect(try files(site) == files(whole), "\(place)")
    let status = try site.expect(0, "status -d shop.db --live storefront@1.5")
    #expect(status.output.contains("squashed  2 phases up to 0002/expand"), "\(place)")
  }

  @Test(
    "squash that stops after any step leaves a folder that can be read, and the next one does the rest"
  )
  func stoppedSquash() throws {
    var count = 0
    repeat {
      let site = try squashable()
      let migrations = site.path("migrations")
      let squash = try Migrator(
        database: site.path("shop.db"), catalog: Catalog(folder: migrations), access: .reading
      ).squashing(to: "0002/expand")
      let files = SquashedFiles(squash.target, squash.phases, in: migrations)
      let steps = files.steps(to: squash.baseline)
      for step in steps.prefix(count) { try files.take(step) }
      try checkStopped(site, "after \(count) of \(steps.count) steps")
      count += 1
      guard count <= steps.count else { break }
    } while true
    #expect(count == 7)
  }

  @Test(
    "squash that is killed at any moment leaves one of the two states, and the next one does the rest"
  )
  func killedSquash() throws {
    let words = ["squash", "--to", "0002/expand", "-d", "shop.db"]
    let first = try squashable()
    let whole = try first.start(words).outcome()
    #expect(whole.code == 0 && first.exists("migrations/.squashed-0002-expand"))
    for part in 1...10 {
      let site = try squashable()
      let running = try site.start(words)
      _ = running.hasEnded(within: whole.duration * part / 10)
      running.send(SIGKILL)
      _ = running.outcome()
      try checkStopped(site, "killed after \(part) tenths")
    }
  }

  @Test("forget shows what is lost, takes it away when it is confirmed, and adopt comes back")
  func forget() throws {
    let site = try Site()
    try site.table("one", in: "0001-one/expand")
    try site.expect(0, "up -d shop.db -q")
    let before = try site.sqlite("SELECT * FROM one")
    let asked = try site.expect(2, "forget -d shop.db")
    #expect(asked.errors.contains("the ways back of 1 phase") && asked.errors.contains("--snapshot"))
    let done = try site.expect(0, "forget -d shop.db --confirm shop.db")
    #expect(done.output.contains("phasedb adopt --at 0001/expand"))
    #expect(try site.sqlite("SELECT * FROM one") == before)
    #expect(try site.sqlite("SELECT name FROM sqlite_schema WHERE name LIKE 'phasedb%'").isEmpty)
    let up = try site.expect(2, "up -d shop.db")
    #expect(up.errors.contains("phasedb adopt --at 0001/expand -d shop.db"))
    try site.expect(0, "adopt --at 0001/expand -d shop.db")
    try site.expect(0, "down -d shop.db --live storefront@1.5")
  }

  @Test("a command that opens the database and reads nothing of it has not looked")
  func unread() throws {
    let site = try Site()
    try site.write("CREATE TABLE t (id INTEGER PRIMARY KEY);", to: "migrations/baseline.sql")
    try site.write("INSERT INTO t VALUES (1);", to: "migrations/apps/seed.sql")
    try site.phase("0001-a/expand", up: "ALTER TABLE t ADD a;", down: "ALTER TABLE t DROP a;")
    try site.write("#!/bin/sh\nexec 3< \"$PHASEDB_DATABASE\"\n", to: "open.sh")
    try site.write("#!/bin/sh\nsqlite3 -readonly \"$PHASEDB_DATABASE\" 'SELECT * FROM t'\n", to: "read.sh")
    let blind = try site.expect(1, "compat --app storefront@1.0 --logs a -- sh open.sh")
    #expect(blind.output.contains("the command never read the database it was given"))
    try site.expect(0, "compat --app storefront@1.0 --logs b -- sh read.sh")
  }
}
