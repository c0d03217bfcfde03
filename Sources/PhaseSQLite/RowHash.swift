internal import CSQLite
internal import PhaseSQL

/// Two independent hashes of one row, of 64 bits each.
///
/// A row is a set of named values: each value is hashed with its type, its length and its column's name, and the
/// results are added up. So the order of columns does not matter, but a value that moves to another column changes the
/// hash. Names are compared as SQLite does, without regard to the case of ASCII letters. 1, 1.0 and '1' differ, and so
/// do '' and x''; -0.0 equals 0.0, because SQLite itself stores it so (sqlite.org/floatingpoint.html). Text is hashed
/// as UTF-8, whatever the database stores, byte for byte, also where it is not UTF-8; half of a surrogate pair in
/// UTF-16 has three bytes.
///
/// It guards against accidents, not against somebody who constructs two rows with the same hash. Databases keep hashes,
/// so the function must not change: `RowHashTests` has values that must stay the same.
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

/// The sum over a set of rows, whatever their order and in however many parts they are added.
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

  package mutating func subtract(_ other: RowSum) {
    count -= other.count
    first &-= other.first
    second &-= other.second
  }

  /// As the ledger keeps it.
  package var text: String { "\(count):\(first):\(second)" }

  package init?(_ text: String) {
    let parts = text.split(separator: ":")
    guard parts.count == 3, let count = Int(parts[0]), let first = UInt64(parts[1]),
      let second = UInt64(parts[2])
    else { return nil }
    self.init(count: count, first: first, second: second)
  }
}

/// The columns of a row, prepared for hashing many rows.
package struct RowHasher: Sendable {
  let seeds: [UInt64]

  /// - Parameter columns: their names, in the order of the values.
  package init(columns: [String]) {
    seeds = columns.map { name in
      let folded = name.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
      return unsafe folded.withUnsafeBytes { unsafe Mixing.hash($0, seed: Mixing.name).folded }
    }
  }
}

extension Statement {
  /// The hash of the statement's present row, whose first columns are those of the hasher.
  package func rowHash(_ hasher: RowHasher) -> RowHash {
    unsafe hasher.seeds.withUnsafeBufferPointer { seeds in unsafe parts(seeds).row }
  }

  /// Runs the statement to its end and adds up the hashes of its rows, without making a Swift value of any column.
  package mutating func sumOfRows(_ hasher: RowHasher) throws(SQLiteError) -> RowSum {
    var sum = RowSum()
    while try step() {
      unsafe hasher.seeds.withUnsafeBufferPointer { seeds in unsafe sum.add(parts(seeds).row) }
    }
    return sum
  }

  @inline(__always)
  private func parts(_ seeds: UnsafeBufferPointer<UInt64>) -> RowHashParts {
    var parts = RowHashParts()
    for index in seeds.indices {
      // The value of a column may be read like an argument only while no other thread uses the connection
      // (sqlite.org/c3ref/value.html), which holds for every connection here.
      unsafe parts.add(sqlite3_column_value(handle, Int32(truncatingIfNeeded: index)), under: seeds[index])
    }
    return parts
  }
}

/// The sum over every row that a function made by ``RowHash/define(_:columns:adding:on:)`` hashed.
package final class RowSumInSQL {
  package fileprivate(set) var sum = RowSum()
  package init() {}
}

extension RowHash {
  /// Gives SQL a function that hashes a row and returns ``stored``; ``call(_:_:)`` writes the call.
  ///
  /// - Parameters:
  ///   - columns: the names of its arguments.
  ///   - sum: adds every row that is hashed, so that a copy is summed while it is made. The function then returns its last
  ///     argument: a column of the copy can be the call.
  package static func define(
    _ name: String, columns: [String], adding sum: RowSumInSQL? = nil, on connection: Connection
  ) throws(SQLiteError) {
    try connection.endStatementsOfModules()
    // A function that counts its rows must be called once for each, so it is not called deterministic.
    let flags = SQLITE_UTF8 | SQLITE_DIRECTONLY | (sum == nil ? SQLITE_DETERMINISTIC : 0)
    let seeds = RowHasher(columns: columns).seeds
    var rest = seeds[...]
    var link = 0
    repeat {
      let own = Array(rest.prefix(RowHashLink.width))
      rest = rest.dropFirst(RowHashLink.width)
      let box = RowHashLink(seeds: own, isFirst: link == 0, isLast: rest.isEmpty, sum: sum)
      let code = unsafe sqlite3_create_function_v2(
        connection.handle, RowHashLink.name(name, link, isLast: rest.isEmpty), -1, flags,
        Unmanaged.passRetained(box).toOpaque(),
        { context, count, arguments in
          guard let context = unsafe context, let user = unsafe sqlite3_user_data(context) else { return }
          let link = unsafe Unmanaged<RowHashLink>.fromOpaque(user).takeUnretainedValue()
          unsafe link.answer(context, UnsafeBufferPointer(start: arguments, count: Int(count)))
        }, nil, nil,
        { user in
          if let user = unsafe user { unsafe Unmanaged<RowHashLink>.fromOpaque(user).release() }
        })
      guard code == SQLITE_OK else { throw unsafe SQLiteError(code, on: connection.handle) }
      link += 1
    } while !rest.isEmpty
  }

