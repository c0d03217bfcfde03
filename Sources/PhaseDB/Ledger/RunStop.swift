internal import PhaseSQLite

/// A failed run in the log.
///
/// It has the error and the line, and never a value of a row: the log outlives the rows, and others may read it.
package struct RunStop: Sendable, Hashable {
  package let at: Timestamp
  /// The phase at which it stopped.
  package let phase: PhaseID
  package let direction: Direction
  package let error: MigrationError.ID
  /// The line of the phase file, from 1 on; nil when the error has no place there.
  package let line: Int?
  /// What the whole run left behind.
  package let standing: MigrationError.Standing

  /// What went wrong, in a few words.
  package var reason: Prose {
    let place: Prose = line.map { " at line \($0)" } ?? ""
    return words + place
  }

  private var words: Prose {
    switch error {
    case .databaseFull: "disk full"
    case .ioFailed: "I/O error"
    case .interrupted: "stopped on request"
    default: Prose(error.rawValue.replacing("-", with: " "))
    }
  }

  /// The detail of the log's row, as in `up: statement-failed at line 9 (undone)`.
  var detail: String {
    "\(direction.rawValue): \(error.rawValue)\(line.map { " at line \($0)" } ?? "") (\(standing.rawValue))"
  }

  init(
    at: Timestamp, _ phase: PhaseID, _ direction: Direction, _ error: MigrationError.ID, line: Int?,
    _ standing: MigrationError.Standing
  ) {
    (self.at, self.phase, self.direction) = (at, phase, direction)
    (self.error, self.line, self.standing) = (error, line, standing)
  }

  /// Reads an entry of the log; nil for another kind of entry, and for words that this version does not know.
  init?(_ entry: LogEntry) {
    guard entry.action == LogEntry.Action.stop.rawValue, let phase = try? PhaseID(entry.subject),
      let parts = entry.detail.wholeMatch(of: #/(\w+): ([a-z-]+)(?: at line (\d{1,9}))? \(([a-z-]+)\)/#)?
        .output,
      let direction = Direction(rawValue: String(parts.1)),
      let error = MigrationError.ID(rawValue: String(parts.2)),
      let standing = MigrationError.Standing(rawValue: String(parts.4))
    else { return nil }
    self.init(at: entry.at, phase, direction, error, line: parts.3.flatMap { Int($0) }, standing)
  }

  /// How the last run stopped; nil when it ended well, and when there was none.
  static func last(in ledger: Ledger) throws(SQLiteError) -> RunStop? {
    let runs = [LogEntry.Action.start, .resume, .up, .down, .restore, .stop].map { "'\($0.rawValue)'" }
    let last = try ledger.connection.value(
      "SELECT id FROM phasedb_log WHERE action IN (\(runs.joined(separator: ", "))) ORDER BY id DESC LIMIT 1")
    guard let id = last?.integer else { return nil }
    return try ledger.entry(id).flatMap { RunStop($0) }
  }
}
