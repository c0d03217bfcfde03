import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// A shop whose phase 0002 has effects, and what an application does before and after it.
private struct CountedShop {
  let database: TemporaryDatabase
  let catalog: Catalog

  static let outbox = "CREATE TABLE outbox (id INTEGER PRIMARY KEY, who TEXT, sent_at TEXT)"

  /// - Parameters:
  ///   - table: SQL that makes the tables, before the phase.
  ///   - effects: arguments of `@effects`, one line each.
  ///   - up, down: what the phase does.
  ///   - later: phases after it, each in a migration of its own.
  init(
    _ table: String = Self.outbox, before: String = "", effects: [String],
    kind: Phase.Kind = .expand, up: String = "SELECT 1", down: String = "SELECT 1", batch: String? = nil,
    then directives: [String] = [], probe: String = "", later: [Phase] = []
  ) throws {
    let lines =
      ["@window app >=1.0"] + (batch.map { ["@batch \($0)"] } ?? []) + directives
      + effects.map { "@effects \($0)" }
    let text =
      lines.map { "-- \($0)\n" }.joined() + "-- @up\n\(up);\n-- @down\n\(down);\n\(probe)"
    let phase = try PhaseFile.read(text, file: "0002-b/\(kind.rawValue).sql", kind: kind)
    var migrations = [try Migration(MigrationName("0002-b"), phases: [phase])]
    for (index, phase) in later.enumerated() {
      migrations.append(try Migration(MigrationName("000\(index + 3)-c"), phases: [phase]))
    }
    catalog = try Catalog(migrations)
    database = try TemporaryDatabase(table + ";" + before)
  }

  func up(_ count: Int = 1) throws { try database.run(.up(count), catalog) }

  func counts() throws -> [EffectCount] {
    try database.migrator(catalog, access: .reading).effects(of: "0002").counts
  }

  /// The lists beside the database, by their names.
  func lists() throws -> [String: String] {
    var lists: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: database.folder.path)
    where name.contains("effects") {
      lists[name] = try String(contentsOfFile: database.folder.path + "/" + name, encoding: .utf8)
    }
    return lists
  }
}

