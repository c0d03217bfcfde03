import PhaseSQLite
import Testing

@testable import PhaseDB

/// A phase that is not made yet: a table of cases cannot throw.
struct Draft: Sendable {
  let kind: Phase.Kind
  let up: String
  let down: String

  init(_ kind: Phase.Kind, _ up: String, down: String) { (self.kind, self.up, self.down) = (kind, up, down) }
}

/// A folder of drafts.
private func folder(_ drafts: [String: [Draft]], baseline: String? = nil) throws -> Catalog {
  try Catalog(
    drafts.map { name, phases in
      try Migration(MigrationName(name), phases: phases.map { try phase($0.kind, $0.up, down: $0.down) })
    }, baseline: baseline.flatMap { Script($0, file: "baseline.sql") })
}

/// What a database goes through that was there before phasedb, or whose folder is put in order later.
enum FirstHour {
  static let notes = Draft(
    .expand, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)", down: "DROP TABLE notes")
  static let author = Draft(.expand, "ALTER TABLE notes ADD author", down: "ALTER TABLE notes DROP author")
  static let fill = Draft(
    .migrate, "UPDATE notes SET author = 'nobody'", down: "UPDATE notes SET author = NULL")
  static let index = Draft(.expand, "CREATE INDEX by_text ON notes (text)", down: "DROP INDEX by_text")

  static func options(ignoring tables: [String]) -> Options {
    var options = Options.test
    options.ignoreTables = tables
    return options
  }
}

struct UnadoptedTests {
  static let shop: [(String, [Draft])] = [
    ("0001-notes", [FirstHour.notes]), ("0002-author", [FirstHour.author, FirstHour.fill]),
    ("0003-index", [FirstHour.index]),
  ]

  static let cases: [(sql: String, help: Prose)] = [
    (FirstHour.notes.up, "it is the schema after 0001-notes/expand: phasedb adopt --at 0001/expand"),
    (
      FirstHour.notes.up + ";" + FirstHour.author.up + "; CREATE TABLE goose_db_version (id)",
      "it is the schema after 0002-author/migrate: phasedb adopt --at 0002/migrate"
    ),
    (
      FirstHour.notes.up + "; CREATE TABLE more (a)",
      "the nearest is the schema after 0001-notes/expand; see the difference: phasedb adopt --at 0001/expand"
    ),
  ]

  @Test("up names the phase at which a database with the folder's tables can be adopted", arguments: cases)
  func named(_ sql: String, _ help: Prose) throws {
    let database = try TemporaryDatabase(sql)
    let before = try database.snapshot()
    let catalog = try folder(Dictionary(uniqueKeysWithValues: Self.shop))
    let error = try #require(migrationError { try database.run(.upAll, catalog) })
    #expect(error.id == .schemaDrift && error.standing == .unchanged && error.help.first == help, "\(error)")
    #expect(try database.snapshot() == before)
  }

  @Test("up begins beside tables that the folder does not make")
  func beside() throws {
    let database = try TemporaryDatabase("CREATE TABLE other (a)")
    let catalog = try folder(["0001-notes": [FirstHour.notes]])
    #expect(try database.run(.upAll, catalog) == ["0001/expand"])
    #expect(try database.run(.downAll, catalog) == ["0001/expand"])
  }
}

struct IgnoredTablesTests {
  static let catalogue: [String: [Draft]] = ["0001-notes": [FirstHour.notes]]
  static let tables =
    "CREATE TABLE cache_a (id INTEGER PRIMARY KEY, n REFERENCES cache_b); CREATE TABLE cache_b (id);"

  static let touching: [(String, Draft)] = [
    ("makes one", Draft(.expand, "CREATE TABLE cache_new (a)", down: "DROP TABLE cache_new")),
    (
      "renames one to such a name",
      Draft(
        .expand, "CREATE TABLE x (a); ALTER TABLE x RENAME TO \"Cache_x\"", down: "DROP TABLE \"Cache_x\"")
    ),
    ("writes one", Draft(.migrate, "DELETE FROM cache_a", down: "SELECT 1")),
    (
      "reads one",
      Draft(.migrate, "INSERT INTO notes (text) SELECT id FROM cache_a", down: "DELETE FROM notes")
    ),
    ("gives one an index", Draft(.expand, "CREATE INDEX i ON cache_a (n)", down: "DROP INDEX i")),
    ("alters one", Draft(.expand, "ALTER TABLE cache_a ADD b", down: "ALTER TABLE cache_a DROP b")),
    (
      "drops one of another tool",
      Draft(.contract, "DROP TABLE goose_db_version", down: "CREATE TABLE goose_db_version (id)")
    ),
  ]

