internal import PhaseCompat
internal import PhaseDB

/// What compat found, as a person reads it.
enum CompatText {
  static func print(_ report: CompatibilityCheck.Report, _ location: Location, to context: CommandContext) {
    context.print(matrix(report))
    for (state, finding) in report.firstFindings {
      context.print(text(finding, on: state, in: report, context))
    }
    for subject in report.subjects {
      context.say(
        "self-test: without \(subject.mutation), \(subject.noticed) of \(CountText.text(subject.queries, "query", "queries")) of \(name(subject)) notice"
      )
    }
    let outcomes = report.outcomes.joined()
    let promised = outcomes.count { $0 != .notPromised }
    let broken = outcomes.count { $0 == .broken }
    let combinations = CountText.text(
      promised, "combination of version and state", "combinations of version and state")
    guard broken > 0 else {
      context.say(context.paint("\(combinations), nothing broken", .good))
      location.suggestPlan(context)
      return
    }
    context.print(context.paint("\(CountText.text(broken)) of \(combinations) broken\n", .bad))
  }

  static func matrix(_ report: CompatibilityCheck.Report) -> TextTable {
    var table = TextTable([.init("state")] + report.subjects.map { .init(name($0)) })
    for (state, outcomes) in zip(report.states, report.outcomes) {
      table.add(row: [.init(state.description)] + outcomes.map { .init(word($0), style($0)) })
    }
    return table
  }

  static func name(_ subject: CompatibilityCheck.Report.Subject) -> Prose {
    "\(subject.application) \(subject.version)"
  }

  static func word(_ outcome: CompatibilityCheck.Report.Outcome) -> String {
    switch outcome {
    case .works: "works"
    case .broken: "broken"
    case .notPromised: "-"
    }
  }

  private static func style(_ outcome: CompatibilityCheck.Report.Outcome) -> Style {
    switch outcome {
    case .works: .good
    case .broken: .bad
    case .notPromised: .dim
    }
  }

  static func mayBeLive(_ state: CompatibilityState) -> String {
    state.mayBeLive.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }

  /// `storefront 1.4, 'prices' does not compile: …`
  static func sentence(_ finding: CompatibilityCheck.Finding) -> Prose {
    let query: Prose = finding.query.map { ", '\($0)'" } ?? ":"
    return "\(finding.application) \(finding.version)\(query) \(finding.message)"
  }

  /// The first state on which it appears, how many others there are, and the phase that led there.
  static func `where`(
    _ state: Int, _ finding: CompatibilityCheck.Finding, in report: CompatibilityCheck.Report
  ) -> Prose {
    "on: \(shown(state, finding, in: report))"
  }

  private static func shown(
    _ state: Int, _ finding: CompatibilityCheck.Finding, in report: CompatibilityCheck.Report
  ) -> Prose {
    let others = report.states(of: finding).count - 1
    let more = others > 0 ? ", and on \(CountText.text(others, "state")) more" : ""
    return "\(report.states[state])\(more)"
  }

  private static func text(
    _ finding: CompatibilityCheck.Finding, on state: Int, in report: CompatibilityCheck.Report,
    _ context: CommandContext
  ) -> Prose {
    let paint = context.paint
    let level = finding.isWarning ? paint("warning:", .warning) : paint("error:", .bad)
    let head: Prose =
      "\(level) \(paint(sentence(finding), .heading)) \(paint("[compat-\(finding.check.rawValue)]", .dim))"
    var lines = [head] + PlaceText.lines(finding.place, paint, context.width ?? 120)
    lines += finding.details.map { "    \($0)" }
    lines.append("  \(paint("on:", .heading)) \(shown(state, finding, in: report))")
    if let phase = finding.phase {
      let place = finding.phasePlace.map { ", \($0)" } ?? ""
      lines.append("  \(paint("since:", .heading)) \(phase)\(place)")
    }
    return lines.map { $0 + "\n" }.joined()
  }
}
