import Foundation
import Testing

@testable import PhaseDBCommand

/// What needs the ledger alone works without the folder, and beside a file in it that cannot be read.
@Suite("The ledger needs no folder")
struct LedgerAloneTests {
  enum Trouble: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case missing = "without the folder"
    case draft = "beside an unfinished draft"
    case stray = "beside a stray file"
    case twice = "with two folders of one number"

    var testDescription: String { rawValue }

    /// What the note says is wrong.
    var note: String {
      switch self {
      case .missing: "there is no folder migrations"
      case .draft: "the expand phase has no @down (migrations/0002-draft/expand.sql:1)"
      case .stray: "the file migrations/notes.sql does not belong among migrations"
      case .twice: "two folders have the number 1: migrations/0001-first and migrations/1-second"
      }
    }

    func arrange(_ site: Site) throws {
      switch self {
      case .missing:
        try FileManager.default.moveItem(atPath: site.path("migrations"), toPath: site.path("elsewhere"))
      case .draft: try site.write("-- @up\nSELECT 1;\n", to: "migrations/0002-draft/expand.sql")
      case .stray: try site.write("SELECT 1;", to: "migrations/notes.sql")
      case .twice: try site.table("b", in: "1-second/expand")
      }
    }

    /// The line on standard error.
    var line: String {
      "note: migrations was not read in full: \(note). Pending phases, edited files and the limits of newer versions may be missing here; see what is wrong: phasedb lint\n"
    }
  }

  private static func site() throws -> Site {
    let site = try Site()
    try site.table("a", in: "0001-first/expand")
    let up = try site.phasedb("up -q -d shop.db")
    try #require(up.code == 0, "\(up.summary)")
    return site
  }

  @Test("and says what it did not read:", arguments: Trouble.allCases)
  func notes(_ trouble: Trouble) throws {
    let site = try Self.site()
    try trouble.arrange(site)
    for line in ["status", "verify", "plan down", "check-in storefront@1.5 --instance web", "purge 0001"] {
      let outcome = try site.phasedb("\(line) -d shop.db")
      #expect(outcome.code == 0, "\(line): \(outcome.summary)")
      #expect(outcome.errors == trouble.line, "\(line)")
    }
    // These show nothing that the folder would add to.
    for line in ["log", "checkpoint create here", "checkpoint list"] {
      let outcome = try site.phasedb("\(line) -d shop.db")
      #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(line): \(outcome.summary)")
    }
    #expect(try site.sqlite("SELECT name FROM phasedb_checkpoint WHERE name = 'here'") == "'here'\n")
    #expect(try site.sqlite("SELECT count(*) FROM phasedb_app") == "1\n")
    let down = try site.phasedb("down -d shop.db --live storefront@1.5")
    #expect(down.code == 0 && down.errors.hasPrefix(trouble.line), "\(down.summary)")
    #expect(try site.sqlite("SELECT count(*) FROM sqlite_schema WHERE name = 'a'") == "0\n")
  }

  @Test("but what needs every file does not begin:", arguments: Trouble.allCases)
  func refused(_ trouble: Trouble) throws {
    let site = try Self.site()
    try trouble.arrange(site)
    let before = SiteFiles(of: site)
    for line in ["up", "plan up", "rehearse"] {
      let outcome = try site.phasedb("\(line) -d shop.db")
      #expect(outcome.code == 2 && outcome.output.isEmpty, "\(line): \(outcome.summary)")
    }
    // A check that did not read everything does not say that all is in order.
    #expect(try site.phasedb("status --check -q -d shop.db").code == 1)
    #expect(SiteFiles(of: site) == before)
  }

  @Test("and a program is told, too")
  func json() throws {
    let site = try Self.site()
    try Trouble.draft.arrange(site)
    struct Status: Decodable { let unread: [String] }
    func status() throws -> Status {
      try JSONDecoder().decode(
        Status.self, from: Data(try site.phasedb("status -d shop.db --format json").output.utf8))
    }
    #expect(try status().unread == ["the expand phase has no @down"])
    try site.remove("migrations/0002-draft")
    #expect(try status().unread == [])
    #expect(try site.phasedb("status --check -q -d shop.db").code == 0)
  }
}

extension LedgerAloneTests {
  /// Settings that cannot be read, and what is said of them.
  static let settings: [(text: String, says: String)] = [
    ("{ wait: 30 s }", "migrations/phasedb.json is not JSON5"),
    ("{ databse: 'x.db' }", "migrations/phasedb.json: unknown key 'databse'"),
    (
      "{\n wait: '1s', \"wait\": '2s' }",
      "'wait' is set twice, first on line 2 in column 2 (migrations/phasedb.json:2)"
    ),
  ]

