internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What happens while phases are watched, in the order in which it happens.
package enum WatchEvent: Sendable, Hashable {
  /// A sample of each probe was taken. After the way back, only the failed probe is asked.
  case sampled(PhaseID, Stage, [String: Sample])
  /// A sample was taken and could not be recorded, because other connections write; it does not count.
  case notRecorded(PhaseID, reason: Prose)
  /// The watch of a phase came to a verdict, or began the way back.
  case verdict(WatchRecord)
  /// An event of the way back.
  case reversing(Event)

  package enum Stage: Sendable, Hashable {
    /// The phase settles: the sample is not judged.
    case settling
    /// The sample is judged. The values are its number and how many there will be.
    case judged(Int, of: Int)
    /// The sample was taken after a switch was closed.
    case contained
    /// The sample was taken after the way back.
    case afterwards
  }
}

/// Watches phases, and takes them back when a probe fails.
struct Watching: MigratorWork {
  let migrator: Migrator

  func watch(
    once: Bool, observe: @escaping (WatchEvent) -> Void
  ) throws(MigrationError) -> [WatchRecord] {
    let lanes = LaneWork(migrator: migrator)
    lanes.letGoOfAbandoned { observe(.reversing($0)) }
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
        try lanes.tend(of: watch.id, observe)
        try goOn(watch, observe)
        try lanes.tend(of: watch.id, observe)
      }
      guard !once, let next = due.values.min() ?? present.map({ _ in ContinuousClock.now }).min() else {
        break
      }
      try sleep(until: min(next, .now + .seconds(5)))
    }
    return try watches().filter { watch in open.contains { $0.id == watch.id } }
  }

  func watches() throws(MigrationError) -> [WatchRecord] {
    try reading(connection) { () throws(MigrationError) in
      try Knowledge.glancing(at: connection).ledger?.watches.all() ?? []
    }
  }

  func samples(of watch: WatchRecord) throws(MigrationError) -> [KeptSample] {
    try lifting("reading the ledger") { () in try Ledger(connection: connection).watches.samples(of: watch.id)
    }
  }

  private func openWatches() throws(MigrationError) -> [WatchRecord] { try watches().filter(\.isOpen) }

  /// Within one run a monotonic clock decides. Between runs it is the system's clock. If that was set back, a sample
  /// is due at once. If it was set forward, one sample is due and no more.
  private func isDue(_ watch: WatchRecord, _ next: ContinuousClock.Instant?) -> Bool {
    if watch.verdict == .reversing { return true }
    if let next { return ContinuousClock.now >= next }
    guard let last = watch.beat.date, let now = options.now().date, now >= last else { return true }
    // A timer may fire a little early.
    return now.timeIntervalSince(last) * 1_000 >= watch.watch.every.milliseconds * 0.9
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
    if watch.verdict == .reversing {
      try WatchReversal(watching: self, watch: watch).run(observe)
    }
  }

  /// Takes one sample of each probe. After the way back, only the failed probe is asked.
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
      // A sample that was interrupted does not count.
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

  /// Changes the present state of a watch in a transaction, and logs a new verdict.
  ///
  /// - Returns: the watch afterwards; unchanged when it is not open any more.
  func record(
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

  /// Closes the switches of a phase whose probe has just failed, in the transaction that records the failure. The
  /// watch then goes on, to see whether that helps. While watches are frozen, nothing is closed.
  ///
  /// A switch that was closed a moment ago counts, too: the failure may still come from before.
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
      // A switch cannot be closed if a later contract removed what subjects with the switch off need.
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

  // MARK: - One at a time

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
