/// The name of a migration: a number that orders it and a word that describes it, as in `0002-split-customer-name`.
///
/// The number is plain (`0002`) or a timestamp (`20260131120000`), up to 18 digits; `2` and `0002` are the same number.
package struct MigrationName: Sendable, Hashable, Comparable {
  /// As written: the name of the folder.
  package let text: String
  /// The numeric prefix.
  package let number: UInt64
  /// The digits of the prefix as written, with their leading zeros.
  package var digits: String {
    String(Substring(text.utf8.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }))
  }

  /// What follows the number: `split-customer-name`.
  package var words: String { String(Substring(text.utf8.dropFirst(digits.utf8.count + 1))) }

  /// Takes a name apart.
  ///
  /// - Throws: `invalid-name` unless `text` is 1 to 18 digits, a hyphen, and letters, digits, `-`, `_` or `.`.
  package init(_ text: String) throws(MigrationError) {
    // By bytes as far as they go: a ledger of hundreds of phases is read by every command.
    let digits = text.utf8.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    let rest = text.utf8.dropFirst(digits.count)
    guard digits.count <= 18, let number = UInt64(Substring(digits)), rest.first == UInt8(ascii: "-"),
      rest.count > 1,
      rest.allSatisfy(\.isPlainNameByte)
        || Substring(rest).allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) })
    else {
      throw MigrationError(
        .invalidName, "'\(text)' is not the name of a migration",
        help: ["use a number, a hyphen and a description, for example 0002-split-customer-name"])
    }
    self.text = text
    self.number = number
  }

  package static func < (left: MigrationName, right: MigrationName) -> Bool {
    (left.number, left.text) < (right.number, right.text)
  }
}

extension MigrationName: CustomStringConvertible {
  package var description: String { text }
}

extension UInt8 {
  /// A letter or digit of ASCII, or one of the marks that may stand between them.
  fileprivate var isPlainNameByte: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}

extension Character {
  var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
