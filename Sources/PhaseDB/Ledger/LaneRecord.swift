internal import PhaseSQLite

/// The ledger's record of a lane: a row of `phasedb_lane`.
package struct LaneRecord: Sendable, Hashable {
  package enum State: String, Sendable, Hashable, CaseIterable {
    /// It is about to be held, and jobs may still be in flight.
    case holding
    /// It is held: no new work starts.
    case held
    /// It is not held.
    case open
  }

  /// The name in the settings.
  package let name: String
  package internal(set) var state: State
  /// When it entered this state.
  package internal(set) var since: Timestamp
  /// When it opens automatically, if a trigger holds it. A run renews this moment.
  package internal(set) var until: Timestamp
  /// The phase that needs it; empty when no phase does.
  package internal(set) var phase: String
  /// The watch that it stays held for; nil when there is none.
  package internal(set) var watch: Int64?
  /// Why an operator holds it; empty when no operator does.
  package internal(set) var reason: String
  /// Until when an operator holds it.
  package internal(set) var byHand: Timestamp?
  /// The file of the queue; empty for this database.
  package let file: String
  package internal(set) var holder: Runner

  /// Whether an operator holds it at a moment.
  func isHeldByHand(at now: Timestamp) -> Bool { byHand.map { $0 > now } ?? false }

  /// Whether it is held for a run of another process that may still be alive.
  func isOfAnotherRun(than runner: Runner) -> Bool {
    state != .open && !phase.isEmpty && holder != runner && !holder.isProvablyDead(seenFrom: runner)
  }

  /// The record of a lane that is not held yet.
  static func new(_ name: String, _ lane: Lane, _ runner: Runner) -> LaneRecord {
    LaneRecord(
      name: name, state: .open, since: Timestamp(text: ""), until: Timestamp(text: ""), phase: "", watch: nil,
      reason: "", byHand: nil, file: lane.file ?? "", holder: runner)
  }
}

/// The lanes of a ledger: the table `phasedb_lane`.
struct LaneRecords: LedgerTable {
  let ledger: Ledger

  /// Every lane that was ever held, by name; empty in a ledger of an older format.
  func all() throws(SQLiteError) -> [LaneRecord] {
    guard format >= 5 else { return [] }
    var rows = try connection.prepare(
      """
      SELECT name, state, since, until, phase, watch, reason, by_hand, file, who, host, process, boot_id,
        process_space, process_start
      FROM phasedb_lane ORDER BY name
      """)
    var lanes: [LaneRecord] = []
    while try rows.step() {
      lanes.append(
        LaneRecord(
          name: rows.text(at: 0), state: LaneRecord.State(rawValue: rows.text(at: 1)) ?? .held,
          since: Timestamp(text: rows.text(at: 2)), until: Timestamp(text: rows.text(at: 3)),
          phase: rows.text(at: 4), watch: rows.isNull(at: 5) ? nil : rows.integer(at: 5),
          reason: rows.text(at: 6), byHand: rows.isNull(at: 7) ? nil : Timestamp(text: rows.text(at: 7)),
          file: rows.text(at: 8),
          holder: Runner(
            user: rows.text(at: 9), host: rows.text(at: 10), processID: Int32(clamping: rows.integer(at: 11)),
            bootID: rows.text(at: 12), processSpace: rows.text(at: 13), processStart: rows.text(at: 14))))
    }
    return lanes
  }

  /// The row of a lane; nil when it was never held.
  func named(_ name: String) throws(SQLiteError) -> LaneRecord? { try all().first { $0.name == name } }

  /// Records the state of a lane. Call it inside a transaction.
  func record(_ lane: LaneRecord) throws(SQLiteError) {
    try connection.execute(
      """
      INSERT OR REPLACE INTO phasedb_lane VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
      """, .text(lane.name), .text(lane.state.rawValue), .text(lane.since.text), .text(lane.until.text),
      .text(lane.phase), lane.watch.map { .integer($0) } ?? .null, .text(lane.reason),
      lane.byHand.map { .text($0.text) } ?? .null, .text(lane.file), .text(lane.holder.user),
      .text(lane.holder.host), .integer(Int64(lane.holder.processID)), .text(lane.holder.bootID),
      .text(lane.holder.processSpace), .text(lane.holder.processStart))
  }
}
