internal import PhaseSQL
internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Holds and releases one lane, and counts its jobs.
///
/// The only thing that it writes into the database of the queue is one trigger.
final class LaneAccess {
  let name: String
  let lane: Lane
  /// The connection to the database that is migrated.
  private let main: Connection
  /// The connection to the file of the queue, when it has one of its own.
  private var own: Connection?
  private let wait: Duration
  private let cancellation: Cancellation
  /// Whether an operator holds it by hand. Then errors do not suggest running a phase without it.
  private let isByHand: Bool

  init(
    _ name: String, _ lane: Lane, main: Connection, wait: Duration, isByHand: Bool = false,
    _ cancellation: Cancellation
  ) {
    self.isByHand = isByHand
    (self.name, self.lane, self.main) = (name, lane, main)
    (self.wait, self.cancellation) = (wait, cancellation)
  }

  /// How long a trigger holds after it is made or renewed.
  static let horizon = Duration.seconds(60)

  var triggerName: String { LaneTrigger.name(of: name) }
  var isTrigger: Bool { lane.isTrigger }
  /// Whether the trigger is in the database that is migrated, so that one transaction has both.
  var isBeside: Bool { isTrigger && lane.file == nil }

  /// The present second, by the clock that the trigger asks.
  static var now: Int64 { Int64(Date().timeIntervalSince1970) }

  /// The moment after a duration, in the seconds of a trigger.
  static func moment(after time: Duration) -> Int64 {
    Int64((Date().timeIntervalSince1970 + time.milliseconds / 1_000).rounded(.up))
  }

  static func timestamp(_ moment: Int64) -> Timestamp {
    Timestamp(Date(timeIntervalSince1970: Double(moment)))
  }

  /// The connection to the database of the queue.
  func connection() throws(MigrationError) -> Connection {
    guard let file = lane.file else { return main }
    if let own { return own }
    guard FileReading.exists(file) else { throw unfit("there is no file \(file)") }
    let opened = try lifting("opening \(file)") { () in try Connection(path: file, mode: .readWrite) }
    opened.setBusyTimeout(milliseconds: Int(wait.milliseconds))
    opened.turn(.doubleQuotedStringsInDML, on: false)
    opened.turn(.doubleQuotedStringsInDDL, on: false)
    own = opened
    return opened
  }

  /// The error for a lane that cannot do what it should.
  func unfit(_ why: Prose) -> MigrationError {
    MigrationError(
      .laneUnfit, "lane \(name) cannot be held: \(why)", state: "nothing was changed",
      help: ["correct it in phasedb.json, under \"lanes\"", "see how it does: phasedb lane list"]
        + (isByHand ? [] : [Gate.lane.overriding]))
  }

  /// What will release it when a run could not.
  var remedy: Prose {
    isTrigger
      ? "it is open by itself after \(DurationText.print(Self.horizon))"
      : "let it go by hand: phasedb lane release \(ShellWord(name)) --reason \"...\""
  }

  // MARK: Holding

  /// Stops new work from starting.
  ///
  /// - Parameters:
  ///   - moment: until when it holds if it is not renewed.
  ///   - ifNothingWaits: whether to hold it only in a moment in which no job waits.
  /// - Returns: the waiting jobs, if it was not held because of them.
  func hold(until moment: Int64, ifNothingWaits: Bool) throws(MigrationError) -> LaneCount? {
    if ifNothingWaits, !isTrigger, let waiting = try look(lane.waiting), waiting.jobs > 0 { return waiting }
    switch lane.hold {
    case .trigger(let claim):
      let connection = try connection()
      connection.setBusyDeadline(.now + wait)
      return try lifting("holding lane \(name)") { () in
        let transaction = try connection.begin(.immediate)
        if ifNothingWaits, let waiting = try look(lane.waiting), waiting.jobs > 0 { return waiting }
        if try LaneTriggers(on: connection).sql(of: triggerName) != nil {
          try connection.execute("DROP TRIGGER main.\(SQLText.identifier(triggerName))")
        }
        if let why = try LaneTriggers(on: connection).make(claim.definition(of: triggerName, until: moment)) {
          throw unfit("\(why)")
        }
        try transaction.commit()
        return nil
      }
    case .acts(let hold, _):
      if let why = hold({ [cancellation] in cancellation.isRequested }) {
        if cancellation.isRequested { throw MigrationError.stopped() }
        throw MigrationError(
          .laneNotHeld, "lane \(name) could not be held: \(why)", state: "nothing was changed",
          help: ["find out why, and run the command again"])
      }
      return nil
    }
  }

