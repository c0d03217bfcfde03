import Foundation
import Testing

@testable import PhaseDBCommand

/// `effects`, and the lists of ways down, by the built program.
@Suite("Effects from the command line")
struct EffectsTests {
  /// A shop with an outbox, in which a phase with effects is up and two mails went out since.
  static func shop(down: String = "ALTER TABLE orders DROP COLUMN cents;") throws -> Site {
    let site = try Site()
    try site.phase(
      "0001-shop/expand",
      up: """
        CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, who TEXT, sent_at TEXT);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, total INT);
        CREATE TABLE slow (a INT);
        """, down: "DROP TABLE slow;\nDROP TABLE orders;\nDROP TABLE outbox;")
    try site.phase(
      "0002-cents/expand", up: "ALTER TABLE orders ADD COLUMN cents INT;", down: down,
      directives: [
        "@residual support: calls about it",
        "@effects outbox by id where sent_at IS NOT NULL: customer: mails with the new price",
      ])
    try site.expect(0, "up 1 -d shop.db")
    try site.sqlite("INSERT INTO outbox (who) VALUES ('ann'), ('bob')")
    try site.expect(0, "up -d shop.db")
    try site.sqlite(
      "UPDATE outbox SET sent_at = 't' WHERE id = 2; INSERT INTO outbox (who, sent_at) VALUES ('cem', 't'), ('dora', NULL)"
    )
    return site
  }

  private static let list = "shop.db-effects-0002-expand-3.csv"

