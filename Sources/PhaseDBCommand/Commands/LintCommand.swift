internal import PhaseDB

/// `phasedb lint`: judges the folder of migrations.
enum LintCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .lint, "lint",
    summary: "check the migrations on a scratch database",
    discussion:
      "Runs every phase up, down and up again on a database in memory, and checks that it keeps what its kind, "
      + "its window and its way down promise. Needs no database.",
    options: [.database, .migrations, .format],
    wording: [
      .database: "also look for edited applied phases, and for new phases before applied ones",
      .format: "text for people, JSON, annotations of GitHub Actions, or SARIF (default: text)",
    ],
    formats: [.text, .json, .github, .sarif],
    examples: [
      .init("phasedb lint", "check the folder 'migrations'"),
      .init("phasedb lint --format github", "annotate a pull request"),
    ],
    exitCodes: [.done, .findings, .refused, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let location = try Location(context)
    var report = try Linter(
      folder: location.migrations, sqlite: location.settings.sqlite, terms: location.settings.scratchTerms
    ).report()
    // Lint needs no database. If one is named and the folder can be read, its ledger is checked, too.
    if context.invocation.has(.database), report.isReadable {
      report.add(try location.migrator(.reading, context).ledgerFindings())
    }
    switch context.invocation.format {
    case .text, .markdown, .junit, .csv, .html: print(report, location, to: context)
    case .json: try context.print(json: LintJSON(report))
    case .github: context.print(GitHubAnnotations.text(report))
    case .sarif: context.print(try SARIF.text(report))
    }
    return report.errors.isEmpty ? .done : .findings
  }

  private static func print(_ report: LintReport, _ location: Location, to context: CommandContext) {
    for finding in report.findings {
      context.print(FindingText(finding).text(paint: context.paint, width: context.width) + "\n")
    }
    let phases = CountText.text(report.phases, "phase")
    if !report.untried.isEmpty {
      context.print(
        "\(CountText.text(report.untried.count, "phase")) could not be tried, from \(report.untried[0]) on\n")
    }
    guard !report.isClean else {
      context.say(context.paint("\(phases), no finding", .good))
      location.suggestPlan(context)
      return
    }
    let errors = CountText.text(report.errors.count, "error")
    let warnings = CountText.text(report.warnings.count, "warning")
    context.print(
      context.paint("\(phases): \(errors), \(warnings)\n", report.errors.isEmpty ? .warning : .bad))
  }
}

/// Findings as `--format json` prints them.
private struct LintJSON: Encodable {
  let phases: Int
  let errors: Int
  let warnings: Int
  let untried: [String]
  let findings: [FindingJSON]

  struct FindingJSON: Encodable {
    let rule: String
    let level: String
    let phase: String?
    let message: Prose
    let file: String?
    let line: Int?
    let column: Int?
    let details: [Prose]
    let reason: Prose
    let remedies: [Prose]
  }

  init(_ report: LintReport) {
    phases = report.phases
    errors = report.errors.count
    warnings = report.warnings.count
    untried = report.untried.map(\.description)
    findings = report.findings.map {
      FindingJSON(
        rule: $0.id, level: $0.level.rawValue, phase: $0.phase?.description, message: $0.message,
        file: $0.place?.file, line: $0.place?.line, column: $0.place?.column, details: $0.details,
        reason: $0.reason, remedies: $0.remedies)
    }
  }
}

/// A finding as a person reads it: what is wrong, where, why it matters, what to write instead.
struct FindingText {
  private let finding: Finding

  init(_ finding: Finding) { self.finding = finding }

  /// Lines, each with its line end.
  ///
  /// - Parameter width: the columns of the terminal, nil when there is none.
  func text(paint: Paint, width: Int?) -> Prose {
    let phase: Prose = finding.phase.map { "\($0.short): " } ?? ""
    let lines =
      Wrapped.head(
        "\(finding.level.rawValue):", finding.level == .error ? .bad : .warning, phase + finding.message,
        finding.id, paint, width)
      + PlaceText.lines(finding.place, paint, width ?? 120) + Wrapped.details(finding.details, width)
      + Wrapped.paragraph("  \(paint("why:", .heading))  ", finding.reason, indent: 8, width: width)
      + finding.remedies.flatMap(\.lines).enumerated().flatMap { index, line in
        Wrapped.paragraph(
          index == 0 ? "  \(paint("help:", .good)) " : .blank(8), line, indent: 8, width: width)
      }
    return lines.map { $0 + "\n" }.joined()
  }
}
