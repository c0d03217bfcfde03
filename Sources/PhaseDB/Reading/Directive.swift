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
