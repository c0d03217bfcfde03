import PhaseSQL
import PhaseSQLite
import Testing

struct ValueTests {
  static let values: [Value] = [
    .null, .integer(0), .integer(.max), .integer(.min), .real(0.1), .real(-0.0),
    .real(.greatestFiniteMagnitude),
    .real(.infinity), .text(""), .text("a"), .text("Zoë 🐈 中"), .text("a\0b"), .text("'; DROP TABLE t --"),
    .blob([]),
    .blob([0]), .blob(Array(0...255)),
  ]

  @Test("a value comes back as it was bound, in its own type", arguments: values)
  func roundTrip(_ value: Value) throws {
    let connection = try memory("CREATE TABLE t (a)")
    try connection.execute("INSERT INTO t VALUES (?1)", value)
    #expect(try connection.value("SELECT a FROM t") == value)
    let type = ["null", "integer", "real", "text", "blob"][index(of: value)]
    #expect(try connection.value("SELECT typeof(a) FROM t") == .text(type))
  }

  private func index(of value: Value) -> Int {
    switch value {
    case .null: 0
    case .integer: 1
    case .real: 2
    case .text, .rawText: 3
    case .blob: 4
    }
  }

  @Test("a row is held against values without being copied", arguments: values)
  func isRow(_ value: Value) throws {
    var statement = try memory().prepare("SELECT ?1, 7")
    try statement.bind([value])
    #expect(try statement.step())
    let isSame = statement.isRow([value, 7])
    #expect(isSame)
    let others =
      Self.values.filter { $0 != value }.map { [$0, 7] } + [[value], [value, 8], [value, 7, .null], []]
    let taken = others.filter { statement.isRow($0) }
    #expect(taken == [])
  }

  @Test("texts that only look the same are two values")
  func looks() throws {
    let (one, other) = ("\u{E9}", "e\u{301}")
    #expect(one == other)
    #expect(Value.text(one) != .text(other))
    #expect(try memory().value("SELECT ?1 = ?2", .text(one), .text(other)) == 0)
    #expect(Set([Value.text(one), .text(other)]).count == 2)
  }

  @Test("NaN becomes NULL, because SQLite has no NaN")
  func nan() throws {
    #expect(try memory().value("SELECT ?1", .real(.nan)) == .null)
  }

  @Test("text that is not UTF-8 keeps its bytes, and is shown with replacement characters")
  func invalidText() throws {
    let value = try memory().value("SELECT CAST(x'41ff42' AS TEXT)")
    #expect(value == .rawText(.utf8([0x41, 0xFF, 0x42])))
    #expect(value?.text == "A\u{FFFD}B")
  }

  @Test(
    "a value is described as SQL writes it",
    arguments: [
      (Value.null, "NULL"), (.integer(-5), "-5"), (.real(1), "1.0"), (.text("it's"), "'it''s'"),
      (.blob([0, 255]), "x'00ff'"), (.blob([]), "x''"),
    ])
  func description(_ value: Value, _ text: String) throws {
    #expect(value.description == text)
    #expect(try memory().value("SELECT \(text)") == value)
  }

  @Test(
    "any name can be written into SQL",
    arguments: ["a", "order", "a\"b", "\"", "a'b", "é", "a b", "[x]", "`", "-- x"])
  func identifiers(_ name: String) throws {
    let connection = try memory("CREATE TABLE \(SQLText.identifier(name)) (\(SQLText.identifier(name)))")
    #expect(try connection.value("SELECT name FROM sqlite_schema") == .text(name))
    #expect(try connection.value("SELECT \(SQLText.literal(name))") == .text(name))
  }
}

struct StatementTests {
  @Test("a statement runs again with other values, and what is not bound again stays")
  func rebinding() throws {
    let connection = try memory("CREATE TABLE t (a, b)")
    var insert = try connection.prepare("INSERT INTO t VALUES (:first, :last)", reused: true)
    #expect(insert.parameterCount == 2)
    #expect(insert.isReadOnly == false)
    try insert.bind([1, "x"])
    #expect(try insert.step() == false)
    insert.reset()
    try insert.bind(2, to: ":first")
    #expect(try insert.step() == false)
    #expect(try connection.rows("SELECT a, b FROM t") == [[1, "x"], [2, "x"]])
    #expect(connection.changes == 1)
    #expect(connection.totalChanges == 2)
    #expect(connection.lastInsertRowID == 2)
  }

  @Test("a parameter that does not exist is an error")
  func noParameter() throws {
    var statement = try memory().prepare("SELECT :a")
    do {
      try statement.bind(1, to: ":b")
      Issue.record("it was bound")
    } catch { #expect(error.code == .misuse) }
    do {
      try statement.bind(1, at: 2)
      Issue.record("it was bound")
    } catch { #expect(error.code.primary == ResultCode(rawValue: 25)) }
  }

  @Test("columns have names and types, and NULL is not the empty text")
  func columns() throws {
    var statement = try memory().prepare(
      "SELECT NULL AS \"no value\", '' AS empty, 5 AS \"a number\", x'' AS bytes")
    #expect(statement.isReadOnly == true)
    #expect(try statement.step() == true)
    #expect(
      (0..<statement.columnCount).map { statement.columnName(at: $0) } == [
        "no value", "empty", "a number", "bytes",
      ])
    #expect(statement.isNull(at: 0) == true)
    #expect(statement.optionalText(at: 0) == nil)
    #expect(statement.optionalText(at: 1) == "")
    #expect(statement.text(at: 2) == "5")
    #expect(statement.value(at: 3) == .blob([]))
    #expect(try statement.step() == false)
  }
}

struct TransactionTests {
  enum Leaving: String, CaseIterable, CustomTestStringConvertible {
    case committed, rolledBack, byReturn, byThrow, afterItsEnd
    var testDescription: String { rawValue }
  }

