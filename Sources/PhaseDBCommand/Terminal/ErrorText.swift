internal import PhaseDB

/// An error as a person reads it: what happened, where, in what state the database is, what to do next.
struct ErrorText {
  private let id: String
  private let message: String
  private let place: Place?
  private let details: [String]
  private let state: String?
  private let help: [String]

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
  func text(paint: Paint, width: Int?) -> String {
    let head = "\(paint("error:", .bad)) \(paint(message.visible, .heading)) \(paint("[\(id)]", .dim))"
    let lines =
      [head] + PlaceText.lines(place, paint, width ?? 120)
      + details.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }.map {
        "    \($0.visible)"
      }
      + (state.map { ["  \(paint("state:", .heading)) \($0.visible)"] } ?? [])
      + help.enumerated().map { index, line in
        index == 0 ? "  \(paint("help:", .good))  \(line.visible)" : "         \(line.visible)"
      }
    return lines.map { "\($0)\n" }.joined()
  }
}
