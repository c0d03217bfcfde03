import Testing

@testable import PhaseDB

/// What an application, an administrator's tool and a test do in one call.
@Suite("One call")
struct RunningTests {
  @Test("makes a database in memory that has every phase")
  func memory() throws {
    let migrator = try Migrator.inMemory(try CheckInsTests.shop())
    #expect(try migrator.isUpToDate)
    #expect(try migrator.status().phases.allSatisfy { $0.applied != nil })
  }

  @Test("says whether anything is left to do")
  func upToDate() throws {
    let database = try TemporaryDatabase()
    let migrator = try database.migrator(try CheckInsTests.shop())
    #expect(try !migrator.isUpToDate)
    try migrator.run(try migrator.plan(.up(2)))
    #expect(try !migrator.isUpToDate, "the contract is left")
    try migrator.up(observe: { _ in })
    #expect(try migrator.isUpToDate)
    let former = try database.migrator(try catalog(["0001-a": [table("a")]]))
    #expect(try former.isUpToDate, "what a catalog does not have is not left to do")
  }

  @Test("says that a batched phase is half done")
  func halfDone() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, n); INSERT INTO t VALUES (1, 1), (2, 2)")
    let batched = try catalog([
      "0001-n": [
        try phase(
          .migrate, "UPDATE t SET n = -n WHERE id BETWEEN :first AND :last",
          down: "UPDATE t SET n = -n WHERE id BETWEEN :first AND :last", batch: Batching(table: "t"))
      ]
    ])
    let stop = Cancellation()
    let options = Options.test(pacing: Options.Pacing(maximumRows: 1), cancellation: stop)
    let migrator = try database.migrator(batched, options)
    let error = migrationError {
      try migrator.up { event in if case .batchCommitted = event { stop.cancel() } }
    }
    #expect(error?.id == .interrupted)
    #expect(try !migrator.isUpToDate)
  }

  struct Start: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let version: String
    /// What is live beside it.
    var others: [String] = []
    var applies: [String] = []
    var refusal: MigrationError.ID?
  }

  static let starts = [
    Start(
      testDescription: "a version for every phase", version: "app@2.0",
      applies: ["0001/expand", "0002/expand", "0002/contract"]),
    Start(
      testDescription: "a version that the contract is not for keeps it from going up", version: "app@1.4",
      applies: ["0001/expand", "0002/expand"]),
    Start(
      testDescription: "another version keeps it from going up, too", version: "app@2.0", others: ["app@1.4"],
      applies: ["0001/expand", "0002/expand"]),
    Start(testDescription: "a version too old for all of it", version: "app@0.9", refusal: .versionNotLive),
    Start(testDescription: "no version", version: "app", refusal: .versionInvalid),
  ]

  @Test("brings the schema up for a version that starts, and checks it in", arguments: starts)
  func starting(start: Start) throws {
    let database = try TemporaryDatabase()
    let migrator = try database.migrator(try CheckInsTests.shop(), .test(live: []))
    if !start.others.isEmpty { try migrator.run(try migrator.plan(.up(2))) }
    for other in start.others { try migrator.checkIn(try LiveVersion(other), instance: other) }
    let error = migrationError {
      try migrator.up(running: start.version, instance: "here", observe: { _ in })
    }
    #expect(error?.id == start.refusal)
    guard start.refusal == nil else { return }
    #expect(try database.applied() == start.applies)
    let checkIn = try migrator.status().checkIns.first { $0.instance == "here" }
    #expect(checkIn.map { "\($0.application)@\($0.versionText)" } == start.version)
    try migrator.up(running: start.version, observe: { _ in })
    #expect(
      try migrator.status().checkIns.contains { $0.instance.hasSuffix("/\(Options.test.runner.processID)") })
  }

  @Test("runs beside the caller, up and down")
  func asynchronous() async throws {
    let database = try TemporaryDatabase()
    let migrator = try database.migrator(try CheckInsTests.shop(), .test(live: []))
    let done = try await migrator.up()
    #expect(done.done.map(\.id.short) == ["0001/expand", "0002/expand", "0002/contract"])
    try await migrator.down(to: "0001")
    #expect(try database.applied() == ["0001/expand"])
    try await migrator.up(running: "app@2.0")
    #expect(try migrator.isUpToDate)
  }

  @Test("tells a loop what happens, up and down, and what fails")
  func loop() async throws {
    let database = try TemporaryDatabase()
    let migrator = try database.migrator(try CheckInsTests.shop(), .test(live: []))
    var committed: [String] = []
    for try await event in migrator.up() {
      guard case .committed(let id, _, _, _) = event else { continue }
      committed.append(id.short)
      #expect(try migrator.status().applied.last?.id == id, "the run waits while the loop works")
    }
    #expect(committed == ["0001/expand", "0002/expand", "0002/contract"])
    for try await _ in migrator.down(to: "0001") {}
    #expect(try database.applied() == ["0001/expand"])
    await #expect {
      for try await _ in migrator.down(to: .checkpoint("nowhere")) {}
    } throws: { ($0 as? MigrationError)?.id == .unknownCheckpoint }
  }

  /// A phase that is up, and one that does not come to an end.
  static func endless() throws -> (TemporaryDatabase, Catalog) {
    // Without rows, as where a phase is tried first, it ends at once.
    let endless =
      "WITH RECURSIVE n(x) AS (SELECT a FROM a UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    let migrations = try catalog([
      "0001-a": [phase(.expand, "CREATE TABLE a (a)", down: "DROP TABLE a")],
      "0002-b": [try phase(.migrate, "INSERT INTO a SELECT * FROM (\(endless))", down: "DELETE FROM a")],
    ])
    let database = try TemporaryDatabase()
    try database.run(.up(1), migrations)
    try database.run("INSERT INTO a VALUES (1)")
    return (database, migrations)
  }

  @Test("stops when its loop is left, and leaves the migrator as it was")
  func leavingLoop() async throws {
    let (database, migrations) = try Self.endless()
    let migrator = try database.migrator(migrations)
    for try await event in migrator.up() { if case .began = event { break } }
    #expect(try database.applied() == ["0001/expand"])
    #expect(!migrator.options.cancellation.isRequested)
    try await migrator.down(to: "@0")
    #expect(try database.applied() == [])
  }

  @Test("ends when the task of its loop is cancelled")
  func cancelledLoop() async throws {
    let (database, migrations) = try Self.endless()
    let path = database.path
    let task = Task { () -> MigrationError.ID? in
      let migrator = try Migrator(database: path, catalog: migrations, options: .test)
      do throws(MigrationError) {
        for try await event in migrator.up() {
          if case .began = event { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
        }
        return nil
      } catch {
        return error.id
      }
    }
    #expect(try await task.value == .interrupted)
    #expect(try database.applied() == ["0001/expand"])
  }

  @Test("ends when its task is cancelled, and leaves the migrator as it was")
  func cancelled() async throws {
    let (database, migrations) = try Self.endless()
    let path = database.path
    let task = Task { () -> MigrationError.ID? in
      let migrator = try Migrator(database: path, catalog: migrations, options: .test)
      do throws(MigrationError) {
        try await migrator.up()
        return nil
      } catch {
        #expect(!migrator.options.cancellation.isRequested)
        return error.id
      }
    }
    while (try? database.applied()) != ["0001/expand"] { try await Task.sleep(for: .milliseconds(5)) }
    task.cancel()
    #expect(try await task.value == .interrupted)
    #expect(try database.applied() == ["0001/expand"])
  }

  @Test("makes a test fail where lint finds something, with a line for each finding")
  func lint() throws {
    try catalog(["0001-a": [table("a")]]).lint().requireClean()
    let dropped = try catalog([
      "0001-a": [try phase(.expand, "CREATE TABLE a (x)", down: "SELECT 1")]
    ])
    let error = migrationError { try dropped.lint().requireClean() }
    #expect(error?.id == .lintFailed)
    #expect(
      error?.details.contains { $0.raw.contains("down-not-inverse") } == true, "\(error?.details ?? [])")
  }
}
