internal import CSQLite
internal import PhaseSQL

/// The statements of a text, found without a database: SQLite itself says at each semicolon whether a statement
/// ends there (sqlite.org/c3ref/complete.html), so that the body of a trigger stays in one piece.
package struct SQLSplitter {
  /// UTF-8 offsets, from a statement's first token to and including its semicolon, or to the end of its last
  /// token when the text ends without one. A semicolon with nothing before it is no statement.
  package private(set) var statements: [Range<Int>] = []
  /// Whether the last statement has no semicolon.
  package private(set) var isLastUnterminated = false
  /// Every `--` comment, in statements and between them, without its line end.
  package private(set) var lineComments: [Range<Int>] = []
  /// The start of a string, blob, quoted name or block comment that is never closed.
  package private(set) var unclosed: Int?

  package static func statements(in text: String) -> [Range<Int>] { SQLSplitter(text).statements }

  package init(_ text: String) { self.init(bytes: Array(text.utf8)) }

  package init(bytes: [UInt8]) {
    var prefix = StatementPrefix(bytes)
    var start: Int?
    var end = 0
    var isInTrigger = false
    var followsEnd = false
    for token in SQLTokens(bytes: bytes) {
      switch token.kind {
      case .space: continue
      case .lineComment:
        lineComments.append(token.range)
        continue
      case .blockComment:
        if !bytes[token.range].isClosedComment { unclosed = token.range.lowerBound }
        continue
      default: break
      }
      // SQLite reads `/*` at the very end as two signs. If text were added, it would begin a comment.
      if token.range.lowerBound == bytes.count - 2, bytes[token.range.lowerBound...].elementsEqual("/*".utf8)
      {
        unclosed = token.range.lowerBound
      }
      guard let first = start ?? (token.isSemicolon ? nil : token.range.lowerBound) else { continue }
      start = first
      end = token.range.upperBound
      // Once a semicolon did not complete a statement, that is a trigger, which only `END;` completes. Asking
      // at its other semicolons would make a long body quadratic.
      if token.isSemicolon, !isInTrigger || followsEnd {
        if prefix.isComplete(first..<end) {
          statements.append(first..<end)
          start = nil
        }
        isInTrigger = start != nil
      }
      followsEnd = token.range.count == 3 && bytes[token.range].isEnd
      if end == bytes.count, token.kind == .illegal, bytes[token.range].opensQuote {
        unclosed = token.range.lowerBound
      }
    }
    if let start {
      statements.append(start..<end)
      isLastUnterminated = true
    }
  }
}

/// Asks SQLite about parts of a text without copying them: meanwhile the byte after the part is NUL.
private struct StatementPrefix {
  private var bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes + [0] }

  mutating func isComplete(_ range: Range<Int>) -> Bool {
    let kept = bytes[range.upperBound]
    bytes[range.upperBound] = 0
    defer { bytes[range.upperBound] = kept }
    return unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return false }
      return unsafe sqlite3_complete(
        (base + range.lowerBound).assumingMemoryBound(to: CChar.self)) == 1
    }
  }
}

extension ArraySlice<UInt8> {
  fileprivate var isEnd: Bool {
    count == 3 && elementsEqual("end".utf8, by: { $0 | 0x20 == $1 })
  }

  /// Whether a token is illegal because its closing quote is missing: a string, a quoted name or a blob.
  fileprivate var opensQuote: Bool {
    guard let first else { return false }
    return "'\"`[".utf8.contains(first)
      || (first | 0x20 == UInt8(ascii: "x") && dropFirst().first == UInt8(ascii: "'")
        && !dropFirst(2).contains(UInt8(ascii: "'")))
  }

  fileprivate var isClosedComment: Bool { count >= 4 && suffix(2).elementsEqual("*/".utf8) }
}
