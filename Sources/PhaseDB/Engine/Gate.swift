/// A condition that must hold before a phase may run, and that an operator can override by name.
public enum Gate: String, Sendable, Hashable, CaseIterable {
  /// No live version of an application may be outside the phase's window on the side it would hurt.
  case window
  /// The migration's earlier phase must have been in place long enough.
  case soak
  /// Phases of other migrations must be applied first.
  case needs
  /// A phase that comes first is held itself. The only gate that cannot be overridden.
  case order

  /// Those an operator can pass with a reason.
  public static let overridable: [Gate] = [.window, .soak, .needs]
}

/// A gate that does not let a phase pass now.
public struct ClosedGate: Sendable, Hashable {
  public let gate: Gate
  /// Why, in one sentence without a full stop.
  public let reason: String
  /// What would open it.
  public let opening: String
}

/// A phase that may not run yet.
public struct HeldPhase: Sendable, Hashable {
  public let id: PhaseID
  public let phase: Phase
  /// Never empty.
  public let gates: [ClosedGate]
}

/// A version of an application that is running now.
public struct LiveVersion: Sendable, Hashable {
  public let application: String
  public let version: Version

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
        help: ["write APPLICATION@VERSION, for example storefront@1.4.0"])
    }
    self.init(String(text[..<at]), try Version(String(text[text.index(after: at)...])))
  }
}

extension LiveVersion: CustomStringConvertible {
  public var description: String { "\(application) \(version)" }
}
