internal import PhaseSQLite

extension Engine {
  /// Refuses while another run is between two of its transactions, inside the transaction of a step.
  ///
  /// - Throws: `lease-held` with standing `busy` while its owner may be alive.
  func passLease() throws(MigrationError) {
    let held = try lifting("reading the ledger") { () in try knowledge.ledger?.lease() }
    if let held, held.holder != runner {
      let isSilent = try isSilent(held)
      guard isSilent || held.holder.isProvablyDead(seenFrom: runner) else { throw held.held }
      try lifting("writing the ledger") { () in
        try knowledge.ledger?.log(
          .takeOver, subject: held.work,
          detail: "process \(held.holder.processID) on \(held.holder.host), since \(held.since)", by: runner,
          at: now())
        try knowledge.ledger?.releaseLease()
      }
      observe(.tookOver(from: "process \(held.holder.processID)"))
    }
  }

  /// Whether a runner in batches, of which nobody here can tell whether it lives, has given no sign for two minutes.
  ///
  /// Should it live, nothing is lost: each of its batches asks in its transaction whether the lease is still its own.
  private func isSilent(_ held: Lease) throws(MigrationError) -> Bool {
    guard !held.holder.isVisible(from: runner), let underWay = try knowledge.ledger?.batch() else {
      return false
    }
    return underWay.beat < now().before(.seconds(120))
  }

  /// The lease of a run of several steps. It is written with the first step and removed with the last, so that it
  /// costs no transaction of its own; a run of one step needs none.
  func lease(for turn: Turn, at time: Timestamp) -> Lease {
    Lease(holder: runner, since: time, work: "\(turn.step.direction.rawValue), \(turn.count) phases")
  }

  /// Makes the ledger with the first step, after the baseline when there is one, or brings it to the present format.
  func createLedgerIfAbsent(_ plan: Plan) throws(MigrationError) {
    if let ledger = knowledge.ledger { return try upgrade(ledger) }
    // Without a ledger nothing says what the schema should be but the plan.
    let difference = SchemaDifference(from: plan.schemaBefore, to: knowledge.schema)
    guard difference.isEmpty else {
      throw MigrationError(
        .schemaDrift, "the schema was changed after the plan was made", details: difference.lines,
        help: ["run the command again, which plans anew"])
    }
    if let baseline = plan.baseline {
      observe(.baselineBegan)
      try undone { () throws(MigrationError) in
        _ = try GuardedScript(baseline, on: connection, isBaseline: true).run()
      }
      knowledge.schema = try lifting("reading the schema") { () in try Schema(of: connection) }
    }
    let schema = knowledge.schema
    let taken = schema.reachingForLedger
    guard taken.isEmpty else { throw .ledgerNamesTaken(taken) }
    knowledge.ledger = try lifting("making the ledger") { () in
      try Ledger.create(in: connection, schema: schema, by: runner, at: now())
    }
    knowledge.schema = try lifting("reading the schema") { () in try Schema(of: connection, known: schema) }
    knowledge.expectedDigest = knowledge.schema.digest
  }

  private func upgrade(_ ledger: Ledger) throws(MigrationError) {
    guard ledger.format < LedgerFormat.current else { return }
    try lifting("bringing the ledger to its present format") { () in
      knowledge.ledger = try ledger.upgraded(by: runner, at: now())
      knowledge.schema = try Schema(of: connection, known: knowledge.schema)
    }
  }
}
