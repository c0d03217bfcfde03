internal import PhaseSQL
internal import PhaseSQLite

/// Says of applied phases what their ways back would do to the present rows, where these are not run on a copy: from the
/// archives, the ledger and the SQL. It says less than a run would.
struct ReversalForecast {
  private let ledger: Ledger
  private let applied: [AppliedPhase]
  private let readSchema: () throws(SQLiteError) -> Schema
  private let connection: Connection

  init(
    _ ledger: Ledger, _ applied: [AppliedPhase], schema: @escaping () throws(SQLiteError) -> Schema,
    on connection: Connection
  ) {
    (self.ledger, self.applied, readSchema, self.connection) = (ledger, applied, schema, connection)
  }

  /// What blocked the way back when the phase went up, where it was not tried since. Other rows may let it through.
  func addFormerObstacles(
    _ draft: Reversals.Draft, to reversal: inout Reversal
  ) throws(MigrationError) {
    guard let blocked = draft.blocked, reversal.obstacles.isEmpty else { return }
    // A rehearsal on the present schema says more, and is read later.
    let schema = try lifting("reading the schema") { () in try readSchema() }
    if let rehearsal = draft.rehearsal, rehearsal.schema == schema.digest.text { return }
    // Whether it is blocked again depends on chance, and that is said already.
    guard draft.chance == nil else {
      reversal.notes.append("when it went up, its way back was blocked: \(blocked.reasons.first ?? "")")
      return
    }
    // Of a table that is too large to be read, or that a later phase changed, only a rehearsal tells whether rows changed
    // that matter.
    let then = try lifting("reading the ledger") { () in
      try ledger.schemas.schema(after: draft.applied.sequence)
    }
    let contents = (blocked.contents ?? []).filter { content in
      let name = SchemaName(content.table)
      return content.sum != nil && then.object("table", name)?.sql == schema.object("table", name)?.sql
    }
    let changes = try TableContent.changes(since: contents, heedsOrder: true, on: connection)
    guard let table = blocked.contents?.first?.table, let change = changes.first else {
      reversal.obstacles += blocked.reasons.map {
        Reversal.Obstacle(
          reason: Reversal.withoutPhase(Prose($0), of: draft.applied.id),
          openings: ["see whether the present rows let it through: \(draft.rehearsing)"] + WayOut.forward)
      }
      return
    }
    reversal.uncertain.append(
      Reversal.AffectedRows(
        table: table, column: nil, rows: nil,
        why: "when it went up, its way back was blocked (\(blocked.reasons.first ?? "")), and \(change)"))
  }

  /// What can be told of the rows without running anything.
  ///
  /// - Parameter later: what the phases after it took and wrote; nil when there are none.
  /// - Returns: what the way up does; nil when it was not looked at.
  func add(
    _ draft: Reversals.Draft, after later: Later?, to reversal: inout Reversal
  ) throws(MigrationError) -> WayUp? {
    guard reversal.obstacles.isEmpty, draft.dependsOnRows, draft.trial.outcome != .untried else { return nil }
    let applied = draft.applied
    let schema = try lifting("reading the schema") { () in try readSchema() }
    let phase = try ledger.phases.text(of: applied)
    let (before, after) = try lifting("reading the ledger") { () in
      (
        try ledger.schemas.schema(after: applied.sequence - 1),
        try ledger.schemas.schema(after: applied.sequence)
      )
    }
    let laterChanges = try later.map { later throws(MigrationError) in
      try LaterChanges(from: after, to: schema, later.archives, later.writes)
    }
    let present = later == nil ? schema : after
    if let objection = try batchObjection(phase, schema) {
      reversal.obstacles.append(Reversal.Obstacle(objection, of: applied.id))
      return nil
    }
    guard let trial = try? TransitionTrial(applied.id, phase, .down, on: present, CostLimit(.scratch))
    else { return nil }
    try say(draft, trial.there, from: before, to: after, laterChanges, present: schema, &reversal)
    return trial.back.map { WayUp(trace: $0, isBatched: phase.batching != nil) }
  }

