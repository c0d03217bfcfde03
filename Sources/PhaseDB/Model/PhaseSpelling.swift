// What of a phase's declarations a phase file can hold. Identity and rendering both go through here, so that a
// phase made in Swift is the same phase after it was written to a file and read again.

extension String {
  /// A directive's text: one line, never empty. Runs of white space count as one space.
  var onOneLine: String {
    // Nearly every text is plain already, and asking Unicode about each character is slow.
    if isPlainLine { return self }
    let words = split(whereSeparator: \.isWhitespace)
    return words.isEmpty ? "-" : words.joined(separator: " ")
  }

  /// Printable ASCII without a space at either end or two in a row.
  private var isPlainLine: Bool {
    var previous = UInt8(ascii: " ")
    for byte in utf8 {
      guard (0x20...0x7E).contains(byte), byte != UInt8(ascii: " ") || previous != byte else { return false }
      previous = byte
    }
    return previous != UInt8(ascii: " ")
  }
}

extension Phase {
  /// The soak that counts: only a contract waits.
  var effectiveSoak: Duration? { kind == .contract ? soak : nil }
}

extension Budget {
  /// The limits that are set, by the words of `@budget`.
  var limits: [(name: String, limit: Duration)] {
    [("up", up), ("down", down), ("hold", hold)].compactMap { name, limit in limit.map { (name, $0) } }
  }
}
