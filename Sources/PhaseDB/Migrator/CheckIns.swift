internal import PhaseSQLite

/// What a check-in found.
public struct CheckInReport: Sendable {
  /// What was recorded.
  public let checkIn: CheckIn
  /// The versions of the application that may be live now; nil when no window names the application, which is then
  /// not restricted.
  public let mayBeLive: StateInterval?
  /// The application that was probably meant, when no window names this one.
  public let suggestion: String?
}

extension Migrator {
  /// Records that an instance of an application runs a version, or refuses a version that may not run on the schema
  /// as it is.
  ///
  /// A version may run from the largest lower bound of the applied phases, which the ledger knows, up to the smallest
  /// upper bound of the pending ones, which are the catalog's: without migrations in it there is none. An application
  /// checks in when it starts, and again before the check-in is forgotten.
  ///
  /// - Parameter instance: what tells one running copy from another, as in `web-1`; a later check-in of the same
  ///   instance takes the place of the earlier one.
  /// - Throws: `version-not-live` when the version may not run, and then nothing is recorded; `ledger-missing` before
  ///   the first phase went up, `invalid-name` for an empty instance, `database-busy`.
  @discardableResult
  public func checkIn(_ live: LiveVersion, instance: String) throws(MigrationError) -> CheckInReport {
    guard !instance.isEmpty, !live.application.isEmpty else {
      throw MigrationError(
        .invalidName, "a check-in needs the names of an application and of an instance of it",
        state: "nothing was recorded")
    }
    return try writing("committing the check-in") { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger else {
        throw MigrationError(
          .ledgerMissing, "\(database) has no ledger yet, so nothing is known of the schema it should have",
          state: "nothing was recorded",
          help: [
            "bring the schema up before the application starts: phasedb up",
            "or, when the database is older than its migrations: phasedb adopt",
          ])
      }
      let bounds = LiveBounds(knowledge.applied, catalog, underWay: try ledger.batch()?.phase.windows)
      let interval = bounds.intervals[live.application]
      if let interval, let refusal = bounds.refusal(of: live, interval) { throw refusal }
      let now = options.now()
      let checkIn = CheckIn(
        application: live.application, versionText: live.version.description, instance: instance, seenAt: now)
      try lifting("writing the ledger") { () in
        try ledger.record(checkIn, removingBefore: now.before(max(options.forget, .seconds(30 * 86_400))))
      }
      return CheckInReport(
        checkIn: checkIn, mayBeLive: interval,
        suggestion: interval == nil
          ? Suggestion.nearest(to: live.application, in: bounds.intervals.keys.sorted()) : nil)
    }
  }
}

/// Which versions may be live on the schema as it is, and which phases say so.
private struct LiveBounds {
  private let applied: [AppliedPhase]
  private let pending: [(id: PhaseID, phase: Phase)]
  let intervals: [String: StateInterval]

  /// - Parameter underWay: windows of the phase that is half done. Who runs meanwhile must be able to run before it and
  ///   after it.
  init(_ applied: [AppliedPhase], _ catalog: Catalog, underWay: Windows?) {
    let done = Set(applied.map(\.id))
    self.applied = applied
    pending = catalog.phases.filter { !done.contains($0.id) }
    intervals = LiveIntervals.of(
      applied: applied.map(\.windows) + (underWay.map { [$0] } ?? []),
      pending: pending.map(\.phase.windows) + (underWay.map { [$0] } ?? []))
  }

  /// Why a version may not run now, nil when it may.
  func refusal(of live: LiveVersion, _ interval: StateInterval) -> MigrationError? {
    let application = live.application
    let schema =
      interval.range.map { "on this schema, which is for \(application) \($0)" }
      ?? "on this schema, which is for \(interval) of \(application)"
    let isTooOld = VersionRange(from: interval.lower, to: nil)?.isUndercut(by: live.version) ?? false
    let isTooNew = VersionRange(from: nil, to: interval.upper)?.isExceeded(by: live.version) ?? false
    var details: [Prose] = []
    var help: [Prose] = []
    if isTooOld,
      let index = applied.firstIndex(where: { $0.windows[application]?.lower == interval.lower }),
      let window = applied[index].windows[application]
    {
      let phase = applied[index]
      details.append("\(phase.id) is applied, and its window is \(window)")
      help.append("start \(application) \(interval.range ?? window)")
      let below = index == 0 ? 0 : applied[index - 1].sequence
      help.append("or reverse \(phase.id.short); look first: phasedb plan down --to @\(below)")
    }
    if isTooNew,
      let phase = pending.first(where: { $0.phase.windows[application]?.upper == interval.upper }),
      let window = phase.phase.windows[application]
    {
      details.append("\(phase.id) is not applied, and its window is \(window)")
      help.append("apply it first: phasedb up --to \(phase.id.short)")
    }
    guard isTooOld || isTooNew else { return nil }
    return MigrationError(
      .versionNotLive, "\(live) may not run \(schema)", details: details, state: "nothing was recorded",
      help: help)
  }
}
