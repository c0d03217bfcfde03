internal import PhaseSQL
internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The evidence of a rehearsal of one phase: whether it went up, down and up again on a copy of a database, and which
/// rows differed afterwards.
///
/// It is valid only for the tokens of the phase and the schema it was rehearsed on.
package struct Evidence: Sendable, Hashable {
  /// The verdict.
  package enum Verdict: String, Sendable, Hashable, CaseIterable {
    /// Schema and rows came back on the way down, and again on the second way up.
    case exact
    /// Only losses that `@loses` declares did not come back.
    case declared
    /// Rows did not come back that `@loses` does not declare.
    case lossy
    /// A direction did not run, or broke a claim.
    case failed

    /// Whether it opens the gate.
    package var isProof: Bool { self == .exact || self == .declared }
  }

  /// The phase that was rehearsed.
  package let phase: PhaseID
  /// The identity of the phase's text.
  package let tokenHash: String
  /// The verdict of the rehearsal.
  package let verdict: Verdict
  package let at: Timestamp
  /// The user who rehearsed it.
  package let who: String
  /// The machine on which it was rehearsed.
  package let host: String
  /// The version of phasedb that rehearsed it.
  package let phasedb: String
  /// The version of SQLite that ran it.
  package let sqlite: String
  package let times: RehearsedTimes
  /// The tables it was rehearsed on.
  package var tables: [RehearsedTable] { details.tables }
  /// The details. They are parsed only when needed, because that takes time for hundreds of phases.
  package var details: RehearsedDetails { RehearsedDetails(detailText) }
  /// The details as JSON, as the ledger has them.
  let detailText: String
  /// The schema on which it was rehearsed, and the one to which it led; nil when it failed.
  let schemaBefore: SchemaDigest
  let schemaAfter: SchemaDigest?

  /// `exact, up 73 ms, down 28 ms`.
  package var summary: String {
    let times = [("up", times.up), ("down", times.down)].compactMap { name, time in
      time.map { "\(name) \(TimeText.text(.milliseconds($0)))" }
    }
    return ([verdict.rawValue] + times).joined(separator: ", ")
  }

  /// Why it is not a proof that its phase comes back, and a remedy; nil when it is a proof.
  func objection(to id: PhaseID) -> (reason: Prose, opening: Prose)? {
    switch verdict {
    case .exact, .declared: return nil
    case .lossy:
      let rows = tables.reduce(0) { $0 + $1.differing - $1.declared }
      return (
        "in the rehearsal of \(at) \(DetailLines.rows(rows)) did not come back",
        "correct its down, or declare what it loses: -- @loses TABLE.COLUMN: WHY"
      )
    case .failed:
      return (
        "the rehearsal of \(at) failed",
        "correct it, then see what fails: phasedb rehearse \(id.short)"
      )
    }
  }
}

/// The measurements of a rehearsal, in milliseconds and bytes; nil for parts that did not run.
package struct RehearsedTimes: Sendable, Hashable, Codable {
  /// The slower of the two ways up.
  package var up: Double?
  package var down: Double?
  /// The longest time the write lock was held.
  package var hold: Double?
  /// Rows that the SQL of the way up, and of the way down, changed.
  package var rowsUp = 0
  package var rowsDown = 0
  /// The size of the phase's archive; nil when this SQLite cannot tell.
  package var archiveBytes: Int?
  /// How much the way up wrote to the write-ahead log.
  package var logBytes: Int?

  private enum CodingKeys: String, CodingKey {
    case up = "upMilliseconds"
    case down = "downMilliseconds"
    case hold = "holdMilliseconds"
    case rowsUp, rowsDown, archiveBytes, logBytes
  }
}

/// A table of a rehearsal: how many rows it had, and how many of them differed.
package struct RehearsedTable: Sendable, Hashable, Codable {
  package let table: String
  package let rows: Int
  package let differing: Int
  /// How many of the differing rows differ only where a loss is declared.
  package let declared: Int
}

/// The details of a rehearsal: tables, and probes.
package struct RehearsedDetails: Sendable, Hashable, Codable {
  package var tables: [RehearsedTable]
  /// Tables that the phase touches and that had no rows. Nothing is proved for them.
  package var emptyTables: [String] = []
  /// The titles of the probes that failed when their data was broken on purpose.
  package var redProbes: [String] = []

  /// Earlier versions wrote only the tables.
  fileprivate init(_ text: String) {
    self =
      EvidenceJSON.read(RehearsedDetails.self, from: text)
      ?? RehearsedDetails(tables: EvidenceJSON.read([RehearsedTable].self, from: text) ?? [])
  }

  package init(tables: [RehearsedTable], emptyTables: [String] = [], redProbes: [String] = []) {
    (self.tables, self.emptyTables, self.redProbes) = (tables, emptyTables, redProbes)
  }

  var text: String { (try? EvidenceJSON.text(self)) ?? "[]" }
}

/// The evidence of a ledger: the table `phasedb_evidence`.
struct EvidenceRecords: LedgerTable {
  let ledger: Ledger

