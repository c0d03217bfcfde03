internal import CSQLite

extension Connection {
  /// Copies this database over another by SQLite's backup API, as it is at one moment (sqlite.org/backup.html).
  ///
  /// A copy in small steps starts over whenever another process writes, and may never end. So this reads all pages in
  /// one transaction: its own, or the one that is open. It copies in steps, and reports progress between them, where
  /// the caller can end it.
  ///
  /// - Parameters:
  ///   - target: its content is replaced.
  ///   - progress: gets the bytes copied so far and the bytes of the whole; false ends the copy with SQLITE_INTERRUPT.
  package func backUp(
    to target: Connection, progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws(SQLiteError) {
    target.ignoredTables = ignoredTables
    guard isAutocommit else { return try copy(to: target, progress) }
    let transaction = try begin(.deferred)
    try copy(to: target, progress)
    try transaction.rollBack()
  }

  private func copy(to target: Connection, _ progress: (Int, Int) -> Bool) throws(SQLiteError) {
    // A deferred transaction begins with the first read.
    let pageSize = Int(try self.pageSize)
    _ = try value("SELECT count(*) FROM main.sqlite_schema")
    guard let backup = unsafe sqlite3_backup_init(target.handle, "main", handle, "main") else {
      throw unsafe SQLiteError(SQLITE_ERROR, on: target.handle)
    }
    let pages = Int32(clamping: max(1, (16 << 20) / pageSize))
    var stepped = SQLITE_OK
    while stepped == SQLITE_OK {
      stepped = unsafe sqlite3_backup_step(backup, pages)
      let total = Int(unsafe sqlite3_backup_pagecount(backup))
      let rest = Int(unsafe sqlite3_backup_remaining(backup))
      if stepped == SQLITE_OK, !progress((total - rest) * pageSize, total * pageSize) {
        stepped = SQLITE_INTERRUPT
      }
    }
    let finished = unsafe sqlite3_backup_finish(backup)
    guard stepped == SQLITE_DONE, finished == SQLITE_OK else {
      let code = stepped == SQLITE_DONE ? finished : stepped
      throw SQLiteError(
        code: ResultCode(rawValue: code), message: unsafe String(cString: sqlite3_errstr(code)))
    }
  }
}
