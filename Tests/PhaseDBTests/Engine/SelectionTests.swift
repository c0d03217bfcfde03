import PhaseSQLite
import Testing

@testable import PhaseDB

/// What an operator asks for, and which phases that means, in which order.
struct SelectionTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// Applied one after the other before the selection is planned.
    let history: [Selection]
    let selection: Selection
    let steps: [String]
    let error: MigrationError.ID?
    let hint: Prose?

    init(
      _ sentence: String, after history: [Selection] = [], _ selection: Selection, _ steps: [String] = [],
      error: MigrationError.ID? = nil, hint: Prose? = nil
    ) {
      testDescription = sentence
      (self.history, self.selection, self.steps, self.error, self.hint) = (
        history, selection, steps, error, hint
      )
    }
  }

  static let all = ["0001/expand", "0002/expand", "0002/migrate", "0002/contract", "0013/expand"]

  static let cases = [
    Case("up is everything", .upAll, all),
    Case("up 0 is nothing", .up(0)),
    Case("up 2 is the next two", after: [.up(1)], .up(2), ["0002/expand", "0002/migrate"]),
    Case("up 9 is what there is", .up(9), all),
    Case("a negative count is nothing", .up(-1)),
    Case("up when everything is applied is nothing", after: [.upAll], .upAll),
    Case(
      "up to a full id", .upTo("0002-split-names/migrate"), ["0001/expand", "0002/expand", "0002/migrate"]),
    Case("up to a short id", .upTo("0002/expand"), ["0001/expand", "0002/expand"]),
    Case("up to a number without zeros", .upTo("2/e"), ["0001/expand", "0002/expand"]),
    Case("up to a prefix of one phase", .upTo("0013"), all),
    Case("up to a word of a name", .upTo("0001-create"), ["0001/expand"]),
    Case("up to what is applied is nothing", after: [.upAll], .upTo("0001")),
    Case(
      "a prefix of three phases", .upTo("0002"), error: .ambiguousPhase,
      hint: "write more of it, for example 0002/expand"),
    Case("a prefix of two kinds", .upTo("0002/"), error: .ambiguousPhase),
    Case("a number is no prefix of a longer one", .upTo("1"), ["0001/expand"]),
    Case("a misspelled phase", .upTo("0002/exapnd"), error: .unknownPhase, hint: "did you mean 0002/expand?"),
    Case(
      "nothing like any phase", .upTo("zebra"), error: .unknownPhase,
      hint: "list the phases: phasedb status"),
    Case("an empty name", .upTo(""), error: .unknownPhase),
    Case("only a slash", .upTo("/expand"), error: .unknownPhase),

    Case("down 1 is the last", after: [.upAll], .down(1), ["0013/expand"]),
    Case("down 2 is the last two, last first", after: [.upAll], .down(2), ["0013/expand", "0002/contract"]),
    Case("down 9 is what there is", after: [.up(2)], .down(9), ["0002/expand", "0001/expand"]),
    Case("down 0 is nothing", after: [.up(2)], .down(0)),
    Case("down on a fresh database is nothing", .down(1)),
    Case(
      "down to a phase keeps it", after: [.upAll], .downTo("0002/expand"),
      ["0013/expand", "0002/contract", "0002/migrate"]),
    Case("down to the last is nothing", after: [.upAll], .downTo("0013")),
    Case("down to what is not applied", after: [.up(1)], .downTo("0013"), error: .notApplied),
    Case("a prefix that only one applied phase has is clear", after: [.up(2)], .downTo("0002"), []),
    Case("down to an unknown phase", after: [.up(1)], .downTo("001/expand2"), error: .unknownPhase),
    Case("down --all", after: [.upAll], .downAll, all.reversed()),
    Case(
      "down to a named checkpoint", after: [.upAll], .downTo("@before"),
      ["0013/expand", "0002/contract", "0002/migrate"]),
    Case("down to a checkpoint by its number", after: [.upAll], .downTo("@2"), all.dropFirst().reversed()),
    Case(
      "down to checkpoint 0 is everything", after: [.up(2)], .downTo("@0"), ["0002/expand", "0001/expand"]),
    Case(
      "a misspelled checkpoint", after: [.upAll], .downTo("@befor"), error: .unknownCheckpoint,
      hint: "did you mean @before?"),
    Case(
      "a checkpoint whose phases were reversed since", after: [.upAll, .downTo("0001"), .up(1)],
      .downTo("@before"), error: .checkpointGone),
    Case("a checkpoint that was never reached", after: [.up(1)], .downTo("@99"), error: .unknownCheckpoint),
  ]

  @Test("of five phases,", arguments: cases)
  func selects(_ example: Case) throws {
    let database = try TemporaryDatabase()
    let catalog = try catalog([
      "0001-create": [table("one")],
      "0002-split-names": [nothing(.contract), nothing(.migrate), table("two")],
      "0013-last": [table("three")],
    ])
    for selection in example.history {
      // A checkpoint named `before` stands after 0002/expand.
      if selection == .upAll {
        try database.run(.upTo("0002/expand"), catalog)
        try database.migrator(catalog).createCheckpoint("before")
      }
      try database.run(selection, catalog)
    }
    let migrator = try database.migrator(catalog)
    let before = try database.snapshot()
    var steps: [String] = []
    let error = migrationError { steps = try migrator.plan(example.selection).steps.map(\.id.short) }
    #expect(steps == example.steps)
    #expect(error?.id == example.error, "\(String(describing: error))")
    if let hint = example.hint { #expect(error?.help.first == hint) }
    #expect(try database.snapshot() == before, "planning changes nothing")
  }

  // MARK: - Contracts that wait

  /// The contract of 0001 waits for app 2.0; 0002 and 0003 do not.
  static func waiting() throws -> Catalog {
    try catalog([
      "0001-a": [table("a"), nothing(.contract, window: ">=2.0")],
      "0002-b": [table("b"), nothing(.migrate), nothing(.contract)],
      "0003-c": [table("c")],
    ])
  }

  @Test(
    "a held contract is passed by later expands and migrates but by no contract, and down follows the real order"
  )
  func passing() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try Self.waiting()
    let plan = try database.migrator(catalog).plan(.upAll)
    #expect(plan.steps.map(\.id.short) == ["0001/expand", "0002/expand", "0002/migrate", "0003/expand"])
    #expect(plan.held.map(\.id.short) == ["0001/contract", "0002/contract"])
    #expect(plan.held.map { $0.gates.map(\.gate) } == [[.window], [.order]])
    #expect(plan.held[0].gates[0].reason == "app 1.5 is live and older than the window >=2.0")
    try database.run(.upAll, catalog)
    #expect(migrationError { try database.run(.upTo("0001/contract"), catalog) }?.id == .phaseHeld)
    try database.run(.upAll, catalog, .test(live: ["app@2.1"]))
    #expect(
      try database.applied() == [
        "0001/expand", "0002/expand", "0002/migrate", "0003/expand", "0001/contract", "0002/contract",
      ])
    #expect(
      try database.run(.down(3), catalog, .test(live: ["app@2.1"])) == [
        "0002/contract", "0001/contract", "0003/expand",
      ])
    #expect(
      try database.run(.upAll, catalog, .test(live: ["app@2.1"])) == [
        "0001/contract", "0002/contract", "0003/expand",
      ])
  }

  @Test("a migration that is nothing but a held contract can be passed and goes up later")
  func contractOnly() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog(["0001-a": [nothing(.contract, window: ">=2.0")], "0002-b": [table("b")]])
    #expect(try database.run(.upAll, catalog) == ["0002/expand"])
    #expect(try database.run(.upAll, catalog) == [])
    #expect(try database.run(.upAll, catalog, .test(live: ["app@2.0"])) == ["0001/contract"])
  }

  @Test("an expand that is held stops everything after it")
  func blocker() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog([
      "0001-a": [table("a")], "0002-b": [table("b", window: ">=2.0"), nothing(.migrate)],
      "0003-c": [table("c")],
    ])
    let plan = try database.migrator(catalog).plan(.upAll)
    #expect(plan.steps.map(\.id.short) == ["0001/expand"])
    #expect(
      plan.held.map { "\($0.id.short) \($0.gates[0].gate)" } == [
        "0002/expand window", "0002/migrate order", "0003/expand order",
      ])
  }

  // MARK: - Gates

  struct GateCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let phase: @Sendable () throws -> Phase
    let options: Options
    let held: [Gate]
    let isFresh: Bool

    init(
      _ sentence: String, _ phase: @autoclosure @escaping @Sendable () throws -> Phase,
      _ options: Options = .test,
      held: [Gate] = [], fresh: Bool = false
    ) {
      (testDescription, self.phase, self.options, self.held, isFresh) = (
        sentence, phase, options, held, fresh
      )
    }
  }

  static let gates = [
    GateCase("a live version inside the window lets an expand up", try table("t", window: ">=1.5 <2.0")),
    GateCase(
      "a live version that is too old holds an expand", try table("t", window: ">=1.6"), held: [.window]),
    GateCase("a live version past the window lets up", try table("t", window: ">=1.0 <1.5")),
    GateCase("nothing known lets an expand up", try table("t", window: ">=9.0"), .test(live: [])),
    GateCase("nothing known lets a migrate up", try nothing(.migrate, window: ">=9.0"), .test(live: [])),
    GateCase("nothing known holds a contract", try nothing(.contract), .test(live: []), held: [.window]),
    GateCase(
      "another application's version says nothing", try nothing(.contract), .test(live: ["other@1.0"]),
      held: [.window]),
    GateCase(
      "the oldest of several versions decides", try table("t", window: ">=1.5"),
      .test(live: ["app@2.0", "app@1.4"]), held: [.window]),
    GateCase(
      "a pre-release is older than its release", try table("t", window: ">=2.0"),
      .test(live: ["app@2.0-rc.1"]), held: [.window]),
    GateCase(
      "the window can be overridden", try nothing(.contract),
      .test(live: [], override: [.window], reason: "sure")),
    GateCase(
      "overriding another gate does not help", try nothing(.contract),
      .test(live: [], override: [.soak], reason: "sure"), held: [.window]),
    GateCase("a need that is not applied holds", try table("t", needs: ["0009/expand"]), held: [.needs]),
    GateCase(
      "a need can be overridden", try table("t", needs: ["0009"]), .test(override: [.needs], reason: "sure")),
    GateCase(
      "a fresh database opens the window", try nothing(.contract, window: ">=9.0"), .test(live: []),
      fresh: true),
    GateCase("a fresh database opens no needs", try table("t", needs: ["0009"]), held: [.needs], fresh: true),
  ]

  @Test("a gate:", arguments: gates)
  func gate(_ example: GateCase) throws {
    let database = try TemporaryDatabase(example.isFresh ? nil : "CREATE TABLE old (a)")
    let catalog = try catalog(["0001-a": [example.phase()]])
    let plan = try database.migrator(catalog, example.options).plan(.upAll)
    #expect(plan.held.flatMap { $0.gates.map(\.gate) } == example.held)
    #expect(plan.steps.count == (example.held.isEmpty ? 1 : 0))
    #expect(plan.held.allSatisfy { $0.gates.allSatisfy { !$0.reason.isEmpty && !$0.opening.isEmpty } })
    #expect(plan.isFresh == example.isFresh)
  }

  @Test("needs are met by what is applied or planned before, by any prefix")
  func needs() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog([
      "0001-a": [table("a"), nothing(.contract, needs: ["0002-b/exp"])],
      "0002-b": [table("b", needs: ["1/expand"])],
    ])
    #expect(try database.run(.upAll, catalog) == ["0001/expand", "0002/expand", "0001/contract"])
  }

  @Test(
    "a soak counts from the migration's phase before, by the clock that is given",
    arguments: [
      ("2026-01-31T12:00:00.000Z", true), ("2026-02-07T11:59:59.999Z", true),
      ("2026-02-07T12:00:00.000Z", false),
    ])
  func soak(_ now: String, _ isHeld: Bool) throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try catalog(["0001-a": [table("a"), nothing(.contract, soak: .seconds(7 * 86_400))]])
    #expect(try database.run(.upAll, catalog) == ["0001/expand"])
    let plan = try database.migrator(catalog, .test(now: now)).plan(.upAll)
    #expect(
      plan.held.flatMap { $0.gates.map(\.opening) } == (isHeld ? ["wait until 2026-02-07T12:00:00.000Z"] : [])
    )
    #expect(
      try database.migrator(catalog, .test(override: [.soak], reason: "sure")).plan(.upAll).held.isEmpty)
  }

  @Test("a soak does not hold on a database that was fresh when the run began")
  func soakFresh() throws {
    let catalog = try catalog(["0001-a": [table("a"), nothing(.contract, soak: .seconds(60))]])
    #expect(try TemporaryDatabase().run(.upAll, catalog) == ["0001/expand", "0001/contract"])
  }

  @Test(
    "on the way down, a live version at or past the upper bound needs the phase",
    arguments: [
      (["app@1.9"], true), (["app@2.0"], false), (["app@1.9", "app@3"], false), ([], true),
      (["other@9"], true),
    ])
  func windowDown(_ live: [String], _ isOpen: Bool) throws {
    let database = try TemporaryDatabase()
    let catalog = try catalog(["0001-a": [table("a", window: ">=1.0 <2.0")], "0002-b": [table("b")]])
    try database.run(.upAll, catalog)
    let before = try database.snapshot()
    let error = migrationError { try database.run(.downAll, catalog, .test(live: live)) }
    #expect(error?.id == (isOpen ? nil : .phaseHeld))
    #expect(
      try (database.snapshot() == before) == !isOpen, "the whole range is checked before the first statement")
    if !isOpen {
      #expect(error?.message.contains("0001-a/expand is held by its window gate") == true)
      #expect(
        try database.run(.downAll, catalog, .test(live: live, override: [.window], reason: "fire")).count == 2
      )
    }
  }

  @Test("a contract after which no version could be live waits for what the newer version needs")
  func emptyInterval() throws {
    let catalog = try catalog([
      "0001-a": [table("a"), nothing(.contract, window: ">=2.0")],
      "0002-b": [table("b", window: ">=1.0 <2.0")],
    ])
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    try database.run(.up(1), catalog)
    let plan = try database.migrator(catalog, .test(live: ["app@2.0"])).plan(.upAll)
    #expect(plan.steps.map(\.id.short) == ["0002/expand", "0001/contract"])
    let only = try #require(
      migrationError { try database.migrator(catalog, .test(live: ["app@2.0"])).plan(.upTo("0001/contract")) }
    )
    #expect(only.id == .phaseHeld)
    #expect(only.help.first == "apply the phases that the newer version needs first")
  }

  @Test("every step of a plan knows which versions may be live after it, the same in both directions")
  func intervals() throws {
    let database = try TemporaryDatabase()
    let catalog = try catalog([
      "0001-a": [table("a", window: ">=1.0 <2.0"), nothing(.contract, window: ">=1.5 <3.0")],
      "0002-b": [table("b", window: ">=1.2 <2.5")],
    ])
    func live(_ plan: Plan) -> [String] { plan.steps.map { $0.liveAfter["app"].map(\.description) ?? "-" } }
    #expect(try live(database.migrator(catalog).plan(.upAll)) == [">=1.0 <2.5", ">=1.5 <2.5", ">=1.5"])
    try database.run(.upAll, catalog)
    #expect(try live(database.migrator(catalog).plan(.downAll)) == [">=1.5 <2.5", ">=1.0 <2.5", "<2.0"])
    #expect(try database.migrator(catalog).status().live["app"]?.description == ">=1.5")
  }

  @Test("an application of which nothing is known is noted, and not on a fresh database")
  func notes() throws {
    let catalog = try catalog(["0001-a": [table("a")]])
    let old = try TemporaryDatabase("CREATE TABLE old (a)")
    #expect(try old.migrator(catalog, .test(live: [])).plan(.upAll).notes.first?.contains("of app") == true)
    #expect(try old.migrator(catalog).plan(.upAll).notes == [])
    #expect(try TemporaryDatabase().migrator(catalog, .test(live: [])).plan(.upAll).notes == [])
  }

  // MARK: - What the folder says of what is applied

  @Test(
    "an applied phase that was edited stops everything up, with the lines that differ, and can still come down"
  )
  func edited() throws {
    let database = try TemporaryDatabase()
    try database.run(
      .upAll,
      catalog([
        "0001-a": [
          phase(.expand, "CREATE TABLE a (x);\nCREATE TABLE b (x)", down: "DROP TABLE b;\nDROP TABLE a")
        ]
      ]))
    let edited = try catalog([
      "0001-a": [
        phase(.expand, "CREATE TABLE a (y);\nCREATE TABLE b (x)", down: "DROP TABLE b;\nDROP TABLE a")
      ], "0002-b": [table("c")],
    ])
    let before = try database.snapshot()
    let error = try #require(migrationError { try database.run(.upAll, edited) })
    #expect(error.id == .editedAfterApply)
    #expect(error.details == ["- CREATE TABLE a (x);", "+ CREATE TABLE a (y);"])
    #expect(error.standing == .unchanged)
    #expect(try database.snapshot() == before)
    #expect(try database.migrator(edited).status().phases.map(\.isEdited) == [true, false])
    #expect(try database.run(.down(1), edited) == ["0001/expand"])
    #expect(try database.run(.upAll, edited) == ["0001/expand", "0002/expand"])
  }

  @Test("an applied phase that was only reformatted is the same phase")
  func reformatted() throws {
    let database = try TemporaryDatabase()
    try database.run(
      .upAll, catalog(["0001-a": [phase(.expand, "CREATE TABLE a (x, y);", down: "DROP TABLE a")]]))
    let reformatted = try catalog([
      "0001-a": [
        phase(.expand, "-- why\r\nCREATE TABLE a (\r\n  x, /* second */ y)\r\n", down: "DROP  TABLE\ta;;\n")
      ],
      "0002-b": [table("b")],
    ])
    #expect(try database.run(.upAll, reformatted) == ["0002/expand"])
  }

  @Test("a new migration before an applied one is out of order, a new phase of an applied one is not")
  func outOfOrder() throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, catalog(["0001-a": [table("a")], "0003-c": [table("c")]]))
    let error = migrationError {
      try database.run(
        .upAll, catalog(["0001-a": [table("a")], "0002-b": [table("b")], "0003-c": [table("c")]]))
    }
    #expect(error?.id == .outOfOrder)
    #expect(error?.help == ["give it a number after 0003"])
    let later = try catalog(["0001-a": [table("a"), nothing(.migrate)], "0003-c": [table("c")]])
    #expect(try database.run(.upAll, later) == ["0001/migrate"])
  }
}
