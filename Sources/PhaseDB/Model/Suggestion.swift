/// Finds the word that a user probably meant.
package enum Suggestion {
  /// The candidate nearest to `word`; nil when for each of them more than a third of the letters would have to change.
  /// Upper and lower case count as the same.
  package static func nearest(to word: String, in candidates: some Sequence<String>) -> String? {
    let limit = max(1, word.count / 3)
    var nearest: String?
    var least = limit + 1
    for candidate in candidates {
      let distance = distance(Array(word.lowercased()), Array(candidate.lowercased()))
      if distance < least { (nearest, least) = (candidate, distance) }
    }
    return nearest
  }

  /// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other
  /// (Damerau-Levenshtein, no letter edited twice).
  private static func distance(_ left: [Character], _ right: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (row, letter) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
        if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
          cost = min(cost, beforeLast[column - 1] + 1)
        }
        current.append(cost)
      }
      (beforeLast, last) = (last, current)
    }
    return last[right.count]
  }
}
