internal import CSQLite

/// A version of the SQLite library.
package struct SQLiteVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Major times a million, plus minor times a thousand, plus patch, as `sqlite3_libversion_number` gives it.
  package let number: Int

  package init(number: Int) { self.number = number }

  /// The library this process runs with, which need not be the one it was built with.
  package static var running: SQLiteVersion { SQLiteVersion(number: Int(sqlite3_libversion_number())) }

  /// The oldest that phasedb works with: DROP COLUMN and RETURNING came with 3.35
  /// (sqlite.org/releaselog/3_35_0.html).
  package static let oldest = SQLiteVersion(number: 3_035_000)

  package static func < (left: SQLiteVersion, right: SQLiteVersion) -> Bool { left.number < right.number }

  package var description: String {
    "\(number / 1_000_000).\(number / 1_000 % 1_000).\(number % 1_000)"
  }
}
