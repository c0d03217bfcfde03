import Foundation
import Testing

@testable import PhaseDB

/// What a watch does with the switch of its phase when a probe fails.
@Suite("Closing the switch of a watched phase")
struct ContainmentTests {
  /// A watched phase that makes a switch, at 25 %. A probe fails after two samples, a minute apart.
  static func site(
    _ then: Watch.Consequence = .reverse, open: Bool = true, settle: Duration = .zero, control: Bool = false
  ) throws -> SwitchSite {
    let site = try SwitchSite(
      SwitchShop.probed(
        Watch(for: .seconds(1_200), every: .seconds(60), then: then),
        [Probe("checkout", fails: .inARow(2))]
          + (control ? [Probe("disk", fails: .inARow(2), isControl: true)] : [])), upTo: "0001")
    site.settle = settle
    let migrator = try site.migrator()
    try migrator.record(migrator.rehearse().evidence)
    try site.up(to: "0002/expand")
    if open { try site.set("25%") }
    return site
  }

  @discardableResult
  static func sample(
    _ site: SwitchSite, _ count: Int, _ options: Options? = nil,
    observe: @escaping (WatchEvent) -> Void = { _ in }
  ) throws -> WatchRecord {
    for _ in 0..<count {
      site.clock.pass(60)
      _ = try site.migrator(options).watch(once: true, observe: observe)
    }
    return try #require(try site.migrator().watches().last)
  }

  static func downs(_ site: SwitchSite) throws -> Int {
    try site.migrator().log().count { $0.action == "down" }
  }

