internal import PhaseSQL
internal import PhaseSQLite

/// Tries on a copy of the schema whether a rebuild keeps the counter of AUTOINCREMENT, the highest id that was ever
/// used.
struct AutoincrementCounter {
  let table: SchemaName
  let trial: PhaseTrial

  init(of table: SchemaName, in trial: PhaseTrial) {
    self.table = table
    self.trial = trial
  }

  /// The directions that lose it.
  func losses(
    _ up: ScriptStatements, _ down: ScriptStatements
  ) throws(MigrationError) -> [(script: ScriptStatements, place: Place)] {
    let touchedSchema = TouchedSchema(of: trial.before)
    let scratch = try Scratch(baseline: nil, terms: ScratchTerms(functions: trial.functions))
    try scratch.make(touchedSchema.objects(around: [up.script, down.script]))
    var losses: [(script: ScriptStatements, place: Place)] = []
    for direction in [up, down] {
      try set(on: scratch)
      // Another rule reports a script that fails.
      do throws(MigrationError) { try scratch.run(direction.script) } catch { break }
      if let drop = direction.drop(ofTable: table), try !isKept(on: scratch) {
        losses.append((direction, direction.place(of: drop.nameOfObject)))
      }
    }
    return losses
  }

  private static var mark: Int64 { 1 << 40 }

  private func set(on scratch: Scratch) throws(MigrationError) {
    try lifting("setting a counter on a scratch database") { () in
      try scratch.connection.execute(
        "DELETE FROM sqlite_sequence WHERE name = ? COLLATE NOCASE", .text(table.spelled))
      try scratch.connection.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT name, ? FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE",
        .integer(Self.mark), .text(table.spelled))
    }
  }

  private func isKept(on scratch: Scratch) throws(MigrationError) -> Bool {
    let value = try lifting("reading a counter on a scratch database") { () in
      try scratch.connection.value(
        "SELECT max(seq) >= ? FROM sqlite_sequence WHERE name = ? COLLATE NOCASE", .integer(Self.mark),
        .text(table.spelled))
    }
    return value == .integer(1)
  }
}
