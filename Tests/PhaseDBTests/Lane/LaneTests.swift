import Foundation
import PhaseSQLite
import Synchronization
import Testing

@testable import PhaseDB

/// Phases that hold lanes, on real databases.
@Suite("Lanes")
struct LaneTests {
  // MARK: - The order

  @Test(
    "a lane is held, quiet, kept through the phase and opened, in both directions and both files",
    arguments: [false, true])
  func order(isBeside: Bool) throws {
    let shop = try LaneShop(isBeside: isBeside)
    let catalog = try shop.catalog(LaneShop.phase())
    let before = try shop.database.snapshot()
    for (selection, applied) in [(Selection.upAll, 2), (.down(1), 1)] {
      let error = try shop.run(selection, catalog) { event in
        if case .began = event { return nil }
        return "\(try shop.work())"
      }
      #expect(error == nil)
      #expect(shop.events == ["held (0)", "committed (0)", "open (1)"])
      #expect(try shop.database.applied().count == applied)
      #expect(try shop.isOpen())
      try shop.worker().execute("UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
      try shop.worker().execute("INSERT INTO outbox (state) VALUES ('ready'), ('ready')")
    }
    #expect(try shop.database.snapshot()?.schema == before?.schema)
    #expect(LogEntry.broken(in: try shop.migrator(catalog).log()).isEmpty)
  }

  @Test("what is in flight is waited for, and then nothing is begun")
  func waits() throws {
    let shop = try LaneShop("('sending'), ('ready')")
    let catalog = try shop.catalog(LaneShop.phase(lanes: [LaneUse("hooks", within: .seconds(20))]))
    var looks = 0
    let error = try shop.run(.upAll, catalog) { event in
      guard case .laneBusy = event else { return nil }
      looks += 1
      if looks == 2 { try shop.worker().execute("UPDATE outbox SET state = 'sent' WHERE state = 'sending'") }
      return "\(try shop.work())"
    }
    #expect(error == nil)
    #expect(shop.events == ["in-flight 1 (0)", "in-flight 1 (0)", "held", "committed", "open"])
    #expect(try shop.states() == "sent ready")
  }

  @Test("a lane that does not become quiet is opened, and the error counts what was in flight")
  func tooSlow() throws {
    let shop = try LaneShop("('sending'), ('sending'), ('ready')")
    let catalog = try shop.catalog(LaneShop.phase())
    let error = try #require(try shop.run(.upAll, catalog))
    #expect(error.id == .laneNotIdle)
    #expect(error.standing == .unchanged)
    #expect(error.message.raw == "lane hooks was not idle within 300ms: 2 jobs in flight, oldest 12 s")
    #expect(try shop.database.applied() == ["0001/expand"])
    #expect(error.help.first?.raw == "see what these jobs do: phasedb lane list")
    #expect(error.help.contains { $0.contains("@lane hooks idle within 1500ms") })
    #expect(try shop.isOpen())
    #expect(try shop.work() == 1)
    // Whoever takes it on themselves goes on without.
    #expect(try shop.run(.upAll, catalog, shop.options(override: [.lane])) == nil)
    #expect(shop.events == ["committed"])
    let down = try #require(try shop.run(.down(1), catalog))
    #expect(down.id == .laneNotIdle)
    // The text of the ledger counts, so that editing the phase would change nothing.
    #expect(!down.help.contains { $0.contains("@lane") })
    #expect(down.help.contains { $0.contains("--override lane") })
    #expect(try shop.run(.down(1), catalog, shop.options(override: [.lane])) == nil)
    #expect(
      try shop.migrator(catalog).log().contains { $0.action == "override" && $0.detail.contains("a test") })
  }

  @Test("empty waits with the lane open, and holds it in a moment in which nothing waits")
  func empty() throws {
    let shop = try LaneShop("('ready'), ('ready')")
    let catalog = try shop.catalog(LaneShop.phase(lanes: [LaneUse("hooks", .empty, within: .seconds(20))]))
    let error = try shop.run(.upAll, catalog) { event in
      switch event {
      case .laneQueued: _ = try shop.work()
      case .laneBusy: break
      default: return nil
      }
      try shop.worker().execute("UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
      return nil
    }
    #expect(error == nil)
    #expect(shop.events == ["waiting 2", "waiting 1", "held", "committed", "open"])
    let late = try LaneShop()
    let error2 = try #require(
      try late.run(
        .upAll, late.catalog(LaneShop.phase(lanes: [LaneUse("hooks", .empty, within: .milliseconds(200))]))))
    #expect(error2.id == .laneNotIdle)
    #expect(error2.message.raw.hasSuffix("2 jobs waiting"))
    #expect(try late.isOpen())
  }

