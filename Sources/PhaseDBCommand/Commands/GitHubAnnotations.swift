internal import PhaseCompat
internal import PhaseDB

/// Findings as annotations of GitHub Actions (docs.github.com, "Workflow commands for GitHub Actions").
enum GitHubAnnotations {
  /// One line for each finding, each with its line end.
  static func text(_ report: LintReport) -> Prose {
    report.findings.map { finding in
      let phase = finding.phase.map { "\($0): " } ?? ""
      let lines: [Prose] =
        ["\(phase)\(finding.message)"] + finding.details + [finding.reason] + finding.remedies
      return line(finding.level == .error, title: finding.id, at: finding.place, lines)
    }.joined()
  }

  /// The same for what compat found, at the phase that caused it.
  static func text(_ report: CompatibilityCheck.Report) -> Prose {
    report.firstFindings.map { state, finding in
      let what = CompatText.sentence(finding)
      let lines = [what] + finding.details + [CompatText.where(state, finding, in: report)]
      let place = finding.phasePlace ?? finding.place
      let asked: [Prose] = finding.place.map { ["the statement: \($0)"] } ?? []
      return line(
        !finding.isWarning, title: "compat-\(finding.check.rawValue)", at: place, lines + asked)
    }.joined()
  }

  static func line(_ isError: Bool, title: String, at place: Place?, _ lines: [Prose]) -> Prose {
    var properties: [Escaped<CommandProperty>] = ["title=\(title)"]
    if let place {
      properties =
        [
          "file=\(place.file)", "line=\(place.line)", "col=\(place.column)",
          "endColumn=\(place.column + place.length)",
        ] + properties
    }
    let message = Escaped<CommandMessage>(lines.joined(separator: "\n"))
    return (isError ? "::error " : "::warning ") + properties.joined(separator: ",").prose + "::"
      + message.prose
      + "\n"
  }
}
