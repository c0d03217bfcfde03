internal import PhaseSQLite

extension Ledger {
  /// Everything that rehearsals showed, oldest first. A row that cannot be read proves nothing, and is left out.
  func evidence() throws(SQLiteError) -> [Evidence] {
    guard format >= 2 else { return [] }
    var rows = try connection.prepare(
      """
      SELECT phase, token_hash, schema_before, schema_after, verdict, at, who, host, phasedb, sqlite,
        up_ms, down_ms, hold_ms, rows_up, rows_down, archive_bytes, log_bytes, report
      FROM phasedb_evidence ORDER BY id
      """)
    var all: [Evidence] = []
    while try rows.step() {
      guard let phase = try? PhaseID(rows.text(at: 0)), let before = SchemaDigest(rows.text(at: 2)),
        let verdict = Evidence.Verdict(rawValue: rows.text(at: 4))
      else { continue }
      let times = RehearsedTimes((10...16).map { rows.value(at: $0) })
      all.append(
        Evidence(
          phase: phase, tokenHash: rows.text(at: 1), verdict: verdict, at: Timestamp(text: rows.text(at: 5)),
          who: rows.text(at: 6), host: rows.text(at: 7), phasedb: rows.text(at: 8), sqlite: rows.text(at: 9),
          times: times, tableText: rows.text(at: 17), schemaBefore: before,
          schemaAfter: rows.optionalText(at: 3).flatMap(SchemaDigest.init)))
    }
    return all
  }

  /// Records evidence in the place of what it supersedes: that of other texts of its phase, and that of the same text on
  /// the same schema, unless that says that rows did not come back, and this does not. Belongs into a transaction.
  func record(_ evidence: Evidence, by runner: Runner, at time: Timestamp) throws(SQLiteError) {
    try connection.execute(
      """
      DELETE FROM phasedb_evidence WHERE phase = ?1
      AND (token_hash <> ?2 OR schema_before = ?3 AND (verdict <> ?4 OR ?5 = ?4))
      """,
      .text(evidence.phase.description), .text(evidence.tokenHash), .text(evidence.schemaBefore.text),
      .text(Evidence.Verdict.lossy.rawValue), .text(evidence.verdict.rawValue))
    let times = evidence.times
    try connection.execute(
      """
      INSERT INTO phasedb_evidence (phase, token_hash, schema_before, schema_after, verdict, at, who, host, phasedb,
        sqlite, up_ms, down_ms, hold_ms, rows_up, rows_down, archive_bytes, log_bytes, report)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
      """,
      .text(evidence.phase.description), .text(evidence.tokenHash), .text(evidence.schemaBefore.text),
      Value(evidence.schemaAfter?.text), .text(evidence.verdict.rawValue), .text(evidence.at.text),
      .text(evidence.who), .text(evidence.host), .text(evidence.phasedb), .text(evidence.sqlite),
      times.up.map(Value.real) ?? .null, times.down.map(Value.real) ?? .null,
      times.hold.map(Value.real) ?? .null,
      Value(times.rowsUp), Value(times.rowsDown), times.archiveBytes.map { Value($0) } ?? .null,
      times.logBytes.map { Value($0) } ?? .null, .text(evidence.tableText))
    try log(
      .rehearse, subject: evidence.phase.description,
      detail:
        "\(evidence.verdict.rawValue), phase \(evidence.tokenHash), schema \(evidence.schemaBefore.text)",
      by: runner, at: time)
  }
}

extension RehearsedTimes {
  /// - Parameter values: of the columns up_ms to log_bytes.
  fileprivate init(_ values: [Value]) {
    let milliseconds = values.map { if case .real(let value) = $0 { value } else { Double?.none } }
    let counts = values.map { $0.integer.map { Int($0) } }
    self.init(
      up: milliseconds[0], down: milliseconds[1], hold: milliseconds[2], rowsUp: counts[3] ?? 0,
      rowsDown: counts[4] ?? 0, archiveBytes: counts[5], logBytes: counts[6])
  }
}
