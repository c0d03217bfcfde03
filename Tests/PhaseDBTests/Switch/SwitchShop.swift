import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// A shop with orders, whose prices get a new column behind a switch.
enum SwitchShop {
  static func phase(
    _ kind: Phase.Kind, _ up: String, down: String, switches: [Switch] = [], watch: Watch? = nil,
    probes: [Probe] = [], batch: Batching? = nil, losses: [Loss] = [], window: String = ">=1.0"
  ) throws -> Phase {
    Phase(
      kind, windows: try Windows(Window("app", VersionRange(window))), up: try #require(Script(up)),
      down: try #require(Script(down)), losses: losses, batching: batch, watch: watch, probes: probes,
      switches: switches)
  }

  /// A migration that makes these switches, alone.
  static func catalog(name: String = "s") throws -> Catalog { try catalog(names: [name]) }

  static func catalog(names: [String]) throws -> Catalog {
    try PhaseDBTests.catalog([
      "0001-shop": [
        phase(
          .expand, "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INT)", down: "DROP TABLE orders",
          switches: names.map { Switch($0) })
      ]
    ])
  }

  static let orders = "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INT)"

  /// A phase that makes a switch, with probes.
  static func probed(_ watch: Watch?, _ probes: [Probe]) throws -> Catalog {
    try PhaseDBTests.catalog([
      "0001-shop": [PhaseDBTests.phase(.expand, orders, down: "DROP TABLE orders")],
      "0002-price": [
        phase(
          .expand, "ALTER TABLE orders ADD COLUMN price INT", down: "ALTER TABLE orders DROP COLUMN price",
          switches: [Switch("s")], watch: watch, probes: probes)
      ],
    ])
  }

  /// Three phases of one migration: expand makes the switch, contract waits for it.
  static func whole(
    full: Duration = .seconds(60), expand: [Switch] = [Switch("s")], contract: [Switch]? = nil,
    watch: Watch? = nil, probes: [Probe] = [], batch: Bool = false
  ) throws -> Catalog {
    let range = batch ? " WHERE id BETWEEN :first AND :last" : ""
    return try PhaseDBTests.catalog([
      "0001-shop": [PhaseDBTests.phase(.expand, orders, down: "DROP TABLE orders")],
      "0002-price": [
        phase(
          .expand,
          """
          ALTER TABLE orders ADD COLUMN price INT;
          CREATE TRIGGER orders_price AFTER INSERT ON orders WHEN NEW.price IS NULL
          BEGIN UPDATE orders SET price = total WHERE id = NEW.id; END
          """,
          down: "DROP TRIGGER orders_price; ALTER TABLE orders DROP COLUMN price", switches: expand,
          watch: watch, probes: probes),
        phase(
          .migrate, "UPDATE orders SET price = total\(range)", down: "UPDATE orders SET price = NULL\(range)",
          batch: batch ? Batching(table: "orders") : nil),
        phase(
          .contract, "DROP TRIGGER orders_price; ALTER TABLE orders DROP COLUMN total",
          down: """
            ALTER TABLE orders ADD COLUMN total INT;
            CREATE TRIGGER orders_price AFTER INSERT ON orders WHEN NEW.price IS NULL
            BEGIN UPDATE orders SET price = total WHERE id = NEW.id; END
            """, switches: contract ?? [Switch("s", fullFor: full)]),
      ],
    ])
  }
}

/// A database of it, a clock that a test sets, and what an operator does.
final class SwitchSite {
  let database: TemporaryDatabase
  let catalog: Catalog
  let clock = WatchedShop.Clock()
  let answers = WatchedShop.Answers()
  var settle = Duration.zero

  /// - Parameter upTo: the phase up to which it is applied; on an existing database, not on a new one.
  init(_ catalog: Catalog? = nil, upTo: String? = "0002/migrate") throws {
    self.catalog = try catalog ?? SwitchShop.whole()
    database = try TemporaryDatabase("CREATE TABLE mine (a)")
    guard let upTo else { return }
    try up(to: "0001")
    try database.run("INSERT INTO orders (total) VALUES (5), (7), (9)")
    if upTo != "0001" { try up(to: upTo) }
  }

  func options(
    live: [String] = ["app@1.5"], override: Set<Gate> = [], runner: Runner = .test,
    cancellation: Cancellation = Cancellation()
  ) -> Options {
    let clock = clock
    var options = Options.test(
      live: live, override: override, reason: override.isEmpty ? nil : "a test", cancellation: cancellation
    ).by(runner) { clock.now }
    options.switchSettle = settle
    answers.answer(in: &options)
    return options
  }

  func migrator(_ options: Options? = nil) throws(MigrationError) -> Migrator {
    try database.migrator(catalog, options ?? self.options())
  }

  func up(to name: String, _ options: Options? = nil) throws {
    let migrator = try migrator(options)
    try migrator.run(migrator.plan(.upTo(name)))
  }

  @discardableResult
  func down(
    _ selection: Selection = .down(1), _ options: Options? = nil,
    observe: @escaping (Event) -> Void = { _ in }
  ) throws -> [String] {
    let migrator = try migrator(options)
    return try migrator.run(migrator.plan(selection), observe: observe).done.map(\.id.short)
  }

  func set(_ text: String, _ name: String = "s") throws {
    _ = try migrator().setSwitch(name, to: Exposure(text), reason: "a test")
  }

  /// The row of a switch.
  func record(_ name: String = "s") throws -> SwitchRecord? {
    try migrator().switches().first { $0.name == name }
  }

  /// What an application gets that asks for a subject; nil when there is no row.
  func ask(_ subject: String, _ name: String = "s") throws -> Bool? {
    try SwitchQueryTests.ask(database.connect(.readOnly), .text(subject), name).first.map { $0 == 1 }
  }

  /// What the log says of switches, oldest first.
  var log: [String] {
    get throws { try migrator().log().filter { $0.action == "switch" }.map(\.detail) }
  }

  /// The log's actions and subjects, oldest first.
  var story: [String] {
    get throws {
      try migrator().log().map { "\($0.action) \((try? PhaseID($0.subject))?.short ?? $0.subject)" }
    }
  }

  /// Puts it where the contract may go up.
  func makeFull() throws {
    try set("100%")
    clock.pass(61)
  }
}
