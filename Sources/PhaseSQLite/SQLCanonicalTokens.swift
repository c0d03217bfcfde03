/// Token forms in which two spellings of the same SQL are the same bytes. Every token is written as its class,
/// its length and its text, so that no two sequences of tokens run together into one.
extension SQLTokens {
  /// The form in which schema texts are compared: names are unquoted and folded to lower case, ASCII only as
  /// SQLite does it, numbers and blobs are folded too, comments and white space are dropped.
  ///
  /// ALTER TABLE and a rebuild leave quotes around names that had none, so a comparison must not see them.
  package static func normalized(_ sql: String) -> [UInt8] { canonical(sql, folding: true) }

  /// The form a phase's identity is made of: comments and white space are dropped, everything else counts as it
  /// was written.
  package static func exact(_ sql: String) -> [UInt8] { canonical(sql, folding: false) }

  /// The same without the semicolons after the last other token.
  package static func exactWithoutLastSemicolons(_ sql: String) -> [UInt8] {
    canonical(sql, folding: false, droppingLastSemicolons: true)
  }

  private static func canonical(_ sql: String, folding: Bool, droppingLastSemicolons: Bool = false) -> [UInt8]
  {
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
        output.append(folded: bytes[token.range])
      case .quotedIdentifier where folding:
        output.append(folded: unquoted(bytes[token.range]))
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
    if droppingLastSemicolons { output.removeSubrange(end...) }
    return output
  }

  /// What a quoted name or a string says: without its quotes, doubled ones made single.
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

extension [UInt8] {
  fileprivate mutating func append(folded bytes: ArraySlice<UInt8>) {
    for byte in bytes {
      let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
      append(isUpper ? byte | 0x20 : byte)
    }
  }
}

extension SQLTokens {
  /// What may be a name in a text, unquoted and folded to lower case. Keywords are among them, and strings, which SQLite
  /// takes for names where only a name can be (sqlite.org/lang_keywords.html).
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
}
