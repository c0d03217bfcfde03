internal import PhaseSQL
internal import PhaseSQLite

/// The SQL of a phase in one direction, with what phasedb itself does to the schema around it.
///
/// What is retired gets its new name after the up SQL and its old one before the down SQL. So both run on the schema
/// without the retirement: the up SQL removes what uses the column while the column has its old name, and the down SQL
/// puts that back when the column has that name again.
struct PhaseStatements {
  let id: PhaseID
  let phase: Phase
  let direction: Direction
  let connection: Connection

  init(_ id: PhaseID, _ phase: Phase, _ direction: Direction, on connection: Connection) {
    self.id = id
    self.phase = phase
    self.direction = direction
    self.connection = connection
  }

  /// Runs everything inside the open transaction.
  ///
  /// - Parameters:
  ///   - observe: gets each of the author's statements after it has run.
  ///   - renamed: is called after the retired objects were renamed.
  /// - Returns: how many rows the author's statements changed, and what they wrote.
  /// - Throws: what `GuardedScript` throws, `retirement-refused` and `retirement-blocked`.
  func run(
    observe: (StatementEffect) -> Void = { _ in }, renamed: () -> Void = {}
  ) throws(MigrationError) -> (rows: Int, writes: WriteSet) {
    let retiring = Retiring(phase.retirements, by: id, on: connection)
    if direction == .down {
      try retiring.bringBack()
      renamed()
    }
    let script = direction == .up ? phase.up : phase.down
    let result = try GuardedScript(script, on: connection).run(observe: observe)
    if direction == .up {
      try retiring.retire()
      renamed()
    }
    return result
  }

  /// Renamed tables, by both names and case-folded: their rows did not change.
  var renamedTables: Set<FoldedName> {
    Set(
      phase.retirements.filter { $0.column == nil }.flatMap { retirement in
        let table = SchemaName(retirement.table)
        return [table.key, RetiredName(table, by: id.migration).name.key]
      })
  }
}
