internal import PhaseSQL
internal import PhaseSQLite

/// Checks what must hold after the SQL of a step has run: the schema, foreign keys, and claims.
struct StepChecks {
  let step: Plan.Step
  /// What was known before the SQL ran.
  let knowledge: Knowledge
  let connection: Connection

  init(_ step: Plan.Step, _ knowledge: Knowledge, on connection: Connection) {
    (self.step, self.knowledge, self.connection) = (step, knowledge, connection)
  }

  /// Rebuilds tables whose columns a way down left in another order than before the phase.
  ///
  /// - Parameter rows: the values to restore. A table that is rebuilt gets them in the same pass.
  /// - Returns: the schema afterwards.
  func putColumnsBack(
    of left: Schema, with rows: inout TransitionRows?
  ) throws(MigrationError) -> Schema {
    guard step.direction == .down, let applied = knowledge.applied.last, let ledger = knowledge.ledger,
      left.digest != applied.schemaBefore
    else { return left }
    let (before, after) = try lifting("reading the ledger") { () in
      (
        try ledger.schemas.schema(after: applied.sequence - 1),
        try ledger.schemas.schema(after: applied.sequence)
      )
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

  /// Refuses objects that use the ledger or its names.
  func refuseTrespass(
    _ changes: [SchemaChange], from before: Schema, to after: Schema
  ) throws(MigrationError) {
    try StatementGuard.refuseLeftOut(
      from: before, to: after, at: step.script.place(at: step.script.firstTokenOffset))
    guard let trespass = StatementGuard.trespass(changes, from: before, to: after) else { return }
    let start = step.script.firstTokenOffset
    let found = Schema.ledgerName(in: step.script.text)?.range ?? start..<start + 1
    throw MigrationError(
      .ledgerTouched, "\(step.id): \(trespass)",
      at: step.script.place(at: found.lowerBound, length: found.count),
      help: ["give the object another name, and keep the ledger out of views and triggers"])
  }

  /// Refuses a way up that breaks the promise of the phase's kind.
  func refuseBrokenPromise(_ changes: [SchemaChange], to after: Schema) throws(MigrationError) {
    guard step.direction == .up else { return }
    let difference = SchemaDifference(changes)
    switch step.phase.kind {
    case .contract: break
    case .migrate:
      guard !difference.isEmpty else { return }
      throw MigrationError(
        .migrateChangesSchema, "\(step.id) changes the schema; a migrate phase must not",
        at: step.script.place(at: step.script.firstTokenOffset), details: difference.lines,
        help: ["move the change to expand.sql or contract.sql of the same migration"])
    case .expand:
      let losses = difference.losses(in: after)
      guard !losses.isEmpty else { return }
      throw MigrationError(
        .expandNotAdditive, "\(step.id) removes or changes something; an expand phase must only add",
        at: step.script.place(at: step.script.firstTokenOffset), details: losses,
        help: ["move what removes or tightens to contract.sql of the same migration"])
    }
  }

  /// Checks that a down leads back to the schema before its phase, except for accepted changes from outside.
  ///
  /// - Returns: the accepted changes that are still there; empty when there were none, and on the way up.
  func driftOnTheWayBack(to after: Schema) throws(MigrationError) -> [SchemaChange] {
    guard step.direction == .down, let applied = knowledge.applied.last, let ledger = knowledge.ledger
    else { return [] }
    let hasDrift = try lifting("reading the ledger") { () in
      try ledger.schemas.hasChanges(after: applied.sequence)
    }
    guard hasDrift || after.digest != applied.schemaBefore else { return [] }
    let (recorded, recordedAfter) = try lifting("reading the ledger") { () in
      (
        try ledger.schemas.schema(after: applied.sequence - 1),
        try ledger.schemas.schema(after: applied.sequence)
      )
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
        "write a new migration instead: the down SQL in the ledger cannot be changed",
        "column order counts: an INSERT without a column list writes by position",
      ])
  }

  // MARK: - The rows

  /// Checks for new rows without a parent. Rows that had none before are not the phase's fault.
  ///
  /// - Parameters:
  ///   - before: the rows without a parent before the SQL ran; nil when they were not looked for.
  ///   - returned: the foreign keys of restored rows that had no parent when they were archived.
  /// - Returns: false when there are such rows, and `before` is needed to decide.
  func hasNoNewForeignKeyViolations(
    in reach: ForeignKeyReach, since before: [String: Int]?,
    but returned: Set<String> = []
  ) throws(MigrationError) -> Bool {
    let after = try lifting("checking foreign keys") { () in
      try ForeignKeyViolation.all(in: reach.children(on: connection), on: connection)
    }
    guard !after.isEmpty else { return true }
    guard var before else { return false }
    let new = try lifting("checking foreign keys") { () in
      try after.filter { violation in
        try ForeignKeyViolation.orphans([violation.key: violation.value], on: connection).contains {
          values, count in
          guard !returned.contains(values) else { return false }
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
        ? ["delete or re-point the child rows in the same phase, before their parents are deleted"]
        : try helpWithParents(new.keys))
  }

  /// Explains that restored rows may have lost their parents meanwhile.
  private func helpWithParents(_ orphans: some Collection<ForeignKeyViolation>) throws(MigrationError)
    -> [Prose]
  {
    let statements = try lifting("naming the parents that are missing") { () in
      try missingParents(orphans)
    }
    return ["restore the missing parents, with every value that their tables require:"]
      + statements.map { "  \($0)" }
      + (orphans.count > DetailLines.limit
        ? ["  … and those of other rows, which are named when these are there: run the command again"] : [])
      + ["once the phase is down, delete unwanted parents together with their children"]
  }

  /// Checks the claims of the phase after it went up. After it came down, it checks the claims of its migration that
  /// apply again.
  func verify(telling observe: (Event) -> Void = { _ in }) throws(MigrationError) {
    var claims = step.phase.verifications
    if step.direction == .down {
      let earlier = knowledge.applied.filter {
        $0.id.migration == step.id.migration && $0.id != step.id
      }
      guard let ledger = knowledge.ledger else { return }
      claims = []
      for phase in earlier { claims += try ledger.phases.text(of: phase).verifications }
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

  /// Statements that restore the missing parents, as far as the rows tell their keys.
  private func missingParents(_ violations: some Collection<ForeignKeyViolation>) throws(SQLiteError)
    -> [Prose]
  {
    var statements: [Prose] = []
    let inOrder = violations.sorted { ($0.table, $0.rowID ?? 0) < ($1.table, $1.rowID ?? 0) }
    for violation in inOrder.prefix(DetailLines.limit) {
      guard violation.key >= 0, let rowID = violation.rowID else { continue }
      let key = try CountedForeignKey(violation.key, of: violation.table, on: connection)
      let (from, to) = (key.columns.map(SQLText.identifier), key.parentColumns)
      guard !from.isEmpty, from.count == to.count,
        let row = try connection.rows(
          "SELECT \(from.joined(separator: ", ")) FROM main.\(SQLText.identifier(violation.table)) WHERE rowid = ?1",
          .integer(rowID)
        ).first
      else { continue }
      let names = to.map(SQLText.identifier).joined(separator: ", ")
      let values = row.map(\.typed).joined(separator: ", ")
      let needed = try Table.columns(of: SchemaName(violation.parent), on: connection).filter { column in
        !column.mayBeNull && column.defaultValue == nil && !column.isGenerated
          && !to.contains { SchemaName($0) == column.name }
      }
      let note = needed.isEmpty ? "" : " -- also needs \(needed.map(\.name.spelled).joined(separator: ", "))"
      let statement: Prose =
        "INSERT INTO \(whole: SQLText.identifier(violation.parent)) (\(whole: names)) VALUES (\(whole: values));\(whole: note)"
      if !statements.contains(statement) { statements.append(statement) }
    }
    return statements
  }
}

/// The schema to which a down must lead if the schema was changed from outside after its phase went up, and the change
/// was accepted.
///
/// The phase's own objects must be what they were before it. Objects that only the accepted change touched must be as
/// it left them, or gone with their table. For an object that both touched the result cannot be predicted, so it is
/// recorded as it is.
struct WayBackThroughDrift {
  /// The recorded schema before the phase, and after it.
  let before: Schema
  let after: Schema
  /// The schema with the accepted changes, when the way down begins.
  let found: Schema

  /// How the resulting schema differs from the required one, one line each.
  func misfits(of result: Schema) -> [Prose] {
    let (before, after, found) = (byKey(before), byKey(after), byKey(found))
    let result = byKey(result)
    var wanted: [SchemaObject] = []
    var present: [SchemaObject] = []
    for key in Set(before.keys).union(after.keys).union(found.keys).union(result.keys) {
      let isDrifted = after[key]?.digest != found[key]?.digest
      if isDrifted {
        if before[key]?.digest != after[key]?.digest { continue }
        if let object = found[key], result[key] == nil, !result.hasOwner(of: object) { continue }
      }
      let expected = isDrifted ? found[key] : before[key]
      guard expected?.digest != result[key]?.digest else { continue }
      if let expected { wanted.append(expected) }
      if let object = result[key] { present.append(object) }
    }
    return SchemaDifference(from: Schema(wanted), to: Schema(present)).lines
  }

  private func byKey(_ schema: Schema) -> [SchemaObject.Key: SchemaObject] {
    Dictionary(schema.objects.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
  }
}

extension [SchemaObject.Key: SchemaObject] {
  /// Whether the table or view of an index or a trigger exists; always true for a table or view itself.
  fileprivate func hasOwner(of object: SchemaObject) -> Bool {
    guard object.key.type == "index" || object.key.type == "trigger" else { return true }
    return ["table", "view"].contains { self[SchemaObject.Key(type: $0, name: object.table)] != nil }
  }
}
