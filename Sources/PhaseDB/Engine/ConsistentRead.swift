internal import PhaseSQLite

extension Connection {
  /// Runs a body that reads, in the transaction that is open or in one of its own.
  ///
  /// Without a transaction every statement sees the database of its own moment, and the schema that one read would
  /// not be that of the ledger that the next one reads, while another runner commits between them.
  package func reading<Result>(_ body: () throws(MigrationError) -> Result) throws(MigrationError) -> Result {
    guard isAutocommit else { return try body() }
    let transaction = try lifting("starting to read") { () in try begin(.deferred) }
    let result = try spending(body)
    if let file = unlocked, !file.isUnchanged {
      throw MigrationError(
        .databaseBusy, "another process opened \(file.path) while it was read without locks",
        help: ["run the command again"], standing: .busy)
    }
    do { try transaction.rollBack() } catch { throw MigrationError(error, while: "ending to read") }
    return result
  }
}
