import Foundation
import PhaseSQLite
import Synchronization
import Testing

@testable import PhaseDB

/// Which versions may run on a state, and what is taken back for one that may not.
@Suite("Settling")
struct SettlingTests {
  /// Windows of three phases, as pairs of a lowest version and one that is too high.
  struct Case: CustomTestStringConvertible, Sendable {
    let windows: [(low: Int, high: Int)]
    var testDescription: String { windows.map { ">=\($0.low) <\($0.high)" }.joined(separator: ", ") }

    var catalog: Catalog {
      get throws {
        try Catalog(
          windows.enumerated().map { index, window in
            try Migration(
              MigrationName("000\(index + 1)-t"),
              phases: [table("t\(index)", window: ">=\(window.low) <\(window.high)")])
          })
      }
    }

    /// Whether a version may run while the first so many phases are applied: the words of Concepts, in numbers.
    func mayRun(_ version: Int, after applied: Int) -> Bool {
      windows.enumerated().allSatisfy { $0 < applied ? version >= $1.low : version < $1.high }
    }
  }

  static let cases: [Case] = {
    let windows = [(low: 1, high: 9), (low: 1, high: 3), (low: 3, high: 9), (low: 2, high: 5)]
    return windows.flatMap { a in windows.flatMap { b in windows.map { Case(windows: [a, b, $0]) } } }
  }()

  /// A database with the first so many phases, whatever their windows say.
  static func database(_ example: Case, applied: Int) throws -> TemporaryDatabase {
    let database = try TemporaryDatabase("CREATE TABLE mine (a)")
    try database.run(
      .up(applied), example.catalog, .test(live: [], override: [.window], reason: "a test"))
    return database
  }

