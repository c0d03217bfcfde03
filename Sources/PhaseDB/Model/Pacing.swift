/// How gently a batched phase treats the application that writes beside it.
public struct Pacing: Sendable, Hashable {
  /// How long a batch should hold the write lock; the size of batches follows it.
  public var hold: Duration
  /// The least time between two batches; nil for 2 ms, or 1 ms while nobody else writes.
  public var pause: Duration?
  /// The most rows of a batch, at least 1.
  public var maximumRows: Int
  /// One SELECT; while it returns a row, no batch begins.
  public var throttle: Script?
  /// While there is a file of this name, no batch begins; nil for the database's name with `.pause` behind it.
  public var pauseFile: String?

  public init(
    hold: Duration = .milliseconds(10), pause: Duration? = nil, maximumRows: Int = 100_000,
    throttle: Script? = nil, pauseFile: String? = nil
  ) {
    self.hold = hold
    self.pause = pause
    self.maximumRows = maximumRows
    self.throttle = throttle
    self.pauseFile = pauseFile
  }
}
