internal import PhaseDB

/// `phasedb plan`: shows what up or down would do.
enum PlanCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .plan, "plan",
    summary: "show what up or down would do, without doing it",
    discussion:
      "Shows the phases in the order in which they would run, which versions may be live after each, and what "
      + "holds a phase back. Only reads, so it also works on a read-only database. Exits with 1 when a live "
      + "version may run neither on the present schema nor on the planned one.",
    positionals: [
      Positional(.direction, .choices(["up", "down"]), optional: true, "which way (default: up)"),
      Positional(.count, .number, optional: true, "how many phases"),
    ],
    options: [.target, .all, .live, .evidence, .override, .reason, .wait, .database, .migrations, .format],
    wording: [.all: "every phase in that direction"],
    alternatives: [[.count, .target, .all]],
    examples: [
      .init("phasedb plan", "show what phasedb up would apply"),
      .init("phasedb plan down --to @before-sale", "show what a return to that checkpoint would reverse"),
    ],
    exitCodes: [.done, .findings, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let direction = Direction(rawValue: context.invocation.value(.direction) ?? "up") ?? .up
    let location = try Location(context, reading: direction == .up ? .all : .readable)
    let migrator = try location.migrator(.reading, context)
    let plan = try migrator.plan(context.selection(direction))
    if context.isJSON {
      try context.print(json: PlanJSON(plan, database: migrator.database))
    } else {
      let command: Prose = "phasedb \(direction.rawValue)\(context.targetWords(direction))"
      PlanText(plan: plan, database: migrator.database, command: command).print(to: context)
      if !plan.steps.isEmpty || !plan.drift.isEmpty {
        context.suggest(command, after: plan.isBlocked ? "open what is blocked" : "")
      }
    }
    return plan.remainingMisfits.isEmpty ? .done : .findings
  }
}

/// A plan as a person reads it.
struct PlanText {
  let plan: Plan
  let database: String
  /// The command that runs the plan.
  let command: Prose
  /// Why there is nothing to do, if the command knows a better reason than the plan.
  var nothing: Prose?

  func print(to context: CommandContext) {
    let way = plan.direction == .up ? "up" : "down"
    guard !plan.steps.isEmpty else {
      context.print(
        plan.runsBaseline
          ? "plan: \(database) is empty, so baseline.sql runs; no phase comes after it\n"
          : "nothing to do: \(reason(context))\n")
      if let note = plan.squashNote { context.print("\(context.paint("note:", .warning)) ", note, indent: 6) }
      printHeld(context)
      printDrift(context)
      printMisfits(context)
      return
    }
    let count = CountText.text(plan.steps.count, "phase")
    let recovery = RecoveryText(
      plan: plan,
      start: "\(command)\(context.words(of: [.database, .migrations]))")
    if plan.direction == .down {
      context.print("\(context.paint("plan: ", .heading))", recovery.headline, indent: 6)
      context.print("      on ", Prose(database), indent: 9)
    } else {
      context.print("\(context.paint("plan: \(count) \(way) on \(database)", .heading))\n")
    }
    if plan.runsBaseline { context.print("  the database is empty, so baseline.sql runs first\n") }
    var table = TextTable(
      .init("  phase"), .init("name", dropped: 2), .init("way back"), .init("live after"),
      .init("what it is for", dropped: 1), overflow: .isCut)
    for step in plan.steps {
      let word = plan.reversals[step.id].map { reversal in
        TextTable.Cell("\(reversal.word.rawValue)", reversal.isExactOrDeclared ? nil : .bad)
      }
      table.add(
        .init("  \(step.id.short)"), .init(step.id.migration.words), word ?? "",
        .init(step.liveAfter.sentence), .init(step.phase.summary))
    }
    context.print(table)
    printClosing(context)
    if plan.direction == .down { recovery.print(to: context) }
    printLanes(context)
    printHeld(context)
    printDrift(context)
    printLive(context)
    printMisfits(context)
    for note in plan.notes { context.print("\(context.paint("note:", .warning)) ", note, indent: 6) }
    for gate in plan.overridden.sorted(by: { $0.rawValue < $1.rawValue }) {
      context.print(
        "\(context.paint("override:", .warning)) ",
        "the \(gate.rawValue) gate, because: \(plan.reason ?? "")", indent: 10)
    }
  }

