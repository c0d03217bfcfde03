internal import PhaseSQLite

/// The counted effects of a phase: what it caused outside the database, and what its way back does not undo.
package struct EffectReport: Sendable {
  /// The phase.
  package let phase: PhaseID
  /// False when it is only half done.
  package let isApplied: Bool
  /// One for each line of `@effects`.
  package let counts: [EffectCount]
  /// The archives and retired objects of the phase.
  package let kept: [KeptData]
  /// Its text.
  package let text: Phase
}

/// Counts and lists what phases caused outside the database.
struct EffectWork: MigratorWork {
  let migrator: Migrator

  /// The time limit for one query about effects, in a command that shows them beside other things.
  static let patience = Duration.seconds(1)

  func report(on name: String) throws(MigrationError) -> EffectReport {
    try reading(connection) { () throws(MigrationError) in
      let knowledge = try Knowledge(of: connection)
      let found = try countedPhase(name, knowledge)
      let ledger = found.ledger
      let counts = try EffectCounting(found.id, found.phase, sequence: found.sequence, ledger).counts()
      return EffectReport(
        phase: found.id, isApplied: found.sequence != nil, counts: counts,
        kept: try PurgeRun(found.id.description, catalog, knowledge, on: connection).listing(
          lookingForDeleted: Self.patience
        ).items, text: found.phase)
    }
  }

  func list(
    of name: String, columns: ([[String]?]) -> Void, each: (EffectCounting.Row) -> Void
  ) throws(MigrationError) {
    try reading(connection) { () throws(MigrationError) in
      let knowledge = try Knowledge(of: connection)
      let found = try countedPhase(name, knowledge)
      let counting = EffectCounting(found.id, found.phase, sequence: found.sequence, found.ledger)
      columns(counting.columns())
      try lifting("listing effects") { () in try counting.rows(each: each) }
    }
  }

  /// Counts the effects of applied phases, and of one that is half done. Phases that declare none are left out.
  ///
  /// - Parameter texts: of applied phases.
  func counts(
    of texts: [PhaseID: Phase], _ knowledge: Knowledge
  ) throws(MigrationError) -> [PhaseID: [EffectCount]] {
    // If the ledger's tables were changed from outside, they cannot be trusted.
    guard let ledger = knowledge.ledger, knowledge.ledgerDrift.isEmpty else { return [:] }
    var all: [PhaseID: [EffectCount]] = [:]
    if let half = try ledger.batches.underWay(), !half.phase.effects.isEmpty {
      all[half.id] = try EffectCounting(
        half.id, half.phase, sequence: nil, within: Self.patience, ledger
      ).counts()
    }
    for applied in knowledge.applied where all[applied.id] == nil {
      guard let phase = texts[applied.id], !phase.effects.isEmpty else { continue }
      all[applied.id] = try EffectCounting(
        applied.id, phase, sequence: applied.sequence, within: Self.patience, ledger
      ).counts()
    }
    return all
  }

  /// Adds to the plan of a way down the effects of its phases, and what their archives hold.
  func tell(of plan: inout Plan, _ knowledge: Knowledge, _ ledger: Ledger) throws(MigrationError) {
    for step in plan.steps {
      let applied = knowledge.applied.last { $0.id == step.id }
      if !step.phase.effects.isEmpty {
        plan.effects[step.id] = try EffectCounting(
          step.id, step.phase, sequence: applied?.sequence, within: Self.patience, ledger
        ).counts()
      }
      let archives = try ledger.archives.all(of: step.id)
      guard !archives.isEmpty else { continue }
      plan.kept[step.id] = try KeptData.archives(
        archives, knowing: plan.reversals[step.id]?.comparisons ?? [:], among: knowledge.applied,
        lookingForDeleted: Self.patience, ledger, on: connection)
    }
  }

  private func countedPhase(
    _ name: String, _ knowledge: Knowledge
  ) throws(MigrationError) -> (id: PhaseID, phase: Phase, sequence: Int64?, ledger: Ledger) {
    guard let ledger = knowledge.ledger else {
      throw MigrationError(
        .ledgerMissing, "\(database) has no ledger, so nothing was counted",
        help: ["see what is applied: phasedb status"])
    }
    let underWay = try ledger.batches.underWay()
    let known = Set(knowledge.applied.map(\.id) + catalog.phases.map(\.id)).union(
      underWay.map { [$0.id] } ?? [])
    let id = try PhaseID.find(name, among: known.sorted())
    if let applied = knowledge.applied.last(where: { $0.id == id }) {
      return (id, try ledger.phases.text(of: applied), applied.sequence, ledger)
    }
    if let underWay, underWay.id == id { return (id, underWay.phase, nil, ledger) }
    let last = try lifting("reading the log") { () in try ledger.effects.lastEntry(of: id) }
    throw MigrationError(
      .notApplied, "\(id.short) is not applied, so nothing is counted",
      details: last.map { ["when it came down, \($0.at): \($0.detail)"] } ?? [],
      help: ["see what is applied: phasedb status"])
  }
}
