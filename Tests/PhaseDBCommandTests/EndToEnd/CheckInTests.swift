import Foundation
import Testing

@Suite("Applications that check in")
struct CheckInTests {
  /// A shop in which storefront runs from 1.0, up to 1.6 while 0002 is pending.
  private static func shop() throws -> Site {
    let site = try Site()
    try site.sqlite("CREATE TABLE mine (x)")
    try site.table("a", in: "0001-first/expand")
    #expect(try site.phasedb("up -d shop.db --live storefront@1.4").code == 0)
    try site.phase(
      "0002-second/expand", up: "CREATE TABLE b (x);", down: "DROP TABLE b;", window: "storefront >=1.0 <1.6")
    try site.phase(
      "0002-second/contract", up: "DROP TABLE a;",
      down: "CREATE TABLE a (id INTEGER PRIMARY KEY, text TEXT);",
      window: "storefront >=1.5 <2.0")
    return site
  }

  @Test("open and close the gates, from the entry point to the contract")
  func entryPoint() throws {
    let site = try Self.shop()
    let first = try site.phasedb("check-in storefront@1.4.0 --instance web-1 -d shop.db")
    #expect(first.summary == "exit 0\nstorefront 1.4.0 checked in as web-1; may be live: >=1.0 <1.6\n")
    let plan = try site.phasedb("plan -d shop.db")
    #expect(plan.output.contains("live: storefront 1.4.0 on web-1\n"))
    #expect(
      plan.output.contains(
        "window: storefront 1.4.0 is live on web-1 and older than the window >=1.5 <2.0\n    to open it: deploy"
      ))

    let up = try site.phasedb("up -d shop.db")
    #expect(up.code == 0, "a contract that is held is no failure: \(up.errors)")
    #expect(up.output.contains("applied  0002-second/expand") && up.output.contains("held:"))
    let named = try site.phasedb("up -d shop.db --to 0002/contract")
    #expect(named.code == 2 && named.errors.contains("[phase-held]"))

