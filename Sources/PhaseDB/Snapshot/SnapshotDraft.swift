internal import PhaseSQLite

/// Makes a snapshot: a private copy that gets its final name when it is complete, and stays when the ledger has
/// recorded it.
///
/// A kill between these two moments leaves a file that nothing refers to. So the private folder stays until the
/// snapshot is recorded, with a claim that names the file: a command that removes the folder of a dead process asks the
/// ledger, and also removes an unrecorded snapshot.
struct SnapshotDraft {
  /// Room for a little more than the file: the folder and the checksum.
  private static let purpose = DatabaseCopy.Purpose(
    spare: { $0 / 100 + 65_536 }, failed: SnapshotDraft.failed)

  /// The absolute path of the folder.
  private let folder: String
  private let name: String
  /// The path of the database.
  private let database: String
  private let path: String

  /// - Parameters:
  ///   - name: the name of the snapshot's file.
  ///   - folder: an existing folder.
  /// - Throws: `snapshot-failed` when there is no such folder, `already-exists` when something has the name.
  init(_ name: String, in folder: String, of database: String) throws(MigrationError) {
    do throws(FileReading.Failure) {
      self.folder = try FileReading.absolute(folder)
      _ = try FileReading.entries(of: self.folder)
    } catch {
      throw Snapshot.failed(
        "the folder \(folder) for the snapshot cannot be used: \(error.reason)",
        help: "name an existing folder that you may write: --snapshot DIR")
    }
    self.name = name
    self.database = database
    path = (self.folder == "/" ? "" : self.folder) + "/" + name
    for taken in [path, Snapshot.sidecar(of: path)] where FileReading.exists(taken) { throw isTaken(taken) }
  }

  /// A complete snapshot under its own name.
  struct Placed {
    let snapshot: Snapshot
    /// Must exist until the ledger has recorded the snapshot.
    fileprivate let copy: DatabaseCopy
  }

  /// Copies the database and gives the copy its name.
  ///
  /// - Parameters:
  ///   - source: in a read transaction, so that the copy equals what was read before.
  ///   - isRecorded: whether a ledger will record it. If not, it is finished when it has its name.
  ///   - shouldGoOn: asked from time to time; false ends the copy.
  /// - Throws: `snapshot-failed`, `already-exists`, `interrupted`.
  func finish(from source: Connection, isRecorded: Bool, shouldGoOn: () -> Bool) throws(MigrationError)
    -> Placed
  {
    let copy = try DatabaseCopy(
      of: source, as: name, in: DatabaseCopy.makeFolder(in: folder, besides: database, for: Self.purpose),
      for: Self.purpose, shouldGoOn: shouldGoOn)
    do {
      try settle(copy.path)
      let (checksum, bytes) = try Self.checksum(of: copy.path, shouldGoOn)
      let sidecar = "\(copy.folder.path)/checksum"
      try PrivateFolder.write("\(checksum)  \(name)\n", to: sidecar)
      try Claim(path: path, database: isRecorded ? database : "", of: copy, checksum: checksum).write(
        in: copy.folder)
      // The copy gets the permissions of the database, so that the same users may read it.
      try FileDurability.place(copy.path, as: path, mode: try FileReading.mode(of: database))
      do throws(FileReading.Failure) {
        try FileDurability.place(sidecar, as: Snapshot.sidecar(of: path), mode: 0o600)
      } catch {
        FileDurability.remove(path)
        throw error
      }
      return Placed(snapshot: Snapshot(path: path, bytes: bytes, checksum: checksum), copy: copy)
    } catch let error as MigrationError {
      throw error
    } catch let error as FileReading.Failure {
      throw error.isTaken ? isTaken(path) : Self.failed(folder, "\(error.reason)")
    } catch let error as SQLiteError {
      throw error.code.primary == .interrupt || error.code.primary == .busy
        ? MigrationError(error, while: "making the snapshot") : Self.failed(folder, "\(error.message)")
    } catch {
      throw Self.failed(folder, "\(error)")
    }
  }

  private func settle(_ file: String) throws {
    let target = try Connection(path: file, mode: .readWrite)
    // The whole file is synchronized before it gets its name.
    try target.execute("PRAGMA synchronous = OFF")
    // Otherwise a copy of a database in WAL mode would get a log beside it whenever it is read.
    try target.execute("PRAGMA journal_mode = DELETE")
    // This checks every page and every row. `integrity_check` also compares indexes with tables, which says something
    // about the source and not about the copy, and takes ten times as long
    // (sqlite.org/pragma.html#pragma_quick_check).
    let complaints = try target.rows("PRAGMA quick_check").compactMap { $0[0].text }
    guard complaints == ["ok"] else {
      throw MigrationError(
        .databaseDamaged, "the database is damaged, so no snapshot was made",
        details: DetailLines.first(complaints.map { Prose($0) }), state: "nothing was changed",
        help: ["see all of the damage: sqlite3 FILE 'PRAGMA integrity_check'"])
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
      throw MigrationError.stopped()
    }
    return (hash.hex, bytes)
  }

  private func isTaken(_ path: String) -> MigrationError {
    MigrationError(
      .alreadyExists, "\(path) exists already", state: "nothing was changed",
      help: ["give the checkpoint another name, or move the file away"])
  }

  fileprivate static func failed(_ folder: String, _ why: Prose) -> MigrationError {
    Snapshot.failed(
      "the snapshot cannot be made in \(folder): \(why)",
      help: "name a writable folder with enough free space: --snapshot DIR")
  }
}

extension SnapshotDraft {
  /// Says which snapshot a private folder was for.
  struct Claim {
    let path: String
    /// The database whose ledger will record it; empty when none will.
    let database: String
    private let inode: String
    private let checksum: String

    private static let name = "claim"

    fileprivate init(path: String, database: String, of copy: DatabaseCopy, checksum: String) {
      (self.path, self.database, self.checksum) = (path, database, checksum)
      inode = Self.inode(of: copy.path)
    }

    /// The claim of a folder; nil when there is none, or it is incomplete.
    init?(in folder: String) {
      guard let bytes = try? FileReading.bytes(of: "\(folder)/\(Self.name)", limit: 65_536) else {
        return nil
      }
      // No path has a zero byte in it.
      let parts = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      guard parts.count == 5 else { return nil }
      (path, database, inode, checksum) = (parts[0], parts[1], parts[2], parts[3])
    }

    fileprivate func write(in folder: PrivateFolder) throws(FileReading.Failure) {
      try PrivateFolder.write(
        [path, database, inode, checksum, ""].joined(separator: "\0"), to: "\(folder.path)/\(Self.name)")
    }

    /// Removes the snapshot and its checksum, if they are still those of the folder.
    func removeFiles() {
      let isEmpty = FileReading.mark(of: path)?.bytes == 0
      if isEmpty || Self.inode(of: path) == inode { FileDurability.remove(path) }
      let sidecar = Snapshot.sidecar(of: path)
      let text = (try? FileReading.bytes(of: sidecar, limit: 65_536)).map {
        String(decoding: $0, as: UTF8.self)
      }
      if FileReading.mark(of: sidecar) != nil, let text, text.isEmpty || text.hasPrefix(checksum) {
        FileDurability.remove(sidecar)
      }
    }

    private static func inode(of path: String) -> String {
      FileReading.mark(of: path).map { "\($0.device) \($0.inode)" } ?? "none"
    }
  }
}
