internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Makes copies, in a folder of its own that is gone with it.
final class CopyWorkshop {
  let clock: StandingClock
  /// The same phases go up and down on many copies.
  let trials = TransitionTrials()
  let now: Timestamp
  let runner: Runner
  let cancellation: Cancellation
  /// A request to stop that means nobody waits for what is made here any more.
  private let dismissal: Cancellation
  /// That of the copy that was looked at last. The next one has most of it, which need not be taken apart again.
  var lastSchema: Schema?
  private var folder: String?
  private var count = 0

  /// Databases of up to so many bytes are copied into memory.
  private static let inMemory: Int64 = 64 << 20

  init(
    _ surroundings: CompatibilityCheck.Surroundings, dismissal: Cancellation = Cancellation()
  ) throws(MigrationError) {
    self.dismissal = dismissal
    now = surroundings.now
    runner = surroundings.runner
    cancellation = surroundings.cancellation
    let now = now
    clock = try lifting("stopping the clock of the copies") { () in
      // As SQLite reads it, without the Z, and to the second, as CURRENT_TIMESTAMP gives it.
      try StandingClock(at: String(now.text.prefix(19)).replacing("T", with: " "))
    }
  }

  var isStopped: Bool { cancellation.isRequested || dismissal.isRequested }

  deinit { if let folder { try? FileManager.default.removeItem(atPath: folder) } }

  /// A copy of a database file, which is only read.
  ///
  /// - Throws: `database-not-found` and what else keeps it from being read.
  func copy(ofFile path: String, wait: Duration) throws(MigrationError) -> StateCopy {
    guard FileReading.exists(path) else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(path)", help: ["check the path given with --database"])
    }
    let source = try lifting("opening \(path)") { () in
      let source = try Connection(path: path, mode: .readOnly)
      source.setBusyTimeout(milliseconds: Pause.milliseconds(until: .now + wait))
      return source
    }
    return try copy(of: source)
  }

  /// A database with nothing in it.
  func empty() throws(MigrationError) -> StateCopy {
    let connection = try lifting("opening a database in memory") { () in
      try Connection(path: "", mode: .memory)
    }
    return try StateCopy(connection, path: nil, in: self)
  }

  /// A copy of what a connection sees.
  func copy(of source: Connection) throws(MigrationError) -> StateCopy {
    let bytes = try lifting("reading the size of the database") { () in
      (try source.value("PRAGMA main.page_count")?.integer ?? 0)
        * (try source.value("PRAGMA main.page_size")?.integer ?? 0)
    }
    let path = bytes <= Self.inMemory ? nil : try newFile()
    let target = try lifting("opening a copy") { () in
      try Connection(path: path ?? "", mode: path == nil ? .memory : .create)
    }
    try lifting("copying the database") { () in try source.backUp(to: target) }
    return try StateCopy(target, path: path, in: self)
  }

  /// An empty file that only its owner can read: what will be in it is real data.
  private func newFile() throws(MigrationError) -> String {
    let made: String
    if let folder {
      made = folder
    } else {
      made = FileManager.default.temporaryDirectory.path + "/phasedb-compat-\(UUID().uuidString)"
      do {
        try FileManager.default.createDirectory(
          atPath: made, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      } catch {
        throw MigrationError(
          .folderUnreadable, "cannot make the folder \(made) for copies",
          help: ["name a folder that can be written in TMPDIR"])
      }
      folder = made
    }
    count += 1
    return "\(made)/\(count).db"
  }
}
