internal import PhaseSQLite

/// A script that is one UPDATE with a condition, taken apart.
struct SingleUpdate {
  /// What the statement calls the table.
  let alias: String
  /// The expression for each column that it sets.
  let values: [SchemaName: String]
  /// The condition, in which the ends of a batch are the parameters 1 and 2.
  let condition: String

  /// - Returns: nil for anything else: several statements, another table, a conflict clause, rows of other tables, several
  ///   columns set together, or the ends of a batch named elsewhere than once each in the condition.
  init?(_ sql: String, of table: SchemaName) {
    let statements = SQLSplitter.statements(in: sql)
    guard statements.count == 1, let range = statements.first else { return nil }
    let bytes = Array(sql.utf8[...].dropFirst(range.lowerBound).prefix(range.count))
    let text = String(decoding: bytes, as: UTF8.self)
    var words = SQLWord.all(in: text)
    if words.last?.is(";") == true { words.removeLast() }
    guard words.first?.is("update") == true, let name = words.qualifiedName(at: 1),
      SchemaName(words[name.name].text) == table, name.end == 2 || words[1].text == "main"
    else { return nil }
    var next = name.end
    var alias = SQLText.identifier(table.spelled)
    if words.has("as", at: next), words.indices.contains(next + 1), words[next + 1].isName {
      alias = SQLText.identifier(words[next + 1].text)
      next += 2
    }
    guard words.has("set", at: next) else { return nil }
    var values: [SchemaName: String] = [:]
    repeat {
      next += 1
      guard words.indices.contains(next), words[next].isName, words.has("=", at: next + 1) else { return nil }
      let column = SchemaName(words[next].text)
      let end = Self.endOfExpression(words, from: next + 2)
      let value = words[(next + 2)..<end]
      guard !value.isEmpty, value.allSatisfy({ $0.kind != .variable }), values[column] == nil else {
        return nil
      }
      values[column] = Self.text(of: value, in: bytes)
      next = end
    } while words.has(",", at: next)
    guard words.has("where", at: next), next + 1 < words.count else { return nil }
    let condition = words[(next + 1)...]
    guard Self.endOfExpression(words, from: next + 1) == words.count,
      condition.filter({ $0.kind == .variable }).map(\.text.text).sorted()
        == [Batching.first, Batching.last].sorted()
    else { return nil }
    self.alias = alias
    self.values = values
    self.condition = Self.text(of: condition, in: bytes)
  }

  /// The index behind an expression: of a comma, or of a keyword that none has outside parentheses.
  private static func endOfExpression(_ words: [SQLWord], from start: Int) -> Int {
    var index = start
    while index < words.count {
      let word = words[index]
      if word.is(",") || Self.ends.contains(where: word.is) { return index }
      index = word.is("(") ? words.endOfGroup(at: index) : index + 1
    }
    return words.count
  }

  private static let ends = ["from", "where", "returning", "order", "limit"]

  /// The tokens of an expression without comments, one blank between them.
  private static func text(of words: ArraySlice<SQLWord>, in bytes: [UInt8]) -> String {
    words.map { word in
      switch word.text.text {
      case Batching.first where word.kind == .variable: "?1"
      case Batching.last where word.kind == .variable: "?2"
      default: String(decoding: bytes[word.range], as: UTF8.self)
      }
    }.joined(separator: " ")
  }

  /// Whether a condition says no more than that a row is in the batch.
  static func isRange(_ condition: String, of key: BatchKey) -> Bool {
    var words = SQLWord.all(in: condition)[...]
    if words.count == 7, words.dropFirst().first?.is(".") == true { words = words.dropFirst(2) }
    guard words.count == 5, let column = words.first, column.isName, key.names.contains(column.text) else {
      return false
    }
    return words.dropFirst().map(\.text) == ["between", "?1", "and", "?2"]
  }

  /// Puts a value in the place of columns.
  static func replacing(_ columns: Set<SchemaName>, by value: String, in expression: String) -> String {
    guard !columns.isEmpty else { return expression }
    let bytes = Array(expression.utf8)
    let words = SQLWord.all(in: expression)
    var written: [String] = []
    for (index, word) in words.enumerated() {
      let isColumn =
        (word.kind == .word || word.kind == .quotedIdentifier) && columns.contains(SchemaName(word.text))
        && !words.has("(", at: index + 1) && !words.has(".", at: index + 1)
      guard isColumn else {
        written.append(String(decoding: bytes[word.range], as: UTF8.self))
        continue
      }
      // The names of the table and of its schema go with it.
      var before = index
      while words.has(".", at: before - 1), before > 1 {
        written.removeLast(2)
        before -= 2
      }
      written.append(value)
    }
    return written.joined(separator: " ")
  }
}