@Suite("Counting effects")
struct EffectCountTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var table = CountedShop.outbox
    var before = ""
    let effect: String
    var up = "SELECT 1"
    var down = "SELECT 1"
    var since = ""
    let expected: String

    init(
      _ sentence: String, table: String = CountedShop.outbox, before: String = "", _ effect: String,
      up: String = "SELECT 1", down: String = "SELECT 1", since: String = "", _ expected: String
    ) {
      testDescription = sentence
      (self.table, self.before, self.effect) = (table, before, effect)
      (self.up, self.down, self.since, self.expected) = (up, down, since, expected)
    }
  }

  private static let three = "INSERT INTO outbox VALUES (1, 'a', NULL), (2, 'b', 't'), (3, 'c', NULL);"

  static let cases = [
    Case("nothing came", before: three, "outbox by id: customer: x", "0 of outbox"),
    Case(
      "rows behind the mark", before: three, "outbox by id: customer: x",
      since: "INSERT INTO outbox VALUES (4, 'd', NULL), (9, 'e', 't')", "2 of outbox, 4 to 9"),
    Case(
      "only those that meet the condition", before: three,
      "outbox by id where sent_at IS NOT NULL: customer: x",
      since: "INSERT INTO outbox VALUES (4, 'd', NULL), (9, 'e', 't')", "1 of outbox, 9 to 9"),
    Case(
      "an earlier row that meets the condition only since", before: three,
      "outbox by id where sent_at IS NOT NULL: customer: x",
      since: "UPDATE outbox SET sent_at = 'u' WHERE id = 1",
      "0 of outbox, 1 earlier"),
    Case(
      "an earlier row that met it before, and was changed", before: three,
      "outbox by id where sent_at IS NOT NULL: customer: x",
      since: "UPDATE outbox SET sent_at = 'u' WHERE id = 2",
      "0 of outbox"),
    Case(
      "an earlier row that was deleted", before: three, "outbox by id where sent_at IS NOT NULL: customer: x",
      since: "DELETE FROM outbox", "0 of outbox"),
    Case(
      "an earlier row for which the condition is NULL", before: three,
      "outbox by id where sent_at = 'u': customer: x",
      since: "UPDATE outbox SET sent_at = 'u'", "0 of outbox, 3 earlier"),
    Case(
      "a condition that is a number", before: "INSERT INTO outbox VALUES (1, 'a', '0'), (2, 'b', '7x');",
      "outbox by id where sent_at: customer: x",
      since: "UPDATE outbox SET sent_at = '8'; INSERT INTO outbox VALUES (3, 'c', 'no')",
      "0 of outbox, 1 earlier"),
    Case(
      "an empty table: everything came since", "outbox by id: customer: x", since: three,
      "3 of outbox, 1 to 3"),
    Case(
      "an empty table with numbers below zero", "outbox by id: customer: x",
      since: "INSERT INTO outbox VALUES (-5, 'a', NULL)", "1 of outbox, -5 to -5"),
    Case(
      "rows that came since and were deleted are unknown without AUTOINCREMENT", before: three,
      "outbox by id: customer: x",
      since: "INSERT INTO outbox VALUES (4, 'd', NULL); DELETE FROM outbox WHERE id = 4",
      "0 of outbox"),
    Case(
      "and known with it", table: "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, who, sent_at)",
      before: three, "outbox by id: customer: x",
      since: "INSERT INTO outbox VALUES (4, 'd', NULL), (5, 'e', NULL); DELETE FROM outbox WHERE id = 4",
      "1 of outbox, 5 to 5, 1 deleted"),
    Case(
      "the last rows were deleted before the phase",
      table: "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, who, sent_at)",
      before: three + "DELETE FROM outbox WHERE id > 1;", "outbox by id: customer: x",
      since: "INSERT INTO outbox (who) VALUES ('d')", "1 of outbox, 4 to 4"),
    Case(
      "the rowid by its own name", table: "CREATE TABLE outbox (who TEXT, sent_at TEXT)",
      before: "INSERT INTO outbox VALUES ('a', NULL);",
      "outbox by rowid where sent_at IS NOT NULL: customer: x",
      since: "UPDATE outbox SET sent_at = 't'; INSERT INTO outbox VALUES ('b', 't')",
      "1 of outbox, 2 to 2, 1 earlier"),
    Case(
      "moments as text, which do not tell rows apart",
      table: "CREATE TABLE outbox (at TEXT NOT NULL, sent INT)",
      before: "INSERT INTO outbox VALUES ('2026-01-01', 0), ('2026-01-01', 1);",
      "outbox by at where sent: customer: x",
      since: "UPDATE outbox SET sent = 1; INSERT INTO outbox VALUES ('2026-01-01', 1), ('2026-01-02', 1)",
      "1 of outbox, '2026-01-02' to '2026-01-02', earlier not followed"),
    Case(
      "a key of text", table: "CREATE TABLE outbox (id TEXT PRIMARY KEY, sent INT) WITHOUT ROWID",
      before: "INSERT INTO outbox VALUES ('a', 0), ('b', 1);", "outbox by id where sent: customer: x",
      since: "UPDATE outbox SET sent = 1; INSERT INTO outbox VALUES ('c', 1), ('Z', 1)",
      "1 of outbox, 'c' to 'c', 1 earlier"),
    Case(
      "a key that ignores case", table: "CREATE TABLE outbox (id TEXT PRIMARY KEY COLLATE NOCASE)",
      before: "INSERT INTO outbox VALUES ('b');", "outbox by id: customer: x",
      since: "INSERT INTO outbox VALUES ('C'), ('A')", "1 of outbox, 'C' to 'C'"),
    Case(
      "blobs", table: "CREATE TABLE outbox (id BLOB UNIQUE NOT NULL)",
      before: "INSERT INTO outbox VALUES (x'01');",
      "outbox by id: customer: x", since: "INSERT INTO outbox VALUES (x'0100'), (x'00')",
      "1 of outbox, x'0100' to x'0100'"),
    Case(
      "rows without a value of the column", table: "CREATE TABLE outbox (no INT)",
      before: "INSERT INTO outbox VALUES (1);", "outbox by no: customer: x",
      since: "INSERT INTO outbox VALUES (NULL), (2)", "1 of outbox, 2 to 2"),
    Case(
      "rows without a value in a table that was empty", table: "CREATE TABLE outbox (no INT)",
      "outbox by no: customer: x", since: "INSERT INTO outbox VALUES (NULL), (2)", "1 of outbox, 2 to 2"),
    Case(
      "hostile names", table: #"CREATE TABLE "out; box ""名""" ("i:d" INTEGER PRIMARY KEY, "it's" INT)"#,
      before: #"INSERT INTO "out; box ""名""" VALUES (1, 0);"#,
      #""out; box ""名""" by "i:d" where "it's" = 1: customer: x"#,
      since: #"UPDATE "out; box ""名""" SET "it's" = 1; INSERT INTO "out; box ""名""" VALUES (2, 1)"#,
      "1 of out; box \"名\", 2 to 2, 1 earlier"),
    Case(
      "names in other case", before: three, "OUTBOX by ID where SENT_AT = 'v': customer: x",
      since: "INSERT INTO outbox VALUES (4, 'd', 'v')", "1 of OUTBOX, 4 to 4"),
    Case(
      "a condition that asks another table", before: three + "CREATE TABLE gone (id);",
      "outbox by id where id IN (SELECT id FROM gone): customer: x",
      since: "INSERT INTO outbox VALUES (4, 'd', NULL); INSERT INTO gone VALUES (4), (1)",
      "1 of outbox, 4 to 4, 1 earlier"),
    Case(
      "a table that the phase makes", "mails by id: customer: x",
      up: "CREATE TABLE mails (id INTEGER PRIMARY KEY)",
      down: "DROP TABLE mails", since: "INSERT INTO mails VALUES (1), (2)", "2 of mails, 1 to 2"),
    Case(
      "rows that the phase itself inserts", table: CountedShop.outbox, before: three,
      "outbox by id: customer: x",
      up: "INSERT INTO outbox VALUES (7, 'new', NULL)", down: "DELETE FROM outbox WHERE id = 7",
      "1 of outbox, 7 to 7"),
    Case(
      "a column that the phase adds", before: three, "outbox by no: customer: x",
      up: "ALTER TABLE outbox ADD COLUMN no INT", down: "ALTER TABLE outbox DROP COLUMN no",
      since: "UPDATE outbox SET no = id WHERE id < 3", "2 of outbox, 1 to 2"),
    Case(
      "a condition on a column that the phase adds", before: three, "outbox by id where price: customer: x",
      up: "ALTER TABLE outbox ADD COLUMN price INT", down: "ALTER TABLE outbox DROP COLUMN price",
      since: "UPDATE outbox SET price = 5 WHERE id = 2; INSERT INTO outbox VALUES (4, 'd', NULL, 5)",
      "1 of outbox, 4 to 4, 1 earlier"),
    Case(
      "the table was dropped by somebody", before: three, "outbox by id: customer: x",
      since: "DROP TABLE outbox",
      "unknown: there is no table outbox"),
    Case(
      "the column was renamed by somebody", before: three, "outbox by id where sent_at: customer: x",
      since: "ALTER TABLE outbox RENAME COLUMN sent_at TO done", "unknown: no such column: sent_at"),
  ]

  @Test("says how many rows remain, and never 0 for unknown", arguments: cases)
  func counts(_ row: Case) throws {
    let shop = try CountedShop(
      row.table, before: row.before, effects: [row.effect],
      kind: row.up.contains("INSERT") ? .migrate : .expand, up: row.up, down: row.down)
    try shop.up()
    try shop.database.run(row.since)
    let count = try #require(try shop.counts().first)
    #expect(count.told == row.expected)
    // The list has exactly the rows that are counted.
    var listed = 0
    try shop.database.migrator(shop.catalog, access: .reading).listEffects(of: "0002") { _ in
    } each: { _ in
      listed += 1
    }
    #expect(listed == count.total)
  }

  struct Later: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let up: String
    let down: String
    let expected: String
    var retires = false
  }

  static let later = [
    Later(
      testDescription: "dropped", up: "DROP TABLE outbox", down: CountedShop.outbox,
      expected: "unknown: outbox was dropped or renamed since"),
    Later(
      testDescription: "renamed", up: "ALTER TABLE outbox RENAME TO mails",
      down: "ALTER TABLE mails RENAME TO outbox",
      expected: "unknown: outbox was dropped or renamed since"),
    Later(
      testDescription: "retired", up: "", down: "", expected: "unknown: outbox was dropped or renamed since",
      retires: true),
    Later(
      testDescription: "rebuilt",
      up:
        "CREATE TABLE o (id INTEGER PRIMARY KEY, who TEXT NOT NULL, sent_at TEXT); INSERT INTO o SELECT * FROM outbox; DROP TABLE outbox; ALTER TABLE o RENAME TO outbox",
      down:
        "CREATE TABLE o (id INTEGER PRIMARY KEY, who TEXT, sent_at TEXT); INSERT INTO o SELECT * FROM outbox; DROP TABLE outbox; ALTER TABLE o RENAME TO outbox",
      expected: "1 of outbox, 4 to 4"),
  ]

  @Test("knows what a later phase did to the table, and counts again once that came down", arguments: later)
  func laterPhases(_ row: Later) throws {
    let windows = try Windows(Window("app", VersionRange(">=1.0")))
    let phase =
      row.retires
      ? Phase(retiring: Retirement(table: "outbox"), windows: windows)
      : Phase(
        .contract, windows: windows, up: try #require(Script(row.up)), down: try #require(Script(row.down)))
    let shop = try CountedShop(before: Self.three, effects: ["outbox by id: customer: x"], later: [phase])
    try shop.up()
    try shop.database.run("INSERT INTO outbox VALUES (4, 'd', NULL)")
    try shop.up()
    #expect(try shop.counts().map(\.told) == [row.expected])
    try shop.database.run(.down(1), shop.catalog)
    #expect(try shop.counts().map(\.told) == ["1 of outbox, 4 to 4"])
  }

  @Test("does not take another table of the same name for it")
  func sameName() throws {
    let again = try phase(.expand, CountedShop.outbox, down: "DROP TABLE outbox")
    let gone = try phase(.contract, "DROP TABLE outbox", down: CountedShop.outbox)
    let shop = try CountedShop(
      before: Self.three, effects: ["outbox by id: customer: x"], later: [gone, again])
    try shop.up(3)
    try shop.database.run("INSERT INTO outbox VALUES (40, 'd', NULL)")
    #expect(try shop.counts().map(\.told) == ["unknown: outbox was dropped or renamed since"])
  }

  @Test("says of an adopted phase that nothing is known")
  func adopted() throws {
    let shop = try CountedShop(before: Self.three, effects: ["outbox by id: customer: x"])
    let catalog = try Catalog(
      shop.catalog.migrations, baseline: Script(CountedShop.outbox, file: "baseline.sql"))
    try shop.database.migrator(catalog).adopt(at: "0002")
    let told = try shop.database.migrator(catalog, access: .reading).effects(of: "0002").counts.map(\.told)
    #expect(told == ["unknown: nothing was remembered when it went up: it was adopted"])
  }

  @Test("follows no more than ten thousand earlier rows, and says so")
  func manyOpen() throws {
    let rows =
      "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %) INSERT INTO outbox SELECT i, 'x', NULL FROM n;"
    for (count, expected) in [
      (10_000, "0 of outbox, 1 earlier"), (10_001, "0 of outbox, earlier not followed"),
    ] {
      let shop = try CountedShop(
        before: rows.replacing("%", with: "\(count)"),
        effects: ["outbox by id where sent_at IS NOT NULL: customer: x"])
      try shop.up()
      try shop.database.run("UPDATE outbox SET sent_at = 't' WHERE id = 5")
      #expect(try shop.counts().map(\.told) == [expected])
    }
  }

  @Test(
    "is refused on the way up when it cannot be counted, and nothing is left",
    arguments: [
      ("nowhere by id: customer: x", "there is no table nowhere"),
      ("outbox by nothing: customer: x", "outbox has no column nothing"),

      ("outbox by id where \"nothing\": customer: x", "no such column"),
      ("outbox by id where (SELECT 1, 2): customer: x", "sub-select returns 2 columns"),
      ("outbox by id where load_extension('x'): customer: x", "not allowed"),
      ("outbox by id where id IN (SELECT sequence FROM phasedb_phase): customer: x", "not allowed"),
      ("v by id: customer: x", "there is no table v"),
    ])
  func refused(_ effect: String, _ why: String) throws {
    let shop = try CountedShop(before: "CREATE VIEW v AS SELECT id FROM outbox;", effects: [effect])
    let before = try shop.database.snapshot()
    let error = try #require(migrationError { try shop.up() })
    #expect(error.id == .effectsInvalid)
    #expect(error.message.contains(why), "\(error)")
    #expect(error.place?.line == 2)
    #expect(error.standing == .undone)
    #expect(try shop.database.snapshot()?.isSame(as: before) == true)
  }

  @Test(
    "what the phase itself makes meet the condition counts, in batches or not", arguments: [nil, "outbox"])
  func ownChanges(_ batch: String?) throws {
    let range = batch == nil ? "" : " AND id BETWEEN :first AND :last"
    let shop = try CountedShop(
      before: Self.three, effects: ["outbox by id where sent_at IS NOT NULL: customer: x"], kind: .migrate,
      up: "UPDATE outbox SET sent_at = 'up' WHERE sent_at IS NULL\(range)",
      down: "UPDATE outbox SET sent_at = NULL WHERE sent_at = 'up'\(range)", batch: batch)
    try shop.up()
    #expect(try shop.counts().map(\.total) == [2])
  }

  @Test("is forgotten when the phase comes down, and begins anew when it goes up again")
  func again() throws {
    let shop = try CountedShop(
      before: Self.three, effects: ["outbox by id where sent_at IS NOT NULL: customer: x"])
    try shop.up()
    try shop.database.run("INSERT INTO outbox VALUES (4, 'd', 't')")
    try shop.database.run(.down(1), shop.catalog)
    let error = migrationError { try shop.counts() }
    #expect(error?.id == .notApplied)
    #expect(error?.details.first?.contains("1 row of outbox, id 4; list") == true)
    #expect(try shop.database.value("SELECT count(*) FROM phasedb_effect") == 0)
    #expect(try shop.database.value("SELECT count(*) FROM phasedb_effect_open") == 0)
    try shop.up()
    #expect(try shop.counts().map(\.told) == ["0 of outbox"])
  }

  @Test("reads a ledger of the format before, and begins with the step that upgrades it")
  func olderLedger() throws {
    let shop = try CountedShop(before: Self.three, effects: ["outbox by id: customer: x"])
    let first = try catalog(["0001-a": [phase(.expand, "SELECT 1", down: "SELECT 1")]])
    try shop.database.run(.upAll, first)
    try shop.database.run(
      TemporaryDatabase.backToFormat4
    )
    let all = try Catalog(first.migrations + shop.catalog.migrations)
    #expect(try shop.database.migrator(all, access: .reading).status().effects.isEmpty)
    #expect(try shop.database.migrator(all, access: .reading).effects(of: "0001").counts.isEmpty)
    try shop.database.run(.upAll, all)
    try shop.database.run("INSERT INTO outbox VALUES (4, 'd', NULL)")
    #expect(try shop.counts().map(\.told) == ["1 of outbox, 4 to 4"])
  }
}

