internal import PhaseSQLite

/// Whether anybody else writes, as SQLite counts it (sqlite.org/pragma.html#pragma_data_version).
struct ConcurrentWriters {
  private var version: Int64?
  private var lastWrite: ContinuousClock.Instant

  /// How long nobody must have written for the application to count as idle.
  private static let quiet = Duration.milliseconds(200)

  /// Reads from the files when they were last written, so that a run need not observe first. Belongs before the run's
  /// own first write.
  init(of path: String) {
    let ages = [path, "\(path)-wal"].compactMap { FileReading.age(of: $0) }
    lastWrite = ContinuousClock.now - (path.isEmpty ? .zero : ages.min() ?? .zero)
  }

  /// Whether there was no write for a while.
  mutating func areQuiet(on connection: Connection) throws(MigrationError) -> Bool {
    let present = try lifting("reading PRAGMA data_version") { () in
      try connection.value("PRAGMA main.data_version")?.integer
    }
    let now = ContinuousClock.now
    if version != nil, present != version { lastWrite = now }
    version = present
    return now - lastWrite > Self.quiet
  }
}
