internal import CSQLite

final class RowWatchBox {
  let observe: (String, Int64) -> Void
  init(_ observe: @escaping (String, Int64) -> Void) { self.observe = observe }
}

extension Connection {
  /// Tells of every row that a statement inserts, updates or deletes in the main database, triggers included
  /// (sqlite.org/c3ref/update_hook.html). Rows of WITHOUT ROWID tables, rows that REPLACE pushes out and those of a DELETE
  /// without a condition are not told.
  ///
  /// - Parameter observe: takes the table's name and the rowid; must not use the connection.
  package func watchRows(_ observe: @escaping (_ table: String, _ rowID: Int64) -> Void) {
    stopWatchingRows()
    let box = unsafe Unmanaged.passRetained(RowWatchBox(observe))
    unsafe rowWatch = box
    unsafe sqlite3_update_hook(
      handle,
      { context, _, database, table, rowID in
        guard let context = unsafe context, let table = unsafe table, let database = unsafe database,
          unsafe String(cString: database) == "main"
        else { return }
        unsafe Unmanaged<RowWatchBox>.fromOpaque(context).takeUnretainedValue()
          .observe(String(cString: table), rowID)
      }, box.toOpaque())
  }

  package func stopWatchingRows() {
    guard let box = unsafe rowWatch else { return }
    unsafe sqlite3_update_hook(handle, nil, nil)
    unsafe box.release()
    unsafe rowWatch = nil
  }
}
