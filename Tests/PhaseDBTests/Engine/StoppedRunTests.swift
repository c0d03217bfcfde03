import Foundation
import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

/// What the log and a status say of a run that failed.
@Suite("A run that failed")
struct StoppedRunTests {
  /// A first phase that works, and a second whose up or down does what is given.
  private static func second(up: String = "SELECT 1", down: String = "SELECT 1", kind: Phase.Kind = .expand)
    throws
    -> Catalog
  {
    try catalog(["0001-first": [table("a")], "0002-second": [phase(kind, up, down: down)]])
  }

  private static let broken = "CREATE TABLE b (x);\nINSERT INTO b SELECT nmae FROM a"

  /// The details of the log's rows about runs that failed.
  private func stops(_ database: TemporaryDatabase) throws -> [String] {
    try database.connect(.readOnly).rows(
      "SELECT detail FROM phasedb_log WHERE action = 'stop' ORDER BY id"
    ).compactMap { $0[0].text }
  }

  private func lastStop(_ database: TemporaryDatabase) throws -> RunStop? {
    try database.migrator(Catalog([]), access: .reading).status().lastStop
  }

  @Test("is in the log with phase, direction, error and line, and changed nothing else")
  func logged() throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.second(up: Self.broken)
    let first = try #require(migrationError { try database.run(.upAll, catalog) })
    #expect(first.id == .statementFailed && first.standing == .partWay)
    let before = try database.snapshot()
    #expect(migrationError { try database.run(.upAll, catalog) }?.standing == .undone)
    #expect(try database.snapshot()?.isUndone(since: before) == true)
    #expect(
      try stops(database) == [
        "up: statement-failed at line 2 (part-way)", "up: statement-failed at line 2 (undone)",
      ])
    let stop = try #require(try lastStop(database))
    #expect(stop.phase.description == "0002-second/expand" && stop.direction == .up)
    #expect(stop.error == .statementFailed && stop.line == 2 && stop.standing == .undone)
    #expect(stop.reason == "statement failed at line 2")
    #expect(try database.migrator(catalog).verify().isClean)
    #expect(try database.migrator(catalog).brokenLogEntries().isEmpty)
  }

  @Test("is told of until another run begins or ends", arguments: ["up", "down", "restore", "a checkpoint"])
  func superseded(by act: String) throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.second(up: Self.broken)
    _ = migrationError { try database.run(.upAll, catalog) }
    #expect(try lastStop(database) != nil)
    let migrator = try database.migrator(Self.second())
    switch act {
    case "up": try migrator.up()
    case "down": try database.run(.down(1), catalog)
    case "restore":
      _ = try migrator.createCheckpoint("kept", snapshotIn: database.folder.path)
      _ = try migrator.restore("kept", confirmed: "kept")
    default: _ = try migrator.createCheckpoint("kept")
    }
    #expect(try (lastStop(database) == nil) == (act != "a checkpoint"))
  }

  @Test("leaves what stands in rows out of the log")
  func withoutValues() throws {
    let database = try TemporaryDatabase()
    let secret = "$.s3cret"
    let asking = try catalog([
      "0001-first": [
        phase(.expand, "CREATE TABLE a (x); INSERT INTO a VALUES ('x\(secret)')", down: "DROP TABLE a")
      ],
      "0002-second": [
        phase(
          .expand, "CREATE TABLE b (x);\nINSERT INTO b SELECT json_extract('{}', x) FROM a",
          down: "DROP TABLE b")
      ],
    ])
    let error = try #require(migrationError { try database.run(.upAll, asking) })
    #expect(error.message.contains("s3cret"), "a control: \(error)")
    let log = try database.connect(.readOnly).rows("SELECT * FROM phasedb_log WHERE action = 'stop'")
    #expect(log.count == 1 && !"\(log)".contains("s3cret"), "\(log)")
  }

  @Test("on the way down names no line, which would be one of the ledger's text")
  func down() throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.second(down: "DELETE FROM nothing")
    try database.run(.upAll, catalog)
    #expect(migrationError { try database.run(.down(1), catalog) } != nil)
    #expect(try stops(database) == ["down: statement-failed (undone)"])
    #expect(try lastStop(database)?.direction == .down)
  }

  @Test("again for the same reason within ten minutes is told of once")
  func restarted() throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.second(up: Self.broken)
    try database.run(.up(1), catalog)
    for minute in ["00", "01", "10", "11"] {
      let options = Options.test(now: "2026-01-31T12:\(minute):00.000Z")
      #expect(migrationError { try database.run(.upAll, catalog, options) }?.id == .statementFailed)
    }
    let other = try Self.second(up: "\n\(Self.broken)")
    #expect(migrationError { try database.run(.upAll, other, .test(now: "2026-01-31T12:12:00.000Z")) } != nil)
    let times = try database.connect(.readOnly).rows(
      "SELECT substr(at, 15, 2), substr(detail, 30, 1) FROM phasedb_log WHERE action = 'stop' ORDER BY id")
    #expect(times == [["00", "2"], ["11", "2"], ["12", "3"]])
  }

  @Test("in batches is told of, a pause is not")
  func batches() throws {
    let database = try TemporaryDatabase(BatchRunTests.rows)
    try database.run(
      "CREATE TRIGGER no BEFORE UPDATE ON t WHEN OLD.id > 1500 BEGIN SELECT RAISE(ABORT, 'no'); END")
    let error = migrationError {
      try database.run(
        .upAll, BatchRunTests.counting(), .test(pacing: Options.Pacing(hold: .seconds(10), maximumRows: 100)))
    }
    #expect(error?.standing == .partWay)
    #expect(try stops(database).map { $0.hasSuffix("(part-way)") } == [true])
    #expect(try lastStop(database)?.phase.short == "0001/migrate")
    let paused = try TemporaryDatabase(BatchRunTests.rows)
    let throttled = migrationError {
      try paused.run(
        .upAll, BatchRunTests.counting(budget: Budget(up: .nanoseconds(1))),
        .test(pacing: Options.Pacing(hold: .seconds(10), maximumRows: 100)))
    }
    #expect(throttled?.id == .batchPaused)
    #expect(try stops(paused).isEmpty && lastStop(paused) == nil)
  }

  @Test("in its batches and turned back is told of as undone")
  func turnedBack() throws {
    let database = try TemporaryDatabase(BatchRunTests.rows)
    let claim = [("nobody has 7", "SELECT id FROM t WHERE n = 7")]
    let error = migrationError { try database.run(.upAll, BatchRunTests.counting(verify: claim)) }
    #expect(error?.id == .verifyFailed && error?.standing == .undone)
    #expect(try stops(database).map { $0.hasPrefix("up: verify-failed") } == [true])
    #expect(try stops(database)[0].hasSuffix("(undone)"))
  }

  // MARK: What is no failure of a run

  @Test("before its first step had begun is not told of")
  func notBegun() throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.second()
    try database.run(.up(1), catalog)
    let log = try database.value("SELECT max(id) FROM phasedb_log")
    // Stopped, waiting for a lock, moved by another, and on a schema that somebody changed.
    let cancellation = Cancellation()
    cancellation.cancel()
    #expect(
      migrationError { try database.run(.upAll, catalog, .test(cancellation: cancellation)) }?.id
        == .interrupted)
    let other = try database.connect()
    let lock = try other.begin()
    #expect(migrationError { try database.run(.upAll, catalog) }?.id == .databaseBusy)
    try lock.rollBack()
    let migrator = try database.migrator(catalog)
    let plan = try migrator.plan(.upAll)
    try database.run("CREATE TABLE stray (a)")
    #expect(migrationError { try migrator.run(plan) }?.id == .schemaDrift)
    #expect(try database.value("SELECT max(id) FROM phasedb_log") == log)
  }

  @Test("as the first of a database leaves it without a ledger")
  func first() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let before = try database.snapshot()
    let catalog = try catalog(["0001-first": [phase(.expand, Self.broken, down: "SELECT 1")]])
    #expect(migrationError { try database.run(.upAll, catalog) }?.standing == .undone)
    #expect(try database.snapshot() == before)
  }

  @Test("in a rehearsal is the copy's own affair")
  func rehearsed() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    try database.run(.upAll, catalog(["0001-first": [table("a")]]))
    let migrator = try database.migrator(Self.second(up: "CREATE TABLE b (x)", down: "SELECT 1"))
    _ = try? migrator.rehearse()
    #expect(try stops(database).isEmpty)
  }

  @Test("on a ledger of an older format leaves that as it is")
  func olderFormat() throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.second(up: Self.broken)
    try database.run(.up(1), catalog)
    let later = LedgerFormat.tableNames.map(\.text).filter {
      !LedgerFormat.definition(of: 1).contains("CREATE TABLE \($0) (")
    }
    try database.run(later.map { "DROP TABLE \($0);" }.joined())
    try database.run("UPDATE phasedb_meta SET value = '1' WHERE key = 'format'")
    let before = try database.snapshot()
    #expect(migrationError { try database.run(.upAll, catalog) }?.id == .statementFailed)
    #expect(try database.snapshot() == before)
  }

  /// A connection that the clock of a run uses, on the run's own thread.
  private struct Other: @unchecked Sendable {
    let connection: Connection
  }

  @Test("while a writer has the lock ends with its own error, at once")
  func locked() throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.second(up: Self.broken)
    try database.run(.up(1), catalog)
    let other = Other(connection: try database.connect())
    other.connection.setBusyTimeout(milliseconds: 0)
    // Whenever the clock is read, somebody else begins to write; within a transaction of the run nobody can.
    var options = Options.test(wait: .seconds(60))
    options = options.by(.test) {
      try? other.connection.execute("BEGIN IMMEDIATE")
      return Timestamp(text: "2026-01-31T12:00:00.000Z")
    }
    let migrator = try database.migrator(catalog, options)
    let plan = try migrator.plan(.upAll)
    try? other.connection.execute("ROLLBACK")
    let began = ContinuousClock.now
    let error = try #require(migrationError { try migrator.run(plan) })
    #expect(error.id == .statementFailed && error.standing == .undone)
    #expect(!other.connection.isAutocommit, "the other has the lock")
    #expect(ContinuousClock.now - began < .seconds(30))
    try other.connection.execute("ROLLBACK")
    #expect(try stops(database).isEmpty)
  }

  struct Odd: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let sql: String
  }

  @Test(
    "in a log that somebody else wrote is not made up",
    arguments: [
      Odd(testDescription: "another phase", sql: "subject = 'x\u{1B}[31m'"),
      Odd(testDescription: "another error", sql: "detail = 'up: gone-fishing (undone)'"),
      Odd(testDescription: "another direction", sql: "detail = 'sideways: statement-failed (undone)'"),
      Odd(testDescription: "another standing", sql: "detail = 'up: statement-failed (over)'"),
      Odd(
        testDescription: "a line beyond all lines",
        sql: "detail = 'up: statement-failed at line 99999999999 (undone)'"),
      Odd(testDescription: "more words", sql: "detail = detail || ' and more'"),
      Odd(testDescription: "a blob", sql: "detail = x'00ff'"),
    ])
  func odd(row: Odd) throws {
    let database = try TemporaryDatabase()
    _ = migrationError { try database.run(.upAll, Self.second(up: Self.broken)) }
    #expect(try lastStop(database) != nil)
    try database.run("UPDATE phasedb_log SET \(row.sql) WHERE action = 'stop'")
    #expect(try lastStop(database) == nil)
  }
}
