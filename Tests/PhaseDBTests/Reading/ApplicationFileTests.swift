import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

/// What a version asks, read from its file.
struct ApplicationFileTests {
  private static func read(_ text: String) throws(MigrationError) -> ApplicationScript {
    try ApplicationFile.read(
      text, file: "apps/shop/1.4.sql", application: "shop", version: try Version("1.4"))
  }

  @Test("a value of every type is what SQLite reads it as", arguments: values)
  func value(_ text: String, _ value: Value) throws {
    let script = try Self.read("-- @query q\n-- @with a = \(text)\nSELECT :a;")
    #expect(script.queries[0].rows == [[.value(value)]])
  }

  static let values: [(String, Value)] = [
    ("NULL", .null), ("7", 7), ("-7", -7), ("9223372036854775807", .integer(.max)), ("1.5", .real(1.5)),
    ("-2e3", .real(-2000)), ("'it''s, (here)'", "it's, (here)"), ("''", ""), ("x'00ff'", .blob([0, 255])),
    ("'two' || char(10) || 'lines'", "two\nlines"), ("zeroblob(2)", .blob([0, 0])), ("TRUE", 1),
    ("max(1, 2)", 2),
  ]

  @Test("parameters are named or counted as SQLite counts them", arguments: parameters)
  func parameter(_ with: String, _ sql: String, _ row: [Value]) throws {
    let query = try Self.read("-- @query q\n-- @with \(with)\n\(sql);").queries[0]
    #expect(query.rows == [row.map { .value($0) }])
    let connection = try Connection(path: "", mode: .memory)
    #expect(try connection.prepare(sql).parameterCount == query.parameters.last?.number)
  }

  static let parameters: [(String, String, [Value])] = [
    ("id = 7, name = 'x'", "SELECT :name, :id, :name", ["x", 7]),
    (":id = 7", "SELECT @id", [7]),
    ("7, 'x'", "SELECT ?, ?", [7, "x"]),
    ("2 = 'x', 1 = 7", "SELECT ?2, ?1", [7, "x"]),
    ("3 = 1, 4 = 2", "SELECT ?3, ?", [1, 2]),
    ("\"order\" = 1", "SELECT $order", [1]),
    ("1 = 1, b = 2", "SELECT ?, :b", [1, 2]),
    ("\u{E9} = 1, e\u{301} = 2", "SELECT :\u{E9}, :e\u{301}, :\u{E9}", [1, 2]),
    ("e\u{301} = 2, \u{E9} = 1", "SELECT :\u{E9}, :e\u{301}", [1, 2]),
    ("\u{301}a = 1, a = 2", "SELECT :\u{301}a, :a", [1, 2]),
  ]

