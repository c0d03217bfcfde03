internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What happens while phases are watched, in the order in which it happens.
package enum WatchEvent: Sendable, Hashable {
  /// A sample of each probe was taken, or, after the way back, of the one that failed.
  case sampled(PhaseID, Stage, [String: Sample])
  /// A sample was taken and could not be recorded, because other connections write; it does not count.
  case notRecorded(PhaseID, reason: Prose)
  /// The watch of a phase came to a verdict, or began the way back.
  case verdict(WatchRecord)
  /// What the way back does.
  case reversing(Event)

  package enum Stage: Sendable, Hashable {
    /// The phase settles: the sample is not judged.
    case settling
    /// So many are judged, of so many.
    case judged(Int, of: Int)
    /// After a switch was closed.
    case contained
    /// After the way back.
    case afterwards
  }
}

extension Migrator {
  /// Watches every phase whose watch is open, until none is.
  ///
  /// - Parameters:
  ///   - once: takes the samples that are due, and returns.
  ///   - observe: told what happens, on the calling thread.
  /// - Returns: the watches that were open, as they stand now.
  /// - Throws: `watch-held` while another process watches; `interrupted`; `ledger-missing`.
  package func watch(
    once: Bool = false, observe: @escaping (WatchEvent) -> Void = { _ in }
  ) throws(MigrationError) -> [WatchRecord] {
    letGoOfAbandonedLanes { observe(.reversing($0)) }
    let open = try openWatches()
    guard !open.isEmpty else { return [] }
    try takeWatcher()
    defer { try? releaseWatcher() }
    var due: [Int64: ContinuousClock.Instant] = [:]
    while true {
      let present = try openWatches().filter { watch in open.contains { $0.id == watch.id } }
      guard !present.isEmpty else { break }
      for watch in present where isDue(watch, due[watch.id]) {
        due[watch.id] = .now + watch.watch.every
        try tendLanes(of: watch.id, observe)
        try goOn(watch, observe)
        try tendLanes(of: watch.id, observe)
      }
      guard !once, let next = due.values.min() ?? present.map({ _ in ContinuousClock.now }).min() else {
        break
      }
      try sleep(until: min(next, .now + .seconds(5)))
    }
    return try watches().filter { watch in open.contains { $0.id == watch.id } }
  }

  /// Every watch that the ledger knows, oldest first.
  package func watches() throws(MigrationError) -> [WatchRecord] {
    try connection.reading { () throws(MigrationError) in
      try Knowledge.glancing(at: connection).ledger?.watches.all() ?? []
    }
  }

  /// What is kept of a watch, by probe and round.
  package func samples(of watch: WatchRecord) throws(MigrationError) -> [KeptSample] {
    try lifting("reading the ledger") { () in try Ledger(connection: connection).watches.samples(of: watch.id)
    }
  }

  private func openWatches() throws(MigrationError) -> [WatchRecord] { try watches().filter(\.isOpen) }

  /// Within a run its own clock counts; what the system's clock says counts from one run to the next. One that was set back
  /// makes a sample due at once, one that was set forward makes one due and no more.
  private func isDue(_ watch: WatchRecord, _ next: ContinuousClock.Instant?) -> Bool {
    if watch.verdict == .reversing { return true }
    if let next { return ContinuousClock.now >= next }
    guard let last = watch.beat.date, let now = options.now().date, now >= last else { return true }
    // A timer that comes a little early is meant.
    return now.timeIntervalSince(last) * 1_000 >= watch.watch.every.milliseconds * 0.9
  }

  func sleep(until moment: ContinuousClock.Instant) throws(MigrationError) {
    while ContinuousClock.now < moment {
      if options.cancellation.isRequested { throw MigrationError.stopped() }
      Pause.sleep(milliseconds: min(100, Double(Pause.milliseconds(until: moment)) + 1))
    }
    if options.cancellation.isRequested { throw MigrationError.stopped() }
  }

