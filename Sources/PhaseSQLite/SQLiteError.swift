internal import CSQLite

/// What SQLite said when it refused: code, message, the SQL and the position in it.
package struct SQLiteError: Error, Hashable, Sendable {
  /// The extended result code.
  package var code: ResultCode
  /// SQLite's own sentence.
  package var message: String
  /// The statement or script that failed, when there was one.
  package var sql: String?
  /// UTF-8 bytes from the start of `sql` to the token SQLite objects to; nil when it names none, which is always
  /// so before SQLite 3.38 (sqlite.org/c3ref/errcode.html).
  package var offset: Int?

  package init(code: ResultCode, message: String, sql: String? = nil, offset: Int? = nil) {
    self.code = code
    self.message = message
    self.sql = sql
    self.offset = offset
  }

  /// The error a connection has just reported.
  init(_ code: Int32, on handle: OpaquePointer?, sql: String? = nil) {
    let offset = unsafe handle.map { unsafe phasedb_error_offset($0) } ?? -1
    let message = unsafe handle.flatMap { unsafe sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
    self.init(
      code: ResultCode(rawValue: unsafe handle.map { unsafe sqlite3_extended_errcode($0) } ?? code),
      message: unsafe message.map { unsafe String(cString: $0) } ?? "error \(code)",
      sql: sql, offset: offset >= 0 ? Int(offset) : nil)
  }

  /// The error of a statement, also when it cost too much.
  init(_ code: Int32, of connection: Connection, sql: String?) {
    self = unsafe SQLiteError(code, on: connection.handle, sql: sql)
    guard let overrun = connection.costLimit?.overrun(self.code, of: connection) else { return }
    self.code = .tooCostly
    message = overrun.sentence
  }
}

extension SQLiteError: CustomStringConvertible {
  package var description: String { "\(message) (SQLite code \(code.rawValue))" }
}