  @Test("a file may have everything the format knows")
  func whole() throws {
    let script = try Self.read(
      """
      \u{FEFF}-- What 1.4 asks.
      -- @query place an order
      -- @with customer = 1
      -- @with customer = 2
      -- @as order_id = id, row = last_insert_rowid()
      INSERT INTO orders (customer_id) VALUES (:customer) RETURNING id; -- placed

      -- @query its line
      -- @with order = :order_id, product = 3
      INSERT INTO order_lines VALUES (:order, :product);
        -- @query nobody has this one
        -- @expect error
        INSERT INTO orders (id, note) VALUES (:row, '-- @query no');
      """)
    #expect(script.queries.map(\.title) == ["place an order", "its line", "nobody has this one"])
    #expect(script.queries[0].rows == [[.value(1)], [.value(2)]])
    #expect(
      script.queries[0].results
        == [.init(name: "order_id", from: .column("id")), .init(name: "row", from: .lastInsertRowID)])
    #expect(script.queries[1].rows == [[.result("order_id"), .value(3)]])
    #expect(script.queries[2].rows == [[.result("row")]])
    #expect(script.queries.map(\.expectsError) == [false, false, true])
    #expect(
      script.queries.map(\.place.description)
        == ["apps/shop/1.4.sql:6:1", "apps/shop/1.4.sql:10:1", "apps/shop/1.4.sql:13:3"])
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String
    let golden: String

    init(_ testDescription: String, _ text: String, _ golden: String) {
      self.testDescription = testDescription
      self.text = text
      self.golden = golden
    }
  }

  @Test("what cannot be read is refused with its place and a remedy", arguments: refused)
  func refuses(_ row: Case) {
    let error = migrationError { try Self.read(row.text) }
    #expect(error?.golden == row.golden)
  }

  @Test("line ends of Windows change no error", arguments: refused)
  func lineEnds(_ row: Case) {
    let error = migrationError { try Self.read(row.text.replacing("\n", with: "\r\n")) }
    #expect(error?.golden == row.golden)
  }

  static let refused = [
    Case(
      "an empty file", "-- nothing yet",
      """
      apps/shop/1.4.sql:1:1: the file has no query [bad-directive]
      | -- nothing yet
      | ^
      help: write -- @query NAME and under it a statement of the application
      """),
    Case(
      "a statement without a name", "SELECT 1;",
      """
      apps/shop/1.4.sql:1:1: there is a statement before the first @query [bad-directive]
      | SELECT 1;
      | ^^^^^^^^^
      help: say what it is for on a line above it: -- @query customer by id
      """),
    Case(
      "a second statement", "-- @query q\nSELECT 1; SELECT 2;",
      """
      apps/shop/1.4.sql:2:11: the query 'q' has a second statement [bad-directive]
      | SELECT 1; SELECT 2;
      |           ^^^^^^^^^
      help: write a -- @query NAME of its own above it
      """),
    Case(
      "a name without a statement", "-- @query q\n-- @query r\nSELECT 1;",
      """
      apps/shop/1.4.sql:1:4: the query 'q' has no statement [bad-directive]
      | -- @query q
      |    ^^^^^^^^
      help: write its SQL under it
      """),
    Case(
      "a name given twice", "-- @query q\nSELECT 1;\n-- @query q\nSELECT 2;",
      """
      apps/shop/1.4.sql:3:11: there is another query 'q' on line 2 [bad-directive]
      | -- @query q
      |           ^
      help: give each query a name of its own
      """),
    Case(
      "a misspelt directive", "-- @qurey q\nSELECT 1;",
      """
      apps/shop/1.4.sql:1:4: '@qurey' is not a directive of a version's queries [unknown-directive]
      | -- @qurey q
      |    ^^^^^^
      help: did you mean @query?
      """),
    Case(
      "a directive of another file", "-- @query q\n-- @window shop >=1\nSELECT 1;",
      """
      apps/shop/1.4.sql:2:4: '@window' is not a directive of a version's queries [unknown-directive]
      | -- @window shop >=1
      |    ^^^^^^^
      help: the directives are @query, @with, @expect, @as
      """),
    Case(
      "values behind their statement", "-- @query q\nSELECT :a;\n-- @with a = 1",
      """
      apps/shop/1.4.sql:3:4: @with belongs to no statement [bad-directive]
      | -- @with a = 1
      |    ^^^^^
      help: write it between -- @query NAME and the statement
      """),
    Case(
      "a parameter that is not there", "-- @query q\n-- @with nmae = 1\nSELECT :name;",
      """
      apps/shop/1.4.sql:2:10: the query 'q' has no parameter 'nmae' [bad-directive]
      | -- @with nmae = 1
      |          ^^^^
      help: did you mean name?
      """),
    Case(
      "a value too many", "-- @query q\n-- @with 1, 2\nSELECT ?;",
      """
      apps/shop/1.4.sql:2:13: the query 'q' has no parameter number 2 [bad-directive]
      | -- @with 1, 2
      |             ^
      help: its parameters are 1
      """),
    Case(
      "a parameter without a value", "-- @query q\n-- @with a = 1\nSELECT :a, :b;",
      """
      apps/shop/1.4.sql:2:4: the query 'q' has no value for its parameter ':b' [bad-directive]
      | -- @with a = 1
      |    ^^^^^^^^^^^
      help: write -- @with b = VALUE above the statement
      """),
    Case(
      "a text without quotes", "-- @query q\n-- @with a = Ann\nSELECT :a;",
      """
      apps/shop/1.4.sql:2:14: 'Ann' is not a value: no such column: Ann [bad-directive]
      | -- @with a = Ann
      |              ^^^
      help: write NULL, 42, 1.5, 'text', x'00ff', or a constant expression; put text in single quotes
      """),
    Case(
      "a value that would be two", "-- @query q\n-- @with a = 1) + (2\nSELECT :a;",
      """
      apps/shop/1.4.sql:2:14: '1) + (2' is not a value: it is more than one [bad-directive]
      | -- @with a = 1) + (2
      |              ^^^^^^^
      help: write NULL, 42, 1.5, 'text', x'00ff', or a constant expression; put text in single quotes
      """),
    Case(
      "a result that nobody named", "-- @query q\n-- @with a = :new_id\nSELECT :a;",
      """
      apps/shop/1.4.sql:2:14: no query before this one names a result 'new_id' [bad-directive]
      | -- @with a = :new_id
      |              ^^^^^^^
      help: name it there: -- @as new_id = COLUMN
      """),
    Case(
      "an expectation of something else", "-- @query q\n-- @expect nothing\nSELECT 1;",
      """
      apps/shop/1.4.sql:2:12: @expect accepts only 'error' [bad-directive]
      | -- @expect nothing
      |            ^^^^^^^
      help: write -- @expect error
      """),
    Case(
      "a result of no column", "-- @query q\n-- @as x = count(*)\nSELECT count(*);",
      """
      apps/shop/1.4.sql:2:12: 'count(*)' is not a column of a result [bad-directive]
      | -- @as x = count(*)
      |            ^^^^^^^^
      help: write the name of one column, or last_insert_rowid()
      """),
    Case(
      "a transaction", "-- @query q\nBEGIN;",
      """
      apps/shop/1.4.sql:2:1: BEGIN in a version's queries is not allowed [forbidden-statement]
      | BEGIN;
      | ^^^^^
      help: remove it: phasedb runs the queries in a transaction that it rolls back
      """),
    Case(
      "a statement without its end", "-- @query q\nSELECT 1\n-- @query r\nSELECT 2;",
      """
      apps/shop/1.4.sql:2:1: the statement has no semicolon before @query on line 3 [incomplete-statement]
      | SELECT 1
      | ^^^^^^^^
      help: end the statement on line 2 with ;
      """),
    Case(
      "a string without its end", "-- @query q\nSELECT 'a;",
      """
      apps/shop/1.4.sql:2:8: the string that starts here is never closed [incomplete-statement]
      | SELECT 'a;
      |        ^
      help: close it with '
      """),
  ]
}
