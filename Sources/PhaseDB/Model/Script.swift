internal import PhaseSQL
internal import PhaseSQLite

/// SQL with at least one statement, and the place of each of its bytes in a file.
///
/// Two kinds of scripts have no statement: the sections of a contract that retires, and ``fromArchive``. Only the
/// reader of phase files makes the first kind.
public struct Script: Sendable, Hashable {
  /// The SQL, as written.
  public let text: String
  /// The name of its file, or what errors call it instead.
  public let file: String
  /// The line of `file` on which `text` starts, counted from 1.
  public let firstLine: Int

  /// - Parameters:
  ///   - text: SQL with at least one statement.
  ///   - file: what errors call the text's file.
  ///   - firstLine: the line of `file` on which `text` starts; `text` starts in column 1.
  /// - Returns: nil when `text` holds no token but comments, white space and semicolons.
  public init?(_ text: String, file: String = "(script)", firstLine: Int = 1) {
    guard SQLTokens(text).contains(where: { !$0.kind.isTrivia && !$0.isSemicolon }) else { return nil }
    self.init(anything: text, file: file, firstLine: firstLine)
  }

  /// A text that may be nothing but comments.
  init(anything text: String, file: String, firstLine: Int) {
    self.text = text
    self.file = file
    self.firstLine = firstLine
  }

  static let nothing = Script(anything: "", file: "(script)", firstLine: 1)

  /// The way down of a migrate phase that runs no SQL: what its way up overwrote or deleted comes back from the archive.
  /// `@down archive` in a phase file.
  public static let fromArchive = nothing

  /// Whether it has no statement.
  var isNothing: Bool { !SQLTokens(text).contains { !$0.kind.isTrivia && !$0.isSemicolon } }

  /// The place of a byte of `text`.
  ///
  /// - Parameters:
  ///   - offset: UTF-8 bytes from the start of `text`; past the end counts as the end.
  ///   - length: how many UTF-8 bytes of the same line the place covers.
  package func place(at offset: Int, length: Int = 1) -> Place {
    TextLines(text).place(at: offset, length: length, file: file, firstLine: firstLine)
  }
}

extension Script {
  /// Where the first token that is neither white space nor comment starts.
  package var firstTokenOffset: Int { offsetOfFirstToken(from: 0) }

  /// Where the first token at or after an offset starts.
  func offsetOfFirstToken(from offset: Int) -> Int {
    SQLTokens(text).first { $0.range.lowerBound >= offset && !$0.kind.isTrivia }?.range.lowerBound ?? offset
  }

  /// How long the token at an offset is, at least 1.
  package func tokenLength(at offset: Int) -> Int {
    SQLTokens(text).first { $0.range.lowerBound == offset }?.range.count ?? 1
  }

  /// The phases that it stands for as a baseline, from the comments before its first statement.
  package var squashed: [SquashedPhase] {
    var found: [SquashedPhase] = []
    var rest = text.utf8[...]
    while !rest.isEmpty {
      let line = rest.prefix { $0 != UInt8(ascii: "\n") }
      guard line.isEmpty || line.starts(with: "--".utf8) else { break }
      if let phase = SquashedPhase(line: Substring(line)) { found.append(phase) }
      rest = rest[line.endIndex...].dropFirst()
    }
    return found
  }

  /// The first line of the file the script stands in.
  var beginningOfFile: Place { Place(file: file, line: 1, column: 1) }
}
