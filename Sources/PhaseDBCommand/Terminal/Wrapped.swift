internal import PhaseDB

/// Breaks prose into lines.
enum Wrapped {
  /// Lines of at most `width` columns, broken at spaces. A word that is longer has a line to itself; an empty line
  /// of the text is kept.
  ///
  /// - Parameter used: the columns of the first line that are already taken.
  static func text(_ text: Prose, _ width: Int, used: Int = 0) -> [Prose] {
    var used = used
    return text.description.split(separator: "\n", omittingEmptySubsequences: false).flatMap {
      paragraph -> [String] in
      var lines: [String] = []
      var line = ""
      for word in paragraph.split(separator: " ").map(String.init) {
        if line.isEmpty {
          line = word
        } else if used + line.displayWidth + 1 + word.displayWidth <= width {
          line += " \(word)"
        } else {
          lines.append(line)
          line = word
          used = 0
        }
      }
      used = 0
      return lines + [line]
    }.map(Prose.init(unescaped:))
  }

  /// The text in one line of at most `width` columns, with … at its end when something is missing.
  static func cut(_ text: Prose, _ width: Int) -> Prose {
    guard text.description.displayWidth > width else { return text }
    var used = 1
    let start = text.description.prefix { character in
      used += character.displayWidth
      return used <= width
    }
    return Prose(unescaped: start + "…")
  }

  /// A paragraph with its label: lines after the first begin below the text, not below the label.
  ///
  /// - Parameters:
  ///   - label: the text before the first line, as it is shown.
  ///   - indent: where the text begins; a longer label pushes the first line to the right.
  ///   - width: the columns of the terminal; nil when there is none, and nothing is broken.
  static func paragraph(_ label: Prose, _ text: Prose, indent: Int, width: Int?) -> [Prose] {
    let used = max(0, label.unpainted.displayWidth - indent)
    let lines = width.map { Self.text(text, max($0 - indent, 24), used: used) } ?? text.lines
    return lines.enumerated().map { index, line in (index == 0 ? label : .blank(indent)) + line }
  }

  /// The first line of an error or a finding: `error: MESSAGE [ID]`, in as many lines as it takes.
  static func head(
    _ word: Prose, _ style: Style, _ message: Prose, _ id: String, _ paint: Paint, _ width: Int?
  ) -> [Prose] {
    let end: Prose = "[\(id)]"
    let whole = message + " " + end
    let indent = word.description.count + 1
    let lines = width.map { text(whole, max($0 - indent, 24)) } ?? [whole]
    return lines.enumerated().map { index, line in
      let label: Prose = index == 0 ? paint(word, style) + " " : .blank(indent)
      guard let start = line.without(suffix: end) else { return label + paint(line, .heading) }
      return label + paint(start, .heading) + paint(end, .dim)
    }
  }

  /// Lines below a message. Text that is already laid out, such as SQL and lists, keeps its indentation.
  static func details(_ details: [Prose], _ width: Int?) -> [Prose] {
    details.flatMap(\.lines).flatMap { line in
      let own = line.description.prefix { $0 == " " }.count
      return own > 0 ? ["    \(line)"] : paragraph(.blank(4), line, indent: 6, width: width)
    }
  }
}

extension Prose {
  /// The text without the colours that `Paint` gave it.
  fileprivate var unpainted: String { description.replacing(#/\u{1B}\[[0-9;]*m/#, with: "") }

  /// Spaces.
  static func blank(_ count: Int) -> Prose { repeated(" ", count) }

  static func repeated(_ character: Character, _ count: Int) -> Prose {
    "\(whole: String(repeating: character, count: max(0, count)))"
  }
}

extension String {
  /// How many columns of a terminal the text takes: none for combining marks, two for East Asian wide characters
  /// and emoji.
  var displayWidth: Int {
    utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } ? utf8.count : reduce(0) { $0 + $1.displayWidth }
  }
}

extension Character {
  /// The parts of one character share its cells: an emoji of several people is as wide as an emoji of one.
  var displayWidth: Int {
    // U+FE0F asks for a picture where a character could be either.
    if unicodeScalars.contains("\u{FE0F}"), unicodeScalars.first?.properties.isEmoji == true { return 2 }
    return unicodeScalars.map(\.displayWidth).max() ?? 0
  }
}

extension Unicode.Scalar {
  fileprivate var displayWidth: Int {
    if isASCII { return value < 0x20 || value == 0x7F ? 0 : 1 }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .control, .format: return 0
    default: break
    }
    // Vowels and final consonants of Hangul are drawn into the syllable that they follow.
    if (0x1160...0x11FF).contains(value) { return 0 }
    return properties.isEmojiPresentation || Self.wide.contains { $0.contains(value) } ? 2 : 1
  }

  /// The blocks whose characters are Wide or Fullwidth in Unicode's EastAsianWidth.txt (UAX #11).
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
    0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60,
    0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F2FF, 0x20000...0x3FFFD,
  ]
}
