internal import Foundation
internal import PhaseDB

/// `phasedb report`: answers eight questions about changes from evidence.
enum ReportCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .report, "report",
    summary: "answer from evidence whether changes are ready to be released and taken back",
    discussion:
      "Answers eight questions about what is pending, or about what is applied when nothing is pending. Each answer is "
      + "proved, claimed, unknown or refuted. A proof names its evidence, and what is not proved names the command that "
      + "closes it. Also shows the five kinds of recovery, and pictures. Only reads.",
    options: [
      .pending, .applied, .migration, .check, .output, .evidence, .live, .wait, .database, .migrations,
      .format,
    ],
    wording: [
      .check:
        "exit with 1 unless the questions that report.require in phasedb.json lists are proved (default: 1, 2 and 5)",
      .evidence: "a file of evidence that rehearse or compat wrote, used beside the ledger",
      .format: "Markdown for a pull request, HTML for a browser, or JSON (default: markdown)",
    ],
    formats: [.markdown, .html, .json],
    alternatives: [[.pending, .applied, .migration]],
    examples: [
      .init("phasedb report", "answer the questions about what is pending"),
      .init("phasedb report --format html --output report.html", "write a page for a browser"),
      .init("phasedb report --check --evidence evidence.json", "hold a deployment that nothing proves"),
      .init("phasedb report --migration 0002", "ask about one migration"),
    ],
    exitCodes: [.done, .findings, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let location = try Location(context, reading: .readable)
    let invocation = context.invocation
    let scope: Readiness.Scope =
      invocation.flag(.pending)
      ? .pending
      : invocation.flag(.applied)
        ? .applied : invocation.value(.migration).map(Readiness.Scope.migration) ?? .open
    let file = invocation.value(.evidence)
    let migrator = try location.migrator(.reading, context)
    let (_, unread) = Catalog.readable(folder: location.migrations)
    var readiness = try migrator.readiness(
      Readiness.Request(
        scope, compat: try file.map { path throws(MigrationError) in try CompatEvidence.read(path) } ?? [],
        file: file, folder: location.migrations, maximumAge: location.settings.report.maximumAge)
    ).completing { context.completed($0, onDatabase: $1) }
    readiness.add(unread: unread, of: location.migrations)
    let check =
      invocation.flag(.check)
      ? ReportCheck(
        readiness, location.settings.report.required, isInFull: unread.isEmpty || scope == .applied,
        hasSettings: location.unreadSettings == nil)
      : nil
    if let path = invocation.value(.output) {
      try NewFiles.refuseReport(at: path, of: location.migrations)
    }
    try write(readiness, check, to: invocation.value(.output), context)
    guard let check, !check.passes else { return .done }
    for line in check.lines { context.errors.line(line) }
    return .findings
  }

  private static func write(
    _ readiness: Readiness, _ check: ReportCheck?, to path: String?, _ context: CommandContext
  ) throws(MigrationError) {
    let text: Prose =
      switch context.invocation.format {
      case .json: try JSONText.text(command: "report", ReportJSON(readiness, check))
      case .html: PageHTML.text(ReportPage(readiness).page)
      default: PageMarkdown.text(ReportPage(readiness).page)
      }
    guard let path else { return context.print(text) }
    try NewFiles.replace(text.description, at: path)
    if !context.isQuiet, !context.isJSON { context.errors.line("the report is in \(path)") }
  }
}

/// Whether a report proves what `phasedb.json` requires.
struct ReportCheck {
  let required: [Int]
  let unproved: [Readiness.Question]
  /// Another reason why the check fails, such as files that were not read; nil when there is none.
  let obstacle: Prose?
  var passes: Bool { unproved.isEmpty && obstacle == nil }

  init(_ readiness: Readiness, _ required: [Int], isInFull: Bool, hasSettings: Bool) {
    self.required = required
    unproved = readiness.unproved(of: required)
    obstacle =
      !hasSettings
      ? "phasedb.json could not be read, so what must be proved is not known: correct it"
      : isInFull ? nil : "files could not be read, so what is pending is not known in full: phasedb lint"
  }

  /// The reasons why something is not proved, each on a line with what would prove it.
  var lines: [Prose] {
    let numbers = required.map(String.init).joined(separator: ", ")
    var lines: [Prose] = ["the check fails: the questions \(numbers) must be proved"]
    for question in unproved {
      lines.append("  \(question.number) \(question.standing?.rawValue ?? ""): \(question.text)")
      var told: Set<Prose> = []
      for answer in question.deciding {
        let line: Prose = "    \(answer.phase.short): \(answer.says)"
        let closing = answer.closing?.sentence ?? ""
        guard told.count < 3, told.insert(closing).inserted else { continue }
        lines.append(line)
        if !closing.isEmpty { lines.append("      to close it: \(closing)") }
      }
    }
    if let obstacle { lines.append("  \(obstacle)") }
    return lines
  }
}

extension Readiness.Closing {
  /// `fill the tables, then: phasedb rehearse`
  var sentence: Prose {
    let commands = commands.joined(separator: " && ")
    return before.isEmpty ? commands : commands.isEmpty ? before : "\(before), then: \(commands)"
  }
}

extension Readiness {
  /// Adds the files that could not be read to the reasons.
  fileprivate mutating func add(unread: [MigrationError], of folder: String) {
    guard let first = unread.first else { return }
    let more = unread.count > 1 ? ", and \(unread.count - 1) more" : ""
    let place = first.place.map { " (\($0.file):\($0.line))" } ?? ""
    notes.append(
      "\(folder) was not read in full: \(first.message)\(place)\(more). Pending phases may be missing here")
  }
}