extension EffectCount {
  /// Everything that it says, in one line.
  fileprivate var told: String {
    guard let rows else { return "unknown: \(why?.raw ?? "")" }
    let range = rows == 0 ? "" : ", \(first) to \(last)"
    let before = earlier.map { $0 == 0 ? "" : ", \($0) earlier" } ?? ", earlier not followed"
    let gone = deleted.map { $0 == 0 ? "" : ", \($0) deleted" } ?? ""
    return "\(rows) of \(effect.table)\(range)\(before)\(gone)"
  }
}

@Suite("Listing effects before a way down")
struct EffectListTests {
  private static let two = "INSERT INTO outbox VALUES (1, 'a', NULL), (2, 'b', NULL);"
  private static let effect = "outbox by id: customer: mails"
  private static let header =
    "\"phase\",\"audience\",\"effect\",\"table\",\"earlier\",\"outbox.id\",\"outbox.who\",\"outbox.sent_at\"\r\n"

  private static func record(_ phase: String, _ id: Int, _ who: String) -> String {
    "\"\(phase)\",\"customer\",\"mails\",\"outbox\",0,\(id),\"\(who)\",\r\n"
  }

  @Test("writes what every way of coming down leaves", arguments: ["down", "goto", "settle"])
  func ways(_ way: String) throws {
    let shop = try CountedShop(before: Self.two, effects: [Self.effect])
    try shop.up()
    try shop.database.run("INSERT INTO outbox VALUES (3, 'c', NULL)")
    let migrator = try shop.database.migrator(shop.catalog)
    var events: [Event] = []
    switch way {
    case "down": try migrator.run(migrator.plan(.down(1))) { events.append($0) }
    case "goto": try migrator.go(to: Destination("@0")) { events.append($0) }
    default:
      // Nothing excludes the version, so nothing comes down; the phase of the next test does.
      try migrator.settle(for: "app@1.0") { events.append($0) }
      #expect(try shop.lists().isEmpty && events.isEmpty)
      return
    }
    let name = "shop.db-effects-0002-expand-2.csv"
    #expect(try shop.lists() == [name: Self.header + Self.record("0002-b/expand", 3, "c")])
    let file = try shop.database.folderPath() + "/" + name
    #expect(
      events.contains(
        .effectsListed(try PhaseID("0002-b/expand"), rows: 1, unknown: 0, file: file, failure: nil)))
    let log = try migrator.log().filter { $0.action == "effects" }
    #expect(log.map(\.detail) == ["customer: 1 row of outbox, id 3; list \(file)"])
    #expect(try migrator.brokenLogEntries().isEmpty)
  }

  @Test("writes it when settle takes a phase down that excludes a version")
  func settling() throws {
    let shop = try CountedShop(before: Self.two, effects: [Self.effect], then: [])
    let text = PhaseFile.render(try #require(shop.catalog.phases.first).phase)
      .replacing("@window app >=1.0", with: "@window app >=2.0")
    let catalog = try Catalog([
      Migration(
        MigrationName("0002-b"), phases: [PhaseFile.read(text, file: "0002-b/expand.sql", kind: .expand)])
    ])
    let migrator = try shop.database.migrator(catalog, .test(live: ["app@2.0"]))
    try migrator.up()
    try shop.database.run("INSERT INTO outbox VALUES (3, 'c', NULL)")
    migrator.options.live = []
    try migrator.settle(for: "app@1.5")
    #expect(try shop.lists().values.first == Self.header + Self.record("0002-b/expand", 3, "c"))
  }

  /// What a watch makes of a phase with effects whose probe fails.
  private static func watched(writingTo folder: String? = nil) throws -> (CountedShop, WatchRecord?) {
    let shop = try CountedShop(
      before: two, effects: [effect], then: ["@watch 10m every 1m then reverse"],
      probe: "-- @probe checkout  fails after 1\n")
    let clock = WatchedShop.Clock()
    let answers = WatchedShop.Answers()
    var options = Options.test(live: []).by(.test) { clock.now }
    options.probes["checkout"] = Options.ProbeSource { _ in answers["checkout"] }
    options.effectsFolder = folder
    // A first phase, so that there is a ledger for what the rehearsal shows.
    let first = try catalog(["0001-a": [phase(.expand, "SELECT 1", down: "SELECT 1")]])
    let migrator = try shop.database.migrator(Catalog(first.migrations + shop.catalog.migrations), options)
    try migrator.run(migrator.plan(.up(1)))
    try migrator.record(migrator.rehearse().evidence)
    try migrator.up()
    try shop.database.run("INSERT INTO outbox VALUES (3, 'c', NULL)")
    answers["checkout"] = .fails("broken")
    clock.pass(60)
    _ = try migrator.watch(once: true)
    return (shop, try migrator.watches().last)
  }

  @Test("writes it when a watch takes a phase down")
  func watching() throws {
    let (shop, watch) = try Self.watched()
    #expect(watch?.verdict == .checking)
    #expect(try shop.lists().values.first == Self.header + Self.record("0002-b/expand", 3, "c"))
  }

  @Test("does not take a phase down by a watch when the list cannot be written: somebody has to decide")
  func watchCannotWrite() throws {
    let (shop, watch) = try Self.watched(writingTo: "/proc/nowhere")
    #expect(watch?.verdict == .failed)
    #expect(
      watch?.detail.contains("not reversed: the list of what 0002-b/expand caused cannot be written") == true)
    #expect(try shop.database.applied() == ["0001/expand", "0002/expand"])
  }

  private static let batched = (
    table: "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b INT);" + CountedShop.outbox,
    rows: two
      + "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO t SELECT i, i, NULL FROM n;",
    up: "UPDATE t SET b = a WHERE id BETWEEN :first AND :last",
    down: "UPDATE t SET b = NULL WHERE id BETWEEN :first AND :last"
  )

  private static func batchedShop() throws -> CountedShop {
    try CountedShop(
      batched.table, before: batched.rows, effects: [effect], kind: .migrate, up: batched.up,
      down: batched.down, batch: "t")
  }

  @Test("counts from the first batch on, and lists again what came while batches came down")
  func batches() throws {
    let shop = try Self.batchedShop()
    let options = Options.test(pacing: Options.Pacing(maximumRows: 10))
    let migrator = try shop.database.migrator(shop.catalog, options)
    // A row that comes between two batches is the phase's doing.
    var isWritten = false
    try migrator.run(migrator.plan(.upAll)) { event in
      guard case .batchCommitted = event, !isWritten else { return }
      isWritten = true
      try? shop.database.run("INSERT INTO outbox VALUES (3, 'c', NULL)")
    }
    #expect(isWritten)
    #expect(try shop.counts().map(\.told) == ["1 of outbox, 3 to 3"])
    isWritten = false
    try migrator.run(migrator.plan(.down(1))) { event in
      guard case .batchCommitted = event, !isWritten else { return }
      isWritten = true
      try? shop.database.run("INSERT INTO outbox VALUES (4, 'd', NULL)")
    }
    #expect(isWritten)
    let all = Self.header + Self.record("0002-b/migrate", 3, "c") + Self.record("0002-b/migrate", 4, "d")
    #expect(try Array(shop.lists().values) == [all])
    #expect(try shop.database.value("SELECT count(*) FROM phasedb_effect") == 0)
  }

  @Test("counts and lists the effects of a phase that is half done, and forgets them when it is undone")
  func halfDone() throws {
    let shop = try Self.batchedShop()
    let cancellation = Cancellation()
    let migrator = try shop.database.migrator(
      shop.catalog, .test(pacing: Options.Pacing(maximumRows: 10), cancellation: cancellation))
    let plan = try migrator.plan(.upAll)
    #expect(
      migrationError {
        try migrator.run(plan) { if case .batchCommitted = $0 { cancellation.cancel() } }
      }?.id == .interrupted)
    try shop.database.run("INSERT INTO outbox VALUES (3, 'c', NULL)")
    #expect(try shop.counts().map(\.told) == ["1 of outbox, 3 to 3"])
    #expect(try shop.database.migrator(shop.catalog).status().effects.count == 1)
    try shop.database.run(.down(1), shop.catalog)
    #expect(
      try shop.lists() == [
        "shop.db-effects-0002-migrate-0.csv": Self.header + Self.record("0002-b/migrate", 3, "c")
      ])
    #expect(try shop.database.value("SELECT count(*) FROM phasedb_effect") == 0)
  }

  @Test("writes no file where nothing came, and none on copies")
  func noFile() throws {
    let shop = try CountedShop(before: Self.two, effects: [Self.effect])
    let migrator = try shop.database.migrator(shop.catalog)
    _ = try migrator.rehearse()
    try shop.up()
    _ = try migrator.rehearseDown(.down(1))
    try shop.database.run(.down(1), shop.catalog)
    #expect(try shop.lists().isEmpty)
    #expect(try migrator.log().first { $0.action == "effects" }?.detail == "customer: 0 rows of outbox")
  }

  @Test("is for its owner only, and replaces neither a link nor what it leads to")
  func isPrivate() throws {
    let shop = try CountedShop(before: Self.two, effects: [Self.effect])
    try shop.up()
    try shop.database.run("INSERT INTO outbox VALUES (3, 'c', NULL)")
    let (list, victim) = (shop.database.path + "-effects-0002-expand-2.csv", shop.database.path + "-victim")
    try Data("mine".utf8).write(to: URL(filePath: victim))
    try FileManager.default.createSymbolicLink(atPath: list, withDestinationPath: victim)
    // What a run that was killed left behind.
    try Data("half".utf8).write(to: URL(filePath: list + ".partial"))
    try shop.database.run(.down(1), shop.catalog)
    let attributes = try FileManager.default.attributesOfItem(
      atPath: list.replacing(".csv", with: "-2.csv"))
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(attributes[.type] as? FileAttributeType == .typeRegular)
    #expect(try String(contentsOfFile: victim, encoding: .utf8) == "mine")
    #expect(!FileManager.default.fileExists(atPath: list + ".partial"))
  }

  @Test(
    "refuses the way down before anything changed when it cannot be written, unless somebody overrides it")
  func cannotWrite() throws {
    let shop = try CountedShop(
      before: Self.two, effects: [Self.effect], up: "ALTER TABLE outbox ADD COLUMN n INT",
      down: "ALTER TABLE outbox DROP COLUMN n")
    try shop.up()
    try shop.database.run("INSERT INTO outbox VALUES (3, 'c', NULL, NULL)")
    let before = try shop.database.snapshot()
    // A folder that cannot be made, a file in its place, and a full disk.
    for place in ["/proc/nowhere", shop.database.path, "/dev/full"] {
      let migrator = try shop.database.migrator(shop.catalog)
      migrator.options.effectsFolder = place
      let error = try #require(migrationError { try migrator.run(migrator.plan(.down(1))) })
      #expect(error.id == .effectsUnwritten)
      #expect(error.standing == .unchanged)
      #expect(error.help.first == "write it elsewhere: --effects DIR")
      #expect(try shop.database.snapshot() == before)
    }
    let migrator = try shop.database.migrator(
      shop.catalog, .test(override: [.effects], reason: "at night"))
    migrator.options.effectsFolder = "/proc/nowhere"
    var failures: [Prose?] = []
    try migrator.run(migrator.plan(.down(1))) {
      if case .effectsListed(_, _, _, _, let failure) = $0 { failures.append(failure) }
    }
    #expect(failures.count == 1 && failures[0]?.contains("cannot be written") == true)
    #expect(try shop.database.applied() == [])
    let log = try migrator.log()
    #expect(log.contains { $0.action == "override" && $0.detail == "at night" })
    #expect(log.contains { $0.action == "effects" && $0.detail.contains("id 3; no list:") })
  }

  @Test("stays when the way down fails, and the error names it")
  func failingDown() throws {
    let shop = try CountedShop(
      before: Self.two, effects: [Self.effect], up: "ALTER TABLE outbox ADD COLUMN n INT",
      down: "ALTER TABLE outbox DROP COLUMN n; SELECT nothing FROM outbox")
    try shop.up()
    try shop.database.run("INSERT INTO outbox VALUES (3, 'c', NULL, NULL)")
    let migrator = try shop.database.migrator(shop.catalog)
    let error = try #require(migrationError { try migrator.run(migrator.plan(.down(1))) })
    #expect(error.id == .statementFailed)
    let file = try shop.database.folderPath() + "/shop.db-effects-0002-expand-2.csv"
    #expect(error.help.contains("what 0002/expand caused is listed in \(file)"))
    #expect(try shop.lists().count == 1)
    // The phase is still there, and so is its count.
    #expect(try shop.counts().map(\.told) == ["1 of outbox, 3 to 3"])
  }

  @Test("quotes texts and nothing else, so that every value can be told from every other")
  func csv() throws {
    let shop = try CountedShop(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
      effects: ["t by id: support: \"a, b\"", "t by id where id > 8: customer: z"])
    try shop.up()
    try shop.database.run(
      """
      INSERT INTO t VALUES (1, NULL), (2, ''), (3, 'a,b'), (4, 'say "x"'), (5, 'two' || char(13, 10) || 'lines'),
        (6, 7), (7, '7'), (8, 7.5), (9, x'00ff'), (10, '=cmd()'), (11, 'a' || char(0) || 'b'), (12, CAST(x'ff' AS TEXT)),
        (13, 9e999), (14, x''), (15, ' '), (16, 'x''00ff''')
      """)
    var records: [String] = []
    var csv: EffectCSV?
    let migrator = try shop.database.migrator(shop.catalog, access: .reading)
    let report = try migrator.effects(of: "0002")
    try migrator.listEffects(of: "0002") {
      csv = EffectCSV(report.phase, report.text, columns: $0)
    } each: { row in
      if let csv { records.append(csv.record(row)) }
    }
    #expect(csv?.header == "\"phase\",\"audience\",\"effect\",\"table\",\"earlier\",\"t.id\",\"t.v\"\r\n")
    let values = [
      "", "\"\"", "\"a,b\"", "\"say \"\"x\"\"\"", "\"two\r\nlines\"", "7", "\"7\"", "7.5", "x'00ff'",
      "\"=cmd()\"",
      "CAST(x'610062' AS TEXT)", "CAST(x'ff' AS TEXT)", "inf", "x''", "\" \"", "\"x'00ff'\"",
    ]
    let head = "\"0002-b/expand\",\"support\",\"\"\"a, b\"\"\",\"t\",0,"
    #expect(records.prefix(16) == values.enumerated().map { "\(head)\($0 + 1),\($1)\r\n" }[...])
    // The second line of @effects counts rows of the same table, in the same columns.
    #expect(records.count == 16 + 8)
    #expect(records[16] == "\"0002-b/expand\",\"customer\",\"z\",\"t\",0,9,x'00ff'\r\n")
  }
}

