internal import CSQLite

/// An error that SQLite reported: code, message, the SQL and the position in it.
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

/// A result code of SQLite, primary or extended (sqlite.org/rescode.html).
package struct ResultCode: RawRepresentable, Hashable, Sendable {
  package let rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }

  /// The code without its extended part.
  package var primary: ResultCode { ResultCode(rawValue: rawValue & 0xFF) }

  package static let error = ResultCode(rawValue: SQLITE_ERROR)
  package static let busy = ResultCode(rawValue: SQLITE_BUSY)
  package static let lockProtocol = ResultCode(rawValue: SQLITE_PROTOCOL)
  package static let locked = ResultCode(rawValue: SQLITE_LOCKED)
  package static let noMemory = ResultCode(rawValue: SQLITE_NOMEM)
  package static let readOnly = ResultCode(rawValue: SQLITE_READONLY)
  /// A journal has to be played back before the database can be read, and the connection may not write.
  package static let readOnlyRollback = ResultCode(rawValue: SQLITE_READONLY | 3 << 8)
  /// The file is not at its path any more.
  package static let readOnlyMoved = ResultCode(rawValue: SQLITE_READONLY | 4 << 8)
  package static let interrupt = ResultCode(rawValue: SQLITE_INTERRUPT)
  package static let ioError = ResultCode(rawValue: SQLITE_IOERR)
  package static let corrupt = ResultCode(rawValue: SQLITE_CORRUPT)
  /// The content of a virtual table is inconsistent; the file itself is sound (sqlite.org/rescode.html#corrupt_vtab).
  package static let corruptVirtualTable = ResultCode(rawValue: SQLITE_CORRUPT | (1 << 8))
  package static let full = ResultCode(rawValue: SQLITE_FULL)
  package static let cannotOpen = ResultCode(rawValue: SQLITE_CANTOPEN)
  package static let constraint = ResultCode(rawValue: SQLITE_CONSTRAINT)
  package static let misuse = ResultCode(rawValue: SQLITE_MISUSE)
  package static let auth = ResultCode(rawValue: SQLITE_AUTH)
  package static let notADatabase = ResultCode(rawValue: SQLITE_NOTADB)
  /// phasedb's own code: the statement was interrupted because it exceeded its cost limit.
  package static let tooCostly = ResultCode(rawValue: SQLITE_INTERRUPT | 0xFF << 8)
  /// SQLite itself never returns this code; phasedb uses it for a schema that cannot be read as text.
  package static let format = ResultCode(rawValue: SQLITE_FORMAT)
  package static let tooBig = ResultCode(rawValue: SQLITE_TOOBIG)

  /// Whether the code is about the file, the machine or their other users, and not about the SQL.
  package var isOfSurroundings: Bool {
    switch primary {
    case .busy, .locked, .lockProtocol, .full, .readOnly, .notADatabase, .corrupt, .interrupt, .ioError,
      .noMemory,
      .cannotOpen:
      true
    default: false
    }
  }
}
