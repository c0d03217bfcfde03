internal import PhaseSQLite

/// The result of a check-in.
package struct CheckInReport: Sendable {
  /// What was recorded.
  package let checkIn: CheckIn
  /// The versions of the application that may be live now; nil when no window names the application, which is then
  /// not restricted.
  package let mayBeLive: StateInterval?
  /// The probably intended application, when no window names this one.
  package let suggestion: String?
}

/// Records which versions run, and refuses versions that may not run on the schema.
struct CheckingIn: MigratorWork {
  let migrator: Migrator

  func checkIn(_ live: LiveVersion, instance: String) throws(MigrationError) -> CheckInReport {
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
}
