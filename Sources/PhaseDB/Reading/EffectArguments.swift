internal import PhaseSQL

/// The arguments of `@effects`: `TABLE by COLUMN [where CONDITION]: AUDIENCE: TEXT`.
///
/// The condition ends at the first colon outside quotes and comments. An SQL expression has a colon only in a
/// parameter, and parameters are not allowed here.
struct EffectArguments {
  let effect: Effect

  private static let form: Prose =
    "write @effects TABLE by COLUMN [where CONDITION]: AUDIENCE: TEXT, for example -- @effects outbox by id where sent_at IS NOT NULL: customer: mails with the new price"

  /// - Throws: `bad-directive` with the place of what is not expected.
  init(_ directive: Directive, in source: PhaseSource) throws(MigrationError) {
    func bad(_ message: Prose, at range: Range<Int>? = nil, help: Prose = Self.form) -> MigrationError {
      source.bad(
        directive, message, at: range.flatMap { $0.isEmpty ? nil : $0 } ?? directive.whole, help: help)
    }
    var arguments = DirectiveArguments(directive, in: source)
    guard let (table, _) = arguments.name(until: ":") else { throw bad("@effects names no table") }
    let by = arguments.name(until: ":")
    guard by?.text == "by", let (column, _) = arguments.name(until: ":") else {
      throw bad("'by' and a column are expected behind the table", at: by?.range)
    }
    var condition: String?
    if let (word, at) = arguments.name(until: ":") {
      guard word == "where" else { throw bad("'\(word)' is not expected here", at: at) }
      let range = try Self.condition(arguments.rest, in: source, bad)
      guard !range.isEmpty else { throw bad("the condition is empty", at: at) }
      condition = source.string(range)
      arguments.skip(to: range.upperBound)
    }
    guard arguments.take(":"), let (word, at) = arguments.name(until: ":") else {
      throw bad("@effects does not say whom it concerns")
    }
    guard let audience = Residual.Audience(rawValue: word) else {
      let known = Residual.Audience.allCases.map(\.rawValue)
      throw bad(
        "'\(word)' is not an audience", at: at,
        help: Suggestion.nearest(to: word, in: known).map { "did you mean \($0)?" }
          ?? "the audiences are \(known.joined(separator: ", ")); a condition ends at its first colon")
    }
    guard let text = arguments.reason() else { throw bad("@effects \(word) does not say what remains") }
    effect = Effect(
      table, by: column, where: condition, audience, text, at: source.place(directive.whole))
  }

  /// The condition at the beginning of a range.
  private static func condition(
    _ range: Range<Int>, in source: PhaseSource, _ bad: (Prose, Range<Int>?, Prose) -> MigrationError
  ) throws(MigrationError) -> Range<Int> {
    var depth = 0
    for token in SQLTokens(bytes: Array(source.bytes[range])) {
      let at = token.range.lowerBound + range.lowerBound..<token.range.upperBound + range.lowerBound
      switch source.bytes[at.lowerBound] {
      case UInt8(ascii: ":") where token.kind == .variable || token.kind == .illegal:
        guard depth == 0 else { throw bad("a parenthesis of the condition is never closed", range, form) }
        return source.trimmed(range.lowerBound..<at.lowerBound)
      case UInt8(ascii: "(") where token.kind == .punctuation: depth += 1
      case UInt8(ascii: ")") where token.kind == .punctuation:
        depth -= 1
        guard depth >= 0 else { throw bad("this parenthesis was never opened", at, form) }
      case UInt8(ascii: ";") where token.isSemicolon:
        throw bad("the condition is one expression, without a semicolon", at, form)
      default:
        switch token.kind {
        case .variable:
          throw bad("the parameter \(source.string(at)) has no value in a condition", at, form)
        case .illegal: throw bad("'\(source.string(at))' is no SQL", at, form)
        case .lineComment: throw bad("a comment hides the end of the condition", at, form)
        default: break
        }
      }
    }
    throw bad("behind the condition a colon and the audience are expected", nil, form)
  }
}

extension Effect {
  /// The arguments of `@effects`, as they are read back.
  var arguments: String {
    // A line end between two tokens means no more than a space.
    let condition = condition.map { " where \($0.map { $0.isNewline ? " " : String($0) }.joined())" } ?? ""
    return
      "\(table.asDirectiveName) by \(column.asDirectiveName)\(condition): \(audience.rawValue): \(text.onOneLine)"
  }
}
