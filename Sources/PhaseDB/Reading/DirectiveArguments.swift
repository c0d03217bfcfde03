/// Reads the arguments of one directive from left to right.
struct DirectiveArguments {
  private let source: PhaseSource
  private let directive: Directive
  private var position: Int

  init(_ directive: Directive, in source: PhaseSource) {
    self.source = source
    self.directive = directive
    position = directive.arguments.lowerBound
  }

  /// The unread rest, without white space around it.
  var rest: Range<Int> { source.trimmed(position..<max(position, directive.arguments.upperBound)) }

  var isAtEnd: Bool { rest.isEmpty }

  /// Reads a name: characters up to white space or one of `stops`, or anything in double quotes, where a
  /// doubled quote stands for itself. Nil when there is none.
  mutating func name(until stops: String = "") -> (text: String, range: Range<Int>)? {
    let bytes = source.bytes
    let range = rest
    guard let first = range.first else { return nil }
    guard bytes[first] == UInt8(ascii: "\"") else {
      position = range.first { bytes[$0].isSpace || stops.utf8.contains(bytes[$0]) } ?? range.upperBound
      let name = first..<position
      let text = source.string(name)
      return text.isEmpty || text.contains(where: \.isNewline) ? nil : (text, name)
    }
    var text: [UInt8] = []
    var index = first + 1
    while index < range.upperBound {
      if bytes[index] == UInt8(ascii: "\"") {
        let isDoubled = index + 1 < range.upperBound && bytes[index + 1] == UInt8(ascii: "\"")
        guard isDoubled else {
          position = index + 1
          let name = String(decoding: text, as: UTF8.self)
          // What ends a line somewhere else would not come back from where names are written on one line.
          guard !name.isEmpty, !name.contains(where: \.isNewline) else { return nil }
          return (name, first..<position)
        }
        index += 1
      }
      text.append(bytes[index])
      index += 1
    }
    return nil
  }

  /// Reads a sign that must come next.
  mutating func take(_ sign: Character) -> Bool {
    guard let first = rest.first, source.bytes[first] == sign.asciiValue else { return false }
    position = first + 1
    return true
  }

  /// Goes on at an offset of the text.
  mutating func skip(to offset: Int) { position = offset }

  /// Reads a colon and the text after it, to the end of the line; nil when either is missing.
  mutating func reason() -> String? {
    guard take(":"), !rest.isEmpty else { return nil }
    defer { position = directive.arguments.upperBound }
    return source.string(rest)
  }
}

extension String {
  /// A name as `DirectiveArguments.name` reads it, in quotes when it needs them.
  var asDirectiveName: String {
    // Nearly every name is plain ASCII, and asking Unicode about each character is slow.
    let isASCII = utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
    if isASCII, !isEmpty { return self }
    let name = isEmpty || contains(where: \.isNewline) ? onOneLine : self
    let isPlain = name.allSatisfy { $0.isLetter || $0.isNumber || "-_/@".contains($0) }
    if isPlain { return name }
    let doubled = name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
    return "\"\(doubled)\""
  }
}
