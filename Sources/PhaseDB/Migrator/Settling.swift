internal import PhaseSQLite

extension Migrator {
  /// Plans what makes a database that is newer than a version fit for it: the ways down, as the ledger has them, of every
  /// phase from the first on that excludes the version as too old. Without such a phase there is nothing to do, and the
  /// plan has no step.
  ///
  /// The version counts as live beside those that checked in. A version that needs a pending phase is not brought one: that
  /// is for ``up(running:instance:observe:)``.
  ///
  /// - Throws: `reversal-lossy` when a phase would not give back everything, apart from what its `@loses` declares;
  ///   `reversal-blocked` when one cannot come down; `version-not-live` when the version may not run on the schema before
  ///   these phases, either; `phase-held` when a version that is live needs one of them; `schema-drift`.
  public func plan(settling version: LiveVersion) throws(MigrationError) -> Plan {
    starting = version
    defer { starting = nil }
    return try connection.reading { () throws(MigrationError) in
      let planner = try planner(try undrifted())
      let steps = planner.stepsDown(for: version)
      guard steps > 0 else { return planner.nothingToDo }
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

  /// Plans the way to a state, up or down; without a step where the database is there already.
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

  /// Takes back what makes a database too new for a version, before the application opens it: the user went back to a
  /// former version.
  ///
  /// Only ways down that give back everything are run, apart from losses that `@loses` declares; what was written since
  /// stays where both schemas have a place for it. A database that is not newer is left as it is. No migrations are needed:
  /// the ledger has the ways down.
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

  /// Refuses a way down of which not everything comes back.
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
