import Testing

@testable import PhaseSQLite

@Suite("What SQL may cost")
struct CostLimitTests {
  static let endless = "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "

  static let limits = CostLimit.Limits(
    steps: 1_000_000, time: .milliseconds(500), total: .seconds(1), timeForStatement: .milliseconds(1),
    valueBytes: 100_000, pages: 100)

  struct Excess: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let sql: String
    let says: String

    init(_ sentence: String, _ sql: String, says: String) {
      (testDescription, self.sql, self.says) = (sentence, sql, says)
    }
  }

  static let excesses = [
    Excess(
      "a query without an end", "\(endless)SELECT count(*) FROM r",
      says: "it took more than 1000000 steps of SQLite's virtual machine"),
    Excess(
      "steps that take long each", "\(endless)SELECT count(hex(randomblob(40000))) FROM r",
      says: "it took more than 500 ms of processor time"),
    Excess(
      "a value that is too long", "SELECT hex(zeroblob(60000))",
      says: "it made a value of more than 100000 bytes"),
    Excess(
      "a table that fills the memory", "CREATE TABLE t AS \(endless)SELECT randomblob(3000) FROM r",
      says: "it made a database in memory of more than 0 MB"),
    Excess(
      "a cross join of itself",
      "WITH t (a) AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) SELECT count(*) FROM t a, t b, t c, t d, t e, t f, t g, t h, t i",
      says: "it took more than 1000000 steps of SQLite's virtual machine"),
  ]

  @Test("ends it, and what comes after it runs", arguments: excesses)
  func ends(_ excess: Excess) throws {
    let connection = try Connection(path: "", mode: .memory)
    let limit = CostLimit(Self.limits)
    try connection.limit(to: limit)
    let error = #expect(throws: SQLiteError.self) {
      try limit.spend { () throws(SQLiteError) in try connection.execute(excess.sql) }
    }
    #expect(error?.code == .tooCostly)
    #expect(error?.message == excess.says)
    #expect(try limit.spend { () throws(SQLiteError) in try connection.value("SELECT 1") } == .integer(1))
    // The control: outside of what is limited it may take what it takes.
    #expect(try connection.value("\(Self.endless)SELECT n FROM r LIMIT 1 OFFSET 300000") == .integer(300_001))
  }

  @Test("is shared by the scripts of a command, so that many do not take as long as they are many")
  func total() throws {
    let connection = try Connection(path: "", mode: .memory)
    var limits = Self.limits
    limits.steps = .max
    let limit = CostLimit(limits)
    try connection.limit(to: limit)
    var told: [String] = []
    for _ in 1...10 {
      do throws(SQLiteError) {
        try limit.spend { () throws(SQLiteError) in
          try connection.execute("\(Self.endless)SELECT count(*) FROM r")
        }
      } catch {
        told.append(error.message)
      }
    }
    #expect(told.count == 10)
    #expect(told.first == "it took more than 500 ms of processor time")
    #expect(told.last == "it took more than 20 ms of processor time")
  }

  @Test("grows with the statements that run, and for none of them beyond what it may take alone")
  func statements() throws {
    let connection = try Connection(path: "", mode: .memory)
    var limits = Self.limits
    (limits.steps, limits.time, limits.total) = (.max, .milliseconds(100), .milliseconds(200))
    limits.timeForStatement = .seconds(1)
    let limit = CostLimit(limits)
    try connection.limit(to: limit)
    let short = "\(Self.endless)SELECT n FROM r LIMIT 1 OFFSET 100000"
    let error = #expect(throws: SQLiteError.self) {
      try limit.spend { () throws(SQLiteError) in
        // Together these take more than a script may.
        for _ in 1...50 {
          limit.beginStatement()
          _ = try connection.value(short)
        }
        limit.beginStatement()
        try connection.execute("\(Self.endless)SELECT count(*) FROM r")
      }
    }
    #expect(error?.message == "it took more than 100 ms of processor time")
    #expect(error?.sql?.contains("count(*)") == true)
  }

  @Test("makes room for a statement that is longer than a value may be")
  func room() throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.limit(to: CostLimit(Self.limits))
    let sql = "SELECT '" + String(repeating: "x", count: 200_000) + "'"
    #expect(throws: SQLiteError.self) { try connection.value(sql) }
    connection.makeRoom(forSQLOf: sql.utf8.count)
    #expect(try connection.value(sql)?.text?.utf8.count == 200_000)
  }

  @Test("is asked beside another question, which may end the statement, too")
  func question() throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.limit(to: CostLimit(Self.limits))
    var asked = 0
    connection.setProgressHandler(every: 100) {
      asked += 1
      return asked < 10
    }
    let error = #expect(throws: SQLiteError.self) {
      try connection.execute("\(Self.endless)SELECT count(*) FROM r")
    }
    #expect(error?.code == .interrupt)
    #expect(asked == 10)
  }
}
