internal import PhaseSQL
internal import PhaseSQLite

/// A name as a remedy writes it: in quotes only when it needs them.
struct SQLName: CustomStringConvertible {
  let description: String

  init(_ name: String) {
    let isPlain =
      name.utf8.first.map {
        $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") || $0 == UInt8(ascii: "_")
      } == true
      && name.utf8.allSatisfy { SQLTokens.isWordByte($0) && $0 != UInt8(ascii: "$") && $0 < 0x80 }
    description = isPlain && !Self.isReserved(name) ? name : SQLText.identifier(name)
  }

  /// Asks SQLite's own parser whether a word can stand as a name.
  private static func isReserved(_ name: String) -> Bool {
    guard let scratch = try? Connection(path: "", mode: .memory) else { return true }
    return (try? scratch.prepare("CREATE TABLE \(name) (\(name))")) == nil
  }
}

extension SchemaName {
  /// As SQL writes it: in quotes only when it needs them.
  var written: String { SQLName(spelled).description }
}

extension Sequence<SchemaName> {
  var written: String { map(\.written).joined(separator: ", ") }
}
