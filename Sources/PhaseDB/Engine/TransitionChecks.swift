internal import PhaseSQL
internal import PhaseSQLite

extension Engine {
  /// An application may have checked in since the plan was made.
  ///
  /// What the plan counted still counts: an application cannot check in while a phase holds the write lock.
  func refuseClosedWindow(_ turn: Turn) throws(MigrationError) {
    let plan = turn.plan
    guard plan.judgement.live.source == .checkIns, let ledger = knowledge.ledger else { return }
    let checkIns = try lifting("reading the ledger") { () in try ledger.checkIns(since: plan.checkInsSince) }
    let gates = plan.judgement.now(knowing: checkIns).closedWindow(
      turn.step.id, turn.step.phase, turn.step.direction)
    guard !gates.isEmpty else { return }
    throw HeldPhase(id: turn.step.id, phase: turn.step.phase, gates: gates).error()
  }

  /// The schema is the one the plan foresaw, or the evidence is of another.
  func refuseMissingEvidence(_ turn: Turn) throws(MigrationError) {
    let (step, judgement) = (turn.step, turn.plan.judgement)
    guard step.direction == .up else { return }
    let gates = judgement.closedEvidence(step.id, step.phase, on: knowledge.schema.digest)
    guard gates.isEmpty else { throw HeldPhase(id: step.id, phase: step.phase, gates: gates).error() }
  }

  /// Evidence that the operator brought, and that let the phase pass, stands beside the phase in the ledger.
  func recordBroughtEvidence(_ turn: Turn) throws(MigrationError) {
    let step = turn.step
    guard step.direction == .up, let ledger = knowledge.ledger,
      let evidence = turn.plan.judgement.evidence.found(step.id, step.phase, on: knowledge.schema.digest)
    else { return }
    try lifting("writing the ledger") { () in
      guard try !ledger.evidence().contains(evidence) else { return }
      try ledger.record(evidence, by: runner, at: now())
    }
  }

  /// The ledger's names stay the ledger's.
  func refuseTrespass(
    _ step: Plan.Step, _ changes: [SchemaChange], from before: Schema, to after: Schema
  ) throws(MigrationError) {
    guard let trespass = StatementGuard.trespass(changes, from: before, to: after) else { return }
    let start = step.script.firstTokenOffset
    let found = StatementGuard.ledgerName(in: step.script.text)?.range ?? start..<start + 1
    throw MigrationError(
      .ledgerTouched, "\(step.id): \(trespass)",
      at: step.script.place(at: found.lowerBound, length: found.count),
      help: ["give the object another name, and keep the ledger out of views and triggers"])
  }

  /// Builds the tables anew that a down left with their columns in another order than before its phase.
  ///
  /// - Parameter rows: what the transition gives back to rows, which a table that is built anew takes up on the way.
  /// - Returns: the schema that is there then.
  func putColumnsBack(
    _ step: Plan.Step, of left: Schema, with rows: inout TransitionRows?
  ) throws(MigrationError) -> Schema {
    guard step.direction == .down, let applied = knowledge.applied.last, let ledger = knowledge.ledger,
      left.digest != applied.schemaBefore
    else { return left }
    let (before, after) = try lifting("reading the ledger") { () in
      (try ledger.schema(after: applied.sequence - 1), try ledger.schema(after: applied.sequence))
    }
    let drifted = SchemaDifference(from: after, to: knowledge.schema).changed.map {
      SchemaName($0.before.name)
    }
    let order = ColumnOrder(of: left, as: before, except: Set(drifted))
    guard !order.rebuilds.isEmpty else { return left }
    for table in order.rebuilds {
      let reading = try rows?.reading(for: table) ?? TableRebuild.Reading()
      try table.run(on: connection, reading: reading)
    }
    return try lifting("reading the schema") { () in try Schema(of: connection, known: left) }
  }

  /// A down leads back to the schema before its phase, but for changes from outside that were accepted since.
  ///
  /// - Returns: what is left of those changes; empty when there were none, and on the way up.
  func driftOnTheWayBack(_ step: Plan.Step, to after: Schema) throws(MigrationError) -> [SchemaChange] {
    guard step.direction == .down, let applied = knowledge.applied.last, let ledger = knowledge.ledger
    else { return [] }
    let hasDrift = try lifting("reading the ledger") { () in
      try ledger.hasSchemaChanges(after: applied.sequence)
    }
    guard hasDrift || after.digest != applied.schemaBefore else { return [] }
    let (recorded, recordedAfter) = try lifting("reading the ledger") { () in
      (try ledger.schema(after: applied.sequence - 1), try ledger.schema(after: applied.sequence))
    }
    let misfits =
      hasDrift
      ? WayBackThroughDrift(before: recorded, after: recordedAfter, found: knowledge.schema).misfits(
        of: after)
      : SchemaDifference(from: recorded, to: after).lines
    if hasDrift, misfits.isEmpty { return after.changes(since: recorded) }
    throw MigrationError(
      .downNotInverse, "the down of \(step.id) does not lead back to the schema before it",
      at: step.script.place(at: step.script.firstTokenOffset), details: misfits,
      help: [
        "go forward instead, by a migration that changes what has to change: the ledger's down SQL stays as it is",
        "column order counts: an INSERT without a column list writes by position",
      ])
  }

