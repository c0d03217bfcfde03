internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// How a switch is to be raised.
package struct RampOrder: Sendable, Hashable {
  /// The exposures, each larger than the one before it.
  package let steps: [Exposure]
  /// How long each step is judged.
  package let every: Duration

  package init(_ steps: [Exposure], every: Duration) { (self.steps, self.every) = (steps, every) }
}

/// What happens while a switch is raised, in the order in which it happens.
package enum RampEvent: Sendable, Hashable {
  /// A sample of each probe was taken.
  case sampled(RampRecord, [String: Sample])
  /// The switch was raised to the next step.
  case raised(RampRecord)
  /// Nothing was sampled or raised.
  case waits(RampRecord, reason: Prose)
  /// The ramp has ended.
  case ended(RampRecord)
}

/// Raises a switch step by step.
struct Ramping: MigratorWork {
  let migrator: Migrator
  private var switches: SwitchWork { SwitchWork(migrator: migrator) }

  func ramp(
    _ name: String, _ order: RampOrder?, once: Bool, observe: (RampEvent) -> Void
  ) throws(MigrationError) -> RampRecord {
    let (begun, isNew) = try beginRamp(name, order)
    var ramp = begun
    defer { try? releaseRamp(name) }
    let every = try judging(name).phase.watch.map { min($0.every, ramp.every) } ?? ramp.every
    if isNew { observe(.raised(ramp)) }
    var due: ContinuousClock.Instant? = isNew ? .now + every : nil
    while ramp.isOpen {
      if due.map({ $0 <= .now }) ?? isDue(ramp, every) {
        ramp = try goOn(ramp, observe)
        due = .now + every
      }
      guard !once, ramp.isOpen else { break }
      try sleep(until: due ?? .now + min(every, .seconds(1)))
    }
    return ramp
  }

  private func isDue(_ ramp: RampRecord, _ every: Duration) -> Bool {
    guard let last = ramp.beat.date, let now = options.now().date, now >= last else { return true }
    return now.timeIntervalSince(last) * 1_000 >= every.milliseconds * 0.9
  }

  /// The applied phase whose probes judge a switch: the phase that made it or, if that has no probes, the migrate
  /// phase after it.
  private func judging(
    _ name: String, _ applied: [AppliedPhase], _ ledger: Ledger
  ) throws(MigrationError) -> (applied: AppliedPhase, phase: Phase)? {
    let phases = try ledger.switches.phases(among: applied)
    guard let maker = phases.first(where: { $0.phase.switchesMade.contains(name) }) else { return nil }
    if !maker.phase.probes.isEmpty { return maker }
    let migrate = PhaseID(maker.applied.id.migration, .migrate)
    guard let later = applied.first(where: { $0.id == migrate }) else { return nil }
    let phase = try ledger.phases.text(of: later)
    return phase.probes.isEmpty ? nil : (later, phase)
  }

  private func judging(_ name: String) throws(MigrationError) -> (applied: AppliedPhase, phase: Phase) {
    try reading(connection) { () throws(MigrationError) in
      let knowledge = try Knowledge.glancing(at: connection)
      _ = try switches.found(name, in: knowledge.ledger)
      guard let ledger = knowledge.ledger, let found = try judging(name, knowledge.applied, ledger) else {
        throw MigrationError(
          .rampRefused, "nothing would judge the ramp of '\(name)': the phase that made it has no probe",
          state: "nothing was changed",
          help: [
            "raise it by hand: phasedb switch set \(ShellWord(name)) 10% --reason \"...\"",
            "write @watch and @probe in the next expand that makes a switch",
          ])
      }
      return found
    }
  }

  // MARK: - Beginning

