/// A version of the SQLite library.
package struct SQLiteVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Major times a million, plus minor times a thousand, plus patch, as `sqlite3_libversion_number` gives it.
  package let number: Int

  package init(number: Int) { self.number = number }

  /// Reads `3.40.1`; what is missing counts as 0. Nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...3).contains(parts.count), parts.allSatisfy({ $0.map { (0..<1_000).contains($0) } ?? false })
    else {
      return nil
    }
    let numbers = parts.compactMap(\.self) + [0, 0]
    self.init(number: numbers[0] * 1_000_000 + numbers[1] * 1_000 + numbers[2])
  }

  /// The oldest that phasedb works with: DROP COLUMN and RETURNING came with 3.35
  /// (sqlite.org/releaselog/3_35_0.html).
  package static let oldest = SQLiteVersion(number: 3_035_000)

  package static func < (left: SQLiteVersion, right: SQLiteVersion) -> Bool { left.number < right.number }

  package var description: String {
    "\(number / 1_000_000).\(number / 1_000 % 1_000).\(number % 1_000)"
  }
}
