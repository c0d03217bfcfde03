internal import CSQLite

final class ProgressBox {
  let shouldGoOn: () -> Bool
  init(_ shouldGoOn: @escaping () -> Bool) { self.shouldGoOn = shouldGoOn }
}

extension Connection {
  /// Asks a question repeatedly while statements run; after a no, the statement fails with SQLITE_INTERRUPT and the
  /// open transaction is rolled back (sqlite.org/c3ref/progress_handler.html).
  ///
  /// - Parameter instructions: how many instructions of SQLite's virtual machine lie between two questions.
  package func setProgressHandler(every instructions: Int, _ shouldGoOn: @escaping () -> Bool) {
    progressQuestion = (instructions, shouldGoOn)
    installProgressHandler()
  }

  package func removeProgressHandler() {
    progressQuestion = nil
    installProgressHandler()
  }

  /// SQLite has room for one handler, so it asks both the question and the cost limit, if there is one.
  func installProgressHandler() {
    let before = unsafe progress
    defer { if let before = unsafe before { unsafe before.release() } }
    unsafe progress = nil
    guard progressQuestion != nil || costLimit != nil else {
      if unsafe before != nil { unsafe sqlite3_progress_handler(handle, 0, nil, nil) }
      return
    }
    let (instructions, question) = (progressQuestion?.instructions ?? 1_000, progressQuestion?.shouldGoOn)
    let box = unsafe Unmanaged.passRetained(
      ProgressBox { [costLimit] in
        costLimit?.goesOn(after: instructions) ?? true && question?() ?? true
      })
    unsafe progress = box
    unsafe sqlite3_progress_handler(
      handle, Int32(clamping: instructions),
      { context in
        guard let context = unsafe context else { return 1 }
        return unsafe Unmanaged<ProgressBox>.fromOpaque(context).takeUnretainedValue().shouldGoOn() ? 0 : 1
      }, box.toOpaque())
  }
}
