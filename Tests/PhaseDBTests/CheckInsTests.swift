import PhaseSQLite
import Testing

@testable import PhaseDB

/// A version that says it is running, and whether it may.
struct CheckInsTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let applied: Selection
    let version: String
    let hasFolder: Bool
    /// What the refusal says, nil when the version may run.
    let refusal: Prose?
    let details: [Prose]
    let help: [Prose]

    init(
      _ sentence: String, after applied: Selection, _ version: String, withoutFolder: Bool = false,
      refused refusal: Prose? = nil, _ details: [Prose] = [], help: [Prose] = []
    ) {
      (testDescription, self.applied, self.version) = (sentence, applied, version)
      hasFolder = !withoutFolder
      (self.refusal, self.details, self.help) = (refusal, details, help)
    }
  }

  /// 0001 is for all from 1.0, 0002/expand up to 2.0, its contract from 1.5.
  static func shop() throws -> Catalog {
    try catalog([
      "0001-a": [table("a")],
      "0002-b": [table("b", window: ">=1.0 <2.0"), nothing(.contract, window: ">=1.5 <3.0")],
    ])
  }

  static let cases = [
    Case("a version inside both bounds", after: .up(2), "1.4"),
    Case("the lower bound itself", after: .up(1), "1.0"),
    Case(
      "a version below the applied phases", after: .up(1), "0.9",
      refused: "app 0.9 may not run on this schema, which is for app >=1.0 <2.0",
      ["0001-a/expand is applied, and its window is >=1.0"],
      help: ["start app >=1.0 <2.0", "or reverse 0001/expand; see the plan first: phasedb plan down --to @0"]),
    Case(
      "a version below the contract", after: .upAll, "1.4",
      refused: "app 1.4 may not run on this schema, which is for app >=1.5",
      ["0002-b/contract is applied, and its window is >=1.5 <3.0"],
      help: ["start app >=1.5", "or reverse 0002/contract; see the plan first: phasedb plan down --to @3"]),
    Case(
      "a version that needs a pending phase", after: .up(1), "2.0",
      refused: "app 2.0 may not run on this schema, which is for app >=1.0 <2.0",
      ["0002-b/expand is not applied, and its window is >=1.0 <2.0"],
      help: ["apply it first: phasedb up --to 0002/expand"]),
    Case("the same version where no folder says so", after: .up(1), "2.0", withoutFolder: true),
    Case(
      "the ledger alone knows the lower bound", after: .upAll, "1.4", withoutFolder: true,
      refused: "app 1.4 may not run on this schema, which is for app >=1.5",
      ["0002-b/contract is applied, and its window is >=1.5 <3.0"],
      help: ["start app >=1.5", "or reverse 0002/contract; see the plan first: phasedb plan down --to @3"]),
  ]

  @Test("checks in:", arguments: cases)
  func checksIn(_ example: Case) throws {
    let database = try TemporaryDatabase()
    try database.run(example.applied, Self.shop(), .test(live: ["app@1.5"]))
    let migrator = try database.migrator(example.hasFolder ? Self.shop() : Catalog([]))
    let error = migrationError {
      try migrator.checkIn(LiveVersion("app@\(example.version)"), instance: "web-1")
    }
    let rows = try database.connect(.readOnly).rows("SELECT * FROM phasedb_app")
    guard let refusal = example.refusal else {
      #expect(error == nil)
      #expect(rows == [["app", .text(example.version), "web-1", "2026-01-31T12:00:00.000Z"]])
      return
    }
    #expect(error?.id == .versionNotLive)
    #expect(error?.message == refusal)
    #expect(error?.details == example.details)
    #expect(error?.help == example.help)
    #expect(error?.standing == .unchanged)
    #expect(rows.isEmpty, "a version that may not run is not recorded")
  }

  @Test("a later check-in takes the place of the instance's earlier one, and of no other's")
  func again() throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, Self.shop())
    for (version, instance, time) in [
      ("1.5", "web-1", "2026-01-31T12:00:00.000Z"), ("1.5", "web-2", "2026-01-31T12:00:01.000Z"),
      ("1.6", "web-1", "2026-01-31T12:05:00.000Z"),
    ] {
      try database.migrator(Self.shop(), .test(now: time)).checkIn(
        LiveVersion("app@\(version)"), instance: instance)
    }
    let status = try database.migrator(Self.shop(), .test(live: [], now: "2026-01-31T12:06:00.000Z")).status()
    #expect(status.checkIns.map(\.description) == ["app 1.6 on web-1", "app 1.5 on web-2"])
    #expect(status.checkIns.map(\.seenAt.text) == ["2026-01-31T12:05:00.000Z", "2026-01-31T12:00:01.000Z"])
    #expect(try database.migrator(Self.shop()).status().checkIns.isEmpty, "--live replaces them")
    #expect(try database.migrator(Self.shop()).verify().isClean)
  }

  @Test("removes what was forgotten a month ago, and no sooner")
  func removing() throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, Self.shop())
    try database.run(
      """
      INSERT INTO phasedb_app VALUES ('app', '1.5', 'gone', '2026-01-01T11:59:59.999Z');
      INSERT INTO phasedb_app VALUES ('app', '1.5', 'kept', '2026-01-01T12:00:00.000Z');
      INSERT INTO phasedb_app VALUES ('app', '1.5', 'odd', 'yesterday');
      """)
    try database.migrator(Self.shop()).checkIn(LiveVersion("app@1.5"), instance: "web-1")
    let rows = try database.connect(.readOnly).rows("SELECT instance FROM phasedb_app ORDER BY 1")
    #expect(rows == [["kept"], ["odd"], ["web-1"]])
  }

  @Test("an application that no window names is not restricted, and a likely slip is named")
  func unknown() throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, catalog(["0001-a": [table("a")]]))
    let migrator = try database.migrator(catalog(["0001-a": [table("a")]]))
    #expect(
      try migrator.checkInReport(LiveVersion("app@1.5"), instance: "x").mayBeLive?.description == ">=1.0")
    let slip = try migrator.checkInReport(LiveVersion("ap@0.1"), instance: "x")
    #expect(slip.mayBeLive == nil && slip.suggestion == "app")
    #expect(try migrator.checkInReport(LiveVersion("worker@0.1"), instance: "x").suggestion == nil)
  }

  @Test("before the first phase there is nothing to check in to")
  func ledgerMissing() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let before = try database.snapshot()
    let error = migrationError {
      try database.migrator(Self.shop()).checkIn(LiveVersion("app@1.5"), instance: "x")
    }
    #expect(error?.id == .ledgerMissing && error?.standing == .unchanged)
    #expect(try database.snapshot() == before)
    let nameless = migrationError {
      try database.migrator(Self.shop()).checkIn(LiveVersion("app@1.5"), instance: "")
    }
    #expect(nameless?.id == .invalidName)
  }

  @Test("waits for another writer, and then says that it is busy")
  func busy() throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, Self.shop())
    let other = try database.connect()
    let transaction = try other.begin(.immediate)
    let error = migrationError {
      try database.migrator(Self.shop()).checkIn(LiveVersion("app@1.5"), instance: "x")
    }
    #expect(error?.standing == .busy)
    try transaction.rollBack()
    #expect(throws: Never.self) {
      try database.migrator(Self.shop()).checkIn(LiveVersion("app@1.5"), instance: "x")
    }
  }
}
