package import PhaseSQL

/// A value as SQLite stores it (sqlite.org/datatype3.html).
package enum Value: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  /// TEXT that a Swift string would change. `.text` and this never hold the same value.
  case rawText(RawText)
  case blob([UInt8])

  package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
  /// The text as a string; U+FFFD replaces what a string cannot hold.
  package var text: String? {
    switch self {
    case .text(let value): value
    case .rawText(let value): value.string
    default: nil
    }
  }
  /// A number, whole or not.
  package var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  package var isNull: Bool { self == .null }
}

extension Value {
  /// Texts are equal when their bytes are, as for SQLite. In Swift, strings are also equal when one has an accented
  /// letter and the other a letter followed by an accent.
  package static func == (left: Value, right: Value) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.integer(let one), .integer(let other)): one == other
    case (.real(let one), .real(let other)): one == other
    case (.text(let one), .text(let other)): one.hasSameBytes(as: other)
    case (.rawText(let one), .rawText(let other)): one == other
    case (.blob(let one), .blob(let other)): one == other
    default: false
    }
  }
}

// Not ExpressibleByNilLiteral: `value(…) != nil` would then ask for NULL and not for a row.
extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }

  package static func text(_ name: FoldedName) -> Value { .text(name.text) }

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
    // SQL ends at a NUL, wherever it stands.
    case .text(let value) where value.utf8.contains(0): "CAST(\(SQLText.blob(Array(value.utf8))) AS TEXT)"
    case .text(let value): SQLText.literal(value)
    case .rawText(let value): "CAST(\(SQLText.blob(value.bytes)) AS TEXT)"
    case .blob(let bytes): SQLText.blob(bytes)
    }
  }
}
