import Foundation
import Testing

/// SQL by which somebody attacks the program that runs it: in a phase, in a baseline, among a version's queries, or in
/// the ledger of a database that is only looked at.
@Suite("Attacks by SQL")
struct AttackTests {
  static let pointer =
    "SELECT fts3_tokenizer('e', x'4141414141414141'); CREATE VIRTUAL TABLE f USING fts3(a, tokenize=e);"
  static let endless =
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r;"

  struct Attack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let sql: String
    let id: String
  }

  static let attacks = [
    Attack(testDescription: "a pointer to code", sql: pointer, id: "forbidden-statement"),
    Attack(testDescription: "a query without an end", sql: endless, id: "too-costly"),
    Attack(
      testDescription: "a value of 2 GB", sql: "CREATE TABLE big AS SELECT zeroblob(2000000000) AS b;",
      id: "too-costly"),
    Attack(
      testDescription: "a chain of functions that doubles a value",
      sql: "SELECT length(replace(hex(zeroblob(400000)), '0', hex(zeroblob(400000))));", id: "too-costly"),
  ]

  /// Costs what the query without an end costs, and is for that tried in one place.
  static let hidden = Attack(
    testDescription: "a query without an end beside the semicolons of a comment",
    sql: "/*\(String(repeating: ";", count: 1_000_000))*/ "
      + endless.replacing("count(*)", with: "count(hex(zeroblob(400000 + n % 2)))"),
    id: "too-costly")

  /// A query without an end takes five seconds of a processor. The one that hides is all that the plain one is, and where
  /// the values that SQL makes are limited, so is its time.
  static let quick = Effort.factor > 1 ? attacks : attacks.filter { $0.sql != endless }

  @Test("in a phase are named by lint", arguments: quick + [hidden])
  func phase(_ attack: Attack) throws {
    let site = try Site()
    try site.table("a", in: "0001-first/expand")
    try site.phase("0002-bad/contract", up: attack.sql, down: "SELECT 1;")
    let outcome = try site.phasedb("lint")
    #expect(outcome.signal == nil && outcome.code == 1, "\(outcome.summary)")
    #expect((outcome.output + outcome.errors).contains("[\(attack.id)]"), "\(outcome.summary)")
  }

  @Test("in a baseline are named by lint", arguments: quick)
  func baseline(_ attack: Attack) throws {
    let site = try Site()
    try site.table("a", in: "0001-first/expand")
    try site.write("CREATE TABLE z (x); \(attack.sql)\n", to: "migrations/baseline.sql")
    let outcome = try site.phasedb("lint")
    #expect(outcome.signal == nil && outcome.code == 1, "\(outcome.summary)")
    #expect((outcome.output + outcome.errors).contains("[\(attack.id)]"), "\(outcome.summary)")
  }

  // Two of them, as each takes all the time that it may.
  @Test("in the ledger of a database end no command that only reads", arguments: attacks.prefix(2))
  func ledger(_ attack: Attack) throws {
    let site = try Site()
    try site.table("a", in: "0001-first/expand")
    try site.phase("0002-bad/contract", up: "DROP TABLE a;", down: attack.sql)
    // Such a phase goes up: what its down says is looked at by lint, and by whoever wants to reverse it.
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    let up = try site.phasedb("up -d shop.db --live storefront@1.0")
    #expect(up.code == 0, "\(up.summary)")
    try site.makeFolder("empty")
    let before = try site.sqlite("SELECT count(*), max(hash) FROM phasedb_log")
    let isEndless = attack.id == "too-costly"
    for command in isEndless ? ["status"] : ["status", "verify", "log --check", "plan down"] {
      let outcome = try site.phasedb("\(command) -d shop.db -m empty")
      #expect(outcome.signal == nil, "\(command): \(outcome.summary)")
      #expect(outcome.duration < .seconds(240), "\(command)")
      if command == "plan down" { #expect(!outcome.output.contains("exact"), "\(outcome.summary)") }
    }
    #expect(try site.sqlite("SELECT count(*), max(hash) FROM phasedb_log") == before)
  }

  @Test("through a TEMP trigger fire on nothing that phasedb puts back")
  func temporary() throws {
    let site = try Site()
    try site.phase(
      "0001-first/expand",
      up: "CREATE TABLE a (id INTEGER PRIMARY KEY, x, y); CREATE TABLE other (z);",
      down: "DROP TABLE a; DROP TABLE other;")
    try site.phase(
      "0002-bad/contract", up: "ALTER TABLE a DROP COLUMN y;",
      down:
        "ALTER TABLE a ADD COLUMN y; CREATE TRIGGER temp.z AFTER UPDATE ON a BEGIN UPDATE phasedb_log SET detail = 'forged'; DELETE FROM other; END;"
    )
    try site.phasedb("up -d shop.db --to 0001")
    try site.sqlite("INSERT INTO a VALUES (1, 2, 3); INSERT INTO other VALUES ('precious')")
    try site.write("{ evidence: 'none' }", to: "migrations/phasedb.json")
    let up = try site.phasedb("up -d shop.db --live storefront@1.0")
    #expect(up.code == 0, "\(up.summary)")
    let plan = try site.phasedb("plan down -d shop.db --to 0001")
    #expect(!plan.output.contains("exact"), "\(plan.summary)")
    let down = try site.phasedb("down -d shop.db --to 0001")
    #expect(down.code != 0, "\(down.summary)")
    #expect(try site.sqlite("SELECT z FROM other") == "'precious'\n")
    #expect(try site.sqlite("SELECT count(*) FROM phasedb_log WHERE detail = 'forged'") == "0\n")
  }

  @Test("by a trigger on the ledger are named, and everything that writes stops")
  func trigger() throws {
    let site = try Site()
    try site.table("a", in: "0001-first/expand")
    try site.table("b", in: "0002-second/expand")
    try site.phasedb("up -d shop.db --to 0001")
    try site.sqlite("CREATE TRIGGER phasedb_evil AFTER INSERT ON phasedb_log BEGIN DELETE FROM a; END")
    for command in ["up", "down", "check-in storefront@1.0", "checkpoint create here", "rehearse"] {
      let outcome = try site.phasedb("\(command) -d shop.db")
      #expect(
        outcome.code == 2 && outcome.errors.contains("[ledger-touched]"), "\(command): \(outcome.summary)")
      #expect(outcome.errors.contains("DROP TRIGGER main."), "\(command): \(outcome.summary)")
    }
    for command in ["status --check", "verify"] {
      let outcome = try site.phasedb("\(command) -d shop.db")
      #expect(outcome.code == 1 && outcome.output.contains("phasedb_evil"), "\(command): \(outcome.summary)")
    }
    #expect(try site.sqlite("SELECT count(*) FROM a") == "1\n")
    try site.sqlite("DROP TRIGGER phasedb_evil")
    #expect(try site.phasedb("up -d shop.db").code == 0)
  }

  struct Value: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let says: String
  }

  static let values =
    [
      Value(
        testDescription: "fts3_tokenizer('simple')",
        says: "not authorized to use function: fts3_tokenizer"),
      Value(testDescription: "zeroblob(2000000000)", says: "it made a value of more than"),
    ]
    + (Effort.factor > 1
      ? [
        Value(
          testDescription: "(SELECT count(*) FROM (\(endless.dropLast())))",
          says: "it took more than")
      ]
      : [])

  @Test("in the values of a version's queries are refused at reading", arguments: values)
  func value(_ value: Value) throws {
    let site = try Site()
    try site.write("CREATE TABLE a (id INTEGER PRIMARY KEY, x);\n", to: "migrations/baseline.sql")
    try site.table("b", in: "0001-first/expand")
    try site.write(
      "-- @query one\n-- @with id = \(value.testDescription)\nSELECT * FROM a WHERE id = :id;\n",
      to: "migrations/apps/storefront/1.0.sql")
    try site.write("INSERT INTO a VALUES (7, 'seven');\n", to: "migrations/apps/seed.sql")
    let outcome = try site.phasedb("compat")
    #expect(outcome.code == 2, "\(outcome.summary)")
    #expect(outcome.errors.contains(" is not a value: \(value.says)"), "\(outcome.summary)")
  }
}
