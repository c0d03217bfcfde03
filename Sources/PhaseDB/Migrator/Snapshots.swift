internal import PhaseSQLite

/// Copies a whole database at a checkpoint.
struct SnapshotWork: MigratorWork {
  let migrator: Migrator
  private var named: CheckpointWork { CheckpointWork(migrator: migrator) }

  func createCheckpoint(
    _ name: String, note: String, snapshotIn folder: String
  ) throws(MigrationError) -> Checkpoint {
    try CheckpointWork.refuseName(name)
    Leftovers.remove(beside: connection.path, in: [folder])
    let source = try reader()
    let (placed, applied) = try reading(source) { () throws(MigrationError) in
      let knowledge = try Knowledge(of: source)
      _ = try named.ledger(naming: name, knowledge)
      return (
        try copy(source, as: name, in: folder, isRecorded: true), knowledge.applied.map(\.sequence)
      )
    }
    let snapshot = placed.snapshot
    defer { withExtendedLifetime(placed) {} }
    do throws(MigrationError) {
      return try writing("committing the checkpoint") { knowledge throws(MigrationError) in
        guard knowledge.applied.map(\.sequence) == applied else {
          throw MigrationError(
            .ledgerMoved, "another runner applied or reversed phases while the snapshot was made",
            state: "nothing was changed; the snapshot was removed", help: ["run the command again"])
        }
        return try named.record(name, note: note, with: snapshot, knowledge)
      }
    } catch {
      FileDurability.remove(snapshot.path)
      FileDurability.remove(Snapshot.sidecar(of: snapshot.path))
      throw error
    }
  }

  func snapshot(
    before plan: Plan, in folder: String
  ) throws(MigrationError) -> (snapshot: Snapshot, checkpoint: Checkpoint?)? {
    guard let first = plan.steps.first, isThere else { return nil }
    let knowledge = try reading(connection) { () throws(MigrationError) in try Knowledge(of: connection) }
    guard knowledge.ledger != nil || !knowledge.isFresh else { return nil }
    if let underWay = try knowledge.ledger?.batches.underWay() {
      let made = try named.checkpoints().filter { $0.isSnapshot(before: underWay.id) }.max { $0.at < $1.at }
      guard let made, let snapshot = made.snapshot else { throw underWay.lacksSnapshot }
      return (snapshot, made)
    }
    let way = plan.direction == .up ? "before" : "before-down"
    let name = try freeName("\(way)-\(first.id.migration.digits)-\(first.id.kind.rawValue)", in: folder)
    guard knowledge.ledger == nil else {
      let checkpoint = try createCheckpoint(
        name, note: Checkpoint.note(before: plan.steps.filter { $0.phase.batching != nil }.map(\.id)),
        snapshotIn: folder)
      return checkpoint.snapshot.map { ($0, checkpoint) }
    }
    let source = try reader()
    return try reading(source) { () throws(MigrationError) in
      (try copy(source, as: name, in: folder, isRecorded: false).snapshot, nil)
    }
  }

  /// A name that neither a checkpoint nor a file has.
  private func freeName(_ name: String, in folder: String) throws(MigrationError) -> String {
    let taken = Set(try named.checkpoints().compactMap(\.name))
    let candidates = sequence(first: 1) { $0 + 1 }.lazy.map { $0 == 1 ? name : "\(name)-\($0)" }
    return candidates.first { candidate in
      !taken.contains(candidate)
        && !FileReading.exists("\(folder)/\(Snapshot.fileName(of: connection.path, at: candidate))")
    } ?? name
  }

  private func copy(
    _ source: Connection, as name: String, in folder: String, isRecorded: Bool
  ) throws(MigrationError) -> SnapshotDraft.Placed {
    let cancellation = options.cancellation
    let draft = try SnapshotDraft(
      Snapshot.fileName(of: source.path, at: name), in: folder, of: source.path)
    return try draft.finish(from: source, isRecorded: isRecorded) { !cancellation.isRequested }
  }

  /// A separate connection that reads the file, so that functions and watches on it affect no other.
  func reader() throws(MigrationError) -> Connection {
    guard !connection.path.isEmpty else {
      throw Snapshot.failed(
        "a database in memory cannot have snapshots", help: "name a database file: --database FILE")
    }
    guard let reader = try DatabaseFile.openForReading(connection.path, wait: options.wait) else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(database)",
        help: ["check the path given with --database"])
    }
    reader.ignoredTables = connection.ignoredTables
    return reader
  }
}

extension Checkpoint {
  private static let noteHead = "made before the batches of "

  /// The note of a snapshot. It names the batched phases after it, because only a run in batches can stop and
  /// continue later.
  fileprivate static func note(before batched: [PhaseID]) -> String {
    batched.isEmpty ? "" : noteHead + batched.map(\.description).joined(separator: ", ")
  }

  /// Whether it has an existing snapshot that was made before the batches of a phase.
  fileprivate func isSnapshot(before phase: PhaseID) -> Bool {
    guard note.hasPrefix(Self.noteHead), let snapshot else { return false }
    return note.dropFirst(Self.noteHead.count).split(separator: ", ").contains { $0 == phase.description }
      && FileReading.mark(of: snapshot.path)?.bytes == snapshot.bytes
  }
}

