internal import PhaseSQLite

/// Commits that are still there after a power cut, for as long as this lives.
///
/// In WAL mode that takes FULL: with NORMAL the log is not synced when a transaction commits. With a rollback journal
/// that is deleted it takes EXTRA: the commit is the journal's deletion, FULL does not sync the folder after it, and a
/// journal that is there again after a cut takes the transaction back (sqlite.org/pragma.html#pragma_synchronous).
struct DurableCommits: ~Copyable {
  private let connection: Connection
  private let level: Int64

  private static let extra: Int64 = 3

  /// - Throws: `sqlite-failed` when the setting does not take.
  init(on connection: Connection) throws(MigrationError) {
    let level = try lifting("reading PRAGMA synchronous") { () in
      try connection.value("PRAGMA main.synchronous")?.integer ?? Self.extra
    }
    try lifting("setting PRAGMA synchronous") { () in
      if level < Self.extra { try connection.execute("PRAGMA main.synchronous = EXTRA") }
      guard try connection.value("PRAGMA main.synchronous")?.integer ?? 0 >= Self.extra else {
        throw MigrationError(.sqliteFailed, "SQLite does not set synchronous to EXTRA")
      }
    }
    self.connection = connection
    self.level = level
  }

  /// Runs a body whose commits are durable.
  borrowing func whileInForce<Result>(
    _ body: () throws(MigrationError) -> Result
  ) throws(MigrationError) -> Result {
    try body()
  }

  deinit {
    if level < Self.extra { try? connection.execute("PRAGMA main.synchronous = \(level)") }
  }
}
