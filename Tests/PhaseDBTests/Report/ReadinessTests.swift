import Foundation
import PhaseCompat
import PhaseSQLite
import Testing

@testable import PhaseDB

/// Every way to lose a proof: "proved" may not be said without evidence for the present text and schema, with rows, that
/// is not too old.
@Suite("Readiness")
struct ReadinessTests {
  /// What a report is asked about.
  struct Stage {
    let database: TemporaryDatabase
    var catalog: Catalog
    var options: Options
    var request = Readiness.Request(.pending)

    func readiness() throws -> Readiness {
      try database.migrator(catalog, options, access: .reading).readiness(request)
    }

    func answers(_ question: Int, _ phase: String) throws -> [Readiness.Answer] {
      let readiness = try readiness()
      return readiness.questions[question - 1].answers.filter { $0.phase.short == phase }
    }
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let standing: Readiness.Standing
    let says: String
    let change: @Sendable (inout Stage) throws -> Void

    init(
      _ testDescription: String, _ standing: Readiness.Standing, _ says: String,
      _ change: @escaping @Sendable (inout Stage) throws -> Void
    ) {
      (self.testDescription, self.standing, self.says, self.change) = (
        testDescription, standing, says, change
      )
    }
  }

  static func catalog(
    expand: String = "ALTER TABLE old ADD COLUMN c",
    down: String = "ALTER TABLE old RENAME COLUMN b TO a",
    losses: [Loss] = []
  ) throws -> Catalog {
    try PhaseDBTests.catalog([
      "0001-first": [
        phase(.expand, expand, down: "ALTER TABLE old DROP COLUMN c"),
        phase(.contract, "ALTER TABLE old RENAME COLUMN a TO b", down: down),
      ]
    ])
  }

  private static let rows = "CREATE TABLE old (a); INSERT INTO old VALUES (1), (2)"

  /// The expand is up, and the contract is pending and rehearsed.
  private static func rehearsed(_ sql: String = rows) throws -> Stage {
    let database = try TemporaryDatabase(sql)
    let stage = Stage(database: database, catalog: try catalog(), options: .test)
    try database.run(.upTo("0001/expand"), stage.catalog)
    let migrator = try database.migrator(stage.catalog)
    try migrator.record(migrator.rehearse(allowsEmpty: true).evidence)
    return stage
  }

  private static func set(_ verdict: String) -> @Sendable (inout Stage) throws -> Void {
    { try $0.database.run("UPDATE phasedb_evidence SET verdict = '\(verdict)'") }
  }

  private static func at(_ time: String) -> @Sendable (inout Stage) throws -> Void {
    { $0.options = .test(now: time) }
  }

