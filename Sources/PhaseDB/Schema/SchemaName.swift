internal import PhaseSQLite

/// A name in a schema: as it was spelled, without quotes, and equal to every spelling SQLite takes for the same.
struct SchemaName: Hashable, Sendable {
  let spelled: String
  /// Folded as SQLite compares names: ASCII only.
  let key: FoldedName

  init(_ spelled: String) {
    self.spelled = spelled
    key = spelled.folded
  }

  init(_ folded: FoldedName) {
    spelled = folded.text
    key = folded
  }

  /// What a token names; nil when it can name nothing. SQLite takes a string for a name where only a name can be
  /// (sqlite.org/lang_keywords.html).
  init?(_ kind: SQLTokens.Token.Kind, _ bytes: ArraySlice<UInt8>) {
    switch kind {
    case .word: self.init(String(decoding: bytes, as: UTF8.self))
    case .quotedIdentifier, .string:
      self.init(String(decoding: SQLTokens.unquoted(bytes), as: UTF8.self))
    default: return nil
    }
  }

  static func == (left: SchemaName, right: SchemaName) -> Bool { left.key == right.key }

  func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

extension SchemaName: CustomStringConvertible, ExpressibleByStringLiteral {
  init(stringLiteral spelled: String) { self.init(spelled) }

  var description: String { spelled }
}

extension Sequence<SchemaName> {
  /// `a, b`
  var list: String { map(\.spelled).joined(separator: ", ") }
}
