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