  /// Why SQLite would not find the rows of batches now; nil when it does, and for a phase without batches.
  private func batchObjection(_ phase: Phase, _ schema: Schema) throws(MigrationError) -> MigrationError? {
    guard let batching = phase.batching else { return nil }
    let found = try lifting("looking for the key of the batches") { () in
      try BatchKey.find(batching, on: connection)
    }
    guard case .success(let key) = found, let plan = try? BatchPlan(phase.down, by: key, on: connection)
    else { return nil }
    return try plan.presentObjection(in: schema, on: connection)?.error
  }

  /// What the phases after one took and wrote.
  struct Later {
    /// In the order in which the phases were applied.
    var archives: [ArchiveRecord] = []
    var writes = LaterChanges.Writes()

    /// - Parameter tables: the tables that the phase touches, folded, where its way up is not known.
    mutating func add(
      _ draft: Reversals.Draft, _ up: WayUp?, touching tables: Set<FoldedName>
    ) throws(MigrationError) {
      archives = draft.kept + archives
      try writes.add(up?.trace, draft.kept, isBatched: up?.isBatched == true, touching: tables)
    }
  }

  struct WayUp {
    let trace: ScriptTrace
    let isBatched: Bool
  }

  /// - Parameters:
  ///   - trace: what the way back does.
  ///   - before: the schema before the phase.
  ///   - after: the schema after it.
  ///   - laterChanges: what the phases after it did; nil when there are none.
  private func say(
    _ draft: Reversals.Draft, _ trace: ScriptTrace, from before: Schema, to after: Schema,
    _ laterChanges: LaterChanges?, present schema: Schema, _ reversal: inout Reversal
  ) throws(MigrationError) {
    let present = laterChanges == nil ? schema : after
    let applied = draft.applied
    let constraints = FormerConstraints(
      trace, from: present, to: before, with: draft.kept, laterChanges, on: connection)
    let (broken, unchecked) = try lifting("looking for rows that do not fit the schema before \(applied.id)")
    {
      () in (try constraints.broken(), try constraints.unchecked())
    }
    reversal.obstacles += broken.map(\.obstacle)
    guard broken.isEmpty else { return }
    let knownLosses = reversal.lost
    let known = Set(knownLosses.map(\.subject))
    reversal.lost += UnreadableTables(before).gone(in: after).filter { !known.contains($0.subject) }
    let returning = Set(draft.kept.map { SchemaName($0.table) })
    var forecasts: [(ArchiveForecast, ArchiveForecast.Outlook)] = []
    var open: [Prose] = []
    for archive in draft.kept {
      let content = try ArchiveContent(archive)
      let orphans = try lifting("looking for parents of archive \(archive.id)") { () in
        try ArchiveForecast(archive, content, trace).orphans(
          in: before, returning: returning, on: connection)
      }
      if laterChanges == nil { reversal.lost += orphans }
      let forecast = ArchiveForecast(archive, content, trace, laterChanges)
      var outlook = try lifting("comparing rows with archive \(archive.id)") { () in
        try forecast.outlook(on: connection)
      }
      let merged = try lifting("comparing rows with archive \(archive.id)") { () in
        try forecast.merged(in: before, on: connection)
      }
      if let merged { if laterChanges == nil { reversal.lost.append(merged) } else { outlook.isOpen = true } }
      // The way back of a later phase may bring a parent back.
      if laterChanges != nil, !orphans.isEmpty { outlook.isOpen = true }
      forecasts.append((forecast, outlook))
      reversal.comparisons[archive.id] = outlook.comparison
      reversal.lost += outlook.lost + outlook.taken + outlook.recomputed
      reversal.uncertain += outlook.computed + outlook.others
      if outlook.isOpen {
        open.append(
          "rows of \(archive.table) may have changed since a later phase wrote to them: \(draft.rehearsing)")
      }
    }
    // Rows without a key are found by their rowids, and what phases leave may depend on the order of rows.
    let goesByRowID = try draft.kept.map { record throws(MigrationError) in
      try ArchiveContent(record).key.form == .rowID
    }.contains(true)
    let heedsOrder = !trace.isRowByRow || goesByRowID
    if let rehearsal = draft.rehearsal, rehearsal.schema == schema.digest.text,
      let seen = WayDownJSON.read(DownRehearsal.Seen.self, from: rehearsal.report)
    {
      let changes = try TableContent.changes(
        since: seen.contents, heedsOrder: heedsOrder || laterChanges != nil, on: connection)
      guard !changes.isEmpty else {
        // What was seen replaces what is only forecast.
        reversal.lost = knownLosses
        reversal.uncertain = []
        seen.add(to: &reversal, at: rehearsal.at)
        if rehearsal.verdict == Reversal.Word.exact.rawValue { reversal.basis = .rows }
        return
      }
      seen.add(to: &reversal, at: rehearsal.at, changedSince: changes)
    }
    if !open.isEmpty, reversal.basis == .rows {
      reversal.basis = .scratch
      reversal.notes += open
    }
    guard reversal.basis == .rows else { return }
    // A row that was deleted and inserted again is the same by its key, and has another rowid.
    let down = try ledger.phases.text(of: applied).down
    let namesRowIDs = !SQLTokens.identifiers(in: down.text).isDisjoint(with: RowKey.rowIDNames)
    let claims = try ledger.phases.claims(before: applied, among: self.applied)
    let mayRaise = FunctionList.mayRaise(trace.functions)
    let others = unchecked.hasReferences || !claims.isEmpty || mayRaise
    let overwritten = trace.overwritten(present, before)
    if trace.isRowByRow, !others, !namesRowIDs,
      try isAnsweredFor(forecasts, overwritten.union(unchecked.tables))
    {
      return
    }
    if try isAsSeen(draft, heedsOrder: heedsOrder) { return }
    reversal.basis = .scratch
    let reason: Prose =
      namesRowIDs
      ? "it goes by rowids, which a row does not keep when it is written again"
      : !trace.isRowByRow
        ? "what its way back does to a row depends on other rows, and those may have changed since"
        : others || overwritten.isEmpty
          ? "it calls functions, or restores constraints, that some rows may not pass, and those may have changed since"
          : "its way back writes to columns that stay, and rows may have changed since"
    reversal.notes.append("\(reason): \(draft.rehearsing)")
  }

