internal import PhaseSQL
internal import PhaseSQLite

/// Checks rows after the SQL of a step has run: foreign keys, and claims.
struct RowChecks {
  let step: Plan.Step
  let knowledge: Knowledge
  let connection: Connection

  init(_ step: Plan.Step, _ knowledge: Knowledge, on connection: Connection) {
    (self.step, self.knowledge, self.connection) = (step, knowledge, connection)
  }

  /// Checks for new rows without a parent. Rows that had none before are not the phase's fault.
  ///
  /// - Parameters:
  ///   - before: the rows without a parent before the SQL ran; nil when they were not looked for.
  ///   - returned: the foreign keys of restored rows that had no parent when they were archived.
  /// - Returns: false when there are such rows, and `before` is needed to decide.
  func hasNoNewForeignKeyViolations(
    in reach: ForeignKeyReach, since before: [[Value]: Int]?,
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
        ? ["delete or re-point the child rows in the same phase, before their parents are deleted"]
        : try helpWithParents(new.keys))
  }

  /// Explains that restored rows may have lost their parents meanwhile.
  private func helpWithParents(_ orphans: some Collection<ForeignKeyViolation>) throws(MigrationError)
    -> [Prose]
  {
    let statements = try lifting("naming the parents that are missing") { () in
      try connection.missingParents(orphans)
    }
    return ["restore the missing parents, with every value that their tables require:"]
      + statements.map { "  \($0)" }
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
}

extension Connection {
  /// Statements that restore the missing parents, as far as the rows tell their keys.
  fileprivate func missingParents(_ violations: some Collection<ForeignKeyViolation>) throws(SQLiteError)
    -> [Prose]
  {
    var statements: Set<Prose> = []
    for violation in violations.prefix(DetailLines.limit) {
      guard violation.key >= 0, let rowID = violation.rowID else { continue }
      let key = try CountedForeignKey(violation.key, of: violation.table, on: self)
      let (from, to) = (key.columns.map(SQLText.identifier), key.parentColumns)
      guard !from.isEmpty, from.count == to.count,
        let row = try rows(
          "SELECT \(from.map { "quote(\($0))" }.joined(separator: ", ")) FROM main.\(SQLText.identifier(violation.table)) WHERE rowid = ?1",
          .integer(rowID)
        ).first
      else { continue }
      let names = to.map(SQLText.identifier).joined(separator: ", ")
      let values = row.map { $0.text ?? "NULL" }.joined(separator: ", ")
      statements.insert(
        "INSERT INTO \(whole: SQLText.identifier(violation.parent)) (\(whole: names)) VALUES (\(whole: values));"
      )
    }
    return statements.sorted()
  }
}
