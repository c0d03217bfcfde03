import PhaseSQLite
import Testing

@testable import PhaseDB

/// A schema that somebody changed behind phasedb's back, and an operator who takes it as it is.
struct DriftTests {
  static func shop() throws -> Catalog {
    try catalog([
      "0001-notes": [
        phase(
          .expand,
          "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT); CREATE VIEW texts AS SELECT text FROM notes",
          down: "DROP VIEW texts; DROP TABLE notes")
      ],
      "0002-author": [
        phase(
          .expand, "ALTER TABLE notes ADD author TEXT; CREATE TABLE authors (name)",
          down: "ALTER TABLE notes DROP author; DROP TABLE authors")
      ],
      "0003-late": [table("late")],
    ])
  }

  static let accepting = Options.test(override: [.drift], reason: "the support desk needed it")

  @Test("stops up and down until it is taken as it is, and then only once")
  func accepting() throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.shop()
    try database.run(.up(2), catalog)
    try database.run("CREATE INDEX by_text ON notes (text)")
    for selection in [Selection.upAll, .down(1)] {
      let error = try #require(migrationError { try database.run(selection, catalog) })
      #expect(error.id == .schemaDrift)
      #expect(error.details == ["+ index by_text"])
      #expect(error.help.last == "or override the gate: --override drift --reason \"...\"")
    }
    let status = try database.migrator(catalog).status()
    #expect(status.gates.map(\.gate) == [.drift])
    #expect(status.gates.allSatisfy { $0.opening.contains("--override drift") })

