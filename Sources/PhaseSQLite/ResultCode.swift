internal import CSQLite

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
