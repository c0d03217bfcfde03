internal import PhaseSQLite

/// What operators decide about watches.
struct WatchDecisions: MigratorWork {
  let migrator: Migrator

  func waive(_ name: String, reason: String) throws(MigrationError) -> WatchRecord {
    let waived = try recordWaived(name, reason: reason)
    try LaneWork(migrator: migrator).tend(of: waived.id) { _ in }
    return waived
  }

  private func recordWaived(_ name: String, reason: String) throws(MigrationError) -> WatchRecord {
    try writing("recording the verdict") { knowledge throws(MigrationError) in
      let id = try PhaseID.find(name, among: knowledge.applied.map(\.id))
      let applied = knowledge.applied.first { $0.id == id }
      guard let ledger = knowledge.ledger,
        var watch = try ledger.watches.all().last(where: { $0.id == applied?.sequence }), !watch.lets
      else {
        throw MigrationError(
          .notWatched, "\(id.short) has no watch that waits or failed", state: "nothing was changed",
          help: ["see what is watched: phasedb status"])
      }
      let time = options.now()
      (watch.verdict, watch.detail, watch.beat) = (.waived, reason, time)
      let waived = watch
      try lifting("writing the ledger") { () in
        try ledger.watches.record(waived)
        try ledger.log(
          .watch, subject: id.description, detail: "waived: \(reason)", by: options.runner, at: time)
      }
      return waived
    }
  }

  func freeze(for time: Duration?, reason: String) throws(MigrationError) {
    try setFreeze(reason: reason, until: time.map { options.now().before(.zero - $0) })
  }

  func unfreeze() throws(MigrationError) { try setFreeze(reason: nil, until: nil) }

  private func setFreeze(reason: String?, until: Timestamp?) throws(MigrationError) {
    try writing("recording the freeze") { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger else {
        throw MigrationError(
          .ledgerMissing, "\(database) has no ledger, so no phase is watched", state: "nothing was changed",
          help: ["use the file that freezeFile of phasedb.json names", "or apply phases: phasedb up"])
      }
      let (time, runner) = (options.now(), options.runner)
      try lifting("writing the ledger") { () in
        let present = try ledger.upgraded(by: runner, at: time)
        try present.watches.setFreeze(reason: reason, until: until, by: runner)
        let end = until.map { " until \($0)" } ?? ""
        try present.log(
          reason == nil ? .unfreeze : .freeze, subject: "",
          detail: reason.map { "\($0)\(end)" } ?? "", by: runner, at: time)
      }
    }
  }

  func presentFreeze() throws(MigrationError) -> Freeze? {
    let freeze = try lifting("reading the ledger") { () in
      guard case .present(let format, _) = try Ledger.presence(in: connection) else { return nil as Freeze? }
      return try Ledger(connection: connection, format: format).watches.freeze()
    }
    return freeze.flatMap { $0.isOver(at: options.now()) ? nil : $0 }
  }
}
