internal import PhaseCompat
internal import PhaseDB

/// `phasedb compat`: old and new versions of applications on the states that they may be live on.
enum CompatCommand {
  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let invocation = context.invocation
    if let log = invocation.value(.importLog) {
      let script = try QueryLog(file: log).script()
      // A file gets it exactly as a phase will read it.
      context.print(context.terminal.isOutputTerminal ? "\(sql: script)" : Prose(unescaped: script))
      return .done
    }
    StopSignals.handle()
    let location = try Location(context)
    var version: LiveVersion?
    if let text = invocation.value(.app) { version = try LiveVersion(text) }
    if invocation.has(.command) { return try CompatCommandRun(context, location, version).run() }
    let check = try CompatibilityCheck(folder: location.migrations, only: version)
    if invocation.flag(.list) { return try list(check, context) }
    let surroundings = try surroundings(context, location)
    let report = try check.report(database: try database(for: check, context, location), in: surroundings)
    if let file = invocation.value(.evidence) {
      try CompatEvidence.write(try check.evidence(of: report, in: surroundings), to: file)
    }
    switch invocation.format {
    case .text, .sarif, .csv, .html: CompatText.print(report, location, to: context)
    case .json: try context.print(json: CompatJSON(report))
    case .markdown: context.print(CompatMarkdown.text(report))
    case .junit: context.print(JUnit.text(CompatJUnit.suites(report)))
    case .github: context.print(GitHubAnnotations.text(report))
    }
    return report.isClean ? .done : .findings
  }

  /// The database on the command line; else none if `apps/seed.sql` has rows; else the one that other commands would
  /// use. Rows written for tests come before those of a database that is about to be migrated and may be large.
  static func database(
    for check: CompatibilityCheck, _ context: CommandContext, _ location: Location
  ) throws(MigrationError) -> String? {
    let isNamedHere = context.invocation.has(.database)
    return isNamedHere || !check.hasSeed ? try location.databaseIfNamed()?.path : nil
  }

  static func surroundings(
    _ context: CommandContext, _ location: Location
  ) throws(MigrationError) -> CompatibilityCheck.Surroundings {
    let options = try location.options(context)
    return CompatibilityCheck.Surroundings(
      now: options.now(), runner: options.runner, wait: options.wait, cancellation: options.cancellation)
  }

  private static func list(_ check: CompatibilityCheck, _ context: CommandContext) throws(MigrationError)
    -> ExitCode
  {
    let states = try check.states()
    func tested(_ state: CompatibilityState) -> [LiveVersion] {
      check.versions.filter { state.admits($0.application, $0.version) }
    }
    if context.isJSON {
      try context.print(json: CompatListJSON(states.map { ($0, tested($0)) }))
      return .done
    }
    var table = TextTable(.init("state"), .init("may be live"), .init("tested"))
    for state in states {
      table.add(
        .init(state.description), .init(CompatText.mayBeLive(state)),
        .init(tested(state).map { "\($0.application)@\($0.version)" }.joined(separator: ", ")))
    }
    context.print(table)
    return .done
  }
}
