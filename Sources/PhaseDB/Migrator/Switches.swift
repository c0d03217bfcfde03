internal import PhaseSQLite

/// A change of a switch.
package struct SwitchChange: Sendable {
  package let before: SwitchRecord
  package let after: SwitchRecord
  /// What an operator should know of it.
  package let notes: [Prose]

  /// False when everything was so already.
  package var isChange: Bool { before != after }
}

/// What an application gets that asks a switch.
package struct SwitchAnswer: Sendable, Hashable {
  package let subject: String
  package let isOn: Bool
  /// From 0 to 9,999: unless it is pinned, the switch is on for it once the exposure is larger.
  package let bucket: Int
  /// Whether it is pinned, and to what.
  package let pin: Bool?
}

extension Migrator {
  /// Every switch, by its name.
  package func switches() throws(MigrationError) -> [SwitchRecord] {
    try connection.reading { () throws(MigrationError) in
      guard let ledger = try Knowledge.glancing(at: connection).ledger else { return [] }
      return try lifting("reading the ledger") { () in try ledger.switches() }
    }
  }

  /// One switch, with everybody who is pinned, and its last ramp.
  ///
  /// - Throws: `unknown-switch`.
  package func switchDetails(
    _ name: String
  ) throws(MigrationError) -> (SwitchRecord, [SwitchMember], RampRecord?) {
    try connection.reading { () throws(MigrationError) in
      let ledger = try Knowledge.glancing(at: connection).ledger
      let record = try found(name, in: ledger)
      let members = try lifting("reading the ledger") { () in try ledger?.members(of: name) ?? [] }
      return (record, members, try ledger?.ramp(of: name))
    }
  }

  /// What applications get that ask for subjects.
  ///
  /// - Throws: `unknown-switch`.
  package func ask(_ name: String, _ subjects: [String]) throws(MigrationError) -> [SwitchAnswer] {
    try connection.reading { () throws(MigrationError) in
      let ledger = try Knowledge.glancing(at: connection).ledger
      _ = try found(name, in: ledger)
      return try lifting("asking a switch") { () in
        try subjects.compactMap { subject in
          try ledger?.answer(name, subject).map {
            SwitchAnswer(subject: subject, isOn: $0.isOn, bucket: $0.bucket, pin: $0.pin)
          }
        }
      }
    }
  }

  /// Sets the exposure of a switch. A ramp of it ends.
  ///
  /// - Throws: `unknown-switch`; `lease-held` when it would be raised while another run goes on, `switch-contained` while a
  ///   watch asks whether closing it helped.
  package func setSwitch(
    _ name: String, to exposure: Exposure, reason: String
  ) throws(MigrationError) -> SwitchChange {
    try changeSwitch(name) { present, ledger, time throws(MigrationError) in
      if exposure > present.exposure {
        try refuseLease(ledger)
        try refuseContained(name, ledger.appliedPhases(), ledger)
      }
      guard exposure != present.exposure else { return }
      try lifting("writing the ledger") { () in
        try ledger.change(present, to: exposure, reason: reason, by: options.runner, at: time)
      }
    }
  }

  /// Pins somebody on or off whatever the exposure, or takes a pin away.
  ///
  /// - Throws: `unknown-switch`; for a pin on also `lease-held` and `switch-contained`.
  package func pin(
    _ subject: String, _ isOn: Bool?, of name: String, reason: String
  ) throws(MigrationError) -> SwitchChange {
    try changeSwitch(name) { present, ledger, time throws(MigrationError) in
      let pin = try lifting("reading the ledger") { () in try ledger.answer(name, subject)?.pin }
      guard pin != isOn else { return }
      if isOn == true {
        try refuseLease(ledger)
        try refuseContained(name, ledger.appliedPhases(), ledger)
      }
      try lifting("writing the ledger") { () in
        try ledger.pin(subject, isOn, of: present, reason: reason, by: options.runner, at: time)
      }
    }
  }

