internal import PhaseSQLite

/// The result of a restore.
package struct Restoration: Sendable, Hashable {
  package let snapshot: Snapshot
  /// What it undid.
  package let losses: RestoreLosses
  /// The phase after which the database is now, nil before the first.
  package let phase: PhaseID?
}

/// Replaces the content of a database, including the ledger, by that of a snapshot.
struct RestoreRun {
  private static let purpose = DatabaseCopy.Purpose(
    spare: { $0 / 100 }, failed: RestoreRun.failed)

  let live: Connection
  let database: String
  let runner: Runner
  let now: () -> Timestamp
  let shouldGoOn: () -> Bool

  /// Replaces everything in one transaction of SQLite: other connections see the database before or after it.
  ///
  /// The ledger's entry about the restore is written into a private copy of the snapshot first, so that it arrives
  /// together with the content.
  ///
  /// - Parameters:
  ///   - name: the operator's name for the snapshot, for the log.
  ///   - checkpoint: the checkpoint it belongs to, nil when it was named by its path.
  /// - Throws: `database-busy`, `snapshot-failed` when there is no room for the copy beside the database.
  func replace(
    by source: Connection, _ snapshot: Snapshot, called name: String, _ checkpoint: Checkpoint?
  ) throws(MigrationError) {
    try refuseOtherPages(source)
    let place = FileDurability.folder(of: database)
    let draft = try DatabaseCopy(
      of: source, as: "snapshot.db",
      in: DatabaseCopy.makeFolder(in: place, besides: database, for: Self.purpose), for: Self.purpose,
      shouldGoOn: shouldGoOn)
    let copy: Connection
    do {
      copy = try Connection(path: draft.path, mode: .readWrite)
      try copy.execute("PRAGMA synchronous = OFF")
      try copy.execute("PRAGMA journal_mode = MEMORY")
      try enter(snapshot, called: name, checkpoint, into: copy)
    } catch let error as MigrationError {
      throw error
    } catch let error as SQLiteError {
      throw Self.purpose.error(error, while: "copying the snapshot", place)
    } catch {
      throw Self.failed(place, "\(error)")
    }
    try replace(by: copy)
  }

  /// The only step that changes the database.
  private func replace(by copy: Connection) throws(MigrationError) {
    let durability = try DurableCommits(on: live)
    try durability.whileInForce { () throws(MigrationError) in
      try lifting("replacing the database by the snapshot") { () in
        try copy.backUp(to: live) { _, _ in shouldGoOn() }
      }
    }
  }

  private func enter(
    _ snapshot: Snapshot, called name: String, _ checkpoint: Checkpoint?, into copy: Connection
  ) throws {
    let transaction = try copy.begin(.immediate)
    guard let ledger = try Knowledge(of: copy).ledger?.upgraded(by: runner, at: now()) else {
      throw Ledger.damaged("the snapshot has no ledger")
    }
    let time = now()
    // A run that had the lease when the snapshot was made is not going on now.
    try ledger.lease.release()
    if let checkpoint { try ledger.checkpoints.take(up: checkpoint, snapshot) }
    try ledger.log(
      .restore, subject: name, detail: "\(snapshot.path), sha256 \(snapshot.checksum)", by: runner, at: time)
    try transaction.commit()
  }

  /// In WAL mode SQLite cannot change the size of pages (sqlite.org/c3ref/backup_finish.html).
  private func refuseOtherPages(_ source: Connection) throws(MigrationError) {
    let (mode, sizes) = try lifting("reading the size of pages") { () in
      (
        try live.value("PRAGMA main.journal_mode")?.text,
        [try live.value("PRAGMA main.page_size"), try source.value("PRAGMA main.page_size")].map {
          $0?.integer ?? 0
        }
      )
    }
    guard mode == "wal", sizes[0] != sizes[1] else { return }
    throw Snapshot.failed(
      "the database is in WAL mode with pages of \(sizes[0]) bytes, and the snapshot has pages of \(sizes[1])",
      help: "take it out of WAL mode first: sqlite3 FILE 'PRAGMA journal_mode = DELETE'")
  }

  fileprivate static func failed(_ place: String, _ why: Prose) -> MigrationError {
    Snapshot.failed(
      "the snapshot cannot be prepared in \(place): \(why)",
      help: "make room beside the database for one more copy of it")
  }
}