  @Test(
    "a failure closes the switch first, and stops there when the probes pass again",
    arguments: Watch.Consequence.allCases)
  func contained(_ then: Watch.Consequence) throws {
    let site = try Self.site(then)
    site.answers["checkout"] = .fails("500")
    #expect(try Self.sample(site, 1).verdict == .watching)
    #expect(try site.record()?.isOpen == true)
    var verdicts: [WatchRecord.Verdict] = []
    let closed = try Self.sample(site, 1) {
      if case .verdict(let watch) = $0 { verdicts.append(watch.verdict) }
    }
    #expect(closed.verdict == .containing && verdicts == [.containing])
    #expect(try site.record()?.isOpen == false && site.ask("1") == false)
    #expect(closed.detail == "'checkout' failed: 500; the switch 's' was closed")
    #expect(try site.log.last == "closed at 25 %: the probe 'checkout' of 0002/expand failed")
    site.answers["checkout"] = .passes
    #expect(try Self.sample(site, 1).verdict == .containing)
    let contained = try Self.sample(site, 1)
    #expect(contained.verdict == .contained)
    #expect(
      contained.detail == "'checkout' failed: 500; the switch 's' was closed, and every probe passes again")
    #expect(!contained.isOpen && !contained.lets)
    // Nothing follows, whatever the probe says later.
    site.answers["checkout"] = .fails("again")
    #expect(try Self.sample(site, 3).verdict == .contained)
    #expect(try Self.downs(site) == 0)
    #expect(try site.migrator().status().concerns.contains { $0.kind == .watch })
    _ = try site.migrator().waive("0002/expand", reason: "seen")
    #expect(LogEntry.broken(in: try site.migrator().log()).isEmpty)
    try site.down()
    #expect(try site.record() == nil)
  }

  /// A way to turn somebody on.
  struct Raise: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let go: @Sendable (SwitchSite) throws -> Void
  }

  static let raises = [
    Raise(testDescription: "set") { try $0.set("100%") },
    Raise(testDescription: "pin on") { _ = try $0.migrator().pin("1", true, of: "s", reason: "") },
    Raise(testDescription: "ramp") { _ = try $0.migrator().ramp("s", RampTests.order, once: true) },
  ]

  @Test(
    "nobody is turned on until there is a verdict; closing, lowering and a waiver work", arguments: raises)
  func raised(_ raise: Raise) throws {
    let site = try Self.site()
    site.answers["checkout"] = .fails("500")
    try Self.sample(site, 2)
    site.answers["checkout"] = .passes
    let error = try #require(migrationError { try raise.go(site) })
    #expect(error.id == .switchContained)
    #expect(
      error.message
        == "'s' cannot be on for more: the watch of 0002/expand is containing, because 'checkout' failed: 500; the switch 's' was closed"
    )
    #expect(error.help.first == "wait for the verdict: phasedb watch")
    #expect(try site.record()?.isOpen == false)
    _ = try site.migrator().pin("2", false, of: "s", reason: "")
    _ = try site.migrator().closeSwitch("s", reason: "")
    try site.set("0%")
    #expect(try Self.sample(site, 2).verdict == .contained)
    try raise.go(site)
    #expect(try site.record()?.isOpen == true)

    let waived = try Self.site()
    waived.answers["checkout"] = .fails("500")
    try Self.sample(waived, 2)
    waived.answers["checkout"] = .passes
    _ = try waived.migrator().waive("0002/expand", reason: "seen")
    try raise.go(waived)
    #expect(try waived.record()?.isOpen == true)
  }

  @Test("when closing does not help, it goes on as without a switch")
  func notHelped() throws {
    let reversing = try Self.site()
    reversing.answers["checkout"] = .fails("500")
    #expect(try Self.sample(reversing, 2).verdict == .containing)
    #expect(try Self.sample(reversing, 1).verdict == .containing)
    #expect(try Self.sample(reversing, 1).verdict == .checking)
    #expect(try Self.downs(reversing) == 1)
    #expect(try Self.sample(reversing, 2).verdict == .reversedNoHelp)
    #expect(try reversing.record() == nil)

    let holding = try Self.site(.hold)
    holding.answers["checkout"] = .fails("500")
    let failed = try Self.sample(holding, 4)
    #expect(failed.verdict == .failed)
    #expect(failed.detail == "'checkout' failed: 500; the switch 's' was closed, which did not help")
    #expect(try Self.downs(holding) == 0)
  }

  @Test("a probe that passes and fails in turn does not count as recovered")
  func flapping() throws {
    let site = try Self.site(.hold)
    site.answers["checkout"] = .fails("500")
    try Self.sample(site, 2)
    for answer in [Probe.Reply.passes, .fails("500"), .passes, .fails("500")] {
      site.answers["checkout"] = answer
      try Self.sample(site, 1)
    }
    #expect(try Self.sample(site, 0).verdict == .failed)
  }

  @Test("samples are not judged while somebody may still be on")
  func settles() throws {
    let site = try Self.site(.hold, settle: .seconds(130))
    site.answers["checkout"] = .fails("500")
    #expect(try Self.sample(site, 2).verdict == .containing)
    // Three samples of a minute cover 130 seconds.
    #expect(try Self.sample(site, 3).verdict == .containing)
    site.answers["checkout"] = .passes
    #expect(try Self.sample(site, 1).verdict == .containing)
    #expect(try Self.sample(site, 1).verdict == .contained)
  }

  @Test("a blind watch does not count as recovered, and a control that fails judges nothing")
  func blind() throws {
    let site = try Self.site(.hold)
    site.answers["checkout"] = .fails("500")
    try Self.sample(site, 2)
    site.answers["checkout"] = .unknown("no answer")
    #expect(try Self.sample(site, 9).verdict == .containing)
    #expect(try Self.sample(site, 1).verdict == .failed)

    let disturbed = try Self.site(.hold, control: true)
    disturbed.answers["checkout"] = .fails("500")
    try Self.sample(disturbed, 2)
    (disturbed.answers["checkout"], disturbed.answers["disk"]) = (.passes, .fails("full"))
    #expect(try Self.sample(disturbed, 3).verdict == .containing)
    disturbed.answers["disk"] = .passes
    #expect(try Self.sample(disturbed, 2).verdict == .contained)
  }

  @Test("a switch that is closed is not what is wrong: it goes on at once")
  func closedBefore() throws {
    let site = try Self.site(open: false)
    site.answers["checkout"] = .fails("500")
    #expect(try Self.sample(site, 2).verdict == .checking)
    #expect(try Self.downs(site) == 1)
  }

  @Test("one that somebody closed a moment ago is asked about, too")
  func closedLately() throws {
    let site = try Self.site()
    site.answers["checkout"] = .fails("500")
    try Self.sample(site, 1)
    _ = try site.migrator().closeSwitch("s", reason: "I saw it")
    #expect(try Self.sample(site, 1).verdict == .containing)
    site.answers["checkout"] = .passes
    #expect(try Self.sample(site, 2).verdict == .contained)

    let long = try Self.site(.hold)
    _ = try long.migrator().closeSwitch("s", reason: "")
    long.clock.pass(3_600)
    long.answers["checkout"] = .fails("500")
    #expect(try Self.sample(long, 2).verdict == .failed)
  }

  @Test("while watches are frozen nothing is closed")
  func frozen() throws {
    let site = try Self.site()
    try site.migrator().freeze(for: nil, reason: "network works")
    site.answers["checkout"] = .fails("500")
    #expect(try Self.sample(site, 2).verdict == .failed)
    #expect(try site.record()?.isOpen == true)

    let file = try Self.site()
    var options = file.options()
    options.freezeFile = file.database.path
    file.answers["checkout"] = .fails("500")
    #expect(try Self.sample(file, 2, options).verdict == .failed)
    #expect(try file.record()?.isOpen == true)
  }

  @Test("without what a later contract took away nobody can be off, so its switch is not closed")
  func contract() throws {
    let site = try SwitchSite(
      PhaseDBTests.catalog([
        "0001-shop": [PhaseDBTests.phase(.expand, SwitchShop.orders, down: "DROP TABLE orders")],
        "0002-price": [
          SwitchShop.phase(
            .expand, "ALTER TABLE orders ADD COLUMN price INT", down: "ALTER TABLE orders DROP COLUMN price",
            switches: [Switch("s")]),
          SwitchShop.phase(
            .contract, "ALTER TABLE orders DROP COLUMN total",
            down: "ALTER TABLE orders ADD COLUMN total INT",
            switches: [Switch("s", fullFor: .zero)],
            watch: Watch(for: .seconds(1_200), every: .seconds(60), then: .hold),
            probes: [Probe("checkout", fails: .inARow(2))],
            losses: [Loss(table: "orders", column: "total", reason: "x")]),
        ],
      ]), upTo: "0002/expand")
    try site.makeFull()
    try site.up(to: "0002/contract")
    site.answers["checkout"] = .fails("500")
    #expect(try Self.sample(site, 2).verdict == .failed)
    #expect(try site.ask("1") == true)
  }

  @Test("stopped at any moment, the next one comes to the same verdict", arguments: 0..<12)
  func stopped(_ number: Int) throws {
    let site = try Self.site()
    site.answers["checkout"] = .fails("500")
    var (events, didStop) = (0, false)
    for round in 0..<12 {
      if round == 4 { site.answers["checkout"] = .passes }
      site.clock.pass(60)
      let cancellation = Cancellation()
      let error = migrationError {
        try site.migrator(site.options(cancellation: cancellation)).watch(once: true) { _ in
          if events == number, !didStop {
            didStop = true
            cancellation.cancel()
          }
          events += 1
        }
      }
      #expect(error == nil || error?.id == .interrupted)
      if try site.record()?.isOpen == false, round < 4 { site.answers["checkout"] = .passes }
    }
    #expect(try Self.sample(site, 0).verdict == .contained)
    #expect(try Self.downs(site) == 0)
    #expect(try site.log.count { $0.hasPrefix("closed") } == 1)
  }
}

