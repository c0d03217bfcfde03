import Foundation
import Testing

/// A way to say where the database is.
struct AddressCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let options: String
  /// SITE stands for the folder's path.
  let environment: [String: String]
  let settings: String

  init(_ name: String, options: String = "", environment: [String: String] = [:], settings: String = "{}") {
    testDescription = name
    self.options = options
    self.environment = environment
    self.settings = settings
  }
}

@Suite("The database is found")
struct AddressTests {
  @Test(
    "by",
    arguments: [
      AddressCase("--database", options: "--database shop.db"),
      AddressCase("-d", options: "-dshop.db"),
      AddressCase("PHASEDB_DATABASE", environment: ["PHASEDB_DATABASE": "shop.db"]),
      AddressCase("DATABASE_URL=sqlite:///…", environment: ["DATABASE_URL": "sqlite://SITE/shop.db"]),
      AddressCase("DATABASE_URL=sqlite3://", environment: ["DATABASE_URL": "sqlite3://shop.db"]),
      AddressCase("DATABASE_URL=sqlite:", environment: ["DATABASE_URL": "sqlite:shop.db?mode=rwc"]),
      AddressCase("DATABASE_URL=file:", environment: ["DATABASE_URL": "file:sh%6Fp.db"]),
      AddressCase("the settings, from their own folder", settings: "{ database: '../shop.db' }"),
      AddressCase(
        "--database before everything else", options: "-d shop.db",
        environment: ["PHASEDB_DATABASE": "other.db", "DATABASE_URL": "other.db"],
        settings: "{ database: '../other.db' }"),
      AddressCase(
        "PHASEDB_DATABASE before DATABASE_URL",
        environment: ["PHASEDB_DATABASE": "shop.db", "DATABASE_URL": "postgres://u:secret@host/db"]),
      AddressCase(
        "an empty PHASEDB_DATABASE as none",
        environment: ["PHASEDB_DATABASE": "", "DATABASE_URL": "shop.db"]),
    ])
  func found(row: AddressCase) throws {
    let site = try Site()
    try site.table("a", in: "0001-first/expand")
    try site.write(row.settings, to: "migrations/phasedb.json")
    let root = String(site.path("").dropLast())
    let environment = row.environment.mapValues { $0.replacing("SITE", with: root) }
    let up = try site.phasedb("up \(row.options)", environment: environment)
    #expect(up.code == 0 && up.errors.isEmpty, "\(up.summary)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: site.path("")).sorted() == [
        "migrations", "shop.db",
      ])
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let address: String
    let error: String
    var testDescription: String { address }

    init(_ address: String, _ why: String, _ id: String = "no-database") {
      self.address = address
      error =
        id == "no-database"
        ? "error: the database's address cannot be used: \(why) [\(id)]" : "error: \(why) [\(id)]"
    }
  }

  @Test(
    "and an address is refused that says what would not be done:",
    arguments: [
      Refusal(
        "file:shop.db?mode=ro", "the database's address says mode=ro, and this command writes",
        "database-read-only"),
      Refusal(
        "file:shop.db?%6Dode=r%6F", "the database's address says mode=ro, and this command writes",
        "database-read-only"),
      Refusal("sqlite:shop.db?mode=rw", "there is no database at shop.db", "database-not-found"),
      Refusal("file:shop.db?mode=memory", "mode=memory is not ro, rw or rwc"),
      Refusal("file:shop.db?mode=", "mode= is not ro, rw or rwc"),
      Refusal("file:shop.db?cache=shared", "phasedb does not open a database with cache=shared"),
      Refusal("file:shop.db?vfs=unix-none", "phasedb does not open a database with vfs=unix-none"),
      Refusal("file:shop.db?immutable=1", "phasedb does not open a database with immutable=1"),
      Refusal("file:shop.db?nolock=1&mode=rwc", "phasedb does not open a database with nolock=1"),
      Refusal("file:shop%00.db", "no path has a NUL character in it"),
      Refusal("file:shop.db?vfs=%00", "no path has a NUL character in it"),
      Refusal("file:%ff.db", "its %XX do not decode to UTF-8"),
      Refusal("file:shop.db#1", "SQLite drops what follows a '#'; write %23 when it belongs to the name"),
      Refusal("file:?mode=rwc", "it names no file"),
    ])
  func refused(_ row: Refusal) throws {
    let site = try Site()
    try site.table("a", in: "0001-first/expand")
    let before = SiteFiles(of: site)
    let up = try site.phasedb("up -d \(row.address)")
    #expect(
      up.code == 2 && up.errors.split(separator: "\n").first.map(String.init) == row.error, "\(up.summary)")
    #expect(SiteFiles(of: site) == before)
  }

  @Test("and mode=ro reads, a parameter of another library is named, and escapes stand for themselves")
  func parameters() throws {
    let site = try Site()
    try site.table("a", in: "0001-first/expand")
    let up = try site.phasedb("up -d sqlite:sh%3Fo%25p%23.db?pool=5&cache=private&timeout=5000")
    #expect(up.code == 0, "\(up.summary)")
    #expect(
      up.errors.hasPrefix("note: these parameters of the database's address were not used: pool, timeout\n"),
      "\(up.errors)")
    #expect(site.exists("sh?o%p#.db"))
    for line in ["status", "verify", "plan down", "log"] {
      let outcome = try site.phasedb("\(line) -d file:sh%3Fo%25p%23.db?mode=ro")
      #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(line): \(outcome.summary)")
    }
    // A folder's name in the settings is no part of an address.
    try site.write("{ database: 'sqlite:a.db' }", to: "m%41?x/phasedb.json")
    try site.write(
      Data(contentsOf: URL(filePath: site.path("migrations/0001-first/expand.sql"))),
      to: "m%41?x/0001-first/expand.sql")
    #expect(try site.phasedb("up -q -m m%41?x").code == 0)
    #expect(site.exists("m%41?x/a.db"))
  }

  @Test("and a lock is waited for as long as the settings say")
  func wait() throws {
    let site = try BadDatabasesTests.shop()
    try site.write("{ wait: '200ms' }", to: "migrations/phasedb.json")
    let holder = try site.holdLock()
    let outcome = try site.phasedb("up -d shop.db")
    #expect(outcome.code == 5 && outcome.duration < .seconds(3), "\(outcome.summary)")
    try holder.closeInput()
    #expect(holder.outcome().code == 0)
  }
}
