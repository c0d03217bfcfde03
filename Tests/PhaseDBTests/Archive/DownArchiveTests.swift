import PhaseSQLite
import Testing

@testable import PhaseDB

/// `@down archive`: a way down that runs no SQL.
@Suite("A way down from the archive")
struct DownArchiveTests {
  private static func read(_ text: String, kind: Phase.Kind = .migrate) throws(MigrationError) -> Phase {
    try PhaseFile.read("-- @window app >=1.0\n\(text)", file: "m.sql", kind: kind)
  }

  // MARK: - In a file

  @Test("is read and written, and is a way down of its own")
  func file() throws {
    let phase = try Self.read(
      "-- @up\nDELETE FROM t;\n-- @down archive\n-- Every row.\n\n-- @verify v\nSELECT 1;\n")
    #expect(phase.comesDownFromArchive && phase.down == Script(anything: "", file: "m.sql", firstLine: 4))
    let again = try PhaseFile.read(PhaseFile.render(phase), file: "m.sql", kind: .migrate)
    #expect(again.tokenHash == phase.tokenHash && again.comesDownFromArchive)
    let other = try Self.read("-- @up\nDELETE FROM t;\n-- @down\nSELECT 1;\n-- @verify v\nSELECT 1;\n")
    #expect(other.tokenHash != phase.tokenHash && !other.comesDownFromArchive)
    let made = Phase(
      .migrate, windows: phase.windows, up: phase.up, down: .fromArchive, verifications: phase.verifications)
    #expect(made.tokenHash == phase.tokenHash)
  }

  @Test(
    "is refused where it cannot be meant",
    arguments: [
      ("-- @up\nSELECT 1;\n-- @down archive\n", Phase.Kind.expand, "in a phase of kind expand"),
      ("-- @up\nSELECT 1;\n-- @down archive\n", .contract, "in a phase of kind contract"),
      ("-- @up\nSELECT 1;\n-- @down archive\nSELECT 2;\n", .migrate, "@down archive has SQL"),
      ("-- @up\nSELECT 1;\n-- @down archives\n", .migrate, "@down takes no arguments"),
      ("-- @up archive\nSELECT 1;\n-- @down\nSELECT 1;\n", .migrate, "@up takes no arguments"),
      ("-- @up\nSELECT 1;\n-- @down\n", .migrate, "@down has no SQL"),
      ("-- @up\n-- @down archive\n", .migrate, "@up has no SQL"),
      ("-- @up\nSELECT 1;\n-- @down archive\n-- @down\nSELECT 1;\n", .migrate, "a second @down"),
    ])
  func refused(_ text: String, _ kind: Phase.Kind, _ message: String) throws {
    let error = try #require(migrationError { try Self.read(text, kind: kind) })
    #expect(error.message.contains(message), "\(error)")
    #expect(error.place != nil && !error.help.isEmpty)
  }

