internal import PhaseSQLite

/// A token of SQL as rules look at it: what it names, whatever its quotes and the case of its letters.
struct SQLWord {
  let kind: SQLTokens.Token.Kind
  /// Letters in lower case, names without their quotes.
  let text: FoldedName
  /// UTF-8 offsets into the SQL.
  let range: Range<Int>

  /// Every token but comments and white space.
  static func all(in sql: String) -> [SQLWord] {
    let bytes = Array(sql.utf8)
    return SQLTokens(bytes: bytes).filter { !$0.kind.isTrivia }.map { token in
      let written = bytes[token.range]
      let name = SchemaName(token.kind, written)
      return SQLWord(
        kind: token.kind, text: name?.key ?? FoldedName(String(decoding: written, as: UTF8.self)),
        range: token.range)
    }
  }

  /// Whether it is this keyword or this mark, written without quotes.
  func `is`(_ word: String) -> Bool { (kind == .word || kind == .punctuation) && text == FoldedName(word) }

  /// Whether it can name something. SQLite takes a string for a name where only a name can be.
  var isName: Bool { kind == .word || kind == .quotedIdentifier || kind == .string }
}

extension Array where Element == SQLWord {
  /// Reads a name that may have that of a schema before it.
  ///
  /// - Returns: its index and that of what follows, nil when there is no name.
  func qualifiedName(at index: Int) -> (name: Int, end: Int)? {
    guard indices.contains(index), self[index].isName else { return nil }
    if indices.contains(index + 2), self[index + 1].is("."), self[index + 2].isName {
      return (index + 2, index + 3)
    }
    return (index, index + 1)
  }

  /// Whether these words stand at an index, one behind the other.
  func has(_ words: String..., at index: Int) -> Bool {
    index >= 0 && index + words.count <= count
      && words.enumerated().allSatisfy { self[index + $0.offset].is($0.element) }
  }

  /// The index behind the parenthesis that closes the one at an index.
  func endOfGroup(at index: Int) -> Int {
    var depth = 0
    for end in self.indices.dropFirst(index) {
      if self[end].is("(") { depth += 1 }
      if self[end].is(")") { depth -= 1 }
      if depth == 0 { return end + 1 }
    }
    return count
  }
}

extension StatementEffect {
  /// The tokens of the statement, with places in the whole script.
  func words(in script: Script) -> [SQLWord] {
    let utf8 = script.text.utf8
    let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
    let part = utf8[start..<utf8.index(utf8.startIndex, offsetBy: range.upperBound)]
    return SQLWord.all(in: String(decoding: part, as: UTF8.self)).map { word in
      let from = word.range.lowerBound + range.lowerBound
      return SQLWord(kind: word.kind, text: word.text, range: from..<(from + word.range.count))
    }
  }

  func place(in script: Script) -> Place {
    let first = words(in: script).first?.range ?? range
    return script.place(at: first.lowerBound, length: first.count)
  }

  /// What an ALTER TABLE … RENAME TO renames; nil for any other statement.
  func rename(in script: Script) -> (from: FoldedName, to: FoldedName)? {
    guard !writes.alteredTables.isEmpty else { return nil }
    let words = words(in: script)
    guard words.has("alter", "table", at: 0), let old = words.qualifiedName(at: 2),
      words.has("rename", "to", at: old.end), let new = words.qualifiedName(at: old.end + 2)
    else { return nil }
    return (words[old.name].text, words[new.name].text)
  }
}