  @Test("phases that share a lane hold it once, and one that does not need it lets it go")
  func shared() throws {
    let shop = try LaneShop()
    let catalog = try Catalog([
      Migration(MigrationName("0001-first"), phases: [nothing(.expand)]),
      Migration(
        MigrationName("0002-a"),
        phases: [
          LaneShop.phase(), try LaneShop.phase(.migrate, "SELECT 1", down: "SELECT 1"),
        ]),
      Migration(MigrationName("0003-b"), phases: [table("b")]),
      Migration(
        MigrationName("0004-c"), phases: [LaneShop.phase(.expand, "CREATE TABLE c (a)", down: "DROP TABLE c")]
      ),
    ])
    #expect(try shop.run(.upAll, catalog) == nil)
    #expect(
      shop.events == [
        "held", "committed", "committed", "open", "committed", "held", "committed", "open",
      ])
    #expect(try shop.run(.down(4), catalog) == nil)
    #expect(shop.events.filter { $0 == "held" }.count == 2)
    #expect(try shop.database.connect(.readOnly).value("SELECT count(*) FROM phasedb_lease") == .integer(0))
  }

  // MARK: - The phase's own SQL

  @Test("the phase's own SQL on the queue's table is not ignored, and afterwards the lane is held again")
  func ownSQL() throws {
    let shop = try LaneShop()
    let catalog = try shop.catalog(
      LaneShop.phase(
        .migrate, "UPDATE outbox SET state = 'sending' WHERE id = 1",
        down: "UPDATE outbox SET state = 'ready' WHERE id = 1"))
    let error = try shop.run(.upAll, catalog) { event in
      if case .committed = event { return "\(try shop.work())" }
      return nil
    }
    #expect(error == nil)
    #expect(shop.events == ["held", "committed (0)", "open"])
    #expect(try shop.states() == "sending ready")
    try shop.worker().execute("UPDATE outbox SET state = 'ready' WHERE id = 2")
    #expect(try #require(try shop.run(.down(1), catalog)).id == .laneNotIdle)
  }

  @Test("a phase that does not name a lane which somebody holds by hand is not held by it either")
  func byHandAndOwnSQL() throws {
    let shop = try LaneShop()
    let catalog = try shop.catalog(
      LaneShop.phase(
        .migrate, "UPDATE outbox SET state = 'sending' WHERE id = 1",
        down: "UPDATE outbox SET state = 'ready' WHERE id = 1", lanes: []))
    _ = try shop.migrator(catalog).holdLane("hooks", for: .seconds(600), reason: "provider is down")
    #expect(try shop.work() == 0)
    #expect(try shop.run(.upAll, catalog) == nil)
    #expect(try shop.states() == "sending ready")
    #expect(try shop.work() == 0)
    #expect(try shop.migrator(catalog).verify().isClean)
  }

  @Test("a phase may rebuild the queue's own table: its trigger comes back on the new one")
  func rebuild() throws {
    let shop = try LaneShop()
    let up = """
      CREATE TABLE o2 (id INTEGER PRIMARY KEY, state TEXT NOT NULL DEFAULT 'ready', note TEXT, tries INT);
      INSERT INTO o2 (id, state, note) SELECT id, state, note FROM outbox;
      DROP TABLE outbox;
      ALTER TABLE o2 RENAME TO outbox;
      """
    let down = """
      CREATE TABLE o1 (id INTEGER PRIMARY KEY, state TEXT NOT NULL DEFAULT 'ready', note TEXT);
      INSERT INTO o1 (id, state, note) SELECT id, state, note FROM outbox;
      DROP TABLE outbox;
      ALTER TABLE o1 RENAME TO outbox;
      """
    let catalog = try shop.catalog(LaneShop.phase(.contract, up, down: down))
    for selection in [Selection.upAll, .down(1)] {
      let error = try shop.run(selection, catalog) { event in
        if case .committed = event { return "\(try shop.work())" }
        return nil
      }
      #expect(error == nil)
      #expect(shop.events == ["held", "committed (0)", "open"])
      #expect(try shop.isOpen())
    }
    #expect(try shop.states() == "ready ready")
  }

  @Test(
    "a phase that takes the queue away says that its lane cannot be held any more, and is refused if a watch needs it"
  )
  func dropped() throws {
    let shop = try LaneShop("('sent')")
    let catalog = try shop.catalog(
      LaneShop.phase(.contract, "DROP TABLE outbox", down: LaneShop.outbox))
    #expect(try shop.run(.upAll, catalog) == nil)
    #expect(
      shop.events.contains("absent: lane hooks cannot be held on the new schema, so it is open"))
    #expect(try shop.isOpen())
    let other = try LaneShop("('sent')")
    let watched = try other.catalog(
      LaneShop.phase(
        .contract, "DROP TABLE outbox", down: LaneShop.outbox,
        lanes: [LaneUse("hooks", within: .seconds(1), throughWatch: true)],
        watch: Watch(for: .seconds(60), every: .seconds(60))))
    let options = other.options { $0.probes["checkout"] = Options.ProbeSource { _ in .passes } }
    #expect(try other.run(.upAll, watched, options)?.id == .laneLost)
    #expect(try other.database.applied() == ["0001/expand"])
    #expect(try other.isOpen())
  }

  struct Away: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let up: String
    let down: String
    let why: String
  }

  @Test(
    "a phase that took the table or the column of its lane away comes down without it, and says so",
    arguments: [
      Away(
        testDescription: "table", up: "DROP TABLE outbox", down: LaneShop.outbox,
        why: "no such table: outbox"),
      Away(
        testDescription: "column", up: "ALTER TABLE outbox RENAME COLUMN state TO status",
        down: "ALTER TABLE outbox RENAME COLUMN status TO state", why: "no such column: state"),
    ])
  func comesDownWithout(row: Away) throws {
    let shop = try LaneShop("('sent')")
    let catalog = try shop.catalog(
      LaneShop.phase(), LaneShop.phase(.contract, row.up, down: row.down))
    #expect(try shop.run(.upAll, catalog) == nil)
    // On the way up it stays an error.
    #expect(
      migrationError { try shop.migrator(catalog).holdLane("hooks", for: .seconds(9), reason: "x") } != nil)
    let note =
      "0002/contract comes down without holding lane hooks: a table or a column of its queue is not there, so it is open (\(row.why))"
    let plan = try shop.migrator(catalog).plan(.down(2))
    #expect(plan.notes.map(\.raw).contains(note))
    #expect(plan.steps.map { plan.lanes(of: $0).count } == [0, 1])
    #expect(try shop.run(.down(2), catalog) == nil)
    // The plan has told of it.
    #expect(shop.events == ["committed", "held", "committed", "open"])
    #expect(try shop.database.applied() == ["0001/expand"])
    #expect(try shop.isOpen())
  }

  @Test("batches that write the queue's table are not ignored, and nothing is claimed between two of them")
  func batches() throws {
    let shop = try LaneShop("('old')" + String(repeating: ", ('old')", count: 199) + ", ('ready')")
    let catalog = try shop.catalog(
      LaneShop.phase(
        .migrate,
        "UPDATE outbox SET state = 'sending', note = 'x' WHERE state = 'old' AND id BETWEEN :first AND :last",
        down:
          "UPDATE outbox SET state = 'old', note = NULL WHERE note = 'x' AND id BETWEEN :first AND :last",
        lanes: [LaneUse("quiet", within: .seconds(1))], batch: Batching(table: "outbox")))
    // What the phase makes of the rows would count as work in flight.
    shop.lanes["quiet"] = try Lane(
      claim: LaneShop.claim.replacing("OLD.state = 'ready'", with: "OLD.state <> 'x'"), busy: nil)
    var claimed = 0
    let options = shop.options { $0.pacing.maximumRows = 20 }
    let error = try shop.run(.upAll, catalog, options) { event in
      switch event {
      case .batchCommitted, .committed, .laneHeld: claimed += try shop.work()
      default: break
      }
      return nil
    }
    #expect(error == nil)
    #expect(claimed == 0)
    #expect(
      try shop.worker().value("SELECT count(*) FROM outbox WHERE state = 'sending'") == .integer(200))
    #expect(try shop.isOpen())
    #expect(try shop.run(.down(1), catalog, options) == nil)
    #expect(try shop.worker().value("SELECT count(*) FROM outbox WHERE state = 'old'") == .integer(200))
    #expect(try shop.isOpen())
  }

  // MARK: - What nobody may see of it

  @Test("a held lane is no drift, no object from outside, and not in a copy")
  func unseen() throws {
    let shop = try LaneShop()
    let catalog = try shop.catalog(LaneShop.phase())
    let before = try Schema(of: shop.database.connect(.readOnly)).digest
    let migrator = try shop.migrator(catalog)
    _ = try migrator.holdLane("hooks", for: .seconds(600), reason: "a test")
    #expect(try Schema(of: shop.database.connect(.readOnly)).digest == before)
    let status = try shop.migrator(catalog).status()
    #expect(status.drift.isEmpty)
    #expect(status.gates.isEmpty)
    #expect(status.lanes.map(\.name) == ["hooks"])
    #expect(try shop.migrator(catalog).verify().isClean)
    // A rehearsal applies the phase on a copy, where a trigger would stand in its way.
    let report = try shop.migrator(catalog).rehearse()
    #expect(report.isClean)
    let folder = try PrivateFolder(in: shop.database.folder.path, isKnown: true)
    let copy = try DatabaseCopy(
      of: shop.database.connect(.readOnly), as: "copy.db", in: folder,
      for: DatabaseCopy.Purpose(spare: { _ in 0 }) { place, why in
        MigrationError(.copyFailed, "\(place) \(why)")
      },
      shouldGoOn: { true })
    let names = try Connection(path: copy.path, mode: .readOnly).rows("SELECT name FROM sqlite_schema").map {
      $0[0]
    }
    #expect(!names.contains { $0.text?.hasPrefix(LaneTrigger.prefix) == true })
    try shop.migrator(catalog).releaseLane("hooks", reason: "done")
    #expect(try shop.isOpen())
  }

  // MARK: - By hand, and after a crash

  @Test(
    "by hand: held until a moment, shown, kept through a run, let go; a second release says that nothing is held"
  )
  func byHand() throws {
    let shop = try LaneShop()
    let catalog = try shop.catalog(LaneShop.phase())
    let held = try shop.migrator(catalog).holdLane("hooks", for: .seconds(600), reason: "provider is down")
    #expect(held.state == .held)
    #expect(held.busy == LaneCount(0, oldest: .seconds(12)))
    #expect(held.waiting?.jobs == 2)
    #expect(try shop.run(.upAll, catalog) == nil)
    #expect(shop.events == ["held", "committed"])
    #expect(try shop.work() == 0)
    #expect(try shop.migrator(catalog).laneStandings().map(\.state) == [.held])
    try shop.migrator(catalog).releaseLane("hooks", reason: "provider is back")
    #expect(try shop.isOpen())
    #expect(try shop.work() == 1)
    #expect(
      migrationError { try shop.migrator(catalog).releaseLane("hooks", reason: "again") }?.id == .laneNotHeld)
    let details = try shop.migrator(catalog).log().filter { $0.action == "lane" }.map(\.detail)
    #expect(details.last == "open: provider is back")
    #expect(details.contains { $0.hasPrefix("held by hand until") && $0.hasSuffix("provider is down") })
    #expect(
      migrationError { try shop.migrator(catalog).holdLane("hoks", for: .seconds(1), reason: "x") }?.id
        == .unknownLane)
  }

  @Test(
    "what a run that was killed left held is let go by the next one, in both files", arguments: [false, true])
  func abandoned(isBeside: Bool) throws {
    let shop = try LaneShop(isBeside: isBeside)
    let catalog = try shop.catalog(LaneShop.phase())
    // A run of a process that is gone, as SIGKILL leaves it.
    _ = try shop.migrator(catalog, shop.options(runner: LaneShop.gone)).holdLane(
      "hooks", for: .seconds(600), reason: "x")
    try shop.database.run(
      "UPDATE phasedb_lane SET by_hand = NULL, reason = '', phase = '0002-note/expand', state = 'holding'")
    #expect(try shop.work() == 0)
    let status = try shop.migrator(catalog).status()
    #expect(status.lanes.map(\.isAbandoned) == [true])
    #expect(try shop.run(.upAll, catalog) == nil)
    #expect(shop.events.first == "open")
    #expect(try shop.isOpen())
    #expect(try shop.work() == 1)
  }

  @Test("what was held by hand is let go by the next run once its time is over")
  func timeIsOver() throws {
    let shop = try LaneShop()
    let catalog = try shop.catalog(LaneShop.phase())
    _ = try shop.migrator(catalog).holdLane("hooks", for: .seconds(600), reason: "x")
    let later = shop.options { options in
      options = options.by(.test) { Timestamp(text: "2099-01-01T00:00:00.000Z") }
    }
    #expect(try shop.run(.up(0), catalog, later) == nil)
    #expect(try shop.isOpen())
  }

  @Test(
    "a lane that somebody lets go, or whose deadline passed, ends the run before its SQL",
    arguments: [false, true])
  func lost(isBeside: Bool) throws {
    for isByHand in [true, false] {
      let shop = try LaneShop(isBeside: isBeside)
      let catalog = try shop.catalog(LaneShop.phase())
      let error = try shop.run(.upAll, catalog) { event in
        guard case .laneHeld = event else { return nil }
        if isByHand {
          try shop.migrator(catalog).releaseLane("hooks", reason: "I need it")
        } else {
          let worker = try shop.worker()
          let sql = try #require(try LaneTriggers(on: worker).sql(of: "phasedb_lane_hooks"))
          try worker.execute("DROP TRIGGER phasedb_lane_hooks")
          try worker.execute(try #require(LaneTrigger.renewed(sql, until: LaneAccess.now - 1)))
        }
        return "\(try shop.work())"
      }
      #expect(error?.id == .laneLost)
      #expect(try shop.database.applied() == ["0001/expand"])
      #expect(try shop.isOpen())
    }
  }

  @Test("work that begins although the lane is held ends the run: its claim does not cover everything")
  func uncovered() throws {
    let shop = try LaneShop()
    let catalog = try shop.catalog(LaneShop.phase())
    let error = try shop.run(.upAll, catalog) { event in
      guard case .laneHeld = event else { return nil }
      // Another way into the same state.
      try shop.worker().execute("INSERT INTO outbox (state) VALUES ('sending')")
      return nil
    }
    #expect(error?.id == .laneLost)
    #expect(try shop.database.applied() == ["0001/expand"])
    #expect(try shop.isOpen())
  }

  @Test("of two operators one runs, and the other finds the lane as the first left it")
  func twoOperators() throws {
    let shop = try LaneShop()
    let catalog = try shop.catalog(LaneShop.phase())
    var other = Runner.current
    other.user = "other"
    other.processID = 1
    var second: MigrationError?
    let error = try shop.run(.upAll, catalog) { event in
      guard case .laneHeld = event else { return nil }
      let migrator = try shop.migrator(catalog, shop.options(runner: .test) { $0.runner.user = "other" })
      second = migrationError { try migrator.run(migrator.plan(.upAll)) }
      return "\(try shop.work())"
    }
    #expect(error == nil)
    #expect(second?.id == .leaseHeld)
    #expect(shop.events == ["held (0)", "committed", "open"])
    #expect(try shop.isOpen())
  }

  @Test("a request to stop while it waits opens the lane")
  func stopped() throws {
    let shop = try LaneShop("('sending')")
    let catalog = try shop.catalog(LaneShop.phase(lanes: [LaneUse("hooks", within: .seconds(60))]))
    let cancellation = Cancellation()
    let error = try shop.run(.upAll, catalog, shop.options { $0.cancellation = cancellation }) { event in
      if case .laneBusy = event { cancellation.cancel() }
      return nil
    }
    #expect(error?.id == .interrupted)
    #expect(try shop.isOpen())
  }

  // MARK: - The environment

  @Test("a lane that the environment does not have is an error of the plan, in both directions")
  func unknown() throws {
    let shop = try LaneShop()
    let catalog = try shop.catalog(LaneShop.phase())
    #expect(try shop.run(.upAll, catalog) == nil)
    shop.lanes["hook"] = shop.lanes.removeValue(forKey: "hooks")
    let down = try #require(migrationError { try shop.migrator(catalog).plan(.down(1)) })
    #expect(down.id == .unknownLane)
    #expect(down.help.first?.raw == "did you mean 'hook'?")
    #expect(
      migrationError { try shop.migrator(catalog, shop.options(override: [.lane])).plan(.down(1)) } == nil)
    let other = try LaneShop()
    other.lanes = [:]
    #expect(
      migrationError { try other.migrator(other.catalog(LaneShop.phase())).plan(.upAll) }?.id == .unknownLane)
  }

  struct Unfit: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let lane: @Sendable () throws -> Lane
    let says: String
  }

  @Test(
    "what cannot be held or looked at is found when planning",
    arguments: [
      Unfit(
        testDescription: "no table", lane: { try Lane(claim: "DELETE ON jobs", busy: nil) },
        says: "no such table"),
      Unfit(
        testDescription: "no column", lane: { try Lane(claim: "UPDATE OF stat ON outbox", busy: nil) },
        says: "no such column"),
      Unfit(
        testDescription: "no such row", lane: { try Lane(claim: "UPDATE ON outbox WHEN NEW.x", busy: nil) },
        says: "no such column"),
      Unfit(
        testDescription: "busy reads nothing",
        lane: { try Lane(claim: "DELETE ON outbox", busy: "SELECT 1 WHERE 0") },
        says: "gives no whole number"),
      Unfit(
        testDescription: "busy writes",
        lane: { try Lane(claim: "DELETE ON outbox", busy: "DELETE FROM outbox RETURNING 1") },
        says: "writes"),
      Unfit(
        testDescription: "busy has a parameter",
        lane: { try Lane(claim: "DELETE ON outbox", busy: "SELECT :since") }, says: "has parameters"),
      Unfit(
        testDescription: "waiting is wrong",
        lane: { try Lane(claim: "DELETE ON outbox", busy: nil, waiting: "SELECT x FROM outbox") },
        says: "no such column"),
      Unfit(
        testDescription: "no file",
        lane: { try Lane(claim: "DELETE ON outbox", busy: nil, file: "/nowhere/q.db") },
        says: "there is no file /nowhere/q.db"),
      Unfit(
        testDescription: "no queue of that kind", lane: { try Lane(kind: "oban-lite") },
        says: "no such table: oban_jobs"),
    ])
  func unfit(row: Unfit) throws {
    let shop = try LaneShop()
    shop.lanes = ["hooks": try row.lane()]
    let before = try shop.states()
    let error = try #require(
      migrationError { try shop.migrator(shop.catalog(LaneShop.phase())).plan(.upAll) })
    #expect(error.id == .laneUnfit)
    #expect(error.message.contains(row.says), "\(error.message)")
    #expect(error.help.contains { $0.contains("--override lane") })
    #expect(try shop.states() == before)
    let standing = try #require(try shop.migrator(shop.catalog(LaneShop.phase())).laneStandings().first)
    #expect(standing.trouble?.contains(row.says) == true)
  }

  @Test("a fixed wait is kept, shown and within the limit")
  func fixedWait() throws {
    let shop = try LaneShop()
    shop.lanes["hooks"] = try Lane(claim: LaneShop.claim, busy: nil, pause: .milliseconds(250))
    let began = ContinuousClock.now
    #expect(try shop.run(.upAll, shop.catalog(LaneShop.phase())) == nil)
    #expect(ContinuousClock.now - began >= .milliseconds(250))
    #expect(shop.events == ["time 0", "held", "committed", "open"])
    let other = try LaneShop()
    other.lanes["hooks"] = try Lane(claim: LaneShop.claim, busy: nil, pause: .seconds(60))
    #expect(try other.run(.upAll, other.catalog(LaneShop.phase()))?.id == .laneUnfit)
    #expect(try other.isOpen())
  }

  // MARK: - What the application holds itself

  @Test(
    "an application that holds its lane itself: what fails half way is let go or told of, and tried again")
  func acts() throws {
    let shop = try LaneShop()
    let catalog = try shop.catalog(LaneShop.phase())
    let calls = Calls()
    shop.lanes["hooks"] = Lane(
      hold: { _ in calls.note("hold") }, release: { _ in calls.note("release") },
      busy: { _ in
        if let why = calls.note("busy") { throw Uncounted(description: why) }
        return (0, nil)
      })
    #expect(try shop.run(.upAll, catalog) == nil)
    #expect(calls.all == ["hold", "busy", "busy", "release"])
    #expect(try shop.run(.down(1), catalog) == nil)

    // It could not be held: it is let go, because it may be held half way.
    calls.fail(["hold"])
    #expect(try shop.run(.upAll, catalog)?.message.raw == "lane hooks could not be held: hold fails")
    #expect(calls.all == ["hold", "release"])
    #expect(try shop.isOpen())

    // It cannot be looked at.
    calls.fail(["busy"])
    #expect(try shop.run(.upAll, catalog)?.id == .laneNotHeld)
    #expect(calls.all == ["hold", "busy", "release"])

    // It could not be let go: the phase is applied, the row stays, and the next run lets it go.
    calls.fail(["release"])
    #expect(try shop.run(.upAll, catalog) == nil)
    #expect(
      shop.events.filter { $0.hasPrefix("stuck: lane hooks could not be let go: release fails") }.count == 1)
    #expect(try shop.database.applied().count == 2)
    #expect(try shop.migrator(catalog).status().lanes.map(\.name) == ["hooks"])
    calls.fail([])
    #expect(try shop.run(.upAll, catalog) == nil)
    #expect(calls.all == ["release"])
    #expect(try shop.isOpen())
  }

  @Test("what a run that was killed left held is let go by a watch that has nothing to watch")
  func abandonedAndNothingWatched() throws {
    let shop = try LaneShop()
    let catalog = try shop.catalog(LaneShop.phase())
    let calls = Calls()
    shop.lanes["hooks"] = Lane(
      hold: { _ in calls.note("hold") }, release: { _ in calls.note("release") }, busy: nil)
    for once in [true, false] {
      _ = try shop.migrator(catalog, shop.options(runner: LaneShop.gone)).holdLane(
        "hooks", for: .seconds(600), reason: "x")
      try shop.database.run("UPDATE phasedb_lane SET by_hand = NULL, reason = '', phase = '0002-note/expand'")
      #expect(try shop.migrator(catalog).status().concerns.contains { $0.kind == .lane })
      var opened: [String] = []
      let watches = try shop.migrator(catalog).watch(once: once) { event in
        if case .reversing(.laneOpened(let name)) = event { opened.append(name) }
      }
      #expect(watches.isEmpty)
      #expect(opened == ["hooks"])
      #expect(calls.all == ["hold", "release"])
      #expect(try shop.isOpen())
    }
  }

  /// How a lane came to be open although the ledger says that it is held.
  enum Unheld: String, CaseIterable, Sendable {
    case noTrigger, runAndNoTrigger, runAndDeadline, timeIsOver

    /// Whether somebody has to know of it.
    var isNews: Bool { self != .timeIsOver }
    /// What is typed to set it right.
    var isOfRun: Bool { self == .runAndNoTrigger || self == .runAndDeadline }
  }

  @Test("a lane that no trigger holds is open, whatever the ledger says", arguments: Unheld.allCases)
  func unheld(row: Unheld) throws {
    for isBeside in [false, true] {
      let shop = try LaneShop(isBeside: isBeside)
      let catalog = try shop.catalog(LaneShop.phase())
      _ = try shop.migrator(catalog, shop.options(runner: row.isOfRun ? LaneShop.gone : .test)).holdLane(
        "hooks", for: .seconds(600), reason: "x")
      #expect(try shop.migrator(catalog).laneStandings().map(\.state) == [.held])
      if row.isOfRun {
        try shop.database.run(
          "UPDATE phasedb_lane SET by_hand = NULL, reason = '', phase = '0002-note/expand'")
      }
      let worker = try shop.worker()
      let sql = try #require(try LaneTriggers(on: worker).sql(of: "phasedb_lane_hooks"))
      try worker.execute("DROP TRIGGER phasedb_lane_hooks")
      if row == .timeIsOver || row == .runAndDeadline {
        try worker.execute(try #require(LaneTrigger.renewed(sql, until: LaneAccess.now - 1)))
      }
      if row == .timeIsOver {
        try shop.database.run("UPDATE phasedb_lane SET by_hand = '2020-01-01T00:00:00.000Z'")
      }
      #expect(try shop.work() == 1)
      let standing = try #require(try shop.migrator(catalog).laneStandings().first)
      #expect(standing.state == .open)
      #expect(standing.isUnheld == row.isNews)
      let status = try shop.migrator(catalog).status()
      #expect(status.lanes.map(\.isUnheld) == (row.isNews ? [true] : []))
      #expect(!status.concerns.contains { $0.kind == .lane })
      if row.isOfRun {
        #expect(try shop.migrator(catalog).watch(once: true).isEmpty)
      } else {
        try shop.migrator(catalog).releaseLane("hooks", reason: "done")
      }
      #expect(try shop.isOpen())
      #expect(try shop.migrator(catalog).status().lanes.isEmpty)
    }
  }

  // MARK: - Through a watch

  @Test("through the watch: parked until the verdict, whichever it is", arguments: [true, false])
  func throughWatch(isGood: Bool) throws {
    for isBeside in [false, true] {
      let shop = try LaneShop(isBeside: isBeside)
      let catalog = try shop.catalog(
        LaneShop.phase(
          lanes: [LaneUse("hooks", within: .seconds(1), throughWatch: true)],
          watch: Watch(for: .seconds(120), every: .seconds(60), then: .reverse)))
      let clock = WatchedShop.Clock()
      let answers = WatchedShop.Answers()
      func options() -> Options {
        shop.options { options in
          options.probes["checkout"] = Options.ProbeSource { _ in answers["checkout"] }
          options = options.by(.test) { clock.now }
        }
      }
      let rehearsing = try shop.migrator(catalog, options())
      try rehearsing.record(rehearsing.rehearse().evidence)
      #expect(try shop.run(.upAll, catalog, options()) == nil)
      #expect(shop.events == ["held", "committed"])
      #expect(try shop.work() == 0)
      let row = try #require(try shop.migrator(catalog, options()).status().lanes.first)
      #expect(row.record?.watch != nil)
      #expect(!row.isAbandoned)
      clock.pass(60)
      var parked = 0
      func watch() throws {
        var isOpen = false
        _ = try shop.migrator(catalog, options()).watch(once: true) { event in
          if case .reversing(.laneOpened) = event { isOpen = true }
          if !isOpen { parked += (try? shop.work()) ?? 0 }
        }
      }
      if isGood {
        try watch()
        #expect(try shop.work() == 0)
        clock.pass(60)
        try watch()
        #expect(try shop.migrator(catalog, options()).watches().last?.verdict == .passed)
      } else {
        answers["checkout"] = .fails("broken")
        try watch()
        #expect(try shop.migrator(catalog, options()).watches().last?.verdict == .checking)
        #expect(try shop.database.applied() == ["0001/expand"])
      }
      #expect(parked == 0)
      #expect(try shop.isOpen())
      #expect(try shop.work() == 1)
    }
  }

  @Test("a watch that somebody waives lets its lanes go, and so does a way down by hand")
  func watchEndsOtherwise() throws {
    for isWaived in [true, false] {
      let shop = try LaneShop()
      let catalog = try shop.catalog(
        LaneShop.phase(
          lanes: [LaneUse("hooks", within: .seconds(1), throughWatch: true)],
          watch: Watch(for: .seconds(120), every: .seconds(60))))
      let options = shop.options { $0.probes["checkout"] = Options.ProbeSource { _ in .passes } }
      #expect(try shop.run(.upAll, catalog, options) == nil)
      #expect(try shop.work() == 0)
      if isWaived {
        _ = try shop.migrator(catalog, options).waive("0002/expand", reason: "seen")
      } else {
        #expect(try shop.run(.down(1), catalog, options) == nil)
      }
      #expect(try shop.isOpen())
      #expect(try shop.work() == 1)
    }
  }

  @Test("on a new database no lane is held, and a ledger of an older format has none")
  func newAndOld() throws {
    let database = try TemporaryDatabase()
    let catalog = try Catalog([
      Migration(
        MigrationName("0001-first"),
        phases: [LaneShop.phase(.expand, LaneShop.outbox, down: "DROP TABLE outbox")])
    ])
    #expect(try database.run(.upAll, catalog) == ["0001/expand"])
    try database.run(
      TemporaryDatabase.backToFormat4)
    let migrator = try database.migrator(Catalog([]))
    #expect(try migrator.status().lanes.isEmpty)
    #expect(try migrator.laneStandings().isEmpty)
    #expect(
      try database.migrator(catalog, .test(override: [.lane], reason: "x")).plan(.down(1)).steps.count == 1)
  }
}

/// What the commands of an application were asked, and which of them fail.
final class Calls: Sendable {
  private let state = Mutex<(all: [String], failing: Set<String>)>(([], []))

  func note(_ call: String) -> String? {
    state.withLock {
      $0.all.append(call)
      return $0.failing.contains(call) ? "\(call) fails" : nil
    }
  }

  func fail(_ calls: Set<String>) { state.withLock { $0 = ([], calls) } }

  /// What was asked since; asking empties the list.
  var all: [String] {
    state.withLock { state in
      defer { state.all = [] }
      return state.all
    }
  }
}

/// Why an application does not count its jobs.
private struct Uncounted: Error, CustomStringConvertible {
  let description: String
}
