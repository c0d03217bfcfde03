internal import CSQLite

final class RowWatchBox {
  let observe: (String, Int64) -> Void
  init(_ observe: @escaping (String, Int64) -> Void) { self.observe = observe }
}

extension Connection {
  /// Reports every row that a statement or its triggers insert, update or delete in the main database
  /// (sqlite.org/c3ref/update_hook.html). It does not report rows of WITHOUT ROWID tables, rows that REPLACE removes,
  /// and rows of a DELETE without a condition.
  ///
  /// - Parameter observe: gets the table's name and the rowid; must not use the connection.
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