    #expect(
      try site.phasedb("check-in storefront@1.5.0 --instance web-1 -d shop.db --quiet").summary == "exit 0\n")
    let status = try site.phasedb("status -d shop.db")
    #expect(status.output.contains("live      storefront 1.5.0 on web-1\n"))
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    #expect(try site.phasedb("up -d shop.db --to 0002/contract").code == 0)
    #expect(try site.phasedb("verify -d shop.db").code == 0)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let line: String
    let error: String
    let arrange: @Sendable (Site) throws -> Void

    init(
      _ name: String, _ line: String, error: String,
      _ arrange: @escaping @Sendable (Site) throws -> Void = { _ in }
    ) {
      (testDescription, self.line, self.error, self.arrange) = (name, line, error, arrange)
    }
  }

  static let refusals = [
    Case(
      "a version that is too old", "check-in storefront@0.9 -d shop.db",
      error: """
        error: storefront 0.9 may not run on this schema, which is for storefront >=1.0 <1.6 [version-not-live]
            0001-first/expand is applied, and its window is >=1.0 <2.0
          state: nothing was recorded
          help:  start storefront >=1.0 <1.6
                 or reverse 0001/expand; see the plan first: phasedb plan down --to @0 -d shop.db
        """),
    Case(
      "a version that needs a pending phase", "check-in storefront@1.6 -d shop.db",
      error: """
        error: storefront 1.6 may not run on this schema, which is for storefront >=1.0 <1.6 [version-not-live]
            0002-second/expand is not applied, and its window is >=1.0 <1.6
          state: nothing was recorded
          help:  apply it first: phasedb up --to 0002/expand -d shop.db
        """),
    Case(
      "a database without a ledger", "check-in storefront@1.4 -d fresh.db",
      error: """
        error: fresh.db has no ledger yet, so the schema it should have is unknown [ledger-missing]
          state: nothing was recorded
          help:  apply the migrations before the application starts: phasedb up -d fresh.db
                 or, if the database is older than its migrations: phasedb adopt -d fresh.db
        """
    ) { try $0.sqlite("CREATE TABLE old (x)", on: "fresh.db") },
    Case(
      "no database", "check-in storefront@1.4 -d nowhere.db",
      error: """
        error: there is no database at nowhere.db [database-not-found]
          help:  check the path given with --database
                 phasedb up creates the file if it is missing
        """),
    Case(
      "no version", "check-in storefront -d shop.db",
      error: """
        error: 'storefront' does not name a live version [version-invalid]
          help:  write APPLICATION@VERSION, for example storefront@1.4.0
        """),
  ]

  @Test("are refused, with not a byte written:", arguments: refusals)
  func refused(_ row: Case) throws {
    let site = try Self.shop()
    try row.arrange(site)
    let before = SiteFiles(of: site)
    let outcome = try site.phasedb(row.line)
    expectFailure(outcome, 2, row.error, at: site)
    #expect(outcome.output.isEmpty)
    #expect(SiteFiles(of: site) == before)
  }

  @Test("need no folder of migrations, and the host's name will do for an instance")
  func withoutFolder() throws {
    let site = try Self.shop()
    try site.remove("migrations")
    let outcome = try site.phasedb(
      "check-in storefront@1.9 --format json", environment: ["PHASEDB_DATABASE": "shop.db"])
    #expect(outcome.code == 0, "\(outcome.summary)")
    #expect(outcome.output.contains(#""mayBeLive" : ">=1.0""#))
    let host = ProcessInfo.processInfo.hostName
    #expect(try site.sqlite("SELECT instance FROM phasedb_app") == "'\(host)'\n")
    #expect(try site.phasedb("check-in storefront@0.9 -d shop.db").code == 2)
  }

  @Test("that no window names are told so, with the name that was probably meant")
  func slip() throws {
    let outcome = try Self.shop().phasedb("check-in storefrnt@1.4 --instance x -d shop.db")
    #expect(
      outcome.summary == """
        exit 0
        storefrnt 1.4 checked in as x
        note: no window names storefrnt, so nothing restricts it; did you mean storefront?

        """)
  }

  @Test("are forgotten after what phasedb.json says")
  func forgetting() throws {
    let site = try Self.shop()
    try site.sqlite(
      "INSERT INTO phasedb_app VALUES ('storefront', '1.4', 'x', strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 hour'))"
    )
    #expect(try !site.phasedb("plan -d shop.db").output.contains("live: storefront"))
    try site.write(#"{ "forget": "2h" }"#, to: "migrations/phasedb.json")
    #expect(try site.phasedb("plan -d shop.db").output.contains("live: storefront 1.4 on x"))
  }

  @Test("may write the table themselves, as Operating shows it", arguments: ["python", "sh"])
  func documented(language: String) throws {
    let program = language == "python" ? "python3" : "sh"
    let site = try Self.shop()
    guard try site.run(program, "-c", "").code == 0 else { return }
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Sources/PhaseDB/PhaseDB.docc/Operating.md")
    let blocks = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "\n```\(language)\n")
      .dropFirst()
      .map { $0.components(separatedBy: "\n```")[0] }
    let block = try #require(blocks.first { $0.contains("INTO phasedb_app") })
    let call = language == "python" ? "\n\ncheck_in(sqlite3.connect('shop.db'), '1.4.0')\n" : ""
    let outcome = try site.run(program, "-c", block + call)
    #expect(outcome.code == 0, "\(outcome.summary)")
    let written = try site.sqlite(
      "SELECT app, version, instance <> '', seen_at GLOB '????-??-??T??:??:??.???Z' FROM phasedb_app")
    #expect(written == "'storefront','1.4.0',1,1\n")
    #expect(try site.phasedb("plan -d shop.db").output.contains("live: storefront 1.4.0 on "))
  }
}
