internal import PhaseSQLite

extension Ledger {
  /// The points an operator named, oldest first.
  func namedCheckpoints(applied: [AppliedPhase]) throws(SQLiteError) -> [Checkpoint] {
    var rows = try connection.prepare(
      "SELECT name, sequence, at, who, host, note FROM phasedb_checkpoint ORDER BY at, name")
    var checkpoints: [Checkpoint] = []
    while try rows.step() {
      let sequence = rows.integer(at: 1)
      let phase = applied.first { $0.sequence == sequence }?.id
      checkpoints.append(
        Checkpoint(
          name: rows.text(at: 0), sequence: sequence, phase: phase, at: Timestamp(text: rows.text(at: 2)),
          who: rows.text(at: 3), host: rows.text(at: 4), note: rows.text(at: 5),
          isReachable: sequence == 0 || phase != nil))
    }
    return checkpoints
  }

  /// Names the present point. Belongs into a transaction that saw that the name is free.
  func setCheckpoint(
    _ name: String, sequence: Int64, note: String, by runner: Runner, at time: Timestamp
  ) throws(SQLiteError) {
    try connection.execute(
      "INSERT INTO phasedb_checkpoint VALUES (?1, ?2, ?3, ?4, ?5, ?6)", .text(name), .integer(sequence),
      .text(time.text), .text(runner.user), .text(runner.host), .text(note))
    try log(.checkpoint, subject: name, detail: "at \(sequence)", by: runner, at: time)
  }
}
