import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// Raising a switch step by step, judged by the probes of the phase that made it.
@Suite("Ramps")
struct RampTests {
  /// A switch whose phase has a probe, asked every minute, that fails after two samples.
  static func site(
    probes: [Probe]? = nil, settle: Duration = .zero, watch: Bool = true, answer: Probe.Reply = .passes
  ) throws -> SwitchSite {
    let site = try SwitchSite(
      SwitchShop.probed(
        watch ? Watch(for: .seconds(1_200), every: .seconds(60), settle: settle) : nil,
        watch ? probes ?? [Probe("checkout", fails: .inARow(2))] : []), upTo: "0001")
    site.answers["checkout"] = answer
    try site.up(to: "0002/expand")
    return site
  }

  static let order = RampOrder(
    [100, 1_000, 10_000].map(Exposure.init(hundredths:)), every: .seconds(180))

  @discardableResult
  static func go(
    _ site: SwitchSite, _ order: RampOrder? = nil, _ options: Options? = nil,
    observe: @escaping (RampEvent) -> Void = { _ in }
  ) throws -> RampRecord {
    site.clock.pass(60)
    return try site.migrator(options).ramp("s", order, once: true, observe: observe)
  }

  @Test("raises after so many good samples of each step, and ends after those of the last")
  func passes() throws {
    let site = try Self.site()
    var exposures: [Int] = []
    var ramp = try Self.go(site, Self.order)
    for _ in 0..<20 where ramp.isOpen {
      exposures.append(try #require(try site.record()).exposure.hundredths)
      ramp = try Self.go(site)
    }
    #expect(exposures == [100, 100, 100, 1_000, 1_000, 1_000, 10_000, 10_000, 10_000])
    #expect(ramp.verdict == .passed && ramp.detail == "at 100 %")
    #expect(
      try site.log == [
        "made by 0002/expand", "0 % to 1 %: ramp, step 1 of 3", "1 % to 10 %: ramp, step 2 of 3",
        "10 % to 100 %: ramp, step 3 of 3", "ramp passed: at 100 %",
      ])
    #expect(LogEntry.broken(in: try site.migrator().log()).isEmpty)
  }

  @Test("a failure closes the switch, whoever was pinned")
  func fails() throws {
    let site = try Self.site()
    try Self.go(site, Self.order)
    for _ in 0..<3 { try Self.go(site) }
    _ = try site.migrator().pin("1", true, of: "s", reason: "")
    site.answers["checkout"] = .fails("500")
    try Self.go(site)
    var told: [RampRecord.Verdict] = []
    let ramp = try Self.go(site) { if case .ended(let ramp) = $0 { told.append(ramp.verdict) } }
    #expect(ramp.verdict == .failed && told == [.failed])
    #expect(ramp.detail == "'checkout' failed at 10 %: 500")
    #expect(try site.ask("1") == false && site.record()?.isOpen == false)
    #expect(migrationError { try Self.go(site) }?.id == .rampRefused)
    // Whoever corrected it may begin anew.
    site.answers["checkout"] = .passes
    #expect(try Self.go(site, Self.order).verdict == .ramping)
  }

