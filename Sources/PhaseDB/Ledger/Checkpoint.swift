internal import PhaseSQL
internal import PhaseSQLite

/// A point to return to: what the ledger recorded after a phase, or a name an operator gave to such a point.
public struct Checkpoint: Sendable, Hashable {
  /// The operator's name, nil for the checkpoint that every phase ends at.
  public let name: String?
  /// The number of the checkpoint: that of the last phase applied at the time, 0 before the first.
  public let sequence: Int64
  /// The last phase applied at the time; nil before the first, or when that phase has been reversed since.
  public let phase: PhaseID?
  public let at: Timestamp
  public let who: String
  public let host: String
  public let note: String
  /// True while the phases applied at the time are still applied, so that `down` can return here.
  public let isReachable: Bool
  /// The copy of the database that was made of it, nil when there is none.
  public var snapshot: Snapshot?
}

extension Checkpoint {
  /// Whether that is its name. A new one may not be the same text in other bytes, but a ledger may say anything.
  func isCalled(_ name: String) -> Bool { self.name.map { ExactName($0) } == ExactName(name) }

  /// The number of a checkpoint that a user names, by the name an operator gave or by its number.
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
            ?? "see the checkpoints with: phasedb checkpoint list"
        ])
    }
    guard checkpoint.isReachable else {
      throw MigrationError(
        .checkpointGone,
        "the phases applied at checkpoint @\(name) were reversed since, so there is no way down to it",
        state: "nothing was changed", help: ["see the checkpoints with: phasedb checkpoint list"])
    }
    return checkpoint.sequence
  }
}
