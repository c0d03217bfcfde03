/// A value as SQLite stores it (sqlite.org/datatype3.html).
package enum Value: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])

  package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
  package var text: String? { if case .text(let value) = self { value } else { nil } }
  package var isNull: Bool { self == .null }
}

extension Value {
  /// Text is the same when its bytes are, as for SQLite. Strings are equal in Swift also when one has an accented letter and
  /// the other a letter with an accent after it.
  package static func == (left: Value, right: Value) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.integer(let one), .integer(let other)): one == other
    case (.real(let one), .real(let other)): one == other
    case (.text(let one), .text(let other)): one.utf8.elementsEqual(other.utf8)
    case (.blob(let one), .blob(let other)): one == other
    default: false
    }
  }
}

// Not ExpressibleByNilLiteral: `value(…) != nil` would then ask for NULL and not for a row.
extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }

  package init(_ value: String?) { self = value.map(Value.text) ?? .null }
  package init(_ value: Int) { self = .integer(Int64(value)) }
}

extension Value: CustomStringConvertible {
  /// As SQL would write it.
  package var description: String {
    switch self {
    case .null: "NULL"
    case .integer(let value): String(value)
    case .real(let value): String(value)
    case .text(let value): SQLText.literal(value)
    case .blob(let bytes): "x'" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'"
    }
  }
}

/// Names and strings written into SQL.
package enum SQLText {
  /// A name in double quotes, whatever is in it.
  package static func identifier(_ name: String) -> String { quote(name, "\"") }

  /// A string in single quotes, whatever is in it.
  package static func literal(_ text: String) -> String { quote(text, "'") }

  private static func quote(_ text: String, _ mark: Character) -> String {
    var quoted = String(mark)
    for character in text {
      quoted.append(character)
      if character == mark { quoted.append(mark) }
    }
    quoted.append(mark)
    return quoted
  }
}