  // MARK: - On rows

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let up: String
    var batch = ""
    var since = ""
    /// What differs from before once it is down, as rows of `t`; nil when nothing does.
    var after: [String]?
    var word = Reversal.Word.exact
  }

  private static let rows =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b TEXT COLLATE NOCASE); INSERT INTO t VALUES (1, 'x', 'X'), (2, NULL, ''), (3, x'00ff', 'y'), (4, 7, '7'), (5, 7.5, 'z');"

  static let cases = [
    Case(testDescription: "overwritten", up: "UPDATE t SET a = 0"),
    Case(testDescription: "overwritten in part", up: "UPDATE t SET b = upper(b), a = NULL WHERE id > 2"),
    Case(testDescription: "deleted", up: "DELETE FROM t"),
    Case(testDescription: "deleted in part", up: "DELETE FROM t WHERE a IS NULL"),
    Case(
      testDescription: "overwritten and deleted", up: "UPDATE t SET a = 1; DELETE FROM t WHERE id IN (1, 5)"),
    Case(testDescription: "nothing met", up: "DELETE FROM t WHERE id > 100"),
    Case(
      testDescription: "in batches", up: "UPDATE t SET a = 0 WHERE id BETWEEN :first AND :last", batch: "t"),
    Case(
      testDescription: "a row that somebody deleted since stays deleted", up: "UPDATE t SET a = 0",
      since: "DELETE FROM t WHERE id = 3", after: ["1, 'x', 'X'", "2, NULL, ''", "4, 7, '7'", "5, 7.5, 'z'"]),
    Case(
      testDescription: "a row that came since stays", up: "DELETE FROM t WHERE id < 5",
      since: "INSERT INTO t VALUES (9, 'new', 'n')",
      after: ["1, 'x', 'X'", "2, NULL, ''", "3, X'00FF', 'y'", "4, 7, '7'", "5, 7.5, 'z'", "9, 'new', 'n'"]),
    Case(
      testDescription: "a value that somebody wrote since stays", up: "UPDATE t SET a = 0",
      since: "UPDATE t SET a = 'mine' WHERE id = 1",
      after: ["1, 'mine', 'X'", "2, NULL, ''", "3, X'00FF', 'y'", "4, 7, '7'", "5, 7.5, 'z'"]),
  ]

  @Test("puts back what up took, and does nothing else, again and again", arguments: cases)
  func puts(_ row: Case) throws {
    let text =
      (row.batch.isEmpty ? "" : "-- @batch \(row.batch)\n") + "-- @up\n\(row.up);\n-- @down archive\n"
    let phase = try Self.read(text)
    let catalog = try catalog(["0001-a": [phase]])
    let database = try TemporaryDatabase(Self.rows)
    let before = try #require(try database.snapshot())
    for _ in 1...2 {
      try database.run(.upAll, catalog, .test(pacing: Options.Pacing(maximumRows: 2)))
      let word = try database.migrator(catalog).reversals().values.map(\.word)
      #expect(word == [.exact])
      try database.run(.down(1), catalog, .test(pacing: Options.Pacing(maximumRows: 2)))
      #expect(try database.snapshot()?.isSame(as: before) == true)
    }
    try database.run(.upAll, catalog)
    try database.run(row.since)
    // The ledger is enough.
    try database.run(.down(1), Catalog([]))
    #expect(try database.snapshot()?.rows["t"] == (row.after ?? before.rows["t"]))
  }

  @Test("rehearses exactly, and says so for a phase that inserts")
  func rehearses() throws {
    for (up, verdict) in [("UPDATE t SET a = 0", "exact"), ("INSERT INTO t (a) VALUES (9)", "lossy")] {
      let phase = try Self.read("-- @up\n\(up);\n-- @down archive\n")
      let catalog = try catalog(["0001-a": [phase]])
      let database = try TemporaryDatabase(Self.rows)
      let report = try database.migrator(catalog).rehearse()
      #expect(report.phases.map(\.verdict.rawValue) == [verdict])
      try database.run(.upAll, catalog)
      #expect(try database.migrator(catalog).reversals().values.map(\.word.rawValue) == [verdict])
    }
  }

  @Test("deletes nothing in batches, with this way down as with any other")
  func batchedDelete() throws {
    let phase = try Self.read(
      "-- @batch t\n-- @up\nDELETE FROM t WHERE id BETWEEN :first AND :last;\n-- @down archive\n")
    let database = try TemporaryDatabase(Self.rows)
    let before = try database.snapshot()
    let error = migrationError { try database.run(.upAll, catalog(["0001-a": [phase]])) }
    #expect(error?.id == .archiveImpossible)
    #expect(try database.snapshot()?.isSame(as: before) == true)
  }

  @Test("lint refuses one that inserts rows, and asks nothing of one that does not", arguments: lints)
  func lint(_ example: LintCase) throws { try example.check() }

  private static func folder(_ up: String, more: String = "") -> [String: String] {
    [
      "0001-a/expand.sql":
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT);\nCREATE TABLE u (b INT);\n\(more)\n-- @down\nDROP TABLE u;\nDROP TABLE t;",
      "0002-b/migrate.sql":
        "-- @window app >=1.0\n-- @residual none\n-- @up\n\(up)\n-- @down archive\n",
    ]
  }

  static let lints = [
    LintCase("overwrites", folder: folder("UPDATE t SET a = 1;")),
    LintCase("deletes", folder: folder("DELETE FROM t;")),
    LintCase(
      "inserts", folder: folder("INSERT INTO u SELECT a FROM t;"),
      finds: ["archive-insufficient": "0002-b/migrate.sql:4:1"]),
    LintCase(
      "inserts what is there already",
      folder: folder("INSERT INTO t VALUES (1, 1) ON CONFLICT DO UPDATE SET a = 1;"),
      finds: ["archive-insufficient": "0002-b/migrate.sql:4:1"]),
    LintCase(
      "a trigger inserts",
      folder: folder(
        "UPDATE t SET a = 1;",
        more: "CREATE TRIGGER x AFTER UPDATE ON t BEGIN INSERT INTO u VALUES (NEW.a); END;"),
      finds: ["archive-insufficient": "0002-b/migrate.sql:4:1"]),
  ]
}
