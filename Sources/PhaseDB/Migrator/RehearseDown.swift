internal import PhaseSQL
internal import PhaseSQLite

/// Takes phases down on a private copy, and records the results of trials of ways down.
struct DownRehearsalWork: MigratorWork {
  let migrator: Migrator

  func rehearse(
    _ selection: Selection, in folder: String?, observe: (RehearsalEvent) -> Void
  ) throws(MigrationError) -> DownRehearsal {
    guard isThere else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(database), so there is nothing to rehearse on",
        help: ["check the path given with --database"])
    }
    return try reading(connection) { () throws(MigrationError) in
      let plan = try planning.plan(selection, saysReversals: false)
      let knowledge = try Knowledge(of: connection)
      guard !plan.steps.isEmpty, let ledger = knowledge.ledger else {
        return DownRehearsal(
          database: database, copyBytes: 0, copyMilliseconds: 0, phases: [], records: [])
      }
      if let underWay = try ledger.batches.underWay() {
        throw underWay.inProgress("nothing can be rehearsed")
      }
      let began = ContinuousClock.now
      let copy = try RehearsalWork(migrator: migrator).copy(in: folder) { observe(.copying(bytes: $0)) }
      let copyTime = ContinuousClock.now - began
      observe(.copied(bytes: copy.bytes, milliseconds: copyTime.milliseconds))
      // With the batch settings of a real run, but without the throttle query and the pause file.
      var pacing = options.pacing
      (pacing.throttle, pacing.pauseFile) = (nil, nil)
      let run = try DownRun.onFile(
        copy, runner: options.runner, pacing: pacing, now: options.now, cancellation: options.cancellation)
      let (reversals, steps) = try Reversals(
        ledger, knowledge.applied.filter { !$0.isSquashed }, isInPlace: knowledge.isInPlace,
        schema: { () throws(SQLiteError) in knowledge.schema },
        evidence: plan.judgement.evidence.all, copy: { () throws(MigrationError) in run },
        reach: .steps(plan.steps.count), on: connection
      ).allAndSteps()
      return try report(plan, reversals, steps, copy, copyTime, knowledge)
    }
  }

  private func report(
    _ plan: Plan, _ reversals: [PhaseID: Reversal], _ steps: [DownRun.Step], _ copy: DatabaseCopy,
    _ copyTime: Duration, _ knowledge: Knowledge
  ) throws(MigrationError) -> DownRehearsal {
    let ran = Dictionary(steps.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let tried = plan.steps.prefix { ran[$0.id] != nil || reversals[$0.id]?.word == .blocked }
    let phases = tried.map { step in
      DownRehearsal.Phase(
        id: step.id, reversal: reversals[step.id] ?? Reversal(basis: .nothing),
        restored: ran[step.id]?.restored ?? [], times: ran[step.id]?.times)
    }
    let time = options.now()
    var records: [WayDownRecord] = []
    // What a way down leaves depends on what those above it did.
    var tables: Set<FoldedName> = []
    for phase in phases {
      guard let step = ran[phase.id], let applied = knowledge.applied.first(where: { $0.id == phase.id })
      else { continue }
      tables.formUnion(step.tables)
      let seen = try lifting("reading the rows that \(phase.id) touches") { () in
        try DownRehearsal.Seen(phase.reversal, phase.times, tables: tables, on: connection)
      }
      records.append(
        WayDownRecord(
          sequence: applied.sequence, means: .rehearsal, schema: knowledge.schema.digest.text, at: time,
          verdict: phase.reversal.word.rawValue, report: WayDownJSON.text(seen)))
    }
    return DownRehearsal(
      database: database, copyBytes: copy.bytes, copyMilliseconds: copyTime.milliseconds, phases: phases,
      records: records)
  }

  func record(_ rehearsal: DownRehearsal) throws(MigrationError) {
    guard !rehearsal.records.isEmpty else { return }
    try writing("committing what was rehearsed") { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
      let (time, runner) = (options.now(), options.runner)
      let present = Dictionary(
        knowledge.applied.map { ($0.sequence, $0.id) }, uniquingKeysWith: { first, _ in first })
      try lifting("writing the ledger") { () in
        let ledger = try ledger.upgraded(by: runner, at: time)
        for record in rehearsal.records {
          guard let id = present[record.sequence] else { continue }
          try ledger.waysDown.record(record)
          try ledger.log(
            .rehearse, subject: id.description, detail: "down, \(record.verdict)", by: runner, at: time)
        }
      }
    }
  }

  /// Records in the ledger what ways down do without rows, so that later commands need not try them again.
  func keepTrials(knowing known: Schema) throws(MigrationError) {
    let knowledge = try Knowledge(of: connection, known: known)
    guard let ledger = knowledge.ledger, ledger.format >= 3, !knowledge.applied.isEmpty else { return }
    let trials = try DownTrials(
      ledger, knowledge.applied, isInPlace: knowledge.isInPlace,
      schema: { () throws(SQLiteError) in knowledge.schema })
    let records = try trials.missing(at: options.now())
    guard !records.isEmpty else { return }
    try writing("committing what was tried") { knowledge throws(MigrationError) in
      let present = Set(knowledge.applied.map(\.sequence))
      try lifting("writing the ledger") { () in
        for record in records where present.contains(record.sequence) {
          try knowledge.ledger?.waysDown.record(record)
        }
      }
    }
  }
}
