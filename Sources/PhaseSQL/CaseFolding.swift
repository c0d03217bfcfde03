extension UInt8 {
  /// Lower case for A to Z; every other byte unchanged.
  fileprivate var asciiLowercased: UInt8 {
    self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self
  }
}

extension String {
  /// Lower case for A to Z only, which is how SQLite compares names.
  package var asciiLowercased: String {
    guard utf8.contains(where: { $0 != $0.asciiLowercased }) else { return self }
    return String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self)
  }

  /// How often a word in lower case occurs, in any case.
  package func occurrences(ofLowercased word: String) -> Int {
    let word = Array(word.utf8)
    let bytes = Array(utf8)
    guard let first = word.first, bytes.count >= word.count else { return 0 }
    // Asked of every object that is read, so that the first letter decides before anything else is looked at.
    return (0...bytes.count - word.count).count { start in
      bytes[start].asciiLowercased == first
        && word.indices.allSatisfy { bytes[start + $0].asciiLowercased == word[$0] }
    }
  }
}
