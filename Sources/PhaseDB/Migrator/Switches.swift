internal import PhaseSQLite

/// The result of changing a switch.
package struct SwitchChange: Sendable {
  package let before: SwitchRecord
  package let after: SwitchRecord
  /// Notes for the operator.
  package let notes: [Prose]

  /// Whether anything changed.
  package var isChange: Bool { before != after }
}

/// The answer of a switch for one subject.
package struct SwitchAnswer: Sendable, Hashable {
  package let subject: String
  package let isOn: Bool
  /// From 0 to 9,999. If the subject is not pinned, the switch is on for it once the exposure is larger.
  package let bucket: Int
  /// Whether the subject is pinned on or off; nil when it is not pinned.
  package let pin: Bool?
}

/// Shows, sets and closes switches.
struct SwitchWork: MigratorWork {
  let migrator: Migrator

  func all() throws(MigrationError) -> [SwitchRecord] {
    try reading(connection) { () throws(MigrationError) in
      guard let ledger = try Knowledge.glancing(at: connection).ledger else { return [] }
      return try lifting("reading the ledger") { () in try ledger.switches.all() }
    }
  }

  func details(
    _ name: String
  ) throws(MigrationError) -> (SwitchRecord, [SwitchMember], RampRecord?) {
    try reading(connection) { () throws(MigrationError) in
      let ledger = try Knowledge.glancing(at: connection).ledger
      let record = try found(name, in: ledger)
      let members = try lifting("reading the ledger") { () in try ledger?.switches.members(of: name) ?? [] }
      return (record, members, try ledger?.ramps.last(of: name))
    }
  }

  func ask(_ name: String, _ subjects: [String]) throws(MigrationError) -> [SwitchAnswer] {
    try reading(connection) { () throws(MigrationError) in
      let ledger = try Knowledge.glancing(at: connection).ledger
      _ = try found(name, in: ledger)
      return try lifting("asking a switch") { () in
        try subjects.compactMap { subject in
          try ledger?.switches.answer(name, subject).map {
            SwitchAnswer(subject: subject, isOn: $0.isOn, bucket: $0.bucket, pin: $0.pin)
          }
        }
      }
    }
  }

  func set(
    _ name: String, to exposure: Exposure, reason: String
  ) throws(MigrationError) -> SwitchChange {
    try change(name) { present, ledger, time throws(MigrationError) in
      if exposure > present.exposure {
        try refuseLease(ledger)
        try refuseContained(name, ledger.phases.all(), ledger)
      }
      guard exposure != present.exposure else { return }
      try lifting("writing the ledger") { () in
        try ledger.switches.change(present, to: exposure, reason: reason, by: options.runner, at: time)
      }
    }
  }

  func pin(
    _ subject: String, _ isOn: Bool?, of name: String, reason: String
  ) throws(MigrationError) -> SwitchChange {
    try change(name) { present, ledger, time throws(MigrationError) in
      let pin = try lifting("reading the ledger") { () in try ledger.switches.answer(name, subject)?.pin }
      guard pin != isOn else { return }
      if isOn == true {
        try refuseLease(ledger)
        try refuseContained(name, ledger.phases.all(), ledger)
      }
      try lifting("writing the ledger") { () in
        try ledger.switches.pin(subject, isOn, of: present, reason: reason, by: options.runner, at: time)
      }
    }
  }

  /// Changes a switch in a transaction. If another run has the lease, it tries again until waiting times out.
  private func change(
    _ name: String,
    _ change: (SwitchRecord, Ledger, Timestamp) throws(MigrationError) -> Void
  ) throws(MigrationError) -> SwitchChange {
    let deadline = ContinuousClock.now + options.wait
    while true {
      do throws(MigrationError) {
        return try writing("committing the switch") { knowledge throws(MigrationError) in
          let present = try found(name, in: knowledge.ledger)
          guard let ledger = knowledge.ledger else { throw unknown(name, among: []) }
          try change(present, ledger, options.now())
          return SwitchChange(
            before: present, after: try found(name, in: ledger),
            notes: try notes(on: name, since: present, knowledge.applied, ledger))
        }
      } catch {
        guard error.id == .leaseHeld, ContinuousClock.now < deadline, !options.cancellation.isRequested
        else { throw error }
        Pause.briefly()
      }
    }
  }

  func close(_ name: String, reason: String) throws(MigrationError) -> SwitchChange {
    try durably { () throws(MigrationError) in try closeOnce(name, reason) }
  }

