internal import PhaseSQLite
internal import Synchronization

/// The tables of a database, split into parts for several readers.
final class DigestWork: Sendable {
  private let readings: [TableReading]
  private let parts: [Part]
  private let readers: Readers
  private let next = Atomic(0)
  private let results: Mutex<[RowSum]>

  private struct Part: Sendable {
    let table: Int
    /// Rowids, nil for the whole table.
    let range: ClosedRange<Int64>?
    /// About how many rows it has, judged by its rowids.
    let weight: UInt64
  }

  init(_ readings: [TableReading], on readers: Readers) throws {
    self.readings = readings
    self.readers = readers
    results = Mutex(Array(repeating: RowSum(), count: readings.count))
    let count = readers.count
    parts = try readers.first { connection in
      var parts: [Part] = []
      for (index, reading) in readings.enumerated() {
        parts += try Self.parts(of: reading, index, among: count, on: connection)
      }
      // The largest parts come first, so that the last one to be read is not large.
      return parts.sorted { $0.weight > $1.weight }
    }
  }

  /// The sums of the tables, in their order.
  func sums() throws -> [RowSum] {
    try readers.all { [self] connection in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < parts.count else { return }
        let part = parts[index]
        let sum = try readings[part.table].sum(on: connection, part.range)
        results.withLock { $0[part.table].add(sum) }
      }
    }
    return results.withLock { $0 }
  }

  /// Splits a table that is ordered by rowid into ranges of equal span. Its rows need not be spread evenly; if they are
  /// not, one reader has more to do.
  private static func parts(
    of reading: TableReading, _ index: Int, among readers: Int, on connection: Connection
  ) throws(SQLiteError) -> [Part] {
    let whole = Part(table: index, range: nil, weight: .max)
    guard reading.isInRowIDOrder, readers > 1 else { return [whole] }
    // These are two queries, because one SELECT with min and max would read the whole table.
    guard
      let first = try connection.value("SELECT min(\(reading.key[0])) FROM \(reading.from)")?.integer,
      let last = try connection.value("SELECT max(\(reading.key[0])) FROM \(reading.from)")?.integer
    else { return [] }
    let span = UInt64(bitPattern: last &- first)
    let count = span < smallest ? 1 : UInt64(readers * 8)
    let width = span / count
    return (0..<count).map { part in
      let start = Int64(bitPattern: UInt64(bitPattern: first) &+ part &* width)
      let end = part == count - 1 ? last : Int64(bitPattern: UInt64(bitPattern: start) &+ width &- 1)
      return Part(table: index, range: start...max(start, end), weight: width)
    }
  }

  /// A table with fewer rows is not split.
  private static let smallest: UInt64 = 10_000
}
