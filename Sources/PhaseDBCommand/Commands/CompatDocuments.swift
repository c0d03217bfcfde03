internal import PhaseDB

/// What compat found, as a comment on a pull request.
enum CompatMarkdown {
  static func text(_ report: CompatibilityReport) -> String {
    let names = report.subjects.map { cell(CompatText.name($0)) }
    var lines = [
      "### Versions and states", "", "| state | \(names.joined(separator: " | ")) |",
      "|---|\(names.map { _ in "---|" }.joined())",
    ]
    for (state, outcomes) in zip(report.states, report.outcomes) {
      let words = outcomes.map { $0 == .broken ? "**broken**" : CompatText.word($0) }
      lines.append("| \(cell(state.description)) | \(words.joined(separator: " | ")) |")
    }
    let findings = report.firstFindings
    if !findings.isEmpty { lines += ["", "### What was found"] }
    for (state, finding) in findings {
      lines += [
        "", "- \(finding.isWarning ? "warning" : "**error**"): \(prose(CompatText.sentence(finding)))",
      ]
      lines.append("  - \(prose(CompatText.where(state, finding, in: report)))")
      if let phase = finding.phase { lines.append("  - since: `\(phase)`") }
      if let place = finding.place { lines.append("  - asked in: `\(place)`") }
      if !finding.details.isEmpty {
        // Indented code needs no fence, which a value could close.
        lines += [""] + finding.details.flatMap { $0.split(separator: "\n") }.map { "        \($0)" }
      }
    }
    lines += [""]
    for subject in report.subjects {
      lines.append(
        "Self-test: without `\(subject.mutation)`, \(subject.noticed) of \(subject.queries) queries of \(CompatText.name(subject)) notice.  "
      )
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func cell(_ text: String) -> String { prose(text).replacing("|", with: "\\|") }

  /// Text in which nothing is taken for Markdown or HTML.
  private static func prose(_ text: String) -> String {
    var escaped = ""
    for character in text.replacing("\n", with: " ") {
      if "\\`*_<>[]#".contains(character) { escaped.append("\\") }
      escaped.append(character)
    }
    return escaped
  }
}

/// What compat found, as test cases: one suite for each version, one case for each state.
enum CompatJUnit {
  static func suites(_ report: CompatibilityReport) -> [JUnit.Suite] {
    report.subjects.indices.map { version in
      var suite = JUnit.Suite(name: CompatText.name(report.subjects[version]))
      for (index, state) in report.states.enumerated() where report.outcomes[index][version] != .notPromised {
        let findings = report.findings[index][version].filter { !$0.isWarning }
        suite.cases.append(
          JUnit.Case(name: state.description, failure: findings.isEmpty ? nil : failure(findings)))
      }
      return suite
    }
  }

  private static func failure(_ findings: [CompatibilityFinding]) -> JUnit.Failure {
    let texts = findings.map { finding in
      let place = finding.place.map { ["  at \($0)"] } ?? []
      return ([CompatText.sentence(finding)] + finding.details.map { "  \($0)" } + place).joined(
        separator: "\n")
    }
    return JUnit.Failure(
      message: CompatText.sentence(findings[0]), kind: findings[0].check.rawValue,
      text: texts.joined(separator: "\n"))
  }
}
