internal import PhaseDB

/// An error of a command line. The exit code is then 64.
struct UsageError: Error, Hashable {
  /// The stable name of the error, as printed in square brackets.
  enum ID: String, CaseIterable {
    case missingVerb = "missing-verb"
    case unknownVerb = "unknown-verb"
    case unknownOption = "unknown-option"
    case missingArgument = "missing-argument"
    case extraArgument = "extra-argument"
    case conflictingArguments = "conflicting-arguments"
    case repeatedOption = "repeated-option"
    case missingValue = "missing-value"
    case unexpectedValue = "unexpected-value"
    case emptyValue = "empty-value"
    case badNumber = "bad-number"
    case badDuration = "bad-duration"
    case badChoice = "bad-choice"
  }

  let id: ID
  /// One sentence without a full stop, in lower case.
  let message: Prose
  /// The nearest valid word.
  let suggestion: String?
  /// What to do next, most useful first: one line each, without the suggestion and the pointer to help.
  let help: [Prose]
  /// The words of the verb whose help says more; empty for the overview. The parser fills it in.
  var verb: [String] = []

  init(_ id: ID, _ message: Prose, suggestion: String? = nil, help: [Prose] = []) {
    self.id = id
    self.message = message
    self.suggestion = suggestion
    self.help = help
  }

  /// - Parameters:
  ///   - candidates: what could have been meant.
  ///   - word: what was written instead.
  init(_ id: ID, _ message: Prose, candidates: [String], for word: String, help: [Prose] = []) {
    self.init(id, message, suggestion: Suggestion.nearest(to: word, in: candidates), help: help)
  }

  /// Every line of help: the suggestion, the remedies, and where to read on.
  var remedies: [Prose] {
    (suggestion.map { ["did you mean '\($0)'?"] } ?? []) + help
      + ["see: \((["phasedb", "help"] + verb).joined(separator: " "))"]
  }
}
