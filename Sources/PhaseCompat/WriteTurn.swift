internal import PhaseDB

/// The orders in which two versions write: in one the older version writes last, in the other the newer.
enum WriteTurn: String, CaseIterable {
  case olderLast = "the older version, the newer one, the older one again"
  case newerLast = "one statement of each in turn, then the newer version, the older one, the newer one"

  /// Each statement, by the number of its version (0 for the older, 1 for the newer) and its own.
  func order(_ older: Int, _ newer: Int) -> [(version: Int, statement: Int)] {
    let first = (0..<older).map { (version: 0, statement: $0) }
    let second = (0..<newer).map { (version: 1, statement: $0) }
    switch self {
    // The first one again: what it repeats changes nothing for itself, and so must change nothing for the other.
    case .olderLast: return first + second + first
    case .newerLast:
      let inTurn = (0..<max(older, newer)).flatMap { index in
        (index < older ? [first[index]] : []) + (index < newer ? [second[index]] : [])
      }
      return inTurn + second + first + second
    }
  }
}
