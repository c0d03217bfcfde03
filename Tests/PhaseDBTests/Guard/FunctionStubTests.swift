import PhaseSQLite
import Testing

@testable import PhaseCompat
@testable import PhaseDB

/// Functions that only the application has: `functions` in the settings.
@Suite("Functions of the application")
struct FunctionStubTests {
  private static let normalize = [FunctionStub("normalize", argumentCount: 1), FunctionStub("regexp")]

  // MARK: - Settings

  @Test(
    "are read from the settings",
    arguments: [
      ("[]", []), ("['REGEXP']", [FunctionStub("REGEXP")]),
      (
        "['normalize/2', \"größe/0\"]",
        [FunctionStub("normalize", argumentCount: 2), FunctionStub("größe", argumentCount: 0)]
      ),
    ] as [(String, [FunctionStub])])
  func settings(_ text: String, _ functions: [FunctionStub]) throws {
    let folder = try TemporaryFolder(["phasedb.json": "{ functions: \(text) }"])
    #expect(try Settings.read(path: "\(folder.path)/phasedb.json").functions == functions)
  }

  @Test(
    "are refused where a stub would do harm",
    arguments: [
      ("'x'", "not an array of texts"), ("[1]", "not an array of texts"), ("['']", "not a function"),
      ("['f/']", "not a function"), ("['f/x']", "not a function"), ("['f/-1']", "not a function"),
      ("['f/200']", "not a function"), ("['LOWER']", "SQLite or phasedb has itself"),
      ("['count/1']", "SQLite or phasedb has itself"), ("['phasedb_key']", "SQLite or phasedb has itself"),
      ("['load_extension']", "reaches out of the database"),
      ("['fts3_tokenizer/1']", "reaches out of the database"),
    ])
  func refused(_ text: String, _ says: String) throws {
    let folder = try TemporaryFolder(["phasedb.json": "{ functions: \(text) }"])
    let error = migrationError { try Settings.read(path: "\(folder.path)/phasedb.json") }
    #expect(error?.id == .badSettings)
    #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
  }

  // MARK: - What a stub is

  @Test("return their first argument, and say who asked")
  func results() throws {
    let connection = try Connection(path: "", mode: .memory)
    #expect(connection.stubs == nil && FunctionList.of(connection).allows("normalize") == false)
    try FunctionStub.define(Self.normalize, on: connection)
    #expect(FunctionList.of(connection).allows("NORMALIZE") && FunctionList.of(connection).allows("lower"))
    for (sql, value) in [
      ("normalize('A')", .text("A")), ("normalize(x'00')", .blob([0])), ("normalize(NULL)", .null),
      ("'a' REGEXP 'b'", .integer(1)), ("NULL REGEXP 'b'", .null), ("regexp()", .integer(1)),
    ] as [(String, Value)] {
      #expect(try connection.value("SELECT \(sql)") == value, "\(sql)")
    }
    #expect(connection.stubs?.taken == ["normalize", "regexp"])
    connection.stubs?.forget()
    #expect(connection.stubs?.taken == [])
  }

  // MARK: - Lint

