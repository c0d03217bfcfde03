import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// Copies of the whole database, and what going back to one undoes.
struct SnapshotTests {
  static let people = """
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age);
    CREATE TABLE pairs (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE plain (x);
    CREATE VIRTUAL TABLE words USING fts5 (text);
    INSERT INTO people VALUES (1, 'Ann', 31), (2, 'Bob', 32), (3, 'Cyd', 33);
    INSERT INTO pairs VALUES ('a', 1), ('b', 2);
    INSERT INTO plain VALUES (1), (1);
    INSERT INTO words VALUES ('apple pie');
    """

  static func catalog() throws -> Catalog {
    try PhaseDBTests.catalog([
      "0001-pets": [table("pets")],
      "0002-more": [
        phase(
          .expand, "ALTER TABLE people ADD COLUMN mail; CREATE TABLE letters (x)",
          down: "DROP TABLE letters; ALTER TABLE people DROP COLUMN mail")
      ],
    ])
  }

  private func begun() throws -> (TemporaryDatabase, Migrator) {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try Self.catalog()
    try database.run(.up(1), catalog)
    return (database, try database.migrator(catalog))
  }

  // MARK: - What is lost

  struct Change: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let sql: String
    let lines: [Prose]

    init(_ sentence: String, _ sql: String, _ lines: Prose...) {
      testDescription = sentence
      self.sql = sql
      self.lines = lines
    }
  }

  static let changes = [
    Change("nothing", "SELECT 1"),
    Change(
      "rows added, changed and deleted",
      "INSERT INTO people VALUES (4, 'Dee', 4), (5, 'Eve', 5); UPDATE people SET age = 3.0 WHERE id = 3; DELETE FROM people WHERE id = 1",
      "people: 2 rows added, 1 row changed, 1 row deleted since"),
    Change(
      "a value of another type", "UPDATE people SET age = CAST(age AS TEXT)", "people: 3 rows changed since"),
    Change("a value that is written again", "UPDATE people SET name = name; DELETE FROM plain WHERE x = 2"),
    Change("a row without a key", "DELETE FROM plain WHERE rowid = 1", "plain: 1 row deleted since"),
    Change(
      "another key in a table WITHOUT ROWID", "UPDATE pairs SET b = 3 WHERE a = 'b'",
      "pairs: 1 row added, 1 row deleted since"),
    Change(
      "a text in a full-text table", "INSERT INTO words VALUES ('plum cake')", "words: 1 row added since"),
    Change(
      "a phase with everything that it does", "",
      "letters: another declaration since", "people: another declaration since",
      "0002-more/expand is not applied any more"),
  ]

  @Test("what is lost is told by table and phase, and comes back", arguments: changes)
  func losses(_ change: Change) throws {
    let (database, migrator) = try begun()
    let before = try database.snapshot()
    try migrator.createCheckpoint("here", snapshotIn: database.folder.path)
    if change.sql.isEmpty { try migrator.run(migrator.plan(.upAll)) } else { try database.run(change.sql) }
    #expect(try migrator.losses(restoring: "here").lines == change.lines)
    let present = try database.snapshot()
    let error = try #require(migrationError { try migrator.restore("here", confirmed: nil) })
    #expect(error.id == .restoreUnconfirmed)
    #expect(error.details == change.lines)
    let wrong = try #require(migrationError { try migrator.restore("here", confirmed: "there") })
    #expect(wrong.message == error.message)
    #expect(wrong.help == ["'there' does not confirm it: it is not the name of the snapshot"] + error.help)
    #expect(try database.snapshot() == present)

    let restoration = try migrator.restore("here", confirmed: "here")
    #expect(restoration.losses.lines == change.lines)
    #expect(restoration.phase?.short == "0001/expand")
    #expect(try database.snapshot()?.isSame(as: before) == true)
    #expect(database.integrity() == "ok")
    #expect(try migrator.losses(restoring: "here").isEmpty)
    #expect(try migrator.verify().checks.allSatisfy { $0.outcome == .holds })
    #expect(
      try migrator.run(migrator.plan(.upAll)).done.count == 1, "phases go up from there as from anywhere")
  }

  /// What somebody does with switches after the snapshot, at which 's' is at 50 %, and 1 is pinned on.
  struct SwitchChange: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let lines: [Prose]
    let go: @Sendable (SwitchSite) throws -> Void

    init(_ sentence: String, _ lines: [Prose], _ go: @escaping @Sendable (SwitchSite) throws -> Void) {
      (testDescription, self.lines, self.go) = (sentence, lines, go)
    }
  }

  static let switchChanges = [
    SwitchChange("closed", ["switch s: 0 % becomes 50 %", "switch s: again pinned on: 1"]) {
      _ = try $0.migrator().closeSwitch("s", reason: "wrong totals")
    },
    SwitchChange("raised", ["switch s: 100 % becomes 50 %"]) { try $0.set("100%") },
    SwitchChange("raised and set back", []) {
      try $0.set("100%")
      try $0.set("50%")
    },
    SwitchChange("pinned off", ["switch s: no longer pinned off: O'Brien"]) {
      _ = try $0.migrator().pin("O'Brien", false, of: "s", reason: "complained")
    },
    SwitchChange("pinned otherwise", ["switch s: again pinned on: 1", "switch s: no longer pinned off: 1"]) {
      _ = try $0.migrator().pin("1", false, of: "s", reason: "")
    },
    SwitchChange(
      "removed with its phase",
      [
        "orders: another declaration since", "0002-price/expand is applied again",
        "switch s is there again, at 50 %", "switch s: again pinned on: 1",
      ]
    ) { try $0.down() },
  ]

  @Test("for whom switches become others is told, too", arguments: switchChanges)
  func switches(_ change: SwitchChange) throws {
    let site = try SwitchSite(upTo: "0002/expand")
    try site.set("50%")
    _ = try site.migrator().pin("1", true, of: "s", reason: "staff")
    try site.migrator().createCheckpoint("here", snapshotIn: site.database.folder.path)
    try change.go(site)
    let migrator = try site.migrator()
    #expect(try migrator.losses(restoring: "here").lines == change.lines)
    let error = try #require(migrationError { try migrator.restore("here", confirmed: nil) })
    #expect(error.message.description.hasPrefix("the database has not changed") == change.lines.isEmpty)
    try migrator.restore("here", confirmed: "here")
    #expect(try site.record()?.exposure.hundredths == 5_000 && site.ask("1") == true)
    #expect(try migrator.losses(restoring: "here").isEmpty)
  }

  @Test("a switch that is made after the snapshot goes with its phase")
  func switchMade() throws {
    let site = try SwitchSite(upTo: "0001")
    try site.migrator().createCheckpoint("here", snapshotIn: site.database.folder.path)
    try site.up(to: "0002/expand")
    try site.set("5%")
    #expect(
      try site.migrator().losses(restoring: "here").lines.last
        == "switch s, which is at 5 %, is not there any more")
  }

  @Test("the ledger goes back, and knows where it was")
  func ledger() throws {
    let (database, migrator) = try begun()
    let checkpoint = try migrator.createCheckpoint("here", note: "why", snapshotIn: database.folder.path)
    try migrator.run(migrator.plan(.upAll))
    try migrator.createCheckpoint("later", snapshotIn: database.folder.path)
    let later = try #require(try migrator.checkpoints().first { $0.name == "later" }?.snapshot)
    #expect(
      try migrator.losses(restoring: "here").lines.suffix(2) == [
        "0002-more/expand is not applied any more", "checkpoint @later is forgotten",
      ])
    try migrator.restore("here", confirmed: "here")
    #expect(try migrator.checkpoints().filter { $0.name != nil } == [checkpoint])
    #expect(
      try migrator.log().map { "\($0.action) \($0.subject)" } == [
        "begin ", "up 0001-pets/expand", "restore here",
      ])
    #expect(LogEntry.broken(in: try migrator.log()).isEmpty)

    let forward = try migrator.restore(later.path, confirmed: later.path)
    #expect(forward.losses.reversed.map(\.short) == ["0002/expand"])
    #expect(try database.applied() == ["0001/expand", "0002/expand"])
    #expect(try migrator.log().map(\.action) == ["begin", "up", "checkpoint", "up", "restore"])
  }

  @Test("rows of columns that a phase added do not count as changed by it")
  func sharedColumns() throws {
    let (database, migrator) = try begun()
    try migrator.createCheckpoint("here", snapshotIn: database.folder.path)
    try migrator.run(migrator.plan(.upAll))
    try database.run("UPDATE people SET mail = 'm'; UPDATE people SET name = 'Bert' WHERE id = 2")
    let table = try #require(try migrator.losses(restoring: "here").tables.first { $0.name == "people" })
    #expect(table.changed == 1 && table.added == 0 && table.gone == 0 && table.isOther)
  }

  // MARK: - Before a plan

  @Test("a plan has a snapshot before it, under a name that is free")
  func beforePlan() throws {
    let (database, migrator) = try begun()
    let plan = try migrator.plan(.upAll)
    for name in ["before-0002-expand", "before-0002-expand-2"] {
      let made = try #require(try migrator.snapshot(before: plan, in: database.folder.path))
      #expect(made.checkpoint?.name == name)
      #expect(made.snapshot.path.hasSuffix("/shop@\(name).db"))
    }
    try migrator.run(plan)
    #expect(try migrator.snapshot(before: migrator.plan(.upAll), in: database.folder.path) == nil)
    #expect(try migrator.losses(restoring: "before-0002-expand").applied.map(\.short) == ["0002/expand"])
  }

  @Test("a database without a ledger is copied, and one without a table is not")
  func withoutLedger() throws {
    let empty = try TemporaryDatabase("CREATE TABLE t (a); DROP TABLE t")
    let fresh = try empty.migrator(Self.catalog())
    #expect(try fresh.snapshot(before: fresh.plan(.upAll), in: empty.folder.path) == nil)
    let database = try TemporaryDatabase(Self.people)
    let migrator = try database.migrator(Self.catalog())
    let made = try #require(try migrator.snapshot(before: migrator.plan(.upAll), in: database.folder.path))
    #expect(made.checkpoint == nil)
    let copy = try Connection(path: made.snapshot.path, mode: .readOnly)
    #expect(try copy.value("SELECT count(*) FROM people") == 3)
    try migrator.run(migrator.plan(.upAll))
    let error = migrationError { try migrator.losses(restoring: made.snapshot.path) }
    #expect(error?.id == .snapshotForeign)
  }

  // MARK: - The file

  @Test(
    "is named after the database and the checkpoint",
    arguments: [
      ("shop.db", "shop@x.db"), ("/data/my.shop.sqlite3", "my.shop@x.db"), ("shop", "shop@x.db"),
      (".hidden", ".hidden@x.db"), ("", "database@x.db"),
    ])
  func fileName(_ database: String, _ name: String) {
    #expect(PhaseDB.Snapshot.fileName(of: database, at: "x") == name)
  }

  @Test(
    "a checksum does not depend on the pieces in which the bytes come",
    arguments: [0, 1, 55, 56, 63, 64, 65, 1_000])
  func checksum(_ count: Int) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    for width in [1, 3, 64, 100, 1_001] {
      var running = SHA256.Running()
      for start in stride(from: 0, to: count, by: width) {
        let piece = Array(bytes[start..<min(start + width, count)])
        running.add(piece + [7, 7], piece.count)
      }
      #expect(running.hex == SHA256.hex(bytes), "\(width)")
    }
  }
}
