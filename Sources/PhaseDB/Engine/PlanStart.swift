internal import PhaseSQLite

/// Prepares a plan inside a transaction before anything runs. It checks that no other run has the lease and that the
/// schema is the one in the ledger; it makes the ledger if there is none, and logs which gates are overridden.
struct PlanStart {
  let engine: Engine
  let plan: Plan

  private var connection: Connection { engine.connection }
  private var runner: Runner { engine.runner }

  init(_ plan: Plan, by engine: Engine) { (self.engine, self.plan) = (engine, plan) }

  // MARK: The lease

  /// Refuses while another run has the lease, that is, between two of its transactions.
  ///
  /// - Throws: `lease-held` with standing `busy` while its owner may be alive.
  func passLease(_ ledger: Ledger?) throws(MigrationError) {
    let held = try lifting("reading the ledger") { () in try ledger?.lease.held() }
    guard let held, held.holder != runner else { return }
    let isSilent = try isSilent(held, ledger)
    guard isSilent || held.holder.isProvablyDead(seenFrom: runner) else { throw held.held }
    try lifting("writing the ledger") { () in
      try ledger?.log(
        .takeOver, subject: held.work,
        detail: "process \(held.holder.processID) on \(held.holder.host), since \(held.since)", by: runner,
        at: engine.now())
      try ledger?.lease.release()
    }
    engine.observe(.tookOver(from: "process \(held.holder.processID)"))
  }

  /// Whether a run in batches has been silent for two minutes, if its process cannot be seen from here.
  ///
  /// If that run is still alive, nothing is lost: each of its batches checks in its transaction whether it still has
  /// the lease.
  private func isSilent(_ held: Lease, _ ledger: Ledger?) throws(MigrationError) -> Bool {
    guard !held.holder.isVisible(from: runner), let underWay = try ledger?.batches.underWay() else {
      return false
    }
    return underWay.beat < engine.now().before(.seconds(120))
  }

  // MARK: The ledger

  /// Makes the ledger, after the baseline if there is one, or brings it to the present format.
  func createLedgerIfAbsent(_ knowledge: inout Knowledge) throws(MigrationError) {
    if let ledger = knowledge.ledger { return try upgrade(ledger, &knowledge) }
    // Without a ledger only the plan says what the schema should be.
    let difference = SchemaDifference(from: plan.schemaBefore, to: knowledge.schema)
    guard difference.isEmpty else {
      throw MigrationError(
        .schemaDrift, "the schema was changed after the plan was made", details: difference.lines,
        help: ["run the command again to make a new plan"])
    }
    if let baseline = plan.baseline {
      engine.observe(.baselineBegan)
      try undone { () throws(MigrationError) in
        _ = try GuardedScript(baseline, on: connection, isBaseline: true).run()
      }
      knowledge.schema = try lifting("reading the schema") { () in try Schema(of: connection) }
    }
    let schema = knowledge.schema
    let taken = schema.reachingForLedger
    guard taken.isEmpty else { throw Ledger.namesTaken(taken) }
    knowledge.ledger = try lifting("making the ledger") { () in
      let ledger = try Ledger.create(in: connection, schema: schema, by: runner, at: engine.now())
      try ledger.squash.begin(with: plan.baseline)
      return ledger
    }
    knowledge.schema = try lifting("reading the schema") { () in try Schema(of: connection, known: schema) }
    knowledge.expectedDigest = knowledge.schema.digest
  }

  private func upgrade(_ ledger: Ledger, _ knowledge: inout Knowledge) throws(MigrationError) {
    guard ledger.format < LedgerFormat.current else { return }
    let known = knowledge.schema
    let (upgraded, schema) = try lifting("bringing the ledger to its present format") { () in
      (try ledger.upgraded(by: runner, at: engine.now()), try Schema(of: connection, known: known))
    }
    (knowledge.ledger, knowledge.schema) = (upgraded, schema)
  }

  /// Runs a baseline alone, when the folder has no phases yet.
  ///
  /// - Returns: what is known afterwards.
  func runBaseline(from knowledge: Knowledge) throws(MigrationError) -> Knowledge {
    var knowledge = knowledge
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    try knowledge.refresh(on: connection)
    try createLedgerIfAbsent(&knowledge)
    guard let ledger = knowledge.ledger else { return knowledge }
    let (entry, hash) = try lifting("reading the ledger") { () in try ledger.lastEntry() }
    try ledger.commit(transaction, leaving: entry, hash, while: "committing the baseline")
    return knowledge
  }

  // MARK: Overrides and drift

  /// Logs which gates are overridden and why. A run does this once, in its first step.
  func logOverrides(_ ledger: Ledger?) throws(MigrationError) {
    guard let ledger else { return }
    let reason = plan.reason ?? "no reason was given"
    try lifting("writing the ledger") { () in
      for gate in plan.overridden.sorted(by: { $0.rawValue < $1.rawValue }) {
        try ledger.log(.override, subject: gate.rawValue, detail: reason, by: runner, at: engine.now())
      }
    }
  }

  /// Checks that the schema is the one of the last checkpoint. If an operator accepts drift, the ledger records it as
  /// a separate change between two phases.
  ///
  /// - Returns: the difference that was accepted, one line each; empty when there was none.
  func settleDrift(_ knowledge: inout Knowledge) throws(MigrationError) -> [Prose] {
    guard !knowledge.isInPlace else { return [] }
    guard plan.overridden.contains(.drift), let ledger = knowledge.ledger else {
      throw try knowledge.driftError()
    }
    // The operator accepted the difference that the plan showed, and not later changes.
    guard knowledge.schema.digest == plan.schemaBefore.digest else {
      var error = try knowledge.driftError()
      error.message = "the schema was changed again after the plan was made"
      error.help = ["run the command again to make a new plan"]
      throw error
    }
    let recorded = try knowledge.recordedSchema()
    let changes = knowledge.schema.changes(since: recorded)
    let difference = SchemaDifference(changes)
    let titles = DetailLines.first(difference.titles)
    try lifting("writing the ledger") { () in
      let entry = try ledger.log(
        .drift, subject: "", detail: titles.joined(separator: ", ").raw, by: runner,
        at: engine.now())
      try ledger.schemas.record(changes, sequence: entry)
    }
    knowledge.expectedDigest = knowledge.schema.digest
    return difference.lines
  }

  /// Accepts a drift without running a phase.
  ///
  /// - Returns: what is known afterwards.
  func acceptDrift(from knowledge: Knowledge) throws(MigrationError) -> Knowledge {
    var knowledge = knowledge
    connection.setBusyDeadline(.now + engine.wait)
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    try knowledge.refresh(on: connection)
    try knowledge.refuseLedgerDrift()
    try passLease(knowledge.ledger)
    guard knowledge.applied.map(\.id) == plan.appliedBefore else {
      throw MigrationError(
        .ledgerMoved, "another runner applied or reversed phases after the plan was made",
        state: "nothing was changed",
        help: ["see what is applied: phasedb status"])
    }
    try logOverrides(knowledge.ledger)
    let lines = try settleDrift(&knowledge)
    try knowledge.settle(on: connection)
    let ledger = Ledger(connection: connection)
    let (entry, hash) = try lifting("reading the ledger") { () in try ledger.lastEntry() }
    try ledger.commit(transaction, leaving: entry, hash, while: "committing the ledger")
    if !lines.isEmpty { engine.observe(.driftAccepted(lines)) }
    return knowledge
  }
}
