internal import PhaseDB

/// A verdict as `--format json` prints it.
struct ReversalJSON: Encodable {
  let verdict: String
  let lost: [Lost]
  let reasons: [Prose]

  struct Lost: Encodable {
    let table: String
    let column: String?
    let rows: Int?
    let why: Prose
    let declared: Bool
  }

  init(_ reversal: Reversal) {
    verdict = reversal.word
    switch reversal {
    case .exact: (lost, reasons) = ([], [])
    case .lossy(let values):
      lost = values.map {
        Lost(table: $0.table, column: $0.column, rows: $0.rows, why: $0.why, declared: $0.isDeclared)
      }
      reasons = []
    case .blocked(let why): (lost, reasons) = ([], why)
    }
  }
}

extension Reversal {
  /// The verdict in one word.
  var word: String {
    switch self {
    case .exact: "exact"
    case .lossy: "lossy"
    case .blocked: "blocked"
    }
  }

  /// The verdict with its reasons, a line for each.
  var lines: [Prose] {
    switch self {
    case .exact: ["exact"]
    case .lossy(let values):
      values.map { lost in
        let rows = lost.rows.map { CountText.text($0, "row") } ?? "an unknown number of rows"
        let declared = lost.isDeclared ? " (declared by @loses)" : ""
        return "lossy: \(lost.subject), \(rows): \(lost.why)\(declared)"
      }
    case .blocked(let reasons): reasons.map { "blocked: \($0)" }
    }
  }
}
