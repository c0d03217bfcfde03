import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

struct RowComparisonTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    let schema: String
    let change: String
    var declared: Set<String> = []
    let sentences: [String]
    let declaredRows: Int

    init(
      _ name: String, _ schema: String, _ change: String, declared: Set<String> = [], declaredRows: Int = 0,
      _ sentences: String...
    ) {
      testDescription = name
      self.schema = schema
      self.change = change
      self.declared = declared
      self.declaredRows = declaredRows
      self.sentences = sentences
    }
  }

  private static let people = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, price INT);
    INSERT INTO t VALUES (-1, 'Zoe', 5), (1, 'Ann', 1200), (2, 'Bob', 30), (7, 'Cid', NULL);
    """

  static let cases = [
    Case("nothing", people, ""),
    Case("a value", people, "UPDATE t SET price = 0 WHERE id = 1", "id = 1: price 1200 -> 0"),
    Case(
      "a value of another type", people, "UPDATE t SET name = CAST(name AS BLOB) WHERE id = 2",
      "id = 2: name 'Bob' -> x'426f62'"),
    Case("a row that is lost", people, "DELETE FROM t WHERE id = 7", "id = 7: the row is lost"),
    Case(
      "rows that are born at both ends", people, "INSERT INTO t VALUES (-9, '', 1), (9, '', 1)",
      "id = -9: a row that was not there", "id = 9: a row that was not there"),
    Case(
      "every row of a table", people, "DELETE FROM t", "id = -1: the row is lost", "id = 1: the row is lost",
      "id = 2: the row is lost", "id = 7: the row is lost"),
    Case(
      "two values of one row", people, "UPDATE t SET name = NULL, price = 1.5 WHERE id = 1",
      "id = 1: name 'Ann' -> NULL, price 1200 -> 1.5"),
    Case(
      "a declared loss comes after what nobody declared", people,
      "UPDATE t SET price = 0; UPDATE t SET name = 'Don' WHERE id = 7", declared: ["price"], declaredRows: 3,
      "id = 7: name 'Cid' -> 'Don', price NULL -> 0", "id = -1: price 5 -> 0", "id = 1: price 1200 -> 0",
      "id = 2: price 30 -> 0"),
    Case(
      "a key of two columns without rowid",
      "CREATE TABLE t (a TEXT COLLATE NOCASE, b INT, c, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO t VALUES ('x', 1, 1), ('Y', 1, 2), ('z', 2, 3)",
      "UPDATE t SET c = 9 WHERE a = 'y'", "b = 1, a = 'Y': c 2 -> 9"),
    Case(
      "a text key beside a rowid that was renumbered",
      "CREATE TABLE t (k TEXT PRIMARY KEY, v); INSERT INTO t VALUES ('a', 1), ('b', 2)",
      "UPDATE t SET rowid = rowid + 10; UPDATE t SET v = 3 WHERE k = 'b'", "k = 'b': v 2 -> 3"),
    Case(
      "rowids where there is no key", "CREATE TABLE t (v); INSERT INTO t VALUES ('a'), ('b')",
      "UPDATE t SET v = 'c' WHERE rowid = 2", "rowid = 2: v 'b' -> 'c'"),
    Case(
      "a key whose spelling changed",
      "CREATE TABLE t (k TEXT PRIMARY KEY COLLATE NOCASE); INSERT INTO t VALUES ('a')",
      "UPDATE t SET k = 'A'",
      "k = 'a': the row is lost", "k = 'A': a row that was not there"),
    Case(
      "a table without key or name for the rowid",
      "CREATE TABLE t (rowid, _rowid_, oid); INSERT INTO t VALUES (1, 2, 3), (4, 5, 6)",
      "DELETE FROM t WHERE oid = 6",
      "rowid = 4, _rowid_ = 5, oid = 6: the row is lost"),
    Case(
      "a full-text index", "CREATE VIRTUAL TABLE t USING fts5 (a); INSERT INTO t VALUES ('one'), ('two')",
      "UPDATE t SET a = 'three' WHERE rowid = 2", "rowid = 2: a 'two' -> 'three'"),
    Case(
      "a long value, shortened", "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, '')",
      "UPDATE t SET a = printf('%.100c', 'x')", "id = 1: a '' -> '\(String(repeating: "x", count: 59))…"),
  ]

  @Test("differences are shown as rows", arguments: cases)
  func rows(_ row: Case) throws {
    let before = try Connection(path: "", mode: .memory)
    let after = try Connection(path: "", mode: .memory)
    for connection in [before, after] { try connection.execute(script: row.schema) }
    try after.execute(script: row.change)
    let object = try #require(try Schema(of: before).objects.first { $0.name == "t" })
    let comparison = RowComparison(
      before: before, after: after, declared: Set(row.declared.map { FoldedName($0) }), limit: 10)
    let difference = try comparison.difference(of: object, and: object)
    // A key that is no rowid is walked in the order of its hash.
    #expect(difference.first.map(\.sentence.description).sorted() == row.sentences.sorted())
    #expect(
      difference.first.first?.sentence.description == row.sentences.first
        || !row.schema.contains("INTEGER PRIMARY KEY"))
    #expect(difference.rows == row.sentences.count)
    #expect(difference.declaredRows == row.declaredRows)
    #expect(difference.isDeclared == (row.declaredRows == row.sentences.count))
  }

  @Test("all differences are counted and the first are shown")
  func limit() throws {
    let before = try Connection(path: "", mode: .memory)
    let after = try Connection(path: "", mode: .memory)
    for connection in [before, after] {
      try connection.execute(
        script: """
          CREATE TABLE t (id INTEGER PRIMARY KEY, v);
          WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i, i FROM n;
          """)
    }
    try after.execute("UPDATE t SET v = 0 WHERE id % 2 = 0")
    let object = try #require(try Schema(of: before).objects.first { $0.name == "t" })
    let difference = try RowComparison(before: before, after: after, declared: [], limit: 3)
      .difference(of: object, and: object)
    #expect(difference.rows == 250)
    #expect(difference.first.map(\.sentence) == ["id = 2: v 2 -> 0", "id = 4: v 4 -> 0", "id = 6: v 6 -> 0"])
  }
}
