internal import PhaseSQL
internal import PhaseSQLite

/// Finds what phases removed from rows before the database had a ledger. Of these values there is no archive.
struct AdoptedLosses {
  private let ledger: Ledger
  private let applied: [AppliedPhase]
  /// The sequence numbers of phases that `adopt` recorded, and phasedb did not run.
  private let adopted: Set<Int64>

  /// - Parameter applied: the applied phases, in the order in which they were recorded.
  init(_ ledger: Ledger, _ applied: [AppliedPhase]) throws(MigrationError) {
    self.ledger = ledger
    self.applied = applied
    adopted = try lifting("reading the ledger") { () in Set(try ledger.numbers(of: .adopt)) }
  }

  /// - Returns: empty for a phase that phasedb itself ran.
  func lost(by phase: AppliedPhase) throws(MigrationError) -> [Reversal.AffectedRows] {
    guard phase.id.kind != .expand, adopted.contains(phase.sequence) else { return [] }
    let text = try ledger.phases.text(of: phase)
    let first = applied.first { $0.id.migration == phase.id.migration } ?? phase
    let (before, beforeAll) = try lifting("reading the ledger") { () in
      (
        try ledger.schemas.schema(after: phase.sequence - 1),
        try ledger.schemas.schema(after: first.sequence - 1)
      )
    }
    let trace: ScriptTrace
    do throws(MigrationError) {
      trace = try TransitionTrial(phase.id, text, .up, on: before, CostLimit(.scratch)).there
    } catch {
      // Its SQL may need a function that only the application has.
      return [
        Reversal.AffectedRows(
          table: phase.id.short, column: nil, rows: nil,
          why: "the phase was adopted, and what it removed is not known: \(error.message)")
      ]
    }
    return trace.tables.flatMap { table -> [Reversal.AffectedRows] in
      guard let origin = table.origin else { return [] }
      if table.outcome == nil || table.losesRows { return [Self.lost(origin, nil)] }
      return table.columns.compactMap { column in
        guard let name = column.origin, !column.isGenerated else { return nil }
        let isOverwritten = column.isUpdated && beforeAll.table(origin)?.column(name) != nil
        return column.outcome == nil || isOverwritten ? Self.lost(origin, name) : nil
      }
    }
  }

  private static func lost(_ table: SchemaName, _ column: SchemaName?) -> Reversal.AffectedRows {
    Reversal.AffectedRows(
      table: table.spelled, column: column?.spelled, rows: nil,
      why: "the phase was adopted, so nothing that it removed was archived", isDeclared: false)
  }
}
