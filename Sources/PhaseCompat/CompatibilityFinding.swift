public import PhaseDB

/// A difference that a version of an application sees from the state it was written for.
public struct CompatibilityFinding: Sendable, Hashable {
  /// The check that found it.
  package enum Check: String, Sendable, Hashable, CaseIterable {
    /// The statement was compiled.
    case compiling
    /// The script was run, and its results were compared.
    case results
    /// The claims of the phases were checked after the script.
    case verify
    /// Two versions wrote in turn, and the schema went down and up.
    case interleaving
    /// The query plans of SQLite were compared; this gives only a warning.
    case plan
    /// The application's own tests were run.
    case command
  }

  package let check: Check
  /// The application.
  public let application: String
  /// Its version.
  public let version: Version
  /// The name of the statement; nil when it is not about one.
  public let query: String?
  /// What is wrong, in one sentence without a full stop.
  public let message: Prose
  /// Parameters, rows before and after: one line each.
  public let details: [Prose]
  /// Where the statement is written.
  public let place: Place?
  /// The phase after which it appeared first; nil when no phase caused it.
  public internal(set) var phase: PhaseID?
  /// The line of that phase's window, or its beginning.
  public internal(set) var phasePlace: Place?

  /// Whether it is a warning: the query only takes longer.
  public var isWarning: Bool { check == .plan }

  /// Whether it is the same finding on another state, whatever its rows are.
  func isSame(as other: CompatibilityFinding) -> Bool {
    check == other.check && application == other.application && version == other.version
      && query == other.query && message == other.message
  }
}
