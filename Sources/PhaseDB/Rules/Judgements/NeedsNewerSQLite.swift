internal import PhaseSQL
internal import PhaseSQLite

/// The SQL of a phase needs a SQLite newer than the oldest one that the settings declare.
enum NeedsNewerSQLite: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard let oldest = folder.oldestSQLite else { return [] }
    let scripts = [trial.phase.up, trial.phase.down] + trial.phase.verifications.map(\.query)
    return scripts.flatMap { script in
      var told: Set<String> = []
      return SchemaFeature.needed(by: script.text).filter { feature in
        feature.since > oldest && told.insert(feature.name).inserted
      }.map { feature in
        Finding(
          .needsNewerSQLite, in: trial.id,
          "\(feature.name) came with SQLite \(feature.since), and the settings promise \(oldest)",
          at: script.place(at: feature.range.lowerBound, length: feature.range.count),
          remedies: [
            "write it without \(feature.name)",
            "or raise the promise in phasedb.json: sqlite: \"\(feature.since)\"",
          ])
      }
    }
  }
}
