internal import PhaseSQLite

/// What a ledger says of phases that a baseline stands for: rows of `phasedb_meta`.
///
/// The rows of these phases stay in the ledger, and nothing comes down past them any more.
struct SquashRecord: LedgerTable {
  let ledger: Ledger

  private static let floorKey = "squashed"
  private static let beginningKey = "squashed-before"

  /// The sequence of the last phase that the baseline of the folder stands for; 0 when it stands for none.
  func floor() throws(SQLiteError) -> Int64 {
    try connection.value(
      "SELECT CAST(value AS INTEGER) FROM phasedb_meta WHERE key = ?1", .text(Self.floorKey))?
      .integer ?? 0
  }

  /// The phases that the baseline stood for with which the ledger began.
  func before() throws(SQLiteError) -> [SquashedPhase] {
    let text = try connection.value(
      "SELECT value FROM phasedb_meta WHERE key = ?1", .text(Self.beginningKey))?.text
    return SquashedPhase.all(in: text ?? "")
  }

  /// Records what the baseline stands for with which the ledger begins. Belongs into the transaction that makes it.
  func begin(with baseline: Script?) throws(SQLiteError) {
    let lines = (baseline?.squashed ?? []).map(\.line)
    guard !lines.isEmpty else { return }
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_meta VALUES (?1, ?2)", .text(Self.beginningKey),
      .text(lines.joined(separator: "\n")))
  }

  /// Records that nothing comes down past a phase any more. Belongs into a transaction.
  func record(upTo last: AppliedPhase, count: Int, by runner: Runner, at time: Timestamp) throws(SQLiteError)
  {
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_meta VALUES (?1, ?2)", .text(Self.floorKey),
      .text(String(last.sequence)))
    try ledger.log(
      .squash, subject: last.id.description, detail: "\(count) phases, up to checkpoint \(last.sequence)",
      by: runner,
      at: time)
  }
}
