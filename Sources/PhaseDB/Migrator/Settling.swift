internal import PhaseSQLite

extension Migrator {
  /// Plans how a database that is too new for a version becomes fit for it: the ways down, from the ledger, of all
  /// phases from the first one that excludes the version as too old. If there is no such phase, the plan has no step.
  ///
  /// The version counts as live beside those that checked in. If the version needs a pending phase, this plan does not
  /// apply it; ``up(running:instance:observe:)`` does.
  ///
  /// - Throws: `reversal-lossy` when a phase would not restore everything, apart from what its `@loses` declares;
  ///   `reversal-blocked` when one cannot come down; `version-not-live` when the version may not run on the schema
  ///   before these phases, either; `phase-held` when a version that is live needs one of them; `schema-drift`.
  public func plan(settling version: LiveVersion) throws(MigrationError) -> Plan {
    starting = version
    defer { starting = nil }
    return try connection.reading { () throws(MigrationError) in
      let planner = try planner(try undrifted())
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
      let plan = try presentPlan(.down(steps))
      try refuseLosses(of: plan, for: version)
      return plan
    }
  }

  /// Plans the way to a state, up or down; without a step if the database is already there.
  ///
  /// - Parameter contracts: whether contracts may go up on the way. One that is the destination itself may in any case.
  /// - Throws: `version-not-live` when no state can be reached now in which a version may run; what ``plan(_:)`` throws.
  public func plan(
    to destination: Destination, contracts: Bool = false
  ) throws(MigrationError) -> Plan {
    if case .version(let version) = destination { starting = version }
    defer { starting = nil }
    return try connection.reading { () throws(MigrationError) in
      let planner = try planner(try undrifted())
      guard let selection = try planner.selection(to: destination, contracts: contracts) else {
        return planner.nothingToDo
      }
      return try presentPlan(selection, contracts: contracts)
    }
  }

  /// Brings a database to a state, up or down.
  ///
  /// - Parameters:
  ///   - destination: a phase, a checkpoint, or a version that is to run.
  ///   - contracts: whether contracts may go up on the way. One that is the destination itself may in any case.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: what ``plan(to:contracts:)`` and ``run(_:observe:)`` throw.
  @discardableResult
  public func go(
    to destination: Destination, contracts: Bool = false, observe: @escaping (Event) -> Void = { _ in }
  ) throws(MigrationError) -> RunResult {
    try run(try plan(to: destination, contracts: contracts), observe: observe)
  }

  /// Takes back what makes a database too new for a version, before the application opens it, for instance because the
  /// user reinstalled a former version.
  ///
  /// Runs only ways down that restore everything, apart from losses that `@loses` declares; later writes stay if both
  /// schemas have a place for them. A database that is not newer stays unchanged. The catalog may be empty, because the
  /// ledger has the ways down.
  ///
  /// - Parameters:
  ///   - version: as in `shop@2.0`.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: `version-invalid`, and what ``plan(settling:)`` and ``run(_:observe:)`` throw.
  @discardableResult
  public func settle(
    for version: String, observe: @escaping (Event) -> Void = { _ in }
  ) throws(MigrationError) -> RunResult {
    try run(try plan(settling: try LiveVersion(version)), observe: observe)
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
