/// The keys of every object in a JSON5 text, with their places. They are needed to find a key that is there twice:
/// the decoder silently takes one of the two.
struct SettingsKeys {
  private let source: PhaseSource
  private var found: [Key] = []

  private struct Key: Hashable {
    /// The number of its object, in the order in which objects begin.
    let object: Int
    /// With the keys that lead to it, as in `probes.checkout`.
    let path: String
    let range: Range<Int>
  }

  /// An object or an array that is open.
  private struct Level {
    /// Nil for an array.
    let object: Int?
    /// What stands before the names of its keys.
    let prefix: String
  }

  /// Reads keys as far as the text is JSON5; the decoder reports errors in the rest.
  init(_ source: PhaseSource) {
    self.source = source
    let bytes = source.bytes
    var levels: [Level] = []
    var objects = 0
    var mayBeKey = false
    var index = 0
    while index < bytes.count {
      let start = index
      switch bytes[index] {
      case UInt8(ascii: "/"):
        index = Self.endOfComment(bytes, from: index)
      case UInt8(ascii: "{"):
        var prefix = levels.last?.prefix ?? ""
        // No setting is nested deeper, and long paths of a senseless text would cost time.
        if let key = found.last, key.object == levels.last?.object, levels.count < 4 {
          prefix = key.path + "."
        }
        levels.append(Level(object: objects, prefix: prefix))
        objects += 1
        mayBeKey = true
        index += 1
      case UInt8(ascii: "["):
        levels.append(Level(object: nil, prefix: levels.last?.prefix ?? ""))
        mayBeKey = false
        index += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        _ = levels.popLast()
        index += 1
      case UInt8(ascii: ","):
        mayBeKey = levels.last?.object != nil
        index += 1
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        index = Self.endOfString(bytes, from: index)
        if mayBeKey { take(bytes[start..<index].dropFirst().dropLast(), start..<index, levels) }
        mayBeKey = false
      case let byte where byte.isSpace || byte == UInt8(ascii: ":"):
        index += 1
      default:
        while index < bytes.count, !bytes[index].isSpace, !":,{}[]\"'/".utf8.contains(bytes[index]) {
          index += 1
        }
        if mayBeKey { take(bytes[start..<index], start..<index, levels) }
        mayBeKey = false
      }
    }
  }

  private mutating func take(_ name: some Sequence<UInt8>, _ range: Range<Int>, _ levels: [Level]) {
    guard let level = levels.last, let object = level.object else { return }
    found.append(Key(object: object, path: level.prefix + Self.unescaped(name), range: range))
  }

  /// - Throws: `bad-settings` for a key that is there twice in one object, with both places.
  func refuseDuplicates() throws(MigrationError) {
    var first: [Int: [String: Range<Int>]] = [:]
    for key in found {
      guard let earlier = first[key.object, default: [:]].updateValue(key.range, forKey: key.path) else {
        continue
      }
      let place = source.place(earlier)
      throw MigrationError(
        .badSettings, "'\(key.path)' is set twice, first on line \(place.line) in column \(place.column)",
        at: source.place(key.range), help: ["remove one of the two"])
    }
  }

  private static func endOfComment(_ bytes: [UInt8], from start: Int) -> Int {
    guard start + 1 < bytes.count else { return bytes.count }
    var index = start + 2
    switch bytes[start + 1] {
    case UInt8(ascii: "/"):
      while index < bytes.count, bytes[index] != UInt8(ascii: "\n"), bytes[index] != UInt8(ascii: "\r") {
        index += 1
      }
      return index
    case UInt8(ascii: "*"):
      while index + 1 < bytes.count,
        bytes[index] != UInt8(ascii: "*") || bytes[index + 1] != UInt8(ascii: "/")
      {
        index += 1
      }
      return min(index + 2, bytes.count)
    default: return start + 1
    }
  }

  private static func endOfString(_ bytes: [UInt8], from start: Int) -> Int {
    var index = start + 1
    while index < bytes.count, bytes[index] != bytes[start] {
      index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(index + 1, bytes.count)
  }

  /// A key with its `\uXXXX` and `\xXX` replaced; every other escaped character stands for itself, as no key of ours
  /// has one.
  private static func unescaped(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    var rest = Substring(String(decoding: Array(bytes), as: UTF8.self))
    while let character = rest.popFirst() {
      guard character == "\\", let kind = rest.popFirst() else {
        text.append(character)
        continue
      }
      let count = kind == "u" ? 4 : kind == "x" ? 2 : 0
      if count > 0, let code = UInt32(rest.prefix(count), radix: 16), let scalar = Unicode.Scalar(code) {
        text.unicodeScalars.append(scalar)
        rest = rest.dropFirst(count)
      } else {
        text.append(kind)
      }
    }
    return text
  }
}