  struct Stop: Error {}

  @Test("only a commit keeps what a transaction wrote", arguments: Leaving.allCases)
  func scope(_ leaving: Leaving) throws {
    let connection = try memory("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)")
    do { try leave(connection, leaving) } catch is Stop {}
    #expect(connection.isAutocommit)
    #expect(try connection.value("SELECT count(*) FROM t") == (leaving == .committed ? 2 : 1))
    try connection.begin(.deferred).commit()
  }

  private func leave(_ connection: Connection, _ leaving: Leaving) throws {
    let transaction = try connection.begin()
    try connection.execute("INSERT INTO t VALUES (2)")
    switch leaving {
    case .committed: try transaction.commit()
    case .rolledBack: try transaction.rollBack()
    case .byReturn: return
    case .byThrow: throw Stop()
    case .afterItsEnd:
      #expect(failure { try connection.execute("INSERT OR ROLLBACK INTO t VALUES (1)") } != nil)
      #expect(connection.isAutocommit)
    }
  }

  @Test("a transaction that cannot begin leaves the one that is open alone")
  func nested() throws {
    let connection = try memory("CREATE TABLE t (a)")
    let outer = try connection.begin()
    try connection.execute("INSERT INTO t VALUES (1)")
    #expect(failure { try connection.begin().commit() }?.message.contains("within a transaction") == true)
    #expect(!connection.isAutocommit)
    try outer.commit()
    #expect(try connection.value("SELECT count(*) FROM t") == 1)
  }

  @Test("a commit that a reader keeps out is rolled back, and says busy")
  func busy() throws {
    let file = try TemporaryFile()
    let connection = try file.open()
    try connection.execute("CREATE TABLE t (a)")
    let reader = try file.open(.readOnly)
    var rows = try reader.prepare("SELECT name FROM sqlite_schema")
    _ = try rows.step()
    let transaction = try connection.begin()
    try connection.execute("INSERT INTO t VALUES (1)")
    do {
      try transaction.commit()
      Issue.record("it was committed beside a reader")
    } catch { #expect(error.code.primary == .busy) }
    #expect(connection.isAutocommit)
    rows.reset()
    #expect(try connection.value("SELECT count(*) FROM t") == 0)
  }
}

struct ScriptReaderTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let script: String
    let statements: [String]

    init(_ sentence: String, _ script: String, _ statements: [String]) {
      (testDescription, self.script, self.statements) = (sentence, script, statements)
    }
  }

  static let trigger = """
    CREATE TRIGGER r AFTER INSERT ON t BEGIN
      UPDATE t SET a = CASE WHEN a > 1 THEN ';' ELSE 'END;' END; -- not the end;
      DELETE FROM t WHERE a = 3;
    END;
    """

  static let cases = [
    Case("nothing has no statement", "", []),
    Case("comments alone have none", "-- one\n/* two; */ ; ;\n", []),
    Case("the last needs no semicolon", "SELECT 1; SELECT 2", ["SELECT 1;", " SELECT 2"]),
    Case(
      "semicolons in strings, names and comments end nothing", "SELECT ';' AS \";\" /* ; */;\nSELECT 2; -- ;",
      ["SELECT ';' AS \";\" /* ; */;", "\nSELECT 2;"]),
    Case(
      "a trigger with CASE … END stays whole", "CREATE TABLE t (a);\n\(trigger)\nSELECT 1;",
      ["CREATE TABLE t (a);", "\n" + trigger, "\nSELECT 1;"]),
    Case(
      "a statement may need the one before it", "CREATE TABLE é (ü); INSERT INTO é VALUES ('中')",
      ["CREATE TABLE é (ü);", " INSERT INTO é VALUES ('中')"]),
    Case("CRLF line ends", "SELECT 1;\r\nSELECT 2;\r\n", ["SELECT 1;", "\r\nSELECT 2;"]),
  ]

  @Test("a script is taken apart by SQLite", arguments: cases)
  func parts(_ example: Case) throws {
    let connection = try memory()
    var reader = ScriptReader(example.script, on: connection)
    var found: [String] = []
    while let part = try reader.next() {
      found.append(String(decoding: Array(example.script.utf8)[part.range], as: UTF8.self))
      #expect(reader.offset == part.range.upperBound)
      var statement = part.take()
      while try statement.step() {}
    }
    #expect(found == example.statements)
  }

  @Test("the offset of an error counts from the start of the script")
  func offset() throws {
    let script = "SELECT 'é';\nSELECT nme;"
    let connection = try memory()
    let error = failure { try connection.execute(script: script) }
    #expect(error?.sql == script)
    #expect(error?.offset == (SQLiteVersion.running < SQLiteVersion(number: 3_038_000) ? nil : 20))
  }

  @Test(
    "a NUL character is an error with its offset, and hides nothing",
    arguments: ["CREATE TABLE u (a);\0 DROP TABLE t;", "CREATE TABLE u (a)\0; DROP TABLE t;"])
  func nul(_ script: String) throws {
    let connection = try memory("CREATE TABLE t (a)")
    let error = failure { try connection.execute(script: script) }
    #expect(error?.message == "NUL character in SQL")
    #expect(error?.offset == Array(script.utf8).firstIndex(of: 0))
    #expect(try connection.value("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == 1)
  }
}
