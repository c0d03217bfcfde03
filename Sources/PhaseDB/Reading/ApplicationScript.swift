package import PhaseSQL
package import PhaseSQLite

/// The queries of one version of an application: the file `apps/APP/VERSION.sql`.
package struct ApplicationScript: Sendable {
  package let application: String
  package let version: Version
  package let file: String
  /// In the order in which they run; never empty.
  package let queries: [ApplicationQuery]
}

/// One named statement of an application, and the values it is run with.
package struct ApplicationQuery: Sendable {
  package let title: String
  /// One statement, with the place where it is written.
  package let sql: Script
  /// Names that its text may mention, folded.
  package let names: Set<FoldedName>
  package let parameters: [QueryParameter]
  /// Values for `parameters`, in their order. The statement runs once for each row; there is at least one.
  package let rows: [[QueryParameter.Source]]
  /// Whether the statement must fail.
  package let expectsError: Bool
  /// The values of its result that later statements may use.
  package let results: [NamedResult]

  /// A named value of a statement's result, from the first row of its last run.
  package struct NamedResult: Sendable, Hashable {
    package let name: ExactName
    package let from: From

    package enum From: Sendable, Hashable {
      case column(String)
      case lastInsertRowID
    }
  }

  /// Where the statement begins.
  package var place: Place {
    let start = sql.firstTokenOffset
    return sql.place(at: start, length: sql.tokenLength(at: start))
  }
}

/// A parameter of a statement, by the number that SQLite gives it (sqlite.org/lang_expr.html#varparam).
package struct QueryParameter: Sendable, Hashable {
  /// Counts from 1.
  package let number: Int
  /// Without its mark; nil for `?` and `?3`.
  package let name: ExactName?

  /// What is bound to it.
  package enum Source: Sendable, Hashable {
    case value(Value)
    /// A value that an earlier statement named by `@as`.
    case result(ExactName)
  }

  /// Its name for people.
  var title: String { name.map { "':\($0)'" } ?? "number \(number)" }

  /// The parameters of a statement, found by its tokens, so that a file can be read without a schema.
  package static func all(in sql: String) -> [QueryParameter] {
    let bytes = Array(sql.utf8)
    var numbers = ParameterNumbers()
    var parameters: [QueryParameter] = []
    for token in SQLTokens(bytes: bytes) where token.kind == .variable {
      let text = String(decoding: bytes[token.range], as: UTF8.self)
      let number = numbers.number(of: text)
      let name = bytes[token.range].first == UInt8(ascii: "?") ? nil : ExactName(parameter: text)
      if !parameters.contains(where: { $0.number == number }) {
        parameters.append(QueryParameter(number: number, name: name))
      }
    }
    return parameters.sorted { $0.number < $1.number }
  }
}

/// Counts parameters as SQLite does: a `?` or a new name gets one more than the largest number before it.
package struct ParameterNumbers {
  private var largest = 0
  private var named: [ExactName: Int] = [:]

  package init() {}

  /// The number of the next parameter of a statement, as it is written there.
  package mutating func number(of text: String) -> Int {
    let number: Int
    if text.hasPrefix("?"), let written = Int(text.dropFirst()) {
      number = written
    } else if text != "?", let known = named[ExactName(text)] {
      number = known
    } else {
      number = largest + 1
      if text != "?" { named[ExactName(text)] = number }
    }
    largest = max(largest, number)
    return number
  }
}

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
