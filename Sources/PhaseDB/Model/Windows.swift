/// The compatibility window of a phase for one application: the versions that run on the schema both before and after
/// the phase. It is empty when the application stops for the phase.
public struct Window: Sendable, Hashable {
  /// The name of the application.
  public let application: String
  /// Its versions that run both before and after the phase.
  public let range: VersionRange
  /// Where it is written; nil when it was made in Swift or read from the ledger.
  public let place: Place?

  /// A window that is made in Swift has no place.
  public init(_ application: String, _ range: VersionRange, at place: Place? = nil) {
    self.application = application
    self.range = range
    self.place = place
  }

  /// The place is not compared.
  public static func == (left: Window, right: Window) -> Bool {
    left.application == right.application && left.range == right.range
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(application)
    hasher.combine(range)
  }
}

/// The windows of a phase: at least one, no more than one for each application.
public struct Windows: Sendable, Hashable, Sequence {
  private let all: [Window]

  /// One window, and windows of further applications.
  ///
  /// - Throws: `window-invalid` when two windows are of the same application.
  public init(_ first: Window, _ rest: [Window] = []) throws(MigrationError) {
    let all = [first] + rest
    for (index, window) in all.enumerated()
    where all[..<index].contains(where: { $0.application == window.application }) {
      throw MigrationError(
        .windowInvalid, "two windows for application '\(window.application)'",
        help: ["write one @window line for each application"])
    }
    self.all = all
  }

  /// The window of an application; nil when the phase has none.
  public subscript(application: String) -> VersionRange? {
    all.first { $0.application == application }?.range
  }

  /// The windows in the order in which they were given.
  public func makeIterator() -> IndexingIterator<[Window]> { all.makeIterator() }
}
