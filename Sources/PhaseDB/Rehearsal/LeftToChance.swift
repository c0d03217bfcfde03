internal import PhaseSQL

/// The tables whose rows, or their order, depend on chance or the clock after the ways back of later phases.
struct LeftToChance {
  private var tables: [SchemaName: PhaseID] = [:]
  /// Those whose rows and values are unknown, and not only their order.
  private var open: Set<SchemaName> = []

  var isEmpty: Bool { tables.isEmpty }

  mutating func add(_ draft: Reversals.Draft) {
    guard let chance = draft.chance else { return }
    for table in chance.tables + chance.contents.map(\.table) { tables[SchemaName(table)] = draft.applied.id }
    open.formUnion(draft.reversal.uncertain.map { SchemaName($0.table) })
  }

  /// The tables for which a way back may give another result. If it uses several rows at once: every such table that it
  /// reads or changes. If it works row by row: those with unknown rows that it overwrites or that have archives.
  ///
  /// - Parameters:
  ///   - written: the tables that it writes over, or of which archives have rows.
  ///   - lost: what is known to be lost in any case.
  func reached(
    by trace: ScriptTrace, writing written: Set<SchemaName>, but lost: [Reversal.AffectedRows]
  ) -> [Reversal.AffectedRows] {
    tables.filter { name, _ in
      trace.isRowByRow
        ? open.contains(name) && written.contains(name)
        : trace.readTables.contains(name) || !trace.leavesAlone(name)
    }
    .sorted { $0.key.key < $1.key.key }.compactMap { name, phase in
      lost.contains { SchemaName($0.table) == name && $0.column == nil }
        ? nil
        : Reversal.AffectedRows(
          table: name.spelled, column: nil, rows: nil,
          why:
            "the way back goes by the rows that \(phase.short) leaves, and that depends on chance or the clock"
        )
    }
  }
}
