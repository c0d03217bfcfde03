import Foundation
import Testing

@testable import PhaseDBCommand

/// Lanes from the command line, by the built program with real commands.
@Suite("Lanes from the command line")
struct LaneCommandTests {
  static let settings = """
    hooks: { claim: "UPDATE OF state ON outbox WHEN NEW.state = 'sending'",
             busy: "SELECT count(*), 12 FROM outbox WHERE state = 'sending'",
             waiting: "SELECT count(*) FROM outbox WHERE state = 'ready'" }
    """

  /// A shop with an outbox in which one job is ready, and a phase that holds it.
  static func shop(
    _ lanes: String = settings, lane: String = "@lane hooks idle within 30s",
    up: String = "ALTER TABLE orders ADD COLUMN note TEXT;", job: String = "ready"
  ) throws -> Site {
    let site = try Site()
    try site.phase(
      "0001-shop/expand",
      up:
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER); CREATE TABLE outbox (id INTEGER PRIMARY KEY, state TEXT);",
      down: "DROP TABLE outbox; DROP TABLE orders;")
    try site.write("{ lanes: { \(lanes) } }", to: "phasedb.json")
    try site.expect(0, "up -d shop.db")
    _ = try site.sqlite("INSERT INTO outbox (state) VALUES ('\(job)')")
    try site.phase(
      "0002-note/expand", up: up, down: "ALTER TABLE orders DROP COLUMN note;",
      directives: lane.components(separatedBy: "\n-- "))
    return site
  }

  /// How many jobs a worker gets now.
  static func work(_ site: Site) throws -> String {
    try site.sqlite(
      "PRAGMA busy_timeout = 5000; UPDATE outbox SET state = 'sending' WHERE state = 'ready' RETURNING id;"
    ).split(separator: "\n").dropFirst().joined()
  }

  static func isOpen(_ site: Site) throws -> Bool {
    try site.sqlite("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'") == "0\n"
      && site.sqlite("SELECT count(*) FROM phasedb_lane WHERE state <> 'open'") == "0\n"
  }

  @Test("the plan, the run, the log, the status and the documents tell of it")
  func told() throws {
    let site = try Self.shop(job: "sending")
    let plan = try site.expect(0, "plan -d shop.db")
    #expect(plan.output.contains("lane: 0002/expand holds hooks, idle within 30s"))
    #expect(
      try site.expect(0, "plan -d shop.db --format json").output.contains("\"withinMilliseconds\" : 30000"))
    let run = try site.start(["up", "-d", "shop.db"])
    #expect(run.reaches { run.errors.contains("waiting for lane hooks: 1 job in flight, oldest 12 s") })
    let status = try site.phasedb("status -d shop.db").output
    #expect(status.contains("hooks: about to be held for 0002/expand"))
    #expect(status.contains("open by itself at"))
    _ = try site.sqlite("PRAGMA busy_timeout = 5000; UPDATE outbox SET state = 'sent'")
    let outcome = run.outcome()
    #expect(outcome.code == 0, "\(outcome.summary)")
    #expect(outcome.output.contains("lane hooks is quiet and held for 0002/expand, after"))
    #expect(outcome.output.contains("lane hooks is open again"))
    #expect(try site.expect(0, "log -d shop.db").output.contains("held for 0002/expand"))
    #expect(try site.expect(0, "status 0002 -d shop.db").output.contains("hooks, idle within 30s"))
    let events = try site.expect(0, "down -d shop.db --format json")
    #expect(events.errors.contains("\"event\":\"lane-held\""))
    #expect(events.errors.contains("\"event\":\"lane-opened\""))
    #expect(try Self.isOpen(site))
    try site.expect(0, "verify -d shop.db")
  }

  @Test("too slow: exit code 2, the count, and the lane is open; the gate can be overridden with a reason")
  func tooSlow() throws {
    let site = try Self.shop(lane: "@lane hooks idle within 300ms", job: "sending")
    let refused = try site.expect(2, "up -d shop.db")
    #expect(refused.errors.contains("[lane-not-idle]"))
    #expect(refused.errors.contains("1 job in flight, oldest 12 s"))
    #expect(try Self.isOpen(site))
    try site.expect(2, "up -d shop.db --override lane")
    let run = try site.start(["up", "-d", "shop.db", "--override", "lane", "--reason", "nobody reads them"])
    #expect(run.outcome().code == 0)
    #expect(try site.expect(0, "log -d shop.db").output.contains("nobody reads them"))
  }

  @Test("lane list, hold and release; what they need and do not take")
  func byHand() throws {
    let site = try Self.shop()
    let none = try site.expect(0, "lane -d shop.db")
    #expect(none.output.contains("hooks  open"))
    try site.expect(64, "lane hold hooks -d shop.db")
    try site.expect(64, "lane hold hooks --for 10m -d shop.db")
    try site.expect(64, "lane hold hooks --for 0s --reason x -d shop.db")
    try site.expect(64, "lane release -d shop.db")
    try site.expect(64, "lane list --for 10m -d shop.db")
    let held = try site.start([
      "lane", "hold", "hooks", "--for", "10m", "--reason", "it's down", "-d", "shop.db",
    ]).outcome()
    #expect(held.code == 0, "\(held.summary)")
    #expect(held.output.contains("hooks: held by hand until"))
    #expect(try Self.work(site) == "")
    let json = try site.expect(0, "lane list -d shop.db --format json").output
    #expect(json.contains("\"state\" : \"held\""))
    #expect(json.contains("\"reason\" : \"it's down\""))
    #expect(json.contains("\"waiting\" : 1"))
    let released = try site.start(["lane", "release", "hooks", "--reason", "up again", "-d", "shop.db"])
      .outcome()
    #expect(released.code == 0)
    #expect(try Self.isOpen(site))
    #expect(try Self.work(site) == "1")
    let again = try site.start(["lane", "release", "hooks", "--reason", "up again", "-d", "shop.db"])
      .outcome()
    #expect(again.code == 2)
    #expect(again.errors.contains("[lane-not-held]"))
    let unknown = try site.start(["lane", "hold", "hook", "--for", "1m", "--reason", "x", "-d", "shop.db"])
      .outcome()
    #expect(unknown.errors.contains("did you mean 'hooks'?"))
    #expect(try site.expect(0, "completions names lane").output == "hooks\n")
  }

  @Test("SIGINT while it waits lets the lane go")
  func interrupted() throws {
    let site = try Self.shop(job: "sending")
    let run = try site.start(["up", "-d", "shop.db"])
    #expect(run.reaches { run.errors.contains("waiting for lane hooks") })
    run.send(SIGINT)
    let outcome = run.outcome()
    #expect(outcome.errors.contains("[interrupted]"))
    #expect(try Self.isOpen(site))
    #expect(try Self.work(site) == "")
  }

  /// Where phasedb is killed.
  enum Moment: String, CaseIterable, Sendable {
    case holding, waiting, running, releasing
  }

  @Test(
    "SIGKILL at each step: status says so, and the next command lets the lane go", arguments: Moment.allCases)
  func killed(moment: Moment) throws {
    // Each command says that it is there, and takes long if it is to.
    let command = { (name: String) in
      #"["sh", "-c", "echo \#(name) >> calls; test ! -e slow-\#(name) || sleep 30"]"#
    }
    let site = try Self.shop(
      "\(Self.settings), erp: { hold: \(command("hold")), release: \(command("release")), busy: ['echo', '0'], timeout: '40s' }",
      lane: "@lane erp idle within 30s\n-- @lane hooks idle within 30s",
      up: moment == .running
        ? "ALTER TABLE orders ADD COLUMN note TEXT; INSERT INTO orders (total) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900000000) SELECT max(i) FROM n;"
        : "ALTER TABLE orders ADD COLUMN note TEXT;", job: moment == .waiting ? "sending" : "ready")
    if moment == .holding { try site.write("", to: "slow-hold") }
    if moment == .releasing { try site.write("", to: "slow-release") }
    let run = try site.start(["up", "-d", "shop.db"])
    let hasCome = run.reaches {
      let calls = (try? String(contentsOfFile: site.path("calls"), encoding: .utf8)) ?? ""
      return switch moment {
      case .holding: calls.contains("hold")
      case .waiting: run.errors.contains("waiting for lane hooks")
      case .running: run.output.contains("lane hooks is quiet")
      case .releasing: calls.contains("release")
      }
    }
    #expect(hasCome, "\(run.output)\(run.errors)")
    if moment == .running { Thread.sleep(forTimeInterval: 0.2) }
    run.send(SIGKILL)
    _ = run.outcome()
    for name in ["slow-hold", "slow-release"] where site.exists(name) { try site.remove(name) }
    let isApplied = moment == .releasing
    let status = try site.phasedb("status -d shop.db").output
    #expect(status.contains("whoever held it is gone"), "\(status)")
    #expect(status.contains("phasedb lane release"))
    try site.write("", to: "calls")
    if moment == .waiting { _ = try site.sqlite("UPDATE outbox SET state = 'ready'") }
    if moment == .running {
      try site.phase(
        "0002-note/expand", up: "ALTER TABLE orders ADD COLUMN note TEXT;",
        down: "ALTER TABLE orders DROP COLUMN note;",
        directives: ["@lane erp idle within 30s", "@lane hooks idle within 30s"])
    }
    let next = try site.expect(0, "up -d shop.db")
    #expect(next.output.contains("applied  ") != isApplied)
    #expect(try String(contentsOfFile: site.path("calls"), encoding: .utf8).contains("release"))
    #expect(try Self.isOpen(site))
    #expect(try Self.work(site) == "1")
    try site.expect(0, "verify -d shop.db")
  }

  @Test("a lane that could not be let go is told of once, also quietly, and what to type is quoted")
  func stuck() throws {
    for words in ["up -d shop.db", "up -q -d shop.db", "up -q -d shop.db --format json"] {
      let site = try Self.shop(
        "'my mail': { hold: ['true'], release: ['false'], busy: ['echo', '0'] }",
        lane: "@lane \"my mail\" idle within 5s")
      let outcome = try site.expect(0, words)
      #expect(outcome.errors.components(separatedBy: "could not be let go").count == 2, "\(outcome.errors)")
      #expect(!outcome.errors.contains("lane my mail: lane my mail"))
      let command = "phasedb lane release 'my mail' --reason"
      let errors = outcome.errors.components(separatedBy: .whitespacesAndNewlines).joined(separator: " ")
      #expect(errors.contains(command), "\(outcome.errors)")
      #expect(try site.phasedb("status -d shop.db").output.contains(command))
    }
  }

  @Test("a lane whose trigger somebody dropped is shown as open, with what to type")
  func unheld() throws {
    let site = try Self.shop()
    try site.expect(0, "lane hold hooks --for 10m --reason down -d shop.db")
    _ = try site.sqlite("DROP TRIGGER phasedb_lane_hooks")
    for line in ["lane list -d shop.db", "status -d shop.db"] {
      let output = try site.phasedb(line).output
      #expect(output.contains("hooks: open; the ledger says held by hand until"), "\(output)")
      #expect(output.contains("hold it again: phasedb lane hold hooks --for 10m --reason"), "\(output)")
    }
    #expect(try site.expect(0, "lane list -d shop.db --format json").output.contains("\"state\" : \"open\""))
  }

  @Test("commands that fail, hang or print no number end the run, and the lane is let go")
  func commands() throws {
    for (busy, says) in [
      (#"["false"]"#, "erp cannot be looked at"), (#"["echo", "many"]"#, "its last line is no number"),
      (#"["sleep", "60"]"#, "it took longer than 300ms"), (#"["no-such-program"]"#, "cannot be run"),
    ] {
      let site = try Self.shop(
        "erp: { hold: ['sh', '-c', 'echo hold >> calls'], release: ['sh', '-c', 'echo release >> calls'], busy: \(busy), timeout: '300ms' }",
        lane: "@lane erp idle within 5s")
      let outcome = try site.expect(2, "up -d shop.db")
      #expect(outcome.errors.contains(says), "\(outcome.errors)")
      #expect(try String(contentsOfFile: site.path("calls"), encoding: .utf8) == "hold\nrelease\n")
      #expect(try Self.isOpen(site))
    }
  }
}
