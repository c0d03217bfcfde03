import PhaseSQL
import PhaseSQLite
import Testing

/// What a database holds as TEXT need not be text. Cases are in the bytes that the database stores.
struct RawTextTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let encoding: String
    let hex: String

    init(_ name: String, _ encoding: String, _ hex: String) {
      testDescription = "\(name), in \(encoding)"
      self.encoding = encoding
      self.hex = hex
    }
  }

  static let cases =
    [
      ("a letter cut in two", "30c3"), ("Latin-1", "636166e9"), ("a byte that is never UTF-8", "ff"),
      ("half of a surrogate pair", "eda080"),
      ("an overlong slash", "c0af"), ("a NUL inside", "610062"), ("nothing but a NUL", "00"),
      ("a byte order mark", "efbbbf61"),
      ("beyond Unicode", "f4908080"), ("nothing", ""),
    ].map { Case($0, "UTF-8", $1) }
    + [
      ("half of a surrogate pair", "3dd8"), ("the other half", "00dc"),
      ("two halves in the wrong order", "00dc3dd8"),
      ("a half before a letter", "3dd86100"), ("U+FFFE", "feff"), ("U+FFFF inside", "6100ffff6200"),
      ("a NUL inside", "610000006200"),
      ("a byte order mark before a letter", "fffe6100"), ("a cat", "3dd831dc"),
      ("two byte order marks", "fffefffe"),
    ].flatMap { [Case($0, "UTF-16le", $1), Case($0, "UTF-16be", String.swapped($1))] }

  @Test("comes back byte for byte, and is the same as itself alone:", arguments: cases)
  func comesBack(_ row: Case) throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute("PRAGMA encoding = '\(row.encoding)'")
    try connection.execute("CREATE TABLE t (a)")
    try connection.execute("INSERT INTO t VALUES (CAST(x'\(row.hex)' AS TEXT))")
    let value = try #require(try connection.value("SELECT a FROM t"))
    func stored() throws -> [[Value]] {
      try connection.rows("SELECT typeof(a), lower(hex(CAST(a AS BLOB))) FROM t")
    }
    #expect(try stored() == [["text", .text(row.hex)]])
    #expect(try connection.value("SELECT count(*) FROM t WHERE a = ?1", value) == 1)
    #expect(try connection.value("SELECT count(*) FROM t WHERE a <> ?1", value) == 0)
    try connection.execute("UPDATE t SET a = ?1", value)
    #expect(try stored() == [["text", .text(row.hex)]])
    try connection.define("same", argumentCount: 1) { $0[0] }
    try connection.execute("UPDATE t SET a = same(a)")
    #expect(try stored() == [["text", .text(row.hex)]])
    var statement = try connection.prepare("SELECT a FROM t")
    #expect(try statement.step())
    let isRow = statement.isRow([value])
    #expect(isRow)
  }

  @Test("no two have one hash", arguments: ["UTF-8", "UTF-16le", "UTF-16be"])
  func hashes(_ encoding: String) throws {
    let connection = try Connection(path: "", mode: .memory)
    try connection.execute("PRAGMA encoding = '\(encoding)'")
    try connection.execute("CREATE TABLE t (a)")
    let own = Self.cases.filter { $0.encoding == encoding }
    for row in own { try connection.execute("INSERT INTO t VALUES (CAST(x'\(row.hex)' AS TEXT))") }
    try RowHash.define("hash", columns: ["a"], on: connection)
    let hashes = try connection.rows("SELECT DISTINCT \(RowHash.call("hash", ["a"])) FROM t")
    #expect(hashes.count == own.count)
    var statement = try connection.prepare("SELECT a FROM t")
    var found: Set<Int> = []
    while try statement.step() { found.insert(statement.rowHash) }
    #expect(found.count == own.count)
  }

  @Test(
    "text that is sound has one hash in every encoding",
    arguments: ["a", "Zoë", "🐈 中", "e\u{301}", "a\0b", ""])
  func sound(_ text: String) throws {
    let hashes = try ["UTF-8", "UTF-16le", "UTF-16be"].map { encoding in
      let connection = try Connection(path: "", mode: .memory)
      try connection.execute("PRAGMA encoding = '\(encoding)'")
      try connection.execute("CREATE TABLE t (a)")
      try connection.execute("INSERT INTO t VALUES (?1)", .text(text))
      try RowHash.define("hash", columns: ["a"], on: connection)
      return try connection.value("SELECT \(RowHash.call("hash", ["a"])) FROM t")
    }
    #expect(Set(hashes).count == 1)
  }

  @Test("its description is SQL that makes it again", arguments: cases.filter { $0.encoding == "UTF-8" })
  func description(_ row: Case) throws {
    let connection = try Connection(path: "", mode: .memory)
    let value = try #require(try connection.value("SELECT CAST(x'\(row.hex)' AS TEXT)"))
    #expect(try connection.value("SELECT \(value)") == value)
  }
}

extension String {
  /// Pairs of bytes in hexadecimal digits, each with its bytes swapped.
  fileprivate static func swapped(_ hex: String) -> String {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count, by: 4).map {
      String(digits[$0 + 2..<$0 + 4] + digits[$0..<$0 + 2])
    }.joined()
  }
}

struct FoldedNameTests {
  @Test("a name is the same in any case of ASCII letters, and in no other spelling")
  func names() {
    #expect(FoldedName("Straße") == "sTRAßE")
    #expect(FoldedName("É") != "é")
    #expect(FoldedName("\u{E9}") != "e\u{301}")
    #expect(Set(["a", "A", "\u{E9}", "e\u{301}", "E\u{301}"].map { FoldedName($0) }).count == 3)
    // By bytes: the letter e comes before every byte outside ASCII.
    #expect(FoldedName("e\u{301}") < "\u{E9}")
  }

  @Test("names that Swift takes for one are two names in quotes")
  func quoting() throws {
    let connection = try Connection(path: "", mode: .memory)
    for name in ["\u{E9}", "e\u{301}", "\"\u{301}", "a\"b"] {
      try connection.execute("CREATE TABLE \(SQLText.identifier(name)) (a)")
      #expect(try connection.value("SELECT count(*) FROM sqlite_schema WHERE name = ?1", .text(name)) == 1)
      #expect(
        try connection.value("SELECT \(SQLText.literal("'\u{301}" + name))") == .text("'\u{301}" + name))
    }
  }
}
