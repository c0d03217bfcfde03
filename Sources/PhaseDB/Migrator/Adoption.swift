internal import PhaseSQL
internal import PhaseSQLite

/// The result of starting to track an existing database.
package struct Adoption: Sendable {
  /// The phases recorded as applied, in folder order; empty when the database is at its baseline.
  package let phases: [PhaseID]
  /// The checkpoint the database is at, nil at its baseline.
  package let checkpoint: Checkpoint?
  /// The tables of other migration tools, which were left alone.
  package let otherTools: [OtherTool]
  /// How many rows had no parent. They are recorded, so that ``Migrator/verify()`` reports only later ones.
  package let orphans: Int
}

/// Starts to track a database that has tables, by giving it a ledger.
struct Adopting: MigratorWork {
  let migrator: Migrator

  func adopt(at phase: String?) throws(MigrationError) -> Adoption {
    var target: PhaseID?
    if let phase { target = try PhaseID.find(phase, among: catalog.phases.map(\.id)) }
    let present = target.map { target in catalog.phases.filter { $0.id <= target } } ?? []
    let history: ReplayedHistory
    do throws(MigrationError) {
      history = try ReplayedHistory(catalog.baseline, present, options.scratchTerms)
    } catch {
      throw error.leaving("nothing was changed")
    }
    let discipline = try ConnectionDiscipline.begin(on: connection)
    return try discipline.whileInForce { () throws(MigrationError) in
      try writing("committing the ledger") { knowledge throws(MigrationError) in
        try refuseLedger(knowledge)
        try refuseOtherSchema(history, knowledge.schema)
        try refuseBrokenClaims(present)
        return try record(history, knowledge.schema)
      }
    }
  }

