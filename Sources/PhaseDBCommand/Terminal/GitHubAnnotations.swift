internal import PhaseDB

/// Findings as annotations of GitHub Actions (docs.github.com, "Workflow commands for GitHub Actions").
enum GitHubAnnotations {
  /// One line for each finding, each with its line end.
  static func text(_ report: LintReport) -> String {
    report.findings.map { finding in
      var properties = ["title=\(property(finding.id))"]
      if let place = finding.place {
        properties =
          [
            "file=\(property(place.file))", "line=\(place.line)", "col=\(place.column)",
            "endColumn=\(place.column + place.length)",
          ] + properties
      }
      let phase = finding.phase.map { "\($0): " } ?? ""
      let body = (["\(phase)\(finding.message)"] + finding.details + [finding.reason] + finding.remedies)
        .joined(separator: "\n")
      return "::\(finding.level.rawValue) \(properties.joined(separator: ","))::\(data(body))\n"
    }.joined()
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
