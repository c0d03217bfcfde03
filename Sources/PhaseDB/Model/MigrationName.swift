/// The name of a migration: a number that orders it and a word that describes it, as in `0002-split-customer-name`.
///
/// The number is plain (`0002`) or a timestamp (`20260131120000`), up to 18 digits; `2` and `0002` are the same number.
public struct MigrationName: Sendable, Hashable, Comparable {
  /// As written: the name of the folder.
  public let text: String
  /// The numeric prefix.
  public let number: UInt64
  /// The digits of the prefix as written, with their leading zeros.
  public var digits: String { String(text.prefix { $0.isASCIIDigit }) }

  /// Takes a name apart.
  ///
  /// - Throws: `invalid-name` unless `text` is 1 to 18 digits, a hyphen, and letters, digits, `-`, `_` or `.`.
  public init(_ text: String) throws(MigrationError) {
    let digits = text.prefix { $0.isASCIIDigit }
    let rest = text.dropFirst(digits.count)
    guard digits.count <= 18, let number = UInt64(digits), rest.first == "-", rest.count > 1,
      rest.dropFirst().allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) })
    else {
      throw MigrationError(
        .invalidName, "'\(text)' is not the name of a migration",
        help: ["name it by a number, a hyphen and a description, for example 0002-split-customer-name"])
    }
    self.text = text
    self.number = number
  }

  public static func < (left: MigrationName, right: MigrationName) -> Bool {
    (left.number, left.text) < (right.number, right.text)
  }
}

extension MigrationName: CustomStringConvertible {
  public var description: String { text }
}

extension Character {
  var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
