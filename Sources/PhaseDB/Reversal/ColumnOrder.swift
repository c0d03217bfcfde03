internal import PhaseSQL
internal import PhaseSQLite

/// The tables that a way down left with all their columns and not in the text of the checkpoint it leads to.
///
/// A column that was dropped and added back is the last one, and an INSERT without a list of columns then writes into the
/// wrong ones. Whatever the author's SQL did about it, phasedb builds such a table anew from the checkpoint's own text.
struct ColumnOrder {
  let rebuilds: [TableRebuild]

  /// - Parameters:
  ///   - left: what the down SQL left.
  ///   - checkpoint: the schema before the phase.
  ///   - drifted: tables that are no longer what phases made of them, and stay as they are.
  init(of left: Schema, as checkpoint: Schema, except drifted: Set<SchemaName> = []) {
    rebuilds = SchemaDifference(from: left, to: checkpoint).changed.compactMap { pair in
      drifted.contains(SchemaName(pair.before.name)) ? nil : TableRebuild(of: pair.before, as: pair.after)
    }
  }
}