  @Test(
    "nor settings that can be read, where the command line names the database", arguments: settings.indices)
  func unreadSettings(_ index: Int) throws {
    let (text, says) = Self.settings[index]
    let site = try Self.site()
    try site.write(text, to: "migrations/phasedb.json")
    let note =
      "note: the settings were not used: \(says). Defaults apply, except that no check-in is forgotten\n"
    let before = SiteFiles(of: site)
    for line in ["up", "plan up", "rehearse", "rehearse down", "adopt", "lint", "compat"] {
      let outcome = try site.phasedb("\(line) -d shop.db")
      #expect(outcome.code == 2 && outcome.errors.contains("[bad-settings]"), "\(line): \(outcome.summary)")
    }
    // Here the settings alone could name the database.
    for line in ["status", "log", "down"] {
      let outcome = try site.phasedb(line)
      #expect(outcome.code == 2 && outcome.errors.contains("[bad-settings]"), "\(line): \(outcome.summary)")
    }
    #expect(try site.phasedb("status --check -q -d shop.db").code == 1)
    #expect(SiteFiles(of: site) == before)
    for line in [
      "status", "log", "verify", "plan down", "purge 0001", "checkpoint create here", "checkpoint list",
      "check-in storefront@1.5 --instance web",
    ] {
      let outcome = try site.phasedb("\(line) -d shop.db")
      #expect(outcome.code == 0 && outcome.errors == note, "\(line): \(outcome.summary)")
    }
    // Nobody knows how long a check-in counts, so it does.
    try site.sqlite(
      "INSERT INTO phasedb_app VALUES ('storefront', '2.0', 'old', strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-9 days'))"
    )
    let held = try site.phasedb("down -d shop.db")
    #expect(held.code == 2 && held.errors.contains("[phase-held]"), "\(held.summary)")
    let down = try site.phasedb("down -d shop.db --live storefront@1.5")
    #expect(down.code == 0 && down.errors == note, "\(down.summary)")
    #expect(try site.sqlite("SELECT count(*) FROM sqlite_schema WHERE name = 'a'") == "0\n")
  }
}

@Suite("A lock is waited for")
struct WaitTests {
  @Test(
    "no longer than --wait says, with a reader open in a rollback journal's mode", arguments: [false, true])
  func reader(isBatched: Bool) throws {
    let site = try Site()
    try site.sqlite(
      """
      PRAGMA journal_mode = delete; CREATE TABLE t (id INTEGER PRIMARY KEY, v, w);
      INSERT INTO t SELECT value, hex(randomblob(100)), 0 FROM generate_series(1, 20000);
      """)
    let range = isBatched ? "WHERE id BETWEEN :first AND :last" : ""
    try site.phase(
      "0001-fill/migrate", up: "UPDATE t SET w = v || 'x' \(range);", down: "UPDATE t SET w = 0 \(range);",
      directives: isBatched ? ["@batch t"] : [])
    #expect(try site.phasedb("up -q -d shop.db").code == 0)
    let reader = try site.application()
    try reader.type("BEGIN; SELECT min(id) FROM t; SELECT 'open';")
    #expect(reader.reaches { reader.output.contains("open") })
    let down = try site.phasedb("down -q -d shop.db --wait 1s")
    // Without the deadline it takes 13 seconds and more; the rest is for a machine that is busy.
    #expect(down.code == 5 && down.duration < .seconds(10), "\(down.duration) \(down.summary)")
    try reader.closeInput()
    _ = reader.outcome()
    #expect(try site.phasedb("down -q -d shop.db").code == 0)
    #expect(try site.sqlite("SELECT sum(w) FROM t") == "0\n")
  }
}

@Suite("A database's file that is taken away")
struct ReplacedDatabaseTests {
  enum Act: String, CaseIterable, Sendable { case deleted, replaced }

  @Test(
    "during a run is told, and what is there now is left alone", arguments: Act.allCases,
    [JournalMode.wal, .delete])
  func taken(act: Act, mode: JournalMode) throws {
    let site = try Site()
    try site.sqlite("PRAGMA journal_mode = \(mode); CREATE TABLE mine (x); INSERT INTO mine VALUES (1)")
    try site.sqlite("CREATE TABLE other (x)", on: "other.db")
    try site.table("a", in: "0001-first/expand")
    let holder = try site.application()
    try holder.type("BEGIN IMMEDIATE; SELECT 'open';")
    #expect(holder.reaches { holder.output.contains("open") })
    let up = try site.start(["up", "-d", "shop.db", "--wait", "60s"])
    // It has the file open by then.
    #expect(up.reaches { up.errors.contains("0001/expand waits: ") }, "\(up.errors)")
    switch act {
    case .deleted: try site.remove("shop.db")
    case .replaced: #expect(try site.run("mv", "-f", "other.db", "shop.db").code == 0)
    }
    // The shell ends its transaction when its input ends.
    try holder.closeInput()
    _ = holder.outcome()
    let outcome = up.outcome()
    #expect(outcome.code == 3 && outcome.errors.contains("[database-replaced]"), "\(outcome.summary)")
    #expect(site.exists("shop.db") == (act == .replaced))
    for rest in ["shop.db-wal", "shop.db-shm", "shop.db-journal"] where site.exists(rest) {
      try site.remove(rest)
    }
    if act == .replaced {
      #expect(try site.sqlite("SELECT group_concat(name) FROM sqlite_schema") == "'other'\n")
    }
  }
}
