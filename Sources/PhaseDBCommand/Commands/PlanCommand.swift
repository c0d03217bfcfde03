internal import PhaseDB

/// `phasedb plan`: what up or down would do.
enum PlanCommand {
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
      if let target = invocation.value(.target) { return .downTo(Target(target)) }
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
