internal import PhaseSQLite

/// The lease of a run: who runs several transactions as one, since when, and for what.
struct Lease: Sendable, Hashable {
  let holder: Runner
  let since: Timestamp
  /// What the holder does, as in "up, 3 phases".
  let work: String

  /// The error that another run, which may be alive, has the lease.
  var held: MigrationError {
    MigrationError(
      .leaseHeld,
      "\(holder.user) on \(holder.host) (process \(holder.processID)) has been running '\(work)' since \(since)",
      help: ["wait until it is done, or allow more time with --wait 10m"], standing: .busy)
  }
}

/// The lease of a ledger: the table `phasedb_lease`, of one row at most.
struct LeaseRow: LedgerTable {
  let ledger: Ledger

  /// The lease that is held, nil when there is none.
  func held() throws(SQLiteError) -> Lease? {
    var row = try connection.prepare(
      "SELECT who, host, process, boot_id, process_space, process_start, since, work FROM phasedb_lease")
    guard try row.step() else { return nil }
    return Lease(
      holder: Runner(
        user: row.text(at: 0), host: row.text(at: 1), processID: Int32(clamping: row.integer(at: 2)),
        bootID: row.text(at: 3), processSpace: row.text(at: 4), processStart: row.text(at: 5)),
      since: Timestamp(text: row.text(at: 6)), work: row.text(at: 7))
  }

  /// Takes the lease, in a transaction that saw it free.
  func take(_ lease: Lease) throws(SQLiteError) {
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_lease VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
      .text(lease.holder.user), .text(lease.holder.host), .integer(Int64(lease.holder.processID)),
      .text(lease.holder.bootID), .text(lease.holder.processSpace), .text(lease.holder.processStart),
      .text(lease.since.text), .text(lease.work))
  }

  /// Releases the lease.
  func release() throws(SQLiteError) { try connection.execute("DELETE FROM phasedb_lease") }
}
