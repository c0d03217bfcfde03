internal import PhaseSQLite

/// Makes commits survive a power cut, as long as this value lives.
///
/// In WAL mode that needs FULL: with NORMAL, a commit does not sync the log. With a rollback journal that is deleted it
/// needs EXTRA: the deletion of the journal is the commit, FULL does not sync the folder afterwards, and a journal that
/// reappears after a cut rolls the transaction back (sqlite.org/pragma.html#pragma_synchronous).
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