  /// Changes a switch in a transaction; while a lease is in the way, as often as there is time to wait.
  private func changeSwitch(
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

  /// Closes a switch: it is on for nobody. Nothing holds this up but another writer: no gate, no lease, and neither a
  /// schema nor a ledger that somebody changed.
  ///
  /// - Throws: `unknown-switch`, `ledger-missing`, `ledger-too-new`, `database-busy`; `ledger-touched` when a trigger of
  ///   somebody else kept it open.
  package func closeSwitch(_ name: String, reason: String) throws(MigrationError) -> SwitchChange {
    guard connection.isAutocommit else { throw .transactionOpen }
    return try changingNothing { () throws(MigrationError) in
      let patience = try ConnectionDiscipline.busyTimeout(of: connection)
      defer { connection.setBusyTimeout(milliseconds: patience) }
      connection.setBusyDeadline(.now + options.wait)
      let durability = try DurableCommits(on: connection)
      return try durability.whileInForce { () throws(MigrationError) in try closeOnce(name, reason) }
    }
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
      try ledger.close(present, reason: reason, by: options.runner, at: options.now())
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
    try connection.refuseMoved("closing the switch")
    let notes = (try? notes(on: name, since: present, try ledger.appliedPhases(), ledger)) ?? []
    return SwitchChange(before: present, after: after, notes: notes)
  }

  // MARK: - What is found

  func found(_ name: String, in ledger: Ledger?) throws(MigrationError) -> SwitchRecord {
    // SQLite compares bytes, where Swift takes two ways to write a letter for the same.
    let record = try lifting("reading the ledger") { () in try ledger?.switchRecord(name) }
    if let record { return record }
    let all = try lifting("reading the ledger") { () in try ledger?.switches() ?? [] }
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

  /// Refuses to let more people see what a run that goes on may take away.
  func refuseLease(_ ledger: Ledger) throws(MigrationError) {
    let held = try lifting("reading the ledger") { () in try ledger.lease() }
    if let held, held.holder != options.runner, !held.holder.isProvablyDead(seenFrom: options.runner) {
      throw held.held
    }
  }

  /// Refuses to let more people see what a watch has just closed, while it asks whether that helped: its verdict would be
  /// about something else.
  func refuseContained(
    _ name: String, _ applied: [AppliedPhase], _ ledger: Ledger
  ) throws(MigrationError) {
    guard let watch = try ledger.watches().last(where: { $0.verdict == .containing }) else { return }
    let phases = try ledger.switchPhases(among: applied)
    let isClosed = phases.contains {
      $0.applied.id.migration == watch.phase.migration
        && $0.phase.switchesMade.contains { $0.utf8.elementsEqual(name.utf8) }
    }
    // A switch that a contract waited for was not closed.
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

  /// What an operator should know of a switch as it is now.
  private func notes(
    on name: String, since before: SwitchRecord, _ applied: [AppliedPhase], _ ledger: Ledger
  ) throws(MigrationError) -> [Prose] {
    let phases = try ledger.switchPhases(among: applied)
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
    if let underWay = try ledger.batch(), underWay.id == migrate {
      notes.append("\(migrate.short) is half done: some rows are not migrated yet")
    } else if catalog[migrate] != nil, !applied.contains(where: { $0.id == migrate }) {
      notes.append("\(migrate.short) is pending: rows are not migrated yet")
    }
    return notes
  }
}

// MARK: - Planning

extension Migrator {
  /// Refuses a phase that makes a switch of a name that another one has made: it would be on for some at once.
  ///
  /// - Throws: `switch-taken`.
  func refuseTakenSwitches(of plan: Plan, _ knowledge: Knowledge) throws(MigrationError) {
    guard plan.steps.contains(where: { !$0.phase.switchesMade.isEmpty }) else { return }
    let made = try knowledge.ledger?.switchPhases(among: knowledge.applied) ?? []
    var makers: [String: PhaseID] = [:]
    for (applied, phase) in made { for name in phase.switchesMade { makers[name] = applied.id } }
    for step in plan.steps {
      for name in step.phase.switchesMade {
        if let other = makers.updateValue(step.id, forKey: name), other != step.id {
          throw MigrationError(
            .switchTaken, "\(step.id) makes the switch '\(name)', which \(other.short) makes, too",
            at: step.phase.up.beginningOfFile, state: "nothing was changed",
            help: ["give it another name", "or let one switch serve both: remove the line here"])
        }
      }
    }
  }

  /// Says which switches a contract opens that nobody has opened for everybody, and which ones stay open after its way
  /// down.
  func notesOnSwitches(of plan: Plan) -> [Prose] {
    guard !plan.isFresh else { return [] }
    let closed = plan.closing.values.flatMap(\.switches).map(\.name)
    let made = plan.steps.filter { $0.direction == .up }.flatMap(\.phase.switchesMade)
    return plan.steps.flatMap { step in
      step.phase.switchesRequired.compactMap { required -> Prose? in
        let name = required.name
        let present = plan.judgement.switches.first { $0.name.utf8.elementsEqual(name.utf8) }
        guard step.direction == .down else {
          let opens: Prose = "\(step.id.short) opens the switch '\(name)' for everybody"
          guard let present else { return made.contains(name) ? "\(opens): nobody has it yet" : nil }
          return present.fullSince == nil ? "\(opens): it is at \(present.standing)" : nil
        }
        guard let present, present.isOpen, !closed.contains(name),
          present.reason == SwitchRecord.reason(openedBy: step.id)
        else { return nil }
        return
          "the switch '\(name)' stays at \(present.standing): \(step.id.short) opened it for everybody, and phasedb log says where it was"
      }
    }
  }

  /// What a way down closes before its steps.
  func closing(
    of plan: Plan, _ knowledge: Knowledge
  ) throws(MigrationError) -> [PhaseID: Plan.PlannedClosing] {
    guard let ledger = knowledge.ledger else { return [:] }
    var closing: [PhaseID: Plan.PlannedClosing] = [:]
    var named: Set<String> = []
    for step in plan.steps {
      let names = try SwitchClosing.names(
        before: step.id, step.phase, applied: knowledge.applied, in: ledger
      ).filter { !named.contains($0) }
      named.formUnion(names)
      guard
        let found = try SwitchClosing(names, ledger, settle: options.switchSettle, at: options.now())
      else { continue }
      closing[step.id] = Plan.PlannedClosing(switches: found.switches, wait: found.wait)
    }
    return closing
  }
}
