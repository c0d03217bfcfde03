internal import CSQLite

extension Connection {
  /// Copies this database over another by SQLite's backup API, in one step: a copy in small steps starts over
  /// whenever another process writes and may never end (sqlite.org/backup.html).
  ///
  /// - Parameter target: its content is replaced.
  package func backUp(to target: Connection) throws(SQLiteError) {
    guard let backup = unsafe sqlite3_backup_init(target.handle, "main", handle, "main") else {
      throw unsafe SQLiteError(SQLITE_ERROR, on: target.handle)
    }
    let stepped = unsafe sqlite3_backup_step(backup, -1)
    let finished = unsafe sqlite3_backup_finish(backup)
    guard stepped == SQLITE_DONE, finished == SQLITE_OK else {
      let code = finished == SQLITE_OK ? stepped : finished
      throw SQLiteError(
        code: ResultCode(rawValue: code), message: unsafe String(cString: sqlite3_errstr(code)))
    }
  }
}
