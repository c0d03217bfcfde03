internal import PhaseSQL
internal import PhaseSQLite

/// A migrate phase that changes an unknown number of rows must do so in batches.
///
/// The rule asks how SQLite finds the rows. By values of a unique key it finds few, however large the table is. In
/// any other way it may find all of them.
enum UnboundedWrite: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    guard trial.id.kind == .migrate, trial.phase.batching == nil else { return [] }
    let tables = Set(
      trial.before.objects.lazy.filter { $0.key.type == "table" && !$0.isVirtual }.map(\.key.name))
    return try lifting("looking at how statements find their rows") { () in
      try trial.statements.compactMap { effect in
        guard let table = unboundedTable(of: effect, in: trial, among: tables) else { return nil }
        let key = try BatchKey.find(Batching(table: table), on: trial.connection)
        let column = if case .success(let key) = key { SQLName(key.column).description } else { "COLUMN" }
        let unfit: [Prose] =
          if case .failure(let unfit) = key { [unfit.remedy] } else { ["-- @batch \(SQLName(table))"] }
        return Finding(
          .unboundedWrite, in: trial.id,
          "the statement may change every row of \(table), and holds the write lock until it ends",
          at: effect.place(in: trial.phase.up),
          remedies: unfit + ["in both directions: WHERE \(column) BETWEEN :first AND :last"])
      }
    }
  }

  /// A table of the schema whose rows the statement finds without a unique key; nil when there is none, or the
  /// statement changes no row.
  private static func unboundedTable(
    of effect: StatementEffect, in trial: PhaseTrial, among tables: Set<FoldedName>
  ) -> String? {
    let writes = effect.writes
    guard !writes.insertedTables.isEmpty || !writes.deletedTables.isEmpty || !writes.columns.isEmpty else {
      return nil
    }
    let bytes = Array(trial.phase.up.text.utf8)
    let sql = String(decoding: bytes[effect.range], as: UTF8.self)
    guard let plan = try? trial.connection.queryPlan(of: sql) else { return nil }
    let words = effect.words(in: trial.phase.up)
    for line in plan where line.isOutermost && line.access != nil {
      let name = line.table.folded
      guard let table = tables.contains(name) ? name : words.table(called: name), tables.contains(table)
      else { continue }
      if line.access == .scan || !line.isUnique(on: trial.connection) { return table.text }
    }
    return nil
  }
}

/// Every statement of a batched phase must find the rows of its batch by the key, and must not change the key.
enum BatchNotKeyed: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    guard let batching = trial.phase.batching else { return [] }
    let found = try lifting("looking for the key of the batches") { () in
      try BatchKey.find(batching, on: trial.connection)
    }
    switch found {
    case .failure(let unfit):
      return [
        Finding(
          .batchNotKeyed, in: trial.id, unfit.why, at: trial.phase.up.beginningOfFile,
          remedies: [unfit.remedy])
      ]
    case .success(let key):
      return [trial.phase.up, trial.phase.down].compactMap { script in
        // Another rule reports a statement that does not compile.
        guard let objection = (try? BatchPlan(script, by: key, on: trial.connection))?.objection else {
          return nil
        }
        return Finding(
          .batchNotKeyed, in: trial.id, objection.message, at: objection.place, details: objection.details,
          remedies: objection.remedies)
      }
    }
  }
}

extension QueryPlanLine {
  /// Whether it finds at most one row for each value it looks for.
  fileprivate func isUnique(on connection: Connection) -> Bool {
    let line = text.asciiLowercased
    if line.contains("using integer primary key (rowid=?)") { return true }
    guard let open = line.ranges(of: " (").last?.lowerBound, !line[open...].contains("<?"),
      !line[open...].contains(">?")
    else { return false }
    let columns = line[open...].count { $0 == "?" }
    if line.contains(" using primary key ") { return true }
    guard let index else { return false }
    let unique = try? connection.value(
      """
      SELECT (SELECT count(*) FROM pragma_index_info(l.name)) FROM sqlite_schema AS t, pragma_index_list(t.name) AS l
      WHERE t.type = 'table' AND l.name = ?1 COLLATE NOCASE AND l."unique"
      """, .text(index))
    return unique?.integer == Int64(columns)
  }
}

extension [SQLWord] {
  /// The table that a statement gives an alias, `t AS a` or `t a`.
  fileprivate func table(called alias: FoldedName) -> FoldedName? {
    for index in indices.dropFirst() where self[index].text == alias && self[index].isName {
      let before = self[index - 1].is("as") ? index - 2 : index - 1
      if indices.contains(before), self[before].isName { return self[before].text }
    }
    return nil
  }
}