  private func goOn(_ watch: WatchRecord, _ observe: @escaping (WatchEvent) -> Void) throws(MigrationError) {
    var watch = watch
    if watch.verdict != .reversing {
      do throws(MigrationError) {
        watch = try takeSample(of: watch, observe)
      } catch {
        guard error.standing == .busy else { throw error }
        observe(.notRecorded(watch.phase, reason: error.message))
        return
      }
    }
    if watch.verdict == .reversing { try reverse(watch, observe) }
  }

  var sampler: Sampler {
    Sampler(connection: connection, sources: options.probes, cancellation: options.cancellation)
  }

  /// Takes one sample of each probe, or, after the way back, of the one that failed.
  private func takeSample(
    of watch: WatchRecord, _ observe: (WatchEvent) -> Void
  ) throws(MigrationError) -> WatchRecord {
    let kept = try samples(of: watch)
    let isAfterwards = watch.verdict == .checking
    var samples: [String: Sample] = [:]
    for probe in watch.text.probes where !isAfterwards || probe.title == watch.failed {
      let before = Probe.baseline(
        of: kept.filter { $0.probe == probe.title && $0.round <= 0 }.map(\.sample))
      samples[probe.title] = sampler.sample(
        probe, since: watch.since, before: before, every: watch.watch.every)
      // What was cut short says nothing.
      if options.cancellation.isRequested { throw MigrationError.stopped() }
    }
    let taken = samples
    let recorded = try record(of: watch, "recording a sample") {
      present, ledger, time throws(MigrationError) in
      present.take(taken)
      try contain(&present, in: ledger, at: time)
      try lifting("writing the ledger") { () in
        for (probe, sample) in taken {
          try ledger.watches.keep(
            KeptSample(probe: probe, round: present.judgement.taken, at: time, sample: sample), of: present.id
          )
        }
      }
    }
    let round = recorded.judgement.rounds
    let stage: WatchEvent.Stage =
      isAfterwards
      ? .afterwards
      : recorded.judgement.containment != nil && watch.verdict == .containing
        ? .contained : round == 0 ? .settling : .judged(round, of: watch.watch.rounds)
    observe(.sampled(watch.phase, stage, taken))
    if recorded.verdict != watch.verdict { observe(.verdict(recorded)) }
    return recorded
  }

  /// Changes a watch as it stands now, in a transaction, and puts a new verdict into the log.
  ///
  /// - Returns: the watch afterwards; unchanged when it is not open any more.
  private func record(
    of watch: WatchRecord, _ committing: Prose,
    _ change: (inout WatchRecord, Ledger, Timestamp) throws(MigrationError) -> Void
  ) throws(MigrationError) -> WatchRecord {
    try writing(committing) { knowledge throws(MigrationError) in
      guard let ledger = knowledge.ledger,
        var present = try ledger.watches.all().first(where: { $0.id == watch.id }), present.isOpen
      else { return try knowledge.ledger?.watches.all().first { $0.id == watch.id } ?? watch }
      let before = present.verdict
      let time = options.now()
      try change(&present, ledger, time)
      present.beat = time
      let changed = present
      try lifting("writing the ledger") { () in
        try ledger.watches.record(changed)
        try ledger.watches.setWatcher(options.runner, at: time)
        guard changed.verdict != before else { return }
        try ledger.log(
          .watch, subject: changed.phase.description,
          detail: changed.verdict.rawValue + (changed.detail.isEmpty ? "" : ": \(changed.detail)"),
          by: options.runner, at: time)
      }
      return changed
    }
  }

  // MARK: - The switch

