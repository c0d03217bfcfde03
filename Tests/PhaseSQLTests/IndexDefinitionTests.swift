import Testing

@testable import PhaseSQL

struct IndexDefinitionTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let sql: String
    let columns: [String]
    let condition: String?
    let isUnique: Bool

    init(
      _ sentence: String, _ sql: String, _ columns: [String], where condition: String? = nil,
      unique: Bool = false
    ) {
      (testDescription, self.sql, self.columns) = (sentence, sql, columns)
      (self.condition, self.isUnique) = (condition, unique)
    }
  }

  static let cases = [
    Case("of one column", "CREATE INDEX i ON t (a)", ["a"]),
    Case(
      "that is unique", "CREATE UNIQUE INDEX IF NOT EXISTS main.\"i\" ON [t] (\"A\" ASC)", ["A"], unique: true
    ),
    Case(
      "that sorts and compares", "CREATE INDEX i ON t(a COLLATE nocase DESC, b desc)",
      ["a COLLATE nocase DESC", "b DESC"]),
    Case("of a column named desc", "CREATE INDEX i ON t (desc, asc DESC)", ["desc", "asc DESC"]),
    Case(
      "of an expression with commas", "CREATE INDEX i ON t (coalesce(a, b)/**/, a+ 1 DESC)",
      ["coalesce(a, b)", "a+ 1 DESC"]),
    Case("of some rows", "CREATE INDEX i ON t (a) WHERE a IN (1, 2) -- end", ["a"], where: "a IN (1, 2)"),
  ]

  @Test("reads an index", arguments: cases)
  func reads(_ row: Case) throws {
    let index = try #require(IndexDefinition(row.sql))
    #expect(index.name == "I" && index.table == "T")
    #expect(index.columns.map(\.text) == row.columns)
    #expect(index.condition?.text == row.condition)
    #expect(index.isUnique == row.isUnique)
  }

  @Test("is no index", arguments: ["", "CREATE TABLE t (a)", "CREATE INDEX i", "CREATE INDEX i ON t"])
  func noIndex(_ sql: String) { #expect(IndexDefinition(sql) == nil) }

  @Test("spelling makes no other index")
  func spelling() {
    #expect(
      IndexDefinition("CREATE INDEX i ON t (a, B+1) WHERE a>1")
        == IndexDefinition("create index \"I\" on T ([A], b + /* one */ 1) where \"a\" > 1"))
  }
}
