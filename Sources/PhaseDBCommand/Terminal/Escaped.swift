internal import PhaseDB

/// A text format in which some characters have a meaning and must be escaped to stand for themselves.
protocol Medium {
  /// The text with those characters escaped.
  static func escape(_ text: String) -> String
}

/// Text in a medium. A literal is markup; interpolated text is escaped for the medium, and interpolated values also as
/// prose before, so that they cannot act on a terminal.
struct Escaped<Form: Medium>: ExpressibleByStringInterpolation {
  private(set) var text: String

  /// As it can be printed.
  var prose: Prose { Prose(unescaped: text) }

  fileprivate init(markup: String) { text = markup }
  init(stringLiteral markup: StaticString) { text = markup.description }
  init(stringInterpolation: Interpolation) { text = stringInterpolation.text }
  init(_ value: Prose) { self = "\(value)" }

  static func + (left: Self, right: Self) -> Self {
    var sum = left
    sum.text += right.text
    return sum
  }

  struct Interpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ markup: StaticString) { text += markup.description }
    mutating func appendInterpolation(_ part: Escaped) { text += part.text }
    /// Adds an author's word as markup.
    mutating func appendInterpolation(raw markup: StaticString) { text += markup.description }
    mutating func appendInterpolation(_ value: Prose) { text += Form.escape(value.description) }
    mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      appendInterpolation(Prose(value))
    }
  }
}

extension Sequence {
  func joined<Form>(separator: Escaped<Form> = "") -> Escaped<Form> where Element == Escaped<Form> {
    reduce(nil as Escaped<Form>?) { sum, part in sum.map { $0 + separator + part } ?? part } ?? ""
  }
}

extension Medium {
  // Works by scalars: with a combining mark after it, a sign is part of another Character but keeps its meaning.
  fileprivate static func map(_ text: String, _ write: (Unicode.Scalar) -> String?) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      if let written = write(scalar) { escaped += written } else { escaped.unicodeScalars.append(scalar) }
    }
    return escaped
  }
}

/// The message of a command of GitHub Actions: anything but line ends and the percent sign that writes them.
enum CommandMessage: Medium {
  static func escape(_ text: String) -> String {
    map(text) { scalar in
      switch scalar {
      case "%": "%25"
      case "\r": "%0D"
      case "\n": "%0A"
      default: nil
      }
    }
  }
}

/// A property of a command of GitHub Actions, where the separators are written another way, too.
enum CommandProperty: Medium {
  static func escape(_ text: String) -> String {
    map(CommandMessage.escape(text)) { scalar in
      switch scalar {
      case ":": "%3A"
      case ",": "%2C"
      default: nil
      }
    }
  }
}

/// XML 1.0, in content and between double quotes. It has no way to write most control characters, not even as
/// references (w3.org/TR/xml/#charsets).
enum XML: Medium {
  static func escape(_ text: String) -> String {
    map(text) { scalar in
      switch scalar {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\"": "&quot;"
      case "\n": "&#10;"
      case "\t": "&#9;"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": "\u{FFFD}"
      default: nil
      }
    }
  }
}

/// Markdown as code hosts read it, in the middle of a line: nothing is taken for markup, HTML, a link or somebody's name.
enum Markdown: Medium {
  static func escape(_ text: String) -> String {
    var before = ""
    let escaped = map(text) { scalar in
      defer { before = String((before + String(scalar)).unicodeScalars.suffix(3)) }
      switch scalar {
      case "\n": return " "
      // Code hosts look for people and issues in the text that is left: a comment parts the sign from the name.
      case "@", "#": return "\\\(scalar)<!-- -->"
      // A backslash takes its meaning from any punctuation of ASCII (spec.commonmark.org/0.31.2/#backslash-escapes), also
      // where an address begins that would become a link without brackets (github.github.com/gfm/#autolinks-extension-).
      case "\\", "`", "*", "_", "<", ">", "[", "]", "|", "~", "&", "$", ":": return "\\\(scalar)"
      case "." where before.lowercased() == "www": return "\\."
      default: return nil
      }
    }
    // A colon before a space begins neither an address nor an emoji, so it needs no escape.
    return escaped.replacing("\\: ", with: ": ")
  }
}

extension Escaped<Markdown> {
  /// A value as code, between more backticks than it has in a row (spec.commonmark.org/0.31.2/#code-spans).
  static func code(_ value: some CustomStringConvertible) -> Self {
    let text = Prose(value).description
    let longest = text.split { $0 != "`" }.map(\.count).max() ?? 0
    let fence = String(repeating: "`", count: longest + 1)
    let margin = longest > 0 ? " " : ""
    return Self(markup: fence + margin + text + margin + fence)
  }

  /// A line of code within a list of a list; it needs no fence, which a value could close.
  static func indentedCode(_ line: Prose) -> Self {
    Self(markup: "        " + line.description)
  }
}
