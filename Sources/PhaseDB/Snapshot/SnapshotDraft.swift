internal import PhaseSQLite

/// A snapshot in the making: a private file that gets its name when it is whole, and is gone in every other case.
struct SnapshotDraft {
  /// The folder, from the root.
  private let folder: String
  private let name: String
  /// The path of what is copied.
  private let database: String

  /// - Parameters:
  ///   - name: of the snapshot's file.
  ///   - folder: must be there.
  /// - Throws: `snapshot-failed` when there is no such folder, `already-exists` when something has the name.
  init(_ name: String, in folder: String, of database: String) throws(MigrationError) {
    do throws(FileReading.Failure) {
      self.folder = try FileReading.absolute(folder)
      _ = try FileReading.entries(of: self.folder)
    } catch {
      throw .snapshotFailed(
        "the folder \(folder) for the snapshot cannot be used: \(error.reason)",
        help: "name a folder that is there and that you may write: --snapshot DIR")
    }
    self.name = name
    self.database = database
    for taken in [path, Snapshot.sidecar(of: path)] where FileReading.exists(taken) { throw isTaken(taken) }
  }

  private var path: String { (folder == "/" ? "" : folder) + "/" + name }

  /// Copies the database and gives the copy its name.
  ///
  /// - Parameters:
  ///   - source: in a read transaction, so that what is copied is what was read before.
  ///   - shouldGoOn: asked now and then; false ends the copy.
  /// - Throws: `snapshot-failed`, `already-exists`, `interrupted`.
  func finish(from source: Connection, shouldGoOn: () -> Bool) throws(MigrationError) -> Snapshot {
    try refuseFullDisk(source)
    do {
      // Removed at the end with whatever is still in it.
      let draft = try PrivateFolder(in: folder, prefix: ".phasedb-snapshot-")
      let file = try draft.makeFile(name + ".partial")
      try copy(source, to: file, shouldGoOn)
      let (checksum, bytes) = try Self.checksum(of: file, shouldGoOn)
      // The application's users may read the copy as they may read the database, and nobody else.
      try FileDurability.place(file, as: path, mode: try FileReading.mode(of: database))
      do throws(FileReading.Failure) {
        try PrivateFolder.write("\(checksum)  \(name)\n", to: Snapshot.sidecar(of: path))
      } catch {
        FileDurability.remove(path)
        throw error
      }
      return Snapshot(path: path, bytes: bytes, checksum: checksum)
    } catch let error as MigrationError {
      throw error
    } catch let error as FileReading.Failure {
      throw error.isTaken ? isTaken(path) : failed("\(error.reason)")
    } catch let error as SQLiteError {
      throw error.code.primary == .interrupt || error.code.primary == .busy
        ? MigrationError(error, while: "making the snapshot") : failed("\(error.message)")
    } catch {
      throw failed("\(error)")
    }
  }

  private func copy(_ source: Connection, to file: String, _ shouldGoOn: () -> Bool) throws {
    let target = try Connection(path: file, mode: .readWrite)
    // What is lost in a crash has no name yet, and what is written is synchronized as a whole before it gets one.
    try target.execute("PRAGMA synchronous = OFF")
    try target.execute("PRAGMA journal_mode = OFF")
    try source.backUp(to: target) { _, _ in shouldGoOn() }
    // A copy of a database in WAL mode would need a log of its own beside it whenever somebody looks into it.
    try target.execute("PRAGMA journal_mode = DELETE")
    // Every page and every row. What `integrity_check` does besides, hold indexes against tables, says something of the
    // source and not of the copy, and takes ten times as long (sqlite.org/pragma.html#pragma_quick_check).
    let complaints = try target.rows("PRAGMA quick_check").compactMap { $0[0].text }
    guard complaints == ["ok"] else {
      throw MigrationError(
        .databaseDamaged, "the database is damaged, so a copy of it is no snapshot",
        details: DetailLines.first(complaints.map { Prose($0) }), state: "nothing was changed",
        help: ["look at all of it with: sqlite3 FILE 'PRAGMA integrity_check'"])
    }
  }

  /// - Throws: `interrupted`, and what keeps the file from being read.
  static func checksum(of file: String, _ shouldGoOn: () -> Bool) throws -> (checksum: String, bytes: Int) {
    var hash = SHA256.Running()
    var isStopped = false
    let bytes = try FileReading.pieces(of: file) { buffer, count in
      hash.add(buffer, count)
      isStopped = !shouldGoOn()
      return !isStopped
    }
    guard !isStopped else {
      throw MigrationError(.interrupted, "stopped on request", help: ["go on with the same command"])
    }
    return (hash.hex, bytes)
  }

  private func refuseFullDisk(_ source: Connection) throws(MigrationError) {
    let needed = try lifting("reading the size of the database") { () in
      (try source.value("PRAGMA main.page_count")?.integer ?? 0)
        * (try source.value("PRAGMA main.page_size")?.integer ?? 0)
    }
    // A little more than the file: the folder, the checksum.
    guard let free = FileReading.freeBytes(at: folder), free < needed + needed / 100 + 65_536 else { return }
    throw failed("it needs \(Self.megabytes(needed)) and there are \(Self.megabytes(free)) left")
  }

  private static func megabytes(_ bytes: Int64) -> String {
    "\(bytes / 1_000_000).\(bytes / 100_000 % 10) MB"
  }

  private func failed(_ why: Prose) -> MigrationError {
    .snapshotFailed(
      "the snapshot cannot be made in \(folder): \(why)",
      help: "name a folder on a disk with room that you may write: --snapshot DIR")
  }

  private func isTaken(_ path: String) -> MigrationError {
    MigrationError(
      .alreadyExists, "\(path) exists already", state: "nothing was changed",
      help: ["give the checkpoint another name, or move the file away"])
  }
}

extension MigrationError {
  static func snapshotFailed(_ message: Prose, help: Prose) -> MigrationError {
    MigrationError(.snapshotFailed, message, state: "nothing was changed", help: [help])
  }
}
