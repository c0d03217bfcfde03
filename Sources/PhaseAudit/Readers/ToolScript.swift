internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// SQL of another tool, and how the tool runs it.
package struct ToolScript: Sendable {
  /// The SQL.
  package let text: String
  /// The file that it stands in, as an error names it, and the line on which `text` starts, from 1 on.
  package let file: String
  package let firstLine: Int
  /// Each statement as the tool hands it to SQLite, by UTF-8 offsets in `text`. Where a tool hands over the whole text,
  /// these are SQLite's own statements.
  package let statements: [Range<Int>]
  package let wrapping: Wrapping

  package init(
    text: String, file: String, firstLine: Int = 1, statements: [Range<Int>], wrapping: Wrapping
  ) {
    self.text = text
    self.file = file
    self.firstLine = firstLine
    self.statements = statements
    self.wrapping = wrapping
  }

  /// The transaction that the tool opens around it.
  package enum Wrapping: Sendable, Hashable {
    /// One around the whole script.
    case transaction
    /// None: the script brings its own or runs statement by statement.
    case none
  }
}

extension ToolScript {
  /// A part of a file that the tool hands to SQLite as a whole.
  init(_ file: ToolFile, _ range: Range<Int>? = nil, wrapping: Wrapping) {
    let bytes = file.bytes
    let range = range ?? 0..<bytes.count
    let text = String(decoding: bytes[range], as: UTF8.self)
    self.init(
      text: text, file: file.path,
      firstLine: 1 + bytes[..<range.lowerBound].count { $0 == UInt8(ascii: "\n") },
      statements: SQLSplitter.statements(in: text), wrapping: wrapping)
  }

  /// A part of a file that the tool cuts into pieces itself.
  ///
  /// - Parameter pieces: UTF-8 offsets in the file. SQLite finds its own statements in each: most drivers run all of them.
  init(_ file: ToolFile, _ range: Range<Int>, pieces: [Range<Int>], wrapping: Wrapping) {
    let bytes = file.bytes
    self.init(
      text: String(decoding: bytes[range], as: UTF8.self), file: file.path,
      firstLine: 1 + bytes[..<range.lowerBound].count { $0 == UInt8(ascii: "\n") },
      statements: pieces.flatMap { piece in
        SQLSplitter(bytes: Array(bytes[piece])).statements.map { statement in
          let start = piece.lowerBound - range.lowerBound
          return statement.lowerBound + start..<statement.upperBound + start
        }
      }, wrapping: wrapping)
  }
}

// MARK: - Its statements

extension ToolScript {
  /// The place of the first token from an offset on.
  func place(at offset: Int) -> Place {
    guard let written = Script(text, file: file, firstLine: firstLine) else {
      return Place(file: file, line: firstLine, column: 1)
    }
    let token = SQLTokens(text).first { $0.range.lowerBound >= offset && !$0.kind.isTrivia }
    let start = token?.range.lowerBound ?? offset
    return written.place(at: start, length: token?.range.count ?? 1)
  }

  /// The first statement's.
  var beginning: Place { place(at: statements.first?.lowerBound ?? 0) }

  /// The first statement that begins or ends a transaction; nil when there is none.
  var transactionControl: Place? {
    let bytes = Array(text.utf8)
    for range in statements {
      let piece = String(decoding: bytes[range], as: UTF8.self)
      guard Self.mayControl(piece) else { continue }
      for statement in SQLSplitter.statements(in: piece) {
        let words = SQLWord.all(in: String(decoding: Array(piece.utf8)[statement], as: UTF8.self))
        guard let first = words.first else { continue }
        if ["begin", "commit", "end", "rollback"].contains(where: first.is),
          !words.has("rollback", "to", at: 0)
        {
          return place(at: range.lowerBound + statement.lowerBound)
        }
      }
    }
    return nil
  }

  private static func mayControl(_ text: String) -> Bool {
    ["begin", "commit", "end", "rollback"].contains { text.occurrences(ofLowercased: $0) > 0 }
  }

  /// Whether it opens a transaction itself.
  var beginsTransaction: Bool {
    let bytes = Array(text.utf8)
    return statements.contains { SQLTokens.firstWords(1, of: bytes[$0]) == ["begin"] }
  }

  /// The same script without the tool's transaction if it begins its own, because transactions cannot be nested.
  var freed: ToolScript {
    guard wrapping == .transaction, transactionControl != nil else { return self }
    return ToolScript(text: text, file: file, firstLine: firstLine, statements: statements, wrapping: .none)
  }

  /// Whether it names one of these functions.
  func calls(_ functions: Set<FoldedName>) -> Bool {
    SQLWord.all(in: text).contains { functions.contains($0.text) }
  }
}
