internal import PhaseDB

/// A parsed command line: a verb and the values of its arguments.
struct Invocation: Sendable, Hashable {
  let verb: Verb.ID
  /// In the order given; one value unless the argument may be repeated.
  private(set) var values: [ArgumentID: [ArgumentValue]] = [:]

  init(_ verb: Verb.ID) { self.verb = verb }

  mutating func add(_ value: ArgumentValue, to id: ArgumentID) { values[id, default: []].append(value) }

  func has(_ id: ArgumentID) -> Bool { values[id] != nil }

  /// Whether a flag was given.
  func flag(_ id: ArgumentID) -> Bool { has(id) }

  /// The text of an argument, nil when it was not given.
  func value(_ id: ArgumentID) -> String? { values(id).last }

  /// Every text given for an argument; a list counts as its words.
  func values(_ id: ArgumentID) -> [String] {
    (values[id] ?? []).flatMap { value -> [String] in
      switch value {
      case .text(let text): [text]
      case .list(let words): words
      case .flag, .number, .duration: []
      }
    }
  }

  func number(_ id: ArgumentID) -> Int? {
    if case .number(let number)? = values[id]?.last { number } else { nil }
  }

  func duration(_ id: ArgumentID) -> Duration? {
    if case .duration(let duration)? = values[id]?.last { duration } else { nil }
  }

  /// The words given for an argument, as cases of the enumeration behind its row; empty when not given.
  func choices<Choice: RawRepresentable<String>>(_ id: ArgumentID, of _: Choice.Type) -> [Choice] {
    values(id).compactMap(Choice.init(rawValue:))
  }

  var format: OutputFormat { choices(.format, of: OutputFormat.self).last ?? .text }
  var color: ColorChoice { choices(.color, of: ColorChoice.self).last ?? .auto }

  // MARK: - Required and misplaced arguments

  /// Refuses an action that lacks an argument.
  ///
  /// - Parameters:
  ///   - action: the words of the command, as in `watch waive`.
  ///   - needed: the required arguments, each with the text to write for it; the first that is missing is reported.
  func require(_ needed: KeyValuePairs<ArgumentID, String>, for action: String) throws(UsageError) {
    guard let word = needed.first(where: { !has($0.key) })?.value else { return }
    throw UsageError(.missingArgument, "'\(action)' needs \(word)", help: ["add \(word)"])
  }

  /// Refuses arguments that other actions of a verb have.
  ///
  /// - Parameters:
  ///   - own: the arguments that belong to some action, each as a message names it.
  ///   - allowed: those that this action may have.
  func refuse(
    _ own: KeyValuePairs<ArgumentID, String>, but allowed: [ArgumentID], for action: String
  ) throws(UsageError) {
    guard let word = own.first(where: { has($0.key) && !allowed.contains($0.key) })?.value else { return }
    throw UsageError(.conflictingArguments, "\(word) is not for '\(action)'")
  }
}

/// The name of an argument in code: the key of its value in an ``Invocation``.
///
/// Options and positionals share one list, so that a command asks for either in the same way.
enum ArgumentID: String, Sendable, CaseIterable {
  // Options.
  case database, migrations, format, color, quiet, help, version
  case from, phases, target, all, dryRun, wait, live, override, reason, instance, present, check, note, limit
  case hold, pause, maximumRows
  case evidence, rehearse, allowEmpty, copyTo, snapshot, confirm
  case accept
  case renumber, unfinished
  case after, afterPlan, contracts
  case watch, once, freezeTime
  case effects
  case upExpression, downExpression, fill
  case app, list, importLog, timeLimit, jobs, logs
  case pending, applied, migration, output
  case tool, since, set, replace, stub
  case migrationName, window, pendingOnly

  // Positionals.
  case name, count, direction, application, shell, kind, topic, phase, entry, word, command, destination,
    action, lane, laneAction
  case switchName, exposure, subject, subjects, state, steps, every, interval, recipe, given, folder
}

/// The form in which data is printed.
enum OutputFormat: String, Sendable, CaseIterable {
  case text, json
  /// Annotations of GitHub Actions, for findings.
  case github
  /// The Static Analysis Results Interchange Format, version 2.1.0, for findings.
  case sarif
  /// A table or a page for a pull request.
  case markdown
  /// A page for a browser, in one file.
  case html
  /// Test cases as JUnit's Ant task writes them, which every CI reads.
  case junit
  /// Rows for a spreadsheet.
  case csv

  /// The formats of every verb that prints data.
  static let common: [OutputFormat] = [.text, .json]
}