  /// Makes the trigger hold until a later moment.
  ///
  /// - Returns: false when the trigger no longer holds.
  func renew(until moment: Int64) throws(MigrationError) -> Bool {
    guard isTrigger else { return true }
    let connection = try connection()
    connection.setBusyDeadline(.now + wait)
    return try lifting("holding lane \(name)") { () in
      let transaction = try connection.begin(.immediate)
      let isRenewed = try LaneTriggers(on: connection).renew(triggerName, until: moment, now: Self.now)
      try transaction.commit()
      return isRenewed
    }
  }

  /// Whether the trigger holds at this moment. For a lane that functions hold, the answer is always yes.
  func holds() throws(MigrationError) -> Bool {
    guard isTrigger else { return true }
    return try moment().map { $0 > Self.now } ?? false
  }

  /// Until when the trigger holds, in seconds since 1970; nil when there is none.
  func moment() throws(MigrationError) -> Int64? {
    let connection = try connection()
    return try lifting("looking at lane \(name)") { () in
      try LaneTriggers(on: connection).sql(of: triggerName).flatMap { LaneTrigger.moment(in: $0) }
    }
  }

  /// Removes the trigger, inside a transaction of its database.
  func dropTrigger(on connection: Connection) throws(SQLiteError) {
    guard try LaneTriggers(on: connection).sql(of: triggerName) != nil else { return }
    try connection.execute("DROP TRIGGER main.\(SQLText.identifier(triggerName))")
  }

  /// Lets new work start again, if that is not part of the transaction that records it.
  func release() throws(MigrationError) {
    switch lane.hold {
    case .trigger where lane.file == nil: break
    case .trigger:
      let connection = try connection()
      connection.setBusyDeadline(.now + wait)
      try lifting("letting lane \(name) go") { () in
        let transaction = try connection.begin(.immediate)
        try dropTrigger(on: connection)
        try transaction.commit()
      }
    case .acts(_, let release):
      // After a request to stop the lane must be released, too.
      guard let why = release({ false }) else { return }
      throw MigrationError(.laneNotHeld, "lane \(name) could not be let go: \(why)", help: [remedy])
    }
  }

  // MARK: Letting go

  /// Releases the lane that a run or an operator held, unless a watch or an operator still needs it.
  ///
  /// - Parameters:
  ///   - runner: whose lane it must be.
  ///   - why: the reason of an operator; empty for a run.
  ///   - regardlessOfHolder: whether it is released whoever holds it.
  /// - Returns: whether it is open now; nil when it no longer belonged to the runner.
  func letGo(
    by runner: Runner, at time: Timestamp, why: String, of format: Int?, regardlessOfHolder: Bool = false
  ) throws(MigrationError) -> Bool? {
    main.setBusyDeadline(.now + wait)
    // A lane in another file, or held by functions, is released before the ledger says so. If the process ends in
    // between, a later command does it again.
    let before = try lifting("reading the ledger") { () in
      try claimant(by: runner, at: time, format, regardlessOfHolder)
    }
    guard let before else { return nil }
    if !isBeside {
      if let moment = before.moment { _ = try renew(until: moment) } else { try release() }
    }
    return try lifting("letting lane \(name) go") { () in
      let transaction = try main.begin(.immediate)
      guard let present = try claimant(by: runner, at: time, format, regardlessOfHolder) else {
        return nil
      }
      let ledger = Ledger(connection: main)
      var row = present.row
      row.phase = ""
      row.since = time
      if let moment = present.moment {
        if isBeside {
          _ = try LaneTriggers(on: main).renew(triggerName, until: moment, now: Self.now)
        }
        try ledger.lanes.record(row)
      } else {
        if isBeside { try dropTrigger(on: main) }
        (row.state, row.watch, row.byHand, row.reason) = (.open, nil, nil, "")
        try ledger.lanes.record(row)
        try ledger.log(
          .lane, subject: name, detail: why.isEmpty ? "open" : "open: \(why)", by: runner, at: time)
      }
      try transaction.commit()
      return present.moment == nil
    }
  }

  /// The record of the lane if it may be released, and until when a watch or an operator still needs it, in seconds
  /// since 1970.
  private func claimant(
    by runner: Runner, at time: Timestamp, _ format: Int?, _ regardlessOfHolder: Bool
  ) throws -> (row: LaneRecord, moment: Int64?)? {
    guard let format else { return nil }
    let ledger = Ledger(connection: main, format: format)
    guard let row = try ledger.lanes.named(name), regardlessOfHolder || row.holder == runner else {
      return nil
    }
    guard !regardlessOfHolder else { return (row, nil) }
    let watch = try row.watch.flatMap { id in try ledger.watches.all().first { $0.id == id } }
    let ends = [
      watch?.keepsLanes == true ? row.until : nil, row.isHeldByHand(at: time) ? row.byHand : nil,
    ].compactMap { $0?.date?.timeIntervalSince1970 }
    return (row, ends.max().map { Int64($0.rounded(.up)) })
  }

  // MARK: Looking

