internal import PhaseDB

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