  @Test("status, status PHASE, plan down and effects say the same")
  func shown() throws {
    let site = try Self.shop()
    let status = try site.expect(0, "status -d shop.db").output
    #expect(status.contains("effects   0002/expand: 2 rows of outbox: mails with the new price (customer)"))
    let phase = try site.expect(0, "status 0002 -d shop.db").output
    let lines = """
      customer  1 row of outbox, id 3: mails with the new price
                1 earlier row meets the condition only since

      """
    #expect(phase.contains(lines))
    let plan = try site.expect(0, "plan down -d shop.db").output
    #expect(plan.contains("2 side effects remain"))
    #expect(plan.contains("customers  0002/expand: 1 row of outbox, id 3: mails with the new price"))
    let effects = try site.expect(0, "effects 0002 -d shop.db").output
    #expect(effects.contains(lines))
    #expect(
      effects.contains(
        """
        outbox, mails with the new price:
        earlier  id  who    sent_at
        yes      2   'bob'  't'
                 3   'cem'  't'

        next: phasedb effects 0002/expand --format csv -d shop.db
        """), "\(effects)")
    // What did not happen does not remain.
    try site.sqlite("DELETE FROM outbox")
    let nothing = try site.expect(0, "effects 0002 -d shop.db").output
    #expect(nothing.contains("customer  0 rows of outbox: mails with the new price"))
    #expect(nothing.contains("2 rows that came since are not there any more, and not counted"))
    #expect(!(try site.expect(0, "status -d shop.db").output.contains("effects")))
  }

  @Test("JSON and CSV have every row, and the JSON is what the page says")
  func documents() throws {
    let site = try Self.shop()
    for line in ["effects 0002", "status", "plan down", "down"] {
      let outcome = try site.expect(0, "\(line) -d shop.db --format json")
      #expect(try JSONSchema.output.problems(in: outcome.output) == [], "\(outcome.output)")
      for event in outcome.errors.split(separator: "\n") {
        #expect(try JSONSchema.errors.problems(in: String(event)) == [], "\(event)")
      }
      if line == "down" {
        #expect(outcome.output.contains("\"effectRows\" : 2"))
        #expect(outcome.output.contains("/\(Self.list)\""))
        #expect(outcome.errors.contains("\"event\":\"effects\""))
      }
    }
    let gone = try site.expect(2, "effects 0002 -d shop.db")
    #expect(gone.errors.contains("not-applied"))
    #expect(gone.errors.contains("1 row of outbox, id 3 and 1 earlier; list "), "\(gone.errors)")
    let log = try site.expect(0, "log --check -d shop.db").output
    #expect(log.contains("effects  0002/expand"))
  }

  @Test("CSV on standard output is that of the list")
  func sameList() throws {
    let site = try Self.shop()
    let csv = try site.expect(0, "effects 0002 -d shop.db --format csv").output
    try site.expect(0, "down -d shop.db")
    #expect(try String(contentsOfFile: site.path(Self.list), encoding: .utf8) == csv)
    let records = csv.components(separatedBy: "\r\n")
    #expect(records.count == 4 && records[3].isEmpty)
  }

  @Test("killed between the list and the way down, the list is whole, and the phase and its count are there")
  func killed() throws {
    let site = try Self.shop(
      down: "SELECT count(*) FROM slow a, slow b, slow c;\nALTER TABLE orders DROP COLUMN cents;")
    try site.sqlite("INSERT INTO slow SELECT value FROM generate_series(1, 400)")
    let run = try site.start(["down", "-d", "shop.db"])
    #expect(run.reaches { site.exists(Self.list) })
    run.send(SIGKILL)
    #expect(run.outcome().signal == SIGKILL)
    let csv = try site.expect(0, "effects 0002 -d shop.db --format csv").output
    #expect(csv.components(separatedBy: "\r\n").count == 4)
    #expect(try String(contentsOfFile: site.path(Self.list), encoding: .utf8) == csv)
    #expect(!site.exists(Self.list + ".partial"))
    #expect(!(try site.expect(0, "log --check -d shop.db").output.contains("effects ")))
    // The next way down lists what came meanwhile, too.
    try site.sqlite("DELETE FROM slow; INSERT INTO outbox (who, sent_at) VALUES ('eve', 't')")
    try site.expect(0, "down -d shop.db")
    let again = try String(
      contentsOfFile: site.path(Self.list.replacing(".csv", with: "-2.csv")), encoding: .utf8)
    #expect(again.components(separatedBy: "\r\n").count == 5)
    #expect(try String(contentsOfFile: site.path(Self.list), encoding: .utf8) == csv)
    #expect(try site.sqlite("PRAGMA integrity_check") == "'ok'\n")
  }

  @Test("--effects and effectsFolder name the place, and make it for the owner only")
  func places() throws {
    let site = try Self.shop()
    try site.write("{ effectsFolder: 'from-settings' }", to: "phasedb.json")
    try site.expect(0, "down -d shop.db")
    #expect(site.exists("from-settings/\(Self.list)"))
    let mode = try site.run("stat", "-c", "%a", "from-settings", "from-settings/\(Self.list)").output
    #expect(mode == "700\n600\n")
    try site.expect(0, "up -d shop.db")
    try site.sqlite("UPDATE outbox SET sent_at = 'u'; INSERT INTO outbox (who, sent_at) VALUES ('eve', 't')")
    try site.expect(0, "down -d shop.db --effects lists")
    let names = try FileManager.default.contentsOfDirectory(atPath: site.path("lists"))
    #expect(names.count == 1 && names[0].hasPrefix("shop.db-effects-0002-expand-"))
  }

  @Test(
    "a full disk refuses the way down before anything changed",
    .enabled(if: Surroundings.canMount, "no file system can be mounted"))
  func fullDisk() throws {
    let site = try Self.shop()
    try site.makeFolder("lists")
    try site.mount("lists", kilobytes: 16)
    _ = try site.run("sh", "-c", "head -c 1000000 /dev/zero > lists/filler")
    let before = try DatabaseContents(of: site, database: "shop.db")
    let outcome = try site.expect(2, "down -d shop.db --effects lists")
    #expect(outcome.errors.contains("No space left on device [effects-unwritten]"), "\(outcome.errors)")
    #expect(outcome.errors.contains("or go on without it: --override effects --reason"))
    #expect(try DatabaseContents(of: site, database: "shop.db") == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: site.path("lists")) == ["filler"])
    let loud = try site.phasedb("down -d shop.db --effects lists --override effects --reason night")
    #expect(loud.code == 0)
    #expect(loud.errors.contains("note: 2 rows of what 0002/expand caused are not listed"), "\(loud.errors)")
  }

  @Test("rows from strangers do not act on a terminal, in JSON or in the log")
  func hostile() throws {
    let site = try Self.shop()
    try site.sqlite(
      "INSERT INTO outbox (who, sent_at) VALUES (char(27) || '[31m', char(10) || '::error::x')")
    for line in ["effects 0002", "effects 0002 --format json", "status 0002", "plan down", "down", "log"] {
      let outcome = try site.expect(0, "\(line) -d shop.db")
      #expect(!outcome.output.unicodeScalars.contains("\u{1B}"), "\(line)")
      #expect(!outcome.output.contains("\n::error"), "\(line)")
    }
  }
}
