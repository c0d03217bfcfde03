internal import PhaseSQL
internal import PhaseSQLite

/// A file of application queries that is partly read.
struct QueriesDraft {
  let source: PhaseSource
  private var queries: [ApplicationQuery] = []
  private var query: Draft?
  /// The results that earlier statements named by `@as`.
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
          directive, "@expect accepts only 'error'",
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
        .badDirective, "there is a statement before the first @query", at: source.place(statement),
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

  /// Refuses a statement that is about the connection or a transaction, and not a query.
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
      help: ["remove it: phasedb runs the queries in a transaction that it rolls back"])
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
    // The text begins at the line's start, so that columns are right.
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
        directive, "'\(result.name)' is already in use", at: directive.arguments,
        help: "choose another name")
    }
    queries.append(query)
  }

  mutating func finish() throws(MigrationError) -> [ApplicationQuery] {
    try close()
    guard !queries.isEmpty else {
      throw MigrationError(
        .badDirective, "the file has no query", at: source.place(0..<0),
        help: ["write -- @query NAME and under it a statement of the application"])
    }
    return queries
  }
}

// The arguments of @with and @as.

extension QueriesDraft {
  /// Reads the values of one `@with`.
  mutating func row(
    _ directive: Directive, _ parameters: [QueryParameter], of title: String
  ) throws(MigrationError) -> [QueryParameter.Source] {
    let items = directive.arguments.isEmpty ? [] : source.items(directive.arguments)
    guard !items.isEmpty else {
      throw source.bad(
        directive, "@with gives no value", help: "write -- @with id = 7, name = 'Ann', or remove the line")
    }
    var given: [Int: QueryParameter.Source] = [:]
    for (index, item) in items.enumerated() {
      let (key, value) = source.assignment(item)
      guard !value.isEmpty else {
        throw source.bad(directive, "a value is missing", at: item, help: "write NAME = VALUE")
      }
      let parameter = try parameter(key, number: index + 1, item, parameters, directive, of: title)
      guard given[parameter.number] == nil else {
        throw source.bad(
          directive, "parameter \(parameter.title) has two values", at: item, help: "remove one of them")
      }
      given[parameter.number] = try binding(of: value, directive)
    }
    return try complete(given, parameters, of: title, at: source.place(directive.whole))
  }

  private func parameter(
    _ key: Range<Int>?, number: Int, _ item: Range<Int>, _ parameters: [QueryParameter],
    _ directive: Directive, of title: String
  ) throws(MigrationError) -> QueryParameter {
    let key = key.map { (range: $0, name: source.parameterName($0)) }
    let found = parameters.first { parameter in
      guard let key else { return parameter.number == number }
      return parameter.name == key.name || (parameter.name == nil && Int(key.name.text) == parameter.number)
    }
    if let found { return found }
    let names = parameters.compactMap(\.name?.text)
    let nearest = key.flatMap { Suggestion.nearest(to: $0.name.text, in: names) }
    let known: Prose =
      parameters.isEmpty
      ? "the statement has no parameter"
      : "its parameters are \(parameters.map { $0.name?.text ?? "\($0.number)" }.joined(separator: ", "))"
    throw source.bad(
      directive, "the query '\(title)' has no parameter \(key.map { "'\($0.name)'" } ?? "number \(number)")",
      at: key?.range ?? item, help: nearest.map { "did you mean \($0)?" } ?? known)
  }

  /// A value, or the name of an earlier result.
  private mutating func binding(
    of range: Range<Int>, _ directive: Directive
  ) throws(MigrationError) -> QueryParameter.Source {
    let text = source.string(range)
    let tokens = SQLTokens(text).filter { !$0.kind.isTrivia }
    if tokens.count == 1, tokens[0].kind == .variable {
      let name = ExactName(parameter: text)
      guard named.contains(name) else {
        let nearest = Suggestion.nearest(to: name.text, in: named.map(\.text))
        throw source.bad(
          directive, "no query before this one names a result '\(name)'", at: range,
          help: nearest.map { "did you mean :\($0)?" } ?? "name it there: -- @as \(name) = COLUMN")
      }
      return .result(name)
    }
    let values: ConstantValues
    if let known = self.values { values = known } else { values = try ConstantValues() }
    self.values = values
    switch values.value(of: text) {
    case .success(let value): return .value(value)
    case .failure(let refusal):
      throw source.bad(
        directive, "'\(text)' is not a value: \(refusal.message)", at: range,
        help: "write NULL, 42, 1.5, 'text', x'00ff', or a constant expression; put text in single quotes")
    }
  }

  /// The values of every parameter; a parameter without a written value may take the result of the same name.
  func complete(
    _ given: [Int: QueryParameter.Source], _ parameters: [QueryParameter], of title: String, at place: Place
  ) throws(MigrationError) -> [QueryParameter.Source] {
    var row: [QueryParameter.Source] = []
    for parameter in parameters {
      if let source = given[parameter.number] {
        row.append(source)
      } else if let name = parameter.name, named.contains(name) {
        row.append(.result(name))
      } else {
        throw MigrationError(
          .badDirective, "the query '\(title)' has no value for its parameter \(parameter.title)", at: place,
          help: [
            "write -- @with \(parameter.name?.text ?? "\(parameter.number)") = VALUE above the statement"
          ])
      }
    }
    return row
  }

  /// Reads `@as NAME = COLUMN, …`.
  func results(_ directive: Directive) throws(MigrationError) -> [ApplicationQuery.NamedResult] {
    var results: [ApplicationQuery.NamedResult] = []
    for item in source.items(directive.arguments) {
      let (key, value) = source.assignment(item)
      guard let key, !value.isEmpty else {
        throw source.bad(
          directive, "@as names no result", at: item.isEmpty ? nil : item,
          help: "write -- @as new_id = COLUMN, or -- @as new_id = last_insert_rowid()")
      }
      let words = SQLTokens(source.string(value)).filter { !$0.kind.isTrivia }
      let column = words.first.map { source.name($0.range.shifted(by: value.lowerBound)) } ?? ""
      let isRowID = words.count == 3 && column.lowercased() == "last_insert_rowid"
      guard isRowID || words.count == 1 else {
        throw source.bad(
          directive, "'\(source.string(value))' is not a column of a result", at: value,
          help: "write the name of one column, or last_insert_rowid()")
      }
      results.append(
        ApplicationQuery.NamedResult(
          name: source.parameterName(key), from: isRowID ? .lastInsertRowID : .column(column)))
    }
    guard !results.isEmpty else {
      throw source.bad(directive, "@as names no result", help: "write -- @as new_id = COLUMN")
    }
    return results
  }
}
