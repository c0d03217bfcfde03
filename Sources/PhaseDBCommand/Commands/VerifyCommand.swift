internal import PhaseDB

/// `phasedb verify`: checks the live database against its ledger and the claims about it.
enum VerifyCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .verify, "verify",
    summary: "check the live database against what the phases claim",
    discussion:
      "Checks the schema for drift, the files of applied phases, every @verify in force, the ledger's integrity "
      + "and the foreign keys. Rows that had no parent before phasedb began are listed separately. Writes nothing but "
      + "what --accept records.",
    options: [.accept, .reason, .wait, .database, .migrations, .format],
    wording: [.reason: "why the rows are accepted"],
    examples: [
      .init("phasedb verify", "run all checks"),
      .init(
        "phasedb verify --accept orders --reason purged",
        "accept rows of orders without a parent"),
    ],
    exitCodes: [.done, .findings, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let accepted = context.invocation.values(.accept)
    let migrator = try Location(context, reading: .readable).migrator(
      accepted.isEmpty ? .reading : .writing, context)
    guard migrator.isThere else { throw noSuchDatabase(migrator.database) }
    if !accepted.isEmpty {
      guard let reason = context.invocation.value(.reason) else {
        throw MigrationError(
          .reasonMissing, "--accept needs a reason, which stays in the log",
          help: ["add --reason \"why rows of \(accepted[0]) have no parent\""])
      }
      try migrator.accept(orphansOf: accepted, reason: reason)
    }
    let report = try migrator.verify()
    if context.isJSON {
      try context.print(json: VerifyJSON(report, database: migrator.database))
    } else if !context.invocation.flag(.quiet) || !report.isClean {
      print(report, to: context)
    }
    return report.isClean ? .done : .findings
  }

  private static func print(_ report: VerifyReport, to context: CommandContext) {
    for check in report.checks {
      let word: Prose
      switch check.outcome {
      case .holds: word = context.paint("holds     ", .good)
      case .broken: word = context.paint("broken    ", .bad)
      case .underWay: word = context.paint("under way ", .dim)
      case .superseded: word = context.paint("superseded", .dim)
      case .accepted: word = context.paint("accepted  ", .dim)
      case .inherited: word = context.paint("inherited ", .warning)
      }
      let phase: Prose = check.phase.map { "\($0.short): " } ?? ""
      context.print("\(word)  ", phase + Prose(check.title), indent: 12)
      for line in check.details { context.print("              \(line)\n") }
      for (index, line) in check.remedies.enumerated() {
        context.print(index == 0 ? "            to fix it: " : .blank(23), context.advice(line), indent: 23)
      }
    }
    let broken = report.checks.count { $0.outcome == .broken }
    guard broken == 0 else {
      context.print(
        context.paint("\(broken) of \(CountText.text(report.checks.count, "check")) broken\n", .bad))
      context.suggest("phasedb status")
      return
    }
    context.say(context.paint("\(CountText.text(report.checks.count, "check")), nothing broken", .good))
    if report.checks.contains(where: { $0.outcome == .inherited }) {
      context.note("rows that had no parent before phasedb came do not count as broken; new ones do")
    }
    context.suggest("phasedb status")
  }

  /// The error of a command that needs an existing database.
  private static func noSuchDatabase(_ path: String) -> MigrationError {
    MigrationError(
      .databaseNotFound, "there is no database at \(path)",
      help: ["check the path given with --database", "phasedb up creates the file if it is missing"])
  }
}

/// The checks as `--format json` prints them.
struct VerifyJSON: Encodable {
  let database: String
  let clean: Bool
  let checks: [CheckJSON]

  struct CheckJSON: Encodable {
    let subject: String
    let title: String
    let phase: String?
    let outcome: String
    let details: [Prose]
    let remedies: [Prose]
  }

  init(_ report: VerifyReport, database: String) {
    self.database = database
    clean = report.isClean
    checks = report.checks.map {
      CheckJSON(
        subject: $0.subject.rawValue, title: $0.title, phase: $0.phase?.description,
        outcome: $0.outcome.rawValue,
        details: $0.details, remedies: $0.remedies)
    }
  }
}