  @Test("says of every version and every state whether it may run, and never writes", arguments: cases)
  func mayRun(_ example: Case) throws {
    for applied in 1...3 {
      let database = try Self.database(example, applied: applied)
      let before = try database.snapshot()
      let migrator = try database.migrator(example.catalog, .test(live: []), access: .reading)
      for number in 0...5 {
        let version = LiveVersion("app", try Version("\(number)"))
        let now = try migrator.mayRun(version)
        #expect(now.isAllowed == example.mayRun(number, after: applied), "\(number) after \(applied)")
        #expect((now.refusal?.id == .versionNotLive) == !now.isAllowed)
        for phase in 1...3 {
          let then = try migrator.mayRun(version, after: .phase("000\(phase)"))
          #expect(then.isAllowed == example.mayRun(number, after: phase), "\(number) after \(phase)")
        }
        let plan = Result { try migrator.mayRun(version, after: .plan) }
        switch plan {
        case .success(let report): #expect(report.isAllowed == example.mayRun(number, after: 3))
        case .failure(let error): #expect((error as? MigrationError)?.id == .windowInvalid)
        }
      }
      let bounds = try #require(try migrator.mayRun(LiveVersion("app@1")).bounds.first)
      let lows = example.windows.prefix(applied).map(\.low)
      #expect(
        bounds.lowestSetBy?.migration.number == lows.firstIndex(of: lows.max() ?? 0).map { UInt64($0 + 1) })
      let highs = example.windows.dropFirst(applied).map(\.high)
      #expect(
        bounds.highestSetBy?.migration.number
          == highs.min().flatMap { highs.firstIndex(of: $0) }.map { UInt64($0 + applied + 1) })
      #expect(try database.snapshot() == before)
    }
  }

  @Test(
    "takes back the fewest phases, with the ledger alone, and nothing where nothing helps", arguments: cases)
  func settles(_ example: Case) throws {
    for number in 0...5 {
      let database = try Self.database(example, applied: 3)
      let migrator = try database.migrator(catalog([:]), .test(live: []))
      let kept = example.windows.firstIndex { number < $0.low } ?? 3
      let error = migrationError { try migrator.settle(for: "app@\(number)", observe: { _ in }) }
      let isPossible = kept == 3 || example.mayRun(number, after: kept)
      #expect(error?.id == (isPossible ? nil : .versionNotLive), "\(number)")
      #expect(try database.applied().count == (isPossible ? kept : 3), "\(number)")
      guard isPossible else { continue }
      #expect(try migrator.settle(for: "app@\(number)", observe: { _ in }).done.isEmpty, "the second time")
    }
  }

  /// 0001 for all, then a contract for 2.0 and later with this SQL.
  static func shop(_ up: String, down: String, batch: Batching? = nil) throws -> Catalog {
    try catalog([
      "0001-a": [
        phase(
          .expand,
          "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')",
          down: "DROP TABLE t")
      ],
      "0002-b": [phase(batch == nil ? .contract : .migrate, up, down: down, window: ">=2.0", batch: batch)],
    ])
  }

  static func dropping() throws -> Catalog {
    try shop("ALTER TABLE t DROP COLUMN a", down: "ALTER TABLE t ADD COLUMN a")
  }

  static let settled = Options.test(live: [])

  @Test("refuses a way back that loses rows, says which, and changes nothing")
  func lossy() throws {
    let database = try TemporaryDatabase()
    try database.run(
      .upAll, Self.shop("DELETE FROM t WHERE id = 3", down: "SELECT 1"), .test(live: ["app@2"]))
    let exact = try database.migrator(catalog([:]), Self.settled).plan(settling: LiveVersion("app@1.5"))
    #expect(exact.steps.map(\.id.short) == ["0002/contract"])
    try database.run("INSERT INTO t (a) VALUES ('new')")
    let before = try database.snapshot()
    let error = migrationError {
      try database.migrator(catalog([:]), Self.settled).settle(for: "app@1.5", observe: { _ in })
    }
    #expect(error?.id == .reversalLossy && error?.standing == .unchanged)
    #expect(error?.details.contains { $0.raw.contains("lossy: t, 1 row") } == true, "\(error?.details ?? [])")
    #expect(try database.snapshot() == before)
    #expect(
      try database.run(.downTo("0001"), catalog([:]), Self.settled) == ["0002/contract"], "down accepts it")
  }

  @Test("refuses a way back that is blocked, as down does")
  func blocked() throws {
    let database = try TemporaryDatabase()
    try database.run(
      .upAll,
      Self.shop(
        "ALTER TABLE t RENAME TO u",
        down: "CREATE UNIQUE INDEX i ON u (a); DROP INDEX i; ALTER TABLE u RENAME TO t"),
      .test(live: ["app@2"]))
    try database.run("INSERT INTO u (a) VALUES ('x')")
    let error = migrationError {
      try database.migrator(catalog([:]), Self.settled).settle(for: "app@1.5", observe: { _ in })
    }
    #expect(
      error?.id == .statementFailed || error?.id == .reversalBlocked, "\(error.map { "\($0)" } ?? "none")")
    #expect(error?.standing == .unchanged)
    #expect(try database.applied().count == 2)
  }

  @Test("leaves a database that is new, empty, older than the code or without the application")
  func nothingToDo() throws {
    let fresh = try TemporaryDatabase()
    #expect(try fresh.migrator(Self.dropping()).settle(for: "app@1.0", observe: { _ in }).done.isEmpty)
    let foreign = try TemporaryDatabase("CREATE TABLE old (a)")
    let before = try foreign.snapshot()
    #expect(try foreign.migrator(Self.dropping()).settle(for: "app@1.0", observe: { _ in }).done.isEmpty)
    #expect(try foreign.snapshot() == before)
    let missing = migrationError { try foreign.migrator(Self.dropping()).mayRun(LiveVersion("app@1.0")) }
    #expect(missing?.id == .ledgerMissing)

    let database = try TemporaryDatabase()
    let two = try catalog(["0001-a": [table("a")], "0002-b": [table("b", window: ">=1.0 <2.0")]])
    try database.run(.up(1), two)
    let plan = try database.migrator(two, Self.settled).plan(settling: LiveVersion("app@2.0"))
    #expect(plan.steps.isEmpty)
    #expect(plan.remainingMisfits.map(\.remedies) == [["apply it first: phasedb up --to 0002/expand"]])
    let other = try database.migrator(two, Self.settled)
    #expect(try other.settle(for: "ap@0.1", observe: { _ in }).done.isEmpty)
    let slip = try other.mayRun(LiveVersion("ap@0.1"))
    #expect(slip.isAllowed)
    #expect(slip.notes == ["no window names ap, so nothing restricts it; did you mean app?"])
    #expect(migrationError { try other.settle(for: "app", observe: { _ in }) }?.id == .versionInvalid)
    #expect(
      migrationError { try other.mayRun(LiveVersion("app@1.0"), after: .phase("0009")) }?.id == .unknownPhase)
  }

  @Test("is held by another version that is live and needs what would be reversed, until it is gone")
  func live() throws {
    let database = try TemporaryDatabase()
    let two = try catalog([
      "0001-a": [table("a")],
      "0002-b": [table("b", window: ">=1.0 <2.0"), nothing(.contract, window: ">=2.0 <3.0")],
    ])
    try database.run(.upAll, two, .test(live: ["app@2.0"]))
    let migrator = try database.migrator(catalog([:]), Self.settled)
    try migrator.checkIn(LiveVersion("app@2.5"), instance: "web-1")
    #expect(
      try migrator.plan(settling: LiveVersion("app@1.5")).steps.count == 1, "2.5 runs on both sides of it")
    try migrator.checkIn(LiveVersion("app@3.0"), instance: "web-1")
    let error = migrationError { try migrator.settle(for: "app@1.5", observe: { _ in }) }
    #expect(error?.id == .phaseHeld && error?.standing == .unchanged)
    #expect(try database.applied().count == 3)
    let alone = try database.migrator(catalog([:]), .test(live: ["app@1.5"]))
    #expect(try alone.settle(for: "app@1.5", observe: { _ in }).done.map(\.id.short) == ["0002/contract"])
  }

  @Test("refuses drift, and waits for a lock and a lease no longer than it is told")
  func inTheWay() throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, Self.dropping(), .test(live: ["app@2"]))
    let migrator = try database.migrator(catalog([:]), Self.settled)
    let other = try database.connect()
    let transaction = try other.begin(.immediate)
    #expect(migrationError { try migrator.settle(for: "app@1.5", observe: { _ in }) }?.standing == .busy)
    try transaction.rollBack()
    try database.run("CREATE TABLE stray (x)")
    #expect(migrationError { try migrator.settle(for: "app@1.5", observe: { _ in }) }?.id == .schemaDrift)
    #expect(try migrator.mayRun(LiveVersion("app@2")).notes.count == 1)
    try database.run("DROP TABLE stray")
    #expect(try migrator.settle(for: "app@1.5", observe: { _ in }).done.count == 1)
  }

  @Test("two at once take every phase back once")
  func twoAtOnce() throws {
    let example = Case(windows: [(low: 1, high: 9), (low: 3, high: 9), (low: 3, high: 9)])
    let database = try Self.database(example, applied: 3)
    let first = try database.migrator(catalog([:]), Self.settled)
    let second = try database.migrator(catalog([:]), Self.settled)
    let plans = (
      try first.plan(settling: LiveVersion("app@1")), try second.plan(settling: LiveVersion("app@1"))
    )
    #expect(try first.run(plans.0).done.count == 2)
    let late = try second.run(plans.1)
    #expect(late.done.isEmpty && late.skipped.count == 2)
    #expect(try database.applied() == ["0001/expand"])
  }

  @Test("takes back a phase that stopped half-way, and leaves it where the version may run beside it")
  func halfDone() throws {
    let batched = try Self.shop(
      "UPDATE t SET a = upper(a) WHERE id BETWEEN :first AND :last",
      down: "UPDATE t SET a = lower(a) WHERE id BETWEEN :first AND :last", batch: Batching(table: "t"))
    let database = try TemporaryDatabase()
    try database.run(.up(1), batched, .test(live: ["app@2"]))
    let stop = Cancellation()
    let error = migrationError {
      try database.run(
        .upAll, batched, .test(live: ["app@2"], pacing: Options.Pacing(maximumRows: 1), cancellation: stop)
      ) { event in if case .batchCommitted = event { stop.cancel() } }
    }
    #expect(error?.id == .interrupted)
    let migrator = try database.migrator(catalog([:]), Self.settled)
    #expect(try !migrator.mayRun(LiveVersion("app@1.5")).isAllowed)
    #expect(
      try migrator.mayRun(LiveVersion("app@1.5")).bounds.first?.lowestSetBy?.short == "0002/migrate")
    #expect(try migrator.settle(for: "app@2.5", observe: { _ in }).done.isEmpty)
    #expect(try migrator.settle(for: "app@1.5", observe: { _ in }).done.map(\.id.short) == ["0002/migrate"])
    #expect(try database.connect(.readOnly).rows("SELECT a FROM t ORDER BY id") == [["x"], ["y"], ["z"]])
    #expect(try migrator.mayRun(LiveVersion("app@1.5")).isAllowed)
  }

  @Test("runs beside the caller, too")
  func asynchronous() async throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, Self.dropping(), .test(live: ["app@2"]))
    let migrator = try database.migrator(catalog([:]), Self.settled)
    #expect(try await migrator.settle(for: "app@1.5").done.count == 1)
  }

  @Test(
    "goes to the nearest state in which a version may run, up or down, or changes nothing", arguments: cases)
  func goesToVersion(_ example: Case) throws {
    for applied in 1...3 {
      let database = try Self.database(example, applied: applied)
      let migrator = try database.migrator(example.catalog, .test(live: []))
      for number in 0...5 {
        let states = (0...3).filter { example.mayRun(number, after: $0) }
        let nearest = states.map { abs($0 - applied) }.min()
        do throws(MigrationError) {
          let plan = try migrator.plan(to: .version(LiveVersion("app@\(number)")))
          #expect(plan.steps.count == nearest, "\(number) from \(applied)")
        } catch {
          // The plan may pass a state in which nobody could run, which up refuses.
          #expect(
            nearest == nil ? error.id == .versionNotLive : error.id == .windowInvalid,
            "\(number) from \(applied): \(error)")
        }
      }
    }
  }

  @Test("goes to a phase or a checkpoint, up or down, and takes contracts along only when told")
  func goesToPhase() throws {
    let database = try TemporaryDatabase()
    let all = try catalog([
      "0001-a": [table("a"), nothing(.contract)], "0002-b": [table("b"), nothing(.contract)],
      "0003-c": [table("c")],
    ])
    let migrator = try database.migrator(all)
    func go(_ text: String, contracts: Bool = false) throws -> [String] {
      try migrator.go(to: Destination(text), contracts: contracts, observe: { _ in }).done.map(\.id.short)
    }
    #expect(try go("0002/expand") == ["0001/expand", "0002/expand"])
    #expect(try go("0002/expand") == [])
    #expect(try go("0001/expand") == ["0002/expand"])
    #expect(
      try go("0003", contracts: true) == [
        "0001/contract", "0002/expand", "0002/contract", "0003/expand",
      ])
    #expect(try go("@0").count == 5)
    #expect(try go("0001/contract") == ["0001/expand", "0001/contract"], "the destination itself")
    #expect(try go("app@0.5") == ["0001/contract", "0001/expand"])
    #expect(migrationError { try go("0009") }?.id == .unknownPhase)
    #expect(migrationError { try go("@nowhere") }?.id == .unknownCheckpoint)
    #expect(migrationError { try go("app@") }?.id == .versionInvalid)
  }

  @Test("says which contracts stay pending")
  func contractsLeft() throws {
    let database = try TemporaryDatabase()
    let all = try catalog(["0001-a": [table("a"), nothing(.contract)], "0002-b": [table("b")]])
    let migrator = try database.migrator(all)
    let plan = try migrator.plan(to: Destination("0002"))
    #expect(plan.notes.last == "contracts stay pending: 0001/contract; --contracts lets them go up")
    #expect(try migrator.plan(to: Destination("0002"), contracts: true).notes.isEmpty)
  }

  @Test("goes nowhere through drift, past a live version, or from a phase that is half done")
  func refusals() throws {
    let drifted = try TemporaryDatabase()
    try drifted.run(.up(1), tables(2))
    try drifted.run("CREATE TABLE theirs (a)")
    let live = try TemporaryDatabase()
    let windows = try catalog(["0001-a": [table("a")], "0002-b": [table("b", window: ">=1.0 <2.0")]])
    try live.run(.upAll, windows)
    for (text, id) in [
      ("0002", MigrationError.ID.schemaDrift), ("@0", .schemaDrift), ("app@1.5", .schemaDrift),
    ] {
      let migrator = try drifted.migrator(tables(2))
      #expect(
        migrationError { try migrator.go(to: Destination(text), observe: { _ in }) }?.id == id, "\(text)")
    }
    let migrator = try live.migrator(windows, .test(live: ["app@2.5"]))
    #expect(migrationError { try migrator.go(to: Destination("0001"), observe: { _ in }) }?.id == .phaseHeld)
    #expect(migrationError { try migrator.settle(for: "app@1.0", observe: { _ in }) } == nil)
    #expect(try live.applied() == ["0001/expand", "0002/expand"])
  }

  @Test("two that settle at the same moment do it once", arguments: 0..<4)
  func together(_ number: Int) throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, Self.dropping(), .test(live: ["app@2"]))
    let path = database.path
    let done = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 3) { _ in
      do throws(MigrationError) {
        let migrator = try Migrator(
          database: path, catalog: Catalog([]), options: .test(live: [], wait: .seconds(20)))
        let count = try migrator.settle(for: "app@1.5", observe: { _ in }).done.count
        done.withLock { $0 += count }
      } catch {
        // It was planned before another one was done.
        #expect([.ledgerMoved, .leaseHeld].contains(error.id), "\(error)")
      }
    }
    #expect(done.withLock { $0 } == 1)
    #expect(try database.applied() == ["0001/expand"])
  }
}
