internal import PhaseDB

/// `phasedb up`: applies phases.
enum UpCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .up, "up",
    summary: "apply the pending phases whose gates are open",
    discussion:
      "Prints the plan and checks all of it before the first statement runs. Each phase and its entry in the "
      + "ledger are one transaction: a phase that fails leaves nothing behind, and the phases before it stay "
      + "applied.",
    positionals: [Positional(.count, .number, optional: true, "how many phases (default: all)")],
    options: [
      .target, .dryRun, .snapshot, .rehearse, .watch, .effects, .evidence, .allowEmpty, .copyTo, .live,
      .override,
      .reason, .wait,
      .hold, .pause, .maximumRows, .database, .migrations, .format,
    ],
    wording: [
      .target: "stop after the phase TARGET",
      .allowEmpty: "with --rehearse: accept tables without rows",
      .copyTo: "with --rehearse: where the copy is made (default: beside the database)",
    ],
    alternatives: [[.count, .target]],
    examples: [
      .init("phasedb up", "apply everything that may run now"),
      .init("phasedb up --to 0002/expand", "stop after that phase"),
      .init("phasedb up --live storefront@2.0", "name the running version, which contracts need to know"),
      .init("phasedb up --rehearse", "rehearse on a copy first"),
      .init("phasedb up --snapshot snapshots", "copy the database first"),
      .init("phasedb up --watch", "watch each phase, and go on when its watch passed"),
      .init("phasedb up --dry-run", "print the plan only"),
    ],
    exitCodes: [.done, .refused, .undone, .partWay, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    try TransitionCommand(.selection(.up), context).run()
  }
}

/// `phasedb down`: reverses phases.
enum DownCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .down, "down",
    summary: "reverse the last phase, or go back to a phase or checkpoint",
    discussion:
      "Without a number, --to or --all, reverses the phase that was applied last. The SQL comes from the ledger, "
      + "so no migrations folder is needed.",
    positionals: [Positional(.count, .number, optional: true, "how many phases (default: 1)")],
    options: [
      .target, .all, .dryRun, .effects, .live, .override, .reason, .wait, .hold, .pause, .maximumRows,
      .database, .migrations, .format,
    ],
    wording: [
      .target: "reverse everything after TARGET, a phase or @CHECKPOINT",
      .all: "reverse every applied phase",
    ],
    alternatives: [[.count, .target, .all]],
    examples: [
      .init("phasedb down", "reverse the phase that was applied last"),
      .init("phasedb down --to @before-sale", "go back to a named checkpoint"),
      .init("phasedb down --all --dry-run", "show what reversing everything would do"),
    ],
    exitCodes: [.done, .refused, .undone, .partWay, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    try TransitionCommand(.selection(.down), context).run()
  }
}

/// `phasedb settle`: takes back the phases that make the database too new for a version.
enum SettleCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .settle, "settle",
    summary: "take back what makes the database too new for a version",
    discussion:
      "Reverses the phases that exclude the version as too old, with the SQL in the ledger, so no migrations folder is "
      + "needed. Runs only when each of them gives back everything, apart from losses that @loses declares; "
      + "otherwise shows what would be lost and exits with 2. A database that is not newer than the version is left "
      + "as it is. The version counts as live.",
    positionals: [
      Positional(.application, .name(.version), "the application and the version that is to run")
    ],
    options: [
      .dryRun, .effects, .live, .override, .reason, .wait, .hold, .pause, .maximumRows, .database,
      .migrations, .format,
    ],
    examples: [
      .init("phasedb settle storefront@1.4.0", "go back to what 1.4.0 runs on"),
      .init("phasedb settle storefront@1.4.0 --dry-run", "print the plan only"),
    ],
    exitCodes: [.done, .refused, .undone, .partWay, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let version = try LiveVersion(context.invocation.value(.application) ?? "")
    return try TransitionCommand(.settling(version), context).run()
  }
}

