/// Something that lint found: what is wrong, where, and what to do about it.
public struct Finding: Sendable, Hashable {
  package enum Level: String, Sendable, Hashable, CaseIterable {
    case error, warning
  }

  /// The id of the rule, or of the error that made a file unreadable or a statement fail.
  public let id: String
  package let level: Level
  /// Whether it must be corrected; a warning may stay.
  public var isError: Bool { level == .error }
  /// The phase it is about, nil when it is about the folder.
  public let phase: PhaseID?
  /// What is wrong, in one sentence without a full stop.
  public let message: Prose
  /// The place of the cause; nil when the cause is in no file.
  public let place: Place?
  /// Differences, names and the like, one line each.
  public let details: [Prose]
  /// Why it matters, one sentence.
  public let reason: Prose
  /// SQL or a directive to write, most useful first.
  public let remedies: [Prose]

  init(
    _ rule: Rule, level: Level? = nil, in phase: PhaseID?, _ message: Prose, at place: Place?,
    details: [Prose] = [],
    remedies: [Prose]
  ) {
    id = rule.rawValue
    self.level = level ?? rule.level
    self.phase = phase
    self.message = message
    self.place = place
    self.details = details
    reason = rule.reason
    self.remedies = remedies
  }

  /// An error as a finding: a file that cannot be read, or a statement that fails on the scratch database.
  init(_ error: MigrationError, in phase: PhaseID?) {
    id = error.id.rawValue
    level = .error
    self.phase = phase
    message = error.message
    place = error.place
    details = error.details
    // The rule window-invalid is about windows that contradict each other. The error of that name is about a window
    // that cannot be read.
    reason =
      (error.id == .windowInvalid ? nil : Rule(rawValue: error.id.rawValue))?.reason
      ?? "The phase cannot run like this."
    remedies = error.help
  }
}
