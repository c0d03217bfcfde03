/// A condition that must hold before a phase may run.
public enum Gate: String, Sendable, Hashable, CaseIterable {
  /// No live version of an application may be outside the phase's window on the side where the phase would break it.
  case window
  /// The migration's earlier phase must have been in place long enough.
  case soak
  /// Phases of other migrations must be applied first.
  case needs
  /// The schema must be what the ledger says. It holds every phase, in both directions.
  case drift
  /// The text of an applied phase must be the one that was applied. It holds every phase that would go up.
  case edited
  /// A rehearsal of the same text on the same schema must have shown that the phase comes back.
  case evidence
  /// The probes of the phase must not fail before it goes up, and must have a value where they compare with it.
  case probe
  /// The watches of the migration's earlier phases must have passed, or an operator must have accepted the result.
  case watch
  /// The same text must not have been reversed here by a watch that failed.
  case reversed
  /// A lane of the phase must be quiet, in both directions.
  case lane
  /// A switch must have been on for everybody long enough.
  case `switch`
  /// On the way down, the list of what the phase caused must be written first.
  case effects
  /// A phase that has to go up before it is held itself. The gate of that phase has to be opened.
  case order

  /// Gates that an operator can override with a reason.
  public static let overridable: [Gate] = [
    .window, .soak, .needs, .evidence, .probe, .watch, .reversed, .lane, .switch, .effects, .drift, .edited,
  ]

  /// A gate that holds a phase now, with its reason and what would open it.
  public struct Closed: Sendable, Hashable {
    /// Which gate it is.
    public let gate: Gate
    /// Why, in one sentence without a full stop.
    public let reason: Prose
    /// The reason in a few words, for one line of a list.
    package let brief: Prose
    /// What would open it.
    public let opening: Prose
    /// The id of the error for a phase that was asked for by name.
    let error: MigrationError.ID
    /// The other phase that causes it; nil when the held phase itself does.
    let phase: PhaseID?

    init(
      gate: Gate, reason: Prose, brief: Prose? = nil, opening: Prose, error: MigrationError.ID = .phaseHeld,
      phase: PhaseID? = nil
    ) {
      self.gate = gate
      self.brief = brief ?? reason
      self.phase = phase
      self.reason = reason
      self.opening = opening
      self.error = error
    }
  }
}

extension Gate {
  /// How an operator can override it, as the last line of an error's help.
  var overriding: Prose { "or override the gate: --override \(rawValue) --reason \"...\"" }
}

/// A version of an application that is running now.
public struct LiveVersion: Sendable, Hashable {
  /// The name of the application.
  public let application: String
  /// Its version that is running.
  public let version: Version

  /// A version of an application.
  public init(_ application: String, _ version: Version) {
    self.application = application
    self.version = version
  }

  /// Reads `APP@VERSION`.
  ///
  /// - Throws: `version-invalid` when there is no `@`, no application or no version.
  public init(_ text: String) throws(MigrationError) {
    guard let at = text.lastIndex(of: "@"), at != text.startIndex else {
      throw MigrationError(
        .versionInvalid, "'\(text)' does not name a live version",
        help: ["write APPLICATION@VERSION, for example storefront@1.4.0"]
          + (Suggestion.nearest(to: text, in: [Self.none]) == nil
            ? [] : ["when no version runs, write none"]))
    }
    self.init(String(text[..<at]), try Version(String(text[text.index(after: at)...])))
  }
}

extension LiveVersion {
  /// The word that an operator writes instead of a version when no other version runs.
  package static let none = "none"
}

extension LiveVersion: CustomStringConvertible {
  public var description: String { "\(application) \(version)" }
}
