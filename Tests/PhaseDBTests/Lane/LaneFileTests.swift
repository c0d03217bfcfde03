import Testing

@testable import PhaseDB

/// `@lane` as files spell it, and `lanes` of phasedb.json.
@Suite("Lanes in files")
struct LaneFileTests {
  private static func text(_ lines: String, watch: Bool = false) -> String {
    let probe = watch ? "-- @probe checkout\n" : ""
    let watching = watch ? "-- @watch 30m every 30s\n" : ""
    return
      "-- @window app >=1.0\n\(watching)\(lines)\n-- @up\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;\n\(probe)"
  }

  @Test(
    "a lane is read, written again and part of what the phase is",
    arguments: [
      ("-- @lane mail idle within 60s", [LaneUse("mail", within: .seconds(60))]),
      (
        "-- @lane hooks empty within 5m through watch",
        [LaneUse("hooks", .empty, within: .seconds(300), throughWatch: true)]
      ),
      (
        "-- @lane mail idle within 1m\n-- @lane \"ex \"\"ports\"\" ☂\" idle within 500ms",
        [
          LaneUse("mail", within: .seconds(60)), LaneUse("ex \"ports\" ☂", within: .milliseconds(500)),
        ]
      ),
      (
        "--\t@lane\tmail\tidle\twithin\t1s\tthrough\twatch",
        [LaneUse("mail", within: .seconds(1), throughWatch: true)]
      ),
    ])
  func reads(lines: String, lanes: [LaneUse]) throws {
    let phase = try PhaseFile.read(Self.text(lines, watch: true), file: "expand.sql", kind: .expand)
    #expect(phase.lanes == lanes)
    let again = try PhaseFile.read(PhaseFile.render(phase), file: "expand.sql", kind: .expand)
    #expect(again.lanes == lanes)
    #expect(again.tokenHash == phase.tokenHash)
    let without = try PhaseFile.read(Self.text("", watch: true), file: "expand.sql", kind: .expand)
    #expect(without.tokenHash != phase.tokenHash)
  }

