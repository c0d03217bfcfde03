internal import PhaseSQL
internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A lane that a run holds.
struct LaneGrip {
  let use: LaneUse
  let access: LaneAccess
  /// False until what was begun has ended.
  var isQuiet = false
}

// MARK: - Before a phase

extension Engine {
  /// Holds the lanes of a step that this run does not hold yet, and waits until each is quiet.
  ///
  /// On a new database no job waits, on a copy nobody works, and an operator may take it on themselves.
  ///
  /// - Throws: `lane-not-idle` when one does not become quiet in time, `unknown-lane`, `lane-unfit`, `lane-not-held`.
  func takeLanes(_ turn: Turn) throws(MigrationError) {
    for use in try missingLanes(turn) {
      letGoOfLanes(except: grips.map(\.use).filter { $0.lane != use.lane })
      watchForCancellation()
      try takeLane(use, turn)
    }
  }

  /// The lanes that a step needs and this run does not hold yet.
  func missingLanes(_ turn: Turn) throws(MigrationError) -> [LaneUse] {
    guard purpose == .change, !turn.plan.isFresh, !turn.plan.overridden.contains(.lane) else { return [] }
    return try presentLanes(of: turn.step).filter { use in
      !grips.contains { $0.use.lane == use.lane && ($0.use.need == .empty || use.need == .idle) }
    }
  }

  /// The lanes of a step in the order in which they are held. On a way down, one whose table or column is not there is open
  /// in any case: a phase that took it away must come down.
  private func presentLanes(of step: Plan.Step) throws(MigrationError) -> [LaneUse] {
    let uses = step.phase.lanes.sorted { $0.lane < $1.lane }
    guard step.direction == .down else { return uses }
    var present: [LaneUse] = []
    for use in uses {
      if let lane = lanes[use.lane],
        let why = try access(use.lane, lane).absence(knowledge.schema)
      {
        if absentLanes[step.id, default: []].insert(use.lane).inserted {
          observe(.laneAbsent(use.lane, step.id, reason: LaneAccess.absent(use.lane, step.id, why)))
        }
      } else {
        present.append(use)
      }
    }
    return present
  }

  private func access(_ name: String, _ lane: Lane) -> LaneAccess {
    LaneAccess(name, lane, main: connection, wait: wait, cancellation)
  }

  private func takeLane(_ use: LaneUse, _ turn: Turn) throws(MigrationError) {
    guard let lane = lanes[use.lane] else { throw .unknownLane(use, of: turn.step, among: lanes.keys) }
    let access = access(use.lane, lane)
    let began = ContinuousClock.now
    if lane.busy == nil, lane.pause > use.limit {
      throw access.unfit(
        "it waits for \(DurationText.print(lane.pause)), and the phase leaves it \(DurationText.print(use.limit))"
      )
    }
    // A row says that it is to be held before it is, so that somebody lets it go whatever happens.
    try recordLane(turn.plan) { ledger, time throws(MigrationError) in
      var row =
        try lifting("reading the ledger") { () in try ledger.lanes.named(use.lane) }
        ?? .new(use.lane, lane, runner)
      row.state = .holding
      row.since = time
      row.until = LaneAccess.timestamp(LaneAccess.moment(after: LaneAccess.horizon))
      row.phase = turn.step.id.description
      row.holder = runner
      let changed = row
      try lifting("writing the ledger") { () in
        try ledger.lanes.record(changed)
        if !holdsLease { try ledger.lease.take(lease(for: turn, at: time)) }
      }
    }
    holdsLease = true
    grips.append(LaneGrip(use: use, access: access))
    try holdWhenReady(access, use, turn, until: began + use.limit)
    try waitUntilQuiet(access, use, turn, until: began + use.limit)
    try recordLane(turn.plan) { (ledger: Ledger, time: Timestamp) throws(MigrationError) -> Void in
      let present = try lifting("reading the ledger") { () in try ledger.lanes.named(use.lane) }
      guard var row = present, row.holder == runner else { throw access.lost }
      row.state = .held
      row.since = time
      let held = row
      try lifting("writing the ledger") { () in
        try ledger.lanes.record(held)
        try ledger.log(
          .lane, subject: use.lane, detail: "held for \(turn.step.id.short)", by: runner, at: time)
      }
    }
    grips[grips.count - 1].isQuiet = true
    observe(.laneHeld(use.lane, turn.step.id, after: ContinuousClock.now - began))
  }

