// What of a phase's declarations a phase file can hold. Identity and rendering both go through here, so that a
// phase made in Swift is the same phase after it was written to a file and read again.

extension String {
  /// A directive's text: one line, never empty. Runs of white space count as one space.
  var onOneLine: String {
    let words = split(whereSeparator: \.isWhitespace)
    return words.isEmpty ? "-" : words.joined(separator: " ")
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
