internal import PhaseSQLite

extension Ledger {
  /// Everything that rehearsals showed, oldest first.
  func evidence() throws(SQLiteError) -> [Evidence] {
    guard format >= 2 else { return [] }
    var rows = try connection.prepare(
      """
      SELECT phase, token_hash, schema_before, schema_after, verdict, at, who, host, phasedb, sqlite, report
      FROM phasedb_evidence ORDER BY id
      """)
    var all: [Evidence] = []
    while try rows.step() {
      // A row that cannot be read proves nothing.
      guard let report = EvidenceJSON.read(EvidenceJSON.Report.self, from: rows.text(at: 10)) else {
        continue
      }
      let item = EvidenceJSON.Item(
        phase: rows.text(at: 0), tokenHash: rows.text(at: 1), schemaBefore: rows.text(at: 2),
        schemaAfter: rows.optionalText(at: 3), verdict: rows.text(at: 4), at: rows.text(at: 5),
        who: rows.text(at: 6), host: rows.text(at: 7), phasedb: rows.text(at: 8), sqlite: rows.text(at: 9),
        report: report)
      if let evidence = item.evidence { all.append(evidence) }
    }
    return all
  }

  /// Records evidence in the place of what it supersedes: that of other texts of its phase, and that of the same text on
  /// the same schema. Belongs into a transaction.
  func record(_ evidence: Evidence, by runner: Runner, at time: Timestamp) throws {
    let report = try EvidenceJSON.text(EvidenceJSON.Report(evidence))
    try connection.execute(
      "DELETE FROM phasedb_evidence WHERE phase = ?1 AND (token_hash <> ?2 OR schema_before = ?3)",
      .text(evidence.phase.description), .text(evidence.tokenHash), .text(evidence.schemaBefore.text))
    try connection.execute(
      """
      INSERT INTO phasedb_evidence (phase, token_hash, schema_before, schema_after, verdict, at, who, host, phasedb,
        sqlite, report) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
      """,
      .text(evidence.phase.description), .text(evidence.tokenHash), .text(evidence.schemaBefore.text),
      Value(evidence.schemaAfter?.text), .text(evidence.verdict.rawValue), .text(evidence.at.text),
      .text(evidence.who), .text(evidence.host), .text(evidence.phasedb), .text(evidence.sqlite),
      .text(report))
    try log(
      .rehearse, subject: evidence.phase.description,
      detail:
        "\(evidence.verdict.rawValue), phase \(evidence.tokenHash), schema \(evidence.schemaBefore.text)",
      by: runner, at: time)
  }
}
