/// What went wrong, where, in what state the database is now, and what to do next.
///
/// The one error type of the library: every public function throws it, typed. `id` is stable and is what a
/// program should look at; the sentences may be reworded in any release.
public struct MigrationError: Error, Sendable, Hashable {
  /// The kind of error, as printed in square brackets and documented in Errors.md.
  public var id: ID
  /// One sentence without a full stop, in lower case unless it starts with a name.
  public var message: Prose
  /// Where the cause stands, when it stands in a text.
  public var place: Place?
  /// Rows, differences and the like: one line each.
  public var details: [Prose]
  /// In what state the database is now; nil when no database was involved.
  public var state: Prose?
  /// What to do next, most useful first: one line each.
  public var help: [Prose]
  /// What the failure left behind. The exit code of the command line follows from it.
  public var standing: Standing

  package init(
    _ id: ID, _ message: Prose, at place: Place? = nil, details: [Prose] = [], state: Prose? = nil,
    help: [Prose] = [], standing: Standing = .unchanged
  ) {
    self.id = id
    self.message = message
    self.place = place
    self.details = details
    self.state = state
    self.help = help
    self.standing = standing
  }

  /// What a failed operation left behind.
  public enum Standing: String, Sendable, Hashable, CaseIterable {
    /// Refused, or failed before anything was changed.
    case unchanged
    /// Something was changed and all of it was undone: schema and rows are as they were before the operation.
    case undone
    /// Some phases of the operation are done and recorded, the rest is not.
    case partWay = "part-way"
    /// Waiting for another runner or writer timed out; nothing was changed.
    case busy
  }
}

extension MigrationError: CustomStringConvertible {
  public var description: String {
    var text = "\(message) [\(id.rawValue)]"
    if let place { text = "\(place): \(text)" }
    return text
  }
}

/// Runs a body that changes nothing when it fails, and adds that to errors that do not name a state.
func changingNothing<Result: ~Copyable>(
  _ body: () throws(MigrationError) -> Result
) throws(MigrationError) -> Result {
  do throws(MigrationError) {
    return try body()
  } catch {
    var error = error
    error.state = error.state ?? "nothing was changed"
    throw error
  }
}

/// Runs a body inside a transaction that an error rolls back, and marks its errors as undone.
///
/// An error outside such a body has changed nothing.
func undone<Result: ~Copyable>(
  _ body: () throws(MigrationError) -> Result
) throws(MigrationError) -> Result {
  do throws(MigrationError) {
    return try body()
  } catch {
    throw error.undone
  }
}

extension MigrationError {
  /// The same error after something was changed and all of it was undone.
  var undone: MigrationError {
    var error = self
    if standing == .unchanged { error.standing = .undone }
    return error
  }

  /// The error after a request to stop.
  ///
  /// - Parameter activity: what was being done, as in "copying the database".
  package static func stopped(_ activity: Prose? = nil, at place: Place? = nil) -> MigrationError {
    MigrationError(
      .interrupted, activity.map { "\($0): stopped on request" } ?? "stopped on request", at: place,
      help: ["run the same command again"])
  }
}