  private func beginRamp(
    _ name: String, _ order: RampOrder?
  ) throws(MigrationError) -> (RampRecord, isNew: Bool) {
    let (applied, phase) = try judging(name)
    let present = try switches.details(name).2.flatMap { $0.isOpen ? $0 : nil }
    var baseline: [String: Double] = [:]
    if present == nil { baseline = try lookBefore(applied, phase) }
    let before = baseline
    return try writing("beginning the ramp") { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger else { throw Ledger.damaged("there is no ledger") }
      let (record, time, runner) = (try switches.found(name, in: ledger), options.now(), options.runner)
      if var ramp = try ledger.ramps.last(of: name), ramp.isOpen {
        try refuse(order, beside: ramp)
        try refuseHolder(of: ramp, at: time)
        ramp.runner = runner
        let taken = ramp
        try lifting("writing the ledger") { () in try ledger.ramps.record(taken) }
        return (taken, false)
      }
      guard let order, let first = order.steps.first else {
        throw MigrationError(
          .rampRefused, "there is no ramp of '\(name)' to go on with", state: "nothing was changed",
          help: ["begin one: phasedb switch ramp \(ShellWord(name)) 1%,10%,50%,100% every 30m"])
      }
      guard first > record.exposure else {
        throw MigrationError(
          .rampRefused, "'\(name)' is at \(record.exposure) already, and a ramp only raises",
          state: "nothing was changed", help: ["begin with a larger step"])
      }
      try refuseLease(ledger)
      try switches.refuseContained(name, knowledge.applied, ledger)
      let ramp = RampRecord(
        name: name, steps: order.steps, step: 1, every: order.every, phase: applied.sequence,
        judgement: WatchJudgement(), baseline: before, verdict: .ramping, detail: "", since: time, beat: time,
        runner: runner)
      try lifting("writing the ledger") { () in
        try ledger.ramps.record(ramp)
        try ledger.switches.change(record, to: first, reason: ramp.reason, by: runner, at: time, isRamp: true)
      }
      return (ramp, true)
    }
  }

  /// Takes samples before the exposure is raised.
  private func lookBefore(
    _ applied: AppliedPhase, _ phase: Phase
  ) throws(MigrationError) -> [String: Double] {
    var baseline: [String: Double] = [:]
    for probe in phase.probes {
      let samples = (0..<(probe.isRelative ? 5 : 1)).map { _ in
        sampler.sample(
          probe, since: applied.appliedAt, before: nil, every: phase.watch?.every ?? .seconds(8))
      }
      if options.cancellation.isRequested { throw MigrationError.stopped() }
      if probe.isRelative {
        guard let value = Probe.baseline(of: samples) else {
          throw MigrationError(
            .rampRefused,
            "the probe '\(probe.title)' compares with what was there before, which cannot be told: \(samples.last { $0.value == nil }?.reason ?? "")",
            state: "nothing was changed", help: ["correct what it reads"])
        }
        baseline[probe.title] = value
      } else if let sample = samples.last, sample.outcome == .fails {
        throw MigrationError(
          .rampRefused, "the probe '\(probe.title)' of \(applied.id.short) fails already: \(sample.reason)",
          state: "nothing was changed", help: ["find out why first"])
      }
    }
    return baseline
  }

  private func refuse(_ order: RampOrder?, beside ramp: RampRecord) throws(MigrationError) {
    guard let order, order.steps != ramp.steps || order.every != ramp.every else { return }
    throw MigrationError(
      .rampRefused, "'\(ramp.name)' is raised already: \(ramp.place) of another ramp",
      state: "nothing was changed",
      help: [
        "go on with it: phasedb switch ramp \(ShellWord(ramp.name))",
        "or end it by setting the switch: phasedb switch set \(ShellWord(ramp.name)) \(ramp.exposure.word) --reason \"...\"",
      ])
  }

  private func refuseHolder(of ramp: RampRecord, at time: Timestamp) throws(MigrationError) {
    let runner = options.runner
    guard let holder = ramp.runner, holder != runner, !holder.isProvablyDead(seenFrom: runner),
      ramp.beat > time.before(.seconds(120)) || holder.isVisible(from: runner)
    else { return }
    throw MigrationError(
      .watchHeld,
      "\(holder.user) on \(holder.host) (process \(holder.processID)) raises '\(ramp.name)' already",
      state: "nothing was changed",
      help: ["see how far it is: phasedb switch list", "or end that process first"], standing: .busy)
  }

  private func releaseRamp(_ name: String) throws(MigrationError) {
    try writing("recording that nobody raises the switch") { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger, var ramp = try ledger.ramps.last(of: name),
        ramp.runner == options.runner
      else { return }
      ramp.runner = nil
      let released = ramp
      try lifting("writing the ledger") { () in try ledger.ramps.record(released) }
    }
  }

  // MARK: - One sample