  @Test(
    "a phase that touches a table outside the schema is refused, and changes nothing:", arguments: touching)
  func touches(_ what: String, _ own: Draft) throws {
    let database = try TemporaryDatabase(Self.tables + "CREATE TABLE goose_db_version (id);")
    let options = FirstHour.options(ignoring: ["cache_*"])
    try database.run(.upAll, try folder(Self.catalogue), options)
    let before = try database.snapshot()
    let more = try folder(Self.catalogue.merging(["0002-touch": [own]]) { $1 })
    let error = try #require(migrationError { try database.run(.upAll, more, options) }, "\(what)")
    #expect(error.id == .forbiddenStatement, "\(what): \(error)")
    #expect(try database.snapshot()?.isSame(as: before) == true, "\(what)")
  }

  @Test("changes of ignored tables are no drift, in either order of adopting and ignoring")
  func drift() throws {
    let database = try TemporaryDatabase(Self.tables + "INSERT INTO cache_a VALUES (1, 77);")
    let catalog = try folder(Self.catalogue)
    // Tracked first, and left out later.
    try database.run(.upAll, catalog)
    try database.run("ALTER TABLE cache_a ADD b; CREATE TABLE cache_c (a); DROP TABLE cache_b")
    #expect(try !database.migrator(catalog).verify().isClean)
    let options = FirstHour.options(ignoring: ["CACHE_?"])
    #expect(try database.migrator(catalog, options).verify().isClean)
    #expect(try database.run(.downAll, catalog, options) == ["0001/expand"])
    #expect(try database.run(.upAll, catalog, options) == ["0001/expand"])
    #expect(try database.migrator(catalog, options).verify().isClean)
    // What was recorded meanwhile holds without the setting, too.
    try database.run("DROP TABLE cache_a; DROP TABLE cache_c; \(Self.tables)")
    #expect(try database.migrator(catalog).verify().checks.first { $0.subject == .schema }?.outcome == .holds)
    #expect(try database.run(.downAll, catalog) == ["0001/expand"])
  }

  @Test("a trigger of the application may write an ignored table when a phase fires it")
  func trigger() throws {
    let database = try TemporaryDatabase(
      "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE audit (id); CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO audit VALUES (NEW.id); END"
    )
    let options = FirstHour.options(ignoring: ["audit"])
    let catalog = try folder([
      "0001-row": [Draft(.migrate, "INSERT INTO t VALUES (7)", down: "DELETE FROM t WHERE id = 7")]
    ])
    try database.run(.upAll, catalog, options)
    #expect(try database.value("SELECT id FROM audit") == 7)
    #expect(try database.migrator(catalog, options).reversals().values.first?.obstacles.isEmpty == true)
    #expect(try database.run(.downAll, catalog, options) == ["0001/migrate"])
  }
}

struct RenumberingTests {
  static func shop(_ last: String, _ others: [String: [Draft]] = [:]) throws -> Catalog {
    try folder(
      ["0001-notes": [FirstHour.notes], last: [FirstHour.author, FirstHour.fill]].merging(others) { $1 })
  }

  @Test("a phase under another number is recognised, follows with all that is kept of it, and comes down")
  func follows() throws {
    let database = try TemporaryDatabase()
    let (old, new) = (try Self.shop("0002-author"), try Self.shop("0005-author"))
    try database.run(.upAll, old)
    try database.run("INSERT INTO notes VALUES (1, 'a', 'me')")
    let error = try #require(migrationError { try database.run(.upAll, new) })
    #expect(error.id == .renumbered && error.help.first == "record the new number: phasedb adopt --renumber")
    #expect(try database.migrator(new).verify().isClean == false)
    #expect(try database.migrator(new).status().pending.allSatisfy { $0.gates.count == 1 })
    let renumbered = try database.migrator(new).renumber()
    #expect(renumbered.map(\.present.short) == ["0005/expand", "0005/migrate"])
    #expect(try database.migrator(new).renumber().isEmpty)
    #expect(try database.migrator(new).verify().isClean)
    #expect(try database.log().suffix(2) == ["renumber 0005-author/expand", "renumber 0005-author/migrate"])
    #expect(try database.run(.upAll, new) == [])
    #expect(try database.run(.downAll, new) == ["0005/migrate", "0005/expand", "0001/expand"])
    #expect(try database.migrator(new).verify().isClean)
  }

