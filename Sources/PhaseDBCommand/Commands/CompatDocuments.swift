internal import PhaseCompat
internal import PhaseDB

/// What compat found, as a comment on a pull request.
enum CompatMarkdown {
  static func text(_ report: CompatibilityCheck.Report) -> Prose {
    let names = report.subjects.map { Escaped<Markdown>(CompatText.name($0)) }
    var lines: [Escaped<Markdown>] = [
      "### Versions and states", "", "| state | \(names.joined(separator: " | ")) |",
      "|---|\(names.map { _ in "---|" as Escaped<Markdown> }.joined())",
    ]
    for (state, outcomes) in zip(report.states, report.outcomes) {
      let words: [Escaped<Markdown>] = outcomes.map {
        $0 == .broken ? "**broken**" : "\(CompatText.word($0))"
      }
      lines.append("| \(state) | \(words.joined(separator: " | ")) |")
    }
    let findings = report.firstFindings
    if !findings.isEmpty { lines += ["", "### What was found"] }
    for (state, finding) in findings {
      let level: Escaped<Markdown> = finding.isWarning ? "warning" : "**error**"
      lines += ["", "- \(level): \(CompatText.sentence(finding))"]
      lines.append("  - \(CompatText.where(state, finding, in: report))")
      if let phase = finding.phase { lines.append("  - since: \(.code(phase))") }
      if let place = finding.place { lines.append("  - asked in: \(.code(place))") }
      if !finding.details.isEmpty {
        lines.append("")
        lines += finding.details.flatMap(\.lines).map(Escaped.indentedCode)
      }
    }
    lines.append("")
    for subject in report.subjects {
      lines.append(
        "Self-test: without \(.code(subject.mutation)), \(subject.noticed) of \(subject.queries) queries of \(CompatText.name(subject)) notice.  "
      )
    }
    return lines.joined(separator: "\n").prose + "\n"
  }
}

/// What compat found, as test cases: one suite for each version, one case for each state.
enum CompatJUnit {
  static func suites(_ report: CompatibilityCheck.Report) -> [JUnit.Suite] {
    report.subjects.indices.map { version in
      var suite = JUnit.Suite(name: CompatText.name(report.subjects[version]))
      for (index, state) in report.states.enumerated() where report.outcomes[index][version] != .notPromised {
        let findings = report.findingsByState[index][version].filter { !$0.isWarning }
        suite.cases.append(
          JUnit.Case(name: Prose(state), failure: findings.isEmpty ? nil : failure(findings)))
      }
      return suite
    }
  }

  private static func failure(_ findings: [CompatibilityCheck.Finding]) -> JUnit.Failure {
    let texts = findings.flatMap { finding in
      let place: [Prose] = finding.place.map { ["  at \($0)"] } ?? []
      return [CompatText.sentence(finding)] + finding.details.map { "  \($0)" } + place
    }
    return JUnit.Failure(
      message: CompatText.sentence(findings[0]), kind: Prose(findings[0].check.rawValue),
      text: texts.joined(separator: "\n"))
  }
}

/// Test results in the XML that JUnit's Ant task writes and every CI reads (github.com/windyroad/JUnit-Schema).
enum JUnit {
  struct Suite {
    let name: Prose
    var cases: [Case] = []
  }

  struct Case {
    let name: Prose
    /// Nil when it passed.
    let failure: Failure?
  }

  struct Failure {
    let message: Prose
    let kind: Prose
    let text: Prose
  }

  static func text(_ suites: [Suite]) -> Prose {
    func counts(_ cases: [Case]) -> Escaped<XML> {
      "tests=\"\(cases.count)\" failures=\"\(cases.count { $0.failure != nil })\" errors=\"0\" skipped=\"0\""
    }
    var lines: [Escaped<XML>] = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuites name=\"phasedb compat\" \(counts(suites.flatMap(\.cases)))>",
    ]
    for suite in suites {
      lines.append("  <testsuite name=\"\(suite.name)\" \(counts(suite.cases))>")
      for test in suite.cases {
        let head: Escaped<XML> = "    <testcase classname=\"\(suite.name)\" name=\"\(test.name)\""
        guard let failure = test.failure else {
          lines.append(head + "/>")
          continue
        }
        lines.append(head + ">")
        lines.append(
          "      <failure message=\"\(failure.message)\" type=\"\(failure.kind)\">\(failure.text)</failure>")
        lines.append("    </testcase>")
      }
      lines.append("  </testsuite>")
    }
    lines.append("</testsuites>\n")
    return lines.joined(separator: "\n").prose
  }
}
