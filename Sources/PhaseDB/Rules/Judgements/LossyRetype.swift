internal import PhaseSQL

/// A phase that changes the type of a stored column must keep the old values.
enum LossyRetype: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    let statements = ScriptStatements(trial.phase.up)
    return trial.facts.compactMap { fact in
      guard case .columnRetyped(let table, let column, let old, let new) = fact,
        !old.affinity.isKept(by: new.affinity), isStored(column, of: table, in: trial.before),
        !isArchived(table, in: trial),
        !trial.phase.losses.contains(where: {
          SchemaName($0.table) == table && SchemaName($0.column) == column
        })
      else { return nil }
      return Finding(
        .lossyRetype, in: trial.id,
        "column \(table).\(column) changes from \(old.text) to \(new.text), and nothing keeps its old values",
        at: statements.place(ofTable: table, column),
        details: [
          "the values change with its affinity, \(old.affinity.rawValue) to \(new.affinity.rawValue), and down cannot tell what they were"
        ],
        remedies: [
          "add a second column in expand.sql, and keep both in step by triggers until this one is dropped: ALTER TABLE \(table) ADD COLUMN \(column)_2\(new.declared.map { " \($0)" } ?? "");",
          "a recipe writes all of that: phasedb new NAME retype \(table).\(column) \(column)_2 \(new.declared?.text ?? "TYPE") --up EXPR --down EXPR",
          "or accept it: -- @loses \(table).\(column): why the old values are not needed",
        ])
    }
  }

  /// Whether rows that the phase removes from a table are archived, so that they come back. That needs a key. For an
  /// expand nothing is archived, because it promises to remove nothing.
  private static func isArchived(_ table: SchemaName, in trial: PhaseTrial) -> Bool {
    guard trial.id.kind != .expand, let table = trial.before.table(table) else { return false }
    return table.rowKey != nil
  }

  private static func isStored(_ column: SchemaName, of table: SchemaName, in schema: Schema) -> Bool {
    schema.table(table)?.column(column)?.isGenerated == false
  }
}
