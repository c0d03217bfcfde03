/// Text for people to read, in which every value is escaped.
///
/// A literal holds an author's words. An interpolated value may come from a database, a file, a setting or another
/// program, and is escaped; only prose within prose stays unchanged. So a value cannot control a terminal or look
/// like a second line, wherever it is inserted.
///
/// `description` is what people see, `raw` is what programs get.
public struct Prose: Sendable, CustomStringConvertible {
  /// The text with each value escaped, and shortened in the middle when it is too long for a screen. Line ends are
  /// the author's own.
  public private(set) var description: String
  /// The text with each value as it is, for JSON and for comparing.
  public private(set) var raw: String

  package init() { (description, raw) = ("", "") }

  /// A value, escaped.
  package init(_ value: some CustomStringConvertible) {
    var interpolation = Interpolation(literalCapacity: 0, interpolationCount: 1)
    interpolation.appendInterpolation(value)
    self = interpolation.prose
  }

  /// Takes text as it is. The caller has escaped it already: by the rules of another format, or part by part. A test
  /// counts the callers.
  package init(unescaped text: String) { (description, raw) = (text, text) }

  package var isEmpty: Bool { description.isEmpty }

  /// The author's lines.
  package var lines: [Prose] {
    description.split(separator: "\n", omittingEmptySubsequences: false).map { Prose(unescaped: String($0)) }
  }

  /// Whether what people see contains a text.
  package func contains(_ text: some StringProtocol) -> Bool { description.contains(text) }
  package func hasPrefix(_ text: String) -> Bool { description.hasPrefix(text) }
  /// The text after a prefix that needs no escaping; nil when it does not begin with the prefix.
  func without(prefix: String) -> Prose? {
    guard description.hasPrefix(prefix), raw.hasPrefix(prefix) else { return nil }
    var rest = self
    rest.description.removeFirst(prefix.count)
    rest.raw.removeFirst(prefix.count)
    return rest
  }
  /// The text before a suffix; nil when it does not end with the suffix.
  package func without(suffix: Prose) -> Prose? {
    guard description.hasSuffix(suffix.description) else { return nil }
    return Prose(unescaped: String(description.dropLast(suffix.description.count)))
  }

  package static func += (left: inout Prose, right: Prose) {
    left.description += right.description
    left.raw += right.raw
  }

  package static func + (left: Prose, right: Prose) -> Prose {
    var sum = left
    sum += right
    return sum
  }
}

extension Prose: Hashable, Comparable {
  public static func < (left: Prose, right: Prose) -> Bool { left.description < right.description }
}

extension Prose: Encodable {
  /// Programs get values as they are.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(raw)
  }
}

extension Prose: ExpressibleByStringInterpolation {
  /// A literal of a source file. A `StaticString` is always one, so text from outside cannot get in here.
  public init(stringLiteral value: StaticString) { self.init(unescaped: value.description) }

  public init(stringInterpolation: Interpolation) { self = stringInterpolation.prose }

  /// Builds prose from a literal with values in it: the literal's words stay as they are, and values are escaped.
  public struct Interpolation: StringInterpolationProtocol {
    fileprivate var prose = Prose()

    public init(literalCapacity: Int, interpolationCount: Int) {}

    public mutating func appendLiteral(_ literal: StaticString) { prose += Prose(stringLiteral: literal) }

    /// Prose within prose is escaped already.
    public mutating func appendInterpolation(_ part: Prose) { prose += part }

    /// Adds a value, escaped, and shortened in the middle when it is long.
    public mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      append(value.description, upTo: Self.longestValue)
    }

    /// Adds what an error says, in the same way.
    package mutating func appendInterpolation(_ error: any Error) {
      append("\(error)", upTo: Self.longestValue)
    }

    /// Escapes a value that is to be pasted or compared. It may be ten times as long.
    package mutating func appendInterpolation(whole value: some CustomStringConvertible) {
      append(value.description, upTo: Self.longestText)
    }

    /// Escapes SQL that is to be pasted, and keeps its lines.
    package mutating func appendInterpolation(sql: some CustomStringConvertible) {
      let lines = sql.description.split(separator: "\n", omittingEmptySubsequences: false)
      prose.description += lines.map { $0.shortened(to: Self.longestText).visible }.joined(separator: "\n")
      prose.raw += sql.description
    }

    /// A command that is to be pasted has all of its words.
    package mutating func appendInterpolation(_ word: ShellWord) {
      appendInterpolation(whole: word.description)
    }

