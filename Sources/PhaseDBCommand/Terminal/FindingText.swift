internal import PhaseDB

/// A finding as a person reads it: what is wrong, where, why it matters, what to write instead.
struct FindingText {
  private let finding: Finding

  init(_ finding: Finding) { self.finding = finding }

  /// Lines, each with its line end.
  ///
  /// - Parameter width: the columns of the terminal, nil when there is none.
  func text(paint: Paint, width: Int?) -> Prose {
    let isError = finding.level == .error
    let level = paint("\(finding.level.rawValue):", isError ? .bad : .warning)
    let phase = finding.phase.map { "\($0.short): " } ?? ""
    let head: Prose =
      "\(level) \(paint("\(phase)\(finding.message)", .heading)) \(paint("[\(finding.id)]", .dim))"
    let lines =
      [head] + PlaceText.lines(finding.place, paint, width ?? 120)
      + finding.details.flatMap(\.lines).map { "    \($0)" }
      + ["  \(paint("why:", .heading))  \(finding.reason)"]
      + finding.remedies.flatMap(\.lines).enumerated().map { index, line in
        index == 0 ? "  \(paint("help:", .good)) \(line)" : "        \(line)"
      }
    return lines.map { $0 + "\n" }.joined()
  }
}
