internal import PhaseSQL

/// The tables whose rows, or the order of them, the ways back of later phases leave to chance or the clock.
struct LeftToChance {
  private var tables: [SchemaName: PhaseID] = [:]

  var isEmpty: Bool { tables.isEmpty }

  mutating func add(_ draft: Reversals.Draft) {
    guard let chance = draft.chance else { return }
    for table in chance.tables + chance.contents.map(\.table) { tables[SchemaName(table)] = draft.applied.id }
  }

  /// What a way back makes of these tables that goes by more than one row.
  ///
  /// - Parameter lost: what is known to be lost in any case.
  func reached(by trace: ScriptTrace, but lost: [Reversal.AffectedRows]) -> [Reversal.AffectedRows] {
    tables.filter { name, _ in trace.readTables.contains(name) || !trace.leavesAlone(name) }
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