  /// Holds the lane, for `empty` in a moment in which nothing waits.
  private func holdWhenReady(
    _ access: LaneAccess, _ use: LaneUse, _ turn: Turn, until deadline: ContinuousClock.Instant
  ) throws(MigrationError) {
    if use.need == .empty, access.lane.waiting == nil {
      throw access.unfit("nothing shows what waits, and the phase needs it empty")
    }
    // One that a watch keeps held stays so: its jobs wait on purpose.
    let isKept = access.isTrigger ? try access.holds() : false
    var told: ContinuousClock.Instant?
    while let waiting = try access.hold(
      until: LaneAccess.moment(after: LaneAccess.horizon), ifNothingWaits: use.need == .empty && !isKept)
    {
      if cancellation.isRequested { throw MigrationError.stopped() }
      guard ContinuousClock.now < deadline else {
        throw access.notIdle(use, turn, "\(waiting.words("waiting"))")
      }
      tell(&told, .laneWaiting(use.lane, turn.step.id, waiting, what: .waiting))
      Pause.sleep(milliseconds: 100)
    }
    if access.isTrigger {
      let keeper = laneKeeper ?? LaneKeeper()
      laneKeeper = keeper
      keeper.keep(access.triggerName, in: access.lane.file ?? connection.path)
    }
  }

  /// Waits until nothing is in flight twice, 200 ms apart: a worker may be between its claim and its first sign.
  private func waitUntilQuiet(
    _ access: LaneAccess, _ use: LaneUse, _ turn: Turn, until deadline: ContinuousClock.Instant
  ) throws(MigrationError) {
    var told: ContinuousClock.Instant?
    guard access.lane.busy != nil else {
      let end = ContinuousClock.now + access.lane.pause
      while ContinuousClock.now < end {
        if cancellation.isRequested { throw MigrationError.stopped() }
        tell(&told, .laneWaiting(use.lane, turn.step.id, LaneCount(0, oldest: end - .now), what: .time))
        Pause.sleep(milliseconds: min(100, (end - .now).milliseconds))
      }
      return
    }
    var wasQuiet = false
    while true {
      if cancellation.isRequested { throw MigrationError.stopped() }
      guard let count = try access.look(access.lane.busy) else { return }
      if count.jobs <= 0, wasQuiet { return }
      wasQuiet = count.jobs <= 0
      if !wasQuiet {
        guard ContinuousClock.now < deadline else {
          throw access.notIdle(use, turn, "\(count.words("in flight"))")
        }
        tell(&told, .laneWaiting(use.lane, turn.step.id, count, what: .inFlight))
      }
      Pause.sleep(milliseconds: 200)
    }
  }

  /// Tells an event at once and then every second.
  private func tell(_ last: inout ContinuousClock.Instant?, _ event: Event) {
    if let told = last, ContinuousClock.now - told < .seconds(1) { return }
    last = .now
    observe(event)
  }

  /// Changes what the ledger says of a lane, in a transaction of its own, once no other run is in the way.
  private func recordLane(
    _ plan: Plan, _ change: (Ledger, Timestamp) throws(MigrationError) -> Void
  ) throws(MigrationError) {
    let deadline = ContinuousClock.now + wait
    while true {
      let known = knowledge
      do throws(MigrationError) {
        connection.setBusyTimeout(milliseconds: min(1_000, Pause.milliseconds(until: deadline)))
        let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
        try knowledge.refresh(on: connection)
        try knowledge.refuseLedgerDrift()
        try passLease()
        try createLedgerIfAbsent(plan)
        guard let ledger = knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
        let before = try lifting("reading the ledger") { () in try ledger.head() }
        try change(ledger, now())
        let (entry, hash) = try lifting("reading the ledger") { () in try ledger.lastEntry() }
        try knowledge.settle(on: connection)
        // Only a row of the log tells whether a commit that reports an error has landed.
        return try ledger.commit(
          transaction, leaving: entry > before ? entry : nil, hash, while: "recording a lane")
      } catch {
        knowledge = known
        guard error.standing == .busy, ContinuousClock.now < deadline, !cancellation.isRequested else {
          throw error
        }
        Pause.briefly()
      }
    }
  }
}

// MARK: - Around the SQL of a phase

extension Engine {
  /// Whether nothing of this run is left once a step is done: no further step, and no lane to let go.
  func endsRun(_ turn: Turn) -> Bool { turn.isLast && grips.isEmpty }