  static let pending: [Case] = [
    Case("nothing changes", .proved, "every row came back") { _ in },
    Case("the file is edited", .unknown, "the file was edited since") {
      $0.catalog = try catalog(down: "ALTER TABLE old RENAME COLUMN b TO a; SELECT 1")
    },
    Case("the file of an applied phase is edited", .unknown, "the file of an applied phase was edited") {
      $0.catalog = try catalog(expand: "ALTER TABLE old ADD COLUMN c INT")
    },
    Case("somebody changes the schema", .unknown, "the schema was changed outside phasedb") {
      try $0.database.run("CREATE TABLE surprise (x)")
    },
    Case("somebody touches the ledger", .unknown, "the schema was changed outside phasedb") {
      try $0.database.run("CREATE TABLE phasedb_surprise (x)")
    },
    Case(
      "the evidence is as old as it may be", .proved, "every row came back", at("2026-03-02T12:00:00.000Z")),
    Case("the evidence is too old", .unknown, "is older than 30d", at("2026-03-02T12:00:00.001Z")),
    Case(
      "the evidence comes from the future", .unknown, "or not of the past", at("2026-01-31T10:59:59.000Z")),
    Case("the moment of the evidence cannot be read", .unknown, "or not of the past") {
      try $0.database.run("UPDATE phasedb_evidence SET at = 'soon'")
    },
    Case("a shorter age is set", .unknown, "is older than 1h") {
      $0.request.maximumAge = .seconds(3_600)
      $0.options = .test(now: "2026-01-31T13:00:00.001Z")
    },
    Case("the evidence is deleted", .unknown, "it was never rehearsed") {
      try $0.database.run("DELETE FROM phasedb_evidence")
    },
    Case("the rehearsal had no rows", .unknown, "had no rows") {
      $0 = try rehearsed("CREATE TABLE old (a)")
    },
    Case("the rehearsal had rows, but none where the phase works", .unknown, "had no rows in old") {
      $0 = try rehearsed("CREATE TABLE old (a); CREATE TABLE other (a); INSERT INTO other VALUES (1)")
    },
    Case("the rehearsal was on another schema", .unknown, "was on another schema") { stage in
      let other = try rehearsed("CREATE TABLE old (a, z); INSERT INTO old VALUES (1, 2)")
      let evidence = try other.database.migrator(other.catalog).rehearse().evidence
      try stage.database.run("DELETE FROM phasedb_evidence")
      stage.options.evidence = evidence
    },
    Case("the evidence comes from a file", .proved, "every row came back") { stage in
      let evidence = try stage.database.migrator(stage.catalog).rehearse().evidence
      try stage.database.run("DELETE FROM phasedb_evidence")
      stage.options.evidence = evidence
    },
    Case("rows did not come back", .refuted, "did not come back", set("lossy")),
    Case("rows did not come back once, and did later", .refuted, "did not come back") { stage in
      try stage.database.run("UPDATE phasedb_evidence SET verdict = 'lossy'")
      let migrator = try stage.database.migrator(stage.catalog)
      try migrator.record(migrator.rehearse().evidence)
    },
    Case("the rehearsal failed", .refuted, "failed", set("failed")),
    Case("what does not come back is declared", .proved, "but for what @loses declares", set("declared")),
    Case("the verdict is a word of nobody", .unknown, "it was never rehearsed", set("splendid")),
  ]

  @Test("a pending phase is proved to come back only by evidence that holds", arguments: pending)
  func provesPending(_ row: Case) throws {
    var stage = try Self.rehearsed()
    try row.change(&stage)
    let answer = try #require(try stage.answers(2, "0001/contract").first)
    #expect(answer.standing == row.standing, "\(answer.says)")
    #expect(answer.says.contains(row.says), "\(answer.says)")
    #expect((answer.proof != nil) == (row.standing == .proved || row.standing == .refuted))
    #expect(row.standing == .proved || answer.closing?.commands.isEmpty == false)
    // What is built on the same evidence is no surer.
    let readiness = try stage.readiness()
    for number in [5, 7, 8] where row.standing == .unknown {
      #expect(readiness.questions[number - 1].standing.map { $0 >= .claimed } == true, "question \(number)")
    }
    #expect(readiness.questions[1].standing == row.standing)
    #expect(readiness.unproved(of: [2]).isEmpty == (row.standing == .proved))
  }

  static let applied: [Case] = [
    Case("nothing changes", .proved, "every row comes back") { _ in },
    Case("its file is edited", .unknown, "its file says something else") {
      $0.catalog = try catalog(down: "ALTER TABLE old RENAME COLUMN b TO a; SELECT 1")
    },
    Case("its file is gone", .proved, "every row comes back") { $0.catalog = try Catalog([]) },
    Case("somebody changes the schema", .unknown, "the schema was changed outside phasedb") {
      try $0.database.run("CREATE TABLE surprise (x)")
    },
    Case("it was seen too long ago", .unknown, "is older than 30d", at("2026-03-02T12:00:00.001Z")),
    Case("the rows are gone", .unknown, "the database has no rows") {
      try $0.database.run("DELETE FROM old")
    },
    Case("nothing was seen", .claimed, "its way back was never run on rows") {
      try $0.database.run("DELETE FROM phasedb_round_trip; DELETE FROM phasedb_way_down")
    },
  ]

  @Test(
    "an applied phase is proved to come back only by what was seen of it, and by its rows", arguments: applied
  )
  func provesApplied(_ row: Case) throws {
    let database = try TemporaryDatabase(Self.rows)
    var stage = Stage(
      database: database, catalog: try Self.catalog(), options: .test, request: Readiness.Request(.applied))
    try database.run(.upAll, stage.catalog)
    try row.change(&stage)
    let answer = try #require(try stage.answers(2, "0001/contract").first)
    #expect(answer.standing == row.standing, "\(answer.says)")
    #expect(answer.says.contains(row.says), "\(answer.says)")
    #expect(row.standing == .proved || answer.closing?.commands.isEmpty == false)
  }