  @Test("too much that is unknown stops it where it stands")
  func unclear() throws {
    let site = try Self.site()
    try Self.go(site, RampOrder([Exposure(hundredths: 100)], every: .seconds(6_000)))
    site.answers["checkout"] = .unknown("no answer")
    for _ in 0..<9 { #expect(try Self.go(site).isOpen) }
    let ramp = try Self.go(site)
    #expect(ramp.verdict == .unclear)
    #expect(ramp.detail == "'checkout': 10 samples in a row are unknown; it stays at 1 %")
    #expect(try site.record()?.exposure.hundredths == 100)
  }

  @Test("ends when somebody else sets, closes or removes the switch")
  func ended() throws {
    func ramp(_ act: (SwitchSite) throws -> Void) throws -> (RampRecord, SwitchSite) {
      let site = try Self.site()
      try Self.go(site, Self.order)
      try act(site)
      return (try #require(try? site.migrator().switchDetails("s").2), site)
    }
    #expect(try ramp { try $0.set("40%") }.0.detail == "it was set to 40 %")
    #expect(try ramp { _ = try $0.migrator().closeSwitch("s", reason: "") }.0.detail == "it was closed")
    let (record, site) = try ramp {
      try $0.database.run("UPDATE phasedb_switch SET exposure = 7")
      #expect(try Self.go($0).detail == "it was set to 0.07 %")
    }
    #expect(record.verdict == .ended)
    #expect(try site.record()?.exposure.hundredths == 7)
    let gone = try Self.site()
    try Self.go(gone, Self.order)
    try gone.down()
    #expect(migrationError { try Self.go(gone) }?.id == .unknownSwitch)
  }

  @Test("the way down in the middle of a ramp in the foreground ends it")
  func removed() throws {
    let site = try Self.site(probes: [Probe("checkout", fails: .inARow(2))])
    var events: [String] = []
    let ramp = try site.migrator().ramp("s", RampOrder([Exposure(hundredths: 100)], every: .milliseconds(5)))
    {
      switch $0 {
      case .raised:
        events.append("raised")
        #expect(throws: Never.self) { try site.down() }
      case .ended(let ramp): events.append(ramp.detail)
      default: events.append("other")
      }
    }
    #expect(ramp.verdict == .ended)
    #expect(events == ["raised", "the switch was removed"])
  }

  @Test("is refused without a probe, with one that fails already, beside another ramp, and downwards")
  func refused() throws {
    let blind = try Self.site(watch: false)
    let noProbe = migrationError { try Self.go(blind, Self.order) }
    #expect(noProbe?.id == .rampRefused)
    #expect(noProbe?.message == "nothing would judge the ramp of 's': the phase that made it has no probe")
    let site = try Self.site()
    #expect(migrationError { try Self.go(site) }?.message == "there is no ramp of 's' to go on with")
    site.answers["checkout"] = .fails("500")
    #expect(
      migrationError { try Self.go(site, Self.order) }?.message
        == "the probe 'checkout' of 0002/expand fails already: 500")
    site.answers["checkout"] = .passes
    try site.set("5%")
    #expect(
      migrationError { try Self.go(site, Self.order) }?.message
        == "'s' is at 5 % already, and a ramp only raises")
    try site.set("0%")
    try Self.go(site, Self.order)
    let other = RampOrder([Exposure(hundredths: 5)], every: .seconds(1))
    #expect(
      migrationError { try Self.go(site, other) }?.message
        == "'s' is raised already: step 1 of 3 of another ramp")
    #expect(throws: Never.self) { try Self.go(site, Self.order) }
    try site.database.run(
      "INSERT INTO phasedb_lease VALUES (1, 'deploy', 'elsewhere', 4711, '', '', '', '2026-01-31T12:00:00.000Z', 'up')"
    )
    let held = try Self.site()
    try held.database.run(
      "INSERT INTO phasedb_lease VALUES (1, 'deploy', 'elsewhere', 4711, '', '', '', '2026-01-31T12:00:00.000Z', 'up')"
    )
    #expect(migrationError { try Self.go(held, Self.order) }?.id == .leaseHeld)
  }

  @Test("does not raise while another run goes on, and does after it")
  func lease() throws {
    let site = try Self.site()
    try Self.go(site, Self.order)
    for _ in 0..<2 { try Self.go(site) }
    try site.database.run(
      "INSERT INTO phasedb_lease VALUES (1, 'deploy', 'elsewhere', 4711, '', '', '', '2026-01-31T12:00:00.000Z', 'up')"
    )
    for _ in 0..<3 { #expect(try Self.go(site).step == 1) }
    try site.database.run("DELETE FROM phasedb_lease")
    #expect(try Self.go(site).step == 2)
  }

  @Test("waits while watches are frozen: nothing is judged, raised or closed")
  func frozen() throws {
    let site = try Self.site()
    try Self.go(site, Self.order)
    try site.migrator().freeze(for: nil, reason: "network works")
    site.answers["checkout"] = .fails("500")
    var waits = 0
    for _ in 0..<5 { try Self.go(site) { if case .waits = $0 { waits += 1 } } }
    #expect(waits == 5)
    #expect(try site.record()?.exposure.hundredths == 100)
    try site.migrator().unfreeze()
    for _ in 0..<2 { try Self.go(site) }
    #expect(try site.record()?.isOpen == false)
  }

  @Test("samples of each step settle as those of the watch do")
  func settles() throws {
    let site = try Self.site(settle: .seconds(120))
    var ramp = try Self.go(site, Self.order)
    var count = 0
    while ramp.step == 1, count < 20 {
      ramp = try Self.go(site)
      count += 1
    }
    #expect(count == 5)
  }

  @Test("compares with what was there before the ramp, and not before each step")
  func relative() throws {
    let probe = Probe("checkout", expecting: .atMostOfBefore(percent: 150, floor: nil), fails: .inARow(1))
    let site = try Self.site(probes: [probe], answer: .number(1_000))
    try Self.go(site, Self.order)
    site.answers["checkout"] = .number(1_400)
    for _ in 0..<3 { try Self.go(site) }
    #expect(try site.record()?.exposure.hundredths == 1_000)
    site.answers["checkout"] = .number(1_501)
    #expect(try Self.go(site).verdict == .failed)
  }

  @Test("another process may not raise it meanwhile, unless the first one is dead")
  func holder() throws {
    let site = try Self.site()
    try Self.go(site, Self.order)
    func hold(by process: Int32) throws {
      let runner = Runner.test
      try site.database.run(
        """
        UPDATE phasedb_ramp SET runner = '{"boot":"\(runner.bootID)","host":"\(runner.host)","process":\(process),
        "space":"\(runner.processSpace)","start":"x","user":"somebody"}'
        """)
    }
    try hold(by: 1)
    let error = migrationError { try Self.go(site) }
    // Process 1 is alive, and is not the one that wrote this.
    #expect(error == nil || error?.id == .watchHeld)
    try hold(by: 4_194_303)
    #expect(throws: Never.self) { try Self.go(site) }
    try site.database.run(
      #"UPDATE phasedb_ramp SET runner = '{"boot":"","host":"elsewhere","process":7,"space":"","start":"","user":"somebody"}'"#
    )
    let other = migrationError { try Self.go(site) }
    #expect(other?.id == .watchHeld && other?.standing == .busy)
    // Two minutes without a sign from another host are enough.
    site.clock.pass(120)
    #expect(throws: Never.self) { try Self.go(site) }
  }

  @Test("stopped and begun again at every sample, it comes to the same end", arguments: [true, false])
  func restarts(_ isGood: Bool) throws {
    let site = try Self.site()
    var story: [String] = []
    var order: RampOrder? = Self.order
    for round in 0..<40 {
      if !isGood, round == 4 { site.answers["checkout"] = .fails("500") }
      site.clock.pass(61)
      let cancellation = Cancellation()
      let error = migrationError {
        let ramp = try site.migrator(site.options(cancellation: cancellation)).ramp("s", order) { event in
          switch event {
          case .raised(let ramp): story.append("\(ramp.exposure)")
          case .ended(let ramp): story.append(ramp.verdict.rawValue)
          default: break
          }
          cancellation.cancel()
        }
        if !ramp.isOpen { throw MigrationError(.interrupted, "over") }
      }
      order = nil
      guard error?.id == .interrupted else { break }
      if try !(site.migrator().switchDetails("s").2?.isOpen ?? false) { break }
    }
    #expect(story == (isGood ? ["1 %", "10 %", "100 %", "passed"] : ["1 %", "10 %", "failed"]), "\(story)")
  }
}
