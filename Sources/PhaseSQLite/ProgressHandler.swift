internal import CSQLite

final class ProgressBox {
  let shouldGoOn: () -> Bool
  init(_ shouldGoOn: @escaping () -> Bool) { self.shouldGoOn = shouldGoOn }
}

extension Connection {
  /// Asks a question again and again while statements run; when the answer is no the statement fails with
  /// SQLITE_INTERRUPT and the open transaction is rolled back (sqlite.org/c3ref/progress_handler.html).
  ///
  /// - Parameter instructions: how many instructions of SQLite's virtual machine lie between two questions.
  package func setProgressHandler(every instructions: Int, _ shouldGoOn: @escaping () -> Bool) {
    removeProgressHandler()
    let box = unsafe Unmanaged.passRetained(ProgressBox(shouldGoOn))
    unsafe progress = box
    unsafe sqlite3_progress_handler(
      handle, Int32(clamping: instructions),
      { context in
        guard let context = unsafe context else { return 1 }
        return unsafe Unmanaged<ProgressBox>.fromOpaque(context).takeUnretainedValue().shouldGoOn() ? 0 : 1
      }, box.toOpaque())
  }

  package func removeProgressHandler() {
    guard let box = unsafe progress else { return }
    unsafe sqlite3_progress_handler(handle, 0, nil, nil)
    unsafe box.release()
    unsafe progress = nil
  }
}
