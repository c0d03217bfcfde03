internal import PhaseSQLite

/// Plans the way to a state, and the way down to a schema on which a version can run.
struct Settling: MigratorWork {
  let migrator: Migrator

  func plan(for version: LiveVersion) throws(MigrationError) -> Plan {
    let planning = Planning(migrator: migrator, starting: version)
    return try reading(connection) { () throws(MigrationError) in
      let planner = try planning.planner(try planning.undrifted())
      let steps = planner.stepsDown(for: version)
      guard steps > 0 else { return planner.nothingToDo }
      if steps > planner.stepsToFloor {
        throw MigrationError(
          .squashed, "\(version) would need phases to come down that are squashed into the baseline",
          details: planner.liveBounds.misfit(of: version)?.causes ?? [], state: "nothing was changed",
          help: ["start a version that may run: phasedb status"])
      }
      if let misfit = planner.bounds(afterDown: steps).misfit(of: version) {
        throw MigrationError(
          .versionNotLive, "\(version) may run neither on this schema nor on any before it",
          details: (planner.liveBounds.misfit(of: version)?.causes ?? []) + misfit.causes,
          state: "nothing was changed", help: ["start a version that may run: phasedb status"])
      }
      let plan = try planning.plan(.down(steps))
      try refuseLosses(of: plan, for: version)
      return plan
    }
  }

  func plan(
    to destination: Destination, contracts: Bool, overriding gates: Set<Gate>
  ) throws(MigrationError) -> Plan {
    let starting: LiveVersion? = if case .version(let version) = destination { version } else { nil }
    let planning = Planning(migrator: migrator, options: options.overriding(also: gates), starting: starting)
    return try reading(connection) { () throws(MigrationError) in
      let planner = try planning.planner(try planning.undrifted())
      guard let selection = try planner.selection(to: destination, contracts: contracts) else {
        return planner.nothingToDo
      }
      return try planning.plan(selection, contracts: contracts)
    }
  }

  /// Refuses a way down that does not restore everything.
  private func refuseLosses(of plan: Plan, for version: LiveVersion) throws(MigrationError) {
    let bad = plan.steps.filter { plan.reversals[$0.id]?.isExactOrDeclared != true }
    for step in bad {
      guard let obstacle = plan.reversals[step.id]?.obstacles.first else { continue }
      throw MigrationError(
        obstacle.error, obstacle.message(of: step.id), details: obstacle.rows, state: "nothing was changed",
        help: obstacle.openings)
    }
    guard !bad.isEmpty else { return }
    let names = DetailLines.enumeration(bad.map(\.id.short))
    let gone = plan.steps.count { plan.appliedBefore.contains($0.id) }
    let target = plan.appliedBefore.dropLast(gone).last?.short ?? "@0"
    throw MigrationError(
      .reversalLossy, "going back to \(version) may lose rows: \(names) would not give back everything",
      details: bad.flatMap { (plan.reversals[$0.id] ?? Reversal(basis: .nothing)).lines(of: $0.id) },
      state: "nothing was changed",
      help: [
        "keep a newer version, which runs on this schema",
        "or see the whole plan: phasedb plan down --to \(target)",
        "and accept the loss: phasedb down --to \(target)",
      ])
  }
}
