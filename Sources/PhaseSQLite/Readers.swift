internal import Dispatch
package import PhaseSQL
internal import Synchronization

/// Connections that read one file on several threads, and see the same state of it.
///
/// Each holds a read transaction from the beginning to the end. All see the same state if no connection commits while
/// they begin. The caller ensures that: either no other process writes the file, or the readers are made within
/// ``whileNoneCommits(on:_:)``. In WAL mode others may write meanwhile (sqlite.org/isolation.html); in the
/// other modes they wait until the readers are gone.
package final class Readers: Sendable {
  private let readers: [Reader]

  private final class Reader: Sendable {
    let connection: Mutex<Connection>

    init(path: String, ignoring tables: NamePatterns) throws(SQLiteError) {
      let connection = try Connection(path: path, mode: .readOnly)
      connection.ignoredTables = tables
      connection.setBusyTimeout(milliseconds: 10_000)
      try connection.execute("BEGIN")
      // A deferred transaction begins with the first read.
      _ = try connection.value("SELECT 1 FROM sqlite_schema LIMIT 1")
      self.connection = Mutex(connection)
    }
  }

  /// - Parameter count: the number of connections, at least 1.
  package init(
    path: String, count: Int, ignoring tables: NamePatterns = NamePatterns(),
    shouldGoOn: @escaping @Sendable () -> Bool = { true }
  ) throws(SQLiteError) {
    var readers: [Reader] = []
    for _ in 0..<max(1, count) {
      let reader = try Reader(path: path, ignoring: tables)
      reader.connection.withLock { $0.setProgressHandler(every: 1_000, shouldGoOn) }
      readers.append(reader)
    }
    self.readers = readers
  }

  package var count: Int { readers.count }

  /// Runs a body on the first of them.
  package func first<Result>(_ body: (Connection) throws -> sending Result) throws -> sending Result {
    try readers[0].connection.withLock { try body($0) }
  }

  /// Runs a body on all of them at once, and waits for the last.
  ///
  /// - Throws: the error of the first that failed.
  package func all(_ body: @Sendable (Connection) throws -> Void) throws {
    let failure = Mutex<(any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: readers.count) { index in
      do {
        try readers[index].connection.withLock { try body($0) }
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  /// Runs a body while a connection holds the write lock and writes nothing, so that none commits meanwhile.
  package static func whileNoneCommits<Result>(
    on connection: Connection, _ body: () throws -> Result
  ) throws -> Result {
    let transaction = try connection.begin(.immediate)
    let result = try body()
    try transaction.rollBack()
    return result
  }
}