  /// The call of such a function in SQL.
  ///
  /// - Parameter values: an expression for each column, in the order of the columns.
  package static func call(_ name: String, _ values: [String]) -> String {
    var rest = values[...]
    var link = 0
    var call = ""
    repeat {
      let arguments = (link == 0 ? [] : [call]) + rest.prefix(RowHashLink.width)
      rest = rest.dropFirst(RowHashLink.width)
      let function = SQLText.identifier(RowHashLink.name(name, link, isLast: rest.isEmpty))
      call = "\(function)(\(arguments.joined(separator: ", ")))"
      link += 1
    } while !rest.isEmpty
    return call
  }
}

/// A row's columns, or a hundred of them: a function takes no more than 127 arguments in most builds of SQLite
/// (sqlite.org/limits.html#max_function_arg), so a wider row needs a chain: each link passes its result to the next as
/// the first argument.
private final class RowHashLink {
  static let width = 100

  static func name(_ name: String, _ link: Int, isLast: Bool) -> String {
    isLast ? name : "\(name)_\(link)"
  }

  private let seeds: [UInt64]
  private let isFirst: Bool
  private let isLast: Bool
  private let sum: RowSumInSQL?

  init(seeds: [UInt64], isFirst: Bool, isLast: Bool, sum: RowSumInSQL?) {
    self.seeds = seeds
    self.isFirst = isFirst
    self.isLast = isLast
    self.sum = sum
  }

  func answer(_ context: OpaquePointer, _ arguments: UnsafeBufferPointer<OpaquePointer?>) {
    let skipped = isFirst ? 0 : 1
    guard arguments.count == seeds.count + skipped else {
      unsafe sqlite3_result_error(context, "the hash of a row takes a value for each of its columns", -1)
      return
    }
    var parts = unsafe isFirst ? RowHashParts() : RowHashParts(carriedIn: arguments[0])
    unsafe seeds.withUnsafeBufferPointer { seeds in
      for index in seeds.indices { unsafe parts.add(arguments[index + skipped], under: seeds[index]) }
    }
    guard isLast else { return unsafe parts.carry(to: context) }
    let row = parts.row
    guard let sum else { return unsafe sqlite3_result_int64(context, Int64(bitPattern: row.first)) }
    sum.sum.add(row)
    unsafe sqlite3_result_value(context, arguments[arguments.count - 1])
  }
}

extension RowHashParts {
  fileprivate init(carriedIn value: OpaquePointer?) {
    guard unsafe sqlite3_value_bytes(value) == 16, let start = unsafe sqlite3_value_blob(value) else {
      return
    }
    first = unsafe start.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
    second = unsafe start.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
  }

  fileprivate func carry(to context: OpaquePointer) {
    unsafe withUnsafeBytes(of: (first, second)) { bytes in
      unsafe phasedb_result_blob(context, bytes.baseAddress, UInt64(bytes.count))
    }
  }
}

extension RowHashParts {
  /// Adds the value of a column as SQLite holds it.
  @inline(__always)
  fileprivate mutating func add(_ value: OpaquePointer?, under seed: UInt64) {
    switch unsafe sqlite3_value_type(value) {
    case SQLITE_INTEGER:
      let word = UInt64(bitPattern: unsafe sqlite3_value_int64(value))
      add(Mixing.hash(word, seed: seed ^ Mixing.integer))
    case SQLITE_FLOAT:
      let real = unsafe sqlite3_value_double(value)
      add(Mixing.hash((real == 0 ? 0 : real).bitPattern, seed: seed ^ Mixing.real))
    case SQLITE_TEXT where unsafe phasedb_value_is_utf16(value) != 0:
      // By SQLite's own conversion two texts that are not UTF-16 could become the same.
      unsafe value.utf16.generalizedUTF8.withUnsafeBytes { bytes in
        unsafe add(Mixing.hash(bytes, seed: seed ^ Mixing.text))
      }
    case SQLITE_TEXT:
      // Asked for in this order: a text in UTF-16 is made UTF-8 first, and counted then.
      let start = unsafe sqlite3_value_text(value)
      let count = Int(unsafe sqlite3_value_bytes(value))
      unsafe add(Mixing.hash(UnsafeRawBufferPointer(start: start, count: count), seed: seed ^ Mixing.text))
    case SQLITE_BLOB:
      let start = unsafe sqlite3_value_blob(value)
      let count = Int(unsafe sqlite3_value_bytes(value))
      unsafe add(Mixing.hash(UnsafeRawBufferPointer(start: start, count: count), seed: seed ^ Mixing.blob))
    default:
      add(Mixing.hash(0, seed: seed ^ Mixing.null))
    }
  }
}
