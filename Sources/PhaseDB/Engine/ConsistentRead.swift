internal import PhaseSQLite

extension Connection {
  /// Runs a body that reads, in the open transaction or in one of its own.
  ///
  /// Without a transaction every statement sees the database at its own moment. If another runner commits between two
  /// of them, the schema that one reads would not fit the ledger that the next one reads.
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
