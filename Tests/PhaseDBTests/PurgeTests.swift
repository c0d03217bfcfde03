import PhaseSQLite
import Testing

@testable import PhaseDB

/// The only act that destroys what phases took away.
struct PurgeTests {
  static let rows =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT); INSERT INTO t VALUES (1, '007', 'x'), (2, NULL, 'y');"

  static func catalog() throws -> Catalog {
    try PhaseDBTests.catalog([
      "0001-drop": [
        phase(.contract, "ALTER TABLE t DROP COLUMN a", down: "ALTER TABLE t ADD COLUMN a TEXT")
      ],
      "0002-retire": [
        PhaseFile.read(
          "-- @window app >=1.0\n-- @retire t.b\n", file: "0002-retire/contract.sql", kind: .contract)
      ],
    ])
  }

  private func applied() throws -> (TemporaryDatabase, Migrator) {
    let database = try TemporaryDatabase(Self.rows)
    let catalog = try Self.catalog()
    try database.run(.upAll, catalog)
    return (database, try database.migrator(catalog))
  }

  @Test(
    "lists what it would destroy, and destroys nothing without the phase's id",
    arguments: [("0001", nil), ("0001/contract", "0001"), ("0001", "0002/contract")] as [(String, String?)])
  func unconfirmed(_ name: String, _ confirmed: String?) throws {
    let (database, migrator) = try applied()
    let before = try database.snapshot()
    let error = try #require(migrationError { try migrator.purge(name, confirmed: confirmed) })
    #expect(error.id == .purgeUnconfirmed)
    #expect(error.details.count == 1 && error.details[0].hasPrefix("what up took from t: 2 rows"))
    #expect(try database.snapshot() == before)
  }

  @Test("destroys an archive, after which the phase and those below it are blocked")
  func archive() throws {
    let (database, migrator) = try applied()
    #expect(try migrator.reversals().values.allSatisfy { $0.word == .exact })
    let purge = try migrator.purge("0001", confirmed: "0001/contract")
    #expect(purge.rows == 2)
    #expect(try database.value("SELECT 1 FROM sqlite_schema WHERE name GLOB 'phasedb_archive_[0-9]*'") == nil)
    let reversals = try migrator.reversals()
    #expect(reversals[purge.phase]?.obstacles.map(\.reason) == ["what it took from t was purged"])
    try database.run(.down(1), Self.catalog())
    let before = try database.snapshot()
    let error = migrationError { try database.run(.down(1), Self.catalog()) }
    #expect(error?.id == .reversalBlocked)
    #expect(try database.snapshot() == before)
    #expect(try migrator.purge("0001", confirmed: nil).items == [])
  }

  @Test("drops a retired column for real, which is no drift and whole in the ledger")
  func retired() throws {
    let (database, migrator) = try applied()
    let purge = try migrator.purge("0002", confirmed: "0002-retire/contract")
    #expect(purge.items.map(\.what) == ["t.b, retired"] && purge.rows == 2)
    #expect(try database.value("SELECT group_concat(name) FROM pragma_table_xinfo('t')") == "id")
    #expect(try migrator.verify().checks.allSatisfy { $0.outcome != .broken })
    let error = try #require(migrationError { try database.run(.downAll, Self.catalog()) })
    #expect(error.id == .reversalBlocked)
    #expect(try database.applied() == ["0001/contract", "0002/contract"])
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let table: String
    /// Without it the purge goes through.
    var refusal: String?
    var listed: Prose = "t.b, retired"
  }

  static let holders = [
    Case(
      testDescription: "an index goes with the column",
      table: "CREATE TABLE t (a, b); CREATE INDEX t_b ON t (b)",
      listed: "t.b, retired, with its index t_b on t"),
    Case(
      testDescription: "an index with the column in an expression or a condition goes with it",
      table: "CREATE TABLE t (a, b); CREATE INDEX one ON t (a) WHERE b > 0; CREATE INDEX two ON t (abs(b))",
      listed: "t.b, retired, with its index one on t, with its index two on t"),
    Case(
      testDescription: "an index over other columns stays",
      table: "CREATE TABLE t (a, b); CREATE INDEX t_a ON t (a)"),
    Case(
      testDescription: "the column's own CHECK goes with it", table: "CREATE TABLE t (a, b CHECK (b > 0))"),
    Case(
      testDescription: "a UNIQUE of the table keeps it", table: "CREATE TABLE t (a, b UNIQUE)",
      refusal: "cannot drop UNIQUE column"),
    Case(
      testDescription: "a CHECK of the table keeps it", table: "CREATE TABLE t (a, b, CHECK (b > 0))",
      refusal: "no such column"),
  ]

  @Test("what holds on to a retired column", arguments: holders)
  func held(_ row: Case) throws {
    let database = try TemporaryDatabase("\(row.table); INSERT INTO t VALUES (1, 7)")
    let catalog = try PhaseDBTests.catalog([
      "0001-retire": [
        PhaseFile.read(
          "-- @window app >=1.0\n-- @retire t.b\n", file: "0001-retire/contract.sql", kind: .contract)
      ]
    ])
    try database.run(.upAll, catalog)
    let migrator = try database.migrator(catalog)
    let before = try database.snapshot()
    guard let refusal = row.refusal else {
      #expect(try migrator.purge("0001", confirmed: "0001/contract").items.map(\.what) == [row.listed])
      #expect(try database.value("SELECT group_concat(name) FROM pragma_table_xinfo('t')") == "a")
      #expect(try migrator.verify().checks.allSatisfy { $0.outcome != .broken })
      return
    }
    let error = try #require(migrationError { try migrator.purge("0001", confirmed: "0001/contract") })
    #expect(error.id == .purgeImpossible && error.message.contains(refusal))
    #expect(try database.snapshot() == before)
  }
}
