internal import PhaseSQL
internal import PhaseSQLite

/// A number of 128 bits for a schema, the sum of the numbers of its objects. So the cost of a change depends only on
/// the changed objects, and their order does not matter.
package struct SchemaDigest: Hashable, Sendable {
  private var high: UInt64
  private var low: UInt64

  /// The digest of an empty schema.
  static let empty = SchemaDigest(high: 0, low: 0)

  private init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The digest of one object, from its type, its names and the normal form of its SQL.
  init(type: String, name: FoldedName, table: FoldedName, sql: String) {
    var bytes: [UInt8] = []
    for part in [type, name.text, table.text] {
      bytes += part.utf8
      bytes.append(0)
    }
    let words = SHA256.words(bytes + SQLTokens.normalized(sql))
    high = UInt64(words[0]) << 32 | UInt64(words[1])
    low = UInt64(words[2]) << 32 | UInt64(words[3])
  }

  /// Reads the text form; nil for any other text.
  init?(_ text: String) {
    guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
      let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }

  /// The two numbers are added without carry between them: two independent sums.
  static func += (left: inout SchemaDigest, right: SchemaDigest) {
    left.high &+= right.high
    left.low &+= right.low
  }

  /// Takes the number of an object out again.
  static func -= (left: inout SchemaDigest, right: SchemaDigest) {
    left.high &-= right.high
    left.low &-= right.low
  }

  /// 32 hexadecimal digits.
  var text: String { Self.hex(high) + Self.hex(low) }

  private static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
