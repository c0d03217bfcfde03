internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The result of trying the way back of an applied phase at a later time: a row of `phasedb_way_down`.
struct WayDownRecord: Sendable {
  enum Means: String, Sendable {
    /// On a database without rows.
    case scratch
    /// On a copy of the database, with its rows.
    case rehearsal
  }

  /// The sequence of the phase.
  let sequence: Int64
  let means: Means
  /// The schema from which it was tried.
  let schema: String
  let at: Timestamp
  let verdict: String
  /// The result as JSON.
  let report: String
}

/// The results of ways down that were tried later, and how long ways down took: the table `phasedb_way_down`.
struct WayDownRecords: LedgerTable {
  let ledger: Ledger

  /// The result for every applied phase, by its sequence; empty in a ledger of an older format.
  func all(_ means: WayDownRecord.Means) throws(SQLiteError) -> [Int64: WayDownRecord] {
    guard format >= 3 else { return [:] }
    var rows = try connection.prepare(
      "SELECT sequence, schema, at, verdict, report FROM phasedb_way_down WHERE means = ?1")
    try rows.bind([.text(means.rawValue)])
    var records: [Int64: WayDownRecord] = [:]
    while try rows.step() {
      let sequence = rows.integer(at: 0)
      records[sequence] = WayDownRecord(
        sequence: sequence, means: means, schema: rows.text(at: 1), at: Timestamp(text: rows.text(at: 2)),
        verdict: rows.text(at: 3), report: rows.text(at: 4))
    }
    return records
  }

  /// Records a result, in place of an earlier one. Call it inside a transaction.
  func record(_ record: WayDownRecord) throws(SQLiteError) {
    try connection.execute(
      "INSERT OR REPLACE INTO phasedb_way_down VALUES (?1, ?2, ?3, ?4, ?5, ?6)", .integer(record.sequence),
      .text(record.means.rawValue), .text(record.schema), .text(record.at.text), .text(record.verdict),
      .text(record.report))
  }

  /// How long phases took when they last came down, in milliseconds, by phase and text.
  func lastTimes() throws(SQLiteError) -> [PhaseText: Double] {
    var rows = try connection.prepare("SELECT subject, detail FROM phasedb_log WHERE action = ?1 ORDER BY id")
    try rows.bind([.text(LogEntry.Action.down.rawValue)])
    var times: [PhaseText: Double] = [:]
    while try rows.step() {
      // An earlier version wrote no time.
      let words = rows.text(at: 1).split(separator: " ")
      guard words.count > 2, words.last == "ms", let time = Double(words[words.count - 2]) else { continue }
      let hash = words[1].prefix { $0 != "," }
      times[PhaseText(phase: rows.text(at: 0), hash: String(hash))] = time
    }
    return times
  }

  /// A phase by its name and the hash of its text.
  struct PhaseText: Hashable {
    let phase: String
    let hash: String
  }
}

/// The content of the column `report`.
enum WayDownJSON {
  static func text(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  static func read<Decoded: Decodable>(_: Decoded.Type, from text: String) -> Decoded? {
    try? JSONDecoder().decode(Decoded.self, from: Data(text.utf8))
  }
}
