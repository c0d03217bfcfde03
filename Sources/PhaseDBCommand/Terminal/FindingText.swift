internal import PhaseDB

/// A finding as a person reads it: what is wrong, where, why it matters, what to write instead.
struct FindingText {
  private let finding: Finding

  init(_ finding: Finding) { self.finding = finding }

  /// Lines, each with its line end.
  ///
  /// - Parameter width: the columns of the terminal, nil when there is none.
  func text(paint: Paint, width: Int?) -> Prose {
    let phase: Prose = finding.phase.map { "\($0.short): " } ?? ""
    let lines =
      Wrapped.head(
        "\(finding.level.rawValue):", finding.level == .error ? .bad : .warning, phase + finding.message,
        finding.id, paint, width)
      + PlaceText.lines(finding.place, paint, width ?? 120) + Wrapped.details(finding.details, width)
      + Wrapped.paragraph("  \(paint("why:", .heading))  ", finding.reason, indent: 8, width: width)
      + finding.remedies.flatMap(\.lines).enumerated().flatMap { index, line in
        Wrapped.paragraph(
          index == 0 ? "  \(paint("help:", .good)) " : .blank(8), line, indent: 8, width: width)
      }
    return lines.map { $0 + "\n" }.joined()
  }
}