  /// Prints which switches are closed before which phase, and the pause after it.
  private func printClosing(_ context: CommandContext) {
    for step in plan.steps {
      guard let closing = plan.closing[step.id] else { continue }
      let open = closing.switches.filter(\.isOpen)
      let wait: Prose = "wait \(TimeText.text(closing.wait))"
      let names = open.map { "'\($0.name)', which is at \($0.standing)" as Prose }.joined(separator: ", and ")
      let what: Prose =
        open.isEmpty
        ? "\(wait) before \(step.id.short), because its switch was closed a moment ago"
        : "close the switch \(names), and \(wait) before \(step.id.short)"
      context.print("\(context.paint("first:", .heading)) ", what, indent: 7)
    }
  }

  /// Why there is nothing to do.
  private func reason(_ context: CommandContext) -> Prose {
    guard plan.held.isEmpty else { return "no phase can go up now" }
    if let nothing { return nothing }
    let target = context.invocation.value(.target)
    switch plan.direction {
    case .up: return target.map { "everything up to \($0) is applied" } ?? "every phase is applied"
    case .down:
      return target.map { "nothing is applied after \($0)" }
        ?? (plan.appliedBefore.isEmpty
          ? "no phase is applied" : "every applied phase is squashed into the baseline")
    }
  }

  /// Prints the lanes that are held meanwhile.
  private func printLanes(_ context: CommandContext) {
    guard !plan.isFresh, !plan.overridden.contains(.lane) else { return }
    for step in plan.steps {
      for lane in plan.lanes(of: step) {
        context.print(
          "\(context.paint("lane:", .heading)) ", "\(step.id.short) holds \(lane.sentence)", indent: 6)
      }
    }
  }

  /// Prints changes that are recorded as they are, because the operator accepts them.
  private func printDrift(_ context: CommandContext) {
    guard !plan.drift.isEmpty else { return }
    context.print(
      "\(context.paint("the schema was changed outside phasedb, and the change is recorded:", .warning))\n")
    for line in plan.drift { context.print("  \(line)\n") }
  }

  private func printLive(_ context: CommandContext) {
    guard !plan.checkIns.isEmpty else { return }
    context.print("\(context.paint("live:", .heading)) ", plan.checkIns.sentence, indent: 6)
  }

  /// Prints live versions that may run neither on the present schema nor after the plan.
  private func printMisfits(_ context: CommandContext) {
    context.print(plan.remainingMisfits)
  }

  private func printHeld(_ context: CommandContext) {
    guard !plan.held.isEmpty else { return }
    context.print("\(context.paint("held:", .heading))\n")
    for held in plan.held {
      for gate in held.gates {
        let label: Prose = "  \(held.id.short) "
        // A gate that waits for another phase opens with that phase, so it needs no advice.
        guard ![.order, .needs].contains(gate.gate) else {
          context.print(label, gate.brief, indent: 4)
          continue
        }
        context.print(label + "\(context.paint("\(gate.gate.rawValue)", .warning)): ", gate.reason, indent: 4)
        context.print("    to open it: ", context.advice(gate.opening), indent: 6)
      }
    }
  }
}

extension [String: StateInterval] {
  /// `storefront >=1.0 <1.6, any version of worker`.
  var sentence: Prose {
    sorted { $0.key < $1.key }.map { application, interval -> Prose in
      interval.isUnbounded ? "\(interval) of \(application)" : "\(application) \(interval)"
    }.joined(separator: ", ")
  }
}

extension [CheckIn] {
  /// `storefront 1.4.0 on web-1, web-2; worker 3 on jobs`.
  var sentence: Prose {
    var instances: [(version: Prose, names: [String])] = []
    for checkIn in self {
      let version: Prose = "\(checkIn.application) \(checkIn.versionText)"
      if let index = instances.firstIndex(where: { $0.version == version }) {
        instances[index].names.append(checkIn.instance)
      } else {
        instances.append((version, [checkIn.instance]))
      }
    }
    return instances.map { "\($0.version) on \(DetailLines.enumeration($0.names))" as Prose }.joined(
      separator: "; ")
  }
}

/// A plan as `--format json` prints it.
struct PlanJSON: Encodable {
  let database: String
  let direction: String
  let fresh: Bool
  let baseline: Bool
  let steps: [StepJSON]
  let held: [HeldJSON]
  let drift: [Prose]
  let checkIns: [CheckInJSON]
  let overridden: [String]
  let reason: String?
  let notes: [Prose]
  /// The switches that a way down closes before its steps; nil when there are none.
  let closing: [ClosingJSON]?
  /// Live versions that may run neither on the present schema nor after the plan.
  let liveOutside: [MisfitJSON]

