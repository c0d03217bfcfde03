/// Text by its bytes, as tools in Go, Rust and Java read it. One Swift character may be several of theirs; a line end
/// of two bytes is an example.
enum Bytes {
  /// A line, by UTF-8 offsets.
  struct Line {
    /// Without its end, which is `\n` or `\r\n`.
    let range: Range<Int>
    /// Where the next line starts.
    let end: Int
    let text: String
  }

  static func lines(of bytes: [UInt8]) -> [Line] {
    var lines: [Line] = []
    var start = 0
    while start < bytes.count {
      let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
      var stop = newline ?? bytes.count
      if newline != nil, stop > start, bytes[stop - 1] == UInt8(ascii: "\r") { stop -= 1 }
      let next = newline.map { $0 + 1 } ?? bytes.count
      lines.append(
        Line(range: start..<stop, end: next, text: String(decoding: bytes[start..<stop], as: UTF8.self)))
      start = next
    }
    return lines
  }

  static func replacing(_ needle: String, by other: String, in text: String) -> String {
    let parts = split(Array(text.utf8), by: needle)
    guard parts.count > 1 else { return text }
    let bytes = Array(text.utf8)
    return parts.map { String(decoding: bytes[$0], as: UTF8.self) }.joined(separator: other)
  }

  /// The parts of a text between the occurrences of another text.
  static func split(_ bytes: [UInt8], by needle: String) -> [Range<Int>] {
    let needle = Array(needle.utf8)
    guard !needle.isEmpty else { return [0..<bytes.count] }
    var parts: [Range<Int>] = []
    var (start, position) = (0, 0)
    while position + needle.count <= bytes.count {
      if bytes[position] == needle[0], bytes[position..<position + needle.count].elementsEqual(needle) {
        parts.append(start..<position)
        position += needle.count
        start = position
      } else {
        position += 1
      }
    }
    parts.append(start..<bytes.count)
    return parts
  }
}

extension StringProtocol {
  /// Whether it comes first by its bytes, the order of Go, Rust and Python. Swift would compare characters.
  func precedes(_ other: some StringProtocol) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }

  /// Without white space of ASCII at both ends.
  var trimmed: String {
    let bytes = Array(utf8).drop(while: \.isSpace)
    guard let last = bytes.lastIndex(where: { !$0.isSpace }) else { return "" }
    return String(decoding: bytes[...last], as: UTF8.self)
  }

  /// Words that white space of ASCII separates.
  var words: [String] {
    Array(utf8).split(whereSeparator: \.isSpace).map { String(decoding: $0, as: UTF8.self) }
  }

  var isDigits: Bool { !isEmpty && utf8.allSatisfy { (0x30...0x39).contains($0) } }
}

extension UInt8 {
  /// Whether it is white space of ASCII.
  var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}

extension String {
  /// The text before and after the first occurrence of another text; nil when there is none.
  func cut(at needle: String) -> (before: String, after: String)? {
    let bytes = Array(utf8)
    let parts = Bytes.split(bytes, by: needle)
    guard let first = parts.first, parts.count > 1 else { return nil }
    return (
      String(decoding: bytes[first], as: UTF8.self),
      String(decoding: bytes[(first.upperBound + needle.utf8.count)...], as: UTF8.self)
    )
  }
}
