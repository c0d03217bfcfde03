internal import PhaseDB

/// An error for a person: what happened, where, in what state the database is, and what to do next.
struct ErrorText {
  private let id: String
  private let message: Prose
  private let place: Place?
  private let details: [Prose]
  private let state: Prose?
  private let help: [Prose]

  init(_ error: MigrationError) {
    id = error.id.rawValue
    message = error.message
    place = error.place
    details = error.details
    state = error.state
    help = error.help
  }

  init(_ error: UsageError) {
    id = error.id.rawValue
    message = error.message
    place = nil
    details = []
    state = nil
    help = error.remedies
  }

  /// Lines, each with its line end.
  ///
  /// - Parameter width: the columns of the terminal, nil when there is none.
  func text(paint: Paint, width: Int?) -> Prose {
    let lines =
      Wrapped.head("error:", .bad, message, id, paint, width) + PlaceText.lines(place, paint, width ?? 120)
      + Wrapped.details(details, width)
      + (state.map { Wrapped.paragraph("  \(paint("state:", .heading)) ", $0, indent: 9, width: width) } ?? [])
      + help.flatMap(\.lines).enumerated().flatMap { index, line in
        Wrapped.paragraph(
          index == 0 ? "  \(paint("help:", .good))  " : .blank(9), line, indent: 9, width: width)
      }
    return lines.map { $0 + "\n" }.joined()
  }
}
