internal import PhaseSQL
internal import PhaseSQLite

/// A schema phase must not change existing rows.
///
/// It may fill tables that it made, and read and empty tables that it drops; a rebuild does both.
enum SchemaPhaseWritesRows: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard trial.id.kind != .migrate else { return [] }
    let script = trial.phase.up
    var own: Set<FoldedName> = []
    // Former names of tables that the phase renamed.
    var oldNames: [FoldedName: FoldedName] = [:]
    var written: [(table: FoldedName, effect: StatementEffect)] = []
    for effect in trial.statements {
      own.formUnion(effect.writes.createdTables)
      own.formUnion(effect.writes.droppedTables)
      if let rename = effect.rename(in: script) {
        if own.contains(rename.from) {
          own.insert(rename.to)
        } else {
          oldNames[rename.to] = oldNames[rename.from] ?? rename.from
        }
      }
      for table in effect.writes.rowTables.subtracting(own).sorted()
      where !Schema.isForeign(table, of: table) && !isMaintenance(of: table, effect, in: script) {
        written.append((table, effect))
      }
    }
    guard !written.isEmpty else { return [] }
    let tables = Set(trial.before.objects.lazy.filter { $0.key.type == "table" }.map(\.key.name))
    let virtual = trial.before.objects.filter(\.isVirtual).map { $0.key.name.text + "_" }
    var told: Set<FoldedName> = []
    return written.compactMap { table, effect in
      let known = oldNames[table] ?? table
      guard tables.contains(known), !trial.writes.droppedTables.contains(table),
        !virtual.contains(where: known.hasPrefix), told.insert(known).inserted
      else { return nil }
      let trigger = effect.writes.triggers[table].map { ", through the trigger \($0)" } ?? ""
      return Finding(
        .schemaPhaseWritesRows, in: trial.id,
        "the phase \(effect.writes.acts(on: table)) rows of \(table), which was there before it\(trigger)",
        at: effect.place(in: script),
        remedies: [
          "move the statement to migrate.sql of the same migration, with its reversal, and give it a -- @up, a -- @down and a -- @window of its own"
        ])
    }
  }

  /// Whether it is `INSERT INTO f (f, …)`: the command that makes a full-text table rebuild or check its index. It
  /// writes no row.
  private static func isMaintenance(of table: FoldedName, _ effect: StatementEffect, in script: Script)
    -> Bool
  {
    guard effect.writes.insertedTables.contains(table) else { return false }
    let words = effect.words(in: script)
    guard let into = words.firstIndex(where: { $0.is("into") }),
      let target = InsertTarget(words, into: into)
    else { return false }
    return target.table.text == table && target.columns?.first == table
  }
}

extension WriteSet {
  fileprivate func acts(on table: FoldedName) -> String {
    let acts = [
      insertedTables.contains(table) ? "inserts" : nil, columns[table] != nil ? "updates" : nil,
      deletedTables.contains(table) ? "deletes" : nil,
    ].compactMap(\.self)
    return acts.joined(separator: " and ")
  }
}