  /// Refuses a step when a lane that it needs was let go, by its deadline or by somebody. Belongs into its transaction: with
  /// the write lock nobody claims a job in this database any more.
  ///
  /// - Throws: `lane-lost`.
  func refuseLostLanes() throws(MigrationError) {
    guard !grips.isEmpty, let ledger = knowledge.ledger else { return }
    let rows = try lifting("reading the ledger") { () in try ledger.lanes.all() }
    for grip in grips {
      let row = rows.first { $0.name == grip.use.lane }
      guard row?.state == .held, row?.holder == runner, try grip.access.holds() else {
        throw grip.access.lost
      }
      guard case .query = grip.access.lane.busy, let count = try grip.access.look(grip.access.lane.busy),
        count.jobs > 0
      else { continue }
      throw MigrationError(
        .laneLost,
        "lane \(grip.use.lane) is held, and work was begun in it nevertheless: \(count.words("in flight"))",
        help: ["make its claim cover every way in which a job is taken: phasedb.json, under \"lanes\""])
    }
  }

  /// Takes the triggers that hold lanes out of the way. Belongs into a transaction.
  func liftLanes() throws(MigrationError) -> LiftedLanes? {
    let lifted = try lifting("lifting lanes") { () in try LiftedLanes(knowledge.schema, on: connection) }
    guard lifted != nil else { return nil }
    knowledge.schema = try lifting("reading the schema") { () in
      try Schema(of: connection, known: knowledge.schema)
    }
    return lifted
  }

  /// The same for a batch, only if its SQL writes a table whose lane is held: making a trigger anew costs every connection
  /// a look at the schema.
  func liftLanes(forWritesOf writes: WriteSet) throws(MigrationError) -> LiftedLanes? {
    let written = writes.tables.union(writes.columns.keys)
    guard knowledge.schema.laneTriggers.contains(where: { written.contains($0.table.folded) }) else {
      return nil
    }
    return try liftLanes()
  }

  /// Puts the triggers back, and hands lanes over to the watch that a step begins. Belongs into the step's transaction, as
  /// the last of it.
  ///
  /// - Parameter applied: the phase as recorded, when it went up.
  /// - Throws: `lane-lost` when a lane in another file was let go meanwhile, or one that the watch needs is gone.
  func putLanesBack(
    _ turn: Turn, _ lifted: LiftedLanes?, applied: AppliedPhase?
  ) throws(MigrationError) {
    guard lifted != nil || !grips.isEmpty else { return }
    var moments: [String: Int64] = [:]
    var watched: [LaneGrip] = []
    for grip in grips {
      if !grip.access.isBeside, try !grip.access.holds() { throw grip.access.lost }
      let own = turn.step.phase.lanes.first { $0.lane == grip.use.lane }
      let isWatched = own?.isThroughWatch == true && applied != nil && isWatched(turn)
      if isWatched { watched.append(grip) }
      let horizon = isWatched ? turn.step.phase.watch?.laneHorizon ?? LaneAccess.horizon : LaneAccess.horizon
      moments[grip.access.triggerName] = LaneAccess.moment(after: horizon)
    }
    let gone = try lifting("putting lanes back") { () in
      try lifted?.putBack(until: moments, on: connection) ?? [:]
    }
    for grip in watched where gone[grip.access.triggerName] != nil {
      throw MigrationError(
        .laneLost,
        "lane \(grip.use.lane) is to be held through the watch of \(turn.step.id.short), and cannot be on its schema: \(gone[grip.access.triggerName] ?? "")",
        help: ["remove 'through watch', or leave the queue's table as phasedb.json describes it"])
    }
    for name in gone.keys.sorted() {
      let lane = String(name.dropFirst(LaneTrigger.prefix.count))
      observe(
        .laneAbsent(
          lane, turn.step.id, reason: "lane \(lane) cannot be held on the new schema, so it is open"))
    }
    if let applied, let ledger = knowledge.ledger, !watched.isEmpty {
      let rows = watched
      try lifting("writing the ledger") { () in
        for grip in rows {
          guard var row = try ledger.lanes.named(grip.use.lane) else { continue }
          row.watch = applied.sequence
          row.until = LaneAccess.timestamp(moments[grip.access.triggerName] ?? LaneAccess.now)
          try ledger.lanes.record(row)
        }
      }
    }
    guard lifted != nil else { return }
    knowledge.schema = try lifting("reading the schema") { () in
      try Schema(of: connection, known: knowledge.schema)
    }
    try knowledge.settle(on: connection)
  }
}

extension Watch {
  /// How long a lane stays held beyond a sample, should no other follow.
  var laneHorizon: Duration { every * 2 + LaneAccess.horizon }
}

// MARK: - Afterwards

