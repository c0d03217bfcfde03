import Foundation
import PhaseSQLite
import Synchronization
import Testing

@testable import PhaseDB

/// Switches on real databases: how they are made and changed, and what ways up and down do with them.
@Suite("Switches")
struct SwitchTests {
  // MARK: - Making and removing

  @Test("an expand makes its switch for nobody, and takes it away when it comes down: no row is off")
  func lifetime() throws {
    let site = try SwitchSite(upTo: "0001")
    #expect(try site.ask("1") == nil)
    try site.up(to: "0002/expand")
    let made = try #require(try site.record())
    #expect(made.exposure == .none && !made.isOpen && made.fullSince == nil && made.closedAt == nil)
    #expect((65_536...2_147_483_646).contains(made.salt))
    #expect(try site.ask("1") == false)
    try site.set("100%")
    _ = try site.migrator().pin("1", false, of: "s", reason: "")
    #expect(try site.ask("1") == false && site.ask("2") == true)
    try site.down()
    #expect(try site.record() == nil)
    #expect(try site.ask("2") == nil)
    for table in ["phasedb_switch", "phasedb_switch_member", "phasedb_ramp"] {
      #expect(try site.database.value("SELECT count(*) FROM \(table)") == 0, "\(table)")
    }
    try site.up(to: "0002/expand")
    #expect(try site.record()?.exposure == Exposure.none)
    #expect(try site.ask("1") == false && site.ask("2") == false)
    #expect(
      try site.log == [
        "made by 0002/expand", "0 % to 100 %: a test", "pinned off: 1",
        "closed at 100 %: 0002/expand comes down", "removed with 0002/expand: it was at 0 %, 1 pinned off",
        "made by 0002/expand",
      ])
    #expect(LogEntry.broken(in: try site.migrator().log()).isEmpty)
  }

  @Test("what is left of a switch of that name says nothing about a phase that makes it")
  func leftovers() throws {
    let site = try SwitchSite(upTo: "0001")
    try site.database.run(
      """
      INSERT INTO phasedb_switch VALUES ('s', 10000, 99991, 1, NULL, NULL, '', '', '');
      INSERT INTO phasedb_switch_member VALUES ('s', '1', 1, '')
      """)
    #expect(try site.ask("1") == true)
    try site.up(to: "0002/expand")
    #expect(try site.record()?.isOpen == false)
    #expect(try site.ask("1") == false && site.ask("2") == false)
  }

  @Test("two phases cannot make the same switch, applied or planned")
  func taken() throws {
    func second() throws -> Phase {
      try SwitchShop.phase(.expand, "CREATE TABLE t (a)", down: "DROP TABLE t", switches: [Switch("s")])
    }
    let both = try catalog([
      "0001-shop": SwitchShop.catalog().phases.map(\.phase), "0002-other": [second()],
    ])
    let planned = try TemporaryDatabase("CREATE TABLE mine (a)")
    let error = migrationError { try planned.migrator(both).plan(.upAll) }
    #expect(error?.id == .switchTaken)
    #expect(error?.message == "0002-other/expand makes the switch 's', which 0001/expand makes, too")
    try planned.run(.up(1), SwitchShop.catalog())
    #expect(migrationError { try planned.migrator(both).plan(.upAll) }?.id == .switchTaken)
  }

  @Test("a switch that is adopted is made, too, and a new database ends with every contract's switch on")
  func adoptedAndNew() throws {
    let adopted = try TemporaryDatabase("\(SwitchShop.orders); CREATE TABLE mine (a)")
    let whole = try SwitchShop.catalog()
    let migrator = try Migrator(
      database: adopted.path,
      catalog: PhaseDBTests.catalog(
        [
          "0001-shop": whole.phases.map(\.phase)
        ], baseline: "CREATE TABLE mine (a)"), options: .test)
    _ = try migrator.adopt(at: "0001")
    #expect(try migrator.switches().map(\.name) == ["s"])
    #expect(try migrator.switches().allSatisfy { !$0.isOpen })

    let new = try TemporaryDatabase()
    try new.run(.upAll, SwitchShop.whole())
    #expect(try new.applied() == ["0001/expand", "0002/expand", "0002/migrate", "0002/contract"])
    #expect(try SwitchQueryTests.ask(new.connect(.readOnly), .text("1")) == [1])
  }

  @Test("a ledger of format 4 is read as it is, has no switch, and gets them with the next step")
  func upgrade() throws {
    let site = try SwitchSite(upTo: "0001")
    try site.database.run(TemporaryDatabase.backToFormat4)
    #expect(try site.migrator().switches().isEmpty)
    #expect(try site.migrator().status().switches.isEmpty)
    #expect(migrationError { try site.set("5%") }?.id == .unknownSwitch)
    #expect(migrationError { try site.migrator().closeSwitch("s", reason: "") }?.id == .unknownSwitch)
    try site.up(to: "0002/expand")
    #expect(try site.record() != nil)
    #expect(try site.database.value("SELECT value FROM phasedb_meta WHERE key = 'format'") == "5")
  }

  // MARK: - Changing

  @Test("raising turns nobody off and lowering nobody on, through any exposures")
  func monotonic() throws {
    let site = try SwitchSite()
    let subjects = (0..<400).map { "user \($0)" }
    var last: (exposure: Exposure, on: Set<String>) = (.none, [])
    for _ in 0..<25 {
      let exposure = Exposure(
        hundredths: [0, 10_000, .random(in: 0...10_000), .random(in: 0...300)].randomElement() ?? 0)
      _ = try site.migrator().setSwitch("s", to: exposure, reason: "a test")
      let connection = try site.database.connect(.readOnly)
      let on = try Set(subjects.filter { try SwitchQueryTests.ask(connection, .text($0)) == [1] })
      #expect(exposure >= last.exposure ? on.isSuperset(of: last.on) : on.isSubset(of: last.on))
      last = (exposure, on)
    }
  }

  @Test("full_since begins when the last one is on, stays, and begins anew after lowering or pinning off")
  func fullSince() throws {
    let site = try SwitchSite()
    func since() throws -> String? { try site.record()?.fullSince?.text }
    try site.set("99.99%")
    #expect(try since() == nil)
    try site.set("100%")
    let first = try #require(try since())
    site.clock.pass(60)
    try site.set("100%")
    _ = try site.migrator().pin("1", true, of: "s", reason: "")
    #expect(try since() == first)
    try site.set("99.99%")
    #expect(try since() == nil)
    site.clock.pass(60)
    try site.set("100%")
    let second = try #require(try since())
    #expect(second > first)
    _ = try site.migrator().pin("1", false, of: "s", reason: "")
    #expect(try since() == nil)
    site.clock.pass(60)
    _ = try site.migrator().pin("1", nil, of: "s", reason: "")
    #expect(try #require(try since()) > second)
    _ = try site.migrator().closeSwitch("s", reason: "")
    #expect(try since() == nil)
  }

  @Test("a pin wins over any exposure, and closing turns off whoever is pinned on")
  func pins() throws {
    let site = try SwitchSite()
    let migrator = try site.migrator()
    _ = try migrator.pin("it's", true, of: "s", reason: "staff")
    #expect(try site.ask("it's") == true && site.ask("2") == false)
    #expect(try site.record()?.isOpen == true)
    try site.set("100%")
    _ = try migrator.pin("2", false, of: "s", reason: "complained")
    #expect(try site.ask("2") == false && site.ask("3") == true)
    #expect(try migrator.switchDetails("s").1.map(\.subject) == ["2", "it's"])
    let change = try migrator.closeSwitch("s", reason: "wrong totals")
    #expect(change.isChange && change.before.pinnedOn == 1 && !change.after.isOpen)
    #expect(try ["it's", "2", "3"].allSatisfy { try site.ask($0) == false })
    #expect(try site.log.last == "closed at 100 %, no longer pinned on: it's: wrong totals")
    // Whoever was pinned off stays so.
    try site.set("100%")
    #expect(try site.ask("2") == false && site.ask("it's") == true)
  }

  @Test("what changes nothing writes nothing")
  func idle() throws {
    let site = try SwitchSite()
    try site.set("5%")
    let before = try site.database.snapshot()
    try site.set("5%")
    _ = try site.migrator().pin("1", nil, of: "s", reason: "")
    #expect(try site.database.snapshot() == before)
    _ = try site.migrator().closeSwitch("s", reason: "")
    let closed = try site.database.snapshot()
    #expect(try !site.migrator().closeSwitch("s", reason: "").isChange)
    #expect(try site.database.snapshot() == closed)
  }

  @Test("a name that is no switch is refused with the nearest one")
  func unknown() throws {
    let site = try SwitchSite(SwitchShop.whole(expand: [Switch("pricing")], contract: []))
    for act in [
      { try site.set("5%", "pricinf") }, { _ = try site.migrator().closeSwitch("pricinf", reason: "") },
      { _ = try site.migrator().pin("1", true, of: "pricinf", reason: "") },
      { _ = try site.migrator().ask("pricinf", ["1"]) }, { _ = try site.migrator().ramp("pricinf", nil) },
    ] {
      let error = migrationError(act)
      #expect(error?.id == .unknownSwitch)
      #expect(error?.help.first == "did you mean 'pricing'?")
    }
    // Two ways to write a letter are two names.
    let accents = try SwitchSite(SwitchShop.whole(expand: [Switch("caf\u{e9}")], contract: []))
    #expect(migrationError { try accents.set("5%", "cafe\u{301}") }?.id == .unknownSwitch)
    try accents.set("5%", "caf\u{e9}")
  }

  @Test("closing waits for no lease, no drift and no foreign object; raising does")
  func closingAlways() throws {
    let site = try SwitchSite()
    try site.set("50%")
    try site.database.run(
      """
      INSERT INTO phasedb_lease VALUES (1, 'deploy', 'elsewhere', 4711, '', '', '', '2026-01-31T12:00:00.000Z', 'up');
      CREATE TABLE theirs (a); CREATE TRIGGER theirs AFTER UPDATE ON phasedb_switch BEGIN SELECT 1; END;
      UPDATE phasedb_phase SET windows = 'nonsense'
      """)
    #expect(migrationError { try site.set("60%") }?.id == .ledgerDamaged)
    #expect(try site.migrator().closeSwitch("s", reason: "").isChange)
    try site.database.run(
      "UPDATE phasedb_phase SET windows = 'app >=1.0'; DROP TRIGGER theirs; DROP TABLE theirs")
    #expect(migrationError { try site.set("60%") }?.id == .leaseHeld)
    #expect(migrationError { try site.migrator().pin("1", true, of: "s", reason: "") }?.id == .leaseHeld)
    #expect(try site.record()?.isOpen == false)
    try site.database.run("DELETE FROM phasedb_lease")
    try site.set("60%")
    // Lowering is never held up.
    try site.database.run(
      "INSERT INTO phasedb_lease VALUES (1, 'deploy', 'elsewhere', 4711, '', '', '', '2026-01-31T12:00:00.000Z', 'up')"
    )
    try site.set("10%")
    #expect(try site.record()?.exposure.hundredths == 1_000)
  }

  @Test("a trigger of somebody else that keeps a switch open is an error, and not a success")
  func keptOpen() throws {
    let site = try SwitchSite()
    try site.set("50%")
    try site.database.run(
      """
      CREATE TRIGGER theirs AFTER UPDATE ON phasedb_switch WHEN NEW.exposure = 0
      BEGIN UPDATE phasedb_switch SET exposure = 50; END
      """)
    let error = migrationError { try site.migrator().closeSwitch("s", reason: "") }
    #expect(error?.id == .ledgerTouched)
    #expect(error?.state == "nothing was changed")
  }

  @Test("two operators at once: every change is in the log, the last one counts, and the chain holds")
  func two() throws {
    let site = try SwitchSite()
    let failures = Mutex<[String]>([])
    let (path, catalog) = (site.database.path, site.catalog)
    DispatchQueue.concurrentPerform(iterations: 2) { number in
      do {
        var options = Options.test(wait: .seconds(60))
        options.runner.user = "operator\(number)"
        let migrator = try Migrator(database: path, catalog: catalog, options: options)
        for round in 1...15 {
          _ = try migrator.setSwitch("s", to: Exposure(hundredths: round * 10 + number), reason: "r\(round)")
          _ = try migrator.pin("u\(number)", round % 2 == 0, of: "s", reason: "")
        }
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    #expect(failures.withLock { $0 }.isEmpty)
    let log = try site.migrator().log()
    #expect(LogEntry.broken(in: log).isEmpty)
    let own = log.filter { $0.action == "switch" }.dropFirst()
    #expect(own.count == 60)
    let last = own.last { $0.detail.contains(" to ") }
    let present = try #require(try site.record()).exposure
    #expect(last?.detail.contains("to \(present)") == true)
    // Each change says what it changed.
    var at = "0 %"
    for entry in own where entry.detail.contains(" to ") {
      #expect(entry.detail.hasPrefix("\(at) to "), "\(entry.detail)")
      at = entry.detail.components(separatedBy: " to ")[1].components(separatedBy: ":")[0]
    }
  }

  @Test("says what an operator should know: a backfill that waits, a contract that is there already")
  func notes() throws {
    let site = try SwitchSite(upTo: "0002/expand")
    let early = try site.migrator().setSwitch("s", to: .full, reason: "")
    #expect(early.notes == ["0002/migrate is pending: rows are not migrated yet"])
    try site.up(to: "0002/migrate")
    #expect(try site.migrator().setSwitch("s", to: Exposure("10%"), reason: "").notes.isEmpty)
    try site.makeFull()
    try site.up(to: "0002/contract")
    let late = try site.migrator().closeSwitch("s", reason: "")
    #expect(
      late.notes == [
        "0002/contract is applied, which took away what whoever is off needs; phasedb down reverses it"
      ])
  }

  // MARK: - The way up of a contract

  @Test("a contract waits until its switch was on for everybody long enough, and nobody is pinned off")
  func gate() throws {
    let site = try SwitchSite()
    func held() throws -> [String] {
      try site.migrator().plan(.upAll).held.flatMap(\.gates).map { "\($0.gate.rawValue): \($0.reason)" }
    }
    let rule = "switch: the switch 's' must have been on for everybody for 1m, and is"
    #expect(try held() == ["\(rule) at 0 %"])
    #expect(migrationError { try site.up(to: "0002/contract") }?.id == .phaseHeld)
    try site.set("99.99%")
    #expect(try held() == ["\(rule) at 99.99 %"])
    try site.set("100%")
    #expect(try held() == ["\(rule) since 2026-01-31T12:00:00.000Z"])
    site.clock.pass(59)
    #expect(try held().count == 1)
    site.clock.pass(1)
    #expect(try held().isEmpty)
    _ = try site.migrator().pin("1", false, of: "s", reason: "")
    #expect(try held() == ["\(rule) at 100 %, 1 pinned off"])
    _ = try site.migrator().pin("1", nil, of: "s", reason: "")
    site.clock.pass(59)
    #expect(try held().count == 1)
    site.clock.pass(1)
    try site.up(to: "0002/contract")
    #expect(try site.record()?.exposure == .full)
  }

  @Test("whoever overrides the gate turns the switch on for everybody, because there is no other way left")
  func overridden() throws {
    let site = try SwitchSite()
    try site.set("30%")
    _ = try site.migrator().pin("1", false, of: "s", reason: "")
    let options = site.options(override: [.switch])
    #expect(
      try site.migrator(options).plan(.upAll).notes == [
        "0002/contract opens the switch 's' for everybody: it is at 30 %, 1 pinned off"
      ])
    try site.up(to: "0002/contract", options)
    #expect(try site.ask("1") == true)
    #expect(try site.record()?.fullSince != nil && site.record()?.pinnedOff == 0)
    #expect(
      try site.log.last
        == "30 % to 100 %, no longer pinned off: 1: 0002/contract took the other way away")
    #expect(try site.story.contains("override switch"))
    // The way back of the contract does not close it, and says so; that of the phases before closes it.
    #expect(
      try site.migrator().plan(.down(1)).notes == [
        "the switch 's' stays at 100 %: 0002/contract opened it for everybody, and phasedb log says where it was"
      ])
    #expect(try site.migrator().plan(.down(2)).notes.isEmpty)
    try site.down()
    #expect(try site.record()?.exposure == .full)
  }

  @Test("what lowers the switch between the plan and the contract is seen in its transaction")
  func race() throws {
    let site = try SwitchSite()
    try site.makeFull()
    let migrator = try site.migrator()
    let plan = try migrator.plan(.upTo("0002/contract"))
    try site.set("99%")
    let error = migrationError { try migrator.run(plan) }
    #expect(error?.id == .phaseHeld)
    #expect(error?.message.contains("switch gate") == true)
    #expect(try site.database.applied().contains("0002/contract") == false)
  }

  @Test("a contract that waits for a switch that nobody makes is held")
  func unmade() throws {
    let site = try SwitchSite(SwitchShop.whole(contract: [Switch("S", fullFor: .zero)]))
    let gate = try site.migrator().plan(.upAll).held.first?.gates.first
    #expect(gate?.reason == "it waits for the switch 'S', which no applied phase makes")
  }

  // MARK: - The way down

  @Test(
    "an open switch is closed before a phase of its migration comes down, in a commit of its own, and waited for"
  )
  func closedFirst() throws {
    let site = try SwitchSite()
    site.settle = .milliseconds(300)
    try site.set("25%")
    _ = try site.migrator().pin("1", true, of: "s", reason: "")
    let plan = try site.migrator().plan(.downTo(.phase("0001")))
    #expect(plan.closing.map(\.key.short) == ["0002/migrate"])
    #expect(plan.closing.values.first?.switches.map(\.name) == ["s"])
    #expect(plan.closing.values.first?.wait == .milliseconds(300))
    var seen: [String] = []
    let began = ContinuousClock.now
    try site.down(.downTo(.phase("0001"))) { event in
      switch event {
      case .switchesClosed(let id, let names, let waiting):
        seen.append("closed \(names) before \(id.short), \(waiting)")
        // It is committed, nothing has come down, and nobody is kept from writing.
        #expect((try? site.record())??.isOpen == false)
        #expect((try? site.ask("1")) == false)
        #expect((try? site.database.applied().last) == "0002/migrate")
        #expect(throws: Never.self) { try site.database.run("INSERT INTO orders (total) VALUES (1)") }
      case .committed(let id, _, _, _):
        seen.append("down \(id.short) after \(ContinuousClock.now - began >= .milliseconds(300))")
      default: break
      }
    }
    #expect(
      seen == [
        #"closed ["s"] before 0002/migrate, 0.3 seconds"#, "down 0002/migrate after true",
        "down 0002/expand after true",
      ])
    #expect(
      try site.story.suffix(4) == ["switch s", "down 0002/migrate", "down 0002/expand", "switch s"])
    #expect(try site.database.value("SELECT count(*) FROM phasedb_lease") == 0)
  }

  /// A way by which phases come down.
  struct Way: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let go: @Sendable (SwitchSite) throws -> Void
  }

  static let ways = [
    Way(testDescription: "down") { try $0.down() },
    Way(testDescription: "down 2") { try $0.down(.down(2)) },
    Way(testDescription: "down --all") { try $0.down(.downAll) },
    Way(testDescription: "down --to a checkpoint") { try $0.down(.downTo(.checkpoint("before"))) },
    Way(testDescription: "goto a phase") { try $0.migrator().go(to: .phase("0001")) },
    Way(testDescription: "goto a checkpoint") { try $0.migrator().go(to: .checkpoint("before")) },
    Way(testDescription: "settle") { site in
      try site.migrator(site.options(live: [])).settle(for: "app@1.0")
    },
    Way(testDescription: "goto a version") { site in
      try site.migrator(site.options(live: [])).go(to: .version(LiveVersion("app@1.0")))
    },
  ]

  @Test("that is so for every way down", arguments: ways)
  func everyWay(_ way: Way) throws {
    let narrow = try PhaseDBTests.catalog([
      "0001-shop": [PhaseDBTests.phase(.expand, SwitchShop.orders, down: "DROP TABLE orders")],
      "0002-price": [
        SwitchShop.phase(
          .expand, "ALTER TABLE orders ADD COLUMN price INT", down: "ALTER TABLE orders DROP COLUMN price",
          switches: [Switch("s")], window: ">=1.4"),
        SwitchShop.phase(
          .migrate, "UPDATE orders SET price = total", down: "UPDATE orders SET price = NULL", window: ">=1.4"
        ),
      ],
    ])
    let site = try SwitchSite(narrow, upTo: "0001")
    _ = try site.migrator().createCheckpoint("before")
    try site.up(to: "0002/migrate")
    try site.set("25%")
    try way.go(site)
    let story = try site.story
    let closing = try #require(try site.migrator().log().first { $0.detail.hasPrefix("closed at 25 %") })
    let down = try #require(try site.migrator().log().first { $0.action == "down" })
    #expect(closing.id < down.id, "\(story)")
    #expect(try site.database.applied().contains("0002/migrate") == false, "\(story)")
    #expect(try site.ask("1") != true)
  }

  @Test("a contract that comes down leaves the switch on, and the phase after it closes it")
  func contractDown() throws {
    let site = try SwitchSite()
    try site.makeFull()
    #expect(try site.migrator().plan(.upAll).notes.isEmpty)
    try site.up(to: "0002/contract")
    #expect(try site.migrator().plan(.down(1)).closing.isEmpty)
    #expect(try site.migrator().plan(.down(1)).notes.isEmpty, "it was open before")
    #expect(try site.migrator().plan(.down(2)).closing.keys.map(\.short) == ["0002/migrate"])
    try site.down()
    #expect(try site.ask("1") == true)
    try site.up(to: "0002/contract")
    try site.down(.down(2))
    #expect(try site.ask("1") == false)
    #expect(try site.story.suffix(3) == ["down 0002/contract", "switch s", "down 0002/migrate"])
  }

  @Test(
    "nobody waits for a switch that is closed; for one that was closed a moment ago the rest is waited for")
  func waits() throws {
    let site = try SwitchSite()
    site.settle = .seconds(10)
    // Never open: nothing to wait for, although it was made this moment.
    #expect(try site.migrator().plan(.down(1)).closing.isEmpty)
    try site.set("25%")
    _ = try site.migrator().closeSwitch("s", reason: "")
    site.clock.pass(9.9)
    // The ledger keeps milliseconds.
    let wait = try #require(try site.migrator().plan(.down(1)).closing.values.first?.wait)
    #expect((.milliseconds(98)...(.milliseconds(102))).contains(wait))
    #expect(wait.milliseconds == wait.milliseconds.rounded())
    site.clock.pass(0.2)
    #expect(try site.migrator().plan(.down(1)).closing.isEmpty)
    let began = ContinuousClock.now
    try site.down()
    #expect(ContinuousClock.now - began < .seconds(5))
    // A clock that was set back makes nobody wait longer than that.
    site.clock.pass(-86_400)
    #expect(try site.migrator().plan(.down(1)).closing.values.first?.wait == .seconds(10))
  }

  @Test("a way down does not say that it closed what somebody else had closed")
  func closedByOthers() throws {
    let site = try SwitchSite()
    site.settle = .milliseconds(100)
    try site.set("25%")
    _ = try site.migrator().closeSwitch("s", reason: "")
    var closed: [[String]] = []
    try site.down(.down(1)) { if case .switchesClosed(_, let names, _) = $0 { closed.append(names) } }
    #expect(closed == [[]])
  }

  @Test(
    "what is to be typed can be typed, whatever the name",
    arguments: [("new-pricing", "new-pricing"), ("new 'price'", #"'new '\''price'\'''"#)])
  func typed(_ name: String, _ word: String) throws {
    let site = try SwitchSite(
      SwitchShop.whole(expand: [Switch(name)], contract: [Switch(name, fullFor: .zero)]))
    #expect(
      try site.migrator().plan(.upAll).held.first?.gates.first?.opening
        == "raise it: phasedb switch set \(whole: word) 100% --reason \"...\"")
  }

  @Test("stopped while it waits, nothing has come down, the switch stays closed, and the error says so")
  func stopped() throws {
    let site = try SwitchSite()
    site.settle = .seconds(600)
    try site.set("25%")
    let cancellation = Cancellation()
    let error = migrationError {
      try site.down(.down(1), site.options(cancellation: cancellation)) { event in
        if case .switchesClosed = event { cancellation.cancel() }
      }
    }
    #expect(error?.id == .interrupted)
    #expect(error?.standing == .partWay)
    #expect(error?.state?.hasSuffix("the switch 's' was closed before and stays closed") == true)
    #expect(try site.record()?.isOpen == false)
    #expect(try site.database.applied().last == "0002/migrate")
    #expect(try site.database.value("SELECT count(*) FROM phasedb_lease") == 0)
  }

  @Test("while it waits nobody can open the switch again, and another run waits for the lease")
  func leased() throws {
    let site = try SwitchSite()
    site.settle = .milliseconds(50)
    try site.set("25%")
    var other = Runner.test
    other.user = "somebody"
    other.processStart = "another"
    try site.down(.down(1)) { event in
      guard case .switchesClosed = event else { return }
      guard let theirs = try? site.migrator(site.options(runner: other)) else { return }
      #expect(migrationError { try theirs.setSwitch("s", to: .full, reason: "") }?.id == .leaseHeld)
      #expect(migrationError { try theirs.run(theirs.plan(.down(1))) }?.id == .leaseHeld)
      #expect(throws: Never.self) { try theirs.closeSwitch("s", reason: "") }
    }
    #expect(try site.database.applied().last == "0002/expand")
  }

  @Test("a switch that somebody opens in the ledger itself meanwhile is closed and waited for again")
  func reopened() throws {
    let site = try SwitchSite()
    site.settle = .milliseconds(20)
    try site.set("25%")
    var closings = 0
    try site.down(.down(1)) { event in
      guard case .switchesClosed = event else { return }
      closings += 1
      if closings == 1 { try? site.database.run("UPDATE phasedb_switch SET exposure = 500") }
    }
    #expect(closings == 2)
    #expect(try site.record()?.isOpen == false)
  }

  @Test("a way down that is refused closes nothing: a version that needs the phase, drift, a lease")
  func refused() throws {
    let site = try SwitchSite()
    try site.set("25%")
    let live = try SwitchSite(
      PhaseDBTests.catalog([
        "0001-shop": [PhaseDBTests.phase(.expand, SwitchShop.orders, down: "DROP TABLE orders")],
        "0002-price": [
          SwitchShop.phase(
            .expand, "ALTER TABLE orders ADD COLUMN price INT", down: "ALTER TABLE orders DROP COLUMN price",
            switches: [Switch("s")], window: ">=1.0 <2.0")
        ],
      ]), upTo: "0002/expand")
    try live.set("25%")
    let migrator = try live.migrator(live.options(live: []))
    let plan = try migrator.plan(.down(1))
    try live.migrator(live.options(live: [])).checkIn(LiveVersion("app@2.0"), instance: "web-1")
    #expect(migrationError { try migrator.run(plan) }?.id == .phaseHeld)
    #expect(try live.record()?.exposure.hundredths == 2_500)

    let drifting = try site.migrator()
    let early = try drifting.plan(.down(1))
    try site.database.run("CREATE TABLE theirs (a)")
    #expect(migrationError { try drifting.run(early) }?.id == .schemaDrift)
    try site.database.run("DROP TABLE theirs")
    try site.database.run(
      "INSERT INTO phasedb_lease VALUES (1, 'deploy', 'elsewhere', 4711, '', '', '', '2026-01-31T12:00:00.000Z', 'up')"
    )
    #expect(migrationError { try site.down() }?.id == .leaseHeld)
    #expect(try site.record()?.exposure.hundredths == 2_500)
  }

  @Test("a way down that fails after it closed the switch says that it stays closed")
  func failing() throws {
    let site = try SwitchSite(
      PhaseDBTests.catalog([
        "0001-shop": [PhaseDBTests.phase(.expand, SwitchShop.orders, down: "DROP TABLE orders")],
        "0002-price": [
          SwitchShop.phase(
            .expand, "ALTER TABLE orders ADD COLUMN price INT",
            down: "INSERT INTO orders (id, total) VALUES (4, 0); ALTER TABLE orders DROP COLUMN price",
            switches: [Switch("s")])
        ],
      ]), upTo: "0002/expand")
    try site.set("25%")
    let migrator = try site.migrator()
    let plan = try migrator.plan(.down(1))
    try site.database.run("INSERT INTO orders (id, total) VALUES (4, 1)")
    let error = migrationError { try migrator.run(plan) }
    #expect(error?.standing == .partWay)
    #expect(error?.state?.contains("the switch 's' was closed before and stays closed") == true)
    #expect(try site.record()?.isOpen == false)
    #expect(try site.database.applied().last == "0002/expand")
    #expect(try site.database.value("SELECT count(*) FROM phasedb_lease") == 0)
  }

  @Test("batches that come down are no different")
  func batches() throws {
    let site = try SwitchSite(SwitchShop.whole(batch: true))
    try site.set("25%")
    #expect(try site.down() == ["0002/migrate"])
    #expect(try site.story.suffix(3) == ["switch s", "start 0002/migrate", "down 0002/migrate"])
    #expect(try site.ask("1") == false)
    #expect(try site.database.value("SELECT count(*) FROM orders WHERE price IS NULL") == 3)
  }

  @Test("a rehearsal closes nothing on the database, and neither does its copy wait")
  func rehearsal() throws {
    let site = try SwitchSite()
    site.settle = .seconds(600)
    try site.set("25%")
    let began = ContinuousClock.now
    _ = try site.migrator().rehearse()
    #expect(ContinuousClock.now - began < .seconds(60))
    #expect(try site.record()?.exposure.hundredths == 2_500)
  }
}
