internal import PhaseSQLite

/// A snapshot to be restored: the file, and the checksum that it must have.
struct SnapshotFile {
  let path: String
  private let checksum: String
  /// Its name in errors.
  private let title: String

  /// The snapshot of a checkpoint of the ledger.
  init(_ snapshot: Snapshot, of checkpoint: String) {
    path = snapshot.path
    checksum = snapshot.checksum
    title = "the snapshot of @\(checkpoint)"
  }

  /// A snapshot by its path, with its checksum in a file beside it.
  ///
  /// - Throws: `snapshot-missing`.
  init(path: String) throws(MigrationError) {
    do throws(FileReading.Failure) {
      self.path = try FileReading.absolute(path)
    } catch {
      throw Self.missing("the snapshot \(path)", "\(error.reason)")
    }
    title = "the snapshot \(path)"
    let sidecar = Snapshot.sidecar(of: self.path)
    do throws(FileReading.Failure) {
      let text = String(decoding: try FileReading.bytes(of: sidecar, limit: 4_096), as: UTF8.self)
      checksum = String(text.prefix { $0.isHexDigit })
    } catch {
      throw Self.missing("the checksum of \(path), \(sidecar)", "\(error.reason)")
    }
  }

  /// Reads the whole file and opens it.
  ///
  /// - Throws: `snapshot-missing`, `snapshot-altered` when it is not the file that was made, `interrupted`.
  func open(shouldGoOn: () -> Bool) throws(MigrationError) -> (connection: Connection, snapshot: Snapshot) {
    let found: (checksum: String, bytes: Int)
    do {
      found = try SnapshotDraft.checksum(of: path, shouldGoOn)
    } catch let error as FileReading.Failure {
      throw Self.missing("\(title), \(path)", "\(error.reason)")
    } catch let error as MigrationError {
      throw error
    } catch {
      throw Self.missing("\(title), \(path)", "\(error)")
    }
    guard found.checksum == checksum else {
      throw altered("its checksum was \(checksum), and is \(found.checksum) now")
    }
    do throws(SQLiteError) {
      let connection = try Connection(path: path, mode: .immutable)
      _ = try connection.value("SELECT count(*) FROM main.sqlite_schema")
      return (connection, Snapshot(path: path, bytes: found.bytes, checksum: checksum))
    } catch {
      throw altered("\(error.message)")
    }
  }

  private func altered(_ why: Prose) -> MigrationError {
    MigrationError(
      .snapshotAltered, "\(title), \(path), was changed after it was made", details: [why],
      state: "nothing was changed", help: ["restore another snapshot, or a backup"])
  }

  private static func missing(_ title: Prose, _ why: Prose) -> MigrationError {
    MigrationError(
      .snapshotMissing, "\(title) cannot be read: \(why)", state: "nothing was changed",
      help: ["list the snapshots: phasedb checkpoint list"])
  }
}