  static let refusals: [(String, [String: [Draft]], [String: [Draft]], MigrationError.ID)] = [
    (
      "the order would change", ["0002-author": [FirstHour.author], "0003-index": [FirstHour.index]],
      ["0004-author": [FirstHour.author], "0003-index": [FirstHour.index]], .renumberingRefused
    ),
    (
      "a pending phase would come before it", ["0002-author": [FirstHour.author]],
      ["0004-author": [FirstHour.author], "0003-index": [FirstHour.index]], .renumberingRefused
    ),
    (
      "another phase that is applied has the number",
      ["0002-author": [FirstHour.author], "0003-index": [FirstHour.index]],
      ["0003-author": [FirstHour.author]], .renumberingRefused
    ),
  ]

  @Test("it is refused, and nothing changes, where", arguments: refusals)
  func refuses(_ why: String, _ old: [String: [Draft]], _ new: [String: [Draft]], _ id: MigrationError.ID)
    throws
  {
    let database = try TemporaryDatabase()
    let base = ["0001-notes": [FirstHour.notes]]
    try database.run(.upAll, try folder(base.merging(old) { $1 }))
    let before = try database.snapshot()
    let rest = try folder(base.merging(new) { $1 })
    #expect(migrationError { try database.migrator(rest).renumber() }?.id == id, "\(why)")
    #expect(try database.snapshot() == before)
  }

  @Test("two phases may change places in their numbers' names, and two equal texts are told apart by name")
  func names() throws {
    let (one, two) = (
      Draft(.migrate, "UPDATE notes SET text = text", down: "SELECT 1"),
      Draft(.migrate, "UPDATE notes SET text = text", down: "SELECT 1")
    )
    let database = try TemporaryDatabase()
    try database.run(.upAll, try folder(["0001-notes": [FirstHour.notes], "0002-a": [one], "0003-b": [two]]))
    let rest = try folder(["0001-notes": [FirstHour.notes], "0003-a": [one], "0004-b": [two]])
    #expect(
      try database.migrator(rest).renumber().map { "\($0.former) \($0.present)" } == [
        "0002-a/migrate 0003-a/migrate", "0003-b/migrate 0004-b/migrate",
      ])
    #expect(try database.applied() == ["0001/expand", "0003/migrate", "0004/migrate"])
  }
}

struct SquashTests {
  static let phases: [String: [Draft]] = [
    "0001-notes": [FirstHour.notes], "0002-author": [FirstHour.author, FirstHour.fill],
    "0003-index": [FirstHour.index],
  ]

  /// The folder after a squash.
  static func squashed(_ squash: Squash) throws -> Catalog {
    let baseline = Script(squash.baseline, file: "baseline.sql")
    let gone = Set((baseline?.squashed ?? []).map(\.id))
    var left: [String: [Phase]] = [:]
    for (id, phase) in try folder(phases).phases where !gone.contains(id) {
      left[id.migration.text, default: []].append(phase)
    }
    return try Catalog(
      left.map { try Migration(MigrationName($0.key), phases: $0.value) },
      baseline: baseline)
  }

  static let targets = [
    ("0001", ["0003/expand", "0002/migrate", "0002/expand"]), ("0002/migrate", ["0003/expand"]), ("0003", []),
  ]

