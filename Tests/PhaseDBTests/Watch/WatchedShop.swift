import Foundation
import Synchronization
import Testing

@testable import PhaseDB

/// A shop with three orders in which a phase is watched, a clock that a test sets, and probes that answer what a test says.
final class WatchedShop {
  let database: TemporaryDatabase
  let clock = Clock()
  let answers = Answers()
  /// The phase that is watched, alone in its migration unless a test gives more.
  let catalog: Catalog

  final class Clock: Sendable {
    private let present = Mutex(Timestamp(text: "2026-01-31T12:00:00.000Z").date ?? .distantPast)
    var now: Timestamp { Timestamp(present.withLock { $0 }) }
    func pass(_ seconds: Double) { present.withLock { $0 = $0.addingTimeInterval(seconds) } }
  }

  /// What probes of the settings answer; anything that is not set passes.
  final class Answers: Sendable {
    private let answers = Mutex<[String: Probe.Reply]>([:])
    subscript(_ name: String) -> Probe.Reply {
      get { answers.withLock { $0[name] ?? .passes } }
      set { answers.withLock { $0[name] = newValue } }
    }

    /// Lets them answer as the probes of the settings.
    func answer(in options: inout Options) {
      for name in ["checkout", "disk"] {
        options.probes[name] = Options.ProbeSource(givesNumber: true) { _ in self[name] }
      }
    }
  }

  static let shop = "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INT)"

  /// - Parameters:
  ///   - up, down: the SQL of the watched phase.
  ///   - then: what follows a failure.
  ///   - later: phases of the same migration, after it.
  init(
    _ then: Watch.Consequence = .reverse, kind: Phase.Kind = .expand,
    up: String = "ALTER TABLE orders ADD COLUMN customer TEXT",
    down: String = "ALTER TABLE orders DROP COLUMN customer", probes: [Probe]? = nil,
    rounds: Int = 4, settling: Int = 0, budget: Budget? = nil, later: [Phase] = []
  ) throws {
    let watched = Phase(
      kind, windows: try Windows(Window("app", VersionRange(">=1.0 <3.0"))), up: try #require(Script(up)),
      down: try #require(Script(down)), budget: budget,
      watch: Watch(
        for: .seconds(60 * rounds), every: .seconds(60), settle: .seconds(60 * settling), then: then),
      probes: probes ?? [Probe("checkout", fails: .inARow(2))])
    catalog = try PhaseDBTests.catalog([
      "0001-shop": [phase(.expand, Self.shop, down: "DROP TABLE orders")],
      "0002-name": [watched] + later,
    ])
    database = try TemporaryDatabase("CREATE TABLE mine (a)")
    try migrator().run(migrator().plan(.up(1)))
    try database.run("INSERT INTO orders (total) VALUES (5), (7), (9)")
  }

  func options(
    live: [String] = [], override: Set<Gate> = [], runner: Runner = .test, freezeFile: String? = nil
  ) -> Options {
    let clock = clock
    var options = Options.test(
      live: live, override: override, reason: override.isEmpty ? nil : "a test", evidence: .none
    ).by(runner) { clock.now }
    options.freezeFile = freezeFile
    answers.answer(in: &options)
    return options
  }

  func migrator(_ options: Options? = nil) throws(MigrationError) -> Migrator {
    try database.migrator(catalog, options ?? self.options())
  }

  /// Rehearses, so that it is known how long the way back takes.
  func rehearse() throws {
    let migrator = try migrator()
    try migrator.record(migrator.rehearse().evidence)
  }

  /// Applies the watched phase.
  func up(_ options: Options? = nil) throws {
    let migrator = try migrator(options)
    try migrator.run(migrator.plan(.upTo("0002/expand")))
  }

  /// Takes so many samples, a minute apart.
  ///
  /// - Returns: the watch afterwards.
  @discardableResult
  func sample(
    _ count: Int, _ options: Options? = nil, observe: @escaping (WatchEvent) -> Void = { _ in }
  ) throws -> WatchRecord? {
    for _ in 0..<count {
      clock.pass(60)
      _ = try migrator(options).watch(once: true, observe: observe)
    }
    return try watch
  }

  /// The last watch of the ledger.
  var watch: WatchRecord? { get throws { try migrator().watches().last } }

  var verdict: String { get throws { try watch?.verdict.rawValue ?? "none" } }

  /// How often something came down.
  var waysDown: Int {
    get throws { try migrator().log().count { $0.action == LogEntry.Action.down.rawValue } }
  }
}
