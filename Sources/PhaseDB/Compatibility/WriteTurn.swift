/// The orders in which two versions write.
enum WriteTurn: String, CaseIterable {
  case olderFirst = "the older version, the newer one, the older one again"
  case newerFirst = "the newer version, the older one, the newer one again"
  case alternating = "one statement of each in turn"

  /// Each statement, by the number of its version (0 for the older, 1 for the newer) and its own.
  func order(_ older: Int, _ newer: Int) -> [(version: Int, statement: Int)] {
    let first = (0..<older).map { (version: 0, statement: $0) }
    let second = (0..<newer).map { (version: 1, statement: $0) }
    switch self {
    // The first one again: what it repeats changes nothing for itself, and so must change nothing for the other.
    case .olderFirst: return first + second + first
    case .newerFirst: return second + first + second
    case .alternating:
      return (0..<max(older, newer)).flatMap { index in
        (index < older ? [first[index]] : []) + (index < newer ? [second[index]] : [])
      }
    }
  }
}
