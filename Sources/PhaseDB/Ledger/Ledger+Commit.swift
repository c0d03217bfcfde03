internal import PhaseSQLite

extension Connection {
  /// Says where the last commit went when the file is not at its path any more: between the last look at it and the
  /// commit somebody took it away.
  ///
  /// - Throws: `database-replaced` with standing `partWay`.
  func refuseMoved(_ activity: Prose) throws(MigrationError) {
    guard isMoved else { return }
    throw MigrationError(
      .databaseReplaced, "\(activity): the database's file was deleted, moved or replaced while it was open",
      state:
        "the work is done in the file that was at \(path) before; what is at the path now was not touched",
      help: [
        "find the file that was moved, with its -wal file, or run the command again on the one that is there",
        "keep programs from replacing the file of a database that is in use",
      ], standing: .partWay)
  }
}

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