  /// Closes the switches of a phase whose probe has just failed, in the transaction that records the failure, and asks on
  /// whether that helps. While watches are frozen, nothing is closed.
  ///
  /// One that somebody closed a moment ago counts, too: what failed may have come from before.
  private func contain(
    _ watch: inout WatchRecord, in ledger: Ledger, at time: Timestamp
  ) throws(MigrationError) {
    guard [.reversing, .failed].contains(watch.verdict), watch.judgement.containment == nil,
      watch.phase.kind != .contract
    else { return }
    let freeze = try lifting("reading the ledger") { () in try ledger.watches.freeze() }
    if let freeze, !freeze.isOver(at: time) { return }
    if let file = options.freezeFile, FileReading.exists(file) { return }
    let phases = try ledger.switches.phases(among: try ledger.phases.all())
    let names = phases.filter { $0.applied.id.migration == watch.phase.migration }.flatMap {
      $0.phase.switchesMade
    }
    let needed = phases.flatMap { $0.phase.switchesRequired.map(\.name) }
    let every = watch.watch.every
    let failures = watch.text.probes.first { $0.title == watch.failed }?.failures ?? 1
    let lately = time.before(options.switchSettle + every * (failures + 1))
    let reason = "the probe '\(watch.failed)' of \(watch.phase.short) failed"
    let runner = options.runner
    let closed = try lifting("writing the ledger") { () in
      // Without what a later contract took away, nobody can be off.
      try names.filter { !needed.contains($0) }.filter { name throws(SQLiteError) in
        guard let present = try ledger.switches.named(name) else { return false }
        if try ledger.switches.close(present, reason: reason, by: runner, at: time) { return true }
        return present.closedAt.map { $0 > lately } ?? false
      }
    }
    guard !closed.isEmpty else { return }
    watch.verdict = .containing
    watch.judgement.beginContainment(settling: Int((options.switchSettle / every).rounded(.up)))
    let list = closed.map { "'\($0)'" }.joined(separator: ", ")
    watch.detail +=
      closed.count == 1 ? "; the switch \(list) was closed" : "; the switches \(list) were closed"
  }

  // MARK: - The way back

  /// Takes the phases of a watch down, when everything holds that must hold for that.
  private func reverse(
    _ watch: WatchRecord, _ observe: @escaping (WatchEvent) -> Void
  ) throws(MigrationError) {
    let overridden = options.overridden
    // What somebody took on themselves on the way up is not meant for the way back.
    options.overridden = []
    defer { options.overridden = overridden }
    var obstacles: [Prose] = []
    var steps: [PhaseID] = []
    do throws(MigrationError) {
      let (plan, found) = try reversalPlan(of: watch)
      obstacles = found
      steps = plan.steps.map(\.id)
      if plan.steps.isEmpty { return try end(watch, observe) }
      if obstacles.isEmpty {
        try run(plan) { observe(.reversing($0)) }
        if let present = try watches().first(where: { $0.id == watch.id }) { observe(.verdict(present)) }
        return
      }
    } catch {
      if error.id == .interrupted { throw error }
      obstacles = [error.message]
    }
    let why = obstacles.map(\.raw).joined(separator: "; ")
    let recorded = try record(of: watch, "recording the verdict") {
      present, ledger, _ throws(MigrationError) in
      let applied = try ledger.phases.all().map(\.id)
      let entry = try lifting("reading the ledger") { () in try ledger.lastEntry().id }
      let down = steps.filter { !applied.contains($0) }
      present.verdict = .failed
      guard !down.isEmpty, let next = steps.first(where: applied.contains) else {
        present.detail += "; not reversed: \(why)"
        return
      }
      // The text is held as if all of it had come down.
      present.reversal = entry
      present.detail +=
        "; \(down.map(\.short).joined(separator: ", ")) came down, and \(next.short) did not: \(why)"
    }
    observe(.verdict(recorded))
  }

  /// Somebody took the phases down before the watch could: nothing is left to reverse.
  private func end(_ watch: WatchRecord, _ observe: (WatchEvent) -> Void) throws(MigrationError) {
    let recorded = try record(of: watch, "recording the verdict") { present, _, _ throws(MigrationError) in
      present.verdict = .ended
      present.detail += "; it was taken down otherwise"
    }
    observe(.verdict(recorded))
  }

