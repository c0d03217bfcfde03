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
