internal import PhaseSQLite

/// The format of `apps/APP/VERSION.sql`: statements with directives in the comments before them.
enum ApplicationFile {
  /// Reads the queries of a version.
  ///
  /// - Parameters:
  ///   - text: the whole file; line ends may be LF or CRLF, a byte order mark is skipped.
  ///   - file: what errors call the file.
  /// - Throws: `unknown-directive`, `bad-directive` or `incomplete-statement`, always with the place.
  static func read(
    _ text: String, file: String, application: String, version: Version
  ) throws(MigrationError) -> ApplicationScript {
    let source = PhaseSource(text, file: file)
    let split = SQLSplitter(bytes: source.bytes)
    var draft = QueriesDraft(source)
    var statements = split.statements[...]
    for comment in split.lineComments {
      while let first = statements.first, first.upperBound <= comment.lowerBound {
        try draft.take(statement: first)
        statements.removeFirst()
      }
      guard let directive = Directive(comment: comment, in: source) else { continue }
      if let first = statements.first, first.lowerBound < comment.lowerBound {
        guard QueryDirective(directive, in: source) != nil else { continue }
        throw source.incomplete(first, before: directive)
      }
      try draft.take(directive)
    }
    if let unclosed = split.unclosed { throw source.unclosed(unclosed) }
    for statement in statements { try draft.take(statement: statement) }
    let queries = try draft.finish()
    return ApplicationScript(application: application, version: version, file: file, queries: queries)
  }
}

/// The directives of the format.
enum QueryDirective: String, CaseIterable {
  case query, with, expect
  case names = "as"

  init?(_ directive: Directive, in source: PhaseSource) {
    self.init(rawValue: source.string(directive.word.dropFirst()))
  }
}
