import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

/// The key of a table, asked of SQLite and read from the text alone.
struct TableTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let sql: String
    /// The form and the columns with their collations; nil where nothing tells the rows apart.
    let key: String?

    init(_ sentence: String, _ sql: String, _ key: String?) {
      (testDescription, self.sql, self.key) = (sentence, sql, key)
    }
  }

  static let cases = [
    Case("without a primary key rows have a hidden rowid", "(a, b)", "rowID rowid"),
    Case("a column may be called like the rowid", "(rowid, b)", "rowID _rowid_"),
    Case("as may a generated one", "(a, ROWID AS (a), _rowid_)", "rowID oid"),
    Case("columns that have every name of the rowid hide it", "(rowid, _rowid_, oid)", nil),
    Case("INTEGER PRIMARY KEY is the rowid", "(a, Id INTEGER PRIMARY KEY)", "integer Id"),
    Case("so it is at the end, in any order", "(a, id INTEGER, PRIMARY KEY (ID DESC))", "integer id"),
    Case("INT is not", "(id INT PRIMARY KEY)", "columns id BINARY"),
    Case("nor DESC with the column", "(id INTEGER PRIMARY KEY DESC)", "columns id BINARY"),
    Case(
      "nor INTEGER in a table without rowids", "(id INTEGER PRIMARY KEY) WITHOUT ROWID", "columns id BINARY"),
    Case(
      "several columns come in the order of the key",
      "(a, b TEXT COLLATE NOCASE, PRIMARY KEY (b, a COLLATE RTRIM))",
      "columns b NOCASE, a RTRIM"),
    Case(
      "the same without rowids", "(a, b TEXT COLLATE NOCASE, PRIMARY KEY (b, a)) WITHOUT ROWID",
      "columns b NOCASE, a BINARY"),
    Case("a unique column is no key", "(a UNIQUE, b NOT NULL)", "rowID rowid"),
    Case("a strict table has what others have", "(id INTEGER PRIMARY KEY, a TEXT) STRICT", "integer id"),
  ]

  @Test("has the key that its text says", arguments: cases)
  func key(_ example: Case) throws {
    let connection = try Connection(path: "", mode: .memory)
    let sql = "CREATE TABLE t \(example.sql)"
    try connection.execute(sql)
    let table = try #require(try Table("T", on: connection))
    #expect(try RowKey(of: table, on: connection).map(title) == example.key)
    #expect(try #require(TableDefinition(sql)).rowKey.map(title) == example.key)
  }

  private func title(_ key: RowKey) -> String {
    "\(key.form.rawValue) "
      + key.columns.map { column in
        ([column.name] + (column.collation.map { [$0] } ?? [])).joined(separator: " ")
      }
      .joined(separator: ", ")
  }
}