  @Test(
    "down ends at the baseline, up and verify go on, and a new database begins with it", arguments: targets)
  func story(_ target: String, _ down: [String]) throws {
    let database = try TemporaryDatabase()
    let full = try folder(Self.phases)
    try database.run(.upAll, full)
    let other = try TemporaryDatabase()
    try other.run(.upAll, full)
    let squash = try database.migrator(full).squashing(to: target)
    try database.migrator(full).recordSquash(of: squash.phases)
    let rest = try Self.squashed(squash)
    #expect(try database.migrator(rest).verify().isClean)
    #expect(try database.run(.downAll, rest) == down)
    #expect(migrationError { try database.run(.down(1), rest) }?.id == .squashed)
    #expect(migrationError { try database.run(.downTo("@0"), rest) }?.id == .squashed)
    #expect(try database.run(.upAll, rest) == down.reversed())
    #expect(try database.migrator(rest).verify().isClean)
    // One that has all of it learns of it by its next up.
    #expect(try other.run(.upAll, rest) == [])
    #expect(try other.run(.downAll, rest) == down)
    #expect(try other.log().contains("squash \(squash.target)"))
    let new = try TemporaryDatabase()
    #expect(try new.run(.upAll, rest) == down.reversed())
    #expect(try new.migrator(rest).verify().isClean)
    try database.run(.upAll, rest)
    try other.run(.upAll, rest)
    #expect(try new.snapshot()?.schema == database.snapshot()?.schema)
    // Also after a second squash that the first is part of.
    if target == "0001" {
      let again = try new.migrator(rest).squashing(to: "0003")
      try new.migrator(rest).recordSquash(of: again.phases)
      let last = try Self.squashed(again)
      #expect(last.baseline?.squashed.count == 4)
      #expect(try database.run(.upAll, last) == [])
      #expect(try new.run(.upAll, last) == [])
      #expect(migrationError { try database.run(.down(1), last) }?.id == .squashed)
    }
  }

  @Test("a database that has only some of the phases is told to go up with the former folder")
  func part() throws {
    let full = try folder(Self.phases)
    let (whole, part) = (try TemporaryDatabase(), try TemporaryDatabase())
    try whole.run(.upAll, full)
    try part.run(.upTo("0002/expand"), full)
    let rest = try Self.squashed(try whole.migrator(full).squashing(to: "0002/migrate"))
    #expect(migrationError { try part.run(.upAll, rest) }?.id == .squashIncomplete)
    try part.run(.upTo("0002/migrate"), full)
    #expect(try part.run(.upAll, rest) == ["0003/expand"])
  }

  @Test("rows that phases insert are in the baseline, and triggers do not fire on them")
  func rows() throws {
    let full = try folder([
      "0001-notes": [
        Draft(
          .expand,
          "CREATE TABLE notes (id INTEGER PRIMARY KEY, \"te xt\" TEXT, l AS (length(\"te xt\"))); CREATE TRIGGER g AFTER INSERT ON notes BEGIN UPDATE notes SET \"te xt\" = upper(\"te xt\"); END",
          down: "DROP TABLE notes"),
        Draft(.migrate, "INSERT INTO notes (\"te xt\") VALUES ('it''s'), (NULL)", down: "DELETE FROM notes"),
      ], "0002-index": [Draft(.expand, "CREATE INDEX i ON notes (\"te xt\")", down: "DROP INDEX i")],
    ])
    let database = try TemporaryDatabase()
    try database.run(.upAll, full)
    let squash = try database.migrator(full).squashing(to: "0001/migrate")
    #expect(squash.rows == 2)
    let rest = try Catalog(
      [Migration(MigrationName("0002-index"), phases: [full.phases[2].phase])],
      baseline: Script(squash.baseline, file: "baseline.sql"))
    let new = try TemporaryDatabase()
    try new.run(.upAll, rest)
    #expect(try new.snapshot()?.rows["notes"] == database.snapshot()?.rows["notes"])
  }

  @Test("what was retired stays in the way until it is purged")
  func retired() throws {
    let full = try Catalog(
      try folder([
        "0001-notes": [FirstHour.notes],
        "0003-more": [Draft(.expand, "CREATE TABLE m (a)", down: "DROP TABLE m")],
      ])
      .migrations + [Migration(MigrationName("0002-drop"), phases: [retiring("notes.text")])])
    let database = try TemporaryDatabase()
    try database.run(.upAll, full)
    let error = try #require(migrationError { try database.migrator(full).squashing(to: "0002") })
    #expect(error.id == .squashRefused)
    try database.migrator(full).purge("0002", confirmed: "0002/contract")
    let squash = try database.migrator(full).squashing(to: "0002")
    #expect(!squash.baseline.contains("retired") && !squash.baseline.contains("text"))
  }

