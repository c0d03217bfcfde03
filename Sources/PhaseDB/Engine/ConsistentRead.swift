internal import PhaseSQLite

extension Connection {
  /// Runs a body within what the connection's SQL may cost, where that is limited.
  func spending<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    guard let costLimit else { return try body() }
    return try costLimit.spend(body)
  }

  /// Runs a body that compiles and runs nothing, within what that may cost. While SQLite compiles it asks nobody but the
  /// authorizer.
  func spendingWhileCompiling<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let costLimit else { return try body() }
    var asked = 0
    setAuthorizer { _ in
      asked += 1
      return !asked.isMultiple(of: 64) || costLimit.goesOn(after: 0)
    }
    defer { removeAuthorizer() }
    return try costLimit.spend(body)
  }

  /// Runs a body that reads, in the transaction that is open or in one of its own.
  ///
  /// Without a transaction every statement sees the database of its own moment, and the schema that one read would
  /// not be that of the ledger that the next one reads, while another runner commits between them.
  func reading<Result>(_ body: () throws(MigrationError) -> Result) throws(MigrationError) -> Result {
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
