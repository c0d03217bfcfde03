internal import PhaseSQLite

/// One directive of a phase file: a line comment that starts its line, stands between statements, and whose
/// first word starts with `@`.
struct Directive {
  /// The directives of the format.
  enum Name: String, CaseIterable {
    case up, down, verify, watch, probe, red, window, residual, effects, loses, batch, retire, soak, needs,
      budget,
      lane,
      allow
    case `switch`

    /// Whether SQL follows it.
    var isSection: Bool { [.up, .down, .verify, .probe, .red].contains(self) }
  }

  /// The word with its `@`, known or not.
  let word: Range<Int>
  /// What follows the word on its line, without white space around it.
  let arguments: Range<Int>
  /// Where its line starts.
  let lineStart: Int
  /// Where the line after it starts.
  let nextLine: Int
  /// Nil when the format knows no such directive.
  let name: Name?

  /// Reads a comment; nil when it is an ordinary comment.
  init?(comment: Range<Int>, in source: PhaseSource) {
    let bytes = source.bytes
    var lineStart = comment.lowerBound
    while lineStart > 0, bytes[lineStart - 1] != UInt8(ascii: "\n") {
      lineStart -= 1
      guard bytes[lineStart].isSpace else { return nil }
    }
    let content = source.trimmed(comment.dropFirst(2))
    guard let first = content.first, bytes[first] == UInt8(ascii: "@") else { return nil }
    let wordEnd = content.first { bytes[$0].isSpace } ?? content.upperBound
    word = content.lowerBound..<wordEnd
    arguments = source.trimmed(wordEnd..<content.upperBound)
    self.lineStart = lineStart
    nextLine = min(comment.upperBound + 1, bytes.count)
    name = Name(rawValue: source.string(word.dropFirst()))
  }

  /// From the `@` to the last argument.
  var whole: Range<Int> { word.lowerBound..<max(word.upperBound, arguments.upperBound) }
}

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
          // A name with a line end could not be written back, because names are written on one line.
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
