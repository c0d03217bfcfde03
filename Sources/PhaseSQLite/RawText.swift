internal import CSQLite

/// TEXT that a Swift string could not give back unchanged, as the database holds it.
///
/// SQLite checks no text that is put into it (sqlite.org/invalidutf.html): a program may have stored Latin-1, or cut
/// a letter in two.
package enum RawText: Hashable, Sendable {
  /// Bytes that are not UTF-8, in a database that stores UTF-8.
  case utf8([UInt8])
  /// Code units of a database that stores UTF-16, in the byte order of the machine: half of a surrogate pair, or a
  /// noncharacter that SQLite turns into U+FFFD when it converts to UTF-8.
  case utf16([UInt16])

  /// For a person to read.
  package var string: String {
    switch self {
    case .utf8(let bytes): String(decoding: bytes, as: UTF8.self)
    case .utf16(let units): String(decoding: units, as: UTF16.self)
    }
  }

  /// The bytes that distinguish it from every other text of its database.
  package var bytes: [UInt8] {
    switch self {
    case .utf8(let bytes): bytes
    case .utf16(let units): units.generalizedUTF8
    }
  }
}

extension RawText {
  /// The code units, after a byte order mark.
  static func marked(_ units: [UInt16]) -> [UInt16] { [0xFEFF] + units }
}

extension Sequence<UInt16> {
  /// UTF-8 in which half of a surrogate pair has three bytes like any other code point of its size, so that no two
  /// texts become one.
  var generalizedUTF8: [UInt8] {
    var bytes: [UInt8] = []
    var high: UInt16?
    func append(_ code: UInt32) {
      switch code {
      case ..<0x80: bytes.append(UInt8(truncatingIfNeeded: code))
      case ..<0x800: bytes += [0xC0 | UInt8(truncatingIfNeeded: code >> 6), tail(code)]
      case ..<0x10000:
        bytes += [0xE0 | UInt8(truncatingIfNeeded: code >> 12), tail(code >> 6), tail(code)]
      default:
        bytes += [
          0xF0 | UInt8(truncatingIfNeeded: code >> 18), tail(code >> 12), tail(code >> 6), tail(code),
        ]
      }
    }
    func tail(_ code: UInt32) -> UInt8 { 0x80 | UInt8(truncatingIfNeeded: code & 0x3F) }
    for unit in self {
      if let first = high, UTF16.isTrailSurrogate(unit) {
        append(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(unit) - 0xDC00))
        high = nil
        continue
      }
      if let first = high { append(UInt32(first)) }
      high = UTF16.isLeadSurrogate(unit) ? unit : nil
      if high == nil { append(UInt32(unit)) }
    }
    if let first = high { append(UInt32(first)) }
    return bytes
  }
}

extension OpaquePointer? {
  /// The code units of a text in UTF-16, valid as long as the value is.
  var utf16: UnsafeBufferPointer<UInt16> {
    let start = unsafe sqlite3_value_text16(self)?.assumingMemoryBound(to: UInt16.self)
    let count = Int(unsafe sqlite3_value_bytes16(self)) / 2
    return unsafe UnsafeBufferPointer(start: start, count: unsafe start == nil ? 0 : count)
  }
}
