internal import PhaseSQLite

/// Takes the phases of a watch down after a probe failed.
struct WatchReversal: MigratorWork {
  let watching: Watching
  let watch: WatchRecord
  var migrator: Migrator { watching.migrator }

  /// Runs the way down if all its conditions hold.
  func run(_ observe: @escaping (WatchEvent) -> Void) throws(MigrationError) {
    var obstacles: [Prose] = []
    var steps: [PhaseID] = []
    do throws(MigrationError) {
      let (plan, found) = try planned()
      obstacles = found
      steps = plan.steps.map(\.id)
      if plan.steps.isEmpty { return try end(observe) }
      if obstacles.isEmpty {
        try migrator.run(plan) { observe(.reversing($0)) }
        if let present = try watching.watches().first(where: { $0.id == watch.id }) {
          observe(.verdict(present))
        }
        return
      }
    } catch {
      if error.id == .interrupted { throw error }
      obstacles = [error.message]
    }
    let why = obstacles.map(\.raw).joined(separator: "; ")
    let recorded = try watching.record(of: watch, "recording the verdict") {
      present, ledger, _ throws(MigrationError) in
      let applied = try ledger.phases.all().map(\.id)
      let entry = try lifting("reading the ledger") { () in try ledger.lastEntry().id }
      let down = steps.filter { !applied.contains($0) }
      present.verdict = .failed
      guard !down.isEmpty, let next = steps.first(where: applied.contains) else {
        present.detail += "; not reversed: \(why)"
        return
      }
      // The watch counts as if all of its phases had come down.
      present.reversal = entry
      present.detail +=
        "; \(down.map(\.short).joined(separator: ", ")) came down, and \(next.short) did not: \(why)"
    }
    observe(.verdict(recorded))
  }

  /// The phases were taken down before the watch could do it: nothing is left to reverse.
  private func end(_ observe: (WatchEvent) -> Void) throws(MigrationError) {
    let recorded = try watching.record(of: watch, "recording the verdict") {
      present, _, _ throws(MigrationError) in
      present.verdict = .ended
      present.detail += "; it was taken down otherwise"
    }
    observe(.verdict(recorded))
  }

  /// Makes the plan for the versions that the options name and for those that checked in. No operator is present to
  /// confirm that the named ones are all there are.
  private func planForBoth(_ selection: Selection) throws(MigrationError) -> Plan {
    var options = options
    // Gates that an operator overrode for the way up are not overridden for the way back.
    options.overridden = []
    let plan = try Planning(migrator: migrator, options: options).readingPlan(selection)
    guard !options.live.isEmpty || options.isLiveComplete else { return plan }
    (options.live, options.isLiveComplete) = ([], false)
    return try Planning(migrator: migrator, options: options).readingPlan(selection)
  }

  /// The plan of the way down for the phases of a watch, and the reasons against running it.
  private func planned() throws(MigrationError) -> (Plan, [Prose]) {
    let (applied, watches, freeze) = try reading(connection) {
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
