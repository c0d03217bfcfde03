/// A token of SQL for rules, which compare names without regard to quotes and case.
package struct SQLWord {
  package let kind: SQLTokens.Token.Kind
  /// Letters in lower case, names without their quotes.
  package let text: FoldedName
  /// UTF-8 offsets into the SQL.
  package let range: Range<Int>

  package init(kind: SQLTokens.Token.Kind, text: FoldedName, range: Range<Int>) {
    self.kind = kind
    self.text = text
    self.range = range
  }

  /// Every token but comments and white space.
  package static func all(in sql: String) -> [SQLWord] {
    let bytes = Array(sql.utf8)
    return SQLTokens(bytes: bytes).filter { !$0.kind.isTrivia }.map { token in
      let written = bytes[token.range]
      let name = SchemaName(token.kind, written)
      return SQLWord(
        kind: token.kind, text: name?.key ?? FoldedName(String(decoding: written, as: UTF8.self)),
        range: token.range)
    }
  }

  /// Whether the token is this keyword or mark, written without quotes.
  package func `is`(_ word: String) -> Bool {
    (kind == .word || kind == .punctuation) && text == FoldedName(word)
  }

  /// Whether it can be a name. SQLite takes a string for a name where only a name can be.
  package var isName: Bool { kind == .word || kind == .quotedIdentifier || kind == .string }
}

extension [SQLWord] {
  /// Reads a name, with or without the name of a schema before it.
  ///
  /// - Returns: its index and the index of what follows, nil when there is no name.
  package func qualifiedName(at index: Int) -> (name: Int, end: Int)? {
    guard indices.contains(index), self[index].isName else { return nil }
    if indices.contains(index + 2), self[index + 1].is("."), self[index + 2].isName {
      return (index + 2, index + 3)
    }
    return (index, index + 1)
  }

  /// Whether these words follow each other from an index on.
  package func has(_ words: String..., at index: Int) -> Bool {
    index >= 0 && index + words.count <= count
      && words.enumerated().allSatisfy { self[index + $0.offset].is($0.element) }
  }

  /// Whether the definition of a table has `CHECK (false)`: a phase copies bad rows into such a table, to fail.
  package var refusesEveryRow: Bool { indices.contains { has("check", "(", "false", at: $0) } }

  /// The index after the parenthesis that closes the one at an index.
  package func endOfGroup(at index: Int) -> Int {
    var depth = 0
    for end in self.indices.dropFirst(index) {
      if self[end].is("(") { depth += 1 }
      if self[end].is(")") { depth -= 1 }
      if depth == 0 { return end + 1 }
    }
    return count
  }

  /// The indices outside parentheses.
  package var outermost: [Int] {
    var outermost: [Int] = []
    var index = 0
    while index < count {
      if !self[index].is("(") { outermost.append(index) }
      index = self[index].is("(") ? endOfGroup(at: index) : index + 1
    }
    return outermost
  }

  /// The parts of a list between its commas, with what is in parentheses.
  package func items(in range: Range<Int>) -> [[SQLWord]] {
    var items: [[SQLWord]] = [[]]
    var index = range.lowerBound
    while index < range.upperBound {
      let end = self[index].is("(") ? Swift.min(endOfGroup(at: index), range.upperBound) : index + 1
      if self[index].is(",") { items.append([]) } else { items[items.count - 1] += self[index..<end] }
      index = end
    }
    return items
  }
}

/// What an INSERT says of its table: `INTO t AS a (x, y)`.
package struct InsertTarget {
  package let table: SQLWord
  /// The columns that it lists, as written; nil when it lists none.
  package let columns: [FoldedName]?
  /// The index of what follows.
  package let end: Int

  /// - Parameter into: the index of INTO.
  /// - Returns: nil when no name follows.
  package init?(_ words: [SQLWord], into: Int) {
    guard let target = words.qualifiedName(at: into + 1) else { return nil }
    table = words[target.name]
    let next = words.has("as", at: target.end) ? target.end + 2 : target.end
    end = words.has("(", at: next) ? words.endOfGroup(at: next) : next
    columns = words.has("(", at: next) ? words[next..<end].filter(\.isName).map(\.text) : nil
  }
}
