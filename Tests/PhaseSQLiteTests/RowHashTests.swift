import PhaseSQL
import PhaseSQLite
import Testing

struct RowHashTests {
  /// The hashes of the only row of a query, its columns named as the query names them.
  static func hash(_ query: String, on connection: Connection? = nil) throws -> RowHash {
    let connection = try connection ?? memory()
    var statement = try connection.prepare(query)
    let names = (0..<statement.columnCount).map { statement.columnName(at: $0) }
    try #require(try statement.step())
    return statement.rowHash(RowHasher(columns: names))
  }

  struct Pair: Sendable, CustomTestStringConvertible {
    var testDescription: String
    let one: String
    let other: String

    init(_ name: String, _ one: String, _ other: String) {
      testDescription = name
      self.one = one
      self.other = other
    }
  }

  static let alike = [
    Pair("the order of columns means nothing", "1 AS a, 'x' AS b", "'x' AS b, 1 AS a"),
    Pair("nor does the case of a name", "1 AS \"Aé\"", "1 AS \"aé\""),
    Pair("-0.0 is 0.0", "-0.0 AS a", "0.0 AS a"),
    Pair("a number is what it is, however it is written", "1e2 AS a, 16 AS b", "100.0 AS a, 0x10 AS b"),
    Pair(
      "text that is no UTF-8 is the same bytes", "CAST(x'41ff' AS TEXT) AS a", "CAST(x'41ff' AS TEXT) AS a"),
  ]

  @Test("rows that are alike hash alike", arguments: alike)
  func hashAlike(_ pair: Pair) throws {
    #expect(try Self.hash("SELECT \(pair.one)") == Self.hash("SELECT \(pair.other)"))
  }

  static let different = [
    Pair("an integer is no real", "1 AS a", "1.0 AS a"),
    Pair("an integer is no text", "1 AS a", "'1' AS a"),
    Pair("a real is no text", "1.0 AS a", "'1.0' AS a"),
    Pair("text is no blob", "'a' AS a", "x'61' AS a"),
    Pair("empty text is no empty blob", "'' AS a", "x'' AS a"),
    Pair("NULL is not empty", "NULL AS a", "'' AS a"),
    Pair("NULL is not zero", "NULL AS a", "0 AS a"),
    Pair("a value belongs to its column", "1 AS a, 2 AS b", "2 AS a, 1 AS b"),
    Pair("a column with another name is another column", "1 AS a", "1 AS b"),
    Pair("a column more is another row, also with NULL", "1 AS a", "1 AS a, NULL AS b"),
    Pair("where one text ends and the next begins", "'ab' AS a, 'c' AS b", "'a' AS a, 'bc' AS b"),
    Pair("what follows a NUL counts", "CAST(x'610062' AS TEXT) AS a", "CAST(x'610063' AS TEXT) AS a"),
    Pair("NULs are counted", "zeroblob(3) AS a", "zeroblob(4) AS a"),
    Pair("the smallest and the largest integer", "9223372036854775807 AS a", "-9223372036854775807 - 1 AS a"),
    Pair("letters of another case", "'A' AS a", "'a' AS a"),
    Pair("two ways to write one letter", "'é' AS a", "'e' || char(769) AS a"),
    Pair("a bit of a real", "0.1 AS a", "0.1 + 1.4e-17 AS a"),
    Pair("bytes that are no UTF-8", "CAST(x'41ff' AS TEXT) AS a", "CAST(x'41fe' AS TEXT) AS a"),
  ]

  @Test("rows that differ hash differently, twice", arguments: different)
  func hashDifferently(_ pair: Pair) throws {
    let one = try Self.hash("SELECT \(pair.one)")
    let other = try Self.hash("SELECT \(pair.other)")
    #expect(one.first != other.first)
    #expect(one.second != other.second)
    #expect(one.first != one.second)
  }

  @Test(
    "every byte of a text counts, whatever its length",
    arguments: Array(1...40) + [63, 64, 65, 96, 97, 130, 1000])
  func everyByte(_ length: Int) throws {
    let connection = try memory()
    var seen: Set<RowHash> = []
    var first: Set<UInt64> = []
    var bytes = [UInt8](repeating: 0, count: length)
    for position in 0...length {
      var statement = try connection.prepare("SELECT ?1 AS a")
      try statement.bind(.blob(bytes), at: 1)
      #expect(try statement.step())
      let hash = statement.rowHash(RowHasher(columns: ["a"]))
      seen.insert(hash)
      first.insert(hash.first)
      if position < length { bytes[position] = 1 }
    }
    #expect(seen.count == length + 1)
    #expect(first.count == length + 1)
  }

