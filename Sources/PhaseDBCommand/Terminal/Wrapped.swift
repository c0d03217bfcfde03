/// Breaks prose into lines.
enum Wrapped {
  /// Lines of at most `width` columns, broken at spaces. A word that is longer has a line to itself; an empty line
  /// of the text is kept.
  static func text(_ text: String, _ width: Int) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { paragraph -> [String] in
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
    }
  }
}
