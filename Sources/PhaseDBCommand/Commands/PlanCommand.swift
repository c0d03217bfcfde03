internal import PhaseDB

/// `phasedb plan`: what up or down would do.
enum PlanCommand {
  /// What the parser, help and completions know of it.
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
      if !plan.steps.isEmpty || !plan.drift.isEmpty { context.suggest(command) }
    }
    return plan.remainingMisfits.isEmpty ? .done : .findings
  }
}

extension CommandContext {
  /// Which phases the arguments ask for.
  func selection(_ direction: Direction) -> Selection {
    switch direction {
    case .up:
      if let target = invocation.value(.target) { return .upTo(target) }
      return invocation.number(.count).map(Selection.up) ?? .upAll
    case .down:
      if invocation.flag(.all) { return .downAll }
      if let target = invocation.value(.target) { return .downTo(Selection.Target(target)) }
      return .down(invocation.number(.count) ?? 1)
    }
  }

  /// The same selection, on the same assumptions, as words of a command line.
  func targetWords(_ direction: Direction) -> Prose {
    let count: Prose = invocation.number(.count).map { " \($0)" } ?? ""
    let all: Prose = invocation.flag(.all) && direction == .down ? " --all" : ""
    return count + all + words(of: [.target, .evidence, .live, .override, .reason])
  }
}
