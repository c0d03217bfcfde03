import PhaseSQLite
import Testing

@testable import PhaseDB

/// What an application writes after a phase went up, and how the way back takes it along: the word that is said before, and
/// what is there afterwards. Each row runs in one transaction and in batches.
@Suite("What an application wrote is carried over")
struct CarriedOverTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let before: String
    /// With `$range` for the rows of a batch.
    let up: String
    let down: String
    let since: String
    let small: Reversal.Word
    /// Of a large database, in one transaction and in batches.
    let large: [Reversal.Word]
    /// The rows of `t` in the end.
    let left: String
  }

  private static let table =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, b, g); INSERT INTO t VALUES (1, 'a', 1), (2, 'B', 2), (3, 'c', NULL);"
  private static let upper = "UPDATE t SET b = upper(b) WHERE $range"
  private static let lower = "UPDATE t SET b = lower(b) WHERE $range"

  static let cases = [
    Case(
      testDescription: "nothing is written", before: table, up: upper, down: lower, since: "", small: .exact,
      large: [.exact, .exact], left: "1 a 1, 2 B 2, 3 c NULL"),
    Case(
      testDescription: "ANALYZE makes SQLite read a table of few rows in another way", before: table,
      up: upper, down: lower, since: "ANALYZE", small: .exact, large: [.exact, .exact],
      left: "1 a 1, 2 B 2, 3 c NULL"),
    Case(
      testDescription: "another column of a row that the way back makes again", before: table, up: upper,
      down: lower, since: "UPDATE t SET g = 9 WHERE id = 1", small: .exact, large: [.uncertain, .expected],
      left: "1 a 9, 2 B 2, 3 c NULL"),
    Case(
      testDescription: "another column of a row that only an archive gives back", before: table, up: upper,
      down: lower, since: "UPDATE t SET g = 9 WHERE id = 2", small: .uncertain,
      large: [.uncertain, .uncertain], left: "1 a 1, 2 b 9, 3 c NULL"),
    Case(
      testDescription: "the column itself, with what the way up would make", before: table, up: upper,
      down: lower, since: "UPDATE t SET b = 'NEW' WHERE id = 2", small: .exact,
      large: [.uncertain, .uncertain], left: "1 a 1, 2 new 2, 3 c NULL"),
    Case(
      testDescription: "the column itself, with what the way up would not make", before: table, up: upper,
      down: lower, since: "UPDATE t SET b = 'New' WHERE id = 1", small: .lossy,
      large: [.uncertain, .expected],
      left: "1 new 1, 2 B 2, 3 c NULL"),
    Case(
      testDescription: "a column by whose value the way back chooses its rows", before: table,
      up: "UPDATE t SET b = b || '!' WHERE $range AND g IS NULL",
      down: "UPDATE t SET b = rtrim(b, '!') WHERE $range AND g IS NULL",
      since: "UPDATE t SET g = 7 WHERE id = 3", small: .uncertain, large: [.uncertain, .uncertain],
      left: "1 a 1, 2 B 2, 3 c! 7"),
    Case(
      testDescription: "the row of another table from which the way back computes",
      before: table + "CREATE TABLE o (k INTEGER PRIMARY KEY, v); INSERT INTO o VALUES (1, 'a'), (3, 'c')",
      up: "UPDATE t SET g = g + 1 WHERE $range",
      down: "UPDATE t SET b = (SELECT v FROM o WHERE o.k = t.id), g = g - 1 WHERE $range",
      since: "UPDATE o SET v = 'mine' WHERE k = 1", small: .lossy, large: [.uncertain, .uncertain],
      left: "1 mine 1, 2 B 2, 3 c NULL"),
    Case(
      testDescription: "another table of which the way back may read any row",
      before: table + "CREATE TABLE o (k, v); INSERT INTO o VALUES ('a', 1), ('B', 2), ('c', 3)",
      up: "UPDATE t SET b = (SELECT v FROM o WHERE k = t.b) WHERE $range",
      down: "UPDATE t SET b = (SELECT k FROM o WHERE v = t.b) WHERE $range",
      since: "UPDATE o SET v = 9 WHERE k = 'a'", small: .lossy, large: [.uncertain, .uncertain],
      left: "1 NULL 1, 2 B 2, 3 c NULL"),
    Case(
      testDescription: "a column from which the way up computes, so that it would now make what is there",
      before: table, up: "UPDATE t SET b = nullif(g, 2) WHERE $range",
      down: "UPDATE t SET b = NULL WHERE $range", since: "UPDATE t SET g = NULL WHERE id = 2",
      small: .uncertain, large: [.uncertain, .uncertain], left: "1 a 1, 2 NULL NULL, 3 c NULL"),
    Case(
      testDescription: "the key of a row that an archive gives back", before: table,
      up: "UPDATE t SET b = 'x' WHERE $range", down: "SELECT 1 FROM t WHERE $range",
      since: "UPDATE t SET id = 7 WHERE id = 2", small: .uncertain, large: [.uncertain, .uncertain],
      left: "1 a 1, 3 c NULL, 7 B 2"),
  ]

  @Test("as in one transaction, so in batches:", arguments: cases, [false, true])
  func carriedOver(_ row: Case, inBatches: Bool) throws {
    let range = inBatches ? "id BETWEEN :first AND :last" : "1"
    let database = try TemporaryDatabase(row.before)
    let catalog = try catalog([
      "0001-a": [
        phase(
          .migrate, row.up.replacing("$range", with: range), down: row.down.replacing("$range", with: range),
          batch: inBatches ? Batching(table: "t") : nil)
      ]
    ])
    try database.run(.upAll, catalog)
    try database.run(row.since)
    #expect(try words(database, catalog) == [row.small, row.large[inBatches ? 1 : 0]])
    try database.run(.downAll, catalog)
    let left = try database.value(
      "SELECT group_concat(id || ' ' || ifnull(b, 'NULL') || ' ' || ifnull(g, 'NULL'), ', ') FROM (SELECT * FROM t ORDER BY id)"
    )
    #expect(left == .text(row.left))
  }

  struct UnfollowedCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let before: String
    let phase: (Phase.Kind, up: String, down: String)
    let since: String
    /// Of a small database and a large one.
    let words: [Reversal.Word]
    let left: String
  }

  private static let keyless =
    "CREATE TABLE t (b, g); INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3); DELETE FROM t WHERE b = 'a'"
  private static let rebuild = (Phase.Kind.contract, up: rebuilt(", CHECK (g > 0)"), down: rebuilt(""))
  private static let moved = (
    Phase.Kind.migrate, up: "UPDATE t SET id = id + 100", down: "UPDATE t SET id = id - 100"
  )

  private static func rebuilt(_ constraint: String) -> String {
    "CREATE TABLE n (b, g\(constraint)); INSERT INTO n SELECT b, g FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t"
  }

  static let unfollowed = [
    UnfollowedCase(
      testDescription: "a table without a key is copied, and a row is changed", before: keyless,
      phase: rebuild, since: "UPDATE t SET g = 9 WHERE b = 'b'", words: [.exact, .exact], left: "b 9, c 3"),
    UnfollowedCase(
      testDescription: "a table without a key is copied, and a row is deleted", before: keyless,
      phase: rebuild, since: "DELETE FROM t WHERE b = 'b'; VACUUM", words: [.exact, .exact], left: "c 3"),
    UnfollowedCase(
      testDescription: "keys move there and back, and a row is changed", before: table, phase: moved,
      since: "UPDATE t SET g = 9 WHERE id = 101", words: [.exact, .expected],
      left: "a 9, B 2, c NULL"),
    UnfollowedCase(
      testDescription: "keys move there and back, and a row is deleted", before: table, phase: moved,
      since: "DELETE FROM t WHERE id = 101", words: [.exact, .expected], left: "B 2, c NULL"),
    UnfollowedCase(
      testDescription: "keys that are never used again move there and back, and a row is changed",
      before: table.replacing("PRIMARY KEY", with: "PRIMARY KEY AUTOINCREMENT"), phase: moved,
      since: "UPDATE t SET g = 9 WHERE id = 101", words: [.exact, .expected], left: "a 9, B 2, c NULL"),
    UnfollowedCase(
      testDescription: "keys move, and the way back moves them elsewhere", before: table,
      phase: (.migrate, up: "UPDATE t SET id = id + 100", down: "UPDATE t SET id = id + 1000"), since: "",
      words: [.exact, .exact], left: "a 1, B 2, c NULL"),
  ]

  @Test("rows that nothing follows through a phase:", arguments: unfollowed)
  func comesBack(_ row: UnfollowedCase) throws {
    let database = try TemporaryDatabase(row.before)
    let catalog = try catalog(["0001-a": [phase(row.phase.0, row.phase.up, down: row.phase.down)]])
    try database.run(.upAll, catalog)
    try database.run(row.since)
    #expect(try words(database, catalog) == row.words)
    try database.run(.downAll, catalog)
    let left = try database.value(
      "SELECT group_concat(b || ' ' || ifnull(g, 'NULL'), ', ') FROM (SELECT * FROM t ORDER BY rowid)")
    #expect(left == .text(row.left))
  }

  /// A later phase that keeps no archive has written to the rows, or moved them.
  @Test(
    "what a later phase wrote is not taken for what an application wrote",
    arguments: [
      (Batching(table: "t"), upper.replacing("$range", with: "id BETWEEN :first AND :last")),
      (nil, moved.up),
    ])
  func later(_ batching: Batching?, _ up: String) throws {
    let database = try TemporaryDatabase(Self.table)
    let catalog = try catalog([
      "0001-a": [phase(.migrate, "UPDATE t SET g = 0", down: "UPDATE t SET g = 5")],
      "0002-b": [
        phase(
          .migrate, up, down: up.replacing("upper", with: "lower").replacing("+ 100", with: "- 100"),
          batch: batching)
      ],
    ])
    try database.run(.upAll, catalog)
    #expect(try words(database, catalog) == [.exact, .expected])
    // No row was deleted, so nothing is known to stay in the archive.
    let plan = try database.migrator(catalog).plan(.downAll)
    #expect(plan.kept.values.flatMap(\.self).allSatisfy { ($0.deleted ?? 0) == 0 })
  }

  /// What is said of the first phase of a small database, and of a large one.
  private func words(_ database: TemporaryDatabase, _ catalog: Catalog) throws -> [Reversal.Word?] {
    var large = Options.test
    large.mostBytesCopied = 0
    return try [.test, large].map { options in
      try database.migrator(catalog, options).reversals().first { $0.key.description.hasPrefix("0001") }?
        .value.word
    }
  }
}
