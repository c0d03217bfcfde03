internal import PhaseSQLite

/// The parts of a plan that are about switches.
struct SwitchPlanning: MigratorWork {
  let migrator: Migrator

  /// Refuses a phase that makes a switch whose name another phase has already used: the new switch would be on for
  /// some subjects at once.
  ///
  /// - Throws: `switch-taken`.
  func refuseTaken(of plan: Plan, _ knowledge: Knowledge) throws(MigrationError) {
    guard plan.steps.contains(where: { !$0.phase.switchesMade.isEmpty }) else { return }
    let made = try knowledge.ledger?.switches.phases(among: knowledge.applied) ?? []
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

  /// Notes which switches a contract turns fully on although they were not, and which ones stay open after its way
  /// down.
  func notes(on plan: Plan) -> [Prose] {
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

  /// The switches that a way down closes before its steps.
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
