#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Evidence as JSON: what a file of evidence holds, and of which the ledger keeps the part that nobody searches.
enum EvidenceJSON {
  /// Goes up when a key changes its meaning.
  static let version = 1

  struct Table: Codable {
    let table: String
    let rows: Int
    let differing: Int
    let declared: Int
  }

  struct Times: Codable {
    let upMilliseconds: Double?
    let downMilliseconds: Double?
    let holdMilliseconds: Double?
    let rowsUp: Int
    let rowsDown: Int
    let archiveBytes: Int?
    let logBytes: Int?
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
    let times: Times
    let tables: [Table]
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

extension EvidenceJSON {
  /// Tables as the ledger keeps them.
  static func text(_ tables: [RehearsedTable]) throws -> String {
    try text(
      tables.map {
        Table(table: $0.table, rows: $0.rows, differing: $0.differing, declared: $0.declared)
      })
  }

  static func tables(_ text: String) -> [RehearsedTable] {
    (read([Table].self, from: text) ?? []).map {
      RehearsedTable(table: $0.table, rows: $0.rows, differing: $0.differing, declared: $0.declared)
    }
  }
}

extension RehearsedTimes {
  fileprivate init(_ times: EvidenceJSON.Times) {
    self.init(
      up: times.upMilliseconds, down: times.downMilliseconds, hold: times.holdMilliseconds,
      rowsUp: times.rowsUp,
      rowsDown: times.rowsDown, archiveBytes: times.archiveBytes, logBytes: times.logBytes)
  }

  fileprivate var json: EvidenceJSON.Times {
    EvidenceJSON.Times(
      upMilliseconds: up, downMilliseconds: down, holdMilliseconds: hold, rowsUp: rowsUp, rowsDown: rowsDown,
      archiveBytes: archiveBytes, logBytes: logBytes)
  }
}

extension EvidenceJSON.Item {
  init(_ evidence: Evidence) {
    self.init(
      phase: evidence.phase.description, tokenHash: evidence.tokenHash,
      schemaBefore: evidence.schemaBefore.text,
      schemaAfter: evidence.schemaAfter?.text, verdict: evidence.verdict.rawValue, at: evidence.at.text,
      who: evidence.who, host: evidence.host, phasedb: evidence.phasedb, sqlite: evidence.sqlite,
      times: evidence.times.json,
      tables: evidence.tables.map {
        EvidenceJSON.Table(table: $0.table, rows: $0.rows, differing: $0.differing, declared: $0.declared)
      })
  }

  /// nil when a text is not what it must be.
  var evidence: Evidence? {
    guard let phase = try? PhaseID(phase), let before = SchemaDigest(schemaBefore),
      let verdict = Evidence.Verdict(rawValue: verdict)
    else { return nil }
    let after = schemaAfter.flatMap(SchemaDigest.init)
    guard (after == nil) == (schemaAfter == nil), let text = try? EvidenceJSON.text(tables) else {
      return nil
    }
    return Evidence(
      phase: phase, tokenHash: tokenHash, verdict: verdict, at: Timestamp(text: at), who: who, host: host,
      phasedb: phasedb, sqlite: sqlite, times: RehearsedTimes(times), tableText: text, schemaBefore: before,
      schemaAfter: after)
  }
}
