internal import PhaseSQL
internal import PhaseSQLite

extension Ledger {
  /// The points an operator named, oldest first.
  func namedCheckpoints(applied: [AppliedPhase]) throws(SQLiteError) -> [Checkpoint] {
    let snapshots = try snapshots()
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
          isReachable: sequence == 0 || phase != nil, snapshot: snapshots[ExactName(rows.text(at: 0))]))
    }
    return checkpoints
  }

  /// The snapshots of named checkpoints, by their names.
  func snapshots() throws(SQLiteError) -> [ExactName: Snapshot] {
    guard format >= 2 else { return [:] }
    var rows = try connection.prepare("SELECT checkpoint, path, bytes, checksum FROM phasedb_snapshot")
    var snapshots: [ExactName: Snapshot] = [:]
    while try rows.step() {
      snapshots[ExactName(rows.text(at: 0))] = Snapshot(
        path: rows.text(at: 1), bytes: Int(rows.integer(at: 2)), checksum: rows.text(at: 3))
    }
    return snapshots
  }

  /// Records that a named checkpoint has a snapshot. Belongs into a transaction.
  func set(_ snapshot: Snapshot, of checkpoint: String) throws(SQLiteError) {
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_snapshot VALUES (?1, ?2, ?3, ?4)", .text(checkpoint),
      .text(snapshot.path),
      .integer(Int64(snapshot.bytes)), .text(snapshot.checksum))
  }

  /// Writes a checkpoint with its snapshot into that snapshot, which was made before the ledger knew of either. Belongs
  /// into a transaction.
  func take(up checkpoint: Checkpoint, _ snapshot: Snapshot) throws(SQLiteError) {
    guard let name = checkpoint.name else { return }
    try connection.execute(
      "INSERT OR IGNORE INTO phasedb_checkpoint VALUES (?1, ?2, ?3, ?4, ?5, ?6)", .text(name),
      .integer(checkpoint.sequence), .text(checkpoint.at.text), .text(checkpoint.who), .text(checkpoint.host),
      .text(checkpoint.note))
    try set(snapshot, of: name)
  }

  /// Names the present point. Belongs into a transaction that saw that the name is free.
  func setCheckpoint(
    _ name: String, sequence: Int64, note: String, _ snapshot: Snapshot? = nil, by runner: Runner,
    at time: Timestamp
  ) throws(SQLiteError) {
    try connection.execute(
      "INSERT INTO phasedb_checkpoint VALUES (?1, ?2, ?3, ?4, ?5, ?6)", .text(name), .integer(sequence),
      .text(time.text), .text(runner.user), .text(runner.host), .text(note))
    let file = snapshot.map { ", \($0.path), sha256 \($0.checksum)" } ?? ""
    try log(.checkpoint, subject: name, detail: "at \(sequence)\(file)", by: runner, at: time)
  }
}