  @Test(
    "what is not a lane says what is wrong, and where",
    arguments: [
      ("-- @lane", "@lane names no lane", 2, 4),
      ("-- @lane mail", "@lane mail does not say how quiet it must be", 2, 4),
      ("-- @lane mail quiet within 1s", "'idle' or 'empty' is expected here", 2, 15),
      ("-- @lane mail idle", "@lane mail does not say how long that may take", 2, 4),
      ("-- @lane mail idle for 1s", "'within' is expected here", 2, 20),
      ("-- @lane mail idle within", "'within' is not a duration", 2, 20),
      ("-- @lane mail idle within soon", "'soon' is not a duration", 2, 27),
      ("-- @lane mail idle within 0s", "no lane is quiet within no time", 2, 27),
      ("-- @lane mail idle within 1s through", "'through watch' or nothing is expected here", 2, 30),
      ("-- @lane mail idle within 1s please", "'through watch' or nothing is expected here", 2, 30),
      ("-- @lane mail idle within 1s\n-- @lane mail empty within 1s", "a second @lane mail", 3, 10),
      (
        "-- @lane mail idle within 1s through watch",
        "@lane mail is held through the watch, and the phase has no @watch", 2, 4
      ),
    ])
  func refuses(lines: String, message: String, line: Int, column: Int) throws {
    let error = try #require(
      migrationError { try PhaseFile.read(Self.text(lines), file: "expand.sql", kind: .expand) })
    #expect(error.id == .badDirective)
    #expect(error.message.raw == message)
    #expect(error.place?.line == line)
    #expect(error.place?.column == column)
    #expect(!error.help.isEmpty)
  }

  // MARK: - Settings

  private static func read(_ lanes: String) throws -> [String: LaneSettings] {
    let folder = try TemporaryFolder(["phasedb.json": "{ lanes: { \(lanes) } }"])
    return try Settings.read(path: folder.path + "/phasedb.json").lanes.mapValues { lane in
      var lane = lane
      lane.database = lane.database?.replacing(folder.path, with: "HERE")
      lane.hold = lane.hold?.map { $0.replacing(folder.path, with: "HERE") }
      lane.release = lane.release?.map { $0.replacing(folder.path, with: "HERE") }
      return lane
    }
  }

  @Test("the lanes of the page are read: paths and programs from the settings' folder")
  func settings() throws {
    let lanes = try Self.read(
      """
      mail: { kind: 'solid-queue', queue: 'mailers', database: 'storage/queue.sqlite3' },
      hooks: { claim: "UPDATE OF state ON outbox WHEN NEW.state = 'sending'",
               busy: "SELECT count(*) FROM outbox WHERE state = 'sending'",
               waiting: "SELECT count(*) FROM outbox WHERE state = 'ready'" },
      erp: { hold: ['bin/erp', 'pause'], release: ['bin/erp', 'resume'], busy: ['erp', 'inflight'], timeout: '9s' },
      slow: { kind: 'huey', wait: '30s' },
      exports: { kind: 'plainjob', queue: 'export', hold: ['q', 'stop'], release: ['q', 'start'] },
      """)
    #expect(lanes["mail"]?.kind == .solidQueue)
    #expect(lanes["mail"]?.database == "HERE/storage/queue.sqlite3")
    #expect(lanes["hooks"]?.busy == .query("SELECT count(*) FROM outbox WHERE state = 'sending'"))
    #expect(lanes["erp"]?.hold == ["HERE/bin/erp", "pause"])
    #expect(lanes["erp"]?.busy == .command(["erp", "inflight"]))
    #expect(lanes["erp"]?.timeout == .seconds(9))
    #expect(lanes["slow"]?.wait == .seconds(30))
    #expect(lanes["exports"]?.release == ["q", "start"])
  }

  @Test(
    "what does not describe a lane is refused with its key",
    arguments: [
      ("mail: 1", "'lanes.mail' is not an object"),
      ("mail: {}", "'lanes.mail' does not say how it is held"),
      ("mail: { kind: 'sidekiq' }", "'lanes.mail.kind': 'sidekiq' is not a kind of lane"),
      ("mail: { kind: 7 }", "'lanes.mail.kind' is not a text"),
      ("mail: { kind: 'plainjob' }", "'lanes.mail': plainjob cannot be held by a trigger"),
      ("mail: { kind: 'huey' }", "'lanes.mail' does not show what is in flight"),
      ("mail: { kind: 'litejob', waiting: 'SELECT 1' }", "'lanes.mail' does not show what is in flight"),
      ("mail: { kind: 'river', wait: 'soon' }", "'lanes.mail.wait' is not a duration"),
      ("mail: { kind: 'river', timeout: '0s' }", "'lanes.mail.timeout' is not a duration"),
      ("mail: { claim: 'DELETE ON t' }", "'lanes.mail' does not show what is in flight"),
      (
        "mail: { claim: 'DROP TABLE t', busy: 'SELECT 0' }",
        "'lanes.mail.claim': 'DROP TABLE t' is not a claim"
      ),
      ("mail: { claim: 'DELETE ON t', busy: 'SELECT 0; SELECT 1' }", "'lanes.mail.busy' is not one SELECT"),
      ("mail: { claim: 'DELETE ON t', busy: [] }", "'lanes.mail.busy' is not an array of a program"),
      ("mail: { claim: 'DELETE ON t', kind: 'river', busy: 'SELECT 0' }", "says in 2 ways how it is held"),
      ("mail: { hold: ['a'], busy: 'SELECT 0' }", "has one of hold and release, and not the other"),
      (
        "mail: { hold: 'a b', release: ['c'], busy: 'SELECT 0' }",
        "'lanes.mail.hold' is not an array of a program"
      ),
      (
        "mail: { hold: ['a'], release: ['c'], busy: 'SELECT 0', queue: 'x' }",
        "'lanes.mail.queue' belongs to a kind"
      ),
      ("mail: { kind: 'river', que: 'x' }", "unknown key 'lanes.mail.que'"),
      ("'': { kind: 'river' }", "the name of a lane is empty"),
      (
        "mail: { kind: 'river' }, Mail: { kind: 'oban-lite' }",
        "'lanes.Mail' and 'lanes.mail' differ only in case"
      ),
    ])
  func refusesSettings(lanes: String, message: String) throws {
    let error = try #require(migrationError { try Self.read(lanes) })
    #expect(error.id == .badSettings)
    #expect(error.message.contains(message), "\(error.message)")
    #expect(!error.help.isEmpty)
  }
}
