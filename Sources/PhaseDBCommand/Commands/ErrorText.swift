internal import PhaseDB

/// An error as a person reads it: the message, the place, the state of the database, and what to do next.
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

/// An error as `--format json` prints it, on one line of standard error.
struct ErrorJSON: Encodable {
  let error: Body

  struct Body: Encodable {
    let id: String
    let message: Prose
    let file: String?
    let line: Int?
    let column: Int?
    let details: [Prose]
    let state: Prose?
    let help: [Prose]
    let standing: String
    let exitCode: Int32
  }

  init(_ error: MigrationError) {
    self.error = Body(
      id: error.id.rawValue, message: error.message, file: error.place?.file, line: error.place?.line,
      column: error.place?.column, details: error.details, state: error.state, help: error.help,
      standing: error.standing.rawValue, exitCode: ExitCode(error.standing).rawValue)
  }

  init(_ error: UsageError) {
    self.error = Body(
      id: error.id.rawValue, message: error.message, file: nil, line: nil, column: nil, details: [],
      state: nil,
      help: error.remedies, standing: MigrationError.Standing.unchanged.rawValue,
      exitCode: ExitCode.usage.rawValue)
  }
}

/// A message on standard error, as `--format json` prints it: one object a line.
struct MessageJSON: Encodable {
  /// `note`, or `step` for a step of a long command.
  let event: String
  let message: Prose
}
