internal import PhaseSQL

/// An existing table gains a column that every INSERT must name.
///
/// Where every application stops, only ADD COLUMN is wrong. ADD COLUMN refuses that if the table has rows. If it has none, as in every test with an empty database, it succeeds.
enum RequiredColumn: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    let statements = ScriptStatements(trial.phase.up)
    return trial.facts.compactMap { fact in
      guard case .columnAdded(let table, let column, _, _) = fact, column.isRequired else { return nil }
      // No version inserts before and after it, and a rebuild fills the rows that are there.
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
