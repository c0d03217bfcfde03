internal import PhaseSQLite

/// A batched phase that is under way, as the ledger keeps it between two batches.
///
/// At any time, rows up to the cursor are as the phase leaves them, and rows after it are unchanged. The cursor rises
/// on the way up and falls on the way down. It may change its direction after any batch.
struct BatchRecord: Sendable {
  let id: PhaseID
  /// The phase as it was when its first batch ran.
  let phase: Phase
  /// The format that the ledger had then.
  let format: Int
  /// The column that orders the batches.
  let key: String
  /// The first and the last key, fixed when it began; nil when there was no row.
  let ends: ClosedKeys?
  var direction: Direction
  var cursor: BatchCursor
  /// The cursor when it took this direction.
  var origin: BatchCursor
  /// The number of rows in this direction; nil when the key itself shows how far it is.
  var total: Int?
  /// The rows that are done in this direction.
  var rows: Int
  /// Rows without a parent before its first batch; nil when it can orphan none.
  var orphans: Int?
  var pace: Pace
  var pause: BatchPause?
  /// When it took this direction, and when its runner last recorded that it is alive.
  var since: Timestamp
  var beat: Timestamp
  var runner: String

  /// What its last batches measured.
  struct Pace: Sendable, Hashable {
    var size = 0
    var rowsPerSecond = 0.0
    var lastHold = 0.0
    var medianHold = 0.0
    var p99Hold = 0.0
    var pause = 0.0
  }
}

/// Keys from one value to another, both included.
struct ClosedKeys: Sendable, Hashable {
  let first: Value
  let last: Value
}

/// A point between two keys.
enum BatchCursor: Sendable, Hashable {
  /// Before every key.
  case bottom
  case before(Value)
  case after(Value)

  /// The key before or after the point.
  var value: Value? {
    switch self {
    case .bottom: nil
    case .before(let value), .after(let value): value
    }
  }
}

extension BatchRecord {
  /// The finished part of the way in this direction, from 0 to 1; nil while it is unknown.
  var fraction: Double? {
    guard let ends else { return 1 }
    if let total { return total == 0 ? 1 : min(1, Double(rows) / Double(total)) }
    guard let low = ends.first.integer.map(Double.init), let high = ends.last.integer.map(Double.init) else {
      return nil
    }
    func position(_ cursor: BatchCursor) -> Double? {
      guard let value = cursor.value else { return low - 1 }
      return value.integer.map(Double.init)
    }
    guard let from = position(origin), let now = position(cursor) else { return nil }
    let to = direction == .up ? high : low - 1
    return from == to ? 1 : max(0, min(1, (now - from) / (to - from)))
  }
}

/// The batched phase that is under way: the table `phasedb_batch`, of one row at most.
struct BatchRecords: LedgerTable {
  let ledger: Ledger

  /// The batched phase that is under way, nil when there is none.
  ///
  /// - Throws: `ledger-damaged` for a row that cannot be read.
  func underWay() throws(MigrationError) -> BatchRecord? {
    guard format >= 2 else { return nil }
    return try lifting("reading the ledger") {
      var row = try connection.prepare(
        """
        SELECT phase, token_hash, declarations, up_sql, down_sql, format, key, first, last, direction, cursor,
          cursor_side, origin, origin_side, total, rows, size, rate, hold, hold_p50, hold_p99, pause, reason, detail,
          resuming, since, beat, runner, orphans
        FROM phasedb_batch
        """)
      guard try row.step() else { return nil }
      let text = PhaseFile.assemble(
        declarations: row.text(at: 2), up: row.text(at: 3), down: row.text(at: 4), kind: .migrate)
      guard let id = try? PhaseID(row.text(at: 0)),
        let phase = try? PhaseFile.read(text, file: "ledger:\(id)", kind: id.kind),
        phase.tokenHash == row.text(at: 1), let direction = Direction(rawValue: row.text(at: 9)),
        let cursor = BatchCursor(row.value(at: 10), row.text(at: 11)),
        let origin = BatchCursor(row.value(at: 12), row.text(at: 13))
      else { throw Ledger.damaged("the row of phasedb_batch cannot be read") }
      return BatchRecord(
        id: id, phase: phase, format: Int(row.integer(at: 5)), key: row.text(at: 6),
        ends: row.isNull(at: 7) ? nil : ClosedKeys(first: row.value(at: 7), last: row.value(at: 8)),
        direction: direction, cursor: cursor, origin: origin,
        total: row.isNull(at: 14) ? nil : Int(row.integer(at: 14)), rows: Int(row.integer(at: 15)),
        orphans: row.isNull(at: 28) ? nil : Int(row.integer(at: 28)),
        pace: BatchRecord.Pace(
          size: Int(row.integer(at: 16)), rowsPerSecond: row.value(at: 17).number ?? 0,
          lastHold: row.value(at: 18).number ?? 0,
          medianHold: row.value(at: 19).number ?? 0, p99Hold: row.value(at: 20).number ?? 0,
          pause: row.value(at: 21).number ?? 0),
        pause: Phase.PauseReason(rawValue: row.text(at: 22)).map {
          BatchPause(reason: $0, detail: Prose(row.text(at: 23)), resuming: Prose(row.text(at: 24)))
        }, since: Timestamp(text: row.text(at: 25)), beat: Timestamp(text: row.text(at: 26)),
        runner: row.text(at: 27))
    }
  }

