import PhaseSQLite
import Testing

@testable import PhaseDB

/// What opens and closes a gate besides `--live`: check-ins, the schema, the texts that were applied.
struct GateTests {
  // MARK: - Check-ins

  /// The clock of `Options.test` stands at 12:00, and a check-in is forgotten after 10 minutes.
  struct Live: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let rows: String
    let told: [String]
    let window: String
    let kind: Phase.Kind
    /// The reason of the closed window, nil when it is open.
    let reason: Prose?
    let note: Prose?

    init(
      _ sentence: String, _ rows: String, told: [String] = [], _ kind: Phase.Kind = .contract,
      window: String = ">=2.0", held reason: Prose? = nil, note: Prose? = nil
    ) {
      (testDescription, self.rows, self.told, self.kind) = (sentence, rows, told, kind)
      (self.window, self.reason, self.note) = (window, reason, note)
    }
  }

  private static func row(
    _ version: String, _ instance: String, _ time: String = "2026-01-31T11:59:00.000Z"
  ) -> String {
    "INSERT INTO phasedb_app VALUES ('app', '\(version)', '\(instance)', '\(time)');"
  }

  static let lives = [
    Live("a version inside the window that checked in opens it", row("2.0", "web-1")),
    Live(
      "a version below it closes it, and the instance is named", row("1.9", "web-1"),
      held: "app 1.9 is live on web-1 and older than the window >=2.0"),
    Live(
      "one old instance among new ones closes it", row("2.0", "web-1") + row("1.9", "web-2"),
      held: "app 1.9 is live on web-2 and older than the window >=2.0"),
    Live(
      "of many instances the first are named",
      row("1.9", "a") + row("1.9.0", "b") + row("1.9", "c") + row("1.9", "d"),
      held: "app 1.9 is live on a, b, c and 1 more and older than the window >=2.0"),
    Live(
      "a check-in of ten minutes ago still counts", row("1.9", "web-1", "2026-01-31T11:50:00.000Z"),
      held: "app 1.9 is live on web-1 and older than the window >=2.0"),
    Live(
      "an older one is forgotten, and then nothing is known",
      row("1.9", "web-1", "2026-01-31T11:49:59.999Z"),
      held: "no live version of app is known, and a contract needs to know it"),
    Live(
      "a forgotten one says nothing beside a new one",
      row("1.9", "web-1", "2026-01-31T11:49:00.000Z") + row("2.0", "web-2")),
    Live(
      "a clock that is ahead counts", row("1.9", "web-1", "2026-01-31T12:03:00.000Z"),
      held: "app 1.9 is live on web-1 and older than the window >=2.0"),
    Live(
      "a time as datetime() writes it is understood", row("1.9", "web-1", "2026-01-31 11:59:00"),
      held: "app 1.9 is live on web-1 and older than the window >=2.0"),
    Live(
      "an old time as datetime() writes it is forgotten",
      row("1.9", "web-1", "2026-01-31 11:40:00") + row("2.0", "web-2")),
    Live(
      "a time that nobody can read counts as now", row("1.9", "web-1", "yesterday"),
      held: "app 1.9 is live on web-1 and older than the window >=2.0"),
    Live(
      "a version that is none holds a contract", row("v2", "web-1") + row("2.0", "web-2"),
      held: "web-1 checked in as app 'v2', which is not a version"),
    Live(
      "a version that is none lets an expand up with a note", row("v2", "web-1"), .expand,
      note: "app v2 on web-1 is not counted as live: 'v2' is not a version"),
    Live(
      "another application says nothing", "INSERT INTO phasedb_app VALUES ('other', '9', 'x', 'now')",
      held: "no live version of app is known, and a contract needs to know it"),
    Live(
      "the operator's word replaces a check-in", row("1.9", "web-1"), told: ["app@2.0"]),
    Live(
      "the operator's word replaces it both ways", row("2.0", "web-1"), told: ["app@1.9"],
      held: "app 1.9 is live and older than the window >=2.0"),
    Live(
      "the operator's word about one application leaves nothing known of another", row("2.0", "web-1"),
      told: ["other@1"], held: "no live version of app is known, and a contract needs to know it"),
  ]

  @Test("what is live by check-ins:", arguments: lives)
  func live(_ example: Live) throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog([
      "0001-a": [table("a")], "0002-b": [nothing(example.kind, window: example.window)],
    ])
    try database.run(.up(1), catalog)
    try database.run(example.rows)
    let plan = try database.migrator(catalog, .test(live: example.told)).plan(.upAll)
    #expect(plan.held.flatMap { $0.gates.map(\.reason) } == [example.reason].compactMap(\.self))
    #expect(plan.steps.count == (example.reason == nil ? 1 : 0))
    #expect(
      plan.checkIns.isEmpty == !example.told.isEmpty || example.reason?.hasPrefix("no live version") == true)
    if let note = example.note { #expect(plan.notes.contains(note), "\(plan.notes)") }
  }

  @Test("a check-in past a window keeps its phase from coming down")
  func down() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog(["0001-a": [table("a", window: ">=1.0 <2.0")]])
    try database.run(.upAll, catalog)
    try database.migrator(catalog, .test(live: [])).checkIn(LiveVersion("app@2.0"), instance: "web-1")
    let error = migrationError { try database.run(.down(1), catalog, .test(live: [])) }
    #expect(error?.id == .phaseHeld)
    #expect(
      error?.message.hasSuffix("app 2.0 is live on web-1 and needs 0001/expand, whose window is >=1.0 <2.0")
        == true)
  }

  @Test("the time after which check-ins are forgotten can be set")
  func forgetting() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog(["0001-a": [table("a"), nothing(.contract)]])
    try database.run(.up(1), catalog)
    try database.run(Self.row("1.5", "web-1", "2026-01-31T09:00:00.000Z"))
    var options = Options.test(live: [])
    #expect(try database.migrator(catalog, options).plan(.upAll).steps.isEmpty)
    options.forget = .seconds(3 * 3600)
    #expect(try database.migrator(catalog, options).plan(.upAll).steps.count == 1)
  }

  @Test("a version that checks in between the plan and its step is seen under the lock")
  func checkInMeanwhile() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog([
      "0001-a": [table("a", window: ">=1.0")], "0002-b": [table("b", window: ">=2.0")],
      "0003-c": [table("c", window: ">=2.0")],
    ])
    try database.run(.up(1), catalog)
    try database.run(Self.row("2.0", "web-1"))
    let migrator = try database.migrator(catalog, .test(live: []))
    let plan = try migrator.plan(.upAll)
    #expect(plan.steps.count == 2)
    let error = migrationError {
      try migrator.run(plan) { event in
        guard case .committed = event else { return }
        try? database.run(Self.row("1.0", "web-2"))
      }
    }
    #expect(error?.id == .phaseHeld)
    #expect(error?.standing == .partWay)
    #expect(
      error?.state == "nothing was changed by 0003/expand; the database is at checkpoint 3 (0002/expand)")
    #expect(try database.applied() == ["0001/expand", "0002/expand"])
  }

  @Test("what a plan knows to be live is not forgotten while it runs")
  func slowRun() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog(["0001-a": [table("a"), nothing(.contract)]])
    try database.run(.up(1), catalog)
    try database.run(Self.row("1.5", "web-1"))
    let plan = try database.migrator(catalog, .test(live: [])).plan(.upAll)
    let later = try database.migrator(catalog, .test(live: [], now: "2026-01-31T13:00:00.000Z"))
    #expect(try later.run(plan).done.map(\.id.short) == ["0001/contract"])
  }

  // MARK: - What can be overridden

  @Test("every gate but order can be overridden, and a rehearsal is not asked for where the options say so")
  func overridable() throws {
    #expect(Set(Gate.allCases).subtracting(Gate.overridable) == [.order])
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog(["0001-a": [nothing(.contract)]])
    #expect(try database.migrator(catalog).plan(.upAll).held.isEmpty)
  }

  @Test("a phase that waits for its turn is not offered an override")
  func order() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog(["0001-a": [table("a", window: ">=2.0")], "0002-b": [table("b")]])
    let error = migrationError { try database.run(.upTo("0002"), catalog) }
    #expect(error?.id == .phaseHeld)
    #expect(error?.help == ["apply 0001-a/expand"])
  }

  @Test("a phase that several gates hold says all of them")
  func several() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog(["0001-a": [table("a", window: ">=2.0", needs: ["0009"])]])
    let error = migrationError { try database.run(.upTo("0001"), catalog) }
    #expect(error?.message.contains("held by its window gate") == true)
    #expect(error?.details == ["needs: it needs 0009, which is not applied"])
  }

  @Test("up applies what may go, names what is held, and only a held target is refused")
  func contractsHeld() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog([
      "0001-a": [table("a"), nothing(.contract, window: ">=2.0")], "0002-b": [table("b")],
    ])
    let migrator = try database.migrator(catalog)
    let plan = try migrator.plan(.upAll)
    #expect(plan.held.map { "\($0.id.short) \($0.gates[0].gate)" } == ["0001/contract window"])
    #expect(try migrator.run(plan).done.map(\.id.short) == ["0001/expand", "0002/expand"])
    #expect(migrationError { try migrator.plan(.upTo("0001/contract")) }?.id == .phaseHeld)
    #expect(try migrator.plan(.upTo("0002")).steps.isEmpty, "what was asked for is there")
    let held = try migrator.status().pending.filter { !$0.gates.isEmpty }
    #expect(
      held.map { "\($0.id.short): \($0.gates[0].opening)" } == [
        "0001/contract: deploy app >=2.0 everywhere"
      ])
  }

  @Test(
    "an expand after which no version could live is refused, on a database in use and unless that is overridden"
  )
  func noVersionLeft() throws {
    let folder = try catalog([
      "0001-a": [phase(.expand, "CREATE TABLE a (a)", down: "DROP TABLE a", window: ">=3.0 <4.0")],
      "0002-b": [phase(.expand, "CREATE TABLE b (b)", down: "DROP TABLE b", window: ">=1.0 <2.0")],
    ])
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let before = try database.snapshot()
    let error = try #require(migrationError { try database.run(.upAll, folder, .test(live: [])) })
    #expect(error.id == .windowInvalid && error.standing == .unchanged)
    #expect(error.details == ["0002-b/expand is pending, and its window is >=1.0 <2.0"])
    #expect(try database.snapshot() == before)

    let passing = Options.test(live: [], override: [.window], reason: "both are stopped")
    #expect(try database.run(.upAll, folder, passing) == ["0001/expand", "0002/expand"])
    #expect(
      try TemporaryDatabase().run(.upAll, folder) == ["0001/expand", "0002/expand"], "nobody uses a new one")
  }

  // MARK: - Edited texts

  @Test("an edited text stops up, can be passed, and what was applied is what comes down")
  func edited() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    try database.run(.upAll, catalog(["0001-a": [table("a")]]))
    let other = try phase(.expand, "CREATE TABLE a (a, b)", down: "DROP TABLE nowhere")
    let edited = try catalog(["0001-a": [other], "0002-b": [table("b")]])
    let error = try #require(migrationError { try database.run(.upAll, edited) })
    #expect(error.id == .editedAfterApply)
    #expect(error.help.last == "or override the gate: --override edited --reason \"...\"")
    let gates = try database.migrator(edited).status().gates
    #expect(gates.map(\.gate) == [.edited])
    #expect(gates[0].reason == "0001-a/expand was edited after it was applied")

    let passing = Options.test(override: [.edited], reason: "only a comment in spirit")
    #expect(try database.run(.upAll, edited, passing) == ["0002/expand"])
    #expect(try database.log() == ["begin ", "up 0001-a/expand", "override edited", "up 0002-b/expand"])
    #expect(migrationError { try database.run(.upAll, edited) }?.id == .editedAfterApply, "it still is")
    #expect(try database.run(.downAll, edited) == ["0002/expand", "0001/expand"])
  }
}

extension TemporaryDatabase {
  /// Action and subject of every entry of the log.
  func log() throws -> [String] {
    try migrator(Catalog([]), access: .reading).log().map { "\($0.action) \($0.subject)" }
  }
}
