internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A lane as it stands now.
package struct LaneStanding: Sendable {
  /// The name in the settings.
  package let name: String
  /// The ledger's record of it; nil when it was never held.
  package let record: LaneRecord?
  /// Whether the process that held it has ended, so that the next command releases it.
  package let isAbandoned: Bool
  /// When it opens automatically; nil when it is open, or when only a command opens it.
  package let opens: Timestamp?
  /// The jobs in flight; nil where they cannot be counted.
  package var busy: LaneCount?
  /// The jobs that wait; nil where they cannot be counted.
  package var waiting: LaneCount?
  /// Why its jobs cannot be counted, or it cannot be held; nil when both work.
  package var trouble: Prose?
  /// Whether it is held now, by its trigger. The ledger decides where there is no trigger to look at.
  package var state = LaneRecord.State.open
  /// Whether an operator held it by hand, and that time is over.
  package var isOver = false

  /// Whether it is open although the ledger says that it must be held.
  package var isUnheld: Bool { state == .open && record.map { $0.state != .open } == true && !isOver }
}

/// Shows lanes, and holds and releases them outside a run.
struct LaneWork: MigratorWork {
  let migrator: Migrator

  /// The lanes of this environment. If the file of a lane is the database itself, the lane needs no second
  /// connection, and is treated like lanes without a file.
  var all: [String: Lane] {
    guard !connection.path.isEmpty else { return options.lanes }
    return options.lanes.mapValues { lane in
      guard let file = lane.file, (try? FileReading.absolute(file)) == connection.path else { return lane }
      return Lane(hold: lane.hold, busy: lane.busy, waiting: lane.waiting, pause: lane.pause, file: nil)
    }
  }

  private func access(_ name: String, _ lane: Lane, isByHand: Bool = false) -> LaneAccess {
    LaneAccess(
      name, lane, main: connection, wait: options.wait, isByHand: isByHand, options.cancellation)
  }

  /// A lane from the ledger. So it can be released even when the settings no longer name it.
  private func access(_ row: LaneRecord) throws(MigrationError) -> LaneAccess {
    if let lane = all[row.name], !lane.isTrigger || lane.file ?? "" == row.file {
      return access(row.name, lane)
    }
    return access(
      row.name,
      try Lane(claim: "DELETE ON lane", busy: nil, file: row.file.isEmpty ? nil : row.file))
  }

  // MARK: Looking

  func standings() throws(MigrationError) -> [LaneStanding] {
    let knowledge = try Knowledge(of: connection)
    let known = try standings(knowledge.ledger)
    var standings: [LaneStanding] = []
    for name in Set(all.keys).union(known.map(\.name)).sorted() {
      var standing =
        known.first { $0.name == name }
        ?? LaneStanding(name: name, record: nil, isAbandoned: false, opens: nil)
      if let lane = all[name] {
        let access = access(name, lane)
        do throws(MigrationError) {
          standing.busy = try access.look(lane.busy)
          standing.waiting = try access.look(lane.waiting)
          try access.refuseUnfit(knowledge.schema)
        } catch {
          if error.id == .interrupted { throw error }
          standing.trouble = error.message
        }
      } else {
        standing.trouble = "phasedb.json does not name it"
      }
      standings.append(standing)
    }
    return standings
  }

  /// The lanes that the ledger knows.
  func standings(_ ledger: Ledger?) throws(MigrationError) -> [LaneStanding] {
    let rows = try lifting("reading the ledger") { () in try ledger?.lanes.all() ?? [] }
    guard !rows.isEmpty else { return [] }
    let watches = try ledger?.watches.all() ?? []
    return try rows.map { row throws(MigrationError) in
      let isAbandoned = isAbandoned(row, watches)
      let (state, opens) = try holding(row, isAbandoned: isAbandoned)
      var standing = LaneStanding(name: row.name, record: row, isAbandoned: isAbandoned, opens: opens)
      standing.state = state
      standing.isOver =
        isAbandoned && row.byHand != nil && row.phase.isEmpty
        && !watches.contains { $0.id == row.watch }
      return standing
    }
  }

