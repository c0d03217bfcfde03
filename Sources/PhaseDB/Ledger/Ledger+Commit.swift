internal import PhaseSQLite

extension Ledger {
  /// COMMIT, and when it fails a look at the log before anything is called failed: a commit that landed may still
  /// report an error, for instance from the checkpoint that follows it in WAL mode.
  ///
  /// - Parameters:
  ///   - entry: the id of a row that the transaction wrote into the log, nil when it wrote none.
  ///   - hash: the row's hash, which no other row has.
  ///   - activity: as in "committing 0001-create-shop/expand"; it opens the error's sentence.
  /// - Throws: with standing `partWay` when the log cannot be read either, and nobody knows.
  func commit(
    _ transaction: consuming Transaction, leaving entry: Int64?, _ hash: String?, while activity: Prose
  ) throws(MigrationError) {
    do {
      try transaction.commit()
    } catch {
      var failure = MigrationError(error, while: activity)
      if let entry, connection.isAutocommit {
        do {
          if let written = try self.hash(of: entry), written == hash { return }
        } catch  where error.code.isOfSurroundings {
          failure.standing = .partWay
          failure.state =
            "whether it was committed could not be found out, because the database cannot be read"
          failure.help.append("once it can be read, see where it stands with: phasedb status")
        } catch {
          // There is no log: the transaction that made it was rolled back.
        }
      }
      throw failure
    }
  }
}
