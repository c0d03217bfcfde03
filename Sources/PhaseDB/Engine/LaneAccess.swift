internal import PhaseSQL
internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A lane of the environment at work: held, let go, and looked at.
///
/// What it writes into the database of its queue is one trigger.
final class LaneAccess {
  let name: String
  let lane: Lane
  /// The connection to the database that is migrated.
  private let main: Connection
  /// The connection to the file of the queue, when it has one of its own.
  private var own: Connection?
  private let wait: Duration
  private let cancellation: Cancellation
  /// Whether somebody holds it by hand: no phase is there to be run without it.
  var isByHand = false

  init(_ name: String, _ lane: Lane, main: Connection, wait: Duration, _ cancellation: Cancellation) {
    (self.name, self.lane, self.main) = (name, lane, main)
    (self.wait, self.cancellation) = (wait, cancellation)
  }

  /// How long a trigger holds beyond the moment at which it is made or renewed.
  static let horizon = Duration.seconds(60)

  var triggerName: String { LaneTrigger.name(of: name) }
  var isTrigger: Bool { lane.isTrigger }
  /// Whether the trigger is in the database that is migrated, so that one transaction has both.
  var isBeside: Bool { isTrigger && lane.file == nil }

  /// The present second, by the clock that the trigger asks.
  static var now: Int64 { Int64(Date().timeIntervalSince1970) }

  /// The moment so much later, in the seconds of a trigger.
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

  /// What lets it go when a run could not.
  var remedy: Prose {
    isTrigger
      ? "it is open by itself after \(DurationText.print(Self.horizon))"
      : "let it go by hand: phasedb lane release \(ShellWord(name)) --reason \"...\""
  }

  // MARK: Holding

  /// Keeps new work from beginning.
  ///
  /// - Parameters:
  ///   - moment: until when, should nobody renew it.
  ///   - ifNothingWaits: whether it is held only in a moment in which nothing waits.
  /// - Returns: what waits, when that kept it from being held.
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

  /// Makes the trigger hold until another moment.
  ///
  /// - Returns: false when it holds no more.
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

  /// Whether the trigger holds at this moment. The application's own way of holding cannot be seen.
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

  /// Lets new work begin again, where that is not done in the transaction that records it.
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
      // Whoever asks for a stop wants it let go, too.
      guard let why = release({ false }) else { return }
      throw MigrationError(.laneNotHeld, "lane \(name) could not be let go: \(why)", help: [remedy])
    }
  }

  // MARK: Letting go

  /// Lets the lane go that a run or an operator held, unless a watch or an operator still needs it.
  ///
  /// - Parameters:
  ///   - runner: whose lane it is.
  ///   - why: the reason of an operator; empty for a run.
  ///   - whoever: whether it is let go whoever holds it.
  /// - Returns: whether it is open now; nil when it was not the runner's any more.
  func letGo(
    by runner: Runner, at time: Timestamp, why: String, of format: Int?, whoever: Bool = false
  ) throws(MigrationError) -> Bool? {
    main.setBusyDeadline(.now + wait)
    // What another file or the application holds is let go before the ledger says so: a run that is ended in between is
    // followed by one that does it again.
    let before = try lifting("reading the ledger") { () in
      try claimant(by: runner, at: time, format, whoever)
    }
    guard let before else { return nil }
    if !isBeside {
      if let moment = before.moment { _ = try renew(until: moment) } else { try release() }
    }
    return try lifting("letting lane \(name) go") { () in
      let transaction = try main.begin(.immediate)
      guard let present = try claimant(by: runner, at: time, format, whoever) else {
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

  /// The row of the lane, if it may be let go, and until when a watch or an operator still needs it, in seconds since 1970.
  private func claimant(
    by runner: Runner, at time: Timestamp, _ format: Int?, _ whoever: Bool
  ) throws -> (row: LaneRecord, moment: Int64?)? {
    guard let format else { return nil }
    let ledger = Ledger(connection: main, format: format)
    guard let row = try ledger.lanes.named(name), whoever || row.holder == runner else { return nil }
    guard !whoever else { return (row, nil) }
    let watch = try row.watch.flatMap { id in try ledger.watches.all().first { $0.id == id } }
    let ends = [
      watch?.keepsLanes == true ? row.until : nil, row.isHeldByHand(at: time) ? row.byHand : nil,
    ].compactMap { $0?.date?.timeIntervalSince1970 }
    return (row, ends.max().map { Int64($0.rounded(.up)) })
  }

  // MARK: Looking

  /// How many jobs there are; nil where nothing tells.
  func look(_ look: Lane.Look?) throws(MigrationError) -> LaneCount? {
    switch look {
    case nil: return nil
    case .answer(let answer):
      switch answer({ [cancellation] in cancellation.isRequested }) {
      case .count(let count): return count
      case .unknown(let why):
        if cancellation.isRequested { throw MigrationError.stopped() }
        throw MigrationError(
          .laneNotHeld, "lane \(name) cannot be looked at: \(why)", state: "nothing was changed",
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

  /// Whether everything that it names is there, found out without changing anything.
  ///
  /// - Parameter schema: of the database that is migrated.
  func refuseUnfit(_ schema: Schema) throws(MigrationError) {
    for query in [lane.busy, lane.waiting] { if case .query = query { _ = try look(query) } }
    if let why = try whyNoTrigger(schema) { throw unfit("\(why)") }
  }

  /// The table or the column of its queue that is not there, as SQLite says it; nil when everything is. A queue in another
  /// file is not the schema's.
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

  /// Why its trigger cannot be made, found out in a database of its own; nil when it can.
  func whyNoTrigger(_ schema: Schema) throws(MigrationError) -> String? {
    guard case .trigger(let claim) = lane.hold else { return nil }
    let connection = try connection()
    let present =
      try lane.file == nil ? schema : lifting("reading the schema") { () in try Schema(of: connection) }
    let scratch = try lifting("opening a database in memory") { () in try Connection(path: "", mode: .memory)
    }
    let objects = present.objects.filter { ["table", "view"].contains($0.key.type) }
    // What this library cannot make is no table of a queue.
    for object in objects.sorted(by: { $0.rank() < $1.rank() }) { try? scratch.execute(object.sql) }
    return try lifting("looking at lane \(name)") { () in
      try LaneTriggers(on: scratch).make(claim.definition(of: triggerName, until: 0))
    }
  }

  // MARK: What to say of it

  /// The error for a lane that did not become quiet in time.
  func notIdle(_ use: LaneUse, _ turn: Turn, _ what: Prose) -> MigrationError {
    // On a way down the text of the ledger counts, which nobody can edit.
    let more: Prose? =
      turn.step.direction == .down
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

  /// The error for a lane that is held no more.
  var lost: MigrationError {
    MigrationError(
      .laneLost, "lane \(name) was let go before the phase was done, by its deadline or by somebody",
      help: ["see who let it go: phasedb log", "run the command again"])
  }
}
