/// An expand phase only adds.
enum ExpandNotAdditive: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard trial.id.kind == .expand else { return [] }
    let losses = trial.difference.losses
    guard !losses.isEmpty else { return [] }
    return [
      Finding(
        .expandNotAdditive, in: trial.id, "the phase takes something away or changes it",
        at: trial.phase.up.place(at: trial.phase.up.firstTokenOffset), details: losses,
        remedies: ["move the statement that removes or changes it to contract.sql of the same migration"])
    ]
  }
}

/// A migrate phase leaves the schema as it is.
enum MigrateChangesSchema: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard trial.id.kind == .migrate, !trial.difference.isEmpty else { return [] }
    return [
      Finding(
        .migrateChangesSchema, in: trial.id, "the phase changes the schema",
        at: trial.phase.up.place(at: trial.phase.up.firstTokenOffset), details: trial.difference.explanation,
        remedies: ["move the change to expand.sql when it adds, to contract.sql when it removes"])
    ]
  }
}
