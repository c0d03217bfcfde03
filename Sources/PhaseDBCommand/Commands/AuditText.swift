internal import PhaseAudit
internal import PhaseDB

/// An audit as a person reads it: a sentence, a table, and each finding with its place.
struct AuditText {
  private let audit: Audit

  init(_ audit: Audit) { self.audit = audit }

  func print(to context: CommandContext) {
    let style: Style = audit.isClean ? .good : .bad
    for line in Wrapped.paragraph("", audit.headline, indent: 0, width: context.width) {
      context.output.line(context.paint(line, style))
    }
    guard !context.isQuiet || !audit.isClean else { return }
    context.print("", "\(audit.summary)", indent: 0)
    context.output.line()
    var table = TextTable(.init("migration"), .init("verdict"), .init("why", dropped: 1), overflow: .isCut)
    for migration in audit.judged {
      table.add(
        .init(migration.title),
        .init(migration.verdict.rawValue, migration.verdict.style),
        .init(migration.reasons.first ?? Prose()))
    }
    context.print(table)
    for migration in audit.judged { print(migration, to: context) }
    for finding in audit.findings { print(finding, to: context) }
    for remark in audit.remarks {
      context.output.line()
      context.print("\(context.paint("note:", .warning)) ", remark.message, indent: 6)
      for line in PlaceText.lines(remark.place, context.paint, context.width ?? 120) {
        context.output.line(line)
      }
    }
    if !audit.stubs.isEmpty {
      context.output.line()
      context.print(
        "\(context.paint("note:", .warning)) ",
        "stand-ins that return their first argument took the place of \(audit.stubs.joined(separator: ", "))",
        indent: 6)
    }
  }

  private func print(_ migration: AuditedMigration, to context: CommandContext) {
    var details = migration.reasons
    let head = details.isEmpty ? migration.verdict.meaning : details.removeFirst()
    details += migration.rows.flatMap { $0.first }.prefix(6).map { "  \($0)" }
    if !migration.unseeded.isEmpty, migration.verdict.comesBack {
      context.output.line()
      context.print(
        "\(context.paint("note:", .warning)) ",
        "\(migration.version) was tried without a row in \(migration.unseeded.joined(separator: ", ")): none could be made",
        indent: 6)
    }
    // A migration that the table describes in full is not repeated.
    guard migration.reasons.count > 1 || migration.place != nil || !migration.rows.isEmpty else { return }
    let isGood = migration.verdict.comesBack
    let lines =
      Wrapped.head(
        isGood ? "note:" : migration.verdict == .notJudged ? "warning:" : "error:",
        isGood || migration.verdict == .notJudged ? .warning : .bad, "\(migration.version): \(head)",
        migration.verdict.rawValue, context.paint, context.width)
      + PlaceText.lines(migration.place, context.paint, context.width ?? 120)
      + Wrapped.details(details, context.width)
    context.output.line()
    for line in lines { context.output.line(line) }
  }

  private func print(_ finding: AuditFinding, to context: CommandContext) {
    let message = finding.version.map { "\($0): \(finding.message)" as Prose } ?? finding.message
    let lines =
      Wrapped.head(
        "warning:", .warning, message, finding.kind.rawValue, context.paint, context.width)
      + PlaceText.lines(finding.place, context.paint, context.width ?? 120)
      + Wrapped.details(finding.details, context.width)
      + Wrapped.paragraph(
        "  \(context.paint("why:", .heading))  ", finding.kind.reason, indent: 8, width: context.width)
    context.output.line()
    for line in lines { context.output.line(line) }
  }
}

extension Audit {
  /// The tool, the folder, and how many migrations have which verdict.
  var summary: Prose {
    let counts = AuditVerdict.allCases.filter { count($0) > 0 }.map {
      "\(CountText.text(count($0))) \($0.rawValue)" as Prose
    }
    let real: Prose = database.map { ", \($0.applied) of them applied in \($0.path)" } ?? ""
    return
      "\(path), \(tool.rawValue): \(CountText.text(migrations.count, "migration"))\(real); \(counts.joined(separator: ", "))"
  }
}

extension AuditVerdict {
  var style: Style {
    switch self {
    case .returns: .good
    case .orderOnly, .notJudged: .warning
    default: .bad
    }
  }

  fileprivate var mark: Page.Mark {
    switch self {
    case .returns: .good
    case .orderOnly: .doubtful
    case .notJudged: .open
    default: .bad
    }
  }
}

/// An audit as `--format json` prints it.
struct AuditJSON: Encodable {
  let tool: String
  let folder: String
  let headline: Prose
  let counts: [String: Int]
  let migrations: [MigrationJSON]
  let findings: [FindingJSON]
  let remarks: [RemarkJSON]
  let stubs: [String]
  let database: DatabaseJSON?

