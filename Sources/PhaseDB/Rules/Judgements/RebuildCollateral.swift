internal import PhaseSQL

/// A rebuilt table must keep everything that it had before.
///
/// Intended losses do not count. These are objects that the phase drops by a statement of their own, parts that
/// another removal makes impossible, and a single clause if the phase rebuilds the table for no other purpose.
enum RebuildCollateral: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    let (up, down) = (ScriptStatements(trial.phase.up), ScriptStatements(trial.phase.down))
    var findings: [Finding] = []
    for name in Set(up.droppedTables + down.droppedTables).sorted(by: { $0.key < $1.key }) {
      guard let old = trial.before.table(name), let new = trial.after.table(name), new.virtual == nil else {
        continue
      }
      if let drop = up.drop(ofTable: name) {
        let losses = RebuildLosses(of: old, new, in: trial, by: up).all
        findings += losses.map { loss in
          Finding(
            .rebuildCollateral, in: trial.id, "table \(name) is rebuilt and loses \(loss.what)",
            at: up.place(of: drop.nameOfObject),
            remedies: [
              loss.remedy, "a recipe writes a rebuild with all of it: phasedb new NAME rebuild \(name)",
            ])
        }
      }
      guard old.hasAutoincrement, new.hasAutoincrement else { continue }
      findings += try AutoincrementCounter(of: name, in: trial).losses(up, down).map { script, place in
        Finding(
          .rebuildCollateral, in: trial.id, "table \(name) is rebuilt and loses its AUTOINCREMENT counter",
          at: place, details: ["deleted ids would be used again"],
          remedies: remedies(name, copyingTo: script.newName(of: name)))
      }
    }
    return findings
  }

  private static func remedies(_ table: SchemaName, copyingTo new: SchemaName) -> [Prose] {
    [
      "before DROP TABLE: DELETE FROM sqlite_sequence WHERE name = '\(new)'; INSERT INTO sqlite_sequence (name, seq) SELECT '\(new)', seq FROM sqlite_sequence WHERE name = '\(table)';"
    ]
  }
}

extension ScriptStatements {
  /// Tables of the schema before the script that it drops, by their former names.
  var droppedTables: [SchemaName] { all.compactMap { $0.action == .dropTable ? $0.origin : nil } }

  /// The name under which the replacement of a table is made.
  fileprivate func newName(of table: SchemaName) -> SchemaName {
    all.last { $0.action == .createTable && $0.outcome == table }?.object ?? table
  }
}