  /// All evidence, oldest first. An unreadable row proves nothing and is left out.
  func all() throws(SQLiteError) -> [Evidence] {
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
          times: times, detailText: rows.text(at: 17), schemaBefore: before,
          schemaAfter: rows.optionalText(at: 3).flatMap(SchemaDigest.init)))
    }
    return all
  }

  /// Records evidence and removes what it replaces: evidence of other texts of the phase, and of the same text on the
  /// same schema. Evidence of a loss is kept if the new evidence does not show one. Call it inside a transaction.
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
      times.logBytes.map { Value($0) } ?? .null, .text(evidence.detailText))
    try ledger.log(
      .rehearse, subject: evidence.phase.description,
      detail:
        "\(evidence.verdict.rawValue), phase \(evidence.tokenHash), schema \(evidence.schemaBefore.text)",
      by: runner, at: time)
  }
}

extension RehearsedTimes {
  /// - Parameter values: of the columns up_ms to log_bytes.
  fileprivate init(_ values: [Value]) {
    let milliseconds = values.map(\.number)
    let counts = values.map { $0.integer.map { Int($0) } }
    self.init(
      up: milliseconds[0], down: milliseconds[1], hold: milliseconds[2], rowsUp: counts[3] ?? 0,
      rowsDown: counts[4] ?? 0, archiveBytes: counts[5], logBytes: counts[6])
  }
}

/// Evidence as JSON: the content of an evidence file; the ledger keeps the part of it that no query needs.
enum EvidenceJSON {
  /// Increases when a key changes its meaning.
  static let version = 1

  struct Item: Codable {
    let phase: String
    let tokenHash: String
    let schemaBefore: String
    let schemaAfter: String?
    let verdict: String
    let at: String
    let who: String
    let host: String
    let phasedb: String
    let sqlite: String
    let times: RehearsedTimes
    let tables: [RehearsedTable]
    /// Earlier versions did not write the next two.
    let emptyTables: [String]?
    let redProbes: [String]?
  }

  struct File: Codable {
    let version: Int
    var evidence: [Item]
    /// The evidence of compat; earlier versions did not write it.
    var compat: [CompatEvidence]?
  }

  static func text(_ value: some Encodable, pretty: Bool = false) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  static func read<Decoded: Decodable>(_: Decoded.Type, from text: String) -> Decoded? {
    try? JSONDecoder().decode(Decoded.self, from: Data(text.utf8))
  }
}

extension EvidenceJSON.Item {
  init(_ evidence: Evidence) {
    self.init(
      phase: evidence.phase.description, tokenHash: evidence.tokenHash,
      schemaBefore: evidence.schemaBefore.text,
      schemaAfter: evidence.schemaAfter?.text, verdict: evidence.verdict.rawValue, at: evidence.at.text,
      who: evidence.who, host: evidence.host, phasedb: evidence.phasedb, sqlite: evidence.sqlite,
      times: evidence.times, tables: evidence.details.tables, emptyTables: evidence.details.emptyTables,
      redProbes: evidence.details.redProbes)
  }

  /// nil when a text in it is invalid.
  var evidence: Evidence? {
    guard let phase = try? PhaseID(phase), let before = SchemaDigest(schemaBefore),
      let verdict = Evidence.Verdict(rawValue: verdict)
    else { return nil }
    let after = schemaAfter.flatMap(SchemaDigest.init)
    guard (after == nil) == (schemaAfter == nil) else { return nil }
    let details = RehearsedDetails(
      tables: tables, emptyTables: emptyTables ?? [], redProbes: redProbes ?? [])
    return Evidence(
      phase: phase, tokenHash: tokenHash, verdict: verdict, at: Timestamp(text: at), who: who, host: host,
      phasedb: phasedb, sqlite: sqlite, times: times, detailText: details.text, schemaBefore: before,
      schemaAfter: after)
  }
}

/// The evidence of compat for one version of an application: whether it works on every state on which it may be live.
///
/// It is valid only for the phases, the queries and the schemas that it was made with.
package struct CompatEvidence: Sendable, Hashable, Codable {
  package enum Means: String, Sendable, Hashable, Codable {
    /// The queries in `apps` were run.
    case queries
    /// The application's own tests were run. They show more.
    case tests
  }

  /// A phase with its text.
  package struct Text: Sendable, Hashable, Codable {
    package let phase: String
    package let tokenHash: String

    package init(_ id: PhaseID, _ tokenHash: String) { (phase, self.tokenHash) = (id.description, tokenHash) }
  }

  /// A state on which it was run.
  package struct State: Sendable, Hashable, Codable {
    /// For each phase of ``CompatEvidence/phases``, whether it was applied: `1101`.
    package let applied: String
    package let schema: String
    /// How many rows there were.
    package let rows: Int
    package let works: Bool

    package init(applied: String, schema: SchemaDigest, rows: Int, works: Bool) {
      (self.applied, self.schema, self.rows, self.works) = (applied, schema.text, rows, works)
    }
  }

  package let application: String
  package let version: String
  package let means: Means
  /// SHA-256 of the file with its queries; empty for its own tests.
  package let queries: String
  /// Every phase of the folder at that time.
  package let phases: [Text]
  package let states: [State]
  package let at: String
  package let who: String
  package let host: String
  package let phasedb: String
  package let sqlite: String

  package init(
    _ application: String, _ version: Version, _ means: Means, queries: String, phases: [Text],
    states: [State],
    by runner: Runner, at time: Timestamp
  ) {
    (self.application, self.version) = (application, version.description)
    (self.means, self.queries) = (means, queries)
    (self.phases, self.states, at) = (phases, states, time.text)
    (who, host) = (runner.user, runner.host)
    (phasedb, sqlite) = (PhaseDBVersion.current, SQLiteVersion.running.description)
  }
}
