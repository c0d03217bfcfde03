internal import PhaseSQL
internal import PhaseSQLite

/// The points from which the effects of a phase are counted. They are read before its SQL runs, so that rows which
/// the phase itself inserts or changes count, too.
struct EffectStarts {
  private let step: Plan.Step
  /// By the lines of `@effects`; nil for a table that is not there yet.
  private let starts: [Start?]

  /// The point from which one effect is counted.
  private struct Start {
    let mark: Value
    /// The older rows that do not meet the condition yet; nil when they are not followed.
    let open: [Value]?
    /// False when the condition uses something that only the phase makes.
    let isAsked: Bool
  }

  /// Reads the starting points. A way down has none.
  init(before step: Plan.Step, on connection: Connection) throws(MigrationError) {
    self.step = step
    let effects = step.direction == .up ? step.phase.effects : []
    starts = try effects.map { effect throws(MigrationError) in
      do throws(EffectQuery.Unknown) {
        let query = try EffectQuery(effect, on: connection)
        let mark = try query.mark()
        guard (try? query.compile()) != nil else {
          return Start(mark: mark, open: nil, isAsked: false)
        }
        return Start(
          mark: mark, open: try Self.openRows(effect, upTo: mark, on: connection), isAsked: true)
      } catch {
        if let failure = error.failure { throw MigrationError(failure, while: "reading what is counted") }
        return nil
      }
    }
  }

  /// Records the starting points. Call it inside the transaction in which the phase begins to go up.
  ///
  /// - Throws: `effects-invalid` for what cannot be counted on the schema of the phase.
  func record(
    at time: Timestamp, in knowledge: Knowledge, on connection: Connection
  ) throws(MigrationError) {
    guard step.direction == .up, !step.phase.effects.isEmpty, let ledger = knowledge.ledger else { return }
    try lifting("writing the ledger") { () in try ledger.effects.forget(of: step.id) }
    for (number, effect) in step.phase.effects.enumerated() {
      let open: [Value]?
      // The phase makes this table, so every row of it is newer.
      var mark = Value.null
      do throws(EffectQuery.Unknown) {
        let query = try EffectQuery(effect, on: connection)
        if let known = starts[number] {
          mark = known.mark
        } else if knowledge.schema.table(SchemaName(effect.table)) != nil {
          // The phase adds this column.
          mark = try query.mark()
        }
        try query.compile()
        if let known = starts[number], known.isAsked {
          open = known.open
        } else {
          open = try Self.openRows(effect, upTo: mark, on: connection)
        }
      } catch {
        if let failure = error.failure { throw MigrationError(failure, while: "reading what is counted") }
        throw invalid(effect, error.why)
      }
      let row = EffectMark(number: number, at: time, mark: mark, open: open?.count)
      try lifting("writing the ledger") { () in try ledger.effects.record(row, of: step.id, open: open) }
    }
  }

  /// The rows to follow: those that do not meet the condition yet. Nil when there are too many, or finding them takes
  /// too long while the write lock is held.
  private static func openRows(
    _ effect: Effect, upTo mark: Value, on connection: Connection
  ) throws(EffectQuery.Unknown) -> [Value]? {
    do throws(EffectQuery.Unknown) {
      return try EffectQuery(effect, within: .milliseconds(500), on: connection).open(
        upTo: mark, most: EffectCounting.mostOpen)
    } catch {
      if error.failure != nil { throw error }
      return nil
    }
  }

  /// The error about a line that cannot be counted.
  private func invalid(_ effect: Effect, _ why: Prose) -> MigrationError {
    MigrationError(
      .effectsInvalid, "the rows of \(effect.table) by \(effect.column) cannot be counted: \(why)",
      at: effect.place ?? step.phase.up.beginningOfFile,
      help: ["name a table, a column and a condition of the schema after the phase"])
  }
}
