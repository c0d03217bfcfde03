internal import CSQLite
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
  /// The value as an SQL literal.
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

extension Value {
  /// The value as an SQL literal that can be typed: on one line, without control characters.
  package var typed: String {
    switch self {
    // SQL has no word for an infinite number, and reads one that is too large as infinite.
    case .real(let value) where value.isInfinite: value < 0 ? "-9e999" : "9e999"
    case .text(let text) where text.unicodeScalars.contains { $0.properties.generalCategory == .control }:
      "CAST(\(SQLText.blob(Array(text.utf8))) AS TEXT)"
    default: description
    }
  }
}

// MARK: - Arguments and results of functions

extension Value {
  /// The value of an argument.
  init(_ value: OpaquePointer?) {
    switch unsafe sqlite3_value_type(value) {
    case SQLITE_INTEGER: self = .integer(unsafe sqlite3_value_int64(value))
    case SQLITE_FLOAT: self = .real(unsafe sqlite3_value_double(value))
    case SQLITE_TEXT: self = unsafe Value(textOf: value)
    case SQLITE_BLOB:
      let count = Int(unsafe sqlite3_value_bytes(value))
      self = .blob(unsafe Array(UnsafeRawBufferPointer(start: sqlite3_value_blob(value), count: count)))
    default: self = .null
    }
  }

  /// Makes this the result of a function call.
  func give(to context: OpaquePointer) {
    switch self {
    case .null: unsafe sqlite3_result_null(context)
    case .integer(let value): unsafe sqlite3_result_int64(context, value)
    case .real(let value): unsafe sqlite3_result_double(context, value)
    case .text(var text):
      text.withUTF8 { utf8 in
        unsafe utf8.withMemoryRebound(to: CChar.self) { characters in
          unsafe phasedb_result_text(context, characters.baseAddress, UInt64(characters.count))
        }
      }
    case .rawText(.utf8(let bytes)):
      unsafe bytes.withUnsafeBytes { buffer in
        unsafe phasedb_result_text(
          context, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), UInt64(buffer.count))
      }
    case .rawText(.utf16(let units)):
      unsafe RawText.marked(units).withUnsafeBytes { buffer in
        unsafe phasedb_result_text16(context, buffer.baseAddress, UInt64(buffer.count))
      }
    case .blob(let bytes):
      unsafe bytes.withUnsafeBytes { buffer in
        unsafe buffer.isEmpty
          ? sqlite3_result_zeroblob(context, 0)
          : phasedb_result_blob(context, buffer.baseAddress, UInt64(buffer.count))
      }
    }
  }

  /// Text of these bytes, which need not be UTF-8.
  package init(utf8 bytes: [UInt8]) {
    if let text = String(validating: bytes, as: UTF8.self) {
      self = .text(text)
    } else {
      self = .rawText(.utf8(bytes))
    }
  }

  /// The text that SQLite holds in a value, byte for byte.
  ///
  /// - Parameter value: a value of type TEXT, of a column or an argument.
  init(textOf value: OpaquePointer?) {
    // SQLite makes UTF-8 of UTF-16 without care for halves of pairs, so that is read as it is.
    guard unsafe phasedb_value_is_utf16(value) != 0 else {
      let start = unsafe sqlite3_value_text(value)
      let count = Int(unsafe sqlite3_value_bytes(value))
      let bytes = unsafe UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)
      if let text = unsafe String(validating: bytes, as: UTF8.self) {
        self = .text(text)
      } else {
        self = .rawText(.utf8(unsafe Array(bytes)))
      }
      return
    }
    let units = unsafe Array(value.utf16)
    // Asked for one by one: U+FFFE and U+FFFF do not come through UTF-8.
    if units.allSatisfy({ $0 < 0xFFFE }), let text = String(validating: units, as: UTF16.self) {
      self = .text(text)
    } else {
      self = .rawText(.utf16(units))
    }
  }
}
