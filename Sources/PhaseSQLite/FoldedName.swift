/// A name as SQLite compares it: by its bytes, with A to Z as a to z (sqlite.org/src, sqlite3StrICmp).
///
/// Swift's strings are equal also when one has an accented letter and the other a letter with an accent behind it,
/// which are two names to SQLite. Whatever is looked up by the name of a table, a column or another object is looked
/// up by this.
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
    // What is not the same text has not the same bytes, and that is found out faster.
    left.text == right.text && left.text.utf8.elementsEqual(right.text.utf8)
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
  /// The name that this is in a schema.
  package var folded: FoldedName { FoldedName(self) }
}
