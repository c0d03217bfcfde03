internal import CSQLite

/// How full the write-ahead log is (sqlite.org/wal.html).
package struct WriteAheadLog: Hashable, Sendable {
  /// Pages in it.
  package let pages: Int
  /// Pages of it that are in the database by now.
  package let checkpointed: Int

  /// Pages that could not be brought into the database: a reader still needs those that they replace.
  package var pinned: Int { max(0, pages - checkpointed) }
}

final class CommitBox {
  /// Pages in the write-ahead log after the last commit; 0 in another journal mode.
  var pages = 0
}

extension Connection {
  /// Takes the automatic checkpoint off this connection, and counts how long the log is instead: a checkpoint comes
  /// after the commit that is due for one, when the write lock is free again, and whoever wants to know how long the
  /// lock was held must not count it (sqlite.org/c3ref/wal_hook.html).
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

  /// Lets SQLite checkpoint by itself again, once the log has so many pages.
  package func giveBackCheckpoints(every pages: Int) {
    unsafe sqlite3_wal_autocheckpoint(handle, Int32(clamping: pages))
    if let box = unsafe commits { unsafe box.release() }
    unsafe commits = nil
  }

  /// Pages in the log after the last commit, since checkpoints were taken over.
  package var pagesInLog: Int { unsafe commits?.takeUnretainedValue().pages ?? 0 }

  /// Copies the log into the database as far as no reader is in the way, without waiting.
  ///
  /// - Parameter restarts: lets the log begin anew when all of it is there, if that needs no waiting either.
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