    private mutating func append(_ value: String, upTo limit: Int) {
      if prose.isEmpty, prose.raw.isEmpty, value.utf8.count <= limit, value.isPlain {
        (prose.description, prose.raw) = (value, value)
        return
      }
      prose.description += value.shortened(to: limit).visible
      prose.raw += value
    }

    /// Five and fifty lines of a terminal, in Unicode scalars. Longer text would flood a screen.
    private static let longestValue = 400
    private static let longestText = 4_000
  }
}

extension Sequence<Prose> {
  package func joined(separator: Prose = "") -> Prose {
    var joined = Prose()
    for (index, part) in enumerated() {
      if index > 0 { joined += separator }
      joined += part
    }
    return joined
  }
}

extension StringProtocol {
  /// The text with every character that would act on a terminal made visible: escape sequences in a file name or an
  /// excerpt of SQL could hide, move or rewrite the text around them.
  package var visible: String {
    if isPlain { return String(self) }
    var text = ""
    var before: Unicode.Scalar?
    var marks = 0
    for index in unicodeScalars.indices {
      let scalar = unicodeScalars[index]
      let isMark = scalar.isMark
      marks = isMark ? marks + 1 : 0
      // A mark without a letter before it is drawn over the author's words, and many marks are drawn over other
      // lines.
      let isTooMuch = isMark && (before == nil || marks > Self.mostMarks)
      let isHidden = isTooMuch || !scalar.isShown(after: before) || beginsCommand(at: index, after: before)
      text += isHidden ? scalar.picture : String(scalar)
      before = scalar
    }
    return text
  }

  /// Whether it is printable ASCII that begins no command of a CI runner. Nearly every value is.
  fileprivate var isPlain: Bool {
    var before: UInt8 = 0
    return utf8.allSatisfy { byte in
      defer { before = byte }
      return byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "#")
        && !(byte == UInt8(ascii: ":") && before == byte)
    }
  }

  /// Whether a CI runner would take the text from here on for a command: `::` at the start of a line in GitHub Actions,
  /// `##[` anywhere there, and `##vso[` anywhere in Azure Pipelines. A long line may be broken at any space.
  private func beginsCommand(at index: Index, after before: Unicode.Scalar?) -> Bool {
    let rest = unicodeScalars[index...]
    switch unicodeScalars[index] {
    case ":": return (before == nil || before == " ") && rest.starts(with: "::".unicodeScalars)
    case "#":
      return rest.starts(with: "##".unicodeScalars)
        && rest.dropFirst(2).first { !$0.properties.isAlphabetic } == "["
    default: return false
    }
  }

  /// How many marks a letter carries at most: three in Vietnamese and Hebrew, a few more in phonetic script.
  private static var mostMarks: Int { 6 }

  /// The text without its middle when it is longer than the limit.
  fileprivate func shortened(to limit: Int) -> String {
    let scalars = unicodeScalars
    guard utf8.count > limit, scalars.count > limit else { return String(self) }
    var text = ""
    text.unicodeScalars += scalars.prefix(limit / 2)
    text += "…"
    text.unicodeScalars += scalars.suffix(limit / 2 - 1)
    return text
  }
}

extension Unicode.Scalar {
  /// Whether it is visible and does not affect other text.
  package var isVisible: Bool { isShown(after: nil) && !isMark }

  fileprivate var isMark: Bool {
    guard value >= 0x300 else { return false }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return true
    default: return false
    }
  }

  /// Whether people see the character as itself. That excludes control characters, characters that change the direction
  /// of writing (trojansource.codes), separators of lines and paragraphs, invisible characters, and code points without
  /// a meaning.
  fileprivate func isShown(after before: Unicode.Scalar?) -> Bool {
    if value < 0x7F { return value >= 0x20 }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: break
    default: if !properties.isDefaultIgnorableCodePoint { return true }
    }
    // The first joins emoji, the second colours them.
    guard value == 0x200D || value == 0xFE0F, let before, before.value > 0x7F else { return false }
    return before.properties.isEmoji || before.value == 0xFE0F
  }

  fileprivate var picture: String {
    switch value {
    // Unicode has a picture for each control character of ASCII.
    case 0..<0x20: return Unicode.Scalar(0x2400 + value).map(String.init) ?? "?"
    case 0x7F: return "\u{2421}"
    default:
      let digits = String(value, radix: 16, uppercase: true)
      return "<U+\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)>"
    }
  }
}
