/// The tokens of a text by SQLite's own lexical rules (sqlite.org/src tokenize.c; sqlite.org/lang_keywords.html).
///
/// Tokens cover the text without gaps, so that joining them gives the text again.
package struct SQLTokens: Sequence, IteratorProtocol {
  package struct Token: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
      case space, lineComment, blockComment
      case word, quotedIdentifier, string, blob, number, variable, punctuation, illegal

      /// White space and comments: what changes no meaning.
      package var isTrivia: Bool { self == .space || self == .lineComment || self == .blockComment }
    }

    package let kind: Kind
    /// UTF-8 offsets into the text.
    package let range: Range<Int>
    package let isSemicolon: Bool
  }

  package init(_ text: String) { fatalError() }
  package mutating func next() -> Token? { nil }
}
