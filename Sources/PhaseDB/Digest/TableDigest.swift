internal import PhaseSQLite

/// The rows of one table, whatever their order: their number, and two sums over hashes of their typed values with the
/// names of the columns. 1, 1.0 and '1' differ; -0.0 is 0.0.
///
/// The rowid counts if there is no primary key. Generated columns do not count, because they follow from the others.
package struct TableDigest: Sendable, Hashable {
  /// As spelled.
  package let table: String
  package let rows: Int
  private let first: UInt64
  private let second: UInt64

  init(_ table: String, _ sum: RowSum) {
    self.table = table
    rows = sum.count
    (first, second) = (sum.first, sum.second)
  }

  /// Both sums in 32 hexadecimal digits.
  package var text: String { Self.hex(first) + Self.hex(second) }

  private static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
