internal import PhaseSQLite

extension DownRun {
  /// Up to what size a database is copied into memory to say what its way down would do. Copying so much takes a few
  /// milliseconds, so that every command can; larger ones are asked with `phasedb rehearse down`.
  static let mostBytes = 4 << 20
  /// How long the way down of a small database may take before it counts as not tried.
  private static let mostTime = Duration.seconds(2)

  /// On a copy in memory.
  ///
  /// - Parameter limit: how many bytes are copied at most.
  /// - Returns: nil for a database that is too large, or that only its application can read.
  static func inMemory(
    of source: Connection, upTo limit: Int, runner: Runner, now: @escaping () -> Timestamp
  ) throws(MigrationError) -> DownRun? {
    guard !source.isBorrowed else { return nil }
    let bytes = try lifting("reading the size of the database") { () in
      (try source.value("PRAGMA main.page_count")?.integer ?? 0)
        * (try source.value("PRAGMA main.page_size")?.integer ?? 0)
    }
    guard bytes <= limit else { return nil }
    let copy = try lifting("copying the database into memory") { () in
      let copy = try source.copyInMemory()
      try copy.execute("DELETE FROM phasedb_lease")
      return copy
    }
    var pacing = Pacing()
    pacing.pause = .zero
    let fork = { () throws -> Connection in try copy.copyInMemory() }
    return try DownRun(
      on: copy, runner: runner, pacing: pacing, now: now, cancellation: Cancellation(after: mostTime),
      forks: 60, look: fork, fork: fork)
  }

  /// On a copy in a file. More copies of it are made beside it.
  static func onFile(
    _ copy: DatabaseCopy, runner: Runner, pacing: Pacing, now: @escaping () -> Timestamp,
    cancellation: Cancellation
  ) throws(MigrationError) -> DownRun {
    let connection = try copy.openForRehearsal()
    var forks: [DatabaseCopy] = []
    var number = 0
    return try DownRun(
      on: connection, runner: runner, pacing: pacing, now: now, cancellation: cancellation,
      forks: min(60, (256 << 20) / max(1, copy.bytes)),
      look: {
        let reader = try Connection(path: copy.path, mode: .readOnly)
        reader.setBusyTimeout(milliseconds: 10_000)
        try reader.execute("BEGIN")
        // A deferred transaction begins with the first read.
        _ = try reader.value("SELECT 1 FROM sqlite_schema LIMIT 1")
        return reader
      },
      fork: {
        number += 1
        let fork = try DatabaseCopy(
          of: connection, as: "fork-\(number).db", in: copy.folder, for: .rehearsal,
          shouldGoOn: { !cancellation.isRequested })
        // No more than two are compared.
        forks = forks.suffix(1) + [fork]
        return try fork.openForRehearsal()
      })
  }
}

extension Connection {
  fileprivate func copyInMemory() throws(SQLiteError) -> Connection {
    let copy = try Connection(path: "", mode: .memory)
    try backUp(to: copy)
    // The ledger's SQL is anybody's who can write the database.
    var limits = CostLimit.Limits.scratch
    limits.valueBytes = nil
    try copy.limit(to: CostLimit(limits))
    return copy
  }
}
