internal import PhaseSQLite

/// Gives applied phases the numbers that the folder gives them.
struct Renumbering: MigratorWork {
  let migrator: Migrator

  func renumber() throws(MigrationError) -> [Renumbered] {
    try writing("committing the new numbers") { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger else {
        throw MigrationError(
          .ledgerMissing, "\(database) has no ledger yet, so no phase has a number there",
          state: "nothing was changed", help: ["start tracking the database: phasedb adopt"])
      }
      let planner = try planning.planner(knowledge)
      let renumbered = planner.folder.renumbered
      guard !renumbered.isEmpty else { return [] }
      if renumbered.contains(where: \.isAmbiguous) { try planner.folder.refuseRenumbered() }
      if let underWay = planner.underWay { throw underWay.inProgress("no phase can get another number") }
      try refuseLease(ledger)
      try refuse(renumbered, planner)
      let (runner, time) = (options.runner, options.now())
      try lifting("writing the ledger") { () in
        try RecordedNames(ledger: ledger.upgraded(by: runner, at: time)).change(
          renumbered, by: runner, at: time)
      }
      return renumbered
    }
  }

  private func refuse(_ renumbered: [Renumbered], _ planner: Planner) throws(MigrationError) {
    let names = Dictionary(
      renumbered.map { ($0.former, $0.present) }, uniquingKeysWith: { first, _ in first })
    for one in renumbered {
      func refused(_ why: Prose, _ help: [Prose]) -> MigrationError {
        MigrationError(
          .renumberingRefused, "\(one.former) cannot become \(one.present): \(why)",
          state: "nothing was changed", help: help)
      }
      let back: Prose = "reverse it and apply it again: phasedb down, then: phasedb up"
      for other in planner.applied.map(\.id) where other != one.former {
        let present = names[other] ?? other
        // The phases of one migration share their number.
        let isTaken =
          present.migration.number == one.present.migration.number
          && present.migration != one.present.migration
        if isTaken {
          throw refused(
            "\(present) is applied and has that number", ["give its folder a number that is free"])
        }
        guard (other < one.former) != (present < one.present) else { continue }
        throw refused(
          "it would come \(present < one.present ? "after" : "before") \(other), and they were applied in the other order",
          ["give its folder a number that keeps the order", "or " + back])
      }
      for (id, phase) in planner.catalog.phases
      where phase.kind != .contract && names.values.contains(id) == false {
        guard one.former < id, id < one.present, !planner.applied.contains(where: { $0.id == id }) else {
          continue
        }
        throw refused(
          "\(id) is pending and would come before it",
          ["give its folder a number before \(id.migration.digits)", "or " + back])
      }
      if planner.catalog[one.present]?.retirements.isEmpty == false {
        throw refused(
          "what it retired is kept under its number",
          ["destroy what is kept: phasedb purge \(one.former.short)", "or " + back])
      }
    }
  }
}

/// Changes the names of phases in every table of a ledger.
struct RecordedNames: LedgerTable {
  let ledger: Ledger

  /// Writes the new names wherever the ledger has the old ones. Call it inside a transaction.
  fileprivate func change(_ renumbered: [Renumbered], by runner: Runner, at time: Timestamp)
    throws(SQLiteError)
  {
    // Two phases may swap their numbers, and names are unique, so temporary names are needed.
    let columns = [
      "phasedb_phase", "phasedb_archive", "phasedb_evidence", "phasedb_watch", "phasedb_effect",
      "phasedb_effect_open",
      "phasedb_lane",
    ]
    for prefix in ["", "renumbered:"] {
      for one in renumbered {
        let names =
          prefix.isEmpty
          ? (one.former.description, "renumbered:\(one.present)")
          : ("renumbered:\(one.present)", one.present.description)
        for table in columns {
          try connection.execute(
            "UPDATE \(table) SET phase = ?2 WHERE phase = ?1", .text(names.0), .text(names.1))
        }
      }
    }
    for one in renumbered {
      try ledger.log(
        .renumber, subject: one.present.description, detail: "checkpoint \(one.sequence), was \(one.former)",
        by: runner, at: time)
    }
  }

  /// The names that the log gives to applied phases, by the numbers of their rows, with the new ones of `renumber`.
  static func logged(in entries: [LogEntry]) -> [Int64: String] {
    var names = Dictionary(entries.map { ($0.id, $0.subject) }, uniquingKeysWith: { first, _ in first })
    for entry in entries where entry.action == LogEntry.Action.renumber.rawValue {
      guard let words = entry.detail.wholeMatch(of: #/checkpoint (\d{1,18}), was (.*)/#)?.output,
        let sequence = Int64(words.1), names[sequence] == String(words.2)
      else { continue }
      names[sequence] = entry.subject
    }
    return names
  }
}
