import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// Phases that are watched, on real databases: when they come down by themselves, and when not.
@Suite("Watching")
struct WatchingTests {
  @Test("a good phase passes after as many samples as its watch has, and time alone does not count")
  func passes() throws {
    let shop = try WatchedShop()
    try shop.up()
    #expect(try shop.verdict == "watching")
    shop.clock.pass(86_400)
    #expect(try shop.sample(3)?.verdict == .watching)
    #expect(try shop.watch?.judgement.rounds == 3)
    #expect(try shop.sample(1)?.verdict == .passed)
    #expect(try shop.migrator().watch(once: true).isEmpty)
    #expect(try shop.database.applied() == ["0001/expand", "0002/expand"])
  }

  @Test("a bad phase comes down by itself once: the schema is that before, rows of the time between stay")
  func reverses() throws {
    let shop = try WatchedShop()
    try shop.rehearse()
    let before = try shop.database.snapshot()
    try shop.up()
    try shop.database.run("INSERT INTO orders (total, customer) VALUES (11, 'Ada')")
    shop.answers["checkout"] = .fails("500 for every order")
    #expect(try shop.sample(1)?.verdict == .watching)
    #expect(try shop.sample(1)?.verdict == .checking)
    #expect(try shop.database.applied() == ["0001/expand"])
    #expect(try shop.database.snapshot()?.schema == before?.schema)
    #expect(
      try shop.database.snapshot()?.rows["orders"] == (before?.rows["orders"] ?? []).appending("4, 11"))
    shop.answers["checkout"] = .passes
    let watch = try #require(try shop.sample(2))
    #expect(watch.verdict == .reversed)
    #expect(watch.detail == "'checkout' failed: 500 for every order; it passes now")
    #expect(try shop.waysDown == 1)
    // Never a second action.
    shop.answers["checkout"] = .fails("again")
    #expect(try shop.sample(5)?.verdict == .reversed)
    #expect(try shop.waysDown == 1)
    #expect(try shop.migrator().log().last?.action == "watch")
    #expect(LogEntry.broken(in: try shop.migrator().log()).isEmpty)
  }

  @Test("a way back that does not help says so")
  func noHelp() throws {
    let shop = try WatchedShop()
    try shop.rehearse()
    try shop.up()
    shop.answers["checkout"] = .fails("down")
    #expect(try shop.sample(4)?.verdict == .reversedNoHelp)
    #expect(try shop.waysDown == 1)
  }

  @Test(
    "the same text stays down until it changes or somebody overrides that, and then does not come down again")
  func heldAfterwards() throws {
    let shop = try WatchedShop()
    try shop.rehearse()
    try shop.up()
    shop.answers["checkout"] = .fails("down")
    try shop.sample(2)
    shop.answers["checkout"] = .passes
    try shop.sample(2)
    let held = try shop.migrator().plan(.upAll).held
    #expect(held.map(\.id.short) == ["0002/expand"])
    #expect(held.first?.gates.map(\.gate) == [.reversed])
    try shop.up(shop.options(override: [.reversed]))
    shop.answers["checkout"] = .fails("down")
    let watch = try #require(try shop.sample(2))
    #expect(watch.verdict == .failed)
    #expect(watch.detail.hasSuffix("not reversed: this text came down by itself before"))
    #expect(try shop.waysDown == 1)
    let other = try WatchedShop(up: "ALTER TABLE orders ADD COLUMN customer INT")
    #expect(try other.migrator().plan(.upAll).held.isEmpty)
  }

  @Test("without a rehearsal, on hold, with a long way back or a lossy one, nothing comes down")
  func conditions() throws {
    let unmeasured = try WatchedShop()
    try unmeasured.up()
    unmeasured.answers["checkout"] = .fails("down")
    #expect(try unmeasured.sample(2)?.detail.contains("how long the way back takes is not known") == true)

    let holding = try WatchedShop(.hold)
    try holding.rehearse()
    try holding.up()
    holding.answers["checkout"] = .fails("down")
    #expect(try holding.sample(2)?.detail == "'checkout' failed: down")

    let slow = try WatchedShop(budget: Budget(down: .nanoseconds(1)))
    try slow.rehearse()
    try slow.up()
    slow.answers["checkout"] = .fails("down")
    #expect(try slow.sample(2)?.detail.contains("takes longer than") == true)

    let lossy = try WatchedShop(
      up: "DELETE FROM orders WHERE id = 3; CREATE TABLE extra (id INTEGER PRIMARY KEY)",
      down: "DROP TABLE extra")
    try lossy.rehearse()
    try lossy.up()
    // It takes the key of the row that is to come back.
    try lossy.database.run("INSERT INTO orders (total) VALUES (8)")
    lossy.answers["checkout"] = .fails("down")
    #expect(try lossy.sample(2)?.verdict == .failed)
    for shop in [unmeasured, holding, slow, lossy] {
      #expect(try shop.verdict == "failed")
      #expect(try shop.waysDown == 0)
      #expect(try shop.sample(3)?.verdict == .failed, "and stays so")
      #expect(try shop.database.value("SELECT count(*) FROM orders") == .integer(3))
    }
  }

  @Test(
    "what happens between the verdict and the way back is seen: a freeze, a newer phase, a check-in, drift")
  func races() throws {
    func race(_ name: String, _ act: @escaping (WatchedShop) throws -> Void) throws {
      let later = try phase(.migrate, "UPDATE orders SET total = total", down: "SELECT 1")
      let shop = try WatchedShop(later: [later])
      try shop.rehearse()
      try shop.up()
      shop.answers["checkout"] = .fails("down")
      try shop.sample(1)
      var failure: (any Error)?
      let watch = try shop.sample(1) { event in
        guard case .verdict(let watch) = event, watch.verdict == .reversing else { return }
        do { try act(shop) } catch { failure = error }
      }
      #expect(failure == nil, "\(name)")
      #expect(watch?.verdict == .failed, "\(name)")
      #expect(try shop.waysDown == 0, "\(name)")
      #expect(watch?.detail.contains("not reversed: ") == true, "\(name): \(watch?.detail ?? "")")
      #expect(try shop.database.applied().contains("0002/expand"), "\(name)")
    }
    try race("freeze") { try $0.migrator().freeze(for: nil, reason: "a fair") }
    try race("a newer phase") { shop in
      let migrator = try shop.migrator()
      try migrator.run(migrator.plan(.upAll))
    }
    try race("a check-in") { try $0.migrator().checkIn(LiveVersion("app@9.0"), instance: "web-1") }
    try race("drift") { try $0.database.run("CREATE TABLE theirs (a)") }
    try race("a control") {
      $0.answers["checkout"] = .fails("down"); try $0.database.run("DROP TABLE mine")
    }
  }

  @Test("what happens between the plan and the way back is seen, too")
  func racesInside() throws {
    let shop = try WatchedShop()
    try shop.rehearse()
    try shop.up()
    shop.answers["checkout"] = .fails("down")
    try shop.sample(1)
    let watch = try shop.sample(1) { event in
      guard case .reversing(.began) = event else { return }
      try? shop.migrator().freeze(for: nil, reason: "a fair")
    }
    #expect(watch?.verdict == .failed)
    #expect(watch?.detail.contains("frozen by operator") == true, "\(watch?.detail ?? "")")
    #expect(try shop.waysDown == 0)
  }

  @Test(
    "whenever it is stopped, the next one goes on: the same verdict, and one way back at most",
    arguments: 0..<24)
  func stopped(_ number: Int) throws {
    let shop = try WatchedShop()
    try shop.rehearse()
    let before = try shop.database.snapshot()?.schema
    try shop.up()
    shop.answers["checkout"] = .fails("down")
    var events = 0
    var didStop = false
    for _ in 0..<12 {
      shop.clock.pass(60)
      var options = shop.options()
      options.cancellation = Cancellation()
      let cancellation = options.cancellation
      // Each time a little further: at every event of the whole story once.
      let error = migrationError {
        try shop.migrator(options).watch(once: true) { _ in
          if events == number, !didStop {
            didStop = true
            cancellation.cancel()
          }
          events += 1
        }
      }
      #expect(error == nil || error?.id == .interrupted, "\(error?.message ?? "")")
    }
    #expect(try shop.watch?.verdict == .reversedNoHelp)
    #expect(try shop.waysDown == 1)
    #expect(try shop.database.snapshot()?.schema == before)
    #expect(LogEntry.broken(in: try shop.migrator().log()).isEmpty)
  }

  @Test("a version that checks in while the watch goes on counts beside those that were named")
  func named() throws {
    let shop = try WatchedShop()
    try shop.rehearse()
    let options = shop.options(live: ["app@1.5"])
    try shop.up(options)
    try shop.migrator().checkIn(LiveVersion("app@9.0"), instance: "web-1")
    shop.answers["checkout"] = .fails("down")
    // Check-ins are forgotten after ten minutes.
    #expect(try shop.sample(2, options)?.detail.contains("app 9.0 is live on web-1") == true)
    #expect(try shop.waysDown == 0)
    let other = try WatchedShop()
    try other.rehearse()
    try other.up()
    other.answers["checkout"] = .fails("down")
    #expect(try other.sample(2, other.options(live: ["app@9.0"]))?.verdict == .failed)
    #expect(try other.waysDown == 0)
  }

  @Test("a phase that somebody takes down before the watch could is not waited for")
  func takenDownByHand() throws {
    let shop = try WatchedShop()
    try shop.rehearse()
    try shop.up()
    try shop.database.run("UPDATE phasedb_watch SET verdict = 'reversing', failed = 'checkout', detail = 'x'")
    let migrator = try shop.migrator()
    try migrator.run(migrator.plan(.down(1)))
    #expect(try shop.migrator().watch().map(\.verdict) == [.ended])
    #expect(try shop.waysDown == 1)
    #expect(try shop.migrator().watch().isEmpty)
  }

  @Test("a freeze ends by itself, a freeze file counts while it is there")
  func freezes() throws {
    let shop = try WatchedShop(rounds: 40)
    try shop.rehearse()
    try shop.up()
    try shop.migrator().freeze(for: .seconds(30), reason: "a fair")
    #expect(try shop.migrator().presentFreeze()?.reason == "a fair")
    shop.answers["checkout"] = .fails("down")
    #expect(try shop.sample(2)?.verdict == .checking, "the freeze was over after half a minute")
    #expect(try shop.migrator().presentFreeze() == nil)

    let other = try WatchedShop()
    try other.rehearse()
    try other.up()
    other.answers["checkout"] = .fails("down")
    let watch = try other.sample(2, other.options(freezeFile: other.database.path))
    #expect(watch?.detail.contains("keeps watches from reversing") == true)
    #expect(try other.waysDown == 0)
  }

  @Test("a control that fails keeps everything as it is, and a watch that sees nothing never passes")
  func blind() throws {
    let probes = [Probe("checkout", fails: .inARow(2)), Probe("disk", isControl: true)]
    let disturbed = try WatchedShop(probes: probes, rounds: 60)
    try disturbed.rehearse()
    try disturbed.up()
    disturbed.answers["checkout"] = .fails("down")
    disturbed.answers["disk"] = .fails("full")
    #expect(try disturbed.sample(9)?.verdict == .watching)
    #expect(
      try disturbed.sample(1)?.detail
        == "'checkout': 10 samples in a row are unknown, 10 of all because the control 'disk' did not pass")
    #expect(try disturbed.verdict == "unclear")
    #expect(try disturbed.waysDown == 0)

    let blind = try WatchedShop(rounds: 60)
    try blind.up()
    blind.answers["checkout"] = .unknown("no route to host")
    #expect(try blind.sample(10)?.detail == "'checkout': 10 samples in a row are unknown")
    #expect(try blind.sample(60)?.verdict == .unclear)
  }

  @Test("the contract of the same migration waits for the verdict, and for nothing once it was waived")
  func contracts() throws {
    let contract = try phase(
      .contract, "ALTER TABLE orders DROP COLUMN total", down: "ALTER TABLE orders ADD COLUMN total INT")
    let shop = try WatchedShop(.hold, later: [contract])
    func gates() throws -> [Gate] {
      try shop.migrator(shop.options(live: ["app@1.5"])).plan(.upAll).held.flatMap(\.gates).map(\.gate)
    }
    #expect(try gates() == [.watch], "in the plan that would begin the watch")
    try shop.up()
    #expect(try gates() == [.watch])
    shop.answers["checkout"] = .fails("down")
    try shop.sample(2)
    #expect(try gates() == [.watch], "after it failed")
    #expect(migrationError { try shop.migrator().waive("0001", reason: "x") }?.id == .notWatched)
    _ = try shop.migrator().waive("0002/expand", reason: "seen in staging")
    #expect(try gates() == [])
    #expect(migrationError { try shop.migrator().waive("0002/expand", reason: "x") }?.id == .notWatched)
  }

  @Test("a probe that fails already, or has nothing to compare with, keeps its phase from going up")
  func probesBefore() throws {
    let shop = try WatchedShop()
    shop.answers["checkout"] = .fails("down")
    let before = try shop.database.snapshot()
    let error = migrationError { try shop.up() }
    #expect(error?.id == .phaseHeld)
    #expect(error?.message.contains("probe gate") == true)
    #expect(try shop.database.snapshot() == before)
    try shop.up(shop.options(override: [.probe]))

    let missing = try #require(Script("SELECT count(*) FROM orders WHERE customer IS NULL"))
    let relative = Probe(
      "names", query: missing, expecting: .atLeastOfBefore(percent: 50, floor: nil))
    let other = try WatchedShop(probes: [relative])
    #expect(migrationError { try other.up() }?.message.contains("no such column: customer") == true)
    let unknown = try WatchedShop(probes: [Probe("chekout")])
    let refusal = migrationError { try unknown.migrator().plan(.upAll) }
    #expect(refusal?.id == .unknownProbe)
    #expect(refusal?.help.first == "did you mean 'checkout'?")
  }

  @Test("two watchers: one. A dead one is followed by the next")
  func oneWatcher() throws {
    let shop = try WatchedShop(rounds: 40)
    try shop.up()
    var error: MigrationError?
    var other = Runner.test
    other.processStart = "another"
    other.processID = 1
    let second = shop.options(runner: other)
    try shop.sample(1) { event in
      guard case .sampled = event else { return }
      error = migrationError { try shop.migrator(second).watch(once: true) }
    }
    #expect(error?.id == .watchHeld)
    #expect(error?.standing == .busy)
    // One that left its row behind.
    try shop.database.run(
      "INSERT INTO phasedb_watcher VALUES (1, 'x', '\(Runner.test.host)', 99999999, '\(Runner.test.bootID)', '\(Runner.test.processSpace)', '1', '2026-01-31T12:00:00.000Z')"
    )
    #expect(try shop.sample(1)?.judgement.rounds == 2)
    // One of which nothing can be known is waited for until it has been silent for two minutes.
    try shop.database.run(
      "INSERT INTO phasedb_watcher VALUES (1, 'x', 'elsewhere', 7, '', '', '', '\(shop.clock.now)')")
    shop.clock.pass(60)
    #expect(migrationError { try shop.migrator().watch(once: true) }?.id == .watchHeld)
    shop.clock.pass(70)
    #expect(try shop.migrator().watch(once: true).first?.judgement.rounds == 3)
  }

  @Test("clocks that jump make one sample due, and never a verdict")
  func clocks() throws {
    let shop = try WatchedShop(rounds: 10)
    try shop.up()
    for jump in [86_400.0 * 365, -86_400.0 * 730, 0.001, -5, 86_400] {
      let before = try shop.watch?.judgement.rounds ?? 0
      shop.clock.pass(jump)
      _ = try shop.migrator().watch(once: true)
      let after = try shop.watch?.judgement.rounds ?? 0
      #expect(after - before == (jump == 0.001 ? 0 : 1), "\(jump)")
    }
    #expect(try shop.verdict == "watching")
  }

  @Test(
    "a query of a probe only reads, gives one number, and is over in time",
    arguments: [
      ("SELECT 1 UNION SELECT 2", true, "it returned more than one row"),
      ("SELECT 1, 2", true, "it returned several columns"),
      ("SELECT 'many'", true, "it returned text or a blob, which is no number"),
      ("SELECT x'00'", true, "it returned text or a blob, which is no number"),
      ("SELECT NULL", true, "there is no value"),
      ("SELECT total FROM orders WHERE 0", true, "there is no value"),
      ("DELETE FROM orders", false, "it is not a SELECT"),
      ("DELETE FROM orders RETURNING id", false, "it is not a SELECT"),
      ("INSERT INTO orders (total) VALUES (1)", true, "it is not a SELECT"),
      ("BEGIN IMMEDIATE", false, "BEGIN inside a phase is not allowed"),
      ("PRAGMA journal_mode = DELETE", false, "PRAGMA journal_mode inside a phase is not allowed"),
      ("ATTACH 'other.db' AS other", false, "ATTACH, DETACH or VACUUM inside a phase is not allowed"),
      ("SELECT load_extension('x')", false, "the function load_extension inside a phase is not allowed"),
      (
        "SELECT key FROM phasedb_meta", false,
        "the use of phasedb_meta, which belongs to phasedb, is not allowed"
      ),
      ("SELECT colour FROM orders", false, "no such column: colour"),
      (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", true,
        "it took more than 2s"
      ),
    ] as [(String, Bool, String)])
  func queries(_ sql: String, _ wantsNumber: Bool, _ reason: String) throws {
    let probe = Probe(
      "it", query: Script(sql), expecting: wantsNumber ? .atLeast(0) : .nothingWrong)
    let shop = try WatchedShop(.reverse, probes: [probe], rounds: 40)
    try shop.up()
    let before = try shop.database.snapshot()?.rows
    var seen: Sample?
    try shop.sample(1) { event in
      if case .sampled(_, _, let samples) = event { seen = samples["it"] }
    }
    #expect(seen?.outcome == .unknown)
    #expect(seen?.reason == reason)
    #expect(try shop.database.snapshot()?.rows == before)
  }

  @Test("a probe asks from the moment at which its phase went up, and reads no further than it must")
  func since() throws {
    let query = try #require(Script("SELECT id FROM visits WHERE at > :since"))
    let shop = try WatchedShop(
      up: "CREATE TABLE visits (id INTEGER PRIMARY KEY, at TEXT)", down: "DROP TABLE visits",
      probes: [Probe("visits", query: query, fails: .inARow(1))])
    try shop.rehearse()
    try shop.up()
    try shop.database.run("INSERT INTO visits (at) VALUES ('2026-01-31 12:00:00'), ('2026-01-30 23:00:00')")
    #expect(try shop.sample(1)?.verdict == .watching)
    try shop.database.run("INSERT INTO visits (at) VALUES ('2026-01-31 12:00:01')")
    let watch = try shop.sample(1)
    #expect(watch?.detail.hasPrefix("'visits' failed: 1 row") == true)
  }

  @Test("leaves no read transaction open between samples: the write-ahead log can be emptied")
  func writeAheadLog() throws {
    let query = try #require(Script("SELECT id FROM orders WHERE total < 0"))
    let shop = try WatchedShop(probes: [Probe("orders", query: query)], rounds: 40)
    try shop.database.run("PRAGMA journal_mode = WAL")
    try shop.up()
    let keeping = try shop.migrator()
    shop.clock.pass(60)
    _ = try keeping.watch(once: true)
    try shop.database.run("INSERT INTO orders (total) VALUES (1)")
    let row = try shop.database.connect().rows("PRAGMA wal_checkpoint(TRUNCATE)").first
    #expect(row?[0] == .integer(0), "nobody reads")
    #expect(row?[1] == .integer(0), "the log is empty")
  }

  @Test("keeps the values before, the last ten samples and each that is another than the one before it")
  func samples() throws {
    let probe = Probe("checkout", expecting: .atLeastOfBefore(percent: 50, floor: nil), fails: .inARow(9))
    let shop = try WatchedShop(probes: [probe], rounds: 60)
    shop.answers["checkout"] = .number(100)
    try shop.up()
    for index in 1...30 {
      shop.answers["checkout"] = index == 7 ? .number(1) : .number(Double(100 + index))
      try shop.sample(1)
    }
    let watch = try #require(try shop.watch)
    let kept = try shop.migrator().samples(of: watch)
    #expect(kept.map(\.round) == [-4, -3, -2, -1, 0, 1, 7, 8] + Array(21...30))
    #expect(kept.first { $0.round == 7 }?.sample.reason == "1 is not at least 50% of before, which was 100")
  }

  @Test("the phases of a run since the last watch come down together")
  func together() throws {
    let shop = try WatchedShop()
    try shop.rehearse()
    let all = try catalog([
      "0001-shop": [#require(shop.catalog.migrations.first).phases[0]],
      "0002-a": [table("a")], "0003-b": [#require(shop.catalog.migrations.last).phases[0]],
    ])
    let migrator = try shop.database.migrator(all, shop.options())
    try migrator.record(migrator.rehearse().evidence)
    try migrator.run(migrator.plan(.upAll))
    shop.answers["checkout"] = .fails("down")
    for _ in 0..<2 {
      shop.clock.pass(60)
      _ = try migrator.watch(once: true)
    }
    #expect(try shop.database.applied() == ["0001/expand"])
    #expect(try shop.waysDown == 2)
    #expect(try migrator.watches().last?.verdict == .checking)
  }

  @Test("a way back that stops half way says what came down, and holds the text")
  func halfWay() throws {
    let shop = try WatchedShop()
    let first = try #require(shop.catalog.migrations.first).phases[0]
    let watched = try #require(shop.catalog.migrations.last).phases[0]
    let counted = Phase(
      .expand, windows: watched.windows, up: try #require(Script("CREATE TABLE a (x)")),
      down: try #require(Script("DROP TABLE a")),
      effects: [Effect("orders", by: "id", where: nil, .support, "orders")])
    let all = try catalog(["0001-shop": [first], "0002-a": [counted], "0003-b": [watched]])
    var options = shop.options()
    options.effectsFolder = shop.database.path
    let migrator = try shop.database.migrator(all, options)
    try migrator.record(migrator.rehearse().evidence)
    try migrator.run(migrator.plan(.upAll))
    try shop.database.run("INSERT INTO orders (total) VALUES (11)")
    shop.answers["checkout"] = .fails("down")
    for _ in 0..<2 {
      shop.clock.pass(60)
      _ = try migrator.watch(once: true)
    }
    #expect(try shop.database.applied() == ["0001/expand", "0002/expand"])
    let watch = try #require(try migrator.watches().last)
    #expect(watch.verdict == .failed)
    #expect(
      watch.detail.contains("0003/expand came down, and 0002/expand did not: the list"), "\(watch.detail)")
    #expect(try migrator.status().watches.map(\.id) == [watch.id])
    shop.answers["checkout"] = .passes
    #expect(try migrator.plan(.upAll).held.map(\.gates.first?.gate) == [.reversed])
  }

  @Test("a watch that a newer phasedb began is refused by name, and so is a row that cannot be read")
  func unreadable() throws {
    let newer = try WatchedShop()
    try newer.up()
    try newer.database.run("UPDATE phasedb_meta SET value = '99' WHERE key = 'format'")
    #expect(migrationError { try newer.migrator().watch(once: true) }?.id == .ledgerTooNew)
    for change in ["judgement = '{}'", "verdict = 'great'", "declarations = ''", "phase = 'x'"] {
      let shop = try WatchedShop()
      try shop.up()
      try shop.database.run("UPDATE phasedb_watch SET \(change)")
      #expect(migrationError { try shop.migrator().watch(once: true) }?.id == .ledgerDamaged, "\(change)")
    }
  }
}

extension [String] {
  fileprivate func appending(_ element: String) -> [String] { self + [element] }
}
