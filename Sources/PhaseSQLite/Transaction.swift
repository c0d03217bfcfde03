/// An open transaction, rolled back when it goes out of scope without `commit`.
package struct Transaction: ~Copyable {
  package enum Kind: String, Sendable {
    case deferred = "DEFERRED"
    /// Takes the write lock at once, so that no later statement can fail for want of it
    /// (sqlite.org/lang_transaction.html).
    case immediate = "IMMEDIATE"
  }

  private let connection: Connection
  private let kind: Kind
  private var isOpen = true

  init(on connection: Connection, _ kind: Kind) throws(SQLiteError) {
    // Before `self` is whole: a transaction that did not begin must not roll back the one that is open.
    connection.waitForLocks()
    try connection.execute("BEGIN \(kind.rawValue)")
    self.connection = connection
    self.kind = kind
    if kind == .immediate { connection.waitForNothing() }
  }

  deinit {
    // OR ROLLBACK, a full disk or an interrupt may have ended it already; a second ROLLBACK would be an error.
    if isOpen, !connection.isAutocommit { try? connection.execute("ROLLBACK") }
    connection.waitForLocks()
  }

  /// Commits the changes. When it throws, they are rolled back.
  ///
  /// - Throws: SQLITE_READONLY_DBMOVED before anything is written, when the file is no longer at its path. SQLite
  ///   itself checks that with a rollback journal, when a transaction begins to write, and never in WAL mode.
  package consuming func commit() throws(SQLiteError) {
    if kind == .immediate, connection.isMoved {
      throw SQLiteError(code: .readOnlyMoved, message: "attempt to write a file that was moved")
    }
    connection.waitForLocks()
    try connection.execute("COMMIT")
    isOpen = false
  }

  /// Rolls the changes back now.
  package consuming func rollBack() throws(SQLiteError) {
    isOpen = false
    if !connection.isAutocommit { try connection.execute("ROLLBACK") }
  }
}
