import Foundation
import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

struct RehearsalTests {
  /// One migration on a shop with three items, and what a rehearsal of its phases shows.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let phases: [Phase]
    /// The verdict of each.
    let verdicts: [Evidence.Verdict]
    /// What the last phase shows: rows, and lines beside them.
    let shows: [String]

    init(_ sentence: String, _ phases: [Phase?], _ verdicts: Evidence.Verdict..., shows: String...) {
      testDescription = sentence
      self.phases = phases.compactMap(\.self)
      self.verdicts = verdicts
      self.shows = shows
    }
  }

  private static let shop = """
    CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price INT);
    INSERT INTO items VALUES (1, 'Hat', 1200), (2, 'Bag', 30), (3, 'Cup', NULL);
    CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);
    INSERT INTO notes (text) VALUES ('one'), ('two');
    """

  private static func made(
    _ kind: Phase.Kind, _ up: String, _ down: String, losses: [Loss] = [], budget: Budget? = nil,
    verify: [(String, String)] = []
  ) -> Phase? {
    guard let upScript = Script(up), let downScript = Script(down),
      let windows = try? Windows(Window("app", VersionRange(">=1.0")))
    else { return nil }
    return Phase(
      kind, windows: windows, up: upScript, down: downScript,
      verifications: verify.compactMap { title, sql in Script(sql).map { Verification(title, query: $0) } },
      losses: losses, budget: budget)
  }

  /// A column comes and goes, and on the way back rows are replaced that the phase has no business with. What a down
  /// updates is archived; which rows a REPLACE deletes nobody is told.
  private static func sized(_ replacing: String, losses: [Loss] = []) -> Phase? {
    made(
      .contract, "ALTER TABLE items ADD COLUMN size INT",
      "ALTER TABLE items DROP COLUMN size; INSERT OR REPLACE INTO items SELECT \(replacing)", losses: losses)
  }

  private static let rounded = Loss(table: "items", column: "PRICE", reason: "cents are not kept")

  static let cases = [
    Case(
      "a column that comes and goes is exact",
      [made(.expand, "ALTER TABLE items ADD COLUMN size INT", "ALTER TABLE items DROP COLUMN size")], .exact),
    Case(
      "what is renamed comes back whole",
      [
        made(
          .contract, "ALTER TABLE items RENAME COLUMN price TO old_price",
          "ALTER TABLE items RENAME COLUMN old_price TO price")
      ], .exact),
    Case(
      "what a phase overwrites comes back although its down cannot compute it",
      [made(.contract, "UPDATE items SET price = round(price, -2)", "SELECT 1")], .exact),
    Case(
      "a down that computes a wrong value, which the archive puts right, shows the rows",
      [sized("id, name, price - 1 FROM items WHERE id < 3")],
      .exact,
      shows: "@down alone items id = 1: price 1200 -> 1199", "@down alone items id = 2: price 30 -> 29"),
    Case(
      "a down that computes a wrong value which the archive puts right shows the rows all the same",
      [
        made(
          .contract, "UPDATE items SET price = price + 100",
          "UPDATE items SET price = price - 99 WHERE id < 3")
      ], .exact,
      shows: "@down alone items id = 1: price 1200 -> 1201", "@down alone items id = 2: price 30 -> 31"),
    Case(
      "a column that comes back with the wrong values shows the rows",
      [
        made(
          .contract, "ALTER TABLE items DROP COLUMN price",
          "ALTER TABLE items ADD COLUMN price INT; UPDATE items SET price = 30")
      ], .exact,
      shows: "@down alone items id = 1: price 1200 -> 30", "@down alone items id = 3: price NULL -> 30"),
    Case(
      "a table that comes back with the wrong rows shows them",
      [
        made(
          .contract, "CREATE TABLE names AS SELECT id, name FROM items; DROP TABLE items",
          """
          CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price INT);
          INSERT INTO items SELECT id, lower(name), 30 FROM names; DROP TABLE names
          """)
      ], .exact,
      shows: "@down alone items id = 1: name 'Hat' -> 'hat', price 1200 -> 30",
      "@down alone items id = 2: name 'Bag' -> 'bag'",
      "@down alone items id = 3: name 'Cup' -> 'cup', price NULL -> 30"),
    Case(
      "what a column has before its values come back is not computed",
      [made(.contract, "ALTER TABLE items DROP COLUMN price", "ALTER TABLE items ADD COLUMN price INT")],
      .exact),
    Case(
      "a loss that is declared does not happen where the archive puts it right",
      [sized("id, name, 0 FROM items WHERE id = 1", losses: [rounded])],
      .exact,
      shows: "@down alone items id = 1: price 1200 -> 0"),
    Case(
      "nor does a loss in another column than the declared one",
      [sized("id, lower(name), 0 FROM items", losses: [rounded])], .exact,
      shows: "@down alone items id = 1: name 'Hat' -> 'hat', price 1200 -> 0",
      "@down alone items id = 2: name 'Bag' -> 'bag', price 30 -> 0",
      "@down alone items id = 3: name 'Cup' -> 'cup', price NULL -> 0"),
    Case(
      "a type that changes is a difference", [sized("id, CAST(name AS BLOB), price FROM items WHERE id < 3")],
      .exact,
      shows: "@down alone items id = 1: name 'Hat' -> x'486174'",
      "@down alone items id = 2: name 'Bag' -> x'426167'"),
    Case(
      "rows that a down leaves behind are shown",
      [made(.migrate, "INSERT INTO items VALUES (9, 'New', 1)", "SELECT 1")], .failed,
      shows: "after down items id = 9: a row that was not there", "fails again: statement-failed"),
    Case(
      "a counter that is ahead is no loss",
      [made(.migrate, "INSERT INTO notes VALUES (9, 'three')", "DELETE FROM notes WHERE id = 9")], .exact,
      shows: "note the AUTOINCREMENT counter of notes 2 -> 9"),
    Case(
      "an up that does not run fails, and nothing after it is rehearsed",
      [
        made(
          .expand, "ALTER TABLE items ADD COLUMN size INT; SELECT nosuch",
          "ALTER TABLE items DROP COLUMN size"),
        made(.contract, "SELECT 1", "SELECT 1"),
      ], .failed, shows: "fails up: statement-failed"),
    Case(
      "a down that does not lead back to the schema fails, and the next phase is rehearsed all the same",
      [
        made(.expand, "ALTER TABLE items ADD COLUMN size INT", "SELECT 1"),
        made(.contract, "DROP TABLE notes", "SELECT nosuch"),
      ], .failed, .failed, shows: "fails down: statement-failed"),
    Case(
      "a claim that does not hold fails",
      [
        made(
          .migrate, "SELECT 1", "SELECT 1",
          verify: [("all have a price", "SELECT id FROM items WHERE price IS NULL")])
      ],
      .failed, shows: "fails up: verify-failed"),
    Case(
      "each phase is compared with what the one before it left",
      [
        made(.expand, "ALTER TABLE items ADD COLUMN cents INT", "ALTER TABLE items DROP COLUMN cents"),
        made(.migrate, "UPDATE items SET cents = price * 100", "UPDATE items SET cents = NULL"),
        made(
          .contract, "ALTER TABLE items RENAME COLUMN price TO old",
          "ALTER TABLE items RENAME COLUMN old TO price"),
      ], .exact, .exact, .exact),
  ]

  @Test("up, down and up again on a copy show", arguments: cases)
  func verdicts(_ row: Case) throws {
    let database = try TemporaryDatabase(Self.shop)
    let before = try database.snapshot()
    let catalog = try Catalog([Migration(MigrationName("0001-a"), phases: row.phases)])
    let report = try database.migrator(catalog, access: .reading).rehearse()
    #expect(report.phases.map(\.verdict) == row.verdicts)
    let last = try #require(report.phases.last)
    var shown = last.corrections.flatMap { table in
      table.first.map { "@down alone \(table.table) \($0.sentence)" }
    }
    for (moment, difference) in [("after down", last.afterDown), ("again", last.afterSecondUp)] {
      for table in difference.tables {
        shown += table.first.map { "\(moment) \(table.table) \($0.sentence)" }
      }
      shown += difference.others.map { "\(moment) \($0)" } + difference.notes.map { "note \($0)" }
    }
    if let failed = last.failed { shown.append("fails \(failed): \(last.failure?.id.rawValue ?? "")") }
    // Whether the second way up repeats what the way down did wrong is the archive's business.
    let telling = shown.filter { !$0.hasPrefix("again") }
    if !row.shows.isEmpty || last.verdict == .exact { #expect(telling == row.shows) }
    #expect(report.isClean == row.verdicts.allSatisfy(\.isProof))
    #expect(try database.snapshot() == before, "the database is only read")
    #expect(try FileManager.default.contentsOfDirectory(atPath: database.folder.path) == ["shop.db"])
  }

  @Test("the differing rows of a lossy rehearsal are counted in its evidence, and no values are kept there")
  func evidence() throws {
    let database = try TemporaryDatabase(Self.shop)
    let catalog = try catalog([
      "0001-a": [
        phase(
          .contract, "INSERT INTO items (name) SELECT name FROM items; UPDATE items SET price = price",
          down: "SELECT 1")
      ]
    ])
    let evidence = try #require(try database.migrator(catalog).rehearse().evidence.first)
    #expect(
      evidence.tables.first { $0.table == "items" }
        == RehearsedTable(table: "items", rows: 3, differing: 3, declared: 0))
    #expect(
      evidence.tables.first { $0.table == "notes" }
        == RehearsedTable(table: "notes", rows: 2, differing: 0, declared: 0))
    #expect(evidence.times.rowsUp > 3)
    #expect(try #require(evidence.times.up) > 0 && #require(evidence.times.hold) > 0)
    #expect(try #require(evidence.times.logBytes) > 0)
    #expect(evidence.sqlite == SQLiteVersion.running.description)
    #expect(try !EvidenceJSON.text(EvidenceJSON.Item(evidence)).contains("1200"))
  }

  @Test("a limit of @budget that is passed is a finding beside the verdict")
  func budget() throws {
    let database = try TemporaryDatabase(Self.shop)
    let tight = Budget(up: .nanoseconds(1), down: .seconds(3600), hold: .nanoseconds(1))
    let phase = try #require(
      Self.made(.contract, "UPDATE items SET price = price", "SELECT 1", budget: tight))
    let report = try database.migrator(Catalog([Migration(MigrationName("0001-a"), phases: [phase])]))
      .rehearse()
    #expect(report.phases[0].verdict == .exact)
    #expect(report.phases[0].overBudget.map { $0.prefix { $0 != " " } } == ["up", "hold"])
    #expect(!report.isClean)
  }

  @Test(
    "tables without rows prove nothing, unless that is said to be enough",
    arguments: [
      "ALTER TABLE empty ADD COLUMN b", "UPDATE empty SET a = 1",
      "DROP TABLE empty",
      "UPDATE items SET price = 1; DELETE FROM empty",
    ])
  func empty(_ up: String) throws {
    let database = try TemporaryDatabase("\(Self.shop) CREATE TABLE empty (a)")
    let catalog = try catalog(["0001-a": [phase(.contract, up, down: "SELECT nosuch")]])
    let error = migrationError { try database.migrator(catalog).rehearse() }
    #expect(error?.id == .rehearsalOnEmpty)
    #expect(error?.message.contains("touches empty, which has no rows") == true)
    let report = try database.migrator(catalog).rehearse(allowsEmpty: true)
    #expect(report.phases.first?.emptyTables == ["empty"])
  }

  @Test("a table without rows that a phase does not touch, or makes itself, does not matter")
  func emptyBeside() throws {
    let database = try TemporaryDatabase("\(Self.shop) CREATE TABLE empty (a)")
    let catalog = try catalog([
      "0001-a": [phase(.expand, "CREATE TABLE new (a); ALTER TABLE new ADD COLUMN b", down: "DROP TABLE new")]
    ])
    #expect(try database.migrator(catalog).rehearse().phases.map(\.verdict) == [.exact])
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let id: MigrationError.ID
    let prepare: @Sendable (TemporaryDatabase) throws -> Void
    var scope = Migrator.RehearsalScope.pending
  }

  static let refusals = [
    Refusal(testDescription: "no database", id: .databaseNotFound) {
      try FileManager.default.removeItem(atPath: $0.path)
    },
    Refusal(testDescription: "a database without tables", id: .rehearsalOnEmpty) {
      try FileManager.default.removeItem(atPath: $0.path)
      try $0.run("PRAGMA user_version = 1")
    },
    Refusal(testDescription: "another schema than the ledger's", id: .schemaDrift) {
      try $0.run(.up(1), RehearsalTests.threeTables())
      try $0.run("CREATE TABLE foreigner (a)")
    },
    Refusal(
      testDescription: "a phase that is applied", id: .alreadyApplied,
      prepare: { try $0.run(.up(1), RehearsalTests.threeTables()) }, scope: .phase("0001")),
    Refusal(
      testDescription: "a phase that is not there", id: .unknownPhase, prepare: { _ in },
      scope: .phase("0009")),
    Refusal(
      testDescription: "a phase whose needs nothing meets", id: .phaseHeld, prepare: { _ in },
      scope: .phase("0003")),
  ]

  fileprivate static func threeTables() throws -> Catalog {
    try catalog([
      "0001-a": [table("a")], "0002-b": [table("b")], "0003-c": [table("c", needs: ["0009"])],
    ])
  }

  @Test("a rehearsal is refused on", arguments: refusals)
  func refused(_ row: Refusal) throws {
    let database = try TemporaryDatabase(Self.shop)
    try row.prepare(database)
    let before = try database.snapshot()
    let error = migrationError {
      try database.migrator(try Self.threeTables(), access: .reading).rehearse(row.scope)
    }
    #expect(error?.id == row.id)
    #expect(error?.standing == .unchanged)
    #expect(try database.snapshot() == before)
  }

  @Test(
    "a folder that is not there, and one that is a file, cannot hold the copy",
    arguments: ["nowhere", "shop.db"])
  func noPlace(_ name: String) throws {
    let database = try TemporaryDatabase(Self.shop)
    let place = "\(database.folder.path)/\(name)"
    let error = migrationError { try database.migrator(try Self.threeTables()).rehearse(in: place) }
    #expect(error?.id == .rehearsalCopyFailed)
    #expect(error?.state == "nothing was changed; the copy was removed")
  }

  @Test("a request to stop ends a rehearsal wherever it is, and the copy is removed", arguments: 0..<8)
  func stopped(after events: Int) throws {
    let database = try TemporaryDatabase(Self.shop)
    let cancellation = Cancellation()
    let migrator = try database.migrator(try Self.threeTables(), .test(cancellation: cancellation))
    var seen = 0
    let error = migrationError {
      try migrator.rehearse { _ in
        seen += 1
        if seen > events { cancellation.cancel() }
      }
    }
    #expect(error?.id == .interrupted)
    #expect(try FileManager.default.contentsOfDirectory(atPath: database.folder.path) == ["shop.db"])
  }

  @Test("a chosen phase is rehearsed after those that lead to it, which are only applied to the copy")
  func chosen() throws {
    let database = try TemporaryDatabase(Self.shop)
    var told: [String] = []
    let report = try database.migrator(try Self.threeTables()).rehearse(.phase("0002")) { event in
      switch event {
      case .prepared(let id, _): told.append("prepared \(id.short)")
      case .began(let id, let number, let count): told.append("began \(id.short) \(number)/\(count)")
      default: break
      }
    }
    #expect(told == ["prepared 0001/expand", "began 0002/expand 1/1"])
    #expect(report.phases.map(\.id.short) == ["0002/expand"])
  }

  @Test(
    "what would go up now comes first, then contracts whose gates are closed, and what cannot run is named")
  func order() throws {
    let database = try TemporaryDatabase(Self.shop)
    let catalog = try catalog([
      "0001-a": [table("a"), nothing(.contract, window: ">=2.0")],
      "0002-b": [table("b"), nothing(.contract, soak: .seconds(60))],
      "0003-c": [table("c", needs: ["0009"])],
    ])
    let report = try database.migrator(catalog).rehearse()
    #expect(
      report.phases.map(\.id.short) == ["0001/expand", "0002/expand", "0001/contract", "0002/contract"])
    #expect(report.held.map(\.id.short) == ["0003/expand"])
  }

  @Test("contracts that wait for a switch or a watch are rehearsed meanwhile")
  func waiting() throws {
    let database = try TemporaryDatabase(Self.shop)
    let catalog = try catalog([
      "0001-a": [
        phase(.expand, "CREATE TABLE a (x)", down: "DROP TABLE a", switches: [Switch("a")]),
        phase(.contract, "SELECT 1", down: "SELECT 1", switches: [Switch("a", fullFor: .seconds(600))]),
      ],
      "0002-b": [
        phase(
          .expand, "CREATE TABLE b (x)", down: "DROP TABLE b",
          watch: Watch(for: .seconds(60), every: .seconds(1)),
          probes: [Probe("b can be read", query: Script("SELECT x FROM b"))]),
        nothing(.contract),
      ],
    ])
    #expect(try database.migrator(catalog).rehearse().phases.count == 4)
    try database.run(.upAll, catalog)
    #expect(try database.migrator(catalog).plan(.upAll).held.map(\.gates.first?.gate) == [.switch, .watch])
    #expect(try database.migrator(catalog).rehearse().phases.map(\.verdict) == [.exact, .exact])
  }

  @Test("a lease of a runner that was copied with the database does not hold the copy")
  func lease() throws {
    let database = try TemporaryDatabase(Self.shop)
    try database.run(.up(1), Self.threeTables())
    try database.run(
      "INSERT INTO phasedb_lease VALUES (1, 'other', 'elsewhere', 1, 'b', 's', 't', '2026-01-31T11:59:00.000Z', 'up')"
    )
    #expect(try database.migrator(try Self.threeTables()).rehearse().phases.map(\.verdict) == [.exact])
  }

  @Test("a database with nothing pending has nothing to rehearse")
  func nothingPending() throws {
    let database = try TemporaryDatabase(Self.shop)
    let report = try database.migrator(Catalog([])).rehearse()
    #expect(report.phases.isEmpty && report.isClean && report.copyBytes == 0)
  }

  @Test("the baseline is run on a copy of a database without tables, when that is said to be enough")
  func baseline() throws {
    let database = try TemporaryDatabase("PRAGMA user_version = 1")
    let catalog = try catalog(["0001-a": [table("a")]], baseline: "CREATE TABLE base (x);")
    #expect(try database.migrator(catalog).rehearse(allowsEmpty: true).phases.map(\.verdict) == [.exact])
  }
}