  @Test("a hash stays what it is, because archives keep it")
  func stays() throws {
    let hash = try Self.hash("SELECT 1 AS id, 'Ann Example' AS name, 2.5 AS x, NULL AS n, x'00ff' AS b")
    #expect(hash == RowHash(first: 9_237_244_499_131_797_313, second: 4_254_855_555_204_759_164))
    let long = try Self.hash("SELECT '\(String(repeating: "0123456789", count: 20))' AS text")
    #expect(long == RowHash(first: 7_126_463_655_635_666_842, second: 2_173_070_548_510_109_146))
  }

  @Test("a database in UTF-16 hashes as one in UTF-8")
  func utf16() throws {
    let wide = try memory("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a); INSERT INTO t VALUES ('Zoë 🐈')")
    let narrow = try memory("CREATE TABLE t (a); INSERT INTO t VALUES ('Zoë 🐈')")
    #expect(try Self.hash("SELECT a FROM t", on: wide) == Self.hash("SELECT a FROM t", on: narrow))
  }
}

struct RowSumTests {
  private func numbers() throws -> Connection {
    try memory(
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, a, b);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
      INSERT INTO t SELECT i, i % 7, 'row ' || i FROM n;
      """)
  }

  private func sum(_ connection: Connection, _ rest: String, of table: String = "t") throws -> RowSum {
    var statement = try connection.prepare("SELECT id, a, b FROM \(table) \(rest)")
    return try statement.sumOfRows(RowHasher(columns: ["id", "a", "b"]))
  }

  @Test("a sum is the same in any order and in parts")
  func order() throws {
    let connection = try numbers()
    let whole = try sum(connection, "ORDER BY id")
    #expect(whole.count == 500)
    #expect(try sum(connection, "ORDER BY b DESC") == whole)
    var parts = try sum(connection, "WHERE id <= 123")
    parts.add(try sum(connection, "WHERE id > 123"))
    #expect(parts == whole)
  }

  @Test("rows that trade a value are other rows")
  func trade() throws {
    let connection = try numbers()
    let before = try sum(connection, "")
    try connection.execute("UPDATE t SET a = CASE id WHEN 1 THEN 2 ELSE 1 END WHERE id IN (1, 2)")
    let after = try sum(connection, "")
    #expect(after.count == before.count)
    #expect(after.first != before.first)
    #expect(after.second != before.second)
  }

  @Test("SQL hashes a row as a statement does, and adds up what it copies")
  func inSQL() throws {
    let connection = try numbers()
    let whole = try sum(connection, "")
    let columns = ["id", "a", "b"]
    let adding = RowSumInSQL()
    try RowHash.define("phasedb_hash", columns: columns, on: connection)
    try RowHash.define("phasedb_sum", columns: columns, adding: adding, on: connection)
    let names = columns.map(SQLText.identifier)
    try connection.execute(
      "CREATE TABLE copy AS SELECT id, a, \(RowHash.call("phasedb_sum", names)) AS b, \(RowHash.call("phasedb_hash", names)) AS hash FROM t ORDER BY b"
    )
    #expect(adding.sum == whole)
    #expect(try sum(connection, "", of: "copy") == whole)
    var statement = try connection.prepare("SELECT id, a, b, hash FROM copy WHERE id = 77")
    #expect(try statement.step())
    #expect(statement.value(at: 3) == statement.rowHash(RowHasher(columns: columns)).stored)
  }

  @Test("a row of any width can be hashed in SQL", arguments: [1, 99, 100, 101, 200, 201, 450])
  func width(_ width: Int) throws {
    let connection = try memory()
    let columns = (1...width).map { "c\($0)" }
    try connection.execute("CREATE TABLE wide (\(columns.joined(separator: ", ")))")
    let values = (1...width).map { $0 % 3 == 0 ? "'text \($0)'" : "\($0)" }.joined(separator: ", ")
    try connection.execute("INSERT INTO wide VALUES (\(values))")
    let adding = RowSumInSQL()
    try RowHash.define("wide_hash", columns: columns, on: connection)
    try RowHash.define("wide_sum", columns: columns, adding: adding, on: connection)
    let inSQL = try connection.value("SELECT \(RowHash.call("wide_hash", columns)) FROM wide")
    let last = try connection.value("SELECT \(RowHash.call("wide_sum", columns)) FROM wide")
    #expect(try last == connection.value("SELECT c\(width) FROM wide"))
    let hash = try RowHashTests.hash("SELECT * FROM wide", on: connection)
    #expect(inSQL == hash.stored)
    #expect(adding.sum == RowSum(count: 1, first: hash.first, second: hash.second))
  }

  @Test("a call with another number of values is an error")
  func arguments() throws {
    let connection = try memory()
    try RowHash.define("pair_hash", columns: ["a", "b"], on: connection)
    #expect(
      failure { _ = try connection.value("SELECT pair_hash(1)") }?.message.contains("each of its columns")
        == true)
  }
}
