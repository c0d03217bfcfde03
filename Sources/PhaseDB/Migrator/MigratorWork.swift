internal import PhaseSQLite

/// A task on the database of a migrator. Each one has a file of its own; the functions of ``Migrator`` forward to it.
protocol MigratorWork {
  var migrator: Migrator { get }
}

extension MigratorWork {
  var connection: Connection { migrator.connection }
  var catalog: Catalog { migrator.catalog }
  var options: Options { migrator.options }
  /// The path, or a word such as `(memory)`.
  var database: String { migrator.database }
  /// False when there is no file yet.
  var isThere: Bool { migrator.isThere }

  var planning: Planning { Planning(migrator: migrator) }

  /// Runs a body that writes only the ledger, in one transaction with what it reads of the database.
  ///
  /// - Parameter committing: what an error calls the commit, as in "committing the checkpoint".
  /// - Throws: `transaction-open`, `database-busy` when waiting timed out, and what the body throws.
  func writing<Result>(
    _ committing: Prose, _ body: (Knowledge) throws(MigrationError) -> Result
  ) throws(MigrationError) -> Result {
    try durably { () throws(MigrationError) in try writeOnce(committing, body) }
  }

  /// Runs a body that writes: it waits for others as long as the options say, and its commits survive a power cut.
  ///
  /// - Throws: `transaction-open`, and what the body throws.
  func durably<Result>(_ body: () throws(MigrationError) -> Result) throws(MigrationError) -> Result {
    guard connection.isAutocommit else { throw .transactionOpen }
    return try changingNothing { () throws(MigrationError) in
      let busyTimeout = try ConnectionDiscipline.busyTimeout(of: connection)
      defer { connection.setBusyTimeout(milliseconds: busyTimeout) }
      connection.setBusyDeadline(.now + options.wait)
      let durability = try DurableCommits(on: connection)
      return try durability.whileInForce(body)
    }
  }

  private func writeOnce<Result>(
    _ committing: Prose, _ body: (Knowledge) throws(MigrationError) -> Result
  ) throws(MigrationError) -> Result {
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    let knowledge = try Knowledge(of: connection)
    try knowledge.refuseLedgerDrift()
    let before = try lifting("reading the ledger") { () in try knowledge.ledger?.head() ?? 0 }
    let result = try body(knowledge)
    let ledger = Ledger(connection: connection)
    let (entry, hash) = try lifting("reading the ledger") { () in try ledger.lastEntry() }
    try ledger.commit(transaction, leaving: entry > before ? entry : nil, hash, while: committing)
    try Ledger.refuseMoved(connection, committing)
    return result
  }

  /// Refuses to change the ledger while another run may rely on it.
  func refuseLease(_ ledger: Ledger) throws(MigrationError) {
    let held = try lifting("reading the ledger") { () in try ledger.lease.held() }
    if let held, held.holder != options.runner, !held.holder.isProvablyDead(seenFrom: options.runner) {
      throw held.held
    }
  }

  /// The error without a ledger: it is unknown which versions may run on the schema.
  func lacksSchema(_ state: Prose? = nil) -> MigrationError {
    MigrationError(
      .ledgerMissing, "\(database) has no ledger yet, so the schema it should have is unknown", state: state,
      help: [
        "apply the migrations before the application starts: phasedb up",
        "or, if the database is older than its migrations: phasedb adopt",
      ])
  }

  /// Asks the probes of phases.
  var sampler: Sampler {
    Sampler(connection: connection, sources: options.probes, cancellation: options.cancellation)
  }

  /// Waits until a moment, or until a stop is requested.
  func sleep(until moment: ContinuousClock.Instant) throws(MigrationError) {
    while ContinuousClock.now < moment {
      if options.cancellation.isRequested { throw MigrationError.stopped() }
      Pause.sleep(milliseconds: min(100, Double(Pause.milliseconds(until: moment)) + 1))
    }
    if options.cancellation.isRequested { throw MigrationError.stopped() }
  }
}
