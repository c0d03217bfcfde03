internal import PhaseSQL

/// An existing table must not get a column that every INSERT has to name.
///
/// If every application stops for the phase, only ADD COLUMN is wrong: it fails when the table has rows. On an empty
/// table, as in many tests, it succeeds.
enum RequiredColumn: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    let statements = ScriptStatements(trial.phase.up)
    return trial.facts.compactMap { fact in
      guard case .columnAdded(let table, let column, _, _) = fact, column.isRequired else { return nil }
      // No version runs both before and after it, and a rebuild gives existing rows a value.
      let isOffline = trial.phase.windows.allSatisfy(\.range.isOffline)
      if isOffline, statements.drop(ofTable: table) != nil { return nil }
      let type = column.type.declared.map { " \($0)" } ?? ""
      return Finding(
        .requiredColumn, in: trial.id,
        "column \(table).\(column.name) is NOT NULL and has no default",
        at: statements.place(ofTable: table, column.name),
        remedies: [
          "ALTER TABLE \(table) ADD COLUMN \(column.name)\(type) NOT NULL DEFAULT \(column.type.affinity.emptyLiteral);",
          "or without NOT NULL, which a later contract may add: ALTER TABLE \(table) ADD COLUMN \(column.name)\(type);",
          "that contract is written by: phasedb new NAME require \(table).\(column.name)",
        ])
    }
  }
}
