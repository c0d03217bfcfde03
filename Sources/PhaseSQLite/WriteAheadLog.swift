internal import CSQLite

/// How full the write-ahead log is (sqlite.org/wal.html).
package struct WriteAheadLog: Hashable, Sendable {
  /// Pages in it.
  package let pages: Int
  /// Pages of the log that have been copied into the database.
  package let checkpointed: Int

  /// Pages that could not be copied into the database, because a reader still needs the pages that they replace.
  package var pinned: Int { max(0, pages - checkpointed) }
}

final class CommitBox {
  /// Pages in the write-ahead log after the last commit; 0 in another journal mode.
  var pages = 0
}

extension Connection {
  /// Switches off the automatic checkpoint of this connection, and counts the length of the log instead. SQLite makes a
  /// checkpoint after a commit, when the write lock is free again, so it must not count as time in which the lock was
  /// held (sqlite.org/c3ref/wal_hook.html).
  package func takeOverCheckpoints() {
    giveBackCheckpoints(every: 0)
    let box = unsafe Unmanaged.passRetained(CommitBox())
    unsafe commits = box
    unsafe sqlite3_wal_hook(
      handle,
      { context, _, _, pages in
        if let context = unsafe context {
          unsafe Unmanaged<CommitBox>.fromOpaque(context).takeUnretainedValue().pages = Int(pages)
        }
        return SQLITE_OK
      }, box.toOpaque())
  }

  /// Switches the automatic checkpoint on again, for a log of so many pages.
  package func giveBackCheckpoints(every pages: Int) {
    unsafe sqlite3_wal_autocheckpoint(handle, Int32(clamping: pages))
    if let box = unsafe commits { unsafe box.release() }
    unsafe commits = nil
  }

  /// Pages in the log after the last commit, since checkpoints were taken over.
  package var pagesInLog: Int { unsafe commits?.takeUnretainedValue().pages ?? 0 }

  /// Copies the log into the database as far as readers allow, without waiting.
  ///
  /// - Parameter restarts: also lets the log start over when all of it is copied, if that needs no waiting.
  /// - Returns: nil in another journal mode.
  package func checkpoint(restarting restarts: Bool = false) throws(SQLiteError) -> WriteAheadLog? {
    let mode = restarts ? "RESTART" : "PASSIVE"
    let row = try rows("PRAGMA main.wal_checkpoint(\(mode))").first ?? []
    guard row.count == 3, let pages = row[1].integer, let done = row[2].integer, pages >= 0 else {
      return nil
    }
    return WriteAheadLog(pages: Int(pages), checkpointed: Int(done))
  }
}
