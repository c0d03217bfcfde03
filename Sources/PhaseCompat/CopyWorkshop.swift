internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Makes copies, in memory or in a private folder that is removed with the last of them.
final class CopyWorkshop {
  let clock: StandingClock
  /// Shared, because the same phases go up and down on many copies.
  let trials: TransitionTrials
  /// Functions that only the applications have.
  let functions: [FunctionStub]
  /// The functions for which a stub answered while phases ran.
  var stubsOfPhases: Set<String> = []
  let now: Timestamp
  let runner: Runner
  let cancellation: Cancellation
  /// Cancels the work when its result is no longer wanted.
  private let dismissal: Cancellation
  /// The schema of the last copy. The next copy has most of it, which need not be parsed again.
  var lastSchema: Schema?
  private var folder: PrivateFolder?
  private var count = 0

  private static let purpose = DatabaseCopy.Purpose.trial { $0 / 100 + 65_536 }

  /// The largest database, in bytes, that is copied into memory.
  private static let inMemory = 64 << 20

  init(
    _ surroundings: CompatibilityCheck.Surroundings, dismissal: Cancellation = Cancellation()
  ) throws(MigrationError) {
    self.dismissal = dismissal
    functions = surroundings.functions
    trials = TransitionTrials(functions: functions)
    now = surroundings.now
    runner = surroundings.runner
    cancellation = surroundings.cancellation
    let now = now
    clock = try lifting("freezing the clock of the copies") { () in
      // As SQLite reads it, without the Z, and to the second, as CURRENT_TIMESTAMP gives it.
      try StandingClock(at: String(now.text.prefix(19)).replacing("T", with: " "))
    }
  }

  var isStopped: Bool { cancellation.isRequested || dismissal.isRequested }

  /// A copy of a database file, which is only read.
  ///
  /// - Throws: `database-not-found` and what else keeps it from being read.
  func copy(
    ofFile path: String, wait: Duration, ignoring ignored: NamePatterns
  ) throws(MigrationError) -> StateCopy {
    guard let source = try DatabaseFile.openForReading(path, wait: wait) else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(path)", help: ["check the path given with --database"])
    }
    source.ignoredTables = ignored
    return try reading(source) { () throws(MigrationError) in try copy(of: source) }
  }

  /// A database with nothing in it.
  func empty() throws(MigrationError) -> StateCopy {
    let connection = try lifting("opening a database in memory") { () in
      try Connection(path: "", mode: .memory)
    }
    return try StateCopy(connection, in: self)
  }

  /// A copy of what a connection sees.
  func copy(of source: Connection) throws(MigrationError) -> StateCopy {
    let bytes = try lifting("reading the size of the database") { () in try source.contentBytes }
    guard bytes > Self.inMemory else {
      let target = try lifting("copying the database") { () in
        try DatabaseCopy.inMemory(of: source) { !isStopped }
      }
      return try StateCopy(target, in: self)
    }
    let file = try file(of: source, as: "\(count + 1).db")
    count += 1
    let target = try lifting("opening a copy") { () in try file.open(.readWrite) }
    return try StateCopy(target, file, in: self)
  }

  /// A copy of what a connection sees, as a file.
  func file(of source: Connection, as name: String) throws(MigrationError) -> DatabaseCopy {
    return try DatabaseCopy(
      of: source, as: name, in: try ownFolder(besides: source.path), for: Self.purpose,
      shouldGoOn: { !isStopped })
  }

  private func ownFolder(besides database: String) throws(MigrationError) -> PrivateFolder {
    if let folder { return folder }
    let made = try DatabaseCopy.makeFolder(
      in: PrivateFolder.temporary, besides: database, for: Self.purpose)
    folder = made
    return made
  }
}
