internal import PhaseSQLite

extension Migrator {
  /// Runs a body that writes only the ledger, in one transaction with what it reads of the database.
  ///
  /// - Parameter committing: what its end is called in an error, as in "committing the checkpoint".
  /// - Throws: `transaction-open`, `database-busy` once the time to wait is over, and what the body throws.
  func writing<Result>(
    _ committing: Prose, _ body: (Knowledge) throws(MigrationError) -> Result
  ) throws(MigrationError) -> Result {
    guard connection.isAutocommit else { throw .transactionOpen }
    return try changingNothing { () throws(MigrationError) in
      let busyTimeout = try ConnectionDiscipline.busyTimeout(of: connection)
      defer { connection.setBusyTimeout(milliseconds: busyTimeout) }
      connection.setBusyDeadline(.now + options.wait)
      let durability = try DurableCommits(on: connection)
      return try durability.whileInForce { () throws(MigrationError) in
        try writeOnce(committing, body)
      }
    }
  }

  private func writeOnce<Result>(
    _ committing: Prose, _ body: (Knowledge) throws(MigrationError) -> Result
  ) throws(MigrationError) -> Result {
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    let knowledge = try Knowledge(of: connection)
    try knowledge.refuseLedgerDrift()
    let before = try lifting("reading the ledger") { () in try knowledge.ledger?.head() ?? 0 }
    let result = try body(knowledge)
    let ledger = Ledger(connection: connection)
    let (entry, hash) = try lifting("reading the ledger") { () in try ledger.lastEntry() }
    try ledger.commit(transaction, leaving: entry > before ? entry : nil, hash, while: committing)
    try connection.refuseMoved(committing)
    return result
  }
}
