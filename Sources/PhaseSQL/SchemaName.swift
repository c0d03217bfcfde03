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
