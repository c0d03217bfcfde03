internal import PhaseSQL
internal import PhaseSQLite

extension InterleavingTrial {
  func reportLosses(
    in contents: [RowBook.Key: RowBook.Row], _ phase: PhaseID, of isCounted: (WrittenCells.Cell) -> Bool,
    _ what: () -> String
  ) throws(MigrationError) {
    for loss in written.losses(in: contents) where isCounted(loss.cell) && !accepts(loss.cell) {
      add(
        loss.version, loss.query, "writes \(loss.cell.row.table).\(loss.cell.column), which \(what())",
        loss.lines, phase: phase)
      written.forget(loss.cell)
    }
  }

  private func accepts(_ cell: WrittenCells.Cell) -> Bool {
    interleaving.way.phases.contains { step in
      step.phase.losses.contains {
        $0.table.folded == cell.row.table && $0.column.folded == cell.column
      }
    }
  }

  func goDownAndUp() throws(MigrationError) {
    let phases = interleaving.way.phases
    guard !phases.isEmpty else { return }
    let before = try contents()
    let older = writers[0]
    try copy.goDown(phases.count) { [self] id throws(MigrationError) in
      // What only the newer version knows goes with it.
      try reportLosses(in: try contents(), id, of: { older.knows($0.column, of: $0.row.table) }) {
        "is lost by the way down of \(id.short)"
      }
    }
    // What the way down took would be put back, and say nothing of what the phases compute.
    try copy.forgetWhatDownTook()
    try copy.goUp(with: interleaving.way.top)
    let after = try contents()
    for (key, row) in before.sorted(by: { $0.key.description < $1.key.description }) {
      guard let again = after[key], let row, let again else { continue }
      for (column, value) in row.sorted(by: { $0.key < $1.key }) where !column.hasPrefix(Schema.ledgerPrefix)
      {
        guard let now = again[column], now != value, !accepts(WrittenCells.Cell(row: key, column: column))
        else { continue }
        reportStale(key, column, before: value, after: now)
      }
    }
  }

  /// A column says one thing, and another one after its phases computed it anew: it was behind what was written.
  private func reportStale(_ key: RowBook.Key, _ column: FoldedName, before: Value, after: Value) {
    let cell = WrittenCells.Cell(row: key, column: column)
    guard let author = written.author(of: cell) else { return }
    // What nothing computes was never there on the state below, and cannot come from it.
    let isUnknownBelow = !writers[0].knows(column, of: key.table)
    if isUnknownBelow, after == unsetValues[key.table]?[column] { return }
    let phase = interleaving.way.phases.first { step in
      SQLTokens.identifiers(in: step.phase.up.text).contains(column)
    }
    add(
      author.version, author.query,
      !written.holds(cell)
        ? "writes what does not reach \(key.table).\(column), which its phase computes from it"
        : "writes \(key.table).\(column), which is another value after the way down and up again",
      ["in \(key)", "written: \(before)", "again:   \(after)"], phase: phase?.id)
  }
}
