internal import PhaseSQLite

extension Phase {
  /// What makes a phase this phase: SHA-256, in hexadecimal, over its kind, its directives and the tokens of its
  /// SQL. Comments, white space, line ends, the summary and a semicolon at the end of a script do not count.
  public var tokenHash: String {
    var identity = PhaseIdentity()
    identity.add("phasedb phase 1", [kind.rawValue])
    for window in windows.sorted(by: { $0.application < $1.application }) {
      identity.add("window", [window.application, window.range.canonical])
    }
    for verification in verifications {
      identity.add("verify", [verification.title])
      identity.add("query", verification.query)
    }
    if let residuals, residuals.isEmpty { identity.add("residual", ["none"]) }
    for residual in residuals ?? [] { identity.add("residual", [residual.audience.rawValue, residual.text]) }
    for loss in losses { identity.add("loses", [loss.table, loss.column, loss.reason]) }
    if let effectiveSoak { identity.add("soak", [DurationText.print(effectiveSoak)]) }
    for need in needs { identity.add("needs", [need]) }
    for (limit, duration) in budget?.limits ?? [] {
      identity.add("budget", [limit, DurationText.print(duration)])
    }
    for allowance in allowances {
      identity.add(
        "allow",
        [allowance.rule, allowance.application, allowance.until.canonical, allowance.reason])
    }
    identity.add("up", up)
    identity.add("down", down)
    return identity.hash.hex()
  }
}

/// A hash over fields. Each is written with its length, and a directive with the number of its fields, so that
/// no two phases run together into the same bytes.
private struct PhaseIdentity {
  var hash = SHA256()

  mutating func add(_ directive: String, _ fields: [String]) {
    add(Array(directive.utf8))
    addCount(fields.count)
    for field in fields { add(Array(field.onOneLine.utf8)) }
  }

  mutating func add(_ section: String, _ script: Script) {
    add(Array(section.utf8))
    add(SQLTokens.exact(script.textWithoutLastSemicolons))
  }

  private mutating func add(_ bytes: [UInt8]) {
    addCount(bytes.count)
    hash.update(bytes)
  }

  private mutating func addCount(_ count: Int) {
    hash.update((0..<8).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) })
  }
}

extension Script {
  /// Up to the last token that is neither a semicolon nor trivia.
  fileprivate var textWithoutLastSemicolons: String {
    var end = 0
    for token in SQLTokens(text) where !token.kind.isTrivia && !token.isSemicolon {
      end = token.range.upperBound
    }
    return String(decoding: text.utf8.prefix(end), as: UTF8.self)
  }
}
