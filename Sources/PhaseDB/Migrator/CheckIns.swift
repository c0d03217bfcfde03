internal import PhaseSQLite

/// What a check-in found.
public struct CheckInReport: Sendable {
  /// What was recorded.
  package let checkIn: CheckIn
  /// The versions of the application that may be live now; nil when no window names the application, which is then
  /// not restricted.
  public let mayBeLive: StateInterval?
  /// The probably intended application, when no window names this one.
  public let suggestion: String?
}

extension Migrator {
  /// Records that an instance of an application runs a version, or refuses a version that may not run on the schema
  /// as it is.
  ///
  /// A version may run from the largest lower bound of the applied phases, which are in the ledger, up to the smallest
  /// upper bound of the pending ones, which are in the catalog: a catalog without migrations gives no upper bound. An
  /// application checks in when it starts, and again before the check-in is forgotten.
  ///
  /// - Parameter instance: the name of the running copy, as in `web-1`; a later check-in of the same instance replaces
  ///   the earlier one.
  /// - Throws: `version-not-live` when the version may not run, and then nothing is recorded; `ledger-missing` before
  ///   the first phase went up, `invalid-name` for an empty instance, `database-busy`.
  @discardableResult
  public func checkIn(_ live: LiveVersion, instance: String) throws(MigrationError) -> CheckInReport {
    guard !instance.isEmpty, !live.application.isEmpty else {
      throw MigrationError(
        .invalidName, "a check-in needs the names of an application and of an instance",
        state: "nothing was recorded")
    }
    return try writing("committing the check-in") { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger else { throw lacksSchema("nothing was recorded") }
      let bounds = LiveBounds(knowledge.applied, catalog, underWay: try ledger.batches.underWay())
      let interval = bounds.intervals[live.application]
      if let misfit = bounds.misfit(of: live) {
        throw MigrationError(
          .versionNotLive, "\(live) may not run \(misfit.schema)", details: misfit.causes,
          state: "nothing was recorded", help: misfit.remedies)
      }
      let now = options.now()
      let checkIn = CheckIn(
        application: live.application, versionText: live.version.description, instance: instance, seenAt: now)
      try lifting("writing the ledger") { () in
        try ledger.checkIns.record(
          checkIn, removingBefore: now.before(max(options.forget, .seconds(30 * 86_400))))
      }
      return CheckInReport(
        checkIn: checkIn, mayBeLive: interval,
        suggestion: interval == nil
          ? Suggestion.nearest(to: live.application, in: bounds.intervals.keys.sorted()) : nil)
    }
  }

  /// The error without a ledger: it is unknown which versions may run on the schema.
  func lacksSchema(_ state: Prose? = nil) -> MigrationError {
    MigrationError(
      .ledgerMissing, "\(database) has no ledger yet, so the schema it should have is unknown", state: state,
      help: [
        "apply the migrations before the application starts: phasedb up",
        "or, if the database is older than its migrations: phasedb adopt",
      ])
  }
}
