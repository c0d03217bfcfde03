internal import PhaseDB

/// `phasedb check-in`: records a version that is running, or refuses it.
enum CheckInCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .checkIn, "check-in",
    summary: "record that a version of an application is running",
    discussion:
      "Exits with 2 and records nothing when that version may not run on the present schema, so an entry point can "
      + "run it before the application starts. Needs no migrations folder; with one, it also knows which versions "
      + "need a pending phase. A check-in is forgotten after 10 minutes, or after the time that forget in "
      + "phasedb.json sets.",
    positionals: [
      Positional(.application, .name(.version), "the application and its version: storefront@1.4.0")
    ],
    options: [.instance, .wait, .database, .migrations, .format],
    examples: [
      .init("phasedb check-in storefront@1.4.0 --instance web-1", "say that web-1 runs 1.4.0"),
      .init("phasedb check-in storefront@1.4.0 --quiet", "let the exit code say whether it may"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let live = try LiveVersion(context.invocation.value(.application) ?? "")
    let migrator = try Location(context, reading: .readable).migrator(.writing, context)
    let report = try migrator.checkInReport(
      live, instance: context.invocation.value(.instance) ?? migrator.options.runner.host)
    if report.mayBeLive == nil {
      let meant = report.suggestion.map { "; did you mean \($0)?" } ?? ""
      context.note("no window names \(live.application), so nothing restricts it\(meant)")
    }
    if context.isJSON {
      try context.print(json: CheckInReportJSON(report))
    } else {
      let range = report.mayBeLive.map { "; may be live: \($0)" } ?? ""
      context.say("\(live) checked in as \(report.checkIn.instance)\(range)")
    }
    return .done
  }
}

/// A check-in as `--format json` prints it.
struct CheckInJSON: Encodable {
  let application: String
  let appVersion: String
  let instance: String
  let seenAt: String

  init(_ checkIn: CheckIn) {
    application = checkIn.application
    appVersion = checkIn.versionText
    instance = checkIn.instance
    seenAt = checkIn.seenAt.text
  }
}

private struct CheckInReportJSON: Encodable {
  let checkIn: CheckInJSON
  /// Whether some window names the application.
  let known: Bool
  let mayBeLive: String?

  init(_ report: CheckInReport) {
    checkIn = CheckInJSON(report.checkIn)
    known = report.mayBeLive != nil
    mayBeLive = report.mayBeLive?.range?.description
  }
}
