internal import PhaseSQLite

/// The point from which one line of `@effects` counts: a row of `phasedb_effect`.
struct EffectMark: Sendable {
  /// The number of the line in the text of the phase, from 0.
  let number: Int
  /// When the phase began to go up.
  let at: Timestamp
  /// The greatest value of the column then; NULL when there was none.
  let mark: Value
  /// How many rows did not meet the condition then; nil when they cannot be followed.
  let open: Int?
}

/// The points from which effects count: the tables `phasedb_effect` and `phasedb_effect_open`.
struct EffectMarks: LedgerTable {
  let ledger: Ledger

  /// The marks of a phase that is applied or half done, by their numbers; none in a ledger of an older format.
  func marks(of phase: PhaseID) throws(SQLiteError) -> [Int: EffectMark] {
    guard format >= 5 else { return [:] }
    var rows = try connection.prepare("SELECT number, at, mark, open FROM phasedb_effect WHERE phase = ?1")
    try rows.bind([.text(phase.description)])
    var marks: [Int: EffectMark] = [:]
    while try rows.step() {
      let number = Int(rows.integer(at: 0))
      marks[number] = EffectMark(
        number: number, at: Timestamp(text: rows.text(at: 1)), mark: rows.value(at: 2),
        open: rows.isNull(at: 3) ? nil : Int(rows.integer(at: 3)))
    }
    return marks
  }

  /// The values of the column of rows that did not meet the condition when the phase went up.
  func openRows(_ number: Int, of phase: PhaseID) throws(SQLiteError) -> [Value] {
    try connection.rows(
      "SELECT key FROM phasedb_effect_open WHERE phase = ?1 AND number = ?2 ORDER BY key",
      .text(phase.description), .integer(Int64(number))
    ).map { $0[0] }
  }

  /// Records a mark. Call it inside the transaction in which the phase begins to go up.
  ///
  /// - Parameter open: the rows that do not meet the condition; nil when they cannot be followed.
  func record(_ mark: EffectMark, of phase: PhaseID, open: [Value]?) throws(SQLiteError) {
    let (phase, number) = (Value.text(phase.description), Value.integer(Int64(mark.number)))
    try connection.execute(
      "INSERT INTO phasedb_effect VALUES (?1, ?2, ?3, ?4, ?5)", phase, number, .text(mark.at.text), mark.mark,
      open.map { Value($0.count) } ?? .null)
    guard let open, !open.isEmpty else { return }
    var insert = try connection.prepare("INSERT OR IGNORE INTO phasedb_effect_open VALUES (?1, ?2, ?3)")
    for key in open {
      try insert.run([phase, number, key])
    }
  }

  /// Forgets the marks of a phase that came down, or never went up. Call it inside that transaction.
  func forget(of phase: PhaseID) throws(SQLiteError) {
    guard format >= 5 else { return }
    for table in ["phasedb_effect", "phasedb_effect_open"] {
      try connection.execute("DELETE FROM \(table) WHERE phase = ?1", .text(phase.description))
    }
  }

  /// The last row of the log about the effects of a phase; nil when there is none.
  func lastEntry(of phase: PhaseID) throws(SQLiteError) -> LogEntry? {
    let id = try connection.value(
      "SELECT max(id) FROM phasedb_log WHERE action = ?1 AND subject = ?2",
      .text(LogEntry.Action.effects.rawValue), .text(phase.description))?.integer
    return try id.flatMap { id throws(SQLiteError) in try ledger.entry(id) }
  }
}
