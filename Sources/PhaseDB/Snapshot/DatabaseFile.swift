internal import PhaseSQL
package import PhaseSQLite

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Opens a database file as an operator expects, or says why it cannot.
package enum DatabaseFile {
  /// Opens a file for reading; nil when there is no such file, which reading commands treat as an empty database.
  ///
  /// - Parameters:
  ///   - wait: how long to wait for another connection that holds the lock.
  ///   - leavingNothing: whether a file in WAL mode is read without locks if no process has it open. So no log and no
  ///     index stay behind; a reader without write permission could not remove them.
  package static func openForReading(
    _ path: String, wait: Duration, leavingNothing: Bool = false
  ) throws(MigrationError) -> Connection? {
    try refuseOldSQLite()
    guard try exists(path) else { return nil }
    let file = (try? FileReading.absolute(path)) ?? path
    let isWritable = FileReading.mayWrite(file) && FileReading.mayWrite(FileDurability.folder(of: file))
    if !isWritable || leavingNothing, let connection = openedUnlocked(file, wait) { return connection }
    do {
      return try opened(path, mode: .readOnly, wait: wait)
    } catch let error as SQLiteError where error.code == .readOnlyRollback {
      return try afterRollback(path, wait: wait)
    } catch let error as SQLiteError where [.cannotOpen, .readOnly].contains(error.code.primary) {
      if let connection = openedUnlocked(file, wait) { return connection }
      throw unreadableLog(file) ?? failure(error, path)
    } catch {
      throw failure(error, path)
    }
  }

  /// Opens without locks a file in WAL mode that no process has open. A normal reader would make a log and an index
  /// beside it. That fails in a folder without write permission, and the file's owner might not be able to write to
  /// these files afterwards.
  ///
  /// - Returns: nil for any other file.
  private static func openedUnlocked(_ file: String, _ wait: Duration) -> Connection? {
    guard let unlocked = UnlockedFile(file),
      let connection = try? opened(file, mode: .immutable, wait: wait), connection.isInWALMode
    else { return nil }
    connection.unlocked = unlocked
    return connection
  }

  /// The error for a write-ahead log that cannot be read and may contain the last commits; nil when there is none.
  private static func unreadableLog(_ path: String) -> MigrationError? {
    let (log, index) = (path + "-wal", path + "-shm")
    let folder = FileDurability.folder(of: path)
    for file in [log, index] where FileReading.exists(file) && !FileReading.mayRead(file) {
      return MigrationError(
        .databaseUnreadable,
        "\(file) cannot be read, and the last commits may be only in the write-ahead log",
        help: ["let the user that runs phasedb read \(file)"])
    }
    guard FileReading.exists(log), !FileReading.exists(index), !FileReading.mayWrite(folder) else {
      return nil
    }
    return MigrationError(
      .databaseReadOnly,
      "\(path) has a write-ahead log without its index \(index), which cannot be made: \(folder) cannot be written",
      help: [
        "run the command once as a user that may write the folder",
        "or copy the database and its -wal file into a folder that you may write",
      ])
  }

  /// Opens for reading a file whose last writer died in a transaction. Its journal must be played back first, which
  /// only a connection that may write can do (sqlite.org/rescode.html#readonly_rollback). Every program that opens
  /// the file would do the same, and committed content does not change.
  private static func afterRollback(_ path: String, wait: Duration) throws(MigrationError) -> Connection {
    do {
      _ = try opened(path, mode: .readWrite, wait: wait)
      return try opened(path, mode: .readOnly, wait: wait)
    } catch let error as SQLiteError where [.readOnly, .cannotOpen].contains(error.code.primary) {
      throw MigrationError(
        .databaseReadOnly,
        "\(path) is read-only, and cannot be read before the unfinished work of its last writer is rolled back",
        help: ["run the command once as a user that may write the file and its folder"])
    } catch {
      throw failure(error, path)
    }
  }

  /// SQLite opens a file only when it is first read.
  private static func opened(_ path: String, mode: Connection.Mode, wait: Duration) throws -> Connection {
    let connection = try Connection(path: path, mode: mode)
    connection.setBusyTimeout(milliseconds: Pause.milliseconds(until: .now + wait))
    _ = try connection.value("SELECT count(*) FROM main.sqlite_schema")
    if mode != .readWrite {
      let bytes = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64
      try connection.limit(to: CostLimit(.database(bytes: bytes ?? 0)))
    }
    return connection
  }

  /// Opens a file for reading and writing.
  ///
  /// - Parameters:
  ///   - creating: makes a missing file.
  ///   - wait: how long to wait for another connection that holds the lock.
  /// - Throws: `database-not-found`, `database-read-only`, `database-damaged`, `not-a-database` and the like.
  static func openForWriting(_ path: String, creating: Bool, wait: Duration) throws(MigrationError)
    -> Connection
  {
    try refuseOldSQLite()
    let isThere = try exists(path)
    guard isThere || creating else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(path)",
        help: ["check the path given with --database", "phasedb up creates the file if it is missing"])
    }
    do {
      guard isThere else { return try Connection(path: path, mode: .create) }
      let connection = try opened(path, mode: .readWrite, wait: wait)
      try refuseTruncated(connection, path)
      guard !connection.isReadOnly else {
        throw MigrationError(
          .databaseReadOnly, "\(path) is read-only",
          help: ["make the file and its folder writable for the user that runs phasedb"])
      }
      return connection
    } catch let error as SQLiteError where error.code.primary == .cannotOpen && isThere {
      let folder = FileDurability.folder(of: (try? FileReading.absolute(path)) ?? path)
      guard !FileReading.mayWrite(folder) else { throw failure(error, path) }
      // In WAL mode SQLite cannot make its log in that folder.
      throw MigrationError(
        .databaseReadOnly, "\(path) cannot be written: its folder \(folder) is read-only",
        help: ["make the file and its folder writable for the user that runs phasedb"])
    } catch {
      throw failure(error, path)
    }
  }

  /// - Throws: `sqlite-too-old` when the library is older than what phasedb needs.
  static func refuseOldSQLite(_ running: SQLiteVersion = .running) throws(MigrationError) {
    guard running < .oldest else { return }
    throw MigrationError(
      .sqliteTooOld, "this is SQLite \(running), and phasedb needs \(SQLiteVersion.oldest) or newer",
      help: ["install a newer libsqlite3, for example through the system's package manager"])
  }

  private static func exists(_ path: String) throws(MigrationError) -> Bool {
    if let attributes = try? FileManager.default.attributesOfItem(atPath: path) {
      guard attributes[.type] as? FileAttributeType != .typeDirectory else {
        throw MigrationError(
          .databaseUnreadable, "\(path) is a folder, not a database",
          help: ["name the file in it that is the database"])
      }
      return true
    }
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    guard folder.isEmpty || FileManager.default.fileExists(atPath: folder) else {
      throw MigrationError(
        .databaseNotFound, "there is no folder \(folder) for the database \(path)",
        help: ["make the folder, or check the path given with --database"])
    }
    return false
  }

  private static func hasLog(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path + "-wal") }

  /// A file shorter than its header says has lost its end, which SQLite notices only when it needs a lost page.
  private static func refuseTruncated(_ connection: Connection, _ path: String) throws {
    let (pages, size) = (try connection.pageCount, try connection.pageSize)
    guard !hasLog(path),
      // For a symbolic link, these would be the attributes of the link itself.
      let length = try? FileManager.default.attributesOfItem(
        atPath: URL(filePath: path).resolvingSymlinksInPath().path)[.size] as? Int,
      Int64(length) < pages * size
    else { return }
    throw MigrationError(
      .databaseDamaged, "\(path) is \(length) bytes long and should be \(pages * size): its end is missing",
      help: ["restore it from a backup before migrating"])
  }

  private static func failure(_ error: any Error, _ path: String) -> MigrationError {
    switch error {
    case let error as MigrationError: error
    case let error as SQLiteError: MigrationError(error, while: "opening \(path)")
    default: MigrationError(.databaseUnreadable, "opening \(path): \(error)")
    }
  }
}