@Suite("What archives hold")
struct KeptDataTests {
  @Test("counts the rows that an application deleted since, before and after the way down")
  func deleted() throws {
    let drop = try phase(
      .contract, "ALTER TABLE people DROP COLUMN mail", down: "ALTER TABLE people ADD COLUMN mail TEXT")
    let catalog = try catalog(["0001-a": [drop]])
    let database = try TemporaryDatabase(
      "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT); INSERT INTO people VALUES (1, 'a@x'), (2, 'b@x'), (3, 'c@x'), (4, NULL)"
    )
    try database.run(.upAll, catalog)
    func kept() throws -> [Int?] {
      try database.migrator(catalog, access: .reading).purgeable("0001", lookingForDeleted: .seconds(1)).items
        .map(
          \.deleted)
    }
    #expect(try kept() == [0])
    try database.run("DELETE FROM people WHERE id IN (1, 2)")
    #expect(try kept() == [2])
    let plan = try database.migrator(catalog).plan(.down(1))
    #expect(plan.kept.values.map { $0.map(\.deleted) } == [[2]])
    #expect(try database.migrator(catalog, access: .reading).effects(of: "0001").kept.map(\.deleted) == [2])
    try database.run(.down(1), catalog)
    // What had no row to come back to is still there, and still of people who are gone.
    let left = try database.migrator(catalog, access: .reading).purgeable(
      "0001", lookingForDeleted: .seconds(1)
    ).items
    #expect(left.map(\.deleted) == [2])
    #expect(left.map(\.rows) == [2])
    // Nobody is asked twice to confirm a purge because an application went on deleting.
    #expect(try database.migrator(catalog).purgeable("0001").items.map(\.deleted) == [nil])
  }

  @Test("leaves that count out where it takes too long, and goes on")
  func tooLong() throws {
    let catalog = try catalog([
      "0001-a": [phase(.contract, "ALTER TABLE t DROP COLUMN b", down: "ALTER TABLE t ADD COLUMN b")]
    ])
    let database = try TemporaryDatabase(
      """
      CREATE TABLE t (k INTEGER PRIMARY KEY, b);
      WITH RECURSIVE i (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM i WHERE x < 400000) INSERT INTO t SELECT x, x FROM i
      """)
    try database.run(.upAll, catalog)
    let items = try database.migrator(catalog).purgeable("0001", lookingForDeleted: .nanoseconds(1)).items
    #expect(items.map(\.rows) == [400_000])
    #expect(items.map(\.deleted) == [nil])
  }
}

extension TemporaryDatabase {
  /// The folder as a list names it, without links.
  fileprivate func folderPath() throws -> String { try FileReading.absolute(folder.path) }
}