    let plan = try database.migrator(catalog, Self.accepting).plan(.upAll)
    #expect(plan.drift == ["+ index by_text"])
    #expect(try database.run(.upAll, catalog, Self.accepting) == ["0003/expand"])
    #expect(
      try database.log() == [
        "begin ", "up 0001-notes/expand", "up 0002-author/expand", "override drift", "drift ",
        "up 0003-late/expand",
      ])
    #expect(try database.migrator(catalog).log().first { $0.action == "drift" }?.detail == "+ index by_text")
    try expectInOrder(database, catalog)
    #expect(try database.run(.down(1), catalog) == ["0003/expand"])
    try expectInOrder(database, catalog)
  }

  @Test("is recorded also when no phase goes with it")
  func nothingToDo() throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.shop()
    try database.run(.upAll, catalog)
    try database.run("ALTER TABLE late ADD COLUMN by_hand")
    var events: [Event] = []
    #expect(try database.run(.upAll, catalog, Self.accepting) { events.append($0) } == [])
    let lines: [Prose] = [
      "~ table late", "    table late gains column by_hand",
    ]
    #expect(events == [.driftAccepted(lines)])
    #expect(try database.log().suffix(2) == ["override drift", "drift "])
    try expectInOrder(database, catalog)
    #expect(try database.run(.upAll, catalog) == [])
  }

  /// Verify finds nothing, and neither status nor a plan sees a drift.
  private func expectInOrder(_ database: TemporaryDatabase, _ catalog: Catalog) throws {
    let migrator = try database.migrator(catalog)
    let broken = try migrator.verify().checks.filter { $0.outcome == .broken }
    #expect(broken.map { "\($0.title): \($0.details)" } == [])
    #expect(try migrator.status().gates == [])
    #expect(throws: Never.self) { try migrator.plan(.upAll) }
  }

  struct WayBack: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// What was done by hand after 0002/expand.
    let drift: String
    /// In place of the down SQL of 0002/expand.
    let down: String?
    /// What is left beside the objects of 0001 once 0002 is down; nil when the down is refused.
    let left: [String]?
    let details: [Prose]

    init(
      _ sentence: String, _ drift: String, down: String? = nil, left: [String]? = nil,
      refused details: [Prose] = []
    ) {
      (testDescription, self.drift, self.down) = (sentence, drift, down)
      (self.left, self.details) = (left, details)
    }
  }

  static let notes = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)"

  static let ways = [
    WayBack(
      "an index by hand stays", "CREATE INDEX by_text ON notes (text)",
      left: ["CREATE INDEX by_text ON notes (text)", notes, "CREATE VIEW texts AS SELECT text FROM notes"]),
    WayBack(
      "a table by hand stays", "CREATE TABLE mine (a)",
      left: ["CREATE TABLE mine (a)", notes, "CREATE VIEW texts AS SELECT text FROM notes"]),
    WayBack(
      "a view that was dropped by hand stays away", "DROP VIEW texts", left: [notes]),
    WayBack(
      "an index on the phase's own table goes with it", "CREATE INDEX by_name ON authors (name)",
      left: [notes, "CREATE VIEW texts AS SELECT text FROM notes"]),
    WayBack(
      "a column by hand on a table that the phase changed stays", "ALTER TABLE notes ADD COLUMN by_hand",
      left: [
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT, by_hand)",
        "CREATE VIEW texts AS SELECT text FROM notes",
      ]),
    WayBack(
      "a down that takes the table by hand along is refused", "CREATE TABLE mine (a)",
      down: "ALTER TABLE notes DROP author; DROP TABLE authors; DROP TABLE mine", refused: ["- table mine"]),
    WayBack(
      "a down that takes the index by hand along is refused", "CREATE INDEX by_text ON notes (text)",
      down: "ALTER TABLE notes DROP author; DROP TABLE authors; DROP INDEX by_text",
      refused: ["- index by_text"]),
    WayBack(
      "a down that brings back what was dropped by hand is refused", "DROP VIEW texts",
      down:
        "ALTER TABLE notes DROP author; DROP TABLE authors; CREATE VIEW texts AS SELECT text FROM notes",
      refused: ["+ view texts"]),
    WayBack(
      "a down that forgets the phase's own table is refused all the same", "CREATE TABLE mine (a)",
      down: "ALTER TABLE notes DROP author", refused: ["+ table authors"]),
    WayBack(
      "a down that forgets the phase's own column is refused all the same", "CREATE TABLE mine (a)",
      down: "DROP TABLE authors",
      refused: [
        "~ table notes", "    table notes gains column author TEXT",
      ]),
  ]

  @Test("accepted after a phase, and then that phase comes down:", arguments: ways, [true, false])
  func wayBack(_ example: WayBack, isAcceptedOnTheWay: Bool) throws {
    let database = try TemporaryDatabase()
    let shop = try Self.shop().migrations
    let author = shop[1].phases[0]
    let second = try Phase(
      .expand, windows: author.windows, up: author.up,
      down: #require(Script(example.down ?? author.down.text)))
    let catalog = try Catalog([shop[0], Migration(shop[1].name, phases: [second])])
    try database.run(.upAll, catalog)
    try database.run(example.drift)
    if !isAcceptedOnTheWay { try database.run(.upAll, catalog, Self.accepting) }
    let before = try database.snapshot()
    let error = migrationError {
      try database.run(.down(1), catalog, isAcceptedOnTheWay ? Self.accepting : .test)
    }
    guard let left = example.left else {
      #expect(error?.id == .downNotInverse)
      #expect(error?.details == example.details)
      // On a schema that is not the recorded one, no row of the log may say that it was looked at.
      let present = try database.snapshot()
      #expect(isAcceptedOnTheWay ? present == before : present?.isUndone(since: before) == true)
      return
    }
    #expect(error == nil)
    #expect(try database.snapshot()?.schema == left)
    try expectInOrder(database, catalog)
    // What is left of the drift is the schema that the next up finds and the next down leads back to.
    try database.run(.upAll, catalog)
    try expectInOrder(database, catalog)
    try database.run(.down(1), catalog)
    #expect(try database.snapshot()?.schema == left)
    try expectInOrder(database, catalog)
  }

  @Test("accepted before the first phase is what the last down leads back to")
  func beforeTheFirst() throws {
    let database = try TemporaryDatabase("CREATE TABLE old (a)")
    let catalog = try Self.shop()
    try database.run(.up(1), catalog)
    try database.run(.downAll, catalog)
    try database.run("CREATE TABLE stranger (a)")
    #expect(migrationError { try database.run(.upAll, catalog) }?.id == .schemaDrift)
    try database.run(.upAll, catalog, Self.accepting)
    try database.run(.downAll, catalog)
    #expect(try database.snapshot()?.schema == ["CREATE TABLE old (a)", "CREATE TABLE stranger (a)"])
    try expectInOrder(database, catalog)
  }

  @Test("accepted several times, between several phases, comes back in one go")
  func severalTimes() throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.shop()
    for name in ["one", "two", "three"] {
      try database.run(.up(1), catalog, Self.accepting)
      try database.run("CREATE TABLE \(name) (a)")
    }
    try database.migrator(catalog, Self.accepting).run(
      database.migrator(catalog, Self.accepting).plan(.upAll))
    try database.run(.downAll, catalog)
    #expect(
      try database.snapshot()?.schema == [
        "CREATE TABLE one (a)", "CREATE TABLE three (a)", "CREATE TABLE two (a)",
      ])
    try expectInOrder(database, catalog)
  }

  @Test("that came after the plan is not accepted with it")
  func afterThePlan() throws {
    let database = try TemporaryDatabase()
    let catalog = try Self.shop()
    try database.run(.up(1), catalog)
    try database.run("CREATE TABLE one (a)")
    let migrator = try database.migrator(catalog, Self.accepting)
    let plan = try migrator.plan(.up(1))
    try database.run("CREATE TABLE two (a)")
    let error = migrationError { try migrator.run(plan) }
    #expect(error?.id == .schemaDrift)
    #expect(error?.standing == .unchanged)
    #expect(error?.message == "the schema was changed again after the plan was made")
    #expect(try database.applied() == ["0001/expand"])
    #expect(try database.log() == ["begin ", "up 0001-notes/expand"])
  }

  @Test("of a baseline makes what is there the beginning")
  func baseline() throws {
    let database = try TemporaryDatabase("CREATE TABLE other (a)")
    let catalog = try catalog(["0001-a": [table("a")]], baseline: "CREATE TABLE old (a)")
    #expect(migrationError { try database.run(.upAll, catalog) }?.id == .schemaDrift)
    #expect(try database.run(.upAll, catalog, Self.accepting) == ["0001/expand"])
    #expect(try database.log() == ["begin ", "override drift", "up 0001-a/expand"])
    try database.run(.downAll, catalog)
    #expect(try database.snapshot()?.schema == ["CREATE TABLE other (a)"])
  }

  @Test("that nobody accepted is found by verify, also when the ledger's rows are made to fit")
  func forged() throws {
    let database = try TemporaryDatabase()
    try database.run(.upAll, Self.shop())
    try database.run(
      "CREATE TABLE mine (a); INSERT INTO phasedb_schema VALUES (99, '+', 'table', 'mine', 'mine', 'CREATE TABLE mine (a)')"
    )
    let broken = try database.migrator(Self.shop()).verify().checks.filter { $0.outcome == .broken }
    #expect(
      broken.flatMap(\.details) == [
        "the log does not say who accepted the changes of phasedb_schema under 99"
      ])
  }
}
