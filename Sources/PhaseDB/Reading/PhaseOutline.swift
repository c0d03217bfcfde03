internal import PhaseSQL
internal import PhaseSQLite

/// The structure of a phase file: its statements, and between them its directives and comments.
struct PhaseOutline {
  private(set) var directives: [Directive] = []
  /// The first comment lines that are no directives, without their dashes, joined into one text.
  private(set) var summary = ""
  let statements: [Range<Int>]
  /// Directives that count only as comments because they are inside a CREATE TRIGGER.
  private(set) var swallowed: [(directive: Directive, statement: Range<Int>)] = []

  /// - Throws: `incomplete-statement` when a directive is inside any other statement, or when a quote, comment or
  ///   statement is not closed.
  init(_ source: PhaseSource) throws(MigrationError) {
    let split = SQLSplitter(bytes: source.bytes)
    statements = split.statements
    var index = 0
    var summaryEnd: Int?
    for comment in split.lineComments {
      while index < statements.count, statements[index].upperBound <= comment.lowerBound { index += 1 }
      let directive = Directive(comment: comment, in: source)
      if index < statements.count, statements[index].lowerBound < comment.lowerBound {
        guard let directive, directive.name != nil else { continue }
        guard source.startsTrigger(statements[index]) else {
          throw source.incomplete(statements[index], before: directive)
        }
        swallowed.append((directive, statements[index]))
      } else if let directive {
        directives.append(directive)
      } else if index == 0, !directives.contains(where: { $0.name?.isSection == true }) {
        addToSummary(comment, end: &summaryEnd, source)
      }
    }
    if let unclosed = split.unclosed { throw source.unclosed(unclosed) }
    if split.isLastUnterminated, let last = swallowed.last, last.statement == statements.last {
      let first = swallowed.first { $0.statement == last.statement } ?? last
      throw source.incomplete(first.statement, before: first.directive)
    }
  }

  /// The summary is one paragraph: it ends at an empty comment, an empty line or a directive.
  private mutating func addToSummary(_ comment: Range<Int>, end: inout Int?, _ source: PhaseSource) {
    let text = source.trimmed(comment.dropFirst(2))
    if let last = end {
      let gap = source.bytes[last..<comment.lowerBound]
      guard gap.allSatisfy(\.isSpace), gap.count(where: { $0 == UInt8(ascii: "\n") }) == 1, !text.isEmpty
      else { return }
    }
    guard !text.isEmpty else { return }
    summary += (summary.isEmpty ? "" : " ") + source.string(text)
    end = comment.upperBound
  }
}

extension PhaseSource {
  func startsTrigger(_ statement: Range<Int>) -> Bool {
    let start = SQLTokens.firstWords(3, of: bytes[statement])
    return start.starts(with: ["create", "trigger"]) || start == ["create", "temp", "trigger"]
      || start == ["create", "temporary", "trigger"]
  }

  func incomplete(_ statement: Range<Int>, before directive: Directive) -> MigrationError {
    let word = string(directive.word)
    let line = line(at: directive.word.lowerBound)
    let isTrigger = startsTrigger(statement)
    var end = statement.lowerBound
    for token in SQLTokens(bytes: Array(bytes[statement.lowerBound..<directive.lineStart]))
    where !token.kind.isTrivia {
      end = token.range.upperBound + statement.lowerBound
    }
    return MigrationError(
      .incompleteStatement,
      isTrigger
        ? "the trigger has no END; before \(word) on line \(line)"
        : "the statement has no semicolon before \(word) on line \(line)",
      at: place(statement.lowerBound..<end),
      help: [
        isTrigger
          ? "close the body of the trigger with END;"
          : "end the statement on line \(self.line(at: end)) with ;"
      ])
  }

  package func unclosed(_ start: Int) -> MigrationError {
    let (what, mark) =
      switch bytes[start] {
      case UInt8(ascii: "'"): ("string", "'")
      case UInt8(ascii: "/"): ("comment", "*/")
      case UInt8(ascii: "x"), UInt8(ascii: "X"): ("blob", "'")
      case UInt8(ascii: "["): ("quoted name", "]")
      default: ("quoted name", string(start..<start + 1))
      }
    return MigrationError(
      .incompleteStatement, "the \(what) that starts here is never closed",
      at: place(start..<start + 1), help: ["close it with \(mark)"])
  }
}

extension Range<Int> {
  func shifted(by offset: Int) -> Range<Int> { lowerBound + offset..<upperBound + offset }
}