  @Test(
    "without a ledger, without rows and without a file everything is unknown, and the way to know is named")
  func nothing() throws {
    let cases: [(String?, String)] = [
      (nil, "phasedb up"), ("", "phasedb up"),
      (Self.rows, "phasedb rehearse --evidence evidence.json"),
      ("CREATE TABLE old (a)", "phasedb rehearse --evidence evidence.json"),
    ]
    for (sql, command) in cases {
      let database = try TemporaryDatabase(sql)
      let stage = Stage(database: database, catalog: try Self.catalog(), options: .test)
      let readiness = try stage.readiness()
      #expect(readiness.questions.count == 8)
      for question in readiness.questions where question.number != 3 {
        #expect(question.standing == .unknown, "\(question.number)")
      }
      #expect(readiness.questions[1].answers[0].closing?.commands.first == Prose(command))
      #expect(!FileManager.default.fileExists(atPath: database.path) == (sql == nil))
    }
  }

  @Test("nothing in scope asks nothing, and holds nothing up")
  func empty() throws {
    let database = try TemporaryDatabase(Self.rows)
    try database.run(.upAll, Self.catalog())
    let stage = Stage(database: database, catalog: try Self.catalog(), options: .test)
    let readiness = try stage.readiness()
    #expect(readiness.subjects.isEmpty)
    #expect(readiness.questions.allSatisfy { $0.standing == nil })
    #expect(readiness.unproved(of: Array(1...8)).isEmpty)
  }

  @Test(
    "--migration takes a number, a name and a phase, and nothing else",
    arguments: [("0001", 2), ("1", 2), ("0001-first", 2), ("0001/contract", 2), ("0002", 1)])
  func migration(_ name: String, _ count: Int) throws {
    let database = try TemporaryDatabase(Self.rows)
    let catalog = try Catalog(
      Self.catalog().migrations + PhaseDBTests.catalog(["0002-x": [table("x")]]).migrations)
    var stage = Stage(database: database, catalog: catalog, options: .test)
    stage.request.scope = .migration(name)
    #expect(try stage.readiness().subjects.count == count)
    stage.request.scope = .migration("0003")
    #expect(migrationError { _ = try stage.readiness() }?.id == .unknownPhase)
  }

  @Test("a probe that was seen to fail proves how quickly a fault is seen, and one that was not is a claim")
  func detection() throws {
    let database = try TemporaryDatabase(Self.rows)
    func catalog(_ query: String) throws -> Catalog {
      try PhaseDBTests.catalog([
        "0001-first": [
          phase(
            .expand, "ALTER TABLE old ADD COLUMN c", down: "ALTER TABLE old DROP COLUMN c",
            watch: Watch(for: .seconds(600), every: .seconds(30), settle: .seconds(60), then: .reverse),
            probes: [Probe("all is well", query: Script(query))])
        ]
      ])
    }
    for (query, standing) in [
      ("SELECT 1 FROM old WHERE a IS NULL", Readiness.Standing.proved), ("SELECT 1 WHERE 0", .claimed),
    ] {
      let catalog = try catalog(query)
      var options = Options.test
      options.evidence = try database.migrator(catalog).rehearse().evidence
      let stage = Stage(database: database, catalog: catalog, options: options)
      let answer = try #require(try stage.answers(4, "0001/expand").first)
      #expect(answer.standing == standing, "\(answer.says)")
      #expect(answer.says.contains("2 min 30 s"), "settle and three times every: \(answer.says)")
      let subject = try #require(try stage.readiness().subjects.first)
      #expect(subject.toSafe.detect == 150_000)
      #expect(subject.toSafe.decide == 0)
      #expect(subject.toSafe.most.map { $0 > 150_000 } == true)
      let automatic = try stage.answers(5, "0001/expand").first { $0.part == "automatic" }
      #expect(automatic?.standing == .proved)
    }
  }
}

