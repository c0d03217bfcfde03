internal import PhaseDB

/// `phasedb rehearse`: pending phases up, down and up again on a copy, or applied ones down.
enum RehearseCommand {
  /// What the parser, help and completions know of it.
  static let verb = Verb(
    .rehearse, "rehearse",
    summary: "take pending phases up, down and up again on a copy, and compare every row",
    discussion:
      "The copy is private and is always removed. The database itself is only read, except that its ledger gets the "
      + "evidence for up. Held phases are rehearsed, too. Rows that do not come back are shown.\n\n"
      + "With the word down in place of a phase, rehearses the way back of applied phases from the present rows: "
      + "whether it runs, which rows block it, what does not come back, and how long it takes. status and plan down "
      + "show the result until the schema changes.",
    positionals: [
      Positional(
        .phase, .name(.phase, "PHASE|down"), optional: true,
        "the only one to rehearse (default: all that are pending), or down"),
      Positional(.count, .number, optional: true, "with down: how many phases (default: 1)"),
    ],
    options: [
      .target, .all, .evidence, .allowEmpty, .copyTo, .live, .wait, .database, .migrations, .format,
    ],
    wording: [
      .target: "with down: the phase or @CHECKPOINT that stays",
      .all: "with down: every applied phase",
      .evidence: "write the evidence to this file instead of the ledger",
    ],
    alternatives: [[.count, .target, .all]],
    examples: [
      .init("phasedb rehearse", "rehearse everything that is pending"),
      .init("phasedb rehearse 0002/contract", "rehearse one phase, after those that come before it"),
      .init("phasedb rehearse --evidence evidence.json", "keep the evidence for another machine"),
      .init("phasedb rehearse down --to @before-sale", "see what a return would do to the present rows"),
    ],
    exitCodes: [.done, .findings, .refused, .busy, .usage], check: check)

  /// Refuses arguments of the way down on the way up, and the other way round.
  @Sendable private static func check(_ invocation: Invocation) throws(UsageError) {
    let isDown = invocation.value(.phase) == down
    let misplaced: [ArgumentID] = isDown ? [.evidence, .allowEmpty] : [.count, .target, .all]
    guard let id = misplaced.first(where: invocation.has) else { return }
    throw UsageError(
      .conflictingArguments,
      isDown
        ? "\(verb.spelling(of: id)) is not for 'rehearse down'"
        : "\(verb.spelling(of: id)) belongs to 'rehearse down'")
  }

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    if context.invocation.value(.phase) == down { return try RehearseDownCommand.run(context) }
    let location = try Location(context)
    let migrator = try location.migrator(.reading, context)
    StopSignals.handle()
    let scope = context.invocation.value(.phase).map(Migrator.RehearsalScope.phase) ?? .pending
    let report = try RehearsalProgress(context: context).rehearse(scope, migrator)
    let (record, failure) = record(report, location, context)
    if context.isJSON {
      try context.print(json: RehearsalJSON(report, record: record))
    } else {
      print(report, record, to: context)
    }
    if let failure { throw failure }
    return report.isClean ? .done : .findings
  }

  /// The word that stands for the way down where a phase may be named.
  static let down = "down"

  /// Where the evidence went.
  enum Record: Equatable {
    case ledger
    case file(String)
    /// It was not recorded: there was no evidence, or no ledger.
    case nowhere
  }

  /// Records the evidence; a failure is only noted, because the result is still worth printing.
  private static func record(
    _ report: RehearsalReport, _ location: Location, _ context: CommandContext
  ) -> (Record, MigrationError?) {
    guard !report.evidence.isEmpty else { return (.nowhere, nil) }
    do throws(MigrationError) {
      if let file = context.invocation.value(.evidence) {
        try Evidence.write(report.evidence, to: file)
        return (.file(file), nil)
      }
      guard report.hasLedger else { return (.nowhere, nil) }
      try location.migrator(.writing, context).record(report.evidence)
      return (.ledger, nil)
    } catch {
      return (.nowhere, error)
    }
  }

  private static func print(_ report: RehearsalReport, _ record: Record, to context: CommandContext) {
    guard !context.invocation.flag(.quiet) || !report.isClean else { return }
    RehearsalText(report).print(to: context)
    switch record {
    case .ledger: context.say("the evidence is in the ledger")
    case .file(let path): context.say("the evidence is in \(path)")
    case .nowhere where !report.phases.isEmpty && !report.hasLedger:
      context.say(
        "the evidence was not recorded: the database has no ledger yet. Write it to a file with --evidence FILE,"
      )
      context.say("or rehearse as part of up: phasedb up --rehearse")
    case .nowhere: break
    }
    if report.isClean { context.suggest(report.phases.isEmpty ? "phasedb status" : next(record, context)) }
  }

  private static func next(_ record: Record, _ context: CommandContext) -> Prose {
    let live = context.words(of: [.live])
    switch record {
    case .ledger: return "phasedb up\(live)"
    case .file(let path): return "phasedb up --evidence \(ShellWord(path))\(live)"
    case .nowhere: return "phasedb up --rehearse\(live)"
    }
  }
}

/// Says on standard error what is done, because it may take minutes.
struct RehearsalProgress {
  let context: CommandContext

  /// Rehearses as the command line says.
  func rehearse(
    _ scope: Migrator.RehearsalScope, _ migrator: Migrator
  ) throws(MigrationError) -> RehearsalReport {
    try migrator.rehearse(
      scope, allowsEmpty: context.invocation.flag(.allowEmpty), in: context.invocation.value(.copyTo),
      observe: show)
  }

  func show(_ event: RehearsalEvent) {
    guard !context.isJSON else { return }
    switch event {
    case .copying(let bytes): context.progress("copying \(CountText.bytes(Int64(bytes)))")
    case .copied(_, let time): context.progress("copied in \(text(time))")
    case .began(let id, let number, let count): context.progress("rehearsing \(id) (\(number) of \(count))")
    case .prepared(let id, let time):
      context.progress("applied \(id), which comes before it, in \(text(time))")
    case .digested(_, let rows, let time):
      context.progress("  read \(CountText.text(rows, "row")) in \(text(time))")
    case .ran(_, let stage, let times):
      let rows = times.rows == 0 ? "" : ", \(CountText.text(times.rows, "row"))"
      context.progress(
        "  \(stage == .again ? "up again" : stage.rawValue) in \(text(times.milliseconds))\(rows)")
    case .finished(let phase): context.progress("  \(RehearsalText.word(of: phase))")
    }
  }

  private func text(_ milliseconds: Double) -> String { TimeText.text(.milliseconds(milliseconds)) }
}