  /// The state of a lane, and when it opens automatically. Only triggers can be looked at.
  private func holding(
    _ row: LaneRecord, isAbandoned: Bool
  ) throws(MigrationError) -> (LaneRecord.State, Timestamp?) {
    guard row.state != .open else { return (.open, nil) }
    let moment: Int64?
    do throws(MigrationError) {
      let access = try access(row)
      guard access.isTrigger else { return (row.state, nil) }
      moment = try access.moment()
    } catch {
      // If the file of the queue cannot be opened, the state is unknown.
      guard !row.file.isEmpty, error.id != .interrupted else { throw error }
      return (row.state, row.until)
    }
    if let moment, moment > LaneAccess.now { return (row.state, LaneAccess.timestamp(moment)) }
    // There is no trigger before a run holds the lane. And a lane that the settings do not name may have been held by
    // a command.
    let isToCome = row.state == .holding && !isAbandoned
    return (isToCome || moment == nil && all[row.name] == nil ? row.state : .open, nil)
  }

  /// Whether a lane is still held although nothing needs it any more.
  private func isAbandoned(_ row: LaneRecord, _ watches: [WatchRecord]) -> Bool {
    guard row.state != .open, !row.isHeldByHand(at: options.now()) else { return false }
    if watches.contains(where: { $0.id == row.watch && $0.keepsLanes }) { return false }
    // A run of this process has ended, so what it left held is no longer needed.
    return !row.isOfAnotherRun(than: options.runner)
  }

  // MARK: What a run does before and after

  /// Releases lanes that a run, a watch or an operator left held, and that are no longer needed.
  ///
  /// - Parameter observe: gets an event for each lane that was released, or could not be.
  func letGoOfAbandoned(_ observe: (Event) -> Void) {
    guard let present = try? Ledger.presence(in: connection), case .present(let format, _) = present,
      present.isReadable
    else { return }
    let ledger = Ledger(connection: connection, format: format)
    guard let rows = try? ledger.lanes.all(), rows.contains(where: { $0.state != .open }),
      let watches = try? ledger.watches.all()
    else { return }
    for row in rows where isAbandoned(row, watches) {
      var remedy: Prose?
      do throws(MigrationError) {
        let access = try access(row)
        remedy = access.remedy
        if try access.letGo(
          by: options.runner, at: options.now(),
          why: "\(row.holder.user)@\(row.holder.host), process \(row.holder.processID), left it", of: format,
          regardlessOfHolder: true) == true
        {
          observe(.laneOpened(row.name))
        }
      } catch {
        observe(.laneStuck(row.name, reason: error.message + (remedy.map { "; \($0)" } ?? "")))
      }
    }
  }

  /// Refuses lanes that a plan needs and that this environment does not have, or cannot hold. On the way down a lane
  /// without its table or column is skipped, and the plan gets a note.
  ///
  /// - Throws: `unknown-lane`, `lane-unfit`.
  func refuseUnknownLanes(of plan: inout Plan) throws(MigrationError) {
    guard !plan.isFresh, !plan.overridden.contains(.lane) else { return }
    for (index, step) in plan.steps.enumerated() {
      for use in step.phase.lanes {
        guard let lane = all[use.lane] else {
          throw HeldLanes.unknown(use, of: step, among: all.keys)
        }
        // An earlier step may make the table, so this cannot be checked yet.
        guard index == 0 || lane.file != nil else { continue }
        let access = access(use.lane, lane)
        if plan.direction == .down, let why = try access.absence(plan.schemaBefore) {
          plan.absentLanes[step.id, default: []].insert(use.lane)
          plan.notes.append(LaneAccess.absent(use.lane, step.id, why))
        } else {
          try access.refuseUnfit(plan.schemaBefore)
        }
      }
    }
  }

  // MARK: Through a watch

