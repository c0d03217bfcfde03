internal import PhaseSQL

/// The text of a CREATE TABLE, and changes of it that leave everything else as its author wrote it.
///
/// Each change gives a new text, which is read again: no position outlives a change.
struct TableText {
  let sql: String
  private let bytes: [UInt8]
  /// Without white space and comments.
  private let tokens: [SQLTokens.Token]
  private let name: Int
  /// The columns and constraints between the parentheses, by their tokens.
  private let items: [Range<Int>]

  /// nil for a text without a list of columns, which `sqlite_schema` has for no ordinary table.
  init?(_ sql: String) {
    self.sql = sql
    let bytes = Array(sql.utf8)
    let tokens = SQLTokens(sql).filter { !$0.kind.isTrivia }
    (self.bytes, self.tokens) = (bytes, tokens)
    guard let open = tokens.indices.first(where: { Self.text(tokens[$0], bytes) == "(" }), open > 0 else {
      return nil
    }
    name = open - 1
    var items: [Range<Int>] = []
    var (start, depth) = (open + 1, 1)
    for index in tokens.indices.dropFirst(open + 1) {
      let word = Self.text(tokens[index], bytes)
      if word == "(" { depth += 1 }
      if word == ")" { depth -= 1 }
      if depth == 0 || (depth == 1 && word == ",") {
        items.append(start..<index)
        start = index + 1
      }
      if depth == 0 { break }
    }
    guard depth == 0 else { return nil }
    self.items = items
  }

  /// A word or sign, folded; empty for quoted names, strings and numbers.
  private static func text(_ token: SQLTokens.Token, _ bytes: [UInt8]) -> String {
    guard token.kind == .word || token.kind == .punctuation else { return "" }
    return String(decoding: bytes[token.range], as: UTF8.self).asciiLowercased
  }

  private func word(_ index: Int) -> String {
    tokens.indices.contains(index) ? Self.text(tokens[index], bytes) : ""
  }

  private func name(at index: Int) -> SchemaName? {
    SchemaName(tokens[index].kind, bytes[tokens[index].range])
  }

  /// Never nil: a change at a token's edge leaves a list.
  private func with(_ edits: [(range: Range<Int>, text: String)]) -> TableText {
    var bytes = bytes
    for edit in edits.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
      bytes.replaceSubrange(edit.range, with: Array(edit.text.utf8))
    }
    return TableText(String(decoding: bytes, as: UTF8.self)) ?? self
  }
}

// MARK: - The table

extension TableText {
  /// The same table under another name, also where a CHECK or a generated column says `t.a`.
  func renamed(to new: SchemaName) -> TableText {
    let written = SQLName(new.spelled).description
    guard let old = name(at: name) else { return self }
    let places = tokens.indices.filter { index in
      index == name || (index > name && word(index + 1) == "." && name(at: index) == old)
    }
    return with(places.map { (tokens[$0].range, written) })
  }

  func adding(column declaration: String) -> TableText {
    let last = items.lastIndex { !TableConstraint.starts(with: word($0.lowerBound)) } ?? items.count - 1
    return inserting(declaration, after: items[last])
  }

  func adding(constraint: String) -> TableText { inserting(constraint, after: items[items.count - 1]) }

  private func inserting(_ text: String, after item: Range<Int>) -> TableText {
    let end = tokens[item.upperBound - 1].range.upperBound
    return with([(end..<end, "," + separator + text)])
  }

  /// What stands between two items: one space, or a line end and the indentation of the first item.
  private var separator: String {
    let first = tokens[items[0].lowerBound].range.lowerBound
    let blank = bytes[..<first].suffix(while: { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D })
    guard let line = blank.lastIndex(of: 0x0A) else { return " " }
    return String(decoding: blank[line...], as: UTF8.self)
  }

  func removing(column: SchemaName) -> TableText {
    guard let index = item(of: column), items.count > 1 else { return self }
    return with([(range(removing: index), "")])
  }

  private func range(removing index: Int) -> Range<Int> {
    index + 1 < items.count
      ? tokens[items[index].lowerBound].range
        .lowerBound..<tokens[items[index + 1].lowerBound].range.lowerBound
      : tokens[items[index - 1].upperBound - 1].range
        .upperBound..<tokens[items[index].upperBound - 1].range
        .upperBound
  }

  private func item(of column: SchemaName) -> Int? {
    items.indices.first { index in
      let first = items[index].lowerBound
      return !TableConstraint.starts(with: word(first)) && name(at: first) == column
    }
  }
}

// MARK: - The clauses of a column