/// `phasedb goto`: reaches a state, up or down.
enum GotoCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .goto, "goto",
    summary: "go up or down to a phase, a checkpoint or what a version needs",
    discussion:
      "For a tool that does not know the direction. A version stands for the state nearest to the present one in which "
      + "it may run; on a new database, for all that it can use. Prints the plan first. Going up, contracts stay "
      + "pending unless one is the target or --contracts is given.",
    positionals: [
      Positional(
        .destination, .name(.destination),
        "what should be the last applied phase, or what should be able to run")
    ],
    options: [
      .contracts, .dryRun, .snapshot, .rehearse, .effects, .live, .evidence, .allowEmpty, .copyTo, .override,
      .reason, .wait, .hold, .pause, .maximumRows, .database, .migrations, .format,
    ],
    wording: [
      .rehearse: "when it goes up: rehearse the phases on a copy first",
      .allowEmpty: "with --rehearse: accept tables without rows",
      .copyTo: "with --rehearse: where the copy is made (default: beside the database)",
    ],
    examples: [
      .init("phasedb goto 0002/expand", "apply up to that phase, or reverse everything after it"),
      .init("phasedb goto @before-sale", "go back to a named checkpoint"),
      .init("phasedb goto storefront@1.4.0 --dry-run", "show what makes the schema fit for 1.4.0"),
    ],
    exitCodes: [.done, .refused, .undone, .partWay, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let destination = try Destination(context.invocation.value(.destination) ?? "")
    return try TransitionCommand(.going(destination), context).run()
  }
}

/// The common part of up, down, settle and goto: prints the plan, runs it, and prints the state that the database
/// reached.
private struct TransitionCommand {
  private let goal: Goal
  private let context: CommandContext

  /// The goal of a command.
  enum Goal {
    case selection(Direction)
    /// A schema that is not too new for a version.
    case settling(LiveVersion)
    case going(Destination)
  }

  init(_ goal: Goal, _ context: CommandContext) { (self.goal, self.context) = (goal, context) }

  /// The command to run again, with the same options.
  private var command: Prose {
    let (verb, name): (Prose, ArgumentID)
    switch goal {
    case .selection(let direction):
      return "phasedb \(direction.rawValue)\(context.targetWords(direction))"
    case .settling: (verb, name) = ("settle", .application)
    case .going: (verb, name) = ("goto", .destination)
    }
    let contracts: Prose = context.invocation.flag(.contracts) ? " --contracts" : ""
    return "phasedb \(verb) \(ShellWord(context.invocation.value(name) ?? ""))\(contracts)"
      + context.words(of: [.evidence, .live, .override, .reason])
  }

  /// Why there is nothing to do; nil if the plan says it itself.
  private var nothing: Prose? {
    switch goal {
    case .selection: nil
    case .settling(let version): "no applied phase is too new for \(version)"
    case .going(.version(let version)): "\(version) may run on this schema"
    case .going: "the database is there already"
    }
  }

  /// Whether the command can begin without a database.
  private var mayBeMissing: Bool {
    if case .selection(.down) = goal { false } else { true }
  }

  /// - Parameter gates: overridden for this plan, beside those of the options. A plan to settle only comes down, and asks
  ///   for no evidence.
  private func plan(_ migrator: Migrator, overriding gates: Set<Gate> = []) throws(MigrationError) -> Plan {
    switch goal {
    case .selection(let direction): try migrator.plan(context.selection(direction), overriding: gates)
    case .settling(let version): try migrator.plan(settling: version)
    case .going(let destination):
      try migrator.plan(
        to: destination, contracts: context.invocation.flag(.contracts), overriding: gates)
    }
  }

  /// The plan as if there were evidence for each phase: its phases have to be rehearsed.
  private func planWithoutEvidence(_ migrator: Migrator) throws(MigrationError) -> Plan {
    try plan(migrator, overriding: [.evidence])
  }

