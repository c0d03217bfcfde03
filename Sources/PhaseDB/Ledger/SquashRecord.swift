internal import PhaseSQLite

/// The ledger's record of phases that a baseline replaces: rows of `phasedb_meta`.
///
/// The rows of these phases stay in the ledger, but the phases can no longer come down.
struct SquashRecord: LedgerTable {
  let ledger: Ledger

  private static let floorKey = "squashed"
  private static let beginningKey = "squashed-before"

  /// The sequence of the last phase that the baseline of the folder replaces; 0 when it replaces none.
  func floor() throws(SQLiteError) -> Int64 {
    try connection.value(
      "SELECT CAST(value AS INTEGER) FROM phasedb_meta WHERE key = ?1", .text(Self.floorKey))?
      .integer ?? 0
  }

  /// The phases that were in the baseline when the ledger began.
  func before() throws(SQLiteError) -> [SquashedPhase] {
    let text = try connection.value(
      "SELECT value FROM phasedb_meta WHERE key = ?1", .text(Self.beginningKey))?.text
    return SquashedPhase.all(in: text ?? "")
  }

  /// Records the phases that are in the baseline when the ledger begins. Call it inside the transaction that makes the
  /// ledger.
  func begin(with baseline: Script?) throws(SQLiteError) {
    let lines = (baseline?.squashed ?? []).map(\.line)
    guard !lines.isEmpty else { return }
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_meta VALUES (?1, ?2)", .text(Self.beginningKey),
      .text(lines.joined(separator: "\n")))
  }

  /// Records that phases up to this one can no longer come down. Call it inside a transaction.
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
