internal import PhaseDB

/// `phasedb may-run`: says whether a version may run, now or after phases.
enum MayRunCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .mayRun, "may-run",
    summary: "say whether a version of an application may run",
    discussion:
      "Exits with 2 when that version may not run on the present schema, or after a phase or the whole plan. Shows "
      + "the lowest and the highest version allowed, by application, and the phase that sets each bound. Only reads, "
      + "and records nothing, so a deploy tool can ask before it starts a version.",
    positionals: [
      Positional(.application, .name(.version), "the application and its version: storefront@1.4.0")
    ],
    options: [.after, .afterPlan, .live, .evidence, .wait, .database, .migrations, .format],
    alternatives: [[.after, .afterPlan]],
    examples: [
      .init("phasedb may-run storefront@1.4.0", "ask about the schema as it is"),
      .init("phasedb may-run storefront@2.0 --after-plan", "ask what phasedb up will make of it"),
      .init(
        "phasedb may-run storefront@1.4 --after 0002/contract", "ask whether a phase would exclude it"),
    ],
    exitCodes: [.done, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let version = try LiveVersion(context.invocation.value(.application) ?? "")
    let moment: Moment =
      context.invocation.flag(.afterPlan)
      ? .plan : context.invocation.value(.after).map(Moment.phase) ?? .now
    let location = try Location(context, reading: moment == .plan ? .all : .readable)
    let migrator = try location.migrator(.reading, context)
    let report = try migrator.mayRun(version, after: moment)
    for note in report.notes { context.note(note) }
    if context.isJSON { try context.print(json: MayRunJSON(report, database: migrator.database)) }
    if let refusal = report.refusal { throw refusal }
    if !context.isJSON {
      context.print("\(version) \(context.paint("may run", .good)) \(report.place)\n")
      if !report.bounds.isEmpty { context.print(table(report)) }
    }
    return .done
  }

  private static func table(_ report: MayRunReport) -> TextTable {
    var table = TextTable(
      .init("  application"), .init("may run"), .init("lowest set by"), .init("highest set by"),
      overflow: .isCut)
    for bounds in report.bounds {
      table.add(
        .init("  \(bounds.application)"), .init("\(bounds.interval)"), .init(bounds.lowestSetBy?.short ?? ""),
        .init(bounds.highestSetBy?.short ?? ""))
    }
    return table
  }
}

/// An answer as `--format json` prints it.
private struct MayRunJSON: Encodable {
  let database: String
  let application: String
  let appVersion: String
  let allowed: Bool
  let bounds: [Bounds]

  struct Bounds: Encodable {
    let application: String
    /// Left out where no version may run.
    let mayRun: String?
    let lowest: Bound?
    let highest: Bound?

    struct Bound: Encodable {
      let appVersion: String
      /// Whether that version itself may run.
      let included: Bool
      let phase: String

      init?(_ appVersion: Version?, included: Bool?, _ phase: PhaseID?) {
        guard let appVersion, let included, let phase else { return nil }
        self.appVersion = appVersion.description
        self.included = included
        self.phase = phase.description
      }
    }
  }

  init(_ report: MayRunReport, database: String) {
    self.database = database
    application = report.version.application
    appVersion = report.version.version.description
    allowed = report.isAllowed
    bounds = report.bounds.map {
      let (lower, upper) = ($0.interval.lower, $0.interval.upper)
      return Bounds(
        application: $0.application, mayRun: $0.interval.range?.description,
        lowest: .init(lower?.version, included: lower?.isInclusive, $0.lowestSetBy),
        highest: .init(upper?.version, included: upper?.isInclusive, $0.highestSetBy))
    }
  }
}