  func run() throws(MigrationError) -> ExitCode {
    // The way down is in the ledger.
    let isUp = if case .selection(.up) = goal { true } else { false }
    var location = try Location(context, reading: isUp ? .all : .readable)
    let isDryRun = context.invocation.flag(.dryRun)
    var migrator = try isDryRun ? location.migrator(.reading, context) : planning(location)
    var readsAll = isUp
    // To come down, the readable files of a folder are enough; to go up, all must be readable.
    func readAll() throws(MigrationError) {
      location = try Location(context, reading: .all)
      migrator = try isDryRun ? location.migrator(.reading, context) : planning(location)
      readsAll = true
    }
    if context.invocation.flag(.rehearse) {
      if !isUp, try planWithoutEvidence(migrator).direction == .up { try readAll() }
      if readsAll { try rehearse(&migrator) }
    }
    var plan = try plan(migrator)
    if !readsAll, plan.direction == .up {
      try readAll()
      plan = try self.plan(migrator)
    }
    if !context.isJSON, isDryRun || !context.isQuiet {
      PlanText(
        plan: plan, database: migrator.database, command: command, nothing: plan.isFresh ? nil : nothing
      ).print(
        to: context)
    }
    guard !isDryRun else {
      if context.isJSON {
        try context.print(json: RunJSON(plan, database: migrator.database, result: nil, snapshot: nil))
      } else {
        if !plan.steps.isEmpty || !plan.drift.isEmpty {
          context.suggest(command)
        }
      }
      return .done
    }
    if !plan.steps.isEmpty || plan.runsBaseline {
      if !migrator.isThere { migrator = try location.migrator(.creating, context) }
      StopSignals.handle()
    }
    let snapshot = try snapshot(before: plan, migrator)
    let progress = RunProgress(context: context)
    defer { progress.end() }
    let result: RunResult
    var watches: [WatchRecord] = []
    do throws(MigrationError) {
      result =
        context.invocation.flag(.watch)
        ? try runWatching(plan, migrator, location, progress, &watches)
        : try migrator.run(plan, observe: progress.show)
    } catch {
      guard let snapshot else { throw error }
      var error = error
      let state = error.state.map { "\($0); " as Prose } ?? ""
      error.state = state + "the snapshot made before is kept: \(snapshot.path)"
      throw error
    }
    progress.end()
    if context.isJSON {
      try context.print(
        json: RunJSON(plan, database: migrator.database, result: result, snapshot: snapshot, watches: watches)
      )
    } else if WatchRun.exitCode(of: watches) == .done {
      finish(result, plan)
    } else {
      WatchRun(migrator, context, onWatch: nil).suggest(after: watches)
    }
    return WatchRun.exitCode(of: watches)
  }

  /// Runs a plan phase by phase as far as watches let it: after each phase that is watched, only its verdict says whether
  /// the next may go up.
  private func runWatching(
    _ plan: Plan, _ migrator: Migrator, _ location: Location, _ progress: RunProgress,
    _ watches: inout [WatchRecord]
  ) throws(MigrationError) -> RunResult {
    var rest = plan
    var done = RunResult(done: [], skipped: [])
    while true {
      let part = rest.upToFirstWatch
      done.add(try migrator.run(part, observe: progress.show))
      guard part.steps.last?.phase.watch != nil, !part.isFresh else { return done }
      progress.end()
      let run = WatchRun(migrator, context, onWatch: location.settings.onWatch)
      watches += try run.watch()
      guard WatchRun.exitCode(of: watches) == .done else { return done }
      let selection: Selection =
        if case .up(let count) = context.selection(.up) { .up(count - done.done.count) } else {
          context.selection(.up)
        }
      if case .up(let left) = selection, left < 1 { return done }
      rest = try migrator.plan(selection)
      guard !rest.steps.isEmpty else { return done }
      // Phases that another run took down meanwhile no longer concern this run.
      let own = plan.appliedBefore + done.done.map(\.id)
      if let gone = rest.steps.first(where: { own.contains($0.id) }) {
        throw MigrationError(
          .ledgerMoved, "\(gone.id) was taken down by somebody else while this run watched",
          state: "nothing more was applied",
          help: ["see what is applied: phasedb status", "see who took it down: phasedb log"],
          standing: .partWay)
      }
    }
  }

  /// Rehearses the pending phases, and continues with that evidence.
  ///
  /// - Throws: `rehearsal-failed` when a phase was not reversed exactly.
  private func rehearse(_ migrator: inout Migrator) throws(MigrationError) {
    StopSignals.handle()
    // A new database has no rows to rehearse on and no application to protect.
    guard migrator.isThere, try !migrator.status().isFresh else { return }
    let scope: Migrator.RehearsalScope =
      if case .going = goal { .phases(try planWithoutEvidence(migrator).steps.map(\.id)) } else {
        .selection(context.selection(.up))
      }
    let report = try RehearsalProgress(context: context).rehearse(scope, migrator)
    guard !report.phases.isEmpty else { return }
    if !context.isJSON, !context.invocation.flag(.quiet) || !report.isClean {
      RehearsalText(report).print(to: context)
      context.print("\n")
    }
    guard report.isClean else {
      let unclean = report.phases.filter { !$0.isClean }
      throw MigrationError(
        .rehearsalFailed, "the rehearsal failed",
        details: unclean.map { phase in
          let probe = phase.probes.first(where: \.isNeverRed).map { "the probe '\($0.title)' never failed" }
          return
            "\(phase.id): \(phase.overBudget.first ?? (phase.verdict.isProof ? probe : nil) ?? RehearsalText.word(of: phase))"
        },
        state: "nothing was changed",
        help: ["see the rows: phasedb rehearse", "correct the phases it names"])
    }
    migrator.options.evidence += report.evidence
  }

