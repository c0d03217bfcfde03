internal import PhaseSQLite

/// A private copy of a database, gone when this goes out of scope.
///
/// It stands in a folder of its own that only its owner may enter, as a file of mode 0600. It is in WAL mode whatever
/// the database is in: then a reader that began before a phase still sees what was there before it, and rows can be
/// compared without another copy.
final class RehearsalCopy {
  let path: String
  let bytes: Int
  let milliseconds: Double
  private let folder: PrivateFolder
  private static let name = "copy.db"
  static let prefix = ".phasedb-rehearsal-"

  /// - Parameters:
  ///   - source: in a read transaction, so that what is copied is what was read before.
  ///   - place: the folder to make it in; nil for the one that the database is in.
  ///   - observe: told how many bytes there are, before they are copied.
  /// - Throws: `rehearsal-copy-failed` when there is no room or no permission, `interrupted`.
  init(
    of source: Connection, in place: String?, shouldGoOn: () -> Bool, observe: (Int) -> Void
  ) throws(MigrationError) {
    let place = place ?? Self.folder(of: source.path)
    bytes = try lifting("reading the size of the database") { () in
      Int(
        (try source.value("PRAGMA main.page_count")?.integer ?? 0)
          * (try source.value("PRAGMA main.page_size")?.integer ?? 0))
    }
    try Self.refuseFullDisk(place, bytes: bytes)
    do throws(FileReading.Failure) {
      folder = try PrivateFolder(in: place, prefix: Self.prefix)
      path = try folder.makeFile(Self.name)
    } catch {
      throw Self.failed("the copy cannot be made in \(place): \(error.reason)")
    }
    observe(bytes)
    let began = ContinuousClock.now
    do throws(SQLiteError) {
      let target = try Connection(path: path, mode: .readWrite)
      // A copy that is lost in a crash is made again.
      try target.execute("PRAGMA synchronous = OFF")
      try target.execute("PRAGMA journal_mode = OFF")
      try source.backUp(to: target) { _, _ in shouldGoOn() }
    } catch {
      throw Self.failure(error, while: "copying the database", place)
    }
    milliseconds = (ContinuousClock.now - began).milliseconds
  }

  /// A connection on the copy, for the one who rehearses on it.
  func open() throws(MigrationError) -> Connection {
    try lifting("opening the copy") { () in
      let connection = try Connection(path: path, mode: .readWrite)
      guard try connection.value("PRAGMA journal_mode = WAL") == "wal" else {
        throw Self.failed("the file system of \(path) does not let SQLite keep a write-ahead log")
      }
      // Whoever ran phases when the copy was made does not run them on it.
      if case .present = try Ledger.presence(in: connection) {
        try connection.execute("DELETE FROM phasedb_lease")
      }
      return connection
    }
  }

  /// How much the write-ahead log of the copy takes.
  var logBytes: Int { folder.size(of: Self.name + "-wal") }

  /// Room for the copy, and a little for what phases write to it.
  private static func refuseFullDisk(_ place: String, bytes: Int) throws(MigrationError) {
    let needed = bytes + bytes / 10 + (16 << 20)
    guard let free = FileReading.freeBytes(at: place), free < Int64(needed) else { return }
    throw failed(
      "the copy needs \(needed >> 20) MB and \(place) has \(free >> 20) MB left")
  }

  /// The folder that a file is in.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return path.isEmpty ? "/tmp" : "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// What an error of SQLite means that happened on the copy.
  static func failure(_ error: SQLiteError, while activity: Prose, _ place: String) -> MigrationError {
    switch error.code.primary {
    case .full, .readOnly, .cannotOpen, .ioError:
      failed("\(activity) in \(place): \(error.message)")
    default: MigrationError(error, while: activity)
    }
  }

  static func failed(_ message: Prose) -> MigrationError {
    MigrationError(
      .rehearsalCopyFailed, message, state: "nothing was changed, and the copy is removed",
      help: ["name a folder on a disk with room that you may write: --copy-to DIR"])
  }
}
