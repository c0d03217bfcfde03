internal import PhaseCompat
internal import PhaseDB

/// `phasedb compat`: old and new versions of applications on the states that they may be live on.
enum CompatCommand {
  /// What the parser, help and completions know of it.
  static let verb = Verb(
    .compat, "compat",
    summary: "run the queries of old and new versions on every state where they may be live",
    discussion:
      "Runs the queries in apps/APP/VERSION.sql on every state where the windows let the version be live, and "
      + "compares the results with the state it was written for: what compiles, what is read and written, every "
      + "row, and the claims of @verify. Two versions also write in turn while the schema goes up and down. The "
      + "rows come from apps/seed.sql or from a copy of a database. With a command after --, runs the "
      + "application's own tests instead, each on a fresh copy that PHASEDB_DATABASE names. PHASEDB_STATE and "
      + "PHASEDB_APP name the state and the version.",
    positionals: [
      Positional(.command, .text("COMMAND"), optional: true, repeated: true, "the tests of the application")
    ],
    options: [
      .app, .list, .importLog, .evidence, .timeLimit, .jobs, .logs, .wait, .database, .migrations, .format,
    ],
    wording: [
      .evidence: "also write what was shown to this file, for phasedb report",
      .database: "a database whose rows are used (default: the rows of apps/seed.sql, if it exists)",
      .format: "text for people, JSON, Markdown, JUnit or annotations of GitHub Actions (default: text)",
    ],
    formats: [.text, .json, .markdown, .junit, .github],
    alternatives: [[.list, .importLog, .command]],
    examples: [
      .init("phasedb compat", "run the queries of every version"),
      .init("phasedb compat --database copy.db", "the same on the rows of a database"),
      .init(
        "phasedb compat --app storefront@1.4 -- make test", "run the tests of a version on every state"),
    ],
    exitCodes: [.done, .findings, .refused, .busy, .usage])

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
    note(report, context)
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

  /// Says what proves nothing, because it needs functions of the application.
  private static func note(_ report: CompatibilityCheck.Report, _ context: CommandContext) {
    for query in report.unproved {
      let names = query.functions.joined(separator: ", ")
      let title: Prose = "\(query.application) \(query.version), '\(query.query)'"
      context.note(
        query.isSkipped
          ? "\(title) was skipped: it needs \(names), which only the application has; a stub for it: \"functions\": [\"\(names)\"] in phasedb.json"
          : "\(title) ran with a stub of \(names): what it returned is no proof")
    }
    guard !report.stubsOfPhases.isEmpty else { return }
    context.note(
      "phases ran with stubs of \(report.stubsOfPhases.joined(separator: ", ")): rows that they computed are no proof"
    )
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
    var surroundings = CompatibilityCheck.Surroundings(
      now: options.now(), runner: options.runner, wait: options.wait, cancellation: options.cancellation,
      functions: options.functions)
    surroundings.ignoreTables = options.ignoreTables
    return surroundings
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
