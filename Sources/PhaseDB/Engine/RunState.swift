/// What a run knows and holds after its last committed transaction.
///
/// It is a value: each transaction gets one and returns the next one. When a transaction is rolled back, its caller
/// still has the former value. Two things that a rollback does not undo have owners of their own: ``HeldLanes`` and
/// ``EffectLists``.
struct RunState {
  /// What is known of ledger and schema.
  var knowledge: Knowledge
  /// Whether the ledger has the lease of this run, so that other runners wait.
  var holdsLease = false
  /// Whether the log already says which gates were overridden in this run.
  var hasLoggedOverrides = false
  /// The switches that this run closed.
  var closedSwitches: [String] = []
  /// The switches for which this run has waited.
  var settledSwitches: Set<String> = []
  /// The first phase of this run that the next watch covers.
  var firstUnwatched: Int64?

  init(knowledge: Knowledge) { self.knowledge = knowledge }

  /// Adds to an error the switches that were closed before it.
  func tellingOfSwitches(_ error: MigrationError) -> MigrationError {
    guard !closedSwitches.isEmpty else { return error }
    var error = error
    let names = closedSwitches.map { "'\($0)'" as Prose }.joined(separator: ", ")
    let stays: Prose =
      closedSwitches.count == 1
      ? "the switch \(names) was closed before and stays closed"
      : "the switches \(names) were closed before and stay closed"
    error.state = error.state.map { "\($0); \(stays)" } ?? stays
    // The closed switches are a change, also when the step itself was undone.
    error.standing = .partWay
    return error
  }
}
