/// The tokens of a text by SQLite's own lexical rules (the file src/tokenize.c at sqlite.org/src).
///
/// Tokens cover the text without gaps, so that joining them gives the text again.
package struct SQLTokens: Sequence, IteratorProtocol {
  package struct Token: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
      case space, lineComment, blockComment
      case word, quotedIdentifier, string, blob, number, variable, punctuation, illegal

      /// White space and comments, which do not change the meaning.
      package var isTrivia: Bool {
        switch self {
        case .space, .lineComment, .blockComment: true
        default: false
        }
      }
    }

    package let kind: Kind
    /// UTF-8 offsets into the text.
    package let range: Range<Int>
    package let isSemicolon: Bool
  }

  package let bytes: [UInt8]
  private var position = 0

  package init(_ text: String) { self.init(bytes: Array(text.utf8)) }

  package init(bytes: [UInt8]) { self.bytes = bytes }

  package mutating func next() -> Token? {
    guard position < bytes.count else { return nil }
    let start = position
    let first = bytes[start]
    let kind: Token.Kind
    if Self.isWordByte(first), !Self.isDigit(first), first != UInt8(ascii: "$") {
      kind = scanWord(first)
    } else if Self.isDigit(first) {
      kind = scanNumber()
    } else {
      kind = scanOther(first)
    }
    return Token(
      kind: kind, range: start..<position,
      isSemicolon: first == UInt8(ascii: ";") && kind == .punctuation)
  }
}

extension SQLTokens {
  /// Whether a byte may be part of an unquoted name: letters, digits, `_`, `$` and every byte outside ASCII.
  package static func isWordByte(_ byte: UInt8) -> Bool {
    byte >= 0x80 || isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
      || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  static func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }

  /// The byte `ahead` of the current one, NUL past the end.
  private func peek(_ ahead: Int) -> UInt8 {
    position + ahead < bytes.count ? bytes[position + ahead] : 0
  }

  private mutating func skip(while condition: (UInt8) -> Bool) {
    while position < bytes.count, condition(bytes[position]) { position += 1 }
  }

  private mutating func take(_ count: Int, _ kind: Token.Kind) -> Token.Kind {
    position += count
    return kind
  }

  private mutating func scanWord(_ first: UInt8) -> Token.Kind {
    if first == 0xEF, peek(1) == 0xBB, peek(2) == 0xBF { return take(3, .space) }  // a byte order mark
    if first | 0x20 == UInt8(ascii: "x"), peek(1) == UInt8(ascii: "'") { return scanBlob() }
    skip(while: Self.isWordByte)
    return .word
  }

  private mutating func scanBlob() -> Token.Kind {
    position += 2
    let digits = position
    skip(while: Self.isHexDigit)
    let isWhole = peek(0) == UInt8(ascii: "'") && (position - digits).isMultiple(of: 2)
    skip(while: { $0 != UInt8(ascii: "'") })
    position = Swift.min(position + 1, bytes.count)
    return isWhole ? .blob : .illegal
  }

  private mutating func scanNumber() -> Token.Kind {
    if peek(0) == UInt8(ascii: "0"), peek(1) | 0x20 == UInt8(ascii: "x"), Self.isHexDigit(peek(2)) {
      position += 2
      skip(while: Self.isHexDigit)
      return .number
    }
    skip(while: Self.isDigit)
    if peek(0) == UInt8(ascii: ".") {
      position += 1
      skip(while: Self.isDigit)
    }
    if peek(0) | 0x20 == UInt8(ascii: "e") {
      let isSigned = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-")
      if Self.isDigit(peek(isSigned ? 2 : 1)) {
        position += isSigned ? 2 : 1
        skip(while: Self.isDigit)
      }
    }
    // A number that runs into a name, as in 12ab, is one illegal token to SQLite.
    let end = position
    skip(while: Self.isWordByte)
    return position == end ? .number : .illegal
  }

