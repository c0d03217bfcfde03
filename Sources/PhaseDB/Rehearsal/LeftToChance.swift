internal import PhaseSQL

/// The tables whose rows, or the order of them, the ways back of later phases leave to chance or the clock.
struct LeftToChance {
  private var tables: [SchemaName: PhaseID] = [:]
  /// Those of which it is open which rows and values a later phase leaves: not only their order.
  private var open: Set<SchemaName> = []

  var isEmpty: Bool { tables.isEmpty }

  mutating func add(_ draft: Reversals.Draft) {
    guard let chance = draft.chance else { return }
    for table in chance.tables + chance.contents.map(\.table) { tables[SchemaName(table)] = draft.applied.id }
    open.formUnion(draft.reversal.uncertain.map { SchemaName($0.table) })
  }

  /// What a way back makes of these tables: one that goes by more than one row, of any of them; one that goes row by row,
  /// of those whose rows are open, where it writes over values or archives have some of them.
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