  /// Plans for the versions that somebody named and for those that checked in since: nobody is here to say that the former
  /// are all there are.
  private func planForBoth(_ selection: Selection) throws(MigrationError) -> Plan {
    let named = options.live
    let isComplete = options.isLiveComplete
    guard !named.isEmpty || isComplete else { return try plan(selection) }
    _ = try plan(selection)
    (options.live, options.isLiveComplete) = ([], false)
    defer { (options.live, options.isLiveComplete) = (named, isComplete) }
    return try plan(selection)
  }

  /// The way down of the phases that a watch covers, and what speaks against running it.
  private func reversalPlan(of watch: WatchRecord) throws(MigrationError) -> (Plan, [Prose]) {
    let (applied, watches, freeze) = try connection.reading {
      () throws(MigrationError) -> ([AppliedPhase], [WatchRecord], Freeze?) in
      let knowledge = try Knowledge(of: connection)
      guard let ledger = knowledge.ledger else { throw Ledger.damaged("there is no ledger") }
      let freeze = try lifting("reading the ledger") { () in try ledger.watches.freeze() }
      return (knowledge.applied, try ledger.watches.all(), freeze)
    }
    var obstacles: [Prose] = []
    if let freeze, !freeze.isOver(at: options.now()) { obstacles.append(freeze.sentence) }
    if let file = options.freezeFile, FileReading.exists(file) {
      obstacles.append("the file \(file) keeps watches from reversing")
    }
    if let later = applied.last, later.sequence > watch.id {
      obstacles.append("\(later.id.short) was applied after it")
    }
    if watches.contains(where: {
      $0.id != watch.id && $0.phase == watch.phase && $0.reversal != nil
        && $0.text.tokenHash == watch.text.tokenHash
    }) {
      obstacles.append("this text came down by itself before")
    }
    for probe in watch.text.probes where probe.isControl {
      let sample = sampler.sample(probe, since: watch.since, before: nil, every: watch.watch.every)
      guard sample.outcome != .passes else { continue }
      obstacles.append("the control '\(probe.title)' \(sample.outcome.rawValue): \(sample.reason)")
    }
    let count = applied.count { $0.sequence >= watch.first }
    var plan = try planForBoth(.down(count))
    plan.reversing = watch.id
    for step in plan.steps where plan.reversals[step.id]?.isExactOrDeclared != true {
      let lines = (plan.reversals[step.id] ?? Reversal(basis: .nothing)).lines(of: step.id)
      obstacles.append(lines.first ?? "\(step.id.short) would not give back everything")
    }
    let budget = watch.text.budget?.down ?? .seconds(60)
    let times = plan.steps.map { plan.times[$0.id]?.most }
    if times.contains(nil) {
      obstacles.append("how long the way back takes is not known: phasedb rehearse tells")
    } else if times.compactMap(\.self).reduce(0, +) > budget.milliseconds {
      obstacles.append("the way back takes longer than \(DurationText.print(budget))")
    }
    return (plan, obstacles)
  }
}

// MARK: - One at a time

extension Migrator {
  private func takeWatcher() throws(MigrationError) {
    try writing("recording who watches") { knowledge throws(MigrationError) in
      guard let old = knowledge.ledger else {
        throw MigrationError(
          .ledgerMissing, "\(database) has no ledger, so no phase is watched", state: "nothing was changed",
          help: ["apply phases: phasedb up"])
      }
      let (time, runner) = (options.now(), options.runner)
      let present = try lifting("reading the ledger") { () in try old.watches.watcher() }
      if let present, present.runner != runner, !present.runner.isProvablyDead(seenFrom: runner),
        present.beat > time.before(.seconds(120)) || present.runner.isVisible(from: runner)
      {
        throw MigrationError(
          .watchHeld,
          "\(present.runner.user) on \(present.runner.host) (process \(present.runner.processID)) watches already",
          state: "nothing was changed",
          help: ["see how far it is: phasedb status", "or end that process first"], standing: .busy)
      }
      try lifting("writing the ledger") { () in
        try old.upgraded(by: runner, at: time).watches.setWatcher(runner, at: time)
      }
    }
  }

