/// A position in SQL text, and the tokens that are still to be read. Comments and white space are skipped.
package struct TokenCursor {
  private let bytes: [UInt8]
  private var rest: ArraySlice<SQLTokens.Token>

  package init(_ sql: String) {
    bytes = Array(sql.utf8)
    rest = SQLTokens(sql).filter { !$0.kind.isTrivia && !$0.isSemicolon }[...]
  }

  private init(_ bytes: [UInt8], _ rest: ArraySlice<SQLTokens.Token>) {
    self.bytes = bytes
    self.rest = rest
  }

  package var isAtEnd: Bool { rest.isEmpty }
  package var count: Int { rest.count }
  /// The kind of the next token; nil at the end.
  package var kind: SQLTokens.Token.Kind? { rest.first?.kind }

  /// The next unquoted word or sign, or the one so many tokens later, folded; empty for any other token.
  package func word(_ ahead: Int = 0) -> String {
    guard rest.count > ahead else { return "" }
    let token = rest[rest.startIndex + ahead]
    guard token.kind == .word || token.kind == .punctuation else { return "" }
    return String(decoding: bytes[token.range], as: UTF8.self).asciiLowercased
  }

  /// Skips these words if all of them come next.
  package mutating func skip(_ words: String...) -> Bool {
    for (ahead, expected) in words.enumerated() where word(ahead) != expected { return false }
    rest.removeFirst(words.count)
    return true
  }

  package mutating func skipToken() { rest = rest.dropFirst() }

  /// A name in any of SQLite's four quotes or none.
  package mutating func name() -> SchemaName? {
    guard let token = rest.first, let name = SchemaName(token.kind, bytes[token.range]) else { return nil }
    rest.removeFirst()
    return name
  }

  /// A name, with or without a schema before it, which is skipped.
  package mutating func qualifiedName() -> SchemaName? {
    guard let first = name() else { return nil }
    return skip(".") ? name() : first
  }

  /// The content of the parentheses that open here.
  package mutating func group() -> TokenCursor? {
    guard word() == "(", let end = closing() else { return nil }
    let inside = TokenCursor(bytes, rest[(rest.startIndex + 1)..<end])
    rest = rest[(end + 1)...]
    return inside
  }

  private func closing() -> Int? {
    var depth = 0
    for index in rest.indices {
      depth += nesting(rest[index])
      if depth == 0 { return index }
    }
    return nil
  }

  /// +1 for a parenthesis that opens, -1 for one that closes.
  private func nesting(_ token: SQLTokens.Token) -> Int {
    guard token.kind == .punctuation else { return 0 }
    switch bytes[token.range.lowerBound] {
    case UInt8(ascii: "("): return 1
    case UInt8(ascii: ")"): return -1
    default: return 0
    }
  }

  /// The parts between the commas outside parentheses.
  package func items() -> [TokenCursor] {
    var items: [TokenCursor] = []
    var (start, depth) = (rest.startIndex, 0)
    for index in rest.indices {
      depth += nesting(rest[index])
      if depth == 0, rest[index].kind == .punctuation,
        bytes[rest[index].range.lowerBound] == UInt8(ascii: ",")
      {
        items.append(TokenCursor(bytes, rest[start..<index]))
        start = index + 1
      }
    }
    return items + [TokenCursor(bytes, rest[start...])]
  }

  /// Names with commas between them.
  package func names() -> [SchemaName] {
    items().compactMap { item in
      var item = item
      return item.name()
    }
  }

  /// Everything that is left.
  package var fragment: SQLFragment? { fragment(before: TokenCursor(bytes, rest[rest.endIndex...])) }

  /// The text between this position and a later one; nil when there is none.
  package func fragment(before end: TokenCursor) -> SQLFragment? {
    let part = rest.prefix(rest.count - end.rest.count)
    guard let first = part.first, let last = part.last else { return nil }
    let range = first.range.lowerBound..<last.range.upperBound
    return SQLFragment(String(decoding: bytes[range], as: UTF8.self))
  }

  /// This position with only the first so many tokens left.
  package func prefix(_ count: Int) -> TokenCursor { TokenCursor(bytes, rest.prefix(count)) }
}
