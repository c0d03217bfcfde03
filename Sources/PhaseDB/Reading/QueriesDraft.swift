internal import PhaseSQL
internal import PhaseSQLite

/// The statements of a file that have been read so far.
struct QueriesDraft {
  let source: PhaseSource
  private var queries: [ApplicationQuery] = []
  private var query: Draft?
  /// What `@as` of the statements before has named.
  private(set) var named: Set<ExactName> = []
  var values: ConstantValues?

  private struct Draft {
    let title: String
    let directive: Directive
    var rows: [Directive] = []
    var expectsError = false
    var results: [(result: ApplicationQuery.NamedResult, directive: Directive)] = []
    var statement: Range<Int>?
  }

  init(_ source: PhaseSource) { self.source = source }

  mutating func take(_ directive: Directive) throws(MigrationError) {
    guard let name = QueryDirective(directive, in: source) else {
      let known = QueryDirective.allCases.map { "@" + $0.rawValue }
      let nearest = Suggestion.nearest(to: source.word(directive), in: known)
      throw MigrationError(
        .unknownDirective, "'\(source.word(directive))' is not a directive of a version's queries",
        at: source.place(directive.word),
        help: [nearest.map { "did you mean \($0)?" } ?? "the directives are \(known.joined(separator: ", "))"]
      )
    }
    if name == .query { return try begin(directive) }
    guard var draft = query, draft.statement == nil else {
      throw source.bad(
        directive, "\(source.word(directive)) belongs to no statement",
        help: "write it between -- @query NAME and the statement")
    }
    switch name {
    case .query: break
    case .with: draft.rows.append(directive)
    case .expect:
      guard source.string(directive.arguments) == "error" else {
        throw source.bad(
          directive, "@expect knows only 'error'",
          at: directive.arguments.isEmpty ? nil : directive.arguments, help: "write -- @expect error")
      }
      draft.expectsError = true
    case .names: draft.results += try results(directive).map { ($0, directive) }
    }
    query = draft
  }

  private mutating func begin(_ directive: Directive) throws(MigrationError) {
    try close()
    let title = source.string(directive.arguments)
    guard !title.isEmpty else {
      throw source.bad(
        directive, "@query has no name", help: "say what the statement is for: -- @query customer by id")
    }
    if let same = queries.first(where: { $0.title == title }) {
      throw source.bad(
        directive, "there is another query '\(title)' on line \(same.place.line)", at: directive.arguments,
        help: "give each query a name of its own")
    }
    query = Draft(title: title, directive: directive)
  }

  mutating func take(statement: Range<Int>) throws(MigrationError) {
    guard var draft = query else {
      throw MigrationError(
        .badDirective, "a statement stands before the first @query", at: source.place(statement),
        help: ["say what it is for on a line above it: -- @query customer by id"])
    }
    guard draft.statement == nil else {
      throw MigrationError(
        .badDirective, "the query '\(draft.title)' has a second statement", at: source.place(statement),
        help: ["write a -- @query NAME of its own above it"])
    }
    try refuseForeign(statement)
    draft.statement = statement
    query = draft
  }

  /// What is no question to the database but about the connection.
  private func refuseForeign(_ statement: Range<Int>) throws(MigrationError) {
    let tokens = SQLTokens(bytes: Array(source.bytes[statement]))
    guard let first = tokens.first(where: { !$0.kind.isTrivia }) else { return }
    let range = first.range.shifted(by: statement.lowerBound)
    let word = source.string(range).lowercased()
    let foreign: Set = [
      "begin", "commit", "end", "rollback", "savepoint", "release", "attach", "detach", "vacuum", "pragma",
    ]
    guard foreign.contains(word) else { return }
    throw MigrationError(
      .forbiddenStatement, "\(word.uppercased()) in a version's queries is not allowed",
      at: source.place(range),
      help: ["remove it: phasedb runs the queries in a transaction that it takes back"])
  }

  private mutating func close() throws(MigrationError) {
    guard let draft = query else { return }
    query = nil
    guard let statement = draft.statement else {
      throw source.bad(
        draft.directive, "the query '\(draft.title)' has no statement", at: draft.directive.whole,
        help: "write its SQL under it")
    }
    let line = source.line(at: statement.lowerBound)
    // With what stands before it on its line, so that columns count from the line's start.
    let text =
      String(repeating: " ", count: source.place(statement).column - 1) + source.string(statement)
    guard let sql = Script(text, file: source.file, firstLine: line) else { return }
    let parameters = QueryParameter.all(in: text)
    var rows: [[QueryParameter.Source]] = []
    for directive in draft.rows { rows.append(try row(directive, parameters, of: draft.title)) }
    if rows.isEmpty {
      rows.append(try complete([:], parameters, of: draft.title, at: source.place(statement)))
    }
    let query = ApplicationQuery(
      title: draft.title, sql: sql, names: SQLTokens.identifiers(in: text), parameters: parameters,
      rows: rows,
      expectsError: draft.expectsError, results: draft.results.map(\.result))
    for (result, directive) in draft.results where !named.insert(result.name).inserted {
      throw source.bad(
        directive, "'\(result.name)' has been named before", at: directive.arguments,
        help: "choose another name")
    }
    queries.append(query)
  }

  mutating func finish() throws(MigrationError) -> [ApplicationQuery] {
    try close()
    guard !queries.isEmpty else {
      throw MigrationError(
        .badDirective, "the file asks the database nothing", at: source.place(0..<0),
        help: ["write -- @query NAME and under it a statement of the application"])
    }
    return queries
  }
}
