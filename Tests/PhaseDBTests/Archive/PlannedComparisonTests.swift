import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// What a plan found out of archives holds in the transaction only as long as nobody has written since.
struct PlannedComparisonTests {
  static let people = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c);
    INSERT INTO t VALUES (1, 'x', 'one', 'C'), (2, 'y', 'two', 'C'), (3, 'z', 'three', 'C');
    """
  static let plain = "ALTER TABLE t ADD b"
  static let computing = "ALTER TABLE t ADD b; UPDATE t SET b = 'new ' || a"

  static func catalog(down: String) throws -> Catalog {
    try PhaseDBTests.catalog(["0001-a": [phase(.contract, "ALTER TABLE t DROP b", down: down)]])
  }

  /// The way down is not tried on a copy.
  static var large: Options {
    var options = Options.test
    options.mostBytesCopied = 0
    return options
  }

  /// Counts the statements that look for rows under other keys.
  private final class Searches {
    private(set) var count = 0

    init(of connection: Connection) {
      connection.trace { [unowned self] statement in
        if statement.sql.contains("INSERT INTO temp.phasedb_moved_from") { count += 1 }
      }
    }
  }

  static func rows(_ database: TemporaryDatabase) throws -> String? {
    try database.value(
      "SELECT group_concat(id || a || ':' || coalesce(b, '-'), ' ') FROM (SELECT * FROM t ORDER BY id)")?
      .text
  }

  /// What is written between the plan and the run, and what there is after the run.
  static let writes: [(sentence: String, down: String, write: String, rows: String)] = [
    ("nothing", plain, "SELECT 1", "1x:one 2y:two 3z:three"),
    ("nothing, and it computes", computing, "SELECT 1", "1x:one 2y:two 3z:three"),
    ("a row gets another key", plain, "UPDATE t SET id = 30 WHERE id = 3", "1x:one 2y:two 30z:three"),
    (
      "two rows change places", plain,
      "UPDATE t SET id = 30 WHERE id = 3; UPDATE t SET id = 3 WHERE id = 2; UPDATE t SET id = 2 WHERE id = 30",
      "1x:one 2z:three 3y:two"
    ),
    ("a row is deleted", plain, "DELETE FROM t WHERE id = 3", "1x:one 2y:two"),
    (
      "a row changes and another is added, or one takes the key of another", plain,
      "UPDATE t SET id = 30 WHERE id = 3; INSERT INTO t VALUES (3, 'new', 'C')",
      "1x:one 2y:two 3new:three 30z:-"
    ),
    ("a row changes", computing, "UPDATE t SET a = 'q' WHERE id = 2", "1x:one 2q:new q 3z:three"),
  ]

  @Test("another connection writes, in each journal mode:", arguments: writes, ["DELETE", "WAL"])
  func another(
    _ row: (sentence: String, down: String, write: String, rows: String), mode: String
  ) throws {
    let database = try TemporaryDatabase("PRAGMA journal_mode = \(mode);" + Self.people)
    let catalog = try Self.catalog(down: row.down)
    try database.run(.upAll, catalog)
    let migrator = try database.migrator(catalog, Self.large)
    let plan = try migrator.plan(.downAll)
    #expect(plan.reversals.values.map(\.word) == [.exact])
    try database.run(row.write)
    let searches = Searches(of: migrator.connection)
    try migrator.run(plan)
    migrator.connection.stopTracing()
    #expect(searches.count == (row.write == "SELECT 1" ? 0 : 1))
    #expect(try Self.rows(database) == row.rows)
  }

  @Test("the same connection writes:", arguments: writes)
  func same(_ row: (sentence: String, down: String, write: String, rows: String)) throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try Self.catalog(down: row.down)
    try database.run(.upAll, catalog)
    let migrator = try database.migrator(catalog, Self.large)
    let plan = try migrator.plan(.downAll)
    try migrator.connection.execute(script: row.write)
    try migrator.run(plan)
    #expect(try Self.rows(database) == row.rows)
  }

  @Test("an archive that is altered after the plan is refused", arguments: ["DELETE", "WAL"], [false, true])
  func altered(mode: String, isSame: Bool) throws {
    let database = try TemporaryDatabase("PRAGMA journal_mode = \(mode);" + Self.people)
    let catalog = try Self.catalog(down: Self.plain)
    try database.run(.upAll, catalog)
    let migrator = try database.migrator(catalog, Self.large)
    let plan = try migrator.plan(.downAll)
    let forgery = "UPDATE phasedb_archive_1 SET v1 = 'forged' WHERE k1 = 1"
    if isSame { try migrator.connection.execute(forgery) } else { try database.run(forgery) }
    let error = #expect(throws: MigrationError.self) { try migrator.run(plan) }
    #expect(error?.id == .archiveAltered)
  }

  @Test("a plan says nothing of another connection, whose counters may be the same")
  func ofAnother() throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try Self.catalog(down: Self.plain)
    try database.run(.upAll, catalog)
    let plan = try database.migrator(catalog, Self.large).plan(.downAll)
    let other = try TemporaryDatabase()
    try FileManager.default.copyItem(atPath: database.path, toPath: other.path)
    try other.run("UPDATE t SET id = 30 WHERE id = 3")
    try other.migrator(catalog, Self.large).run(plan)
    #expect(try Self.rows(other) == "1x:one 2y:two 30z:three")
  }

  @Test("a TEMP trigger of the connection writes while the run begins, or in an earlier step")
  func temporaryTrigger() throws {
    for isBelow in [false, true] {
      let database = try TemporaryDatabase(Self.people)
      let catalog = try PhaseDBTests.catalog([
        "0001-a": [phase(.contract, "ALTER TABLE t DROP b", down: Self.plain)],
        "0002-b": [phase(.contract, "ALTER TABLE t DROP c", down: "ALTER TABLE t ADD c")],
      ])
      try database.run(.up(isBelow ? 2 : 1), catalog)
      var options = Self.large
      options.overridden = [.soak]
      let migrator = try database.migrator(catalog, options)
      let plan = try migrator.plan(.downAll)
      try migrator.connection.execute(
        "CREATE TEMP TRIGGER g AFTER INSERT ON main.phasedb_log WHEN new.action = '\(isBelow ? "down" : "override")' "
          + "BEGIN UPDATE t SET id = 30 WHERE id = 3; END")
      try migrator.run(plan)
      #expect(try Self.rows(database) == "1x:one 2y:two 30z:three")
    }
  }

  @Test("an earlier step of the same run writes")
  func earlierStep() throws {
    let database = try TemporaryDatabase(Self.people)
    let catalog = try PhaseDBTests.catalog([
      "0001-a": [phase(.contract, "ALTER TABLE t DROP b", down: Self.plain)],
      "0002-b": [
        phase(
          .migrate, "UPDATE t SET id = id + 10", down: "UPDATE t SET id = id - 10; DELETE FROM t WHERE id = 4"
        )
      ],
    ])
    try database.run(.upAll, catalog)
    let migrator = try database.migrator(catalog, Self.large)
    let plan = try migrator.plan(.downAll)
    try database.run("INSERT INTO t VALUES (14, 'new', 'C')")
    try migrator.run(plan)
    #expect(try Self.rows(database) == "1x:one 2y:two 3z:three")
  }

  @Test(
    "every write makes another version of the data, on each connection that sees it, and nothing else does")
  func versions() throws {
    for mode in ["DELETE", "WAL"] {
      let database = try TemporaryDatabase("PRAGMA journal_mode = \(mode);" + Self.people)
      let (own, other) = (try database.connect(), try database.connect())
      let version = try #require(try DataState(of: own))
      #expect(try DataState(of: own) == version)
      #expect(try DataState(of: other) != version)
      for writer in [own, other] {
        for write in [
          "UPDATE t SET a = a || 'q'", "DELETE FROM t WHERE id = (SELECT max(id) FROM t)", "VACUUM",
          "CREATE TABLE u AS SELECT * FROM t",
          "DELETE FROM u", "DROP TABLE u",
        ] {
          let before = try DataState(of: own)
          try writer.execute(write)
          #expect(try DataState(of: own) != before, "\(write) in \(mode)")
          #expect(try DataState(of: own) == DataState(of: own))
        }
      }
      let transaction = try own.begin(.immediate)
      let before = try DataState(of: own)
      try own.execute("INSERT INTO t VALUES (4, 'v', 'four', 'C')")
      let within = try DataState(of: own)
      #expect(within != before)
      try transaction.rollBack()
      #expect(try DataState(of: own) != before)
    }
  }
}
