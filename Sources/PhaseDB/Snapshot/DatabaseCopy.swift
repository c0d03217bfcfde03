internal import PhaseSQL
package import PhaseSQLite

/// A private copy of a database at one moment: a file of mode 0600 in a private folder, removed with this object or
/// with the folder.
package final class DatabaseCopy: Sendable {
  package let path: String
  let bytes: Int
  let folder: PrivateFolder
  private let name: String
  /// The tables that its source leaves out.
  private let ignoredTables: NamePatterns

  /// The purpose of a copy. It decides the errors.
  package struct Purpose: Sendable {
    /// How many bytes must be free in addition to those of the database.
    let spare: @Sendable (_ bytes: Int) -> Int
    /// The error for a copy that cannot be made, from its place and the reason.
    let failed: @Sendable (_ place: String, _ why: Prose) -> MigrationError

    init(
      spare: @escaping @Sendable (_ bytes: Int) -> Int,
      failed: @escaping @Sendable (_ place: String, _ why: Prose) -> MigrationError
    ) {
      (self.spare, self.failed) = (spare, failed)
    }
  }

  /// A folder for copies.
  ///
  /// - Parameters:
  ///   - place: the folder to make it in.
  ///   - database: the path of the database; later commands look for leftovers next to it.
  package static func makeFolder(
    in place: String, besides database: String, for purpose: Purpose
  ) throws(MigrationError) -> PrivateFolder {
    do throws(FileReading.Failure) {
      let home = try? FileReading.absolute(FileDurability.folder(of: database))
      return try PrivateFolder(in: place, isKnown: try FileReading.absolute(place) == home)
    } catch {
      throw purpose.failed(place, "\(error.reason)")
    }
  }

  /// Copies a database.
  ///
  /// - Parameters:
  ///   - source: in a read transaction, if the copy must equal what was read before.
  ///   - name: the name of the file in the folder.
  ///   - shouldGoOn: asked from time to time; false ends the copy.
  ///   - observe: gets the number of bytes before they are copied.
  /// - Throws: the purpose's error for a lack of room or permission; `interrupted`, `database-busy` and the like.
  package init(
    of source: Connection, as name: String, in folder: PrivateFolder, for purpose: Purpose,
    shouldGoOn: () -> Bool, observe: (Int) -> Void = { _ in }
  ) throws(MigrationError) {
    self.folder = folder
    self.name = name
    ignoredTables = source.ignoredTables
    path = "\(folder.path)/\(name)"
    let place = FileDurability.folder(of: folder.path)
    bytes = try lifting("reading the size of the database") { () in try source.contentBytes }
    let needed = bytes + purpose.spare(bytes)
    if let free = FileReading.freeBytes(at: folder.path), free < needed {
      throw purpose.failed(
        place, "it needs \(CountText.bytes(Int64(needed))), and \(CountText.bytes(Int64(free))) are free")
    }
    do throws(FileReading.Failure) { _ = try folder.makeFile(name) } catch {
      throw purpose.failed(place, "\(error.reason)")
    }
    observe(bytes)
    do throws(SQLiteError) {
      let target = try Connection(path: path, mode: .readWrite)
      // After a crash the copy is made again, so it need not be durable.
      try target.execute("PRAGMA synchronous = OFF")
      try target.execute("PRAGMA journal_mode = OFF")
      try source.backUp(to: target) { _, _ in shouldGoOn() }
      try LaneTriggers(on: target).drop()
    } catch {
      throw purpose.error(error, while: "copying the database", place)
    }
  }

  /// A copy in memory, which needs no folder: for a small database.
  ///
  /// - Parameter shouldGoOn: asked from time to time; false ends the copy with SQLITE_INTERRUPT.
  package static func inMemory(
    of source: Connection, shouldGoOn: () -> Bool = { true }
  ) throws(SQLiteError) -> Connection {
    let copy = try Connection(path: "", mode: .memory)
    try source.backUp(to: copy) { _, _ in shouldGoOn() }
    try LaneTriggers(on: copy).drop()
    return copy
  }

  deinit { remove() }

  /// A connection on the copy, which leaves out the same tables as its source.
  package func open(_ mode: Connection.Mode) throws(SQLiteError) -> Connection {
    let connection = try Connection(path: path, mode: mode)
    connection.ignoredTables = ignoredTables
    return connection
  }

  /// Opens several connections on the copy, for several threads.
  func readers(_ count: Int, shouldGoOn: @escaping @Sendable () -> Bool) throws(SQLiteError) -> Readers {
    try Readers(path: path, count: count, ignoring: ignoredTables, shouldGoOn: shouldGoOn)
  }

  /// The size of its write-ahead log.
  var logBytes: Int { folder.size(of: name + "-wal") }

  private func remove() {
    for suffix in ["", "-journal", "-wal", "-shm"] { FileDurability.remove(path + suffix) }
  }

}

extension DatabaseCopy.Purpose {
  /// For a trial, in a folder of the system.
  package static func trial(spare: @escaping @Sendable (_ bytes: Int) -> Int) -> DatabaseCopy.Purpose {
    DatabaseCopy.Purpose(spare: spare) { place, why in
      MigrationError(
        .copyFailed, "cannot make a copy in \(place): \(why)",
        state: "nothing was changed; the copies were removed",
        help: ["set TMPDIR to a writable folder with enough free space"])
    }
  }

  /// The error for an error of SQLite in the copy.
  func error(_ error: SQLiteError, while activity: Prose, _ place: String) -> MigrationError {
    switch error.code.primary {
    case .full, .readOnly, .cannotOpen, .ioError: failed(place, "\(activity): \(error.message)")
    default: MigrationError(error, while: activity)
    }
  }
}