  struct Folder: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let kind: String
    let up: String
    let down: String
    /// Where the statement is that needs the function; nil when none does.
    var line: Int?
  }

  static let base = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, CHECK (id > 0)); CREATE TABLE p (a);"
  static let folders = [
    Folder(
      testDescription: "a view", kind: "expand", up: "CREATE VIEW v AS SELECT normalize(a) AS n FROM t;",
      down: "DROP VIEW v;"),
    Folder(
      testDescription: "a trigger, which nothing fires here", kind: "expand",
      up: "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO p VALUES (normalize(NEW.a)); END;",
      down: "DROP TRIGGER g;"),
    Folder(
      testDescription: "an index", kind: "expand", up: "CREATE INDEX i ON t (normalize(a));",
      down: "DROP INDEX i;", line: 4),
    Folder(
      testDescription: "a CHECK of a new table", kind: "expand",
      up: "CREATE TABLE n (a CHECK (a REGEXP 'x'));", down: "DROP TABLE n;", line: 4),
    Folder(
      testDescription: "a generated column of a new table", kind: "expand",
      up: "CREATE TABLE n (a, b AS (normalize(a)));", down: "DROP TABLE n;", line: 4),
    Folder(
      testDescription: "an UPDATE", kind: "migrate", up: "UPDATE t SET a = normalize(a);",
      down: "UPDATE t SET a = NULL;", line: 4),
    Folder(
      testDescription: "an UPDATE on the way down", kind: "migrate", up: "UPDATE t SET a = lower(a);",
      down: "UPDATE t SET a = normalize(a);", line: 6),
    Folder(
      testDescription: "SQLite's own", kind: "migrate", up: "UPDATE t SET a = lower(a);",
      down: "UPDATE t SET a = upper(a);"),
  ]

  @Test("are stubbed for lint, which warns of statements that need them in", arguments: folders)
  func lint(_ example: Folder) throws {
    let folder = try TemporaryFolder([
      "0001-a/expand.sql":
        "-- @window app >=1.0\n-- @up\n\(Self.base)\n-- @down\nDROP TABLE t; DROP TABLE p;",
      "0002-b/\(example.kind).sql":
        "-- @window app >=1.0\n-- @residual none\n-- @up\n\(example.up)\n-- @down\n\(example.down)\n",
    ])
    let report = try withExtendedLifetime(folder) {
      try Linter(folder: folder.path, terms: ScratchTerms(functions: Self.normalize)).report()
    }
    let ignored = ["unbounded-write", "undetected"]
    let findings = report.findings.filter { !ignored.contains($0.id) }
    #expect(findings.map(\.id) == (example.line == nil ? [] : ["application-function"]), "\(report.text)")
    #expect(findings.first?.place?.line == example.line)
    guard example.line != nil else { return }
    // Without the setting the phase does not run.
    let bare = try withExtendedLifetime(folder) { try Linter(folder: folder.path).report() }
    #expect(bare.errors.contains { $0.message.contains("no such function") }, "\(bare.text)")
  }

  @Test("are needed where a phase writes a table that calls them")
  func written() throws {
    let folder = try TemporaryFolder([
      "baseline.sql": "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX i ON t (normalize(a));",
      "0001-b/migrate.sql":
        "-- @window app >=1.0\n-- @residual none\n-- @up\nUPDATE t SET a = lower(a);\n-- @down\nUPDATE t SET a = upper(a);\n",
    ])
    let report = try withExtendedLifetime(folder) {
      try Linter(folder: folder.path, terms: ScratchTerms(functions: Self.normalize)).report()
    }
    #expect(
      report.findings.filter { $0.id == "application-function" }.map(\.place?.line) == [4, 6],
      "\(report.text)")
  }

  @Test("are named where a claim needs one, which lint cannot try")
  func claims() throws {
    let folder = try TemporaryFolder([
      "0001-a/expand.sql":
        "-- @window app >=1.0\n-- @up\n\(Self.base)\n-- @down\nDROP TABLE t; DROP TABLE p;\n-- @verify names are normal\nSELECT id FROM t\nWHERE a <> normalize(a);\n-- @verify ids count\nSELECT id FROM t WHERE id < 1;\n"
    ])
    let report = try withExtendedLifetime(folder) {
      try Linter(folder: folder.path, terms: ScratchTerms(functions: Self.normalize)).report()
    }
    let findings = report.findings.filter { $0.id == "application-function" }
    #expect(
      findings.map(\.message) == [
        "the claim 'names are normal' needs normalize, a function of the application, so it was not tried here"
      ], "\(report.text)")
    #expect(findings.first?.place?.line == 8 && findings.first?.place?.column == 12)
    #expect(report.isClean == false && report.errors.isEmpty)
  }

  // MARK: - Rehearsal

  @Test("leave a phase unproved in which a stub had a part, and never reach the database")
  func rehearsal() throws {
    let catalog = try catalog([
      "0001-a": [phase(.expand, Self.base, down: "DROP TABLE t; DROP TABLE p")],
      "0002-b": [
        phase(.expand, "CREATE VIEW v AS SELECT normalize(a) AS n FROM t", down: "DROP VIEW v"),
        phase(.migrate, "UPDATE t SET a = normalize(a) || '!'", down: "UPDATE t SET a = 'x'"),
        phase(.contract, "CREATE UNIQUE INDEX i ON t (normalize(a))", down: "DROP INDEX i"),
      ],
      "0003-c": [phase(.migrate, "UPDATE p SET a = 1", down: "UPDATE p SET a = 0")],
    ])
    let database = try TemporaryDatabase()
    try database.run(.up(1), catalog)
    try database.run("INSERT INTO t (a) VALUES ('A'), ('b'); INSERT INTO p VALUES (0)")
    var options = Options.test
    let bare = try database.migrator(catalog, options).rehearse()
    #expect(bare.phases.map(\.verdict) == [.exact, .failed])
    options.functions = Self.normalize
    let migrator = try database.migrator(catalog, options)
    let report = try migrator.rehearse()
    #expect(report.phases.map(\.verdict) == [.exact, .exact, .exact, .exact])
    #expect(report.phases.map(\.stubs) == [[], ["normalize"], ["normalize"], []])
    #expect(report.phases.map(\.isClean) == [true, false, false, true] && !report.isClean)
    #expect(report.evidence.map(\.phase.short) == ["0002/expand", "0003/migrate"])
    // The setting gives the database nothing.
    let error = migrationError { try database.run(.upAll, catalog, options) }
    #expect(error?.message.contains("no such function: normalize") == true, "\(error?.message ?? "none")")
    #expect(try database.applied() == ["0001/expand", "0002/expand"])
  }

  // MARK: - Compat

  @Test("are stubbed for compat, or skip the query that needs them", arguments: [true, false])
  func compat(isStubbed: Bool) throws {
    let catalog = try catalog([
      "0001-a": [phase(.expand, Self.base, down: "DROP TABLE t; DROP TABLE p", window: "<1.0")],
      "0002-b": [phase(.expand, "ALTER TABLE t ADD COLUMN b", down: "ALTER TABLE t DROP COLUMN b")],
    ])
    let script = try ApplicationFile.read(
      """
      -- @query search
      SELECT id FROM t WHERE a REGEXP 'x';
      -- @query all
      SELECT id, a FROM t ORDER BY id;
      """, file: "apps/app/1.5.sql", application: "app", version: Version("1.5"))
    let report = try CompatibilityCheck(
      catalog, scripts: [script], seed: Script("INSERT INTO t (a) VALUES ('x');", file: "apps/seed.sql")
    ).report(
      in: .init(
        now: Timestamp(text: "2026-01-31T12:00:00.000Z"), runner: .test, wait: .zero,
        functions: isStubbed ? Self.normalize : []))
    #expect(report.firstFindings.isEmpty && report.isClean, "\(report.text)")
    #expect(report.unproved.map(\.query) == ["search"] && report.stubsOfPhases.isEmpty)
    #expect(report.unproved.map(\.functions) == [[isStubbed ? "regexp" : "REGEXP"]], "\(report.unproved)")
    #expect(report.unproved.map(\.isSkipped) == [!isStubbed])
  }

  @Test("say so when phases computed rows with them")
  func phasesOfCompat() throws {
    let catalog = try catalog([
      "0001-a": [phase(.expand, Self.base, down: "DROP TABLE t; DROP TABLE p", window: "<1.0")],
      "0002-b": [phase(.migrate, "UPDATE t SET a = normalize(a)", down: "UPDATE t SET a = NULL")],
    ])
    let script = try ApplicationFile.read(
      "-- @query all\nSELECT id, a FROM t ORDER BY id;\n", file: "apps/app/1.5.sql", application: "app",
      version: Version("1.5"))
    let report = try CompatibilityCheck(
      catalog, scripts: [script], seed: Script("INSERT INTO t (a) VALUES ('x');", file: "apps/seed.sql")
    ).report(
      in: .init(
        now: Timestamp(text: "2026-01-31T12:00:00.000Z"), runner: .test, wait: .zero,
        functions: Self.normalize))
    #expect(report.stubsOfPhases == ["normalize"] && report.unproved.isEmpty)
  }
}