  /// Keeps the lanes of a watch held, or releases them when the watch has its verdict.
  func tend(of watch: Int64, _ observe: (WatchEvent) -> Void) throws(MigrationError) {
    let (rows, record, format) = try reading(connection) {
      () throws(MigrationError) -> ([LaneRecord], WatchRecord?, Int?) in
      let ledger = try Knowledge.glancing(at: connection).ledger
      let rows = try lifting("reading the ledger") { () in try ledger?.lanes.all() ?? [] }
      return (rows, try ledger?.watches.all().first { $0.id == watch }, ledger?.format)
    }
    for row in rows where row.watch == watch && row.state != .open {
      let access = try access(row)
      guard let record, record.keepsLanes else {
        if !row.isHeldByHand(at: options.now()) {
          let isOpen = try access.letGo(
            by: options.runner, at: options.now(),
            why: "the watch has its verdict", of: format, regardlessOfHolder: true)
          if isOpen == true { observe(.reversing(.laneOpened(row.name))) }
        }
        continue
      }
      let moment = LaneAccess.moment(after: record.watch.laneHorizon)
      if try !access.renew(until: moment) {
        // No process watched for so long that the lane opened automatically.
        _ = try access.hold(until: moment, ifNothingWaits: false)
      }
      try writing("recording a lane") { knowledge throws(MigrationError) in
        try lifting("writing the ledger") { () in
          guard let ledger = knowledge.ledger, var present = try ledger.lanes.named(row.name),
            present.watch == watch
          else { return }
          present.until = LaneAccess.timestamp(moment)
          try ledger.lanes.record(present)
        }
      }
    }
  }

  // MARK: By hand

  func hold(
    _ name: String, for time: Duration, reason: String
  ) throws(MigrationError) -> LaneStanding {
    guard let lane = all[name] else {
      let nearest: Prose? = Suggestion.nearest(to: name, in: all.keys.sorted()).map {
        "did you mean '\($0)'?"
      }
      throw MigrationError(
        .unknownLane, "there is no lane '\(name)' in phasedb.json", state: "nothing was changed",
        help: [nearest, "see the lanes: phasedb lane list"].compactMap(\.self))
    }
    let access = access(name, lane, isByHand: true)
    // If the lane cannot be held, nothing is recorded.
    if let why = try access.whyNoTrigger(Knowledge(of: connection).schema) { throw access.unfit("\(why)") }
    let moment = LaneAccess.moment(after: time)
    let isOfRun = try recordByHand(name) { ledger, row in
      var row = row ?? .new(name, lane, options.runner)
      let isOfRun = row.isOfAnotherRun(than: options.runner)
      row.byHand = LaneAccess.timestamp(moment)
      row.reason = reason
      if !isOfRun {
        row.state = .holding
        row.holder = options.runner
        row.since = options.now()
      }
      row.until = max(row.until, LaneAccess.timestamp(moment))
      try ledger.lanes.record(row)
      return isOfRun
    }
    // A run holds it already. It stays held when that run ends.
    if !isOfRun { _ = try access.hold(until: moment, ifNothingWaits: false) }
    _ = try recordByHand(name) { ledger, row in
      guard var row else { return false }
      if row.state == .holding, !isOfRun { row.state = .held }
      try ledger.lanes.record(row)
      try ledger.log(
        .lane, subject: name, detail: "held by hand until \(LaneAccess.timestamp(moment)): \(reason)",
        by: options.runner, at: options.now())
      return true
    }
    return try standings().first { $0.name == name }
      ?? LaneStanding(name: name, record: nil, isAbandoned: false, opens: nil)
  }

  private func recordByHand(
    _ name: String, _ change: (Ledger, LaneRecord?) throws -> Bool
  ) throws(MigrationError) -> Bool {
    try writing("recording the lane") { knowledge throws(MigrationError) in
      guard let old = knowledge.ledger else {
        throw MigrationError(
          .ledgerMissing, "\(database) has no ledger, so nothing could remember that lane \(name) is held",
          state: "nothing was changed", help: ["apply phases first: phasedb up"])
      }
      return try lifting("writing the ledger") { () in
        let ledger = try old.upgraded(by: options.runner, at: options.now())
        return try change(ledger, ledger.lanes.named(name))
      }
    }
  }

  func release(_ name: String, reason: String) throws(MigrationError) {
    let knowledge = try Knowledge(of: connection)
    try knowledge.refuseLedgerDrift()
    let row = try lifting("reading the ledger") { () in try knowledge.ledger?.lanes.named(name) }
    guard let row, row.state != .open else {
      throw MigrationError(
        .laneNotHeld, "lane \(name) is not held", state: "nothing was changed",
        help: ["see the lanes: phasedb lane list"])
    }
    _ = try access(row).letGo(
      by: options.runner, at: options.now(), why: reason,
      of: knowledge.ledger?.format, regardlessOfHolder: true)
  }
}
