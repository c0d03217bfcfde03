internal import PhaseSQL
internal import PhaseSQLite

/// Rules that the text of a phase alone decides.
enum TextRules {
  static func findings(_ catalog: Catalog) -> [Finding] {
    catalog.phases.compactMap { id, phase in
      guard phase.residualStatement == .notDeclared, id.kind != .expand else { return nil }
      return Finding(
        .undeclaredResidual, in: id, "the phase does not declare what remains after down",
        at: phase.up.beginningOfFile,
        remedies: ["-- @residual none", "-- @residual customer: mails that were already sent"])
    }
  }
}

/// Every claim of a phase must be checkable on the schema after the phase.
enum VerifyInvalid: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    trial.invalidClaims.map { Finding($0, in: trial.id) }
  }
}

/// An expand phase may only add.
enum ExpandNotAdditive: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard trial.id.kind == .expand else { return [] }
    let losses = trial.difference.losses(in: trial.after)
    guard !losses.isEmpty else { return [] }
    return [
      Finding(
        .expandNotAdditive, in: trial.id, "the phase removes or changes something",
        at: trial.phase.up.place(at: trial.phase.up.firstTokenOffset), details: losses,
        remedies: ["move the statement that removes or changes it to contract.sql of the same migration"])
    ]
  }
}

/// A migrate phase must not change the schema.
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

/// The SQL of a phase needs a SQLite newer than the oldest one that the settings declare.
enum NeedsNewerSQLite: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard let oldest = folder.oldestSQLite else { return [] }
    let scripts =
      [trial.phase.up, trial.phase.down] + trial.phase.verifications.map(\.query)
      + trial.phase.probes.compactMap(\.query)
    return scripts.flatMap { script in
      var told: Set<String> = []
      return SchemaFeature.needed(by: script.text).filter { feature in
        feature.since > oldest && told.insert(feature.name).inserted
      }.map { feature in
        Finding(
          .needsNewerSQLite, in: trial.id,
          "\(feature.name) needs SQLite \(feature.since), and the settings promise \(oldest)",
          at: script.place(at: feature.range.lowerBound, length: feature.range.count),
          remedies: [
            "write it without \(feature.name)",
            "or raise the promise in phasedb.json: sqlite: \"\(feature.since)\"",
          ])
      }
    }
  }
}
