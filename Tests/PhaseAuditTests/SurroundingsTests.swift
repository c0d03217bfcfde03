import PhaseAudit
import PhaseDB
import Testing

/// What an audit finds beside the verdicts, and how it goes on after what it cannot run.
struct SurroundingsTests {
  static let parent = "CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT)"
  static let child =
    "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER NOT NULL REFERENCES p ON DELETE CASCADE)"
  static let rebuild =
    "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b TEXT); INSERT INTO n (id, a) SELECT id, a FROM p; DROP TABLE p; ALTER TABLE n RENAME TO p"

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let up: String
    var down = "ALTER TABLE p DROP COLUMN b"
    var wrapping = ToolScript.Wrapping.transaction
    var tool = MigrationTool.diesel
    let findings: [AuditFinding.Kind]
    var verdict = AuditVerdict.returns
  }

  static let cases = [
    Case(testDescription: "a rebuild without keys", up: rebuild, findings: [.cascade]),
    Case(
      testDescription: "a rebuild with keys", up: rebuild, tool: .sqlx, findings: [.cascade],
      verdict: .rowsDiffer),
    Case(
      testDescription: "a pragma that does nothing",
      up: "PRAGMA foreign_keys = OFF; \(rebuild); PRAGMA foreign_keys = ON",
      tool: .sqlx, findings: [.inertPragma, .cascade], verdict: .rowsDiffer),
    Case(
      testDescription: "a pragma before its own transaction",
      up: "PRAGMA foreign_keys = OFF; BEGIN; \(rebuild); COMMIT; PRAGMA foreign_keys = ON", wrapping: .none,
      tool: .sqlx,
      findings: []),
    Case(
      testDescription: "a transaction in a transaction", up: "BEGIN; ALTER TABLE p ADD COLUMN b TEXT; COMMIT",
      findings: [.ownTransaction]),
    Case(testDescription: "nothing to find", up: "ALTER TABLE p ADD COLUMN b TEXT", findings: []),
    Case(
      testDescription: "no child is reached",
      up: "CREATE TABLE x (a); DROP TABLE x; ALTER TABLE p ADD COLUMN b TEXT", findings: []),
  ]

  @Test(arguments: cases)
  func findings(_ row: Case) throws {
    let steps = [
      Step(Self.parent, down: nil), Step(Self.child, down: nil), Step(row.up, down: row.down, row.wrapping),
    ]
    let audit = try Auditor(.made(of: steps, tool: row.tool)).audit()
    #expect(audit.findings.map(\.kind) == row.findings, "\(audit.findings.map(\.message.description))")
    #expect(audit.migrations[2].verdict == row.verdict, "\(audit.migrations[2].reasons.map(\.description))")
  }

  @Test("a migration that cannot be run leaves those after it judged, and its error is not theirs")
  func skipped() throws {
    let audit = try Auditor(
      .made(of: [
        Step("CREATE TABLE a (x)", down: "DROP TABLE a"),
        Step("CREATE TABLE b AS SELECT slug(x) AS y FROM a", down: "DROP TABLE b"),
        Step("CREATE TABLE c (z)", down: "DROP TABLE c"),
        Step("ALTER TABLE b ADD COLUMN w", down: "ALTER TABLE b DROP COLUMN w"),
      ])
    ).audit()
    #expect(audit.migrations.map(\.verdict) == [.returns, .notJudged, .returns, .notJudged])
    #expect(audit.migrations[3].reasons[0].contains("after 2"))
    #expect(audit.headline == "You cannot go back: 4, the last one, could not be judged.")
    let stubbed = try Auditor(
      .made(of: [
        Step("CREATE TABLE a (x)", down: "DROP TABLE a"),
        Step("CREATE TABLE b AS SELECT slug(x) AS y FROM a", down: "DROP TABLE b"),
      ]), stubs: ["slug"]
    ).audit()
    #expect(stubbed.migrations.map(\.verdict) == [.returns, .returns])
    #expect(stubbed.migrations.map(\.usesStub) == [false, true])
    #expect(stubbed.headline == "You can go back 2 migrations, all there are.")
  }

  @Test("--since judges what comes after, and the headline says where the way ends")
  func since() throws {
    let folder = ToolFolder.made(of: [
      Step("CREATE TABLE a (x)", down: nil), Step("CREATE TABLE b (x)", down: "DROP TABLE b"),
      Step("CREATE TABLE c (x)", down: "DROP TABLE c"),
    ])
    #expect(
      try Auditor(folder).audit().headline == "You can go back 2 migrations, to 1, which has no way down.")
    let late = try Auditor(folder, since: "2").audit()
    #expect(late.judged.map(\.version) == ["3"] && late.isClean)
    #expect(throws: MigrationError.self) { try Auditor(folder, since: "9").audit() }
  }

  /// Constraints that rows have to pass, and the way back of a table that has them.
  @Test(
    arguments: [
      "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT NOT NULL CHECK (s IN ('draft', 'sent')))",
      "CREATE TABLE t (a INTEGER CHECK (a BETWEEN 10 AND 20), b TEXT CHECK (length(b) = 36))",
      "CREATE TABLE t (id TEXT PRIMARY KEY, up TEXT NOT NULL REFERENCES t (id))",
      "CREATE TABLE t (j TEXT NOT NULL CHECK (json_valid(j)), n INTEGER UNIQUE) STRICT",
      "CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID",
      "CREATE TABLE \"or'der \"\"x\" (\"sel ect\" TEXT NOT NULL, g AS (\"sel ect\" || 'x'))",
      "CREATE TABLE t (a REFERENCES u (id), id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY, t NOT NULL REFERENCES t)",
      "CREATE TABLE t (d DATE NOT NULL CHECK (d > '2000-01-01'), e BOOLEAN NOT NULL CHECK (e IN (0, 1)))",
    ])
  func seeding(_ sql: String) throws {
    let audit = try Auditor(
      .made(of: [Step(sql, down: nil), Step("CREATE TABLE other (x)", down: "DROP TABLE other")])
    ).audit()
    let table = try Auditor(
      .made(of: [
        Step(sql, down: nil),
        Step("DROP TABLE \(sql.hasPrefix("CREATE TABLE t") ? "t" : "\"or'der \"\"x\"")", down: sql),
      ])
    ).audit()
    #expect(audit.migrations[1].verdict == .returns)
    // Rows were there: a table that is dropped and made again is empty.
    #expect(
      [.rowsDiffer, .doesNotRun].contains(table.migrations[1].verdict),
      "\(table.migrations[1].reasons.map(\.description))")
    #expect(table.migrations[1].unseeded.isEmpty)
  }

  @Test("a table that takes no row is said")
  func unseeded() throws {
    let audit = try Auditor(
      .made(of: [
        Step("CREATE TABLE t (a INTEGER NOT NULL CHECK (a > 5 AND a < 5))", down: nil),
        Step("ALTER TABLE t ADD COLUMN b", down: "ALTER TABLE t DROP COLUMN b"),
      ])
    ).audit()
    #expect(audit.migrations[1].verdict == .returns)
    #expect(audit.migrations[1].unseeded == ["t"])
  }

  @Test("the same folder gives the same audit, always")
  func deterministic() throws {
    let steps = VerdictTests.cases.filter { $0.verdict != .notJudged }.map {
      Step($0.before.first ?? $0.up, down: $0.down)
    }
    let one = try Auditor(.made(of: steps)).audit()
    let other = try Auditor(.made(of: steps)).audit()
    #expect(one.migrations.map(\.reasons) == other.migrations.map(\.reasons))
    #expect(one.findings == other.findings)
  }
}
