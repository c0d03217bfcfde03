internal import PhaseSQL

/// A phase that changes the table of a job queue must hold that queue as a lane.
enum QueueNotHeld: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard trial.phase.lanes.isEmpty else { return [] }
    return LaneKind.allCases.compactMap { kind in
      guard let table = kind.ownTable else { return nil }
      let name = table.folded
      let isChanged = trial.changes.contains {
        $0.kind == .removed && $0.object.key == SchemaObject.Key(type: "table", name: name)
      }
      let isWritten = trial.writes.columns[name] != nil || trial.writes.deletedTables.contains(name)
      guard isChanged || isWritten, trial.before.object("table", SchemaName(table)) != nil else { return nil }
      return Finding(
        .queueNotHeld, in: trial.id,
        "the phase \(isChanged ? "changes" : "writes") \(table), the queue of \(kind.rawValue), while its workers run",
        at: ScriptStatements(trial.phase.up).place(ofTable: SchemaName(table), SchemaName(table)),
        remedies: [
          "hold it: -- @lane NAME idle within 60s",
          "and name it in phasedb.json: lanes: { NAME: { kind: '\(kind.rawValue)' } }",
        ])
    }
  }
}
