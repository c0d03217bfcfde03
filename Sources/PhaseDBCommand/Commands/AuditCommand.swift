internal import PhaseAudit
internal import PhaseDB

/// `phasedb audit`: tells which migrations of another tool can be taken back.
enum AuditCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .audit, "audit",
    summary: "see which migrations of another tool can be taken back",
    discussion:
      "Reads the folder of another migration tool and runs every migration up, down and up again on a database in memory, "
      + "with rows that it makes itself, as that tool runs them. Says which of them come back, with schema and rows. With "
      + "--database, goes down from the head on a private copy of its rows. Nothing is written, neither to the folder nor to "
      + "the database.",
    positionals: [Positional(.folder, .directory, "the folder of the other tool")],
    options: [.tool, .database, .since, .set, .replace, .stub, .output, .format],
    wording: [
      .database: "a database of the folder; a private copy of it goes down from its head",
      .format: "text for people, JSON, Markdown, SARIF, or HTML for a browser (default: text)",
    ],
    formats: [.text, .json, .markdown, .sarif, .html],
    examples: [
      .init("phasedb audit db/migrations", "judge every migration of a folder"),
      .init("phasedb audit db/migrations --database app.db", "go down on a copy of real rows"),
      .init(
        "phasedb audit db/migrations --format html --output audit.html",
        "write a page for a browser"),
      .init(
        "phasedb audit db/migrations --since 0042 --format markdown",
        "comment on what a pull request adds"),
    ],
    exitCodes: [.done, .findings, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let path = context.invocation.value(.folder) ?? "migrations"
    guard let file = context.invocation.value(.output) else { return try audit(path, context) }
    try NewFiles.refuseReport(at: file, of: path)
    let output = Output(nil)
    let code = try audit(path, context.printing(to: output))
    try NewFiles.replace(output.kept.description, at: file)
    if !context.isQuiet, !context.isJSON { context.errors.line("the audit is in \(file)") }
    return code
  }

  private static func audit(_ path: String, _ context: CommandContext) throws(MigrationError)
    -> ExitCode
  {
    let invocation = context.invocation
    let database = try invocation.value(.database).map { text throws(MigrationError) in
      try DatabaseAddress(text)
    }
    let tool = try MigrationTool(of: path, invocation, database: database?.path)
    if tool == .phasedb { return try delegate(path, context) }
    StopSignals.handle()
    let folder = try ToolFolder.read(path, tool: tool, options: ReaderOptions(invocation))
    let audit = try Auditor(folder, since: invocation.value(.since), stubs: invocation.values(.stub)).audit(
      database: database.map { Auditor.Database(path: $0.path) },
      shouldGoOn: { !context.cancellation.isRequested })
    try print(audit, to: context)
    return audit.isClean ? .done : .findings
  }

  private static func print(_ audit: Audit, to context: CommandContext) throws(MigrationError) {
    switch context.invocation.format {
    case .json: try context.print(json: AuditJSON(audit))
    case .sarif: context.print(try SARIF.text(audit))
    case .markdown: context.print(PageMarkdown.text(AuditPage(audit).page))
    case .html: context.print(PageHTML.text(AuditPage(audit).page))
    default: AuditText(audit).print(to: context)
    }
  }

  /// A folder of phasedb is judged by lint, and with a database by a rehearsal, so that the commands never differ.
  private static func delegate(_ path: String, _ context: CommandContext) throws(MigrationError) -> ExitCode {
    func other(_ verb: Verb.ID, _ more: [ArgumentID: ArgumentValue] = [:]) -> CommandContext {
      var invocation = Invocation(verb)
      invocation.add(.text(path), to: .migrations)
      for id in [ArgumentID.format, .color] where context.invocation.has(id) {
        invocation.add(.text(context.invocation.value(id) ?? ""), to: id)
      }
      if context.isQuiet { invocation.add(.flag, to: .quiet) }
      for (id, value) in more { invocation.add(value, to: id) }
      return CommandContext(
        invocation: invocation, environment: context.environment, terminal: context.terminal,
        output: context.output,
        errors: context.errors, cancellation: context.cancellation)
    }
    let format = context.invocation.format
    if format == .markdown || format == .html {
      return try ReportCommand.run(
        other(.report, context.invocation.value(.database).map { [.database: .text($0)] } ?? [:]))
    }
    context.note("\(path) is a folder of phasedb, so lint judges it")
    let database = context.invocation.value(.database).map(ArgumentValue.text)
    let linted = try LintCommand.run(other(.lint))
    // For a program, the output must be one document.
    guard let database, format == .text else { return linted }
    let rehearsed = try RehearseCommand.run(
      other(.rehearse, [.phase: .text(RehearseCommand.down), .all: .flag, .database: database]))
    return linted == .done ? rehearsed : linted
  }
}

extension MigrationTool {
  /// The tool that `--tool` names; otherwise the one to which the files of a folder belong, and if they fit several
  /// tools, the tables of the database decide.
  init(
    of folder: String, _ invocation: Invocation, database: String?, wait: Duration = .seconds(5)
  ) throws(MigrationError) {
    if let named = invocation.value(.tool).flatMap(MigrationTool.init(rawValue:)) {
      self = named
    } else {
      self = try ImportPlan.tool(of: folder, database: database, wait: wait)
    }
  }
}

extension ReaderOptions {
  /// The options of a reader from `--set` and `--replace`.
  init(_ invocation: Invocation) {
    func pairs(_ id: ArgumentID) -> [(String, String)] {
      invocation.values(id).map { text in
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
      }
    }
    self.init(
      set: Dictionary(pairs(.set), uniquingKeysWith: { _, last in last }),
      replace: pairs(.replace).map { Replacement($0.0, by: $0.1) })
  }
}
