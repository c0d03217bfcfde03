internal import PhaseSQL
internal import PhaseSQLite

/// A point to which a way down can return: one after each phase, with or without a name.
public struct Checkpoint: Sendable, Hashable {
  /// The name that an operator gave it; nil for the checkpoint at the end of each phase.
  public let name: String?
  /// The number of the checkpoint: the sequence of the last phase applied then, 0 before the first.
  public let sequence: Int64
  /// The last phase applied at the time; nil before the first, or when that phase has been reversed since.
  public let phase: PhaseID?
  package let at: Timestamp
  /// The user who made it or applied the phase.
  public let who: String
  /// The machine on which it was done.
  public let host: String
  /// The operator's note.
  public let note: String
  /// True while the phases applied at the time are still applied, so that `down` can return here.
  public let isReachable: Bool
  /// The snapshot of the database at it; nil when there is none.
  package var snapshot: Snapshot?
}

extension Checkpoint {
  /// Whether this is its name, byte for byte. Names that Swift treats as equal may differ in their bytes. A new name
  /// like that is refused, but a ledger may contain one.
  func isCalled(_ name: String) -> Bool { self.name.map { ExactName($0) } == ExactName(name) }

  /// Finds the number of a checkpoint by its name or its number.
  ///
  /// - Throws: `unknown-checkpoint`, and `checkpoint-gone` when a phase applied at the time was reversed since.
  static func sequence(
    of name: String, among named: [Checkpoint], applied: [AppliedPhase]
  ) throws(MigrationError) -> Int64 {
    if let number = Int64(name), number == 0 || applied.contains(where: { $0.sequence == number }) {
      return number
    }
    guard let checkpoint = named.first(where: { $0.isCalled(name) }) else {
      throw MigrationError(
        .unknownCheckpoint, "there is no checkpoint '@\(name)'", state: "nothing was changed",
        help: [
          Suggestion.nearest(to: name, in: named.compactMap(\.name)).map { "did you mean @\($0)?" }
            ?? "list the checkpoints: phasedb checkpoint list"
        ])
    }
    guard checkpoint.isReachable else {
      throw MigrationError(
        .checkpointGone,
        "the phases applied at checkpoint @\(name) were reversed since, so there is no way down to it",
        state: "nothing was changed", help: ["list the checkpoints: phasedb checkpoint list"])
    }
    return checkpoint.sequence
  }
}

/// The named checkpoints of a ledger, and their snapshots.
struct Checkpoints: LedgerTable {
  let ledger: Ledger

  /// The points an operator named, oldest first.
  func named(applied: [AppliedPhase]) throws(SQLiteError) -> [Checkpoint] {
    let snapshots = try snapshots()
    let floor = applied.last(where: \.isSquashed)?.sequence ?? 0
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
          isReachable: (sequence == 0 || phase != nil) && sequence >= floor,
          snapshot: snapshots[ExactName(rows.text(at: 0))]))
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

  /// Records that a named checkpoint has a snapshot. Call it inside a transaction.
  func set(_ snapshot: Snapshot, of checkpoint: String) throws(SQLiteError) {
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_snapshot VALUES (?1, ?2, ?3, ?4)", .text(checkpoint),
      .text(snapshot.path),
      .integer(Int64(snapshot.bytes)), .text(snapshot.checksum))
  }

  /// Writes a checkpoint and its snapshot into that snapshot's own ledger, because the copy was made before either was
  /// recorded. Call it inside a transaction.
  func take(up checkpoint: Checkpoint, _ snapshot: Snapshot) throws(SQLiteError) {
    guard let name = checkpoint.name else { return }
    try connection.execute(
      "INSERT OR IGNORE INTO phasedb_checkpoint VALUES (?1, ?2, ?3, ?4, ?5, ?6)", .text(name),
      .integer(checkpoint.sequence), .text(checkpoint.at.text), .text(checkpoint.who), .text(checkpoint.host),
      .text(checkpoint.note))
    try set(snapshot, of: name)
  }

  /// Names the present point. Call it inside a transaction that has checked that the name is free.
  func add(
    _ name: String, sequence: Int64, note: String, _ snapshot: Snapshot? = nil, by runner: Runner,
    at time: Timestamp
  ) throws(SQLiteError) {
    try connection.execute(
      "INSERT INTO phasedb_checkpoint VALUES (?1, ?2, ?3, ?4, ?5, ?6)", .text(name), .integer(sequence),
      .text(time.text), .text(runner.user), .text(runner.host), .text(note))
    let file = snapshot.map { ", \($0.path), sha256 \($0.checksum)" } ?? ""
    try ledger.log(.checkpoint, subject: name, detail: "at \(sequence)\(file)", by: runner, at: time)
  }
}

extension Checkpoint {
  /// The checkpoint that a phase ended at.
  init(after phase: AppliedPhase) {
    self.init(
      name: nil, sequence: phase.sequence, phase: phase.id, at: phase.appliedAt, who: phase.who,
      host: phase.host,
      note: "", isReachable: true)
  }
}