  struct MisfitJSON: Encodable {
    let application: String
    let appVersion: String
    let instances: [String]
    /// Null when no version may be live.
    let mayBeLive: String?
    let causes: [Prose]
    let remedies: [Prose]

    init(_ misfit: LiveMisfit) {
      application = misfit.live.application
      appVersion = misfit.live.version.description
      instances = misfit.instances
      mayBeLive = misfit.mayBeLive.range?.description
      causes = misfit.causes
      remedies = misfit.remedies
    }
  }

  struct StepJSON: Encodable {
    let phase: String
    let kind: String
    let summary: String
    /// For each application, the range of versions that may be live after the step; null where none may.
    let liveAfter: [String: String?]
    let losses: [String]
    let residuals: [ResidualJSON]?
    /// `not-declared`, `nothing` or `declared`.
    let residual: String
    let verifications: [String]
    /// The lanes that are held meanwhile.
    let lanes: [LaneUseJSON]
    /// Its effects so far, and the contents of its archives; only for a way down.
    let effects: [EffectJSON]?
    let kept: [KeptJSON]?
    /// What it would restore; only for a way down, like the next one.
    let reversal: ReversalJSON?
    /// The duration of the way down in its rehearsal.
    let rehearsedMilliseconds: Double?
    /// How long it may take.
    let time: TimeJSON?
  }

  struct TimeJSON: Encodable {
    /// measured, scaled or rehearsed
    let basis: String
    let leastMilliseconds: Double
    let mostMilliseconds: Double
  }

  struct ResidualJSON: Encodable {
    let audience: String
    let text: String
  }

  struct ClosingJSON: Encodable {
    /// The phase before which they are closed.
    let phase: String
    let switches: [String]
    let waitMilliseconds: Double
  }

  struct HeldJSON: Encodable {
    let phase: String
    let gates: [GateJSON]
  }

  struct GateJSON: Encodable {
    let gate: String
    let reason: Prose
    let opening: Prose

    init(_ gate: Gate.Closed) {
      self.gate = gate.gate.rawValue
      reason = gate.reason
      opening = gate.opening
    }
  }

  init(_ plan: Plan, database: String) {
    self.database = database
    direction = plan.direction.rawValue
    fresh = plan.isFresh
    baseline = plan.runsBaseline
    steps = plan.steps.map { step in
      StepJSON(
        phase: step.id.description, kind: step.id.kind.rawValue, summary: step.phase.summary,
        liveAfter: step.liveAfter.mapValues { $0.range?.description },
        losses: step.phase.losses.map { "\($0.table).\($0.column): \($0.reason)" },
        residuals: step.phase.residuals?.map { ResidualJSON(audience: $0.audience.rawValue, text: $0.text) },
        residual: step.phase.residualStatement.rawValue,
        verifications: step.phase.verifications.map(\.title),
        lanes: plan.lanes(of: step).map(LaneUseJSON.init),
        effects: plan.effects[step.id]?.map { EffectJSON($0) }, kept: plan.kept[step.id]?.map(KeptJSON.init),
        reversal: plan.reversals[step.id].map(ReversalJSON.init),
        rehearsedMilliseconds: plan.rehearsed[step.id]?.times.down,
        time: plan.times[step.id].map {
          TimeJSON(
            basis: $0.basis.rawValue, leastMilliseconds: $0.least, mostMilliseconds: $0.most)
        })
    }
    held = plan.held.map { HeldJSON(phase: $0.id.description, gates: $0.gates.map(GateJSON.init)) }
    drift = plan.drift
    checkIns = plan.checkIns.map(CheckInJSON.init)
    overridden = plan.overridden.map(\.rawValue).sorted()
    reason = plan.reason
    notes = plan.notes
    let closings = plan.steps.compactMap { step in
      plan.closing[step.id].map {
        ClosingJSON(
          phase: step.id.description, switches: $0.switches.filter(\.isOpen).map(\.name),
          waitMilliseconds: $0.wait.milliseconds)
      }
    }
    closing = closings.isEmpty ? nil : closings
    liveOutside = plan.remainingMisfits.map(MisfitJSON.init)
  }
}
