internal import PhaseSQLite

/// Tells whether other connections write, by SQLite's own counter (sqlite.org/pragma.html#pragma_data_version).
struct ConcurrentWriters {
  private var version: Int64?
  private var lastWrite: ContinuousClock.Instant

  /// The application counts as idle after this time without a write.
  private static let quiet = Duration.milliseconds(200)

  /// Begins with the times at which the files were last written, so that the run need not wait and watch first.
  /// Belongs before the run's own first write.
  init(of path: String) {
    let ages = [path, "\(path)-wal"].compactMap { FileReading.age(of: $0) }
    lastWrite = ContinuousClock.now - (path.isEmpty ? .zero : ages.min() ?? .zero)
  }

  /// Whether other connections have not written for a while.
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