  /// Copies the database if the command line asks for it, and reports that before anything runs.
  private func snapshot(before plan: Plan, _ migrator: Migrator) throws(MigrationError) -> Snapshot? {
    guard let folder = context.invocation.value(.snapshot) else { return nil }
    let began = Timestamp.now
    guard let (snapshot, checkpoint) = try migrator.snapshot(before: plan, in: folder) else { return nil }
    let name = checkpoint?.name.map { ", checkpoint @\($0)" } ?? ""
    let age = checkpoint.flatMap { $0.at < began ? ", made at \($0.at)" : nil } ?? ""
    context.say("\(snapshot.sentence)\(age)\(name)")
    return snapshot
  }

  /// A migrator that can run its plan; or, on the way up without a file, one that only reads: the file is made when
  /// there is something to do, so that a refused command leaves no file behind.
  private func planning(_ location: Location) throws(MigrationError) -> Migrator {
    do throws(MigrationError) {
      return try location.migrator(.writing, context)
    } catch  where mayBeMissing && error.id == .databaseNotFound {
      return try location.migrator(.reading, context)
    }
  }

  private func finish(_ result: RunResult, _ plan: Plan) {
    guard !plan.steps.isEmpty else {
      context.suggest(
        nothing != nil && (plan.remainingMisfits.contains(where: \.needsPendingPhase) || plan.isFresh)
          ? "phasedb up" : "phasedb status")
      return
    }
    let count = CountText.text(result.done.count, "phase")
    let total = result.done.reduce(Duration.zero) { $0 + .milliseconds($1.times.milliseconds) }
    let sentence: Prose =
      result.done.isEmpty
      ? "nothing left to do: another runner did everything"
      : "\(count) \(plan.direction.rawValue) in \(TimeText.text(total))"
    context.say(context.paint(sentence, .good))
    let isWatched = !plan.isFresh && plan.direction == .up && plan.steps.contains { $0.phase.watch != nil }
    context.suggest(
      plan.direction == .down
        ? "phasedb status"
        : isWatched && !context.invocation.flag(.watch) ? "phasedb watch" : "phasedb verify")
  }
}

/// The result of up, down, settle or goto as `--format json` prints it.
struct RunJSON: Encodable {
  let plan: PlanJSON
  let dryRun: Bool
  let done: [DoneJSON]
  let skipped: [String]
  let snapshot: SnapshotJSON?
  /// With `--watch`, the verdicts.
  let watches: [WatchJSON]?

  struct DoneJSON: Encodable {
    let phase: String
    let direction: String
    let milliseconds: Double
    let holdMilliseconds: Double
    let rows: Int
    /// The rows that a phase with effects had caused when it came down; the next one is the file that lists them.
    let effectRows: Int?
    let effectFile: String?
  }

  init(_ plan: Plan, database: String, result: RunResult?, snapshot: Snapshot?, watches: [WatchRecord] = []) {
    self.watches = watches.isEmpty ? nil : watches.map(WatchJSON.init)
    self.snapshot = snapshot.map { SnapshotJSON($0) }
    self.plan = PlanJSON(plan, database: database)
    dryRun = result == nil
    done = (result?.done ?? []).map {
      DoneJSON(
        phase: $0.id.description, direction: $0.direction.rawValue, milliseconds: $0.times.milliseconds,
        holdMilliseconds: $0.times.holdMilliseconds, rows: $0.times.rows, effectRows: $0.effects?.rows,
        effectFile: $0.effects?.file)
    }
    skipped = (result?.skipped ?? []).map(\.description)
  }
}