  /// Records that a batched phase is under way. Call it inside a transaction.
  func begin(_ record: BatchRecord) throws(SQLiteError) {
    try connection.execute(
      """
      INSERT INTO phasedb_batch (
        id, phase, token_hash, declarations, up_sql, down_sql, format, key, first, last, direction, cursor,
        cursor_side, origin, origin_side, rows, size, rate, hold, hold_p50, hold_p99, pause, reason, detail,
        resuming, since, beat, runner)
      VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', NULL, '', NULL, '', 0, 0, 0, 0, 0, 0, 0, '', '', '', '', '',
        '')
      """,
      .text(record.id.description), .text(record.phase.tokenHash), .text(record.phase.declarations),
      .text(record.phase.up.text), .text(record.phase.down.text), .integer(Int64(record.format)),
      .text(record.key), record.ends?.first ?? .null, record.ends?.last ?? .null)
    try update(record)
  }

  /// Records how far it has come. Call it inside the transaction of the batch that brought it there.
  func update(_ record: BatchRecord) throws(SQLiteError) {
    let pace = record.pace
    try connection.execute(
      """
      UPDATE phasedb_batch SET direction = ?1, cursor = ?2, cursor_side = ?3, origin = ?4, origin_side = ?5, total = ?6,
        rows = ?7, size = ?8, rate = ?9, hold = ?10, hold_p50 = ?11, hold_p99 = ?12, pause = ?13, reason = ?14,
        detail = ?15, resuming = ?16, since = ?17, beat = ?18, runner = ?19, orphans = ?20
      """,
      .text(record.direction.rawValue), record.cursor.value ?? .null, .text(record.cursor.side),
      record.origin.value ?? .null, .text(record.origin.side),
      record.total.map { .integer(Int64($0)) } ?? .null, .integer(Int64(record.rows)),
      .integer(Int64(pace.size)), .real(pace.rowsPerSecond), .real(pace.lastHold), .real(pace.medianHold),
      .real(pace.p99Hold), .real(pace.pause), .text(record.pause?.reason.rawValue ?? ""),
      .text(record.pause?.detail.raw ?? ""), .text(record.pause?.resuming.raw ?? ""),
      .text(record.since.text),
      .text(record.beat.text), .text(record.runner),
      record.orphans.map { .integer(Int64($0)) } ?? .null)
  }

  /// The cursor of the phase under way, read again; nil when there is none.
  func cursor() throws(SQLiteError) -> BatchCursor? {
    let row = try connection.rows("SELECT cursor, cursor_side FROM phasedb_batch").first
    return row.flatMap { BatchCursor($0[0], $0[1].text ?? "") }
  }

  /// Records that it is over. Call it inside the transaction that ends it.
  func end() throws(SQLiteError) { try connection.execute("DELETE FROM phasedb_batch") }
}

extension BatchCursor {
  fileprivate init?(_ value: Value, _ side: String) {
    switch side {
    case "bottom": self = .bottom
    case "before": self = .before(value)
    case "after": self = .after(value)
    default: return nil
    }
  }

  fileprivate var side: String {
    switch self {
    case .bottom: "bottom"
    case .before: "before"
    case .after: "after"
    }
  }
}

extension BatchRecord {
  /// Changes the direction.
  mutating func reverse(at time: Timestamp) {
    direction = direction == .up ? .down : .up
    // The finished rows are now the ones to come.
    total = total == nil ? nil : rows
    rows = 0
    origin = cursor
    since = time
  }

  /// A way up continues only with the text and the ledger format with which it began: otherwise the two parts of the
  /// rows would have different meanings. A down may always continue, because its SQL is in the ledger.
  func refuseResume(of other: PhaseID, _ text: Phase, _ wanted: Direction) throws(MigrationError) {
    guard id == other else { throw inProgress("\(other.short) cannot run") }
    guard wanted == .up else { return }
    let why: Prose
    var details: [Prose] = []
    if phase.tokenHash != text.tokenHash {
      why = "the text of \(id) was changed after its first batches ran"
      details = LineDifference.lines(from: PhaseFile.render(phase), to: PhaseFile.render(text))
    } else if format != LedgerFormat.current {
      why =
        "\(id) was started in format \(format) of the ledger, which now has format \(LedgerFormat.current)"
    } else {
      return
    }
    throw MigrationError(
      .batchEdited, why, at: Place(file: text.up.file, line: 1, column: 1), details: details,
      state: "finished batches are recorded; nothing was changed",
      help: [
        "undo the finished batches, for which no file is needed, and start again: phasedb down",
        "or restore the text with which it started, and continue: phasedb up",
      ])
  }

  /// The error of a command that needs a database without a half-done phase.
  func inProgress(_ what: Prose) -> MigrationError {
    let (on, back) = direction == .up ? ("up", "down") : ("down", "up")
    return MigrationError(
      .phaseInProgress, "\(what) while \(id) is half done on its way \(direction.rawValue)",
      state: "nothing was changed",
      help: ["finish it: phasedb \(on)", "or undo it: phasedb \(back)"])
  }
}