extension Engine {
  /// Lets go of the lanes of this run, except those that the next step needs.
  ///
  /// Nothing here fails the run: a lane that cannot be let go at once is told of, and the next command or the deadline lets
  /// it go.
  func letGoOfLanes(before next: Plan.Step) {
    guard !grips.isEmpty else { return }
    // What cannot be told now is found out when the step begins.
    letGoOfLanes(except: (try? presentLanes(of: next)) ?? [])
  }

  /// The same, except for some.
  func letGoOfLanes(except next: [LaneUse] = []) {
    for grip in grips.reversed() where !next.contains(where: { $0.lane == grip.use.lane }) {
      grips.removeAll { $0.use.lane == grip.use.lane }
      laneKeeper?.forget(grip.access.triggerName)
      connection.removeProgressHandler()
      do throws(MigrationError) {
        let isOpen: Bool? = try connection.letGo(
          grip.access, by: runner, at: now(), wait: wait, why: "", of: knowledge.ledger?.format)
        if let isOpen { observe(isOpen ? .laneOpened(grip.use.lane) : .laneKept(grip.use.lane)) }
      } catch {
        observe(.laneStuck(grip.use.lane, reason: "\(error.message); \(grip.access.remedy)"))
      }
    }
    if grips.isEmpty { laneKeeper = nil }
  }
}

extension Connection {
  /// Lets a lane go that a run or an operator held, unless a watch or an operator still needs it.
  ///
  /// - Parameters:
  ///   - runner: whose lane it is; nil for anybody's.
  ///   - why: the reason of an operator; empty for a run.
  /// - Returns: whether it is open now; nil when it was not the runner's any more.
  func letGo(
    _ access: LaneAccess, by runner: Runner, at time: Timestamp, wait: Duration, why: String, of format: Int?,
    whoever: Bool = false
  ) throws(MigrationError) -> Bool? {
    setBusyDeadline(.now + wait)
    // What another file or the application holds is let go before the ledger says so: a run that is ended in between is
    // followed by one that does it again.
    let before = try lifting("reading the ledger") { () in
      try claimant(of: access.name, by: runner, at: time, format, whoever)
    }
    guard let before else { return nil }
    if !access.isBeside {
      if let moment = before.moment { _ = try access.renew(until: moment) } else { try access.release() }
    }
    return try lifting("letting lane \(access.name) go") { () in
      let transaction = try begin(.immediate)
      guard let present = try claimant(of: access.name, by: runner, at: time, format, whoever) else {
        return nil
      }
      let ledger = Ledger(connection: self)
      var row = present.row
      row.phase = ""
      row.since = time
      if let moment = present.moment {
        if access.isBeside {
          _ = try LaneTriggers(on: self).renew(access.triggerName, until: moment, now: LaneAccess.now)
        }
        try ledger.lanes.record(row)
      } else {
        if access.isBeside { try access.dropTrigger(on: self) }
        (row.state, row.watch, row.byHand, row.reason) = (.open, nil, nil, "")
        try ledger.lanes.record(row)
        try ledger.log(
          .lane, subject: access.name, detail: why.isEmpty ? "open" : "open: \(why)", by: runner, at: time)
      }
      try transaction.commit()
      return present.moment == nil
    }
  }

  /// The row of a lane that may be let go, and until when a watch or an operator still needs it, in seconds since 1970.
  private func claimant(
    of name: String, by runner: Runner, at time: Timestamp, _ format: Int?, _ whoever: Bool
  ) throws -> (row: LaneRecord, moment: Int64?)? {
    guard let format else { return nil }
    let ledger = Ledger(connection: self, format: format)
    guard let row = try ledger.lanes.named(name), whoever || row.holder == runner else { return nil }
    guard !whoever else { return (row, nil) }
    let watch = try row.watch.flatMap { id in try ledger.watches.all().first { $0.id == id } }
    let ends = [
      watch?.keepsLanes == true ? row.until : nil, row.isHeldByHand(at: time) ? row.byHand : nil,
    ].compactMap { $0?.date?.timeIntervalSince1970 }
    return (row, ends.max().map { Int64($0.rounded(.up)) })
  }
}

extension LaneAccess {
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

extension MigrationError {
  static func unknownLane(
    _ use: LaneUse, of step: Plan.Step, among known: some Collection<String>
  ) -> MigrationError {
    let nearest: Prose? = Suggestion.nearest(to: use.lane, in: known.sorted()).map { "did you mean '\($0)'?" }
    return MigrationError(
      .unknownLane, "\(step.id) holds lane '\(use.lane)', which is not in phasedb.json",
      at: Place(file: step.phase.up.file, line: 1, column: 1), state: "nothing was changed",
      help: [nearest, "add it there under \"lanes\"", Gate.lane.overriding].compactMap(\.self))
  }
}