  private func closeOnce(_ name: String, _ reason: String) throws(MigrationError) -> SwitchChange {
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    let presence = try lifting("reading the ledger") { () in try Ledger.presence(in: connection) }
    guard case .present(let format, let tool) = presence else { throw unknown(name, among: []) }
    guard presence.isReadable else {
      throw MigrationError(
        .ledgerTooNew, "the ledger has format \(format), written by phasedb \(tool)",
        help: ["install phasedb \(tool) or newer"])
    }
    let ledger = Ledger(connection: connection, format: format)
    let present = try found(name, in: ledger)
    let (entry, hash) = try lifting("writing the ledger") { () in
      try ledger.switches.close(present, reason: reason, by: options.runner, at: options.now())
      return try ledger.lastEntry()
    }
    let after = try found(name, in: ledger)
    guard !after.isOpen else {
      throw MigrationError(
        .ledgerTouched, "a trigger that does not belong to phasedb keeps the switch '\(name)' open",
        help: ["see which: phasedb verify"])
    }
    try ledger.commit(
      transaction, leaving: present.isOpen ? entry : nil, hash, while: "closing the switch '\(name)'")
    try Ledger.refuseMoved(connection, "closing the switch")
    let notes = (try? notes(on: name, since: present, try ledger.phases.all(), ledger)) ?? []
    return SwitchChange(before: present, after: after, notes: notes)
  }

  // MARK: - What is found

  func found(_ name: String, in ledger: Ledger?) throws(MigrationError) -> SwitchRecord {
    // SQLite compares bytes. Swift would treat two encodings of the same letter as equal.
    let record = try lifting("reading the ledger") { () in try ledger?.switches.named(name) }
    if let record { return record }
    let all = try lifting("reading the ledger") { () in try ledger?.switches.all() ?? [] }
    throw unknown(name, among: all.map(\.name))
  }

  private func unknown(_ name: String, among names: [String]) -> MigrationError {
    let nearest: Prose? = Suggestion.nearest(to: name, in: names).map { "did you mean '\($0)'?" }
    return MigrationError(
      .unknownSwitch, "there is no switch '\(name)'", state: "nothing was changed",
      help: [nearest].compactMap(\.self) + [
        names.isEmpty
          ? "an expand with -- @switch NAME makes one when it goes up" : "see all: phasedb switch list"
      ])
  }

  /// Refuses to raise a switch that a watch has just closed. The watch is judging whether closing it helped, and
  /// raising it would spoil the verdict.
  func refuseContained(
    _ name: String, _ applied: [AppliedPhase], _ ledger: Ledger
  ) throws(MigrationError) {
    guard let watch = try ledger.watches.all().last(where: { $0.verdict == .containing }) else { return }
    let phases = try ledger.switches.phases(among: applied)
    let isClosed = phases.contains {
      $0.applied.id.migration == watch.phase.migration
        && $0.phase.switchesMade.contains { $0.utf8.elementsEqual(name.utf8) }
    }
    // The watch does not close a switch that a contract needs.
    guard isClosed, !phases.contains(where: { $0.phase.switchesRequired.contains { $0.name == name } })
    else { return }
    throw MigrationError(
      .switchContained,
      "'\(name)' cannot be on for more: the watch of \(watch.phase.short) is \(watch.verdict.rawValue), because \(watch.detail)",
      state: "nothing was changed; whether closing it helped is still asked",
      help: [
        "wait for the verdict: phasedb watch",
        "or take it on yourself first: phasedb watch waive \(watch.phase.short) --reason \"...\"",
      ])
  }

  /// Notes for the operator about the present state of a switch.
  private func notes(
    on name: String, since before: SwitchRecord, _ applied: [AppliedPhase], _ ledger: Ledger
  ) throws(MigrationError) -> [Prose] {
    let phases = try ledger.switches.phases(among: applied)
    let after = try found(name, in: ledger)
    var notes: [Prose] = []
    if after.fullSince == nil,
      let contract = phases.first(where: { $0.phase.switchesRequired.contains { $0.name == name } })
    {
      notes.append(
        "\(contract.applied.id.short) is applied, which took away what whoever is off needs; phasedb down reverses it"
      )
    }
    guard after.isOpen, after.exposure >= before.exposure,
      let maker = phases.first(where: { $0.phase.switchesMade.contains(name) })?.applied.id
    else { return notes }
    let migrate = PhaseID(maker.migration, .migrate)
    if let underWay = try ledger.batches.underWay(), underWay.id == migrate {
      notes.append("\(migrate.short) is half done: some rows are not migrated yet")
    } else if catalog[migrate] != nil, !applied.contains(where: { $0.id == migrate }) {
      notes.append("\(migrate.short) is pending: rows are not migrated yet")
    }
    return notes
  }
}