  /// What the kind of a phase promises on its way up.
  func refuseBrokenPromise(_ turn: Turn, _ changes: [SchemaChange]) throws(MigrationError) {
    let step = turn.step
    guard step.direction == .up else { return }
    let difference = SchemaDifference(changes)
    switch step.phase.kind {
    case .contract: break
    case .migrate:
      guard !difference.isEmpty else { return }
      throw MigrationError(
        .migrateChangesSchema, "\(step.id) changes the schema, which a migrate phase may not",
        at: step.script.place(at: step.script.firstTokenOffset), details: difference.lines,
        help: ["move the change to expand.sql or contract.sql of the same migration"])
    case .expand:
      let losses = difference.losses
      guard !losses.isEmpty else { return }
      throw MigrationError(
        .expandNotAdditive, "\(step.id) takes something away, which an expand phase may not",
        at: step.script.place(at: step.script.firstTokenOffset), details: losses,
        help: ["move what removes or tightens to contract.sql of the same migration"])
    }
  }

  /// Rows without a parent that were there before are not the phase's fault.
  ///
  /// - Parameters:
  ///   - before: nil when it is not known yet.
  ///   - returned: what rows hold that came back without a parent, because they had none when they were taken.
  /// - Returns: false when there are such rows and `before` is needed to tell.
  func hasNoNewForeignKeyViolations(
    _ step: Plan.Step, in reach: ForeignKeyReach, since before: [[Value]: Int]?,
    but returned: Set<String> = []
  ) throws(MigrationError) -> Bool {
    let after = try lifting("checking foreign keys") { () in
      try connection.foreignKeyViolations(in: reach.children(on: connection))
    }
    guard !after.isEmpty else { return true }
    guard var before else { return false }
    let new = try lifting("checking foreign keys") { () in
      try after.filter { violation in
        try connection.orphans([violation.key: violation.value]).contains { values, count in
          guard !returned.contains("\(values)") else { return false }
          let known = before[values] ?? 0
          before[values] = max(0, known - count)
          return known < count
        }
      }
    }
    guard !new.isEmpty else { return true }
    throw MigrationError(
      .foreignKeysViolated,
      "\(step.id) \(step.direction.rawValue) leaves \(DetailLines.rows(new.values.reduce(0, +))) without a parent",
      at: step.script.place(at: step.script.firstTokenOffset),
      details: DetailLines.first(new.keys.map(\.sentence).sorted()),
      help: step.direction == .up
        ? ["delete or re-point the child rows in the same phase, before their parents go"]
        : try helpWithParents(new.keys))
  }

  /// Rows that come back may have lost their parents meanwhile.
  func helpWithParents(_ orphans: some Collection<ForeignKeyViolation>) throws(MigrationError) -> [Prose] {
    let statements = try lifting("naming the parents that are missing") { () in
      try connection.missingParents(orphans)
    }
    return ["put the parents back, with whatever else their tables ask for:"] + statements.map { "  \($0)" }
      + ["once the phase is down, delete those that are not wanted together with their children"]
  }

  /// The claims of the phase after it went up; after it came down, those of its migration that are in force again.
  func verify(_ turn: Turn) throws(MigrationError) { try verify(turn.step) { observe($0) } }

  func verify(_ step: Plan.Step, observe: (Event) -> Void = { _ in }) throws(MigrationError) {
    var claims = step.phase.verifications
    if step.direction == .down {
      let earlier = knowledge.applied.filter {
        $0.id.migration == step.id.migration && $0.id != step.id
      }
      guard let ledger = knowledge.ledger else { return }
      claims = []
      for phase in earlier { claims += try ledger.phase(phase).verifications }
    }
    for claim in claims {
      let breaking = try claim.breakingRows(on: connection, limit: DetailLines.limit)
      guard breaking.count == 0 else {
        throw MigrationError(
          .verifyFailed,
          "\(step.id) \(step.direction.rawValue) breaks the claim '\(claim.title)': \(DetailLines.rows(breaking.count))",
          at: claim.query.place(at: claim.query.firstTokenOffset), details: breaking.lines,
          help: ["correct the phase or the claim"])
      }
      observe(.verified(step.id, title: claim.title))
    }
  }
}
