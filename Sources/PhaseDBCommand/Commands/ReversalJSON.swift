internal import PhaseDB

/// A verdict as `--format json` prints it.
struct ReversalJSON: Encodable {
  let verdict: String
  /// What does not come back.
  let lost: [Rows]
  /// What rows get that may not be theirs.
  let uncertain: [Rows]
  /// Why it is blocked, one sentence each.
  let reasons: [Prose]
  let obstacles: [Obstacle]
  let notes: [Prose]

  struct Rows: Encodable {
    let table: String
    let column: String?
    let rows: Int?
    let why: Prose
    let declared: Bool

    init(_ rows: Reversal.AffectedRows) {
      (table, column, self.rows, why, declared) = (
        rows.table, rows.column, rows.rows, rows.why, rows.isDeclared
      )
    }
  }

  struct Obstacle: Encodable {
    let reason: Prose
    let rows: [Prose]
    let openings: [Prose]
  }

  init(_ reversal: Reversal) {
    verdict = reversal.word.rawValue
    lost = reversal.lost.map(Rows.init)
    uncertain = reversal.uncertain.map(Rows.init)
    reasons = reversal.obstacles.map(\.reason)
    obstacles = reversal.obstacles.map {
      Obstacle(reason: $0.reason, rows: $0.rows, openings: $0.openings)
    }
    notes = reversal.notes
  }
}

extension Reversal {
  /// The verdict with its reasons, a line for each.
  var lines: [Prose] {
    var lines: [Prose] = obstacles.flatMap { obstacle -> [Prose] in
      ["blocked: \(obstacle.reason)"] + obstacle.rows.map { "  \($0)" }
        + obstacle.openings.map { "  to open it: \($0)" }
    }
    lines += lost.map { rows in
      "lossy: \(rows.text)\(rows.isDeclared ? " (declared by @loses)" : "")"
    }
    lines += uncertain.map { "uncertain: \($0.text)" }
    switch word {
    case .exact: lines.append("exact")
    case .expected where notes.isEmpty:
      lines.append("expected: its way back runs, and no rehearsal has shown it on rows")
    case .expected: lines.append("expected")
    case .unknown: lines.append("unknown: its way back was not tried")
    case .lossy, .uncertain, .blocked: break
    }
    return lines + notes.map { "  \($0)" }
  }

  /// The same, each with the phase's name but for those that go on from the line before.
  func lines(of id: PhaseID) -> [Prose] {
    lines.map { $0.hasPrefix("  ") ? $0 : "\(id.short) down: \($0)" }
  }
}

extension Reversal.AffectedRows {
  fileprivate var text: Prose {
    "\(subject), \(rows.map { CountText.text($0, "row") } ?? "an unknown number of rows"): \(why)"
  }
}
