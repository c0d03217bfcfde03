internal import CSQLite

/// Splits a script into statements by SQLite itself: each is the part of the text that `sqlite3_prepare_v3` consumed,
/// so that triggers, strings and comments need no rules of our own (sqlite.org/c3ref/prepare.html).
///
/// A statement is prepared only when it is asked for, because it may need what earlier ones made.
package struct ScriptReader {
  private let connection: Connection
  private let text: String
  private let bytes: ContiguousArray<CChar>
  private var position = 0

  package init(_ text: String, on connection: Connection) {
    self.connection = connection
    self.text = text
    bytes = text.utf8CString
  }

  /// A statement of a script, and its place there.
  package struct Part: ~Copyable {
    private let statement: Statement
    /// UTF-8 offsets into the script, from the end of the previous statement on, so leading white space and comments
    /// are included.
    package let range: Range<Int>

    init(_ statement: consuming Statement, range: Range<Int>) {
      self.statement = statement
      self.range = range
    }

    package consuming func take() -> Statement { statement }
  }

  /// Where the statement after the last one starts: UTF-8 bytes from the start of the script.
  package var offset: Int { position }

  /// The next statement, nil at the end of the script.
  ///
  /// - Parameter reused: tells SQLite that the statement will be kept and run many times.
  /// - Throws: what SQLite says of the statement, with `sql` the whole script and `offset` a position in it.
  package mutating func next(reused: Bool = false) throws(SQLiteError) -> Part? {
    // bytes ends with a NUL, which is no part of the text.
    while position < bytes.count - 1 {
      let start = position
      var statement: OpaquePointer?
      var consumed = 0
      let code = unsafe bytes.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return SQLITE_MISUSE }
        var tail: UnsafePointer<CChar>?
        let code = unsafe sqlite3_prepare_v3(
          connection.handle, base + start, Int32(clamping: buffer.count - start),
          reused ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0, &statement, &tail)
        consumed = unsafe tail.map { unsafe $0 - (base + start) } ?? 0
        return code
      }
      guard code == SQLITE_OK else {
        var error = SQLiteError(code, of: connection, sql: text)
        error.offset = error.offset.map { $0 + start }
        throw error
      }
      // A NUL inside the text ends it for SQLite, which would pass over whatever follows.
      guard consumed > 0 else {
        throw SQLiteError(code: .error, message: "NUL character in SQL", sql: text, offset: start)
      }
      position = start + consumed
      if let handle = unsafe statement {
        return Part(unsafe Statement(handle, on: connection), range: start..<position)
      }
    }
    return nil
  }
}
