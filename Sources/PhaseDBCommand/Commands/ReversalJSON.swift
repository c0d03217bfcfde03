internal import PhaseDB

/// A verdict as `--format json` prints it.
struct ReversalJSON: Encodable {
  let verdict: String
  /// What does not come back.
  let lost: [Rows]
  /// Values that rows get and that may not be theirs.
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
