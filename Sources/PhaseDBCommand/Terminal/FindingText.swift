internal import PhaseDB

/// A finding as a person reads it: what is wrong, where, why it matters, what to write instead.
struct FindingText {
  private let finding: Finding

  init(_ finding: Finding) { self.finding = finding }

  /// Lines, each with its line end.
  ///
  /// - Parameter width: the columns of the terminal, nil when there is none.
  func text(paint: Paint, width: Int?) -> String {
    let isError = finding.level == .error
    let level = paint("\(finding.level.rawValue):", isError ? .bad : .warning)
    let phase = finding.phase.map { "\($0.short): " } ?? ""
    let head =
      "\(level) \(paint("\(phase)\(finding.message)".visible, .heading)) \(paint("[\(finding.id)]", .dim))"
    let lines =
      [head] + PlaceText.lines(finding.place, paint, width ?? 120)
      + finding.details.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }.map {
        "    \($0.visible)"
      }
      + ["  \(paint("why:", .heading))  \(finding.reason.visible)"]
      + finding.remedies.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }.enumerated()
      .map {
        index, line in
        index == 0 ? "  \(paint("help:", .good)) \(line.visible)" : "        \(line.visible)"
      }
    return lines.map { "\($0)\n" }.joined()
  }
}
