/// What a run knows and holds once its last transaction was committed.
///
/// It is a value: each transaction gets it and returns the next one. When a transaction is rolled back, its caller still
/// has the former value. What a rollback does not undo has an owner of its own: ``HeldLanes`` and ``EffectLists``.
struct RunState {
  /// What is known of ledger and schema.
  var knowledge: Knowledge
  /// True while other runners see that this run is not over.
  var holdsLease = false
  /// True once the log says which gates were overridden in this run.
  var hasLoggedOverrides = false
  /// The switches that this run closed.
  var closedSwitches: [String] = []
  /// The switches for which this run has waited.
  var settledSwitches: Set<String> = []
  /// The first phase of this run that the next watch covers.
  var firstUnwatched: Int64?

  init(knowledge: Knowledge) { self.knowledge = knowledge }

  /// Adds to an error which switches were closed before it.
  func tellingOfSwitches(_ error: MigrationError) -> MigrationError {
    guard !closedSwitches.isEmpty else { return error }
    var error = error
    let names = closedSwitches.map { "'\($0)'" as Prose }.joined(separator: ", ")
    let stays: Prose =
      closedSwitches.count == 1
      ? "the switch \(names) was closed before and stays closed"
      : "the switches \(names) were closed before and stay closed"
    error.state = error.state.map { "\($0); \(stays)" } ?? stays
    // Something is different from before the command, also where the step itself was undone.
    error.standing = .partWay
    return error
  }
}
