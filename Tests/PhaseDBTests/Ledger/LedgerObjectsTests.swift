import Foundation
import Testing

@testable import PhaseDB
@testable import PhaseSQLite

@Suite("The ledger's own objects")
struct LedgerObjectsTests {
  struct Intrusion: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let sql: String
    /// What status and verify say.
    let says: String

    init(_ sentence: String, _ sql: String, says: String) {
      (testDescription, self.sql, self.says) = (sentence, sql, says)
    }
  }

  static let intrusions = [
    Intrusion(
      "a trigger on the log with the prefix",
      "CREATE TRIGGER phasedb_evil AFTER INSERT ON phasedb_log BEGIN DELETE FROM old; END",
      says: "trigger phasedb_evil on phasedb_log does not belong to phasedb"),
    Intrusion(
      "a trigger on the log", "CREATE TRIGGER evil AFTER INSERT ON phasedb_log BEGIN DELETE FROM old; END",
      says: "trigger evil on phasedb_log does not belong to phasedb"),
    Intrusion(
      "a trigger that keeps a phase",
      "CREATE TRIGGER evil BEFORE DELETE ON phasedb_phase BEGIN SELECT RAISE(IGNORE); END",
      says: "trigger evil on phasedb_phase does not belong to phasedb"),
    Intrusion(
      "a trigger on check-ins", "CREATE TRIGGER evil AFTER INSERT ON phasedb_app BEGIN DELETE FROM old; END",
      says: "trigger evil on phasedb_app does not belong to phasedb"),
    Intrusion(
      "a trigger of a user's table that writes the log",
      "CREATE TRIGGER evil AFTER UPDATE ON old BEGIN UPDATE \"PhaseDB_Log\" SET detail = ''; END",
      says: "trigger evil uses PhaseDB_Log"),
    Intrusion(
      "a foreign key into the ledger",
      "CREATE TABLE kid (p TEXT REFERENCES [phasedb_phase] (phase) ON DELETE CASCADE)",
      says: "table kid uses phasedb_phase"),
    Intrusion(
      "an index", "CREATE UNIQUE INDEX evil ON phasedb_log (who, id)",
      says: "index evil on phasedb_log does not belong to phasedb"),
    Intrusion(
      "a view", "CREATE VIEW phasedb_x AS SELECT 1", says: "view phasedb_x does not belong to phasedb"),
    Intrusion("a table", "CREATE TABLE PHASEDB_x (y)", says: "table PHASEDB_x does not belong to phasedb"),
    Intrusion(
      "an archive of no phase", "CREATE TABLE phasedb_archive_99 (k1, v1)",
      says: "table phasedb_archive_99 does not belong to phasedb"),
    Intrusion(
      "a column more", "ALTER TABLE phasedb_app ADD COLUMN more",
      says: "table phasedb_app of the ledger has different SQL"),
    Intrusion(
      "an archive with a column more", "ALTER TABLE phasedb_archive_1 ADD COLUMN more",
      says: "table phasedb_archive_1 of the ledger has different SQL"),
    Intrusion(
      "a table that is gone", "DROP TABLE phasedb_checkpoint",
      says: "table phasedb_checkpoint of the ledger is missing"),
    Intrusion(
      "an index that is gone", "DROP INDEX phasedb_archive_phase",
      says: "index phasedb_archive_phase of the ledger is missing"),
  ]

  private static func catalog() throws -> Catalog {
    try PhaseDBTests.catalog([
      "0001-t1": [table("t1")],
      "0002-drop": [phase(.contract, "ALTER TABLE old DROP COLUMN b", down: "ALTER TABLE old ADD COLUMN b")],
      "0003-t3": [table("t3")],
    ])
  }

  private static func database() throws -> TemporaryDatabase {
    let database = try TemporaryDatabase("CREATE TABLE old (a, b); INSERT INTO old VALUES (1, 2)")
    try database.run(.up(2), catalog())
    return database
  }

  /// Every act that writes the database.
  private static let writers: [(name: String, act: @Sendable (TemporaryDatabase) throws -> Void)] = [
    ("up", { _ = try $0.run(.upAll, catalog()) }),
    (
      "up that overrides drift", { _ = try $0.run(.upAll, catalog(), .test(override: [.drift], reason: "x")) }
    ),
    ("down", { _ = try $0.run(.down(1), catalog()) }),
    ("a checkpoint", { _ = try $0.migrator(catalog()).createCheckpoint("here") }),
    ("a check-in", { try $0.migrator(catalog()).checkIn(LiveVersion("app@1.0"), instance: "web") }),
    ("evidence", { _ = try $0.migrator(catalog()).record([]) }),
    ("a rehearsal", { _ = try $0.migrator(catalog(), access: .reading).rehearse() }),
    ("a purge", { _ = try $0.migrator(catalog()).purge("0002", confirmed: "0002/contract") }),
  ]

  @Test("when one is not phasedb's, nothing is written, and whoever reads is told", arguments: intrusions)
  func refused(_ intrusion: Intrusion) throws {
    let database = try Self.database()
    try database.run(intrusion.sql)
    let before = try database.snapshot()
    for writer in Self.writers {
      let error = migrationError { try writer.act(database) }
      #expect(error?.id == .ledgerTouched, "\(writer.name): \(error as Any)")
      #expect(error?.details.map(\.raw) == [intrusion.says], "\(writer.name)")
      #expect(error?.help.isEmpty == false)
    }
    #expect(try database.snapshot() == before)
    let migrator = try database.migrator(Self.catalog(), access: .reading)
    #expect(try migrator.status().drift.first?.raw == intrusion.says)
    let broken = try migrator.verify().checks.filter { $0.outcome == .broken }
    #expect(broken.contains { $0.subject == .ledger && $0.details.map(\.raw) == [intrusion.says] })
  }

  @Test("of which none was touched, everything that writes goes ahead")
  func untouched() throws {
    for writer in Self.writers {
      let database = try Self.database()
      // A view may read the ledger, and a trigger may check an application in.
      try database.run(
        """
        CREATE TABLE seen (a); CREATE VIEW ledger AS SELECT phase FROM phasedb_phase;
        CREATE TRIGGER here AFTER INSERT ON seen
          BEGIN INSERT OR REPLACE INTO phasedb_app VALUES ('app', '1.0', 'web', '2026-01-31T12:00:00.000Z'); END
        """)
      let error = migrationError { try writer.act(database) }
      #expect(error == nil || error?.id == .schemaDrift, "\(writer.name): \(error as Any)")
      #expect(
        try database.migrator(Self.catalog(), access: .reading).verify().checks.allSatisfy {
          $0.outcome != .broken || $0.subject != .ledger
        })
    }
  }

  @Test(
    "hidden by the TEMP schema of a borrowed handle",
    arguments: [
      "CREATE TEMP TABLE phasedb_app (a)", "CREATE TEMP VIEW phasedb_x AS SELECT 1",
      "CREATE TEMP TRIGGER evil AFTER INSERT ON phasedb_log BEGIN DELETE FROM old; END",
      "CREATE TEMP TRIGGER evil AFTER UPDATE ON old BEGIN UPDATE phasedb_log SET detail = ''; END",
    ])
  func hidden(_ sql: String) throws {
    let database = try Self.database()
    let connection = try database.connect()
    try connection.execute(sql)
    let migrator = try unsafe Migrator(
      borrowing: connection.handle, catalog: Self.catalog(), options: .test)
    #expect(migrationError { try migrator.plan(.upAll) }?.id == .ledgerTouched)
    #expect(migrationError { try migrator.createCheckpoint("here") }?.id == .ledgerTouched)
  }

  @Test("a trigger that was there before phasedb, and would write the ledger, keeps it from being made")
  func before() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE old (a); CREATE TRIGGER evil AFTER UPDATE ON old BEGIN DELETE FROM phasedb_log; END")
    #expect(migrationError { try database.run(.upAll, tables(1)) }?.id == .ledgerTouched)
    #expect(migrationError { try database.migrator(tables(1)).adopt(at: nil) }?.id == .ledgerTouched)
  }

  // MARK: The log

  @Test("a changed count of schema changes breaks the log's chain")
  func schemaVersion() throws {
    let database = try Self.database()
    try database.run("UPDATE phasedb_log SET schema_version = 99 WHERE id = 2")
    let migrator = try database.migrator(Self.catalog(), access: .reading)
    #expect(try migrator.brokenLogEntries().map(\.id) == [2])
    #expect(try !migrator.verify().isClean)
  }

  @Test("a log with older hashes is whole, and is told to cover less")
  func olderHashes() throws {
    let database = try Self.database()
    let connection = try database.connect()
    var previous = LogEntry.genesis
    // As the first version hashed.
    for row in try connection.rows(
      "SELECT id, at, who, host, action, subject, detail FROM phasedb_log ORDER BY id")
    {
      let fields = [previous] + row.map { $0.text ?? String($0.integer ?? 0) }
      previous = SHA256.hex(fields.flatMap { "\($0.utf8.count):\($0)".utf8 })
      try connection.execute("UPDATE phasedb_log SET hash = ?1 WHERE id = ?2", .text(previous), row[0])
    }
    let older = try #require(try connection.value("SELECT count(*) FROM phasedb_log")?.integer)
    try database.run(.upAll, Self.catalog())
    let migrator = try database.migrator(Self.catalog(), access: .reading)
    #expect(try migrator.brokenLogEntries().isEmpty)
    let report = try migrator.verify()
    #expect(report.isClean)
    #expect(
      report.checks.contains { $0.title.hasSuffix("(\(older) older hashes do not cover schema_version)") })
    #expect(try migrator.log().filter(\.coversSchemaVersion).count == 1)
  }
}