  /// Counts jobs; nil where they cannot be counted.
  func look(_ look: Lane.Look?) throws(MigrationError) -> LaneCount? {
    switch look {
    case nil: return nil
    case .answer(let answer):
      do {
        let (jobs, oldest) = try answer { [cancellation] in cancellation.isRequested }
        return LaneCount(jobs, oldest: oldest)
      } catch {
        if cancellation.isRequested { throw MigrationError.stopped() }
        throw MigrationError(
          .laneNotHeld, "lane \(name) cannot be looked at: \(error)", state: "nothing was changed",
          help: ["find out why, and run the command again"])
      }
    case .query(let sql):
      let connection = try connection()
      do {
        var statement = try connection.prepare(sql)
        guard statement.isReadOnly, statement.parameterCount == 0 else {
          throw unfit("its query writes, or has parameters")
        }
        guard try statement.step(), let jobs = statement.value(at: 0).integer else {
          throw unfit("its query gives no whole number")
        }
        let age = statement.columnCount > 1 ? statement.value(at: 1).number : nil
        return LaneCount(Int(jobs), oldest: age.map { .milliseconds(max(0, $0) * 1_000) })
      } catch let error as MigrationError {
        throw error
      } catch let error as SQLiteError where error.code.primary == .error {
        throw unfit("\(error.message)")
      } catch let error as SQLiteError {
        throw MigrationError(error, while: "looking at lane \(name)")
      } catch {
        throw MigrationError(.sqliteFailed, "looking at lane \(name): \(error)")
      }
    }
  }

  /// Checks that everything that the lane names exists, without changing anything.
  ///
  /// - Parameter schema: of the database that is migrated.
  func refuseUnfit(_ schema: Schema) throws(MigrationError) {
    for query in [lane.busy, lane.waiting] { if case .query = query { _ = try look(query) } }
    if let why = try whyNoTrigger(schema) { throw unfit("\(why)") }
  }

  /// The missing table or column of its queue, in SQLite's words; nil when everything exists. A queue in another file
  /// is not checked.
  func absence(_ schema: Schema) throws(MigrationError) -> String? {
    guard lane.file == nil else { return nil }
    var reasons: [String] = []
    for query in [lane.busy, lane.waiting] {
      guard case .query(let sql) = query else { continue }
      do {
        _ = try main.prepare(sql)
      } catch {
        guard error.code.primary == .error else {
          throw MigrationError(error, while: "looking at lane \(name)")
        }
        reasons.append(error.message)
      }
    }
    if let why = try whyNoTrigger(schema) { reasons.append(why) }
    return reasons.first { $0.hasPrefix("no such table") || $0.hasPrefix("no such column") }
  }

  /// Why its trigger cannot be made, tried on a database in memory; nil when it can.
  func whyNoTrigger(_ schema: Schema) throws(MigrationError) -> String? {
    guard case .trigger(let claim) = lane.hold else { return nil }
    let connection = try connection()
    let present =
      try lane.file == nil ? schema : lifting("reading the schema") { () in try Schema(of: connection) }
    let scratch = try lifting("opening a database in memory") { () in try Connection(path: "", mode: .memory)
    }
    let objects = present.objects.filter { ["table", "view"].contains($0.key.type) }
    // An object that fails here is not a table of the queue.
    for object in objects.sorted(by: { $0.rank() < $1.rank() }) { try? scratch.execute(object.sql) }
    return try lifting("looking at lane \(name)") { () in
      try LaneTriggers(on: scratch).make(claim.definition(of: triggerName, until: 0))
    }
  }

  // MARK: What to say of it

  /// The error for a lane that did not become quiet in time.
  func notIdle(_ use: LaneUse, _ planned: PlannedStep, _ what: Prose) -> MigrationError {
    // A way down uses the text in the ledger, which cannot be edited.
    let more: Prose? =
      planned.step.direction == .down
      ? nil
      : "or allow more time in the phase: @lane \(name.asDirectiveName) \(use.need.rawValue) within \(DurationText.print(use.limit * 5))"
    return MigrationError(
      .laneNotIdle,
      "lane \(name) was not \(use.need.rawValue) within \(DurationText.print(use.limit)): \(what)",
      help: [
        "see what these jobs do: phasedb lane list",
        "wait until they have ended, and run the same command again", more, Gate.lane.overriding,
      ].compactMap(\.self))
  }

  /// Why a phase comes down without holding a lane.
  static func absent(_ name: String, _ phase: PhaseID, _ why: String) -> Prose {
    "\(phase.short) comes down without holding lane \(name): a table or a column of its queue is not there, so it is open (\(why))"
  }

  /// The error for a lane that was released too early.
  var lost: MigrationError {
    MigrationError(
      .laneLost, "lane \(name) was let go before the phase was done, by its deadline or by somebody",
      help: ["see who let it go: phasedb log", "run the command again"])
  }
}
