/// Which phases an operator asks for.
public enum Selection: Sendable, Hashable {
  /// Every phase whose gates are open.
  case upAll
  /// The next so many of them.
  case up(Int)
  /// Every one up to and with the named phase.
  case upTo(String)
  /// The last so many applied phases, last first.
  case down(Int)
  /// Every phase applied after the named phase or `@CHECKPOINT`, which itself stays.
  case downTo(String)
  /// Everything.
  case downAll

  /// Whether phases are applied or reversed.
  public var direction: Direction {
    switch self {
    case .upAll, .up, .upTo: .up
    case .down, .downTo, .downAll: .down
    }
  }
}
