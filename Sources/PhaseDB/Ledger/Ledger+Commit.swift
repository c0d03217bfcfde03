internal import PhaseSQLite

extension Ledger {
  /// COMMIT, and when it fails a look at the log before anything is called failed: a commit that landed may still
  /// report an error, for instance from the checkpoint that follows it in WAL mode.
  ///
  /// - Parameters:
  ///   - entry: the id of a row that the transaction wrote into the log, nil when it wrote none.
  ///   - hash: the row's hash, which no other row has.
  ///   - activity: as in "committing 0001-create-shop/expand"; it opens the error's sentence.
  func commit(
    _ transaction: consuming Transaction, leaving entry: Int64?, _ hash: String?, while activity: String
  ) throws(MigrationError) {
    do {
      try transaction.commit()
    } catch {
      let written = entry.flatMap { connection.isAutocommit ? try? self.hash(of: $0) : nil }
      if let written, written == hash { return }
      throw MigrationError(error, while: activity)
    }
  }
}
