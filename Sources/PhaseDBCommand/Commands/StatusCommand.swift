internal import PhaseDB

/// `phasedb status`: where every phase stands.
enum StatusCommand {
  /// What the parser, help and completions know of it.
  static let verb = Verb(
    .status, "status",
    summary: "show the state of every phase",
    discussion:
      "With PHASE, shows everything about that phase. Only reads, so it also works on a read-only database.",
    positionals: [
      Positional(
        .phase, .name(.phase), optional: true, "the only phase to show, in full")
    ],
    options: [.check, .live, .wait, .database, .migrations, .format],
    wording: [
      .check:
        "exit with 1 when a phase is pending, edited or known to lose rows, the schema has drifted, or a live version may not run on it"
    ],
    examples: [
      .init("phasedb status", "show the state of every phase"),
      .init("phasedb status 0002/contract", "show why it is held, and everything else about it"),
      .init("phasedb status --check --quiet", "let the exit code say whether everything is applied"),
    ],
    exitCodes: [.done, .findings, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let location = try Location(context, reading: .readable)
    let address = try location.database()
    location.noteUnused(address, context)
    if let name = context.invocation.value(.phase) { return try show(name, location, context) }
    var status = try Migrator.status(
      database: address.path, folder: location.migrations, options: try location.options(context))
    location.noteUnread(status.unread, context)
    if let error = location.unreadSettings { status.unread.insert(error, at: 0) }
    let failures = context.invocation.flag(.check) ? status.concerns : []
    if context.isJSON {
      try context.print(json: StatusJSON(status))
    } else {
      // Quiet and with --check, only what fails it is data.
      if !context.isQuiet || !context.invocation.flag(.check) { StatusText(status).print(to: context) }
      print(failures, to: context)
      suggestNext(status, context)
    }
    return failures.isEmpty ? .done : .findings
  }

  /// Shows one phase.
  private static func show(
    _ name: String, _ location: Location, _ context: CommandContext
  ) throws(MigrationError) -> ExitCode {
    let migrator = try location.migrator(.reading, context)
    let status = try migrator.status().only(name)
    if context.isJSON {
      try context.print(json: StatusJSON(status))
    } else if let phase = status.phases.first {
      let kept =
        phase.applied == nil
        ? []
        : try migrator.purgeable(
          phase.id.description, lookingForDeleted: .seconds(1)
        ).items
      let record = status.watches.last { $0.phase == phase.id }
      let watch = try record.map { record throws(MigrationError) in (record, try migrator.samples(of: record))
      }
      PhaseStatusText(
        phase, kept: kept, effects: status.effects[phase.id] ?? [], watch: watch
      ).print(to: context)
      context.suggest(phase.gates.isEmpty ? "phasedb status" : "phasedb plan")
    }
    return .done
  }

  /// Why the check fails, also when asked to be quiet.
  private static func print(_ failures: [Concern], to context: CommandContext) {
    guard !failures.isEmpty else { return }
    context.print("\(context.paint("the check fails:", .bad))\n")
    for concern in failures { context.print("  \(concern.kind.rawValue): ", concern.message, indent: 4) }
  }

  private static func suggestNext(_ status: Status, _ context: CommandContext) {
    if status.hasDrifted { return context.suggest("phasedb verify") }
    if let underWay = status.underWay, !underWay.isRunning {
      return context.suggest("phasedb \(underWay.direction.rawValue)")
    }
    if let (watch, count) = status.wayBackOfWatch {
      return context.suggest(
        "phasedb down\(count == 1 ? "" : " \(count)")", after: "decide whether \(watch.phase.short) stays")
    }
    guard let pending = status.phases.first(where: { !$0.isApplied }) else {
      return context.suggest("phasedb verify")
    }
    switch pending.gates.first {
    case let gate? where gate.gate == .window && status.pending.allSatisfy { !$0.gates.isEmpty }:
      context.suggest("phasedb up", after: gate.opening)
    case let gate? where gate.gate == .evidence: context.suggest("phasedb rehearse")
    default: context.suggest("phasedb plan")
    }
  }
}
