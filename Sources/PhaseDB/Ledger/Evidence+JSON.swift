#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Evidence as JSON: what a file of evidence holds, and of which the ledger keeps the part that nobody searches.
enum EvidenceJSON {
  /// Goes up when a key changes its meaning.
  static let version = 1

  struct Report: Codable {
    let upMilliseconds: Double?
    let downMilliseconds: Double?
    let holdMilliseconds: Double?
    let rowsUp: Int
    let rowsDown: Int
    let archiveBytes: Int?
    let logBytes: Int?
    let tables: [Table]

    struct Table: Codable {
      let table: String
      let rows: Int
      let differing: Int
      let declared: Int
    }
  }

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
    let report: Report
  }

  struct File: Codable {
    let version: Int
    let evidence: [Item]
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

extension EvidenceJSON.Report {
  init(_ evidence: Evidence) {
    let times = evidence.times
    self.init(
      upMilliseconds: times.up, downMilliseconds: times.down, holdMilliseconds: times.hold,
      rowsUp: times.rowsUp,
      rowsDown: times.rowsDown, archiveBytes: times.archiveBytes, logBytes: times.logBytes,
      tables: evidence.tables.map {
        Table(table: $0.table, rows: $0.rows, differing: $0.differing, declared: $0.declared)
      })
  }

  var times: RehearsedTimes {
    RehearsedTimes(
      up: upMilliseconds, down: downMilliseconds, hold: holdMilliseconds, rowsUp: rowsUp, rowsDown: rowsDown,
      archiveBytes: archiveBytes, logBytes: logBytes)
  }

  var rehearsedTables: [RehearsedTable] {
    tables.map {
      RehearsedTable(table: $0.table, rows: $0.rows, differing: $0.differing, declared: $0.declared)
    }
  }
}

extension EvidenceJSON.Item {
  init(_ evidence: Evidence) {
    self.init(
      phase: evidence.phase.description, tokenHash: evidence.tokenHash,
      schemaBefore: evidence.schemaBefore.text,
      schemaAfter: evidence.schemaAfter?.text, verdict: evidence.verdict.rawValue, at: evidence.at.text,
      who: evidence.who, host: evidence.host, phasedb: evidence.phasedb, sqlite: evidence.sqlite,
      report: EvidenceJSON.Report(evidence))
  }

  /// nil when a text is not what it must be.
  var evidence: Evidence? {
    guard let phase = try? PhaseID(phase), let before = SchemaDigest(schemaBefore),
      let verdict = Evidence.Verdict(rawValue: verdict)
    else { return nil }
    let after = schemaAfter.flatMap(SchemaDigest.init)
    guard (after == nil) == (schemaAfter == nil) else { return nil }
    return Evidence(
      phase: phase, tokenHash: tokenHash, verdict: verdict, at: Timestamp(text: at), who: who, host: host,
      phasedb: phasedb, sqlite: sqlite, times: report.times, tables: report.rehearsedTables,
      schemaBefore: before,
      schemaAfter: after)
  }
}
