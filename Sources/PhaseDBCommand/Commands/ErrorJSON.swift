internal import PhaseDB

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
  /// `note`, or `step` for what a long command is doing.
  let event: String
  let message: Prose
}
