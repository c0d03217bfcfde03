internal import PhaseSQLite

/// Lists and names the points to which a way down can return.
struct CheckpointWork: MigratorWork {
  let migrator: Migrator

  func checkpoints() throws(MigrationError) -> [Checkpoint] {
    try reading(connection) { () throws(MigrationError) in
      let knowledge = try Knowledge(of: connection)
      guard let ledger = knowledge.ledger else { return [] }
      let named = try lifting("reading the ledger") { () in
        try ledger.checkpoints.named(applied: knowledge.applied)
      }
      return (knowledge.applied.map(Checkpoint.init(after:)) + named).sorted {
        ($0.sequence, $0.name ?? "") < ($1.sequence, $1.name ?? "")
      }
    }
  }

  func create(_ name: String, note: String) throws(MigrationError) -> Checkpoint {
    try Self.refuseName(name)
    return try writing("committing the checkpoint") { knowledge throws(MigrationError) in
      try record(name, note: note, knowledge)
    }
  }

  static func refuseName(_ name: String) throws(MigrationError) {
    guard name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) }), Int64(name) == nil,
      !name.isEmpty
    else {
      throw MigrationError(
        .invalidName, "'\(name)' is not a valid name of a checkpoint", state: "nothing was changed",
        help: ["use letters, digits, '-', '_' and '.', but not digits alone: before-release"])
    }
  }

  /// Refuses a name for the point where a database stands, or gives it its ledger.
  func ledger(naming name: String, _ knowledge: Knowledge) throws(MigrationError) -> Ledger {
    guard let ledger = knowledge.ledger else {
      throw MigrationError(
        .ledgerMissing, "\(database) has no ledger yet, so there is no state to name",
        state: "nothing was changed",
        help: ["apply the first phase: phasedb up 1"])
    }
    guard knowledge.isInPlace || options.overridden.contains(.drift) else {
      throw try knowledge.driftError(isGate: false)
    }
    if let underWay = try ledger.batches.underWay() { throw underWay.inProgress("no checkpoint can be made") }
    let isTaken = try lifting("reading the ledger") { () in
      try ledger.checkpoints.named(applied: []).contains { $0.name == name }
    }
    guard !isTaken else {
      throw MigrationError(
        .checkpointExists, "there is a checkpoint @\(name) already", state: "nothing was changed",
        help: ["choose another name; list them: phasedb checkpoint list"])
    }
    return ledger
  }

  /// Writes a checkpoint into the ledger, with its snapshot when it has one.
  func record(
    _ name: String, note: String, with snapshot: Snapshot? = nil, _ knowledge: Knowledge
  ) throws(MigrationError) -> Checkpoint {
    var ledger = try ledger(naming: name, knowledge)
    let last = knowledge.applied.last
    let time = options.now()
    try lifting("writing the ledger") { () in
      if let snapshot {
        ledger = try ledger.upgraded(by: options.runner, at: time)
        try ledger.checkpoints.set(snapshot, of: name)
      }
      try ledger.checkpoints.add(
        name, sequence: last?.sequence ?? 0, note: note, snapshot, by: options.runner, at: time)
    }
    return Checkpoint(
      name: name, sequence: last?.sequence ?? 0, phase: last?.id, at: time, who: options.runner.user,
      host: options.runner.host, note: note, isReachable: true, snapshot: snapshot)
  }

  func log(limit: Int?) throws(MigrationError) -> [LogEntry] {
    guard let ledger = try Knowledge(of: connection).ledger else { return [] }
    return try lifting("reading the ledger") { () in try ledger.entries(limit: limit) }
  }
}