  struct MigrationJSON: Encodable {
    let migration: String
    let name: String
    let files: [String]
    let verdict: String
    let reasons: [Prose]
    let file: String?
    let line: Int?
    let column: Int?
    let rows: [RowsJSON]
    let unseeded: [String]
    let onRealRows: Bool
    let usesStub: Bool
  }

  struct RowsJSON: Encodable {
    let table: String
    let lost: Int
    let born: Int
    let first: [Prose]
  }

  struct FindingJSON: Encodable {
    let kind: String
    let migration: String?
    let message: Prose
    let details: [Prose]
    let reason: Prose
    let file: String?
    let line: Int?
    let column: Int?
  }

  struct RemarkJSON: Encodable {
    let message: Prose
    let file: String?
    let line: Int?
    let column: Int?
  }

  struct DatabaseJSON: Encodable {
    let path: String
    let table: String
    let head: String?
    let applied: Int
    let rows: Int
    let wentDown: [String]
  }

  init(_ audit: Audit) {
    tool = audit.tool.rawValue
    folder = audit.path
    headline = audit.headline
    counts = Dictionary(
      uniqueKeysWithValues: AuditVerdict.allCases.map { ($0.rawValue, audit.count($0)) })
    migrations = audit.judged.map { migration in
      MigrationJSON(
        migration: migration.version, name: migration.name, files: migration.files,
        verdict: migration.verdict.rawValue, reasons: migration.reasons, file: migration.place?.file,
        line: migration.place?.line, column: migration.place?.column,
        rows: migration.rows.map {
          RowsJSON(table: $0.table, lost: $0.lost, born: $0.added, first: $0.first)
        },
        unseeded: migration.unseeded, onRealRows: migration.isOnRealRows, usesStub: migration.usesStub)
    }
    findings = audit.findings.map {
      FindingJSON(
        kind: $0.kind.rawValue, migration: $0.version, message: $0.message, details: $0.details,
        reason: $0.kind.reason, file: $0.place?.file, line: $0.place?.line, column: $0.place?.column)
    }
    remarks = audit.remarks.map {
      RemarkJSON(message: $0.message, file: $0.place?.file, line: $0.place?.line, column: $0.place?.column)
    }
    stubs = audit.stubs
    database = audit.database.map {
      DatabaseJSON(
        path: $0.path, table: $0.table, head: $0.head, applied: $0.applied, rows: $0.rows,
        wentDown: $0.wentDown)
    }
  }
}

/// An audit as a page for a pull request or a browser.
struct AuditPage {
  private let audit: Audit

  init(_ audit: Audit) { self.audit = audit }

  var page: Page {
    var page = Page(title: "What can be taken back: \(audit.path)", marker: "phasedb-audit")
    page.blocks.append(.lead("\(audit.headline)"))
    page.blocks.append(.paragraph("\(audit.summary)"))
    var table = Page.Table(.init("migration"), .init("verdict"), .init("why"))
    for migration in audit.judged {
      let why = migration.reasons.first ?? Prose()
      table.rows.append([
        "\(migration.title)", "\(Prose(migration.verdict.rawValue), mark: migration.verdict.mark)", "\(why)",
      ])
    }
    page.blocks.append(.table(table))
    let bad = audit.judged.filter { !$0.verdict.comesBack && ($0.reasons.count > 1 || $0.place != nil) }
    if !bad.isEmpty { page.blocks.append(.heading("What does not come back")) }
    for migration in bad {
      page.blocks.append(.subheading("\(migration.title): \(migration.verdict.meaning)"))
      var items = migration.reasons.map { "\($0)" as Page.Text }
      if let place = migration.place { items.append("\(code: Prose(place))") }
      page.blocks.append(.list(items + migration.rows.flatMap(\.first).prefix(6).map { "\($0)" }))
    }
    if !audit.findings.isEmpty { page.blocks.append(.heading("Besides")) }
    for finding in audit.findings {
      let head = finding.version.map { "\($0): \(finding.message)" as Prose } ?? finding.message
      page.blocks.append(.subheading(head))
      var items = finding.details.map { "\($0)" as Page.Text }
      if let place = finding.place { items.append("\(code: Prose(place))") }
      page.blocks.append(.list(items + ["\(finding.kind.reason)"]))
    }
    if !audit.remarks.isEmpty {
      page.blocks.append(.heading("Notes"))
      page.blocks.append(.list(audit.remarks.map { "\($0.message)" }))
    }
    if !audit.stubs.isEmpty {
      page.blocks.append(
        .source(
          "Stand-ins that return their first argument took the place of \(audit.stubs.joined(separator: ", "))."
        ))
    }
    return page
  }
}