/// Sequences of samples after a switch was closed, against what must follow.
@Suite("The judgement after a switch was closed")
struct ContainmentJudgementTests {
  struct Row: CustomTestStringConvertible, Sendable {
    /// p passes, f fails, u unknown: one probe, which fails after three.
    let outcomes: String
    let settling: Int
    let result: Bool?
    var testDescription: String { "\(outcomes), settling \(settling): \(result.map { "\($0)" } ?? "open")" }
  }

  static let rows = [
    Row(outcomes: "ppp", settling: 0, result: true), Row(outcomes: "pp", settling: 0, result: nil),
    Row(outcomes: "fff", settling: 0, result: false), Row(outcomes: "ff", settling: 0, result: nil),
    Row(outcomes: "fppp", settling: 0, result: true), Row(outcomes: "ppfppfppf", settling: 0, result: false),
    Row(outcomes: "pupup", settling: 0, result: true), Row(outcomes: "fufuf", settling: 0, result: false),
    Row(outcomes: "uuuuuuuuuu", settling: 0, result: false),
    Row(outcomes: "uuuuuuuuu", settling: 0, result: nil),
    Row(outcomes: "uuuuuuuuupuuuuuuuuu", settling: 0, result: nil),
    Row(outcomes: "fffppp", settling: 3, result: true), Row(outcomes: "pppfff", settling: 3, result: false),
    Row(outcomes: "fff", settling: 3, result: nil),
  ]

  @Test("follows from the samples alone, also when it is written down between any two", arguments: rows)
  func judge(_ row: Row) throws {
    let probe = Probe("x")
    var judgement = WatchJudgement()
    judgement.beginContainment(settling: row.settling)
    var result: Bool?
    for letter in row.outcomes {
      #expect(result == nil, "it ended early")
      let outcome: Sample.Outcome = letter == "p" ? .passes : letter == "f" ? .fails : .unknown
      result = judgement.takeContained(["x": Sample(outcome)], of: [probe], after: "x")
      judgement = try #require(
        WayDownJSON.read(WatchJudgement.self, from: WayDownJSON.text(judgement)))
    }
    #expect(result == row.result)
  }

  @Test("every probe counts, and not only the one that failed")
  func all() {
    var judgement = WatchJudgement()
    judgement.beginContainment(settling: 0)
    let probes = [Probe("a", fails: .inARow(1)), Probe("b")]
    #expect(
      judgement.takeContained(["a": Sample(.passes), "b": Sample(.fails)], of: probes, after: "a") == false)
  }
}
