internal import PhaseDB

/// Breaks prose into lines.
enum Wrapped {
  /// Lines of at most `width` columns, broken at spaces. A word that is longer has a line to itself; an empty line
  /// of the text is kept.
  static func text(_ text: Prose, _ width: Int) -> [Prose] {
    text.description.split(separator: "\n", omittingEmptySubsequences: false).flatMap {
      paragraph -> [String] in
      var lines: [String] = []
      var line = ""
      for word in paragraph.split(separator: " ").map(String.init) {
        if line.isEmpty {
          line = word
        } else if line.displayWidth + 1 + word.displayWidth <= width {
          line += " \(word)"
        } else {
          lines.append(line)
          line = word
        }
      }
      return lines + [line]
    }.map(Prose.init(unescaped:))
  }
}

extension Prose {
  /// Spaces.
  static func blank(_ count: Int) -> Prose { repeated(" ", count) }

  static func repeated(_ character: Character, _ count: Int) -> Prose {
    "\(whole: String(repeating: character, count: max(0, count)))"
  }
}
