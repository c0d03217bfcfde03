internal import PhaseSQLite

/// The state of the schema that a question about versions is about.
package enum Moment: Sendable, Hashable {
  /// The present schema.
  case now
  /// The schema after a phase, named by its id or a prefix. If the phase is applied, this is the state after a way
  /// down to it. Otherwise it is the state after a way up to it, as if all gates were open.
  case phase(String)
  /// The schema after everything that would go up now.
  case plan
}

/// Whether a version may run on a schema, and which phases decide that.
package struct MayRunReport: Sendable {
  /// The version that asked.
  package let version: LiveVersion
  /// Whether it may run.
  package var isAllowed: Bool { misfit == nil }
  /// For each application that a window names, by its name, which of its versions may run.
  package let bounds: [VersionBounds]
  /// Why the answer may be uncertain, one sentence each.
  package let notes: [Prose]
  /// Why it may not run.
  let misfit: LiveMisfit?
  let moment: Moment

  /// The refusal of a version that may not run, nil for one that may.
  package var refusal: MigrationError? {
    misfit.map {
      MigrationError(
        .versionNotLive, "\(version) may not run \(place)", details: $0.causes, help: $0.remedies)
    }
  }

  /// `on this schema, which is for app >=1.0 <2.0`.
  package var place: Prose {
    let range: Prose =
      misfit?.range ?? bounds.first { $0.application == version.application }?.sentence
      ?? "any version of \(version.application)"
    switch moment {
    case .now: return "on this schema, which is for \(range)"
    case .phase(let name): return "after \(name), when the schema is for \(range)"
    case .plan: return "after what would go up now, when the schema is for \(range)"
    }
  }
}

/// The versions of an application that may run on a schema, and the phases that set the bounds.
package struct VersionBounds: Sendable, Hashable {
  /// The name of the application.
  package let application: String
  /// The versions that may run.
  package let interval: StateInterval
  /// The applied phase that sets the lowest version, nil when there is none.
  package let lowestSetBy: PhaseID?
  /// The pending phase that sets the highest version, nil when there is none.
  package let highestSetBy: PhaseID?

  /// `app >=1.0 <2.0`.
  var sentence: Prose {
    interval.isUnbounded ? "any version of \(application)" : "\(application) \(interval)"
  }
}

/// Finds out whether a version may run on a schema.
struct MayRun: MigratorWork {
  let migrator: Migrator

  func report(
    on version: LiveVersion, after moment: Moment
  ) throws(MigrationError) -> MayRunReport {
    try reading(connection) { () throws(MigrationError) in
      let knowledge = try Knowledge(of: connection)
      let planner = try planning.planner(knowledge)
      let bounds: LiveBounds
      var isBefore = knowledge.ledger == nil
      switch moment {
      case .now: bounds = planner.liveBounds
      case .phase(let name):
        bounds = try planner.bounds(after: name)
        isBefore = false
      case .plan:
        let plan = try planning.plan(.upAll)
        bounds = planner.bounds(afterUp: plan.steps.map { ($0.id, $0.phase) })
        isBefore = isBefore && plan.steps.isEmpty
      }
      if isBefore { throw lacksSchema() }
      let drift: [Prose] =
        knowledge.isInPlace && knowledge.ledgerDrift.isEmpty
        ? [] : ["the schema differs from the one in the ledger, which is judged here; see: phasedb verify"]
      return MayRunReport(
        version: version,
        bounds: bounds.intervals.sorted { $0.key < $1.key }.map { application, interval in
          let phases = bounds.phases(of: application)
          return VersionBounds(
            application: application, interval: interval, lowestSetBy: phases.lowest,
            highestSetBy: phases.highest)
        },
        notes: drift + (bounds.unrestricted(version.application).map { [$0] } ?? []),
        misfit: bounds.misfit(of: version), moment: moment)
    }
  }
}