extension TableText {
  enum Clause: Hashable {
    case notNull, defaultValue, check, unique, references, other
  }

  /// Writes a clause behind a column's type.
  func adding(_ clause: String, to column: SchemaName) -> TableText {
    guard let index = item(of: column) else { return self }
    let end = tokens[endOfType(items[index]) - 1].range.upperBound
    return with([(end..<end, " " + clause)])
  }

  /// Writes a clause at the end of a column's declaration.
  func appending(_ clause: String, to column: SchemaName) -> TableText {
    guard let index = item(of: column) else { return self }
    let end = tokens[items[index].upperBound - 1].range.upperBound
    return with([(end..<end, " " + clause)])
  }

  func removing(_ clause: Clause, of column: SchemaName) -> TableText {
    guard let index = item(of: column) else { return self }
    let found = clauses(of: items[index]).filter { $0.clause == clause }
    return with(
      found.map {
        (
          tokens[$0.tokens.lowerBound - 1].range
            .upperBound..<tokens[$0.tokens.upperBound - 1].range.upperBound, ""
        )
      }
    )
  }

  /// Removes the constraints that stand behind the columns and are of this kind, where the condition holds.
  func removing(constraintsWhere isMeant: (TableConstraint) -> Bool) -> TableText {
    guard
      let index = items.indices.first(where: { index in
        index > 0 && TableConstraint.starts(with: word(items[index].lowerBound))
          && TableConstraint.all(in: TokenCursor(text(of: items[index]))).contains(where: isMeant)
      })
    else { return self }
    return with([(range(removing: index), "")]).removing(constraintsWhere: isMeant)
  }

  private func text(of item: Range<Int>) -> String {
    let range = tokens[item.lowerBound].range.lowerBound..<tokens[item.upperBound - 1].range.upperBound
    return String(decoding: bytes[range], as: UTF8.self)
  }

  /// The token behind a column's name and type.
  private func endOfType(_ item: Range<Int>) -> Int {
    var index = item.lowerBound + 1
    while index < item.upperBound, !Self.starts.contains(word(index)),
      [.word, .quotedIdentifier, .string].contains(tokens[index].kind)
    {
      index += 1
    }
    return word(index) == "(" && index > item.lowerBound + 1 ? end(ofGroupAt: index) : index
  }

  private func end(ofGroupAt index: Int) -> Int {
    var depth = 0
    for position in index..<tokens.count {
      if word(position) == "(" { depth += 1 }
      if word(position) == ")" { depth -= 1 }
      if depth == 0 { return position + 1 }
    }
    return tokens.count
  }

  /// Each with the CONSTRAINT that names it.
  private func clauses(of item: Range<Int>) -> [(clause: Clause, tokens: Range<Int>)] {
    var clauses: [(clause: Clause, tokens: Range<Int>)] = []
    var index = endOfType(item)
    while index < item.upperBound {
      let start = index
      if word(index) == "constraint" { index += 2 }
      let clause: Clause =
        switch word(index) {
        case "not" where word(index + 1) == "null": .notNull
        case "default": .defaultValue
        case "check": .check
        case "unique": .unique
        case "references": .references
        default: .other
        }
      index += 1
      if clause == .defaultValue, word(index) == "+" || word(index) == "-" { index += 1 }
      if clause == .defaultValue, word(index) != "(" { index += 1 }
      // A name behind REFERENCES or COLLATE may be spelled like the start of a clause.
      if clause == .references || word(start) == "collate" { index += 1 }
      while index < item.upperBound, !isStart(index) {
        index = word(index) == "(" ? end(ofGroupAt: index) : index + 1
      }
      clauses.append((clause, start..<min(index, item.upperBound)))
    }
    return clauses
  }

  /// Whether a clause starts here, and not the NULL of `NOT NULL` or `SET NULL`, or the like.
  private func isStart(_ index: Int) -> Bool {
    guard Self.starts.contains(word(index)) else { return false }
    switch word(index) {
    case "null": return word(index - 1) != "not" && word(index - 1) != "set"
    case "default": return word(index - 1) != "set"
    case "not": return word(index + 1) == "null"
    case "as": return word(index - 1) != "always"
    case "deferrable": return false
    default: return true
    }
  }

  /// The unquoted words that start a column's clauses.
  private static let starts: Set<String> = [
    "as", "check", "collate", "constraint", "default", "deferrable", "generated", "not", "null", "primary",
    "references", "unique",
  ]
}

extension ArraySlice<UInt8> {
  fileprivate func suffix(while isMeant: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    var start = endIndex
    while start > startIndex, isMeant(self[start - 1]) { start -= 1 }
    return self[start...]
  }
}