extension ReadinessTests {
  /// A shop whose versions 1.0 and 2.0 have queries.
  private static func folder() throws -> TemporaryFolder {
    try TemporaryFolder([
      "0001-shop/expand.sql":
        "-- @window shop >=0.5 <1.0\n-- @residual none\n-- @up\nCREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);\n-- @down\nDROP TABLE items;\n",
      "0002-note/expand.sql":
        "-- @window shop >=0.5 <2.0\n-- @residual none\n-- @up\nALTER TABLE items ADD COLUMN note TEXT;\n-- @down\nALTER TABLE items DROP COLUMN note;\n",
      "apps/seed.sql": "INSERT INTO items (name) VALUES ('one'), ('two');\n",
      "apps/shop/1.0.sql": "-- @query items\nSELECT id, name FROM items ORDER BY id;\n",
      "apps/shop/2.0.sql": "-- @query notes\nSELECT id, note FROM items ORDER BY id;\n",
    ])
  }

  struct CompatCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let standing: Readiness.Standing
    let says: String
    let change: @Sendable (inout Stage, TemporaryFolder) throws -> Void

    init(
      _ testDescription: String, _ standing: Readiness.Standing, _ says: String,
      _ change: @escaping @Sendable (inout Stage, TemporaryFolder) throws -> Void
    ) {
      (self.testDescription, self.standing, self.says, self.change) = (
        testDescription, standing, says, change
      )
    }
  }

  private static func edit(_ file: String, _ folder: TemporaryFolder, _ body: (String) -> String) throws {
    let path = folder.path + "/" + file
    try body(String(contentsOfFile: path, encoding: .utf8)).write(
      toFile: path, atomically: true, encoding: .utf8)
  }

  /// The evidence as another text, as if somebody else had written it.
  private static func reading(
    _ evidence: [CompatEvidence], _ pattern: String, as replacement: String
  ) throws -> [CompatEvidence] {
    let folder = try TemporaryFolder([:])
    let path = folder.path + "/evidence.json"
    try CompatEvidence.write(evidence, to: path)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let changed = text.replacing(try Regex(pattern), with: replacement)
    #expect(changed != text, "there is something to change")
    try changed.write(toFile: path, atomically: true, encoding: .utf8)
    return try CompatEvidence.read(path)
  }

  static let compat: [CompatCase] = [
    CompatCase("nothing changes", .proved, "shop 1.0 works before and after it") { _, _ in },
    CompatCase("a phase is edited", .unknown, "was edited since compat ran") { stage, folder in
      try edit("0002-note/expand.sql", folder) { $0.replacing("note TEXT", with: "note INT") }
      stage.catalog = try Catalog(folder: folder.path)
    },
    CompatCase("a phase is new", .unknown, "is new since compat ran") { stage, folder in
      stage.catalog = try Catalog(
        stage.catalog.migrations + PhaseDBTests.catalog(["0003-x": [table("x")]]).migrations)
    },
    CompatCase("a phase is gone", .unknown, "0009-gone/expand, which compat ran, is not there any more") {
      stage, _ in
      stage.request.compat = try reading(
        stage.request.compat, #""phases" : \["#,
        as: #""phases" : [ { "phase" : "0009-gone/expand", "tokenHash" : "x" },"#)
    },
    CompatCase("the queries are edited", .unknown, "the queries of shop 1.0 are not those") { _, folder in
      try edit("apps/shop/1.0.sql", folder) { $0 + "-- @query more\nSELECT count(*) FROM items;\n" }
    },
    CompatCase("the queries are gone", .unknown, "was never run") { stage, folder in
      try FileManager.default.removeItem(atPath: folder.path + "/apps/shop")
      stage.options = .test(live: ["shop@1.0"])
      stage.request.compat = []
    },
    CompatCase("a version is live that has none", .unknown, "shop 1.5 was never run") { stage, _ in
      stage.options = .test(live: ["shop@1.5"])
    },
    CompatCase("a version is new and was not run", .unknown, "shop 1.7 was never run") { _, folder in
      try edit("apps/shop/1.0.sql", folder) { $0 }
      try "-- @query items\nSELECT id FROM items;\n".write(
        toFile: folder.path + "/apps/shop/1.7.sql", atomically: true, encoding: .utf8)
    },
    CompatCase("the evidence is too old", .unknown, "is older than 30d") { stage, _ in
      stage.options = .test(live: ["shop@1.0"], now: "2026-03-03T12:00:00.000Z")
    },
    CompatCase("there were no rows", .unknown, "without rows") { stage, _ in
      stage.request.compat = try reading(stage.request.compat, #""rows" : \d+"#, as: #""rows" : 0"#)
    },
    CompatCase("the states cannot be read", .unknown, "cannot be read") { stage, _ in
      stage.request.compat = try reading(stage.request.compat, #""applied" : "1"#, as: #""applied" : "11"#)
    },
    CompatCase("somebody changes the schema", .unknown, "changed outside phasedb") { stage, _ in
      try stage.database.run("CREATE TABLE surprise (x)")
    },
    CompatCase("compat ran on another schema", .unknown, "another than the one that compat ran on") {
      stage, _ in
      stage.request.compat = try reading(
        stage.request.compat, #""schema" : "[0-9a-f]+""#,
        as: #""schema" : "00000000000000000000000000000000""#)
    },
    CompatCase("compat did not come by the present state", .unknown, "did not run on the schema as it is now")
    {
      stage, _ in
      stage.request.compat = try reading(stage.request.compat, #""applied" : "10""#, as: #""applied" : "00""#)
    },
    CompatCase("a version does not work", .refuted, "does not work once it is applied") { stage, _ in
      stage.request.compat = try reading(
        stage.request.compat, #"("applied" : "11",\s+"rows" : \d+,\s+"schema" : "\w+",\s+"works" : )true"#,
        as: #""applied" : "11", "rows" : 1, "schema" : "x", "works" : false"#)
    },
    CompatCase("its own tests were run, and say so", .proved, "own tests") { stage, _ in
      stage.request.compat = try reading(
        stage.request.compat, #""means" : "queries""#, as: #""means" : "tests""#)
    },
  ]

  @Test("old and new are proved to coexist only by what compat showed of these texts", arguments: compat)
  func coexistence(_ row: CompatCase) throws {
    let folder = try Self.folder()
    let catalog = try Catalog(folder: folder.path)
    let check = try CompatibilityCheck(folder: folder.path)
    let surroundings = CompatibilityCheck.Surroundings(now: Options.test.now(), runner: .test)
    let report = try check.report(in: surroundings)
    #expect(report.isClean)
    let database = try TemporaryDatabase("")
    try database.run(.upTo("0001"), catalog)
    try database.run("INSERT INTO items (name) VALUES ('one')")
    var stage = Stage(
      database: database, catalog: catalog, options: .test(live: ["shop@1.0"]),
      request: Readiness.Request(
        .pending, compat: try check.evidence(of: report, in: surroundings), folder: folder.path))
    try row.change(&stage, folder)
    let answer = try #require(try stage.answers(1, "0002/expand").first)
    #expect(answer.standing == row.standing, "\(answer.says)")
    #expect(answer.says.contains(row.says), "\(answer.says)")
    #expect(row.standing == .proved || answer.closing?.commands.isEmpty == false)
  }

  @Test("one file carries what rehearse and what compat showed, and each replaces only its own")
  func file() throws {
    let folder = try Self.folder()
    let check = try CompatibilityCheck(folder: folder.path)
    let surroundings = CompatibilityCheck.Surroundings(now: Options.test.now(), runner: .test)
    let compat = try check.evidence(of: try check.report(in: surroundings), in: surroundings)
    let stage = try Self.rehearsed()
    let evidence = try stage.database.migrator(stage.catalog).rehearse().evidence
    let path = folder.path + "/evidence.json"
    try CompatEvidence.write(compat, to: path)
    #expect(try Evidence.read(path).isEmpty)
    try Evidence.write(evidence, to: path)
    #expect(try CompatEvidence.read(path) == compat)
    try CompatEvidence.write(Array(compat.prefix(1)), to: path)
    #expect(try CompatEvidence.read(path).count == compat.count)
    #expect(try Evidence.read(path) == evidence)
    #expect(evidence.allSatisfy { $0.details.emptyTables.isEmpty })
  }

  @Test("evidence of an earlier version, which knew tables alone, is read")
  func earlier() throws {
    let stage = try Self.rehearsed()
    try stage.database.run(
      #"UPDATE phasedb_evidence SET report = '[{"declared":0,"differing":0,"rows":2,"table":"old"}]'"#)
    let answer = try #require(try stage.answers(2, "0001/contract").first)
    #expect(answer.standing == .proved)
    #expect(answer.proof?.rows == 2)
  }
}
