internal import PhaseSQL

/// Two hashes of one row, each of 64 bits and blind to what the other sees.
///
/// A row is a set of named values: each value is hashed with its type, its length and its column's name, and what
/// comes out is added up, so the order of columns means nothing while a value that moves to another column does.
/// Names are compared as SQLite does, without regard to the case of ASCII letters. 1, 1.0 and '1' differ, and so do
/// '' and x''; -0.0 is 0.0, because SQLite itself makes it that on its way into a file
/// (sqlite.org/floatingpoint.html). Text is hashed as UTF-8, whatever the database stores, byte for byte,
/// also where it is not UTF-8; half of a surrogate pair in UTF-16 has three bytes.
///
/// It guards against accident, not against somebody who builds two rows that hash alike. Hashes are kept in
/// databases, so the function must stay what it is: `RowHashTests` holds values that may not change.
package struct RowHash: Hashable, Sendable {
  package var first: UInt64
  package var second: UInt64

  package init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }

  /// The first hash as SQLite stores it.
  package var stored: Value { .integer(Int64(bitPattern: first)) }
}

/// What a set of rows comes to, in whatever order, and in however many parts, they are added.
package struct RowSum: Hashable, Sendable {
  package private(set) var count = 0
  package private(set) var first: UInt64 = 0
  package private(set) var second: UInt64 = 0

  package init() {}

  package init(count: Int, first: UInt64, second: UInt64) {
    self.count = count
    self.first = first
    self.second = second
  }

  package mutating func add(_ row: RowHash) {
    count += 1
    first &+= row.first
    second &+= row.second
  }

  package mutating func add(_ other: RowSum) {
    count += other.count
    first &+= other.first
    second &+= other.second
  }
}

/// The columns of a row, ready to hash one row after the other.
package struct RowHasher: Sendable {
  let seeds: [UInt64]

  /// - Parameter columns: their names, in the order in which the values will come.
  package init(columns: [String]) {
    seeds = columns.map { name in
      let folded = name.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
      return unsafe folded.withUnsafeBytes { unsafe Mixing.hash($0, seed: Mixing.name).folded }
    }
  }
}
