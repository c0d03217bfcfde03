internal import PhaseDB

/// The kind of value that an option or positional takes.
enum ValueKind: Sendable, Hashable {
  /// Any text, with its placeholder in help.
  case text(String)
  /// A name in a folder or a ledger, with a placeholder if help uses another one.
  case name(Known, String? = nil)
  /// Two texts with `=` between them, with their placeholder in help.
  case pair(String)
  /// A path to a file.
  case path
  /// A path to a folder.
  case directory
  /// A whole number from 1.
  case number
  /// A number with a unit, as in `500ms`, `30s`, `5m`, `12h`, `7d`.
  case duration
  /// A part of all in percent, as in `25%` and `0.5%`.
  case percent
  /// Several percentages, separated by commas, each larger than the one before.
  case percents
  /// One of these words.
  case choices([String])
  /// One or more of these words, separated by commas; a placeholder where help does not list them.
  case list([String], String? = nil)

  /// Names that a shell can offer; it asks phasedb for them.
  enum Known: String, Sendable, CaseIterable {
    case phase, target, checkpoint, version, destination, word, lane
    case `switch`, recipe

    fileprivate var placeholder: String {
      switch self {
      case .phase: "PHASE"
      case .target: "TARGET"
      case .checkpoint, .switch: "NAME"
      case .version: "APP@VERSION"
      case .destination: "PHASE|@CHECKPOINT|APP@VERSION"
      case .word: "ID"
      case .lane: "LANE"
      case .recipe: "RECIPE"
      }
    }
  }

  /// How help writes the value.
  var placeholder: String {
    switch self {
    case .text(let placeholder): placeholder
    case .name(let known, let placeholder): placeholder ?? known.placeholder
    case .pair(let placeholder): placeholder
    case .path: "PATH"
    case .directory: "DIR"
    case .number: "N"
    case .duration: "DURATION"
    case .percent, .percents: "N%"
    // Where they do not fit beside the option, its detail lists them.
    case .choices(let words): words.count > 12 ? "NAME" : words.joined(separator: "|")
    case .list(let words, let placeholder): placeholder ?? words.joined(separator: ",")
    }
  }

  /// The words that a shell can offer; empty when anything may be written.
  var words: [String] {
    switch self {
    case .choices(let words), .list(let words, _): words
    case .text, .name, .pair, .path, .directory, .number, .duration, .percent, .percents: []
    }
  }

  /// Reads what was written.
  ///
  /// - Throws: `bad-number`, `bad-duration`, `bad-choice` or `empty-value`; `subject` is the name of the argument in
  ///   the message, as in `'--wait'`.
  func read(_ text: String, for subject: String) throws(UsageError) -> ArgumentValue {
    switch self {
    case .text, .name, .path, .directory:
      guard !text.isEmpty else { throw UsageError(.emptyValue, "\(subject) was given an empty text") }
      return .text(text)
    case .pair(let placeholder):
      guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
        throw UsageError(.missingValue, "\(subject) takes \(placeholder), not '\(text)'")
      }
      return .text(text)
    case .number:
      // Int() accepts a sign, which a count does not have.
      guard text.allSatisfy({ ("0"..."9").contains($0) }), let number = Int(text), number > 0 else {
        throw UsageError(.badNumber, "\(subject) takes a whole number from 1, not '\(text)'")
      }
      return .number(number)
    case .duration:
      guard let duration = DurationText.parse(text) else {
        throw UsageError(
          .badDuration, "\(subject) takes a number with a unit, not '\(text)'",
          help: ["write for example 500ms, 30s, 5m, 12h or 7d"])
      }
      return .duration(duration)
    case .percent:
      _ = try Self.exposure(text, for: subject)
      return .text(text)
    case .percents:
      let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      var last: Exposure?
      for part in parts {
        let next = try Self.exposure(part, for: subject)
        guard last.map({ $0 < next }) ?? (next > .none) else {
          throw UsageError(
            .badNumber, "\(subject) takes steps that rise from above 0 %, not '\(text)'",
            help: ["write for example 1%,10%,50%,100%"])
        }
        last = next
      }
      return .list(parts)
    case .choices(let words):
      try Self.check(text, among: words, for: subject)
      return .text(text)
    case .list(let words, _):
      let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      for part in parts { try Self.check(part, among: words, for: subject) }
      return .list(parts)
    }
  }

  private static func exposure(_ text: String, for subject: String) throws(UsageError) -> Exposure {
    do throws(Exposure.Unreadable) {
      return try Exposure(text)
    } catch {
      throw UsageError(
        .badNumber, "\(subject) takes a number from 0% to 100%, and '\(text)' \(error.why)")
    }
  }

  private static func check(
    _ word: String, among words: [String], for subject: String
  ) throws(UsageError) {
    guard !words.contains(word) else { return }
    let all = words.joined(separator: ", ")
    throw UsageError(
      .badChoice, "\(subject) takes one of \(all), not '\(word)'", candidates: words, for: word)
  }
}

/// A parsed value.
enum ArgumentValue: Sendable, Hashable {
  case flag
  case text(String)
  case number(Int)
  case duration(Duration)
  case list([String])
}
