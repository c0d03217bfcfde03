internal import Dispatch
internal import PhaseCompat
internal import PhaseDB
internal import Synchronization

/// `phasedb compat --app APP@VERSION -- COMMAND`: the real application's tests, on a copy of each state.
struct CompatCommandRun {
  private let context: CommandContext
  private let location: Location
  private let version: LiveVersion
  private let words: [String]

  /// - Throws: `no-queries` when no version was named.
  init(_ context: CommandContext, _ location: Location, _ version: LiveVersion?) throws(MigrationError) {
    self.context = context
    self.location = location
    words = context.invocation.values(.command)
    guard let version else {
      throw MigrationError(
        .noQueries, "it is unknown which version the command tests",
        help: [
          "name it: phasedb compat --app APP@VERSION -- \(words.map { "\(ShellWord($0))" }.joined(separator: " "))"
        ])
    }
    self.version = version
  }

  func run() throws(MigrationError) -> ExitCode {
    let check = try CompatibilityCheck(folder: location.migrations, testing: version)
    let surroundings = try CompatCommand.surroundings(context, location)
    let files = try check.stateFiles(
      for: version, database: try CompatCommand.database(for: check, context, location), in: surroundings)
    let logs = try LogFolder(context.invocation.value(.logs) ?? "compat-logs")
    try logs.refuseTaken(files.map(CommandTrial.logName))
    let trial = CommandTrial(
      version: version, words: words, environment: context.environment,
      timeLimit: context.invocation.duration(.timeLimit) ?? .seconds(600), logs: logs,
      cancellation: context.cancellation)
    let home = try trial.run(on: files[0])
    guard home.isGood || home.isBlind else { throw ownFailure(home) }
    // A command that does not read the database at home does not read it on other states.
    let others = home.isBlind ? [] : Array(files.dropFirst())
    var results = [home]
    for result in try run(trial, on: others) { results.append(result) }
    guard !context.cancellation.isRequested else {
      throw MigrationError.stopped()
    }
    if let file = context.invocation.value(.evidence), !home.isBlind {
      let shown = zip(files, results).map { (file: $0, works: $1.isGood) }
      try CompatEvidence.write([check.evidence(of: version, shown, in: surroundings)], to: file)
    }
    try print(results)
    return results.allSatisfy(\.isGood) ? .done : .findings
  }

  /// Runs some states at once, and returns results in the order of the states.
  private func run(_ trial: CommandTrial, on files: [StateFile]) throws(MigrationError) -> [CommandTrial
    .Result]
  {
    let jobs = min(context.invocation.number(.jobs) ?? 1, max(files.count, 1))
    let cancellation = context.cancellation
    let state = Mutex<(next: Int, results: [Int: Result<CommandTrial.Result, MigrationError>])>((0, [:]))
    DispatchQueue.concurrentPerform(iterations: jobs) { _ in
      while true {
        let index = state.withLock { state in
          defer { state.next += 1 }
          return state.next
        }
        guard index < files.count, !cancellation.isRequested else { return }
        let result = Result { () throws(MigrationError) in try trial.run(on: files[index]) }
        state.withLock { $0.results[index] = result }
      }
    }
    var results: [CommandTrial.Result] = []
    for (_, result) in state.withLock({ $0.results }).sorted(by: { $0.key < $1.key }) {
      results.append(try result.get())
    }
    return results
  }

  /// The error of a command that fails on its own home state; the schema is not the cause.
  private func ownFailure(_ home: CommandTrial.Result) -> MigrationError {
    if home.end == .cancelled {
      return MigrationError.stopped()
    }
    return MigrationError(
      .queryFailed,
      "the tests of \(version) fail on the state they were written for (\(home.state)): \(home.trouble ?? "")",
      help: ["see \(home.log)", "the tests must pass there before other states can be tested"])
  }
}

// MARK: - Output

extension CompatCommandRun {
  private func print(_ results: [CommandTrial.Result]) throws(MigrationError) {
    switch context.invocation.format {
    case .json: try context.print(json: CompatRunJSON(version, results))
    case .junit: context.print(JUnit.text([suite(results)]))
    case .text, .markdown, .github, .sarif, .csv, .html: printTable(results)
    }
  }

  private func printTable(_ results: [CommandTrial.Result]) {
    var table = TextTable(.init("state"), .init(Prose(version)), .init("time", .right), .init("output"))
    for result in results {
      table.add(
        .init(result.state.description),
        result.trouble.map { .init("broken: \($0)", .bad) } ?? .init("works", .good),
        .init(TimeText.text(result.took)), .init(result.log))
    }
    switch context.invocation.format {
    case .markdown:
      let rows: [Escaped<Markdown>] = results.map { result in
        let outcome: Escaped<Markdown> = result.trouble.map { "**broken**: \($0)" } ?? "works"
        return "| \(result.state) | \(outcome) |\n"
      }
      context.print(("| state | \(version) |\n|---|---|\n" + rows.joined()).prose)
    case .github:
      for result in results {
        guard let trouble = result.trouble else { continue }
        context.print(
          GitHubAnnotations.line(
            true, title: "compat-command", at: nil,
            ["the tests of \(version) on \(result.state): \(trouble)", "output: \(result.log)"]))
      }
    default:
      context.print(table)
      printBlindness(results)
      let broken = results.count { !$0.isGood }
      let states = CountText.text(results.count, "state")
      if broken == 0 {
        context.say(context.paint("\(states), nothing broken", .good))
      } else {
        context.print(context.paint("\(broken) of \(states) broken\n", .bad))
      }
    }
  }

  /// Prints what to do about a command that does not open the database, or for which that is unknown.
  private func printBlindness(_ results: [CommandTrial.Result]) {
    if results.contains(where: \.isBlind) {
      context.print(
        """
        it would pass on any schema: make it open the file that PHASEDB_DATABASE names
          to fix it: pass PHASEDB_DATABASE on where the command starts its tests elsewhere, as in a container or a server

        """)
    }
    if results.contains(where: { $0.opened == nil }) {
      context.note("this file system does not tell whether the command opened the database")
    }
  }

  private func suite(_ results: [CommandTrial.Result]) -> JUnit.Suite {
    JUnit.Suite(
      name: Prose(version),
      cases: results.map { result in
        JUnit.Case(
          name: Prose(result.state),
          failure: result.trouble.map { .init(message: $0, kind: "command", text: "see \(result.log)") })
      })
  }
}

/// The runs as `--format json` prints them.
private struct CompatRunJSON: Encodable {
  let application: String
  let appVersion: String
  let clean: Bool
  let runs: [Run]

  struct Run: Encodable {
    let state: String
    let works: Bool
    let trouble: Prose?
    /// Whether the command opened the database; left out when unknown.
    let opened: Bool?
    let log: String
    let milliseconds: Double
  }

  init(_ version: LiveVersion, _ results: [CommandTrial.Result]) {
    application = version.application
    appVersion = version.version.description
    clean = results.allSatisfy(\.isGood)
    runs = results.map {
      Run(
        state: $0.state.description, works: $0.isGood, trouble: $0.trouble, opened: $0.opened,
        log: $0.log,
        milliseconds: $0.took.milliseconds)
    }
  }
}
