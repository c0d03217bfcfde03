import PhaseSQLite
import Testing

@testable import PhaseCompat
@testable import PhaseDB

/// Phases for which the application stops: `@window app offline 2.0`.
@Suite("Offline windows")
struct OfflineTests {
  /// What is known of the application, and whether such a phase may go up, and come down.
  struct Known: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var rows = ""
    var told: [String] = []
    /// Why neither may be; nil when both may.
    var reason: String?
  }

  private static func row(_ version: String, _ time: String = "11:59:00") -> String {
    "INSERT OR REPLACE INTO phasedb_app VALUES ('app', '\(version)', 'web-1', '2026-01-31T\(time).000Z');"
  }

  static let known = [
    Known(testDescription: "nothing", reason: "nothing says that it is"),
    Known(testDescription: "an operator who says none", told: ["none"]),
    Known(testDescription: "an operator who says none but another application", told: ["none", "other@1"]),
    Known(
      testDescription: "an operator who names another application only", told: ["other@1"],
      reason: "nothing says that it is"),
    Known(
      testDescription: "an operator who says none and an older version", told: ["none", "app@1.9"],
      reason: "app 1.9 is live"),
    Known(
      testDescription: "an older version that an operator names", told: ["app@1.9"], reason: "app 1.9 is live"
    ),
    Known(
      testDescription: "a later version that an operator names", told: ["app@2.0"], reason: "app 2.0 is live"),
    Known(testDescription: "a check-in", rows: row("1.9"), reason: "app 1.9 is live on web-1"),
    Known(
      testDescription: "a check-in of a later version", rows: row("2.1"), reason: "app 2.1 is live on web-1"),
    Known(testDescription: "a check-in that has ended", rows: row("1.9", "11:49:59")),
    Known(
      testDescription: "one that has ended and one that has not",
      rows: row("1.9", "11:49:59").replacing("web-1", with: "web-2") + row("1.9"),
      reason: "app 1.9 is live on web-1"),
    Known(
      testDescription: "a check-in of another application that has ended",
      rows: row("1.9", "11:49:59").replacing("'app'", with: "'other'"), reason: "nothing says that it is"),
    Known(
      testDescription: "a check-in with no version", rows: row("v2"), reason: "web-1 checked in as app 'v2'"),
    Known(testDescription: "a check-in that an operator denies", rows: row("1.9"), told: ["none"]),
  ]

  @Test("hold their phase unless it is known that the application is stopped:", arguments: known)
  func gate(_ known: Known) throws {
    for kind in Phase.Kind.allCases {
      let database = try TemporaryDatabase("CREATE TABLE old (a)")
      let catalog = try catalog(["0001-a": [table("a")], "0002-b": [nothing(kind, window: "offline 2.0")]])
      try database.run(.up(1), catalog, .test(live: ["app@1.9"]))
      try database.run("DELETE FROM phasedb_app;" + known.rows)
      let migrator = try database.migrator(catalog, .test(live: known.told))
      let plan = try migrator.plan(.upAll)
      let reasons = plan.held.flatMap { $0.gates.map(\.reason) }
      #expect(reasons.count == (known.reason == nil ? 0 : 1), "\(reasons)")
      #expect(
        known.reason.map { reasons.first?.contains($0) == true } ?? (plan.steps.count == 1), "\(reasons)")
      try database.run(.upAll, catalog, .test(live: ["none"]))
      let error = migrationError { try migrator.plan(.down(1)) }
      #expect(error.map { "\($0.message)" }.map { $0.contains(known.reason ?? "-") } ?? (known.reason == nil))
      #expect(error == nil || error?.help.contains { $0.contains("--live none") } == true)
    }
  }

  @Test("let a version start the database that no other one uses")
  func starting() throws {
    let catalog = try catalog(["0001-a": [table("a")], "0002-b": [table("b", window: "offline 2.0")]])
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    try database.run(.up(1), catalog, .test(live: ["app@1.9"]))
    // Nobody says that the former version has ended.
    let held = migrationError {
      try database.migrator(catalog, .test(live: [])).up(running: "app@2.0", instance: "mine")
    }
    #expect(held?.id == .versionNotLive)
    let migrator = try database.migrator(catalog, .test(live: ["none"]))
    let old = migrationError { try migrator.up(running: "app@1.9", instance: "mine") }
    #expect(try old == nil && database.applied() == ["0001/expand"], "\(String(describing: old))")
    try database.run("DELETE FROM phasedb_app")
    #expect(try migrator.up(running: "app@2.0", instance: "mine").done.map(\.id.short) == ["0002/expand"])
    // The former version comes back, and takes the phase back.
    #expect(try migrator.settle(for: "app@1.9").done.map(\.id.short) == ["0002/expand"])
    #expect(try migrator.mayRun(LiveVersion("app@1.9")).isAllowed)
    #expect(try !migrator.mayRun(LiveVersion("app@2.0")).isAllowed)
    #expect(try migrator.go(to: .version(LiveVersion("app@2.0"))).done.map(\.id.short) == ["0002/expand"])
    #expect(try !migrator.mayRun(LiveVersion("app@1.9")).isAllowed)
  }

  static func three() throws -> Catalog {
    try catalog([
      "0001-a": [table("t")],
      "0002-b": [
        phase(
          .expand, "ALTER TABLE t ADD COLUMN b", down: "ALTER TABLE t DROP COLUMN b", window: "offline 2.0"),
        phase(.migrate, "UPDATE t SET b = a", down: "UPDATE t SET b = NULL", window: "offline 2.0"),
        phase(
          .contract, "ALTER TABLE t DROP COLUMN a", down: "ALTER TABLE t ADD COLUMN a; UPDATE t SET a = b",
          window: "offline 2.0"),
      ],
    ])
  }

  @Test("of one migration go up and down together, and no version runs between them")
  func together() throws {
    let catalog = try Self.three()
    #expect(try Linter(catalog).report().findings.filter { $0.id == "window-invalid" }.isEmpty)
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let (none, old) = (Options.test(live: ["none"]), Options.test(live: ["app@1.9"]))
    try database.run(.up(1), catalog, old)
    try database.run("INSERT INTO t VALUES (1), (2)")
    let before = try database.snapshot()
    // A way up does not end where nobody may run.
    for selection in [Selection.up(1), .upTo("0002/migrate")] {
      let error = migrationError { try database.run(selection, catalog, none) }
      #expect(error?.id == .windowInvalid)
      #expect(error?.message.contains("no version of app may run until 0002/") == true)
    }
    let unproved = migrationError {
      try database.run(.upAll, catalog, .test(live: ["none"], evidence: .contract))
    }
    #expect(unproved?.details.contains { $0.contains("0002/contract is held by its evidence gate") } == true)
    let rehearsal = try database.migrator(catalog, none).rehearse()
    #expect(rehearsal.phases.map(\.verdict) == [.exact, .exact, .exact])
    #expect(try database.run(.upAll, catalog, none).count == 3)
    let migrator = try database.migrator(catalog, none)
    #expect(try migrator.status().live["app"]?.description == ">=2.0")
    // In the middle, as a run that was stopped leaves it.
    try database.run(.down(1), catalog, none)
    #expect(try migrator.status().live["app"]?.description == "no version (offline 2.0)")
    for version in ["1.9", "2.0"] {
      let report = try migrator.mayRun(LiveVersion("app@\(version)"))
      #expect(!report.isAllowed && report.refusal?.help.isEmpty == false, "\(report.refusal?.help ?? [])")
      #expect(
        migrationError { try migrator.checkIn(LiveVersion("app@\(version)"), instance: "x") }?.id
          == .versionNotLive)
    }
    #expect(try database.run(.upAll, catalog, none) == ["0002/contract"])
    try database.run("INSERT INTO t VALUES (3)")
    #expect(try migrator.plan(.downTo("0001")).notes.contains { $0.contains("start app <2.0") })
    #expect(try database.run(.downTo("0001"), catalog, none).count == 3)
    try database.run("DELETE FROM t WHERE a = 3")
    #expect(try database.snapshot()?.rows["t"] == before?.rows["t"])
  }

  @Test("see a version that checks in before their step")
  func race() throws {
    let catalog = try catalog(["0001-a": [table("a")], "0002-b": [table("b", window: "offline 2.0")]])
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    try database.run(.up(1), catalog, .test(live: ["app@1.9"]))
    try database.run(Self.row("1.9", "11:49:00"))
    let migrator = try database.migrator(catalog, .test(live: []))
    let plan = try migrator.plan(.upAll)
    #expect(plan.steps.count == 1)
    try database.run(Self.row("1.9"))
    #expect(migrationError { try migrator.run(plan) }?.id == .phaseHeld)
    #expect(try database.applied() == ["0001/expand"])
  }

  static let folders: [(String, [String: String], [String: String])] = [
    (
      "an offline expand may shut versions out",
      [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql":
          "-- @window app offline 2.0\nALTER TABLE t ADD COLUMN b;\n-- @down\nALTER TABLE t DROP COLUMN b;",
      ],
      [:]
    ),
    (
      "a later phase cannot let them in again",
      [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql":
          "-- @window app offline 2.0\nALTER TABLE t ADD COLUMN b;\n-- @down\nALTER TABLE t DROP COLUMN b;",
        "0002-b/contract.sql":
          "-- @window app >=1.4 <2.0\nALTER TABLE t DROP COLUMN a;\n-- @down\nALTER TABLE t ADD COLUMN a;",
      ],
      ["window-invalid": "0002-b/contract.sql:1"]
    ),
    (
      "a watch cannot stop the application to reverse",
      [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql":
          "-- @window app offline 2.0\n-- @watch 30m every 30s then reverse\n-- @residual none\n-- @up\nALTER TABLE t ADD COLUMN b;\n-- @down\nALTER TABLE t DROP COLUMN b;\n-- @probe rows\nSELECT a FROM t WHERE a = 'x';",
      ],
      ["watch-cannot-reverse": "0002-b/expand.sql:1"]
    ),
    (
      "nobody inserts across the phase, so a rebuild may require a column",
      [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/contract.sql":
          "-- @window app offline 2.0\nCREATE TABLE n (a, b NOT NULL);\nINSERT INTO n SELECT a, 1 FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;\n-- @down\nALTER TABLE t DROP COLUMN b;",
      ],
      [:]
    ),
    (
      "but ADD COLUMN fails on every row",
      [
        "0001-a/expand.sql": "CREATE TABLE t (a);\n-- @down\nDROP TABLE t;",
        "0002-b/expand.sql":
          "-- @window app offline 2.0\nALTER TABLE t ADD COLUMN b NOT NULL;\n-- @down\nALTER TABLE t DROP COLUMN b;",
      ],
      ["required-column": "0002-b/expand.sql"]
    ),
  ]

  @Test("compat runs each version on its own side only")
  func compat() throws {
    let files = [
      "0001-a/expand.sql":
        "-- @window app <1\n-- @residual none\n-- @up\nCREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);\n-- @down\nDROP TABLE t;",
      "0002-b/expand.sql":
        "-- @window app offline 2.0\n-- @residual none\n-- @up\nALTER TABLE t ADD COLUMN b TEXT;\n-- @down\nALTER TABLE t DROP COLUMN b;",
      "0002-b/migrate.sql":
        "-- @window app offline 2.0\n-- @residual none\n-- @up\nUPDATE t SET b = a, a = 'moved';\n-- @down archive\n",
      "0002-b/contract.sql":
        "-- @window app offline 2.0\n-- @residual none\n-- @up\nALTER TABLE t DROP COLUMN a;\n-- @down\nALTER TABLE t ADD COLUMN a TEXT;\nUPDATE t SET a = b;\n",
      "apps/app/1.9.sql":
        "-- @query add\nINSERT INTO t (id, a) VALUES (7, 'x');\n-- @query all\nSELECT id, a FROM t ORDER BY id;\n",
      "apps/app/2.0.sql":
        "-- @query add\nINSERT INTO t (id, b) VALUES (8, 'y');\n-- @query all\nSELECT id, b FROM t ORDER BY id;\n",
    ]
    let catalog = try LintedFiles(files).catalog(window: "app >=1")
    let scripts = try ["1.9", "2.0"].map { version in
      try ApplicationFile.read(
        files["apps/app/\(version).sql"] ?? "", file: "apps/app/\(version).sql", application: "app",
        version: Version(version))
    }
    let report = try CompatibilityCheck(
      catalog, scripts: scripts,
      seed: Script("INSERT INTO t (id, a) VALUES (1, 'one');", file: "apps/seed.sql")
    ).report(in: .init(now: Timestamp(text: "2026-01-31T12:00:00.000Z"), runner: .test, wait: .zero))
    #expect(report.firstFindings.isEmpty, "\(report.text)")
    #expect(
      report.states.map(\.description) == ["0001/expand", "0002/contract"],
      "\(report.states.map(\.description))")
    #expect(report.outcomes == [[.works, .notPromised], [.notPromised, .works]])
  }

  @Test("lint:", arguments: folders)
  func lint(_ example: (String, [String: String], [String: String])) throws {
    try LintCase(example.0, folder: example.1, finds: example.2).check()
  }
}
