internal import PhaseDB

/// Findings as annotations of GitHub Actions (docs.github.com, "Workflow commands for GitHub Actions").
enum GitHubAnnotations {
  /// One line for each finding, each with its line end.
  static func text(_ report: LintReport) -> String {
    report.findings.map { finding in
      let phase = finding.phase.map { "\($0): " } ?? ""
      let lines = ["\(phase)\(finding.message)"] + finding.details + [finding.reason] + finding.remedies
      return line(finding.level.rawValue, title: finding.id, at: finding.place, lines)
    }.joined()
  }

  /// The same for what compat found, at the phase that caused it.
  static func text(_ report: CompatibilityReport) -> String {
    report.firstFindings.map { state, finding in
      let what = CompatText.sentence(finding)
      let lines = [what] + finding.details + [CompatText.where(state, finding, in: report)]
      let place = finding.phasePlace ?? finding.place
      let asked = finding.place.map { ["the statement: \($0)"] } ?? []
      return line(
        finding.isWarning ? "warning" : "error", title: "compat-\(finding.check.rawValue)", at: place,
        lines + asked)
    }.joined()
  }

  static func line(_ level: String, title: String, at place: Place?, _ lines: [String]) -> String {
    var properties = ["title=\(property(title))"]
    if let place {
      properties =
        [
          "file=\(property(place.file))", "line=\(place.line)", "col=\(place.column)",
          "endColumn=\(place.column + place.length)",
        ] + properties
    }
    return "::\(level) \(properties.joined(separator: ","))::\(data(lines.joined(separator: "\n")))\n"
  }

  /// A message may hold anything but line ends and the percent sign that writes them.
  private static func data(_ text: String) -> String {
    var escaped = ""
    for character in text.unicodeScalars {
      switch character {
      case "%": escaped += "%25"
      case "\r": escaped += "%0D"
      case "\n": escaped += "%0A"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }

  /// In a property the separators need it too.
  private static func property(_ text: String) -> String {
    var escaped = ""
    for character in data(text).unicodeScalars {
      switch character {
      case ":": escaped += "%3A"
      case ",": escaped += "%2C"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }
}