  private func retiring(_ column: String) throws -> Phase {
    try PhaseFile.read(
      "-- @window app >=1.0 <9.0\n-- @retire \(column)\n-- @up\n-- @down\n", file: "contract.sql",
      kind: .contract)
  }
}

struct ForgettingTests {
  @Test("the ledger goes with all that it kept, the application's schema and rows stay, and adopt comes back")
  func roundTrip() throws {
    let database = try TemporaryDatabase()
    let catalog = try folder(SquashTests.phases)
    try database.run(.upAll, catalog)
    try database.run("INSERT INTO notes VALUES (1, 'a', 'me')")
    try database.run(.down(2), catalog)
    try database.run(.upAll, catalog)
    let before = try #require(try database.snapshot())
    let listing = try #require(migrationError { try database.migrator(catalog).forget(confirmed: nil) })
    #expect(listing.id == .forgetUnconfirmed && listing.details.first == "the ways back of 4 phases")
    #expect(
      migrationError { try database.migrator(catalog).forget(confirmed: "app.db") }?.id == .forgetUnconfirmed)
    #expect(try database.snapshot() == before)
    let forgotten = try database.migrator(catalog).forget(confirmed: "shop.db")
    #expect(forgotten.returnsAt?.short == "0003/expand")
    let after = try #require(try database.snapshot())
    #expect(after.schema == before.schema && after.rows == before.rows)
    #expect(try database.value("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'phasedb%'") == 0)
    #expect(
      migrationError { try database.migrator(catalog).forget(confirmed: "shop.db") }?.id == .ledgerMissing)
    try database.migrator(catalog).adopt(at: "0003")
    #expect(try database.migrator(catalog).verify().isClean)
    #expect(try database.run(.downAll, catalog).count == 4)
  }

  @Test("it is refused while the application's own code uses the ledger")
  func users() throws {
    let database = try TemporaryDatabase()
    let catalog = try folder(["0001-notes": [FirstHour.notes]])
    try database.run(.upAll, catalog)
    try database.run("CREATE VIEW versions AS SELECT * FROM phasedb_app")
    let options = Options(overridden: [.drift], reason: "a view")
    try database.run(.upAll, catalog, options)
    #expect(
      migrationError { try database.migrator(catalog).forget(confirmed: "shop.db") }?.id == .forgetRefused)
  }
}

struct WideTableTests {
  @Test("a difference of a wide table is a sentence for each column that differs, however many there are")
  func wide() throws {
    let columns = (1...40).map { "column_number_\($0) TEXT NOT NULL DEFAULT 'nothing'" }
    let before = try schema("CREATE TABLE wide (\(columns.joined(separator: ", ")))")
    var other = columns
    other[19] = "column_number_20 TEXT DEFAULT 'nothing'"
    other.insert("new INTEGER", at: 5)
    let after = try schema("CREATE TABLE wide (\(other.joined(separator: ", ")))")
    #expect(
      SchemaDifference(from: before, to: after).lines == [
        "~ table wide", "    table wide gains column new INTEGER at place 6",
        "    column wide.column_number_20 loses NOT NULL",
      ])
  }

  @Test("of a long view only the part that differs is shown")
  func view() throws {
    let columns = (1...40).map { "c\($0)" }.joined(separator: ", ")
    let table = "CREATE TABLE t (\(columns));"
    let lines = SchemaDifference(
      from: try schema("\(table) CREATE VIEW v AS SELECT \(columns) FROM t WHERE c1 > 1 AND c2 = 3"),
      to: try schema("\(table) CREATE VIEW v AS SELECT \(columns) FROM t WHERE c1 > 2 AND c2 = 3")
    ).lines
    #expect(
      lines == [
        "~ view v", "    was: … t WHERE c1 > 1 AND c2 = 3", "    is:  … t WHERE c1 > 2 AND c2 = 3",
      ])
  }

  private func schema(_ sql: String) throws -> Schema {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute(script: sql)
    return try Schema(of: connection)
  }
}
