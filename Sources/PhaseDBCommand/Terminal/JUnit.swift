/// Test results in the XML that JUnit's Ant task writes and every CI reads (github.com/windyroad/JUnit-Schema).
enum JUnit {
  struct Suite {
    let name: String
    var cases: [Case] = []
  }

  struct Case {
    let name: String
    /// Nil when it passed.
    let failure: Failure?
  }

  struct Failure {
    let message: String
    let kind: String
    let text: String
  }

  static func text(_ suites: [Suite]) -> String {
    func counts(_ cases: [Case]) -> String {
      "tests=\"\(cases.count)\" failures=\"\(cases.count { $0.failure != nil })\" errors=\"0\" skipped=\"0\""
    }
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuites name=\"phasedb compat\" \(counts(suites.flatMap(\.cases)))>",
    ]
    for suite in suites {
      lines.append("  <testsuite name=\"\(escaped(suite.name))\" \(counts(suite.cases))>")
      for test in suite.cases {
        let head = "    <testcase classname=\"\(escaped(suite.name))\" name=\"\(escaped(test.name))\""
        guard let failure = test.failure else {
          lines.append(head + "/>")
          continue
        }
        lines.append(head + ">")
        lines.append(
          "      <failure message=\"\(escaped(failure.message))\" type=\"\(escaped(failure.kind))\">\(escaped(failure.text))</failure>"
        )
        lines.append("    </testcase>")
      }
      lines.append("  </testsuite>")
    }
    lines.append("</testsuites>")
    return lines.joined(separator: "\n") + "\n"
  }

  /// XML 1.0 has no way to write most control characters, not even as references (w3.org/TR/xml/#charsets).
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\n": escaped += "&#10;"
      case "\t": escaped += "&#9;"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