  /// Whether archives have every row of tables that a way back writes over: then none can have changed without being
  /// counted.
  private func isAnsweredFor(
    _ forecasts: [(ArchiveForecast, ArchiveForecast.Outlook)], _ tables: Set<SchemaName>
  ) throws(MigrationError) -> Bool {
    var answered: Set<SchemaName> = []
    for (forecast, outlook) in forecasts {
      guard let table = forecast.successor else { continue }
      let isWhole = try lifting("counting rows of \(table)") { () in
        try forecast.hasEveryRow(outlook, on: connection)
      }
      if isWhole { answered.insert(table) }
    }
    return tables.isSubset(of: answered)
  }

  /// Whether the tables are as the phase left them whose rows its way back touches or reads, so that it gives back what it
  /// was seen to give back.
  func isAsSeen(_ draft: Reversals.Draft, heedsOrder: Bool = false) throws(MigrationError) -> Bool {
    guard draft.cameBack,
      let contents = try ledger.roundTrips.read(of: draft.applied.sequence)?.contents
    else { return false }
    return try TableContent.changes(since: contents, heedsOrder: heedsOrder, on: connection).isEmpty
  }

  /// What the way back makes of tables that those of later phases leave to chance; nothing where it cannot be told.
  func reached(
    _ draft: Reversals.Draft, from left: LeftToChance, but lost: [Reversal.AffectedRows]
  ) throws(MigrationError) -> [Reversal.AffectedRows] {
    let (before, present) = try lifting("reading the ledger") { () in
      (
        try ledger.schemas.schema(after: draft.applied.sequence - 1),
        try ledger.schemas.schema(after: draft.applied.sequence)
      )
    }
    let phase = try ledger.phases.text(of: draft.applied)
    guard
      let trace = try? TransitionTrial(draft.applied.id, phase, .down, on: present, CostLimit(.scratch)).there
    else { return [] }
    let written = trace.overwritten(present, before).union(draft.kept.map { SchemaName($0.table) })
    return left.reached(by: trace, writing: written, but: lost)
  }
}
