internal import PhaseSQLite

extension Migrator {
  /// Runs a body that writes the ledger and no more, in one transaction with what it knows of the database.
  ///
  /// - Parameter committing: what its end is called in an error, as in "committing the checkpoint".
  /// - Throws: `transaction-open`, `database-busy` once the time to wait is over, and what the body throws.
  func writing<Result>(
    _ committing: String, _ body: (Knowledge) throws(MigrationError) -> Result
  ) throws(MigrationError) -> Result {
    guard connection.isAutocommit else { throw .transactionOpen }
    let busyTimeout = try connection.busyTimeout()
    defer { connection.setBusyTimeout(milliseconds: busyTimeout) }
    connection.setBusyTimeout(milliseconds: Pause.milliseconds(until: ContinuousClock.now + options.wait))
    let durability = try DurableCommits(on: connection)
    return try durability.whileInForce { () throws(MigrationError) in
      let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
      let result = try body(try Knowledge(of: connection))
      do throws(SQLiteError) {
        try transaction.commit()
      } catch {
        throw MigrationError(error, while: committing)
      }
      return result
    }
  }
}
