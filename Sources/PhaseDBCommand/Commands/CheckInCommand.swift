internal import PhaseDB

/// `phasedb check-in`: records a version that is running, or refuses it.
enum CheckInCommand {
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
