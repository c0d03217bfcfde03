#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A name as SQLite compares it: by its bytes, with A to Z as a to z (sqlite.org/src, sqlite3StrICmp).
///
/// Swift's strings are also equal when one has an accented letter and the other a letter followed by an accent, which
/// are two names to SQLite. Tables, columns and other objects are looked up by this type.
package struct FoldedName: Hashable, Sendable {
  /// The name in lower case.
  package let text: String

  package init(_ name: String) {
    let isUpper = { (byte: UInt8) in byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") }
    text =
      name.utf8.contains(where: isUpper)
      ? String(decoding: name.utf8.map { isUpper($0) ? $0 | 0x20 : $0 }, as: UTF8.self) : name
  }

  package static func == (left: FoldedName, right: FoldedName) -> Bool {
    left.text.hasSameBytes(as: right.text)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }

  package var isEmpty: Bool { text.isEmpty }

  package func hasPrefix(_ prefix: String) -> Bool { text.utf8.starts(with: prefix.utf8) }
}

extension FoldedName: Comparable {
  package static func < (left: FoldedName, right: FoldedName) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }
}

extension FoldedName: ExpressibleByStringLiteral, CustomStringConvertible {
  package init(stringLiteral name: String) { self.init(name) }

  package var description: String { text }
}

extension String {
  /// This name, as a schema compares it.
  package var folded: FoldedName { FoldedName(self) }

  /// Whether two texts are the same byte for byte. `==` also holds for texts that only look alike.
  package func hasSameBytes(as other: String) -> Bool {
    let result = unsafe utf8.withContiguousStorageIfAvailable { left in
      unsafe other.utf8.withContiguousStorageIfAvailable { right in
        guard left.count == right.count else { return false }
        guard let one = left.baseAddress, let another = right.baseAddress else { return true }
        return unsafe memcmp(one, another, left.count) == 0
      }
    }
    return (result ?? nil) ?? utf8.elementsEqual(other.utf8)
  }
}

extension UInt8 {
  /// Lower case for A to Z; every other byte unchanged.
  var asciiLowercased: UInt8 {
    self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self
  }
}

extension String {
  /// Lower case for A to Z only, which is how SQLite compares names.
  package var asciiLowercased: String {
    guard utf8.contains(where: { $0 != $0.asciiLowercased }) else { return self }
    return String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self)
  }

  /// How often a word in lower case occurs, in any case.
  package func occurrences(ofLowercased word: String) -> Int {
    let word = Array(word.utf8)
    let bytes = Array(utf8)
    guard let first = word.first, bytes.count >= word.count else { return 0 }
    // Asked of every object that is read, so that the first letter decides before anything else is looked at.
    return (0...bytes.count - word.count).count { start in
      bytes[start].asciiLowercased == first
        && word.indices.allSatisfy { bytes[start + $0].asciiLowercased == word[$0] }
    }
  }
}

/// A name in a schema: as it was spelled, without quotes, and equal to every spelling that SQLite takes for the same
/// name.
package struct SchemaName: Hashable, Sendable {
  package let spelled: String
  /// Folded as SQLite compares names: ASCII only.
  package let key: FoldedName

  package init(_ spelled: String) {
    self.spelled = spelled
    key = spelled.folded
  }

  package init(_ folded: FoldedName) {
    spelled = folded.text
    key = folded
  }

  /// The name in a token; nil when the token cannot be one. SQLite takes a string for a name where only a name can be
  /// (sqlite.org/lang_keywords.html).
  package init?(_ kind: SQLTokens.Token.Kind, _ bytes: ArraySlice<UInt8>) {
    switch kind {
    case .word: self.init(String(decoding: bytes, as: UTF8.self))
    case .quotedIdentifier, .string:
      self.init(String(decoding: SQLTokens.unquoted(bytes), as: UTF8.self))
    default: return nil
    }
  }

  package static func == (left: SchemaName, right: SchemaName) -> Bool { left.key == right.key }

  package func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

extension SchemaName: CustomStringConvertible, ExpressibleByStringLiteral {
  package init(stringLiteral spelled: String) { self.init(spelled) }

  package var description: String { spelled }
}

extension Sequence<SchemaName> {
  /// `a, b`
  package var list: String { map(\.spelled).joined(separator: ", ") }
}

/// A name that equals another one only when their bytes are the same. To `String` "é" equals "e" followed by an accent,
/// and a mark is part of the character before it.
package struct ExactName: Hashable, Sendable {
  package let text: String

  package init(_ name: some StringProtocol) { text = String(name) }

  /// The name of a parameter in SQL: what follows its mark.
  package init(parameter: String) { self.init(String(parameter.unicodeScalars.dropFirst())) }

  package static func == (left: ExactName, right: ExactName) -> Bool {
    left.text.hasSameBytes(as: right.text)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

extension ExactName: ExpressibleByStringLiteral, CustomStringConvertible {
  package init(stringLiteral name: String) { self.init(name) }

  package var description: String { text }
}

/// Names and strings written into SQL.
package enum SQLText {
  /// A name in double quotes, whatever is in it.
  package static func identifier(_ name: String) -> String { quote(name, "\"") }

  /// A folded name in double quotes.
  package static func identifier(_ name: FoldedName) -> String { identifier(name.text) }

  /// A string in single quotes, whatever is in it.
  package static func literal(_ text: String) -> String { quote(text, "'") }

  /// Bytes as SQL writes them.
  package static func blob(_ bytes: [UInt8]) -> String {
    "x'" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'"
  }

  private static func quote(_ text: String, _ mark: Unicode.Scalar) -> String {
    var quoted = String(mark)
    // Not by characters: a mark with an accent behind it is one character, and still a mark to SQLite.
    for scalar in text.unicodeScalars {
      quoted.unicodeScalars.append(scalar)
      if scalar == mark { quoted.unicodeScalars.append(mark) }
    }
    quoted.unicodeScalars.append(mark)
    return quoted
  }
}
