internal import PhaseSQL
internal import PhaseSQLite

/// What a database loses, or has lost, when phasedb is removed from it.
package struct Forgetting: Sendable {
  /// The last part of the database's path. An operator types it to confirm the removal.
  package let name: String
  /// The phases whose ways back are lost, in the order in which they were applied.
  package let phases: [PhaseID]
  /// Archives and retired columns and tables.
  package let items: [KeptData]
  /// How many entries the log has.
  package let entries: Int
  /// How many checkpoints have names.
  package let checkpoints: Int
  /// The phase at which the database can be adopted again; nil when its schema is not a state of the folder.
  package let returnsAt: PhaseID?
  /// Unfinished work: a batched phase, a held lane, an open switch, an open watch.
  package let unfinished: [Prose]

  /// What would be lost, one line each.
  var lines: [Prose] {
    var lines: [Prose] = []
    if !phases.isEmpty { lines.append("the ways back of \(CountText.text(phases.count, "phase"))") }
    lines += items.map { "\($0.what): \(DetailLines.rows($0.rows))" }
    if checkpoints > 0 { lines.append("\(CountText.text(checkpoints, "named checkpoint"))") }
    lines.append("the log, with \(CountText.text(entries, "entry", "entries"))")
    return lines
  }
}

/// Removes phasedb from a database.
struct ForgetWork: MigratorWork {
  let migrator: Migrator

  func forgettable() throws(MigrationError) -> Forgetting {
    try reading(connection) { () throws(MigrationError) in try forgettable(try Knowledge(of: connection)) }
  }

  func forget(confirmed name: String?, whileUnfinished: Bool) throws(MigrationError)
    -> Forgetting
  {
    let listing = try forgettable()
    if !whileUnfinished, !listing.unfinished.isEmpty {
      throw MigrationError(
        .forgetRefused, "something is half done in \(database)", details: listing.unfinished,
        state: "nothing was changed",
        help: ["end it first: phasedb status", "or leave it as it is, with --unfinished"])
    }
    guard let name, name == listing.name else { throw unconfirmed(listing, name) }
    guard connection.isAutocommit else { throw .transactionOpen }
    let discipline = try ConnectionDiscipline.begin(on: connection)
    return try discipline.whileInForce { () throws(MigrationError) in
      try changingNothing { () throws(MigrationError) in
        let busyTimeout = try ConnectionDiscipline.busyTimeout(of: connection)
        defer { connection.setBusyTimeout(milliseconds: busyTimeout) }
        connection.setBusyDeadline(.now + options.wait)
        let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
        let knowledge = try Knowledge(of: connection)
        try knowledge.refuseLedgerDrift()
        let present = try forgettable(knowledge)
        // The operator confirmed this list, and the database has changed since.
        guard present.items == listing.items, present.phases == listing.phases else {
          throw unconfirmed(present, nil)
        }
        if let ledger = knowledge.ledger { try refuseLease(ledger) }
        try refuseUsers(of: knowledge)
        try erase(knowledge)
        do throws(SQLiteError) {
          try transaction.commit()
        } catch {
          throw MigrationError(error, while: "committing the removal")
        }
        return present
      }
    }
  }

  private func unconfirmed(_ listing: Forgetting, _ wrong: String?) -> MigrationError {
    let name = ShellWord(listing.name)
    return MigrationError(
      .forgetUnconfirmed, "removing phasedb from \(database) destroys what it keeps there",
      details: listing.lines,
      state: "nothing was changed",
      help: (wrong.map { ["'\($0)' does not confirm it: it is not the name of the file"] } ?? []) + [
        "keep a copy first: phasedb checkpoint create before-forget --snapshot .",
        "if none of it is needed any more: phasedb forget --confirm \(name)",
      ])
  }

  private func forgettable(_ knowledge: Knowledge) throws(MigrationError) -> Forgetting {
    guard let ledger = knowledge.ledger else {
      throw MigrationError(
        .ledgerMissing, "\(database) has no ledger, so there is nothing to remove",
        state: "nothing was changed",
        help: ["start tracking the database: phasedb adopt"])
    }
    var items = try KeptData.archives(
      try ledger.archives.all().filter { $0.state != .purged }, ledger, on: connection)
    for applied in knowledge.applied {
      items += try PurgeRun(applied.id.description, catalog, knowledge, on: connection).listing().items
        .filter(\.isRetired)
    }
    let (entries, checkpoints) = try lifting("reading the ledger") { () in
      (try ledger.head(), try ledger.checkpoints.named(applied: knowledge.applied).count)
    }
    let path = database.split(separator: "/").last.map(String.init) ?? database
    return Forgetting(
      name: path, phases: knowledge.applied.map(\.id), items: items, entries: Int(entries),
      checkpoints: checkpoints, returnsAt: returnPoint(knowledge), unfinished: try unfinished(ledger))
  }

  /// The last applied phase, if exactly the phases up to it are applied.
  private func returnPoint(_ knowledge: Knowledge) -> PhaseID? {
    let applied = knowledge.applied.map(\.id)
    let own = applied.filter { catalog[$0] != nil }
    guard let last = own.max(), catalog.phases.map(\.id).filter({ $0 <= last }) == own.sorted() else {
      return nil
    }
    return last
  }

  private func unfinished(_ ledger: Ledger) throws(MigrationError) -> [Prose] {
    var lines: [Prose] = []
    if let batch = try ledger.batches.underWay() {
      lines.append("\(batch.id) is half done on its way \(batch.direction.rawValue)")
    }
    lines += try ledger.watches.all().filter(\.isOpen).map { "\($0.phase) is being watched" }
    lines += try LaneWork(migrator: migrator).standings(ledger).filter { $0.state != .open }.map {
      "lane \($0.name) is held"
    }
    let switches = try lifting("reading the ledger") { () in try ledger.switches.all() }
    return lines
      + switches.filter(\.isOpen).map { "switch \($0.name) is on for some: whoever asks for it would fail" }
  }

  /// Views and triggers of applications may use the ledger's tables, and would break.
  private func refuseUsers(of knowledge: Knowledge) throws(MigrationError) {
    let users = knowledge.schema.objects.filter { $0.isCode && Schema.ledgerName(in: $0.sql) != nil }
    guard !users.isEmpty else { return }
    throw MigrationError(
      .forgetRefused, "views or triggers of the application use the ledger",
      details: users.map { Prose($0.title) },
      state: "nothing was changed", help: ["drop them first, or change them so that they do without it"])
  }

  private func erase(_ knowledge: Knowledge) throws(MigrationError) {
    guard let ledger = knowledge.ledger else { return }
    for applied in knowledge.applied {
      let phase = try ledger.phases.text(of: applied)
      try lifting("dropping what \(applied.id) retired") { () in
        try RetiredObjects(of: applied.id, phase).drop(on: connection)
      }
    }
    let archives = try ledger.archives.all().map(\.tableName)
    try lifting("dropping the ledger") { () in
      for trigger in knowledge.schema.laneTriggers {
        try connection.execute("DROP TRIGGER main.\(SQLText.identifier(trigger.name))")
      }
      for table in archives + LedgerFormat.tableNames.map(\.text).sorted() {
        try connection.execute("DROP TABLE IF EXISTS main.\(SQLText.identifier(table))")
      }
    }
  }
}
