import Foundation
import Testing

extension Site {
  /// A shop that is there already, with a migration that renames a column and one that loses what it holds.
  static func rehearsing(rows: Int = 3, down: String = "ALTER TABLE items RENAME COLUMN old_price TO price;")
    throws -> Site
  {
    let site = try Site()
    try site.sqlite(
      """
      CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price INT);
      INSERT INTO items WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
        SELECT i, 'item ' || i, i * 100 FROM n;
      """)
    try site.phase(
      "0001-first/expand", up: "ALTER TABLE items ADD COLUMN size INT;",
      down: "ALTER TABLE items DROP COLUMN size;")
    #expect(try site.phasedb("up -d shop.db -q").code == 0)
    try site.phase(
      "0002-second/contract", up: "ALTER TABLE items RENAME COLUMN price TO old_price;", down: down)
    return site
  }

  /// What a rehearsal may have left behind.
  func leftovers(in folder: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path(folder))) ?? []).filter {
      $0.hasPrefix(".phasedb-")
    }
  }
}

@Suite("rehearse")
struct RehearseTests {
  @Test("shows that a phase comes back, and lets it go up")
  func goesUp() throws {
    let site = try Site.rehearsing()
    let live = "--live storefront@1.5 -d shop.db"
    let held = try site.phasedb("up --to 0002 \(live)")
    #expect(
      held.code == 2 && held.errors.contains("held by its evidence gate: it was not rehearsed"),
      "\(held.summary)")
    let rehearsed = try site.phasedb("rehearse -d shop.db")
    #expect(rehearsed.code == 0, "\(rehearsed.summary)")
    for text in [
      "0002/contract  second  exact", "1 of 1 phase came back", "the evidence is in the ledger",
      "next: phasedb up",
    ] {
      #expect(rehearsed.output.contains(text), "\(rehearsed.output)")
    }
    for text in [
      "copying ", "rehearsing 0002-second/contract (1 of 1)", "  read 3 rows in", "  up in", "  down in",
      "  up again in", "  exact",
    ] {
      #expect(rehearsed.errors.contains(text), "\(rehearsed.errors)")
    }
    #expect(site.leftovers().isEmpty)
    #expect(try site.phasedb("status -d shop.db").output.contains("exact, up "))
    let up = try site.phasedb("up \(live)")
    #expect(up.code == 0 && up.output.contains("applied  0002-second/contract"), "\(up.summary)")
    #expect(try site.phasedb("log --check -d shop.db").output.contains("rehearse"))
  }

  @Test("shows the rows that a wrong down leaves behind, and keeps the phase from going up")
  func wrong() throws {
    let site = try Site.rehearsing(
      rows: 15,
      down:
        "ALTER TABLE items RENAME COLUMN old_price TO price; INSERT INTO items SELECT id + 100, name, 0, size FROM items WHERE id > 2;"
    )
    let outcome = try site.phasedb("rehearse -d shop.db")
    #expect(outcome.code == 1)
    for text in [
      "contract  second  lossy", "13 rows of items differ after down", "id = 103: a row that was not there",
      "id = 112: a row that was not there", "… and 3 more", "0 of 1 phase came back",
    ] {
      #expect(outcome.output.contains(text), "\(outcome.output)")
    }
    #expect(!outcome.output.contains("id = 113"))
    #expect(!outcome.output.contains("next:"))
    let up = try site.phasedb("up --to 0002 --live storefront@1.5 -d shop.db")
    #expect(up.code == 2 && up.errors.contains("13 rows did not come back"), "\(up.summary)")
    let onTheWay = try site.phasedb("up --rehearse --live storefront@1.5 -d shop.db")
    #expect(onTheWay.code == 2 && onTheWay.errors.contains("[rehearsal-failed]"), "\(onTheWay.summary)")
    #expect(onTheWay.output.contains("id = 103: a row that was not there"))
    let passed = try site.run(
      try BuiltProgram.path(), "up", "--live", "storefront@1.5", "-d", "shop.db", "--override", "evidence",
      "--reason", "known")
    #expect(passed.code == 0, "\(passed.summary)")
  }

  @Test("is told in JSON, with the rows")
  func json() throws {
    let site = try Site.rehearsing(
      down:
        "ALTER TABLE items RENAME COLUMN old_price TO price; INSERT INTO items SELECT id + 100, name, 1.5, size FROM items WHERE id = 2;"
    )
    let outcome = try site.phasedb("rehearse -d shop.db --format json")
    #expect(outcome.code == 1)
    #expect(outcome.errors.isEmpty)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    #expect(object["clean"] as? Bool == false && object["recorded"] as? String == "ledger")
    let phase = try #require((object["phases"] as? [[String: Any]])?.first)
    let tables = try #require((phase["afterDown"] as? [String: Any])?["tables"] as? [[String: Any]])
    let row = try #require((tables.first?["first"] as? [[String: Any]])?.first)
    #expect(row["key"] as? String == "id = 102" && row["kind"] as? String == "born")
  }

  @Test("carries evidence in a file from one copy of a database to another")
  func file() throws {
    let site = try Site.rehearsing()
    try site.sqlite(".backup production.db")
    let rehearsed = try site.phasedb("rehearse -d shop.db --evidence evidence.json")
    #expect(
      rehearsed.code == 0 && rehearsed.output.contains("next: phasedb up --evidence evidence.json"),
      "\(rehearsed.summary)")
    #expect(try site.sqlite("SELECT count(*) FROM phasedb_evidence") == "0\n")
    let up = try site.phasedb("up --evidence evidence.json --live storefront@1.5 -d production.db")
    #expect(up.code == 0 && up.output.contains("applied  0002-second/contract"), "\(up.summary)")
    #expect(try site.sqlite("SELECT verdict FROM phasedb_evidence", on: "production.db") == "'exact'\n")
  }

  struct BadEvidence: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let id: String
    /// What happens between the rehearsal and the way up.
    let damage: @Sendable (Site) throws -> Void

    init(_ sentence: String, _ id: String, _ damage: @escaping @Sendable (Site) throws -> Void) {
      (testDescription, self.id, self.damage) = (sentence, id, damage)
    }
  }

  static let badEvidence = [
    BadEvidence("of another text of the phase", "evidence-other-phase") { site in
      try site.phase(
        "0002-second/contract", up: "ALTER TABLE items RENAME COLUMN price TO older;",
        down: "ALTER TABLE items RENAME COLUMN older TO price;")
    },
    BadEvidence("of another schema", "evidence-other-schema") { site in
      try site.sqlite("CREATE TABLE more (x)")
      let accepted = try site.phasedb("up -d shop.db --override drift --reason ticket")
      #expect(accepted.code == 0, "\(accepted.summary)")
    },
    BadEvidence("in a file that is damaged", "evidence-invalid") { site in
      try site.write("{\"version\": 1, ", to: "evidence.json")
    },
    BadEvidence("in a file that is not there", "file-unreadable") { site in try site.remove("evidence.json")
    },
  ]

  @Test("evidence is refused by a name of its own", arguments: badEvidence)
  func refusedEvidence(_ row: BadEvidence) throws {
    let site = try Site.rehearsing()
    #expect(try site.phasedb("rehearse -d shop.db --evidence evidence.json").code == 0)
    try row.damage(site)
    let up = try site.phasedb("up --evidence evidence.json --live storefront@1.5 -d shop.db")
    #expect(up.code == 2 && up.errors.contains("[\(row.id)]"), "\(up.summary)")
    #expect(try site.sqlite("SELECT count(*) FROM phasedb_phase") == "1\n")
  }

  @Test("rehearses on the way up, also where there is no ledger yet")
  func onTheWay() throws {
    let site = try Site()
    try site.sqlite(
      "CREATE TABLE items (id INTEGER PRIMARY KEY, price INT); INSERT INTO items VALUES (1, 100)")
    try site.phase(
      "0001-first/contract", up: "ALTER TABLE items RENAME COLUMN price TO cents;",
      down: "ALTER TABLE items RENAME COLUMN cents TO price;")
    let before = SiteFiles(of: site)
    let rehearsed = try site.phasedb("rehearse -d shop.db")
    #expect(
      rehearsed.code == 0 && rehearsed.output.contains("the database has no ledger yet"),
      "\(rehearsed.summary)")
    #expect(SiteFiles(of: site) == before)
    let up = try site.phasedb("up --rehearse --live storefront@1.5 -d shop.db")
    #expect(up.code == 0 && up.output.contains("applied  0001-first/contract"), "\(up.summary)")
    #expect(
      try site.sqlite("SELECT phase, verdict FROM phasedb_evidence") == "'0001-first/contract','exact'\n")
    let fresh = try site.phasedb("up --rehearse -d fresh.db")
    #expect(fresh.errors.contains("no such table: items"), "\(fresh.summary)")
  }

  @Test("goto rehearses what it takes up, and copies the database before either way")
  func goingTo() throws {
    let site = try Site()
    try site.sqlite(
      "CREATE TABLE items (id INTEGER PRIMARY KEY, price INT); INSERT INTO items VALUES (1, 100)")
    try site.phase(
      "0001-first/contract", up: "ALTER TABLE items RENAME COLUMN price TO cents;",
      down: "ALTER TABLE items RENAME COLUMN cents TO price;")
    try site.phase(
      "0002-second/contract", up: "DROP TABLE items;", down: "CREATE TABLE items (id INTEGER PRIMARY KEY);")
    try site.makeFolder("snapshots")
    let held = try site.phasedb("goto 0001 --live storefront@1.5 -d shop.db")
    #expect(held.code == 2 && held.errors.contains("not rehearsed"), "\(held.summary)")
    let up = try site.phasedb("goto 0001 --rehearse --snapshot snapshots --live storefront@1.5 -d shop.db")
    #expect(up.code == 0 && up.output.contains("applied  0001-first/contract"), "\(up.summary)")
    #expect(up.output.contains("1 of 1 phase came back"), "\(up.summary)")
    #expect(
      try site.sqlite("SELECT phase, verdict FROM phasedb_evidence") == "'0001-first/contract','exact'\n")
    let down = try site.phasedb("goto @0 --rehearse --snapshot snapshots --live storefront@1.5 -d shop.db")
    #expect(down.code == 0 && down.output.contains("reversed 0001-first/contract"), "\(down.summary)")
    #expect(
      try site.names(in: "snapshots").filter { $0.hasSuffix(".db") } == [
        "shop@before-0001-contract.db", "shop@before-down-0001-contract.db",
      ])
    #expect(
      try site.sqlite("SELECT cents FROM items", on: "snapshots/shop@before-down-0001-contract.db") == "100\n"
    )
  }

  @Test("settings ask for evidence of every phase, or of none")
  func settings() throws {
    let site = try Site.rehearsing()
    try site.phase("0003-third/expand", up: "CREATE TABLE more (x);", down: "DROP TABLE more;")
    try site.write("{ evidence: \"none\" }", to: "migrations/phasedb.json")
    #expect(try site.phasedb("plan --live storefront@1.5 -d shop.db").output.contains("plan: 2 phases up"))
    try site.write("{ evidence: \"every\" }", to: "migrations/phasedb.json")
    let every = try site.phasedb("plan --live storefront@1.5 -d shop.db")
    #expect(every.output.contains("0003/expand evidence: it was not rehearsed"), "\(every.output)")
    try site.write("{ evidence: \"some\" }", to: "migrations/phasedb.json")
    #expect(try site.phasedb("plan -d shop.db").errors.contains("'evidence' is \"some\""))
  }

  @Test("on a table without rows is refused, unless that is said to be enough")
  func empty() throws {
    let site = try Site.rehearsing()
    try site.sqlite("DELETE FROM items")
    let refused = try site.phasedb("rehearse -d shop.db")
    #expect(refused.code == 2 && refused.errors.contains("[rehearsal-on-empty]"), "\(refused.summary)")
    #expect(
      try site.phasedb("rehearse -d shop.db --allow-empty").output.contains(
        "on which a rehearsal proves nothing: items"))
    let missing = try site.phasedb("rehearse -d missing.db")
    #expect(missing.code == 2 && !site.exists("missing.db"), "\(missing.summary)")
  }

  @Test("the copy is private while it is there", arguments: JournalMode.allCases)
  func isPrivate(mode: JournalMode) throws {
    let site = try Site.rehearsing(rows: 60_000)
    try site.sqlite("PRAGMA journal_mode = \(mode)")
    let program = try site.start(["rehearse", "-d", "shop.db"], environment: ["PATH": "/usr/bin:/bin"])
    var modes: Set<Int> = []
    let met = program.reaches {
      guard let folder = site.leftovers().first else { return false }
      for name in [folder, "\(folder)/copy.db", "\(folder)/copy.db-wal"] {
        let attributes = try? FileManager.default.attributesOfItem(atPath: site.path(name))
        if let mode = attributes?[.posixPermissions] as? Int { modes.insert(mode) }
      }
      return modes.count == 2
    }
    #expect(met && modes == [0o700, 0o600], "\(modes)")
    #expect(program.outcome().code == 0)
    #expect(site.leftovers().isEmpty)
  }

  @Test(
    "the copy is removed when somebody stops it", arguments: [SIGINT, SIGTERM, SIGHUP],
    ["copying", "rehearsing", "up in", "down in"])
  func stopped(signal: Int32, moment: String) throws {
    let site = try Site.rehearsing(rows: 60_000)
    let before = try DatabaseContents(of: site)
    let program = try site.start(["rehearse", "-d", "shop.db"])
    let met = program.reaches { program.errors.contains(moment) }
    program.send(signal)
    let outcome = program.outcome()
    #expect(
      !met || outcome.code == 2 && outcome.errors.contains("[interrupted]") || outcome.code == 0,
      "\(outcome.summary)")
    #expect(site.leftovers().isEmpty)
    #expect(try DatabaseContents(of: site) == before || outcome.code == 0)
  }

  @Test("what a killed rehearsal left behind is removed by the next one")
  func killed() throws {
    let site = try Site.rehearsing(rows: 60_000)
    let program = try site.start(["rehearse", "-d", "shop.db"])
    #expect(program.reaches { program.errors.contains("rehearsing") })
    program.send(SIGKILL)
    _ = program.outcome()
    #expect(site.leftovers().count == 1)
    #expect(try site.phasedb("rehearse -d shop.db").code == 0)
    #expect(site.leftovers().isEmpty)
  }

  @Test(
    "a folder that cannot be written is refused, and another may be named",
    .enabled(if: Surroundings.canProtect))
  func readOnlyFolder() throws {
    let site = try Site.rehearsing()
    try site.makeFolder("elsewhere")
    try site.makeFolder("closed")
    try site.sqlite(".backup closed/shop.db")
    site.protect("closed")
    let refused = try site.phasedb("rehearse -d closed/shop.db")
    #expect(refused.code == 2 && refused.errors.contains("[rehearsal-copy-failed]"), "\(refused.summary)")
    #expect(refused.errors.contains("--copy-to DIR"))
    let elsewhere = try site.phasedb(
      "rehearse -d closed/shop.db --copy-to elsewhere --evidence evidence.json")
    #expect(elsewhere.code == 0, "\(elsewhere.summary)")
    #expect(site.leftovers(in: "elsewhere").isEmpty)
  }

  @Test("a disk without room is refused before anything is copied", .enabled(if: Surroundings.canMount))
  func fullDisk() throws {
    let site = try Site.rehearsing(rows: 60_000)
    try site.mount("small", kilobytes: 2_048)
    let refused = try site.phasedb("rehearse -d shop.db --copy-to small")
    #expect(refused.code == 2 && refused.errors.contains("[rehearsal-copy-failed]"), "\(refused.summary)")
    #expect(refused.errors.contains("small: it needs ") && !refused.errors.contains("copying"))
    #expect(site.leftovers(in: "small").isEmpty)
  }

  @Test(
    "a disk that fills up while a phase runs is told as that, and the copy is removed",
    .enabled(if: Surroundings.canMount))
  func fillingDisk() throws {
    let site = try Site.rehearsing()
    try site.phase(
      "0003-third/expand",
      up: """
        CREATE TABLE filler (x);
        INSERT INTO filler WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 400)
          SELECT zeroblob(100000) FROM n;
        """, down: "DROP TABLE filler;")
    try site.mount("small", kilobytes: 24_576)
    let refused = try site.phasedb("rehearse -d shop.db --copy-to small")
    #expect(refused.code == 2 && refused.errors.contains("[rehearsal-copy-failed]"), "\(refused.summary)")
    #expect(site.leftovers(in: "small").isEmpty)
  }
}
