/// One command of phasedb: a row of the table that parser, help and completions read.
struct Verb: Sendable {
  enum ID: String, Sendable, CaseIterable {
    case initialize, new, lint, compat, adopt, plan, rehearse, up, down, status, verify
    case checkpointCreate, checkpointList, checkpointRestore, purge, squash, forget
    case checkIn, mayRun, settle, goto
    case watch, lane
    case switchList, switchSet, switchClose, switchPin, switchUnpin, switchTest, switchSQL, switchRamp
    case effects, report, audit, importFolder
    case log, explain, completions, help, version
  }

  let id: ID
  /// The words that name it: `["checkpoint", "create"]`.
  let path: [String]
  /// One phrase without a full stop.
  let summary: String
  /// Its explanation in help: paragraphs, separated by empty lines.
  let discussion: String
  let positionals: [Positional]
  /// The arguments it reads, besides those that every verb reads.
  let options: [ArgumentID]
  /// The meaning of an argument for this verb, if the table of options is too general.
  let wording: [ArgumentID: String]
  /// The kind of value of an argument for this verb, if it differs from the table of options.
  let taking: [ArgumentID: ValueKind]
  /// The forms in which it prints its data.
  let formats: [OutputFormat]
  /// Groups of arguments of which only one may be given.
  let alternatives: [[ArgumentID]]
  let examples: [Example]
  let exitCodes: [ExitCode]
  /// Checks its arguments together, beyond what the tables say.
  let check: @Sendable (Invocation) throws(UsageError) -> Void

  struct Example: Sendable {
    let command: String
    /// What it does: one phrase without a full stop.
    let does: String

    init(_ command: String, _ does: String) {
      self.command = command
      self.does = does
    }
  }

  init(
    _ id: ID, _ path: String..., summary: String, discussion: String = "",
    positionals: [Positional] = [], options: [ArgumentID] = [], wording: [ArgumentID: String] = [:],
    taking: [ArgumentID: ValueKind] = [:], formats: [OutputFormat] = OutputFormat.common,
    alternatives: [[ArgumentID]] = [], examples: [Example],
    exitCodes: [ExitCode], check: @escaping @Sendable (Invocation) throws(UsageError) -> Void = { _ in }
  ) {
    self.id = id
    self.path = path
    self.summary = summary
    self.discussion = discussion
    self.positionals = positionals
    self.options = options
    self.wording = wording
    self.taking = taking
    self.formats = formats
    self.alternatives = alternatives
    self.examples = examples
    self.exitCodes = exitCodes
    self.check = check
  }

  /// The words, as typed: `checkpoint create`.
  var name: String { path.joined(separator: " ") }

  /// The options that every verb reads.
  static let everywhere: [ArgumentID] = [.color, .quiet, .help]

  /// The rows of all options it reads.
  var allOptions: [Option] {
    (options + Self.everywhere).compactMap(Option.named).map { option in
      option.id == .format
        ? option.taking(.choices(formats.map(\.rawValue))) : taking[option.id].map(option.only) ?? option
    }
  }

  /// The meaning of an option for this verb.
  func summary(of option: Option) -> String { wording[option.id] ?? option.summary }

  /// An argument as a message names it.
  func spelling(of id: ArgumentID) -> String {
    if let option = Option.named(id) { return "'--\(option.long)'" }
    guard let kind = positionals.first(where: { $0.id == id })?.kind else { return id.rawValue }
    return kind == .number ? "a number (\(kind.placeholder))" : kind.placeholder
  }
}

/// A value that is identified by its position after the verb.
struct Positional: Sendable {
  let id: ArgumentID
  let kind: ValueKind
  let isOptional: Bool
  /// Whether it takes all remaining words.
  let isRepeated: Bool
  /// One phrase without a full stop.
  let summary: String

  init(
    _ id: ArgumentID, _ kind: ValueKind, optional: Bool = false, repeated: Bool = false, _ summary: String
  ) {
    self.id = id
    self.kind = kind
    self.isOptional = optional
    self.isRepeated = repeated
    self.summary = summary
  }

  /// As help writes it: `NAME`, `[N]`, `[VERB...]`.
  var usage: String {
    // A longer list of words is not shown here but below, with its explanation.
    let isLong = kind.words.count > 4
    let word = (isLong ? id.rawValue.uppercased() : kind.placeholder) + (isRepeated ? "..." : "")
    return isOptional ? "[\(word)]" : word
  }
}
