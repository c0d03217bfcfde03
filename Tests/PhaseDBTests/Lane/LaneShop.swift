import PhaseSQLite
import Synchronization
import Testing

@testable import PhaseDB

/// A shop with an outbox, phases that hold it, and a worker that tries to claim at every moment that a test can see.
final class LaneShop {
  let database: TemporaryDatabase
  /// The file of the outbox: the shop's own, or one beside it.
  let file: String?
  var lanes: [String: Lane]
  private(set) var events: [String] = []

  static let outbox =
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY, state TEXT NOT NULL DEFAULT 'ready', note TEXT)"
  static let claim = "UPDATE OF state ON outbox WHEN NEW.state = 'sending' AND OLD.state = 'ready'"
  static let busy = "SELECT count(*), 12 FROM outbox WHERE state = 'sending'"
  static let waiting = "SELECT count(*) FROM outbox WHERE state = 'ready'"

  /// - Parameters:
  ///   - rows: what the outbox has.
  ///   - isBeside: whether the outbox is in a file of its own.
  init(_ rows: String = "('ready'), ('ready')", isBeside: Bool = false) throws {
    database = try TemporaryDatabase(
      "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INT); INSERT INTO orders (total) VALUES (5), (7)")
    file = isBeside ? database.folder.path + "/queue 'x'.db" : nil
    lanes = [
      "hooks": try Lane(
        claim: Self.claim, busy: Self.busy, waiting: Self.waiting, file: file)
    ]
    try worker(.create).execute(script: "\(Self.outbox); INSERT INTO outbox (state) VALUES \(rows)")
    let first = try catalog(nothing(.expand))
    try migrator(first).run(migrator(first).plan(.upAll))
  }

  func worker(_ mode: Connection.Mode = .readWrite) throws -> Connection {
    let connection = try Connection(path: file ?? database.path, mode: mode)
    connection.setBusyTimeout(milliseconds: 5_000)
    return connection
  }

  /// What a worker does: how many jobs it got.
  func work() throws -> Int {
    let worker = try worker()
    return try worker.rows(
      "UPDATE outbox SET state = 'sending' WHERE id = (SELECT id FROM outbox WHERE state = 'ready' LIMIT 1) RETURNING id"
    ).count
  }

  func states() throws -> String {
    try worker().rows("SELECT state FROM outbox ORDER BY id").map { $0[0].text ?? "" }.joined(separator: " ")
  }

  /// A catalog whose last migration is what a test is about.
  func catalog(_ phases: Phase...) throws -> Catalog {
    try Catalog(
      [Migration(MigrationName("0001-first"), phases: [nothing(.expand)])]
        + (phases[0].lanes.isEmpty && phases.count == 1 && phases[0].up.text == "SELECT 1"
          ? [] : [Migration(MigrationName("0002-note"), phases: phases)]))
  }

  /// A phase that holds lanes.
  static func phase(
    _ kind: Phase.Kind = .expand, _ up: String = "ALTER TABLE orders ADD COLUMN note TEXT",
    down: String = "ALTER TABLE orders DROP COLUMN note", lanes: [LaneUse]? = nil, watch: Watch? = nil,
    batch: Batching? = nil
  ) throws -> Phase {
    Phase(
      kind, windows: try Windows(Window("app", VersionRange(">=1.0"))), up: try #require(Script(up)),
      down: try #require(Script(down)), batching: batch, watch: watch,
      probes: watch == nil ? [] : [Probe("checkout", fails: .inARow(1))],
      lanes: lanes ?? [LaneUse("hooks", within: .milliseconds(300))])
  }

  func options(override: Set<Gate> = [], runner: Runner = .test, _ change: (inout Options) -> Void = { _ in })
    -> Options
  {
    var options = Options.test(override: override, reason: override.isEmpty ? nil : "a test", runner: runner)
    options.lanes = lanes
    options.wait = .milliseconds(500)
    change(&options)
    return options
  }

  func migrator(_ catalog: Catalog, _ options: Options? = nil) throws(MigrationError) -> Migrator {
    try database.migrator(catalog, options ?? self.options())
  }

  /// Runs a selection; `look` sees every event, and what it returns is added to the list of events.
  @discardableResult
  func run(
    _ selection: Selection, _ catalog: Catalog, _ options: Options? = nil,
    look: @escaping (Event) throws -> String? = { _ in nil }
  ) throws -> MigrationError? {
    events = []
    return migrationError {
      let migrator = try migrator(catalog, options)
      try migrator.run(migrator.plan(selection)) { [self] event in
        let word: String? =
          switch event {
          case .laneQueued(_, _, let jobs, _): "waiting \(jobs)"
          case .laneBusy(_, _, let jobs, _): "in-flight \(jobs)"
          case .lanePausing: "time 0"
          case .laneHeld: "held"
          case .laneOpened: "open"
          case .laneStuck(_, let why): "stuck: \(why)"
          case .laneAbsent(_, _, let why): "absent: \(why)"
          case .committed: "committed"
          default: nil
          }
        let seen = (try? look(event)) ?? nil
        if let word { events.append(word + (seen.map { " (\($0))" } ?? "")) }
      }
    }
  }

  /// Whether nothing of a lane is left: no trigger, no row that is not open.
  func isOpen() throws -> Bool {
    let rows = try database.connect(.readOnly).rows("SELECT state FROM phasedb_lane").map { $0[0].text }
    let triggers = [database.path, file ?? database.path].compactMap { path in
      try? Connection(path: path, mode: .readOnly).value(
        "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'phasedb_lane_%' AND type = 'trigger'")?.integer
    }
    return rows.allSatisfy { $0 == "open" } && triggers == [0, 0]
  }

  /// A runner that is gone.
  static let gone: Runner = {
    var runner = Runner.current
    runner.processID = 0x7FFF_FFF0
    return runner
  }()
}
