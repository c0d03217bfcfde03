/// Names that a setting lists, each as it is or as a pattern: `*` stands for any characters, `?` for one, `[a-z]` for one
/// of several. They are compared as SQLite compares names, so A to Z are a to z.
package struct NamePatterns: Sendable, Hashable {
  package let patterns: [String]
  private let folded: [[UInt8]]

  package init(_ patterns: [String] = []) {
    self.patterns = patterns
    folded = patterns.map { Array($0.folded.text.utf8) }
  }

  package var isEmpty: Bool { patterns.isEmpty }

  package func match(_ name: FoldedName) -> Bool {
    guard !folded.isEmpty else { return false }
    let bytes = Array(name.text.utf8)
    return folded.contains { Self.matches($0[...], bytes[...]) }
  }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    var (pattern, name) = (pattern, name)
    // Where to go on when what follows the last star does not match: one more byte belongs to the star.
    var retry: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
    while true {
      if let first = pattern.first {
        if first == UInt8(ascii: "*") {
          pattern = pattern.dropFirst()
          retry = (pattern, name)
          continue
        }
        if let rest = step(pattern, name) {
          (pattern, name) = rest
          continue
        }
      } else if name.isEmpty {
        return true
      }
      guard let (again, from) = retry, !from.isEmpty else { return false }
      retry = (again, from.dropFirst())
      (pattern, name) = (again, from.dropFirst())
    }
  }

  /// What is left of both once the first character of the pattern has matched; nil when it does not.
  private static func step(
    _ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>
  ) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
    guard let first = pattern.first, let byte = name.first else { return nil }
    switch first {
    case UInt8(ascii: "?"):
      // A character, however many bytes it has.
      return (pattern.dropFirst(), name.dropFirst().drop { $0 & 0xC0 == 0x80 })
    case UInt8(ascii: "["):
      guard let end = pattern.dropFirst(2).firstIndex(of: UInt8(ascii: "]")) else { break }
      var set = pattern[pattern.index(after: pattern.startIndex)..<end]
      let isNegated = set.first == UInt8(ascii: "^")
      if isNegated { set = set.dropFirst() }
      var isIn = false
      while let low = set.popFirst() {
        guard set.first == UInt8(ascii: "-"), let high = set.dropFirst().first else {
          isIn = isIn || low == byte
          continue
        }
        isIn = isIn || (low <= byte && byte <= high)
        set = set.dropFirst(2)
      }
      return isIn != isNegated ? (pattern[pattern.index(after: end)...], name.dropFirst()) : nil
    default: break
    }
    return first == byte ? (pattern.dropFirst(), name.dropFirst()) : nil
  }
}