  private func releaseWatcher() throws(MigrationError) {
    try writing("recording that nobody watches") { knowledge throws(MigrationError) in
      try lifting("writing the ledger") { () in
        guard let ledger = knowledge.ledger, try ledger.watches.watcher()?.runner == options.runner else {
          return
        }
        try ledger.watches.setWatcher(nil, at: options.now())
      }
    }
  }
}

// MARK: - What operators decide

extension Migrator {
  /// Records that somebody takes on themselves what the watch of an applied phase did not show.
  ///
  /// - Parameters:
  ///   - name: the phase, or a prefix that names one.
  ///   - reason: why, for the log.
  /// - Throws: `unknown-phase`, `ambiguous-phase`; `not-watched` when it has no watch that waits or failed.
  package func waive(_ name: String, reason: String) throws(MigrationError) -> WatchRecord {
    let waived = try recordWaived(name, reason: reason)
    try tendLanes(of: waived.id) { _ in }
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

  /// Keeps watches from reversing.
  ///
  /// - Parameter time: after which it ends by itself; nil when it does not.
  package func freeze(for time: Duration?, reason: String) throws(MigrationError) {
    try setFreeze(reason: reason, until: time.map { options.now().before(.zero - $0) })
  }

  /// Lets watches reverse again.
  package func unfreeze() throws(MigrationError) { try setFreeze(reason: nil, until: nil) }

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

  /// What keeps watches from reversing; nil when nothing does.
  package func presentFreeze() throws(MigrationError) -> Freeze? {
    let freeze = try lifting("reading the ledger") { () in
      guard case .present(let format, _) = try Ledger.presence(in: connection) else { return nil as Freeze? }
      return try Ledger(connection: connection, format: format).watches.freeze()
    }
    return freeze.flatMap { $0.isOver(at: options.now()) ? nil : $0 }
  }

  /// Probes that a plan needs and nobody can ask.
  ///
  /// - Throws: `unknown-probe`.
  func refuseUnknownProbes(of plan: Plan) throws(MigrationError) {
    guard !plan.isFresh else { return }
    for step in plan.steps {
      for probe in step.phase.probes where probe.query == nil {
        let place = Place(file: step.phase.up.file, line: 1, column: 1)
        guard let source = options.probes[probe.title] else {
          let known = options.probes.keys.sorted()
          let nearest: Prose? = Suggestion.nearest(to: probe.title, in: known).map { "did you mean '\($0)'?" }
          throw MigrationError(
            .unknownProbe, "\(step.id) asks the probe '\(probe.title)', which is not in phasedb.json",
            at: place, state: "nothing was changed",
            help: [nearest, "add it there under \"probes\", or write a SELECT under its @probe"].compactMap(
              \.self))
        }
        guard probe.wantsNumber, !source.givesNumber else { continue }
        throw MigrationError(
          .unknownProbe, "\(step.id) expects a number of the probe '\(probe.title)', which gives none",
          at: place, state: "nothing was changed",
          help: ["set \"number\": true on it in phasedb.json, or remove what it expects"])
      }
    }
  }

  /// Says of which phases a watch would reverse nothing, because nobody knows how long that takes.
  func notesOnWatches(of plan: Plan) -> [Prose] {
    guard !plan.isFresh else { return [] }
    return plan.steps.filter { $0.phase.watch?.then == .reverse }.compactMap { step in
      let hash = step.phase.tokenHash
      let isMeasured = plan.judgement.evidence.all.contains {
        $0.phase == step.id && $0.tokenHash == hash && $0.times.down != nil
      }
      guard !isMeasured else { return nil }
      return
        "the watch of \(step.id.short) would reverse nothing, because no rehearsal has measured how long that takes: phasedb rehearse"
    }
  }
}
