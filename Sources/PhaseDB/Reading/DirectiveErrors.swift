// The errors that sections and declarations have in common.

extension PhaseSource {
  func word(_ directive: Directive) -> String { string(directive.word) }

  func line(_ directive: Directive) -> Int { line(at: directive.word.lowerBound) }

  func bad(
    _ directive: Directive, _ message: Prose, at range: Range<Int>? = nil, help: Prose
  ) -> MigrationError {
    MigrationError(.badDirective, message, at: place(range ?? directive.word), help: [help])
  }

  func duration(
    _ range: Range<Int>, _ directive: Directive, example: String
  ) throws(MigrationError) -> Duration {
    let text = string(range)
    guard let duration = DurationText.parse(text) else {
      throw bad(
        directive, text.isEmpty ? "\(word(directive)) has no duration" : "'\(text)' is not a duration",
        at: range.isEmpty ? directive.word : range,
        help: "write a number and one of ms, s, m, h, d, for example \(example)")
    }
    return duration
  }

  func placing<Value>(
    _ range: Range<Int>, _ read: () throws(MigrationError) -> Value
  ) throws(MigrationError) -> Value {
    do {
      return try read()
    } catch {
      var error = error
      error.place = place(range)
      throw error
    }
  }
}

extension Directive.Name {
  /// What to write where the directive is missing.
  var remedy: Prose {
    switch self {
    case .up: "write -- @up and under it the SQL of the way up"
    case .down: "write -- @down and under it the SQL that undoes @up"
    default:
      "write which versions run both before and after the phase, for example -- @window storefront >=1.4 <2.0"
    }
  }
}