  func baseline() throws(MigrationError) -> Baseline {
    guard isThere else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(database)", help: ["check the path given with --from"])
    }
    return try reading(connection) { () throws(MigrationError) in
      let knowledge = try Knowledge(of: connection)
      try refuseLedger(knowledge)
      return try BaselineDraft(connection, knowledge.schema, functions: options.functions).baseline()
    }
  }

  /// Refuses a database that has a ledger, or objects with its names.
  private func refuseLedger(_ knowledge: Knowledge) throws(MigrationError) {
    guard knowledge.ledger == nil else {
      throw MigrationError(
        .ledgerExists, "\(database) already has a ledger, and is \(knowledge.checkpointText)",
        state: "nothing was changed", help: ["see what is applied: phasedb status"])
    }
    let taken = knowledge.schema.reachingForLedger
    guard taken.isEmpty else { throw Ledger.namesTaken(taken) }
  }

  private func refuseOtherSchema(_ history: ReplayedHistory, _ schema: Schema) throws(MigrationError) {
    guard history.last.digest != schema.digest else { return }
    throw MigrationError(
      .schemaDrift, "the schema of \(database) is not \(history.title(catalog.baseline))",
      details: SchemaDifference(from: history.last, to: schema).lines, state: "nothing was changed",
      help: adoptionHelp(schema))
  }

  /// The commands that would adopt the database.
  private func adoptionHelp(_ schema: Schema) -> [Prose] {
    if schema.isEmpty { return ["the database is empty; apply the migrations instead: phasedb up"] }
    let states = ReplayedHistory.states(catalog, options.scratchTerms)
    let fitting = fittingPhases(states, schema)
    if fitting.contains(nil) { return ["it is the schema before the first phase: phasedb adopt"] }
    let names = fitting.compactMap(\.self)
    if let last = names.last {
      let rest = names.dropLast().reversed().map {
        "or, if that is not done: phasedb adopt --at \($0.short)" as Prose
      }
      return ["it is the schema after \(last): phasedb adopt --at \(last.short)"] + rest
    }
    let write: Prose =
      catalog.baseline == nil
      ? "write the schema before the first phase to baseline.sql: phasedb init --from \(ShellWord(database))"
      : "make baseline.sql match the schema before the first phase, or change the database"
    guard let near = nearest(states, schema), let id = near.id else { return [write] }
    return [
      "the nearest is the schema after \(id); see the \(near.differences == 1 ? "difference" : "\(near.differences) differences"): phasedb adopt --at \(id.short)",
      write,
    ]
  }

  /// The phases that the database could be at: it has their schema, and its rows meet their claims. In folder order;
  /// nil stands for the state before the first phase.
  private func fittingPhases(_ states: [(id: PhaseID?, schema: Schema)], _ schema: Schema) -> [PhaseID?] {
    states.filter { $0.schema.digest == schema.digest }.map(\.id).filter { id in
      guard let id else { return true }
      return (try? refuseBrokenClaims(catalog.phases.filter { $0.id <= id })) != nil
    }
  }

  /// The state of the folder that differs from the database in the fewest objects, if they share a table.
  private func nearest(
    _ states: [(id: PhaseID?, schema: Schema)], _ schema: Schema
  ) -> (id: PhaseID?, differences: Int)? {
    func tables(_ schema: Schema) -> Set<SchemaObject.Key> {
      Set(schema.objects.lazy.map(\.key).filter { $0.type == "table" })
    }
    let present = tables(schema)
    return states.filter { !tables($0.schema).isDisjoint(with: present) }.map { state in
      let difference = SchemaDifference(from: state.schema, to: schema)
      return (state.id, difference.added.count + difference.removed.count + difference.changed.count)
    }.min { $0.1 < $1.1 }
  }

  /// Refuses to go up on a database that has tables of the folder and no ledger: the phases that made them have to be
  /// recorded first.
  ///
  /// If the folder has no baseline, tables that it does not know count as the starting point.
  func refuseUnadopted(_ knowledge: Knowledge) throws(MigrationError) {
    let expected = try Scratch(baseline: catalog.baseline, terms: options.scratchTerms).schema
    guard expected.digest != knowledge.schema.digest else { return }
    let states = ReplayedHistory.states(catalog, options.scratchTerms)
    let fitting = fittingPhases(states, knowledge.schema)
    if catalog.baseline == nil, fitting.isEmpty, nearest(states, knowledge.schema) == nil { return }
    let schema: Prose
    var details: [Prose] = []
    if let last = fitting.last, let last {
      schema = "its schema is the one after \(last)"
    } else {
      schema =
        catalog.baseline.map { "its schema differs from \($0.file)" }
        ?? "some of them are made by the folder's phases"
      details = DetailLines.first(SchemaDifference(from: expected, to: knowledge.schema).lines)
    }
    throw MigrationError(
      .schemaDrift, "\(database) has tables but no ledger, and \(schema)", details: details,
      state: "nothing was changed",
      help: adoptionHelp(knowledge.schema) + (fitting.isEmpty ? [Gate.drift.overriding] : []))
  }

  /// Two phases may lead to the same schema with different rows, so the claims about rows are checked, too.
  private func refuseBrokenClaims(_ present: [(id: PhaseID, phase: Phase)]) throws(MigrationError) {
    for (id, phase) in present {
      for claim in phase.verifications {
        let breaking: BreakingRows
        do throws(MigrationError) {
          breaking = try claim.breakingRows(on: connection, limit: DetailLines.limit)
        } catch {
          // The claim is about something that a later phase removed.
          if error.id == .verifyInvalid, id != present.last?.id { continue }
          throw error.leaving("nothing was changed")
        }
        guard breaking.count == 0 else {
          throw MigrationError(
            .verifyFailed,
            "the rows break the claim '\(claim.title)' of \(id): \(DetailLines.rows(breaking.count))",
            at: claim.query.place(at: claim.query.firstTokenOffset), details: breaking.lines,
            state: "nothing was changed",
            help: ["adopt at an earlier phase, and apply the rest: phasedb up", "or correct the rows"])
        }
      }
    }
  }

  private func record(
    _ history: ReplayedHistory, _ schema: Schema
  ) throws(MigrationError) -> Adoption {
    let (time, runner) = (options.now(), options.runner)
    for step in history.steps { try AppliedPhases.refuseUnreadable(step.id, step.phase) }
    let (recorded, orphans) = try lifting("writing the ledger") { () in
      let ledger = try Ledger.create(in: connection, schema: history.first, by: runner, at: time)
      try ledger.squash.begin(with: catalog.baseline)
      if history.steps.isEmpty {
        try ledger.log(.adopt, subject: "", detail: "before the first phase", by: runner, at: time)
      }
      let orphans = try ledger.orphans.known().before?.count ?? 0
      let recorded = try history.steps.map { step in
        try ledger.phases.record(
          step.id, step.phase, changes: step.after.changes(since: step.before), before: step.before.digest,
          after: step.after.digest, milliseconds: 0, as: .adopt, by: runner, at: time)
      }
      return (recorded, orphans)
    }
    return Adoption(
      phases: recorded.map(\.id), checkpoint: recorded.last.map(Checkpoint.init(after:)),
      otherTools: schema.otherTools, orphans: orphans)
  }
}

/// The result of running the baseline and phases in folder order on a database in memory.
private struct ReplayedHistory {
  /// The schema of the baseline.
  let first: Schema
  private(set) var steps: [Step] = []

  struct Step {
    let id: PhaseID
    let phase: Phase
    let before: Schema
    let after: Schema
  }

  init(
    _ baseline: Script?, _ phases: [(id: PhaseID, phase: Phase)], _ terms: ScratchTerms
  ) throws(MigrationError) {
    let scratch = try Scratch(baseline: baseline, terms: terms)
    first = scratch.schema
    for (id, phase) in phases {
      let before = scratch.schema
      try scratch.run(id, phase, .up)
      steps.append(Step(id: id, phase: phase, before: before, after: scratch.schema))
    }
  }

  var last: Schema { steps.last?.after ?? first }

  /// A name for the schema that it leads to.
  func title(_ baseline: Script?) -> String {
    steps.last.map { "the one after \($0.id)" } ?? baseline.map { "that of \($0.file)" } ?? "an empty one"
  }

  /// Every state of a folder, as far as it can be replayed; the state before the first phase has no id.
  static func states(_ catalog: Catalog, _ terms: ScratchTerms) -> [(id: PhaseID?, schema: Schema)] {
    guard let scratch = try? Scratch(baseline: catalog.baseline, terms: terms) else { return [] }
    var states: [(id: PhaseID?, schema: Schema)] = [(nil, scratch.schema)]
    for (id, phase) in catalog.phases {
      guard (try? scratch.run(id, phase, .up)) != nil else { break }
      states.append((id, scratch.schema))
    }
    return states
  }
}