extension BatchRecord {
  fileprivate var lacksSnapshot: MigrationError {
    MigrationError(
      .phaseInProgress,
      "\(id) is half done on its way \(direction.rawValue), and no snapshot was made before its first batch",
      state: "nothing was changed",
      help: [
        "continue without a snapshot: phasedb up",
        "or undo the phase first: phasedb down",
        "then start again: phasedb up --snapshot DIR",
      ])
  }
}

// MARK: - The way back

/// Puts a whole database back to a snapshot.
struct RestoreWork: MigratorWork {
  let migrator: Migrator

  func losses(restoring name: String) throws(MigrationError) -> RestoreLosses {
    try compared(with: snapshot(name)).losses
  }

  func restore(_ name: String, confirmed: String?) throws(MigrationError) -> Restoration {
    let found = try snapshot(name)
    let (source, snapshot, losses) = try compared(with: found)
    guard confirmed == name else { throw Self.unconfirmed(name, losses, confirmed) }
    guard connection.isAutocommit else { throw .transactionOpen }
    Leftovers.remove(beside: connection.path)
    return try changingNothing { () throws(MigrationError) in
      try refuseLease()
      let cancellation = options.cancellation
      let busyTimeout = try ConnectionDiscipline.busyTimeout(of: connection)
      defer { connection.setBusyTimeout(milliseconds: busyTimeout) }
      connection.setBusyDeadline(.now + options.wait)
      let run = RestoreRun(
        live: connection, database: connection.path, runner: options.runner, now: options.now,
        shouldGoOn: { !cancellation.isRequested })
      try run.replace(by: source, snapshot, called: name, found.checkpoint)
      return Restoration(
        snapshot: snapshot, losses: losses, phase: try Knowledge(of: connection).applied.last?.id)
    }
  }

  private typealias Found = (file: SnapshotFile, checkpoint: Checkpoint?)

  private func snapshot(_ name: String) throws(MigrationError) -> Found {
    let checkpoints = try CheckpointWork(migrator: migrator).checkpoints()
    if let checkpoint = checkpoints.first(where: { $0.isCalled(name) }) {
      guard let snapshot = checkpoint.snapshot else {
        throw MigrationError(
          .snapshotMissing, "checkpoint @\(name) has no snapshot", state: "nothing was changed",
          help: [
            "reverse the phases instead: phasedb down --to @\(name)",
            "next time, make one: phasedb checkpoint create NAME --snapshot DIR",
          ])
      }
      return (SnapshotFile(snapshot, of: name), checkpoint)
    }
    guard !name.contains("/"), !FileReading.exists(name) else { return (try SnapshotFile(path: name), nil) }
    let names = checkpoints.filter { $0.snapshot != nil }.compactMap(\.name)
    let nearest = Suggestion.nearest(to: name, in: names)
    throw MigrationError(
      .unknownCheckpoint, "there is no checkpoint @\(name), and no file of that name",
      state: "nothing was changed",
      help: [nearest.map { "did you mean @\($0)?" } ?? "list the checkpoints: phasedb checkpoint list"])
  }

  private func compared(
    with found: Found
  ) throws(MigrationError) -> (source: Connection, snapshot: Snapshot, losses: RestoreLosses) {
    let cancellation = options.cancellation
    let (source, snapshot) = try found.file.open { !cancellation.isRequested }
    let present = try SnapshotWork(migrator: migrator).reader()
    let losses = try reading(present) { () throws(MigrationError) in
      try refuseForeign(source, present)
      return try RestoreLosses(from: source, to: present, of: found.checkpoint?.name) {
        !cancellation.isRequested
      }
    }
    return (source, snapshot, losses)
  }

  /// Refuses a snapshot of another database. The first log entry of every ledger is unique.
  private func refuseForeign(_ snapshot: Connection, _ present: Connection) throws(MigrationError) {
    let (then, now) = (try Knowledge(of: snapshot).ledger, try Knowledge(of: present).ledger)
    let (first, own) = try lifting("reading the ledgers") { () in
      (try then?.hash(of: 1), try now?.hash(of: 1))
    }
    guard let first, first == own else {
      throw MigrationError(
        .snapshotForeign, "the snapshot belongs to another database than \(database)",
        state: "nothing was changed",
        help: ["check the paths; to make a new database from a snapshot, copy its file"])
    }
  }

  private func refuseLease() throws(MigrationError) {
    let lease = try lifting("reading the ledger") { () in try Knowledge(of: connection).ledger?.lease.held() }
    guard let lease, lease.holder != options.runner, !lease.holder.isProvablyDead(seenFrom: options.runner)
    else {
      return
    }
    throw lease.held
  }

  /// - Parameter wrong: the wrong word that the operator gave.
  private static func unconfirmed(_ name: String, _ losses: RestoreLosses, _ wrong: String?) -> MigrationError
  {
    MigrationError(
      .restoreUnconfirmed,
      losses.isEmpty
        ? "the database has not changed since the snapshot \(name)"
        : "restoring the snapshot \(name) undoes everything since it was made",
      details: losses.lines, state: "nothing was changed",
      help: (wrong.map { ["'\($0)' does not confirm it: it is not the name of the snapshot"] } ?? []) + [
        "stop the applications that use the database, then confirm: --confirm \(name)",
        "to keep what was written since, reverse the phases instead: phasedb plan down",
      ])
  }
}
