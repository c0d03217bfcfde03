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
