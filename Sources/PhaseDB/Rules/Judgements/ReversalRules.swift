internal import PhaseSQL

/// Up and down must lead back to the schema before, column order included.
enum DownNotInverse: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    let place = trial.phase.down.place(at: trial.phase.down.firstTokenOffset)
    if let failure = trial.reversal.failure, failure.stage == .down {
      return [
        Finding(
          .downNotInverse, in: trial.id, "the way down fails: \(failure.error.message)",
          at: failure.error.place ?? place, remedies: failure.error.help)
      ]
    }
    guard let afterDown = trial.reversal.afterDown, afterDown.digest != trial.reversal.before.digest else {
      return []
    }
    let difference = SchemaDifference(from: trial.reversal.before, to: afterDown)
    return [
      Finding(
        .downNotInverse, in: trial.id, "down does not lead back to the schema before the phase", at: place,
        details: difference.explanation, remedies: remedies(difference))
    ]
  }

  private static func remedies(_ difference: SchemaDifference) -> [Prose] {
    var remedies: [Prose] = difference.added.map { "DROP \($0.key.type.uppercased()) \($0.name);" }
    remedies += difference.removed.map { "\(sql: $0.sql);" }
    let hasMoved = difference.facts.contains { if case .columnMoved = $0 { true } else { false } }
    if hasMoved {
      remedies.append(
        "declare every column in @down as it was: phasedb puts columns back in their old order when nothing else about them differs"
      )
    } else {
      remedies += difference.changed.map { "make down create \($0.before.title) again from its old text" }
    }
    return remedies
  }
}

/// Up, down and up must lead to the same schema as up alone.
enum NotReplayable: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    let place = trial.phase.up.place(at: trial.phase.up.firstTokenOffset)
    if let failure = trial.reversal.failure, failure.stage == .replay {
      return [
        Finding(
          .notReplayable, in: trial.id, "after down the way up fails: \(failure.error.message)",
          at: failure.error.place ?? place,
          remedies: ["make the down SQL remove everything that the up SQL creates"])
      ]
    }
    guard let replayed = trial.reversal.afterReplay, replayed.digest != trial.reversal.after.digest else {
      return []
    }
    return [
      Finding(
        .notReplayable, in: trial.id, "up, down and up again leads to another schema than up alone",
        at: place,
        details: SchemaDifference(from: trial.reversal.after, to: replayed).explanation,
        remedies: ["name objects and columns in both directions, and do not use IF EXISTS or IF NOT EXISTS"])
    ]
  }
}

/// A phase with `@down archive` must not add rows: an archive can put rows back, and cannot remove any.
enum ArchiveInsufficient: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard trial.phase.comesDownFromArchive else { return [] }
    let tables = trial.writes.insertedTables.sorted()
    guard !tables.isEmpty else { return [] }
    return [
      Finding(
        .archiveInsufficient, in: trial.id,
        "the way up inserts rows into \(tables.map(\.text).joined(separator: ", ")), and @down archive takes none away",
        at: trial.phase.up.place(at: trial.phase.up.firstTokenOffset),
        remedies: ["-- @down, and under it: DELETE FROM \(SQLText.identifier(tables[0])) WHERE …;"])
    ]
  }
}
