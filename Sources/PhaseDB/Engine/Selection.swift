/// Which phases an operator asks for.
public enum Selection: Sendable, Hashable {
  /// Every phase whose gates are open.
  case upAll
  /// The next N phases whose gates are open.
  case up(Int)
  /// Every phase up to and including the named one.
  case upTo(String)
  /// The last N applied phases, from the last one on.
  case down(Int)
  /// Every phase applied after a point, which itself stays.
  case downTo(Target)
  /// Every applied phase.
  case downAll

  /// Whether phases are applied or reversed.
  package var direction: Direction {
    switch self {
    case .upAll, .up, .upTo: .up
    case .down, .downTo, .downAll: .down
    }
  }

  /// A point to which a way down returns. As a literal it is a phase, or `@CHECKPOINT`.
  public enum Target: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The schema after a phase: its id, or a prefix that names one phase.
    case phase(String)
    /// The schema at a checkpoint, by its name or number. The number 0 is before the first phase.
    case checkpoint(String)

    /// A phase, or a checkpoint behind an `@`.
    public init(_ text: String) {
      self = text.hasPrefix("@") ? .checkpoint(String(text.dropFirst())) : .phase(text)
    }

    /// A phase, or a checkpoint behind an `@`.
    public init(stringLiteral text: String) { self.init(text) }
  }
}

/// A state to reach, up or down.
package enum Destination: Sendable, Hashable {
  /// The schema after a phase: its id, or a prefix that names one phase.
  case phase(String)
  /// The schema at a checkpoint, by its name or number. The number 0 is before the first phase.
  case checkpoint(String)
  /// The state nearest to the present one in which a version may run.
  case version(LiveVersion)

  /// A phase, a checkpoint after an `@`, or `APP@VERSION`.
  ///
  /// - Throws: `version-invalid`.
  package init(_ text: String) throws(MigrationError) {
    if text.hasPrefix("@") {
      self = .checkpoint(String(text.dropFirst()))
    } else if text.contains("@") {
      self = .version(try LiveVersion(text))
    } else {
      self = .phase(text)
    }
  }
}