  private mutating func scanOther(_ first: UInt8) -> Token.Kind {
    let second = peek(1)
    switch first {
    case UInt8(ascii: " "), 0x09, 0x0A, 0x0C, 0x0D:
      skip(while: Self.isSpace)
      return .space
    case UInt8(ascii: "-") where second == UInt8(ascii: "-"):
      skip(while: { $0 != UInt8(ascii: "\n") })
      return .lineComment
    case UInt8(ascii: "-") where second == UInt8(ascii: ">"):
      return take(peek(2) == UInt8(ascii: ">") ? 3 : 2, .punctuation)
    case UInt8(ascii: "/") where second == UInt8(ascii: "*") && position + 2 < bytes.count:
      return scanBlockComment()
    case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"):
      return scanQuoted(first)
    case UInt8(ascii: "["):
      skip(while: { $0 != UInt8(ascii: "]") })
      return position < bytes.count ? take(1, .quotedIdentifier) : .illegal
    case UInt8(ascii: ".") where Self.isDigit(second):
      return scanNumber()
    case UInt8(ascii: "?"):
      position += 1
      skip(while: Self.isDigit)
      return .variable
    case UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "$"), UInt8(ascii: "#"):
      return scanVariable()
    case UInt8(ascii: "|") where second == UInt8(ascii: "|"),
      UInt8(ascii: "=") where second == UInt8(ascii: "="),
      UInt8(ascii: "!") where second == UInt8(ascii: "="),
      UInt8(ascii: ">") where second == UInt8(ascii: "=") || second == UInt8(ascii: ">"),
      UInt8(ascii: "<") where second >= UInt8(ascii: "<") && second <= UInt8(ascii: ">"):
      return take(2, .punctuation)
    case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "."),
      UInt8(ascii: "="), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "+"), UInt8(ascii: "-"),
      UInt8(ascii: "*"), UInt8(ascii: "/"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "|"),
      UInt8(ascii: "~"):
      return take(1, .punctuation)
    default:
      return take(1, .illegal)
    }
  }

  private mutating func scanBlockComment() -> Token.Kind {
    position += 2
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") { return take(2, .blockComment) }
      position += 1
    }
    return .blockComment
  }

  private mutating func scanQuoted(_ quote: UInt8) -> Token.Kind {
    position += 1
    while position < bytes.count {
      if bytes[position] == quote {
        guard peek(1) == quote else {
          return take(1, quote == UInt8(ascii: "'") ? .string : .quotedIdentifier)
        }
        position += 1
      }
      position += 1
    }
    return .illegal
  }

  /// `:name`, `@name`, `#name` and `$name`, with the `::` and `(…)` of Tcl's names.
  private mutating func scanVariable() -> Token.Kind {
    position += 1
    var letters = 0
    while position < bytes.count {
      let byte = bytes[position]
      if Self.isWordByte(byte) {
        letters += 1
        position += 1
      } else if byte == UInt8(ascii: "("), letters > 0 {
        position += 1
        skip(while: { !Self.isSpace($0) && $0 != UInt8(ascii: ")") })
        return peek(0) == UInt8(ascii: ")") ? take(1, .variable) : .illegal
      } else if byte == UInt8(ascii: ":"), peek(1) == UInt8(ascii: ":") {
        position += 2
      } else {
        break
      }
    }
    return letters > 0 ? .variable : .illegal
  }
}

// MARK: - Forms to compare

/// Token forms in which two spellings of the same SQL are the same bytes. Every token is written as its class,
/// its length and its text, so that no two sequences of tokens run together into one.
extension SQLTokens {
  /// The form in which schema texts are compared: names are unquoted and folded to lower case, ASCII only as
  /// SQLite does it, numbers and blobs are folded too, comments and white space are dropped.
  ///
  /// ALTER TABLE and a rebuild leave quotes around names that had none, so a comparison must not see them.
  package static func normalized(_ sql: String) -> [UInt8] { canonical(sql, folding: true) }

  /// The form a phase's identity is made of: comments, white space and the semicolons after the last other token are
  /// dropped, everything else counts as it was written.
  package static func exactWithoutLastSemicolons(_ sql: String) -> [UInt8] { canonical(sql, folding: false) }

  private static func canonical(_ sql: String, folding: Bool) -> [UInt8] {
    let tokens = SQLTokens(sql)
    let bytes = tokens.bytes
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count + bytes.count / 2)
    var end = 0
    for token in tokens where !token.kind.isTrivia {
      let kind: Token.Kind = folding && token.kind == .quotedIdentifier ? .word : token.kind
      output.append(kind.rawValue)
      let lengthAt = output.count
      output.append(0)
      switch token.kind {
      case .word where folding, .number where folding, .blob where folding:
        output += bytes[token.range].map(\.asciiLowercased)
      case .quotedIdentifier where folding:
        output += unquoted(bytes[token.range]).map(\.asciiLowercased)
      default:
        for index in token.range { output.append(bytes[index]) }
      }
      let length = output.count - lengthAt - 1
      if length < 0xFF {
        output[lengthAt] = UInt8(length)
      } else {
        output[lengthAt] = 0xFF
        let wide = (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
        output.insert(contentsOf: wide, at: lengthAt + 1)
      }
      if !token.isSemicolon { end = output.count }
    }
    if !folding { output.removeSubrange(end...) }
    return output
  }

  /// The content of a quoted name or a string: without its quotes, and with doubled quotes made single.
  package static func unquoted(_ quoted: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var name: [UInt8] = []
    var isSecond = false
    for byte in quoted.dropFirst().dropLast() {
      isSecond = !isSecond && byte == quoted.first && byte != UInt8(ascii: "[")
      if !isSecond { name.append(byte) }
    }
    return name[...]
  }
}

extension SQLTokens {
  /// All words of a text that may be names, unquoted and folded to lower case. They include keywords, and strings,
  /// which SQLite takes for names where only a name can be (sqlite.org/lang_keywords.html).
  package static func identifiers(in sql: String) -> Set<FoldedName> {
    let tokens = SQLTokens(sql)
    let bytes = tokens.bytes
    var names: Set<FoldedName> = []
    for token in tokens where [.word, .quotedIdentifier, .string].contains(token.kind) {
      let name = token.kind == .word ? bytes[token.range] : unquoted(bytes[token.range])
      names.insert(FoldedName(String(decoding: name, as: UTF8.self)))
    }
    return names
  }

  /// What a statement begins with: its first tokens but comments and white space, in lower case for A to Z.
  package static func firstWords(_ count: Int, of sql: some Collection<UInt8>) -> [String] {
    let tokens = SQLTokens(bytes: Array(sql))
    var words: [String] = []
    for token in tokens where !token.kind.isTrivia {
      words.append(String(decoding: tokens.bytes[token.range], as: UTF8.self).asciiLowercased)
      if words.count == count { break }
    }
    return words
  }
}
