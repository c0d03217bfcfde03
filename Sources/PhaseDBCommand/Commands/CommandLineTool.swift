internal import PhaseDB

/// Runs one command line from its words to its exit code.
struct CommandLineTool {
  let environment: [String: String]
  let cancellation: Cancellation

  func run(_ arguments: [String]) -> ExitCode {
    let terminal = Terminal(environment: environment)
    let errors = Output(.error)
    let invocation: Invocation
    do throws(UsageError) {
      invocation = try ArgumentParser.parse(arguments)
    } catch {
      let paint = terminal.errorPaint(.auto)
      if Self.asksForJSON(arguments),
        let text = try? JSONText.line(command: error.verb.joined(separator: " "), ErrorJSON(error))
      {
        errors.write(text)
      } else if error.id == .missingVerb {
        errors.write(Help(paint: paint, width: terminal.errorWidth ?? 80).text(for: error.verb))
      } else {
        errors.write(ErrorText(error).text(paint: paint, width: terminal.errorWidth))
      }
      return .usage
    }
    let context = CommandContext(
      invocation: invocation, environment: environment, terminal: terminal, output: Output(.output),
      errors: errors,
      cancellation: cancellation)
    return run(context)
  }

  /// Whether an invalid command line asks for JSON.
  private static func asksForJSON(_ arguments: [String]) -> Bool {
    let own = arguments.prefix { $0 != "--" }
    return own.contains("--format=json") || zip(own, own.dropFirst()).contains { $0 == ("--format", "json") }
  }

  private func run(_ context: CommandContext) -> ExitCode {
    Leftovers.remove()
    do throws(MigrationError) {
      let code = try CommandLineTool.command(for: context.invocation.verb)(context)
      // If the reader closed the pipe, it has read enough. On a full disk, however, output was lost.
      guard context.output.hasFailed, code == .done || code == .findings else { return code }
      let error = lostOutput(of: context)
      context.report(error)
      return ExitCode(error.standing)
    } catch {
      context.report(error)
      return ExitCode(error.standing)
    }
  }

  /// The command did what it was asked, and its output was lost.
  private func lostOutput(of context: CommandContext) -> MigrationError {
    let message: Prose = "the output could not be written: \(context.output.failure?.message ?? "")"
    let hasActed =
      [
        .up, .down, .settle, .goto, .watch, .lane, .adopt, .checkIn, .checkpointCreate, .checkpointRestore,
        .purge, .squash, .forget, .switchSet, .switchClose, .switchPin, .switchUnpin, .switchRamp,
      ].contains(context.invocation.verb)
      && !context.invocation.flag(.dryRun)
    guard hasActed else {
      return MigrationError(.outputFailed, message, help: ["make room where the output goes"])
    }
    return MigrationError(
      .outputFailed, message, state: "the command is done, and its work is recorded",
      help: ["see what is applied: phasedb status"], standing: .partWay)
  }

  private static func command(
    for verb: Verb.ID
  ) -> (CommandContext) throws(MigrationError) -> ExitCode {
    switch verb {
    case .initialize: InitCommand.run
    case .new: NewCommand.run
    case .lint: LintCommand.run
    case .audit: AuditCommand.run
    case .compat: CompatCommand.run
    case .adopt: AdoptCommand.run
    case .importFolder: ImportCommand.run
    case .plan: PlanCommand.run
    case .rehearse: RehearseCommand.run
    case .up: UpCommand.run
    case .down: DownCommand.run
    case .status: StatusCommand.run
    case .verify: VerifyCommand.run
    case .checkIn: CheckInCommand.run
    case .mayRun: MayRunCommand.run
    case .settle: SettleCommand.run
    case .goto: GotoCommand.run
    case .checkpointCreate: CheckpointCreateCommand.run
    case .checkpointList: CheckpointListCommand.run
    case .checkpointRestore: CheckpointRestoreCommand.run
    case .purge: PurgeCommand.run
    case .squash: SquashCommand.run
    case .forget: ForgetCommand.run
    case .watch: WatchCommand.run
    case .lane: LaneCommand.run
    case .switchList: SwitchListCommand.run
    case .switchSet, .switchClose, .switchPin, .switchUnpin: SwitchChangeCommand.run
    case .switchTest: SwitchTestCommand.run
    case .switchSQL: SwitchSQLCommand.run
    case .switchRamp: SwitchRampCommand.run
    case .effects: EffectsCommand.run
    case .report: ReportCommand.run
    case .log: LogCommand.run
    case .explain: ExplainCommand.run
    case .completions: CompletionsCommand.run
    case .help: HelpCommand.run
    case .version: VersionCommand.run
    }
  }
}

extension Verb {
  /// Every verb there is, in the order in which help lists them.
  static let table: [Verb] =
    [
      InitCommand.verb, NewCommand.verb, LintCommand.verb, AuditCommand.verb, CompatCommand.verb,
      AdoptCommand.verb, ImportCommand.verb, PlanCommand.verb, RehearseCommand.verb, UpCommand.verb,
      DownCommand.verb, GotoCommand.verb, StatusCommand.verb, WatchCommand.verb, LaneCommand.verb,
      EffectsCommand.verb, ReportCommand.verb, VerifyCommand.verb, LogCommand.verb, SwitchListCommand.verb,
    ]
    + SwitchChangeCommand.verbs
    + [
      SwitchTestCommand.verb, SwitchSQLCommand.verb, SwitchRampCommand.verb, CheckInCommand.verb,
      MayRunCommand.verb, SettleCommand.verb, CheckpointCreateCommand.verb, CheckpointListCommand.verb,
      CheckpointRestoreCommand.verb, PurgeCommand.verb, SquashCommand.verb, ForgetCommand.verb,
      ExplainCommand.verb, CompletionsCommand.verb, HelpCommand.verb, VersionCommand.verb,
    ]

  static func with(_ id: ID) -> Verb? { table.first { $0.id == id } }

  /// The verbs whose path starts with these words: one, all that share a first word, or none.
  static func under(_ words: some Collection<String>) -> [Verb] {
    table.filter { $0.path.starts(with: words) }
  }

  /// The verb of several words whose last one this is, as `checkpoint restore`.
  static func ending(in word: String) -> String? {
    table.first { $0.path.count > 1 && $0.path.last == word }?.name
  }
}
