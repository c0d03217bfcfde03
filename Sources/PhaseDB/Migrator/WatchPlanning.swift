/// The parts of a plan that are about watches and their probes.
struct WatchPlanning: MigratorWork {
  let migrator: Migrator

  /// Refuses a plan whose phases name probes that the options do not have.
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

  /// Notes for which phases a watch would not reverse, because it is unknown how long the way down takes.
  func notes(on plan: Plan) -> [Prose] {
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
