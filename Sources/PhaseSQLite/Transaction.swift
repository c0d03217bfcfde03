/// An open transaction, rolled back when it goes out of scope without `commit`.
package struct Transaction: ~Copyable {
  package enum Kind: String, Sendable {
    case deferred = "DEFERRED"
    /// Takes the write lock at once, so that no later statement can fail for want of it
    /// (sqlite.org/lang_transaction.html).
    case immediate = "IMMEDIATE"
  }

  private let connection: Connection
  private var isOpen = true

  init(on connection: Connection, _ kind: Kind) throws(SQLiteError) {
    // Before `self` is whole: a transaction that did not begin must not roll back the one that is open.
    connection.waitForLocks()
    try connection.execute("BEGIN \(kind.rawValue)")
    self.connection = connection
    if kind == .immediate { connection.waitForNothing() }
  }

  deinit {
    // OR ROLLBACK, a full disk or an interrupt may have ended it already; a second ROLLBACK would be an error.
    if isOpen, !connection.isAutocommit { try? connection.execute("ROLLBACK") }
    connection.waitForLocks()
  }

  /// Makes the changes last. When it throws SQLITE_BUSY they are rolled back.
  package consuming func commit() throws(SQLiteError) {
    connection.waitForLocks()
    try connection.execute("COMMIT")
    isOpen = false
  }

  /// Takes the changes back now.
  package consuming func rollBack() throws(SQLiteError) {
    isOpen = false
    if !connection.isAutocommit { try connection.execute("ROLLBACK") }
  }
}

extension Connection {
  /// Opens a transaction.
  package func begin(_ kind: Transaction.Kind = .immediate) throws(SQLiteError) -> Transaction {
    try Transaction(on: self, kind)
  }
}