  private func goOn(_ ramp: RampRecord, _ observe: (RampEvent) -> Void) throws(MigrationError) -> RampRecord {
    if let freeze = try WatchDecisions(migrator: migrator).presentFreeze() {
      observe(.waits(ramp, reason: freeze.sentence))
      return ramp
    }
    if let file = options.freezeFile, FileReading.exists(file) {
      observe(.waits(ramp, reason: "the file \(file) freezes watches"))
      return ramp
    }
    let (applied, phase): (AppliedPhase, Phase)
    do throws(MigrationError) {
      (applied, phase) = try judging(ramp.name)
    } catch {
      guard error.id == .unknownSwitch || error.id == .rampRefused else { throw error }
      return end(ramp, observe)
    }
    let every = min(phase.watch?.every ?? ramp.every, ramp.every)
    var samples: [String: Sample] = [:]
    for probe in phase.probes {
      samples[probe.title] = sampler.sample(
        probe, since: applied.appliedAt, before: ramp.baseline[probe.title], every: every)
      // A sample that was interrupted does not count.
      if options.cancellation.isRequested { throw MigrationError.stopped() }
    }
    let taken = samples
    let watch = Watch(for: ramp.every, every: every, settle: phase.watch?.settle ?? .zero)
    let recorded: RampRecord?
    do throws(MigrationError) {
      recorded = try writing("recording a sample") { knowledge throws(MigrationError) in
        guard let ledger = knowledge.ledger, let present = try ledger.ramps.last(of: ramp.name) else {
          return nil
        }
        guard present.isOpen else { return present }
        // Another host may have taken the ramp over, because this one was silent for too long.
        try refuseHolder(of: present, at: options.now())
        return try record(taken, of: present, watch, phase, ledger)
      }
    } catch {
      guard error.standing == .busy else { throw error }
      observe(.waits(ramp, reason: error.message))
      return ramp
    }
    guard let recorded else { return end(ramp, observe) }
    observe(.sampled(recorded.step == ramp.step ? recorded : ramp, taken))
    if !recorded.isOpen {
      observe(.ended(recorded))
    } else if recorded.step != ramp.step {
      observe(.raised(recorded))
    }
    return recorded
  }

  /// The switch was removed, because the phase that made it came down.
  private func end(_ ramp: RampRecord, _ observe: (RampEvent) -> Void) -> RampRecord {
    var ramp = ramp
    (ramp.verdict, ramp.detail) = (.ended, "the switch was removed")
    observe(.ended(ramp))
    return ramp
  }

  /// Judges a sample, and raises or closes the switch accordingly. Call it inside a transaction.
  private func record(
    _ samples: [String: Sample], of ramp: RampRecord, _ watch: Watch, _ phase: Phase, _ ledger: Ledger
  ) throws(MigrationError) -> RampRecord {
    var ramp = ramp
    let (time, runner) = (options.now(), options.runner)
    let record = try switches.found(ramp.name, in: ledger)
    ramp.beat = time
    ramp.runner = runner
    var judgement = ramp.judgement
    let verdict = judgement.take(samples, of: watch, phase.probes)
    ramp.judgement = judgement
    var next: Exposure?
    if record.exposure != ramp.exposure {
      (ramp.verdict, ramp.detail) = (.ended, "it was set to \(record.exposure)")
    } else {
      switch verdict {
      case .goesOn: break
      case .passed where ramp.step == ramp.steps.count:
        (ramp.verdict, ramp.detail) = (.passed, "at \(ramp.exposure)")
      case .passed:
        // While a run is going on, the switch is not raised. The next sample tries again.
        let held = try lifting("reading the ledger") { () in try ledger.lease.held() }
        if held == nil || held?.holder.isProvablyDead(seenFrom: runner) == true {
          ramp.step += 1
          ramp.judgement = WatchJudgement()
          next = ramp.exposure
        }
      case .unclear(let probe, let why):
        (ramp.verdict, ramp.detail) = (.unclear, "'\(probe)': \(why); it stays at \(record.exposure)")
      case .failed(let probe):
        let reason = samples[probe]?.reason ?? ""
        (ramp.verdict, ramp.detail) = (
          .failed, "'\(probe)' failed at \(record.exposure)\(reason.isEmpty ? "" : ": \(reason)")"
        )
      }
    }
    let (changed, raised) = (ramp, next)
    try lifting("writing the ledger") { () in
      try ledger.ramps.record(changed)
      if let raised {
        try ledger.switches.change(
          record, to: raised, reason: changed.reason, by: runner, at: time, isRamp: true)
      }
      switch changed.verdict {
      case .failed:
        try ledger.switches.close(record, reason: changed.detail, by: runner, at: time, isRamp: true)
      case .passed, .unclear:
        try ledger.log(
          .switch, subject: changed.name, detail: "ramp \(changed.verdict.rawValue): \(changed.detail)",
          by: runner, at: time)
      case .ramping, .ended: break
      }
    }
    return changed
  }
}
