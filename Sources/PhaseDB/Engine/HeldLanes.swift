internal import Dispatch
internal import PhaseSQL
internal import PhaseSQLite
internal import Synchronization

/// Owns the lanes that a run holds. It holds them before a step, moves their triggers out of the way while the SQL of
/// a phase runs, and releases them at the end, however the run ends.
///
/// It is a class and not a value, because a rollback does not release a lane.
final class HeldLanes {
  private let engine: Engine
  /// In the order in which they were taken.
  private var all: [Held] = []
  /// The lanes that were already reported as missing, by the phase that comes down without them.
  private var absent: [PhaseID: Set<String>]
  /// Renews the triggers that hold them.
  private var keeper: LaneKeeper?

  /// A lane that is held, or about to be.
  private struct Held {
    let use: LaneUse
    let access: LaneAccess
  }

  /// - Parameter absent: the missing lanes that the plan's notes mention.
  init(by engine: Engine, absent: [PhaseID: Set<String>]) { (self.engine, self.absent) = (engine, absent) }

  /// Whether none is held.
  var isEmpty: Bool { all.isEmpty }

  // MARK: Before a phase

  /// Holds the lanes of a step that this run does not hold yet, and waits until each is quiet.
  ///
  /// Lanes are not held on a new database, which has no jobs, on a copy, which has no workers, and when an operator
  /// overrides the gate.
  ///
  /// - Throws: `lane-not-idle` when one does not become quiet in time, `unknown-lane`, `lane-unfit`, `lane-not-held`.
  func take(_ planned: PlannedStep, _ state: inout RunState) throws(MigrationError) {
    for use in try missing(planned, state.knowledge) {
      letGo(except: all.map(\.use).filter { $0.lane != use.lane }, state.knowledge)
      engine.watchForCancellation()
      try take(use, planned, &state)
    }
  }

  /// The lanes that a step needs and this run does not hold yet.
  func missing(_ planned: PlannedStep, _ knowledge: Knowledge) throws(MigrationError) -> [LaneUse] {
    guard engine.purpose == .change, !planned.plan.isFresh, !planned.plan.overridden.contains(.lane) else {
      return []
    }
    return try present(of: planned.step, knowledge.schema).filter { use in
      !all.contains { $0.use.lane == use.lane && ($0.use.need == .empty || use.need == .idle) }
    }
  }

  /// The lanes of a step in the order in which they are held. On a way down, a lane without its table or column is
  /// skipped: otherwise a phase that removed the table could not come down.
  private func present(of step: Plan.Step, _ schema: Schema) throws(MigrationError) -> [LaneUse] {
    let uses = step.phase.lanes.sorted { $0.lane < $1.lane }
    guard step.direction == .down else { return uses }
    var present: [LaneUse] = []
    for use in uses {
      if let lane = engine.lanes[use.lane],
        let why = try access(use.lane, lane).absence(schema)
      {
        if absent[step.id, default: []].insert(use.lane).inserted {
          engine.observe(.laneAbsent(use.lane, step.id, reason: LaneAccess.absent(use.lane, step.id, why)))
        }
      } else {
        present.append(use)
      }
    }
    return present
  }

  private func access(_ name: String, _ lane: Lane) -> LaneAccess {
    LaneAccess(name, lane, main: engine.connection, wait: engine.wait, engine.cancellation)
  }

  private func take(
    _ use: LaneUse, _ planned: PlannedStep, _ state: inout RunState
  ) throws(MigrationError) {
    let runner = engine.runner
    guard let lane = engine.lanes[use.lane] else {
      throw Self.unknown(use, of: planned.step, among: engine.lanes.keys)
    }
    let access = access(use.lane, lane)
    let began = ContinuousClock.now
    if lane.busy == nil, lane.pause > use.limit {
      throw access.unfit(
        "it waits for \(DurationText.print(lane.pause)), and the phase leaves it \(DurationText.print(use.limit))"
      )
    }
    // The ledger records the lane before it is held, so that a later command releases it whatever happens.
    let holdsLease = state.holdsLease
    try record(planned.plan, &state.knowledge) { ledger, time throws(MigrationError) in
      var row =
        try lifting("reading the ledger") { () in try ledger.lanes.named(use.lane) }
        ?? .new(use.lane, lane, runner)
      row.state = .holding
      row.since = time
      row.until = LaneAccess.timestamp(LaneAccess.moment(after: LaneAccess.horizon))
      row.phase = planned.step.id.description
      row.holder = runner
      let changed = row
      try lifting("writing the ledger") { () in
        try ledger.lanes.record(changed)
        if !holdsLease { try ledger.lease.take(planned.lease(of: runner, at: time)) }
      }
    }
    state.holdsLease = true
    all.append(Held(use: use, access: access))
    try holdWhenReady(access, use, planned, until: began + use.limit)
    try waitUntilQuiet(access, use, planned, until: began + use.limit)
    try record(planned.plan, &state.knowledge) {
      (ledger: Ledger, time: Timestamp) throws(MigrationError) -> Void in
      let present = try lifting("reading the ledger") { () in try ledger.lanes.named(use.lane) }
      guard var row = present, row.holder == runner else { throw access.lost }
      row.state = .held
      row.since = time
      let held = row
      try lifting("writing the ledger") { () in
        try ledger.lanes.record(held)
        try ledger.log(
          .lane, subject: use.lane, detail: "held for \(planned.step.id.short)", by: runner, at: time)
      }
    }
    engine.observe(
      .laneHeld(use.lane, planned.step.id, after: ContinuousClock.now - began))
  }

  /// Holds the lane. For `empty` it chooses a moment in which no job waits.
  private func holdWhenReady(
    _ access: LaneAccess, _ use: LaneUse, _ planned: PlannedStep, until deadline: ContinuousClock.Instant
  ) throws(MigrationError) {
    if use.need == .empty, access.lane.waiting == nil {
      throw access.unfit("nothing shows what waits, and the phase needs it empty")
    }
    // If a watch holds the lane already, its jobs wait on purpose, and the lane stays held.
    let isKept = access.isTrigger ? try access.holds() : false
    var told: ContinuousClock.Instant?
    while let waiting = try access.hold(
      until: LaneAccess.moment(after: LaneAccess.horizon), ifNothingWaits: use.need == .empty && !isKept)
    {
      if engine.cancellation.isRequested { throw MigrationError.stopped() }
      guard ContinuousClock.now < deadline else {
        throw access.notIdle(use, planned, "\(waiting.words("waiting"))")
      }
      tell(&told, .laneQueued(use.lane, planned.step.id, jobs: waiting.jobs, oldest: waiting.oldest))
      Pause.sleep(milliseconds: 100)
    }
    if access.isTrigger {
      let keeper = self.keeper ?? LaneKeeper()
      self.keeper = keeper
      keeper.keep(access.triggerName, in: access.lane.file ?? engine.connection.path)
    }
  }

  /// Waits until two looks, 200 ms apart, show no job in flight: a worker may have claimed a job without showing it
  /// yet.
  private func waitUntilQuiet(
    _ access: LaneAccess, _ use: LaneUse, _ planned: PlannedStep, until deadline: ContinuousClock.Instant
  ) throws(MigrationError) {
    var told: ContinuousClock.Instant?
    guard access.lane.busy != nil else {
      let end = ContinuousClock.now + access.lane.pause
      while ContinuousClock.now < end {
        if engine.cancellation.isRequested { throw MigrationError.stopped() }
        tell(&told, .lanePausing(use.lane, planned.step.id, remaining: end - .now))
        Pause.sleep(milliseconds: min(100, (end - .now).milliseconds))
      }
      return
    }
    var wasQuiet = false
    while true {
      if engine.cancellation.isRequested { throw MigrationError.stopped() }
      guard let count = try access.look(access.lane.busy) else { return }
      if count.jobs <= 0, wasQuiet { return }
      wasQuiet = count.jobs <= 0
      if !wasQuiet {
        guard ContinuousClock.now < deadline else {
          throw access.notIdle(use, planned, "\(count.words("in flight"))")
        }
        tell(&told, .laneBusy(use.lane, planned.step.id, jobs: count.jobs, oldest: count.oldest))
      }
      Pause.sleep(milliseconds: 200)
    }
  }

  /// Reports an event at once and then every second.
  private func tell(_ last: inout ContinuousClock.Instant?, _ event: Event) {
    if let told = last, ContinuousClock.now - told < .seconds(1) { return }
    last = .now
    engine.observe(event)
  }

  /// Changes the ledger's record of a lane, in a transaction of its own, when no other run has the lease.
  private func record(
    _ plan: Plan, _ knowledge: inout Knowledge,
    _ change: (Ledger, Timestamp) throws(MigrationError) -> Void
  ) throws(MigrationError) {
    let (connection, start) = (engine.connection, PlanStart(plan, by: engine))
    let deadline = ContinuousClock.now + engine.wait
    while true {
      let known = knowledge
      do throws(MigrationError) {
        connection.setBusyTimeout(milliseconds: min(1_000, Pause.milliseconds(until: deadline)))
        let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
        try knowledge.refresh(on: connection)
        try knowledge.refuseLedgerDrift()
        try start.passLease(knowledge.ledger)
        try start.createLedgerIfAbsent(&knowledge)
        guard let ledger = knowledge.ledger else { throw Ledger.damaged("the ledger is gone") }
        let before = try lifting("reading the ledger") { () in try ledger.head() }
        try change(ledger, engine.now())
        let (entry, hash) = try lifting("reading the ledger") { () in try ledger.lastEntry() }
        try knowledge.settle(on: connection)
        // If the commit reports an error, a row of the log tells whether it landed.
        return try ledger.commit(
          transaction, leaving: entry > before ? entry : nil, hash, while: "recording a lane")
      } catch {
        knowledge = known
        guard error.standing == .busy, ContinuousClock.now < deadline, !engine.cancellation.isRequested else {
          throw error
        }
        Pause.briefly()
      }
    }
  }

  // MARK: Around the SQL of a phase

  /// Refuses a step when a lane that it needs was released, by its deadline or by an operator. Call it inside the
  /// transaction of the step: while it has the write lock, no worker can claim a job in this database.
  ///
  /// - Throws: `lane-lost`.
  func refuseLost(_ knowledge: Knowledge) throws(MigrationError) {
    guard !all.isEmpty, let ledger = knowledge.ledger else { return }
    let rows = try lifting("reading the ledger") { () in try ledger.lanes.all() }
    for held in all {
      let row = rows.first { $0.name == held.use.lane }
      guard row?.state == .held, row?.holder == engine.runner, try held.access.holds() else {
        throw held.access.lost
      }
      guard case .query = held.access.lane.busy, let count = try held.access.look(held.access.lane.busy),
        count.jobs > 0
      else { continue }
      throw MigrationError(
        .laneLost,
        "lane \(held.use.lane) is held, and work was begun in it nevertheless: \(count.words("in flight"))",
        help: ["make its claim cover every way in which a job is taken: phasedb.json, under \"lanes\""])
    }
  }

  /// Takes the triggers that hold lanes out of the way. Call it inside a transaction.
  func lift(_ knowledge: inout Knowledge) throws(MigrationError) -> LiftedLanes? {
    let (connection, known) = (engine.connection, knowledge.schema)
    let lifted = try lifting("lifting lanes") { () in try LiftedLanes(known, on: connection) }
    guard lifted != nil else { return nil }
    knowledge.schema = try lifting("reading the schema") { () in
      try Schema(of: connection, known: known)
    }
    return lifted
  }

  /// The same for a batch, but only if its SQL writes a table whose lane is held. To drop and make a trigger changes
  /// the schema, and every connection has to read it again.
  func lift(
    forWritesOf writes: WriteSet, _ knowledge: inout Knowledge
  ) throws(MigrationError) -> LiftedLanes? {
    let written = writes.tables.union(writes.columns.keys)
    guard knowledge.schema.laneTriggers.contains(where: { written.contains($0.table.folded) }) else {
      return nil
    }
    return try lift(&knowledge)
  }

  /// Puts the triggers back, and hands lanes over to the watch that a step begins. Call it inside the step's
  /// transaction, as the last of it.
  ///
  /// - Parameter applied: the phase as recorded, when it went up.
  /// - Throws: `lane-lost` when a lane in another file was let go meanwhile, or one that the watch needs is gone.
  func putBack(
    _ planned: PlannedStep, _ lifted: LiftedLanes?, applied: AppliedPhase?, _ knowledge: inout Knowledge
  ) throws(MigrationError) {
    let connection = engine.connection
    guard lifted != nil || !all.isEmpty else { return }
    var moments: [String: Int64] = [:]
    var watched: [Held] = []
    for held in all {
      if !held.access.isBeside, try !held.access.holds() { throw held.access.lost }
      let own = planned.step.phase.lanes.first { $0.lane == held.use.lane }
      let isWatched = own?.isThroughWatch == true && applied != nil && engine.watches(planned)
      if isWatched { watched.append(held) }
      let horizon =
        isWatched ? planned.step.phase.watch?.laneHorizon ?? LaneAccess.horizon : LaneAccess.horizon
      moments[held.access.triggerName] = LaneAccess.moment(after: horizon)
    }
    let gone = try lifting("putting lanes back") { () in
      try lifted?.putBack(until: moments, on: connection) ?? [:]
    }
    for held in watched where gone[held.access.triggerName] != nil {
      throw MigrationError(
        .laneLost,
        "lane \(held.use.lane) is to be held through the watch of \(planned.step.id.short), and cannot be on its schema: \(gone[held.access.triggerName] ?? "")",
        help: ["remove 'through watch', or leave the queue's table as phasedb.json describes it"])
    }
    for name in gone.keys.sorted() {
      let lane = String(name.dropFirst(LaneTrigger.prefix.count))
      engine.observe(
        .laneAbsent(
          lane, planned.step.id, reason: "lane \(lane) cannot be held on the new schema, so it is open"))
    }
    if let applied, let ledger = knowledge.ledger, !watched.isEmpty {
      let rows = watched
      try lifting("writing the ledger") { () in
        for held in rows {
          guard var row = try ledger.lanes.named(held.use.lane) else { continue }
          row.watch = applied.sequence
          row.until = LaneAccess.timestamp(moments[held.access.triggerName] ?? LaneAccess.now)
          try ledger.lanes.record(row)
        }
      }
    }
    guard lifted != nil else { return }
    let known = knowledge.schema
    knowledge.schema = try lifting("reading the schema") { () in
      try Schema(of: connection, known: known)
    }
    try knowledge.settle(on: connection)
  }

  // MARK: Afterwards

  /// Releases the lanes of this run, except those that the next step needs.
  ///
  /// This cannot make the run fail. A lane that cannot be released now is reported, and the next command or the
  /// deadline releases it.
  func letGo(before next: Plan.Step, _ knowledge: Knowledge) {
    guard !all.isEmpty else { return }
    // If this cannot be read now, the next step holds its lanes again.
    letGo(except: (try? present(of: next, knowledge.schema)) ?? [], knowledge)
  }

  /// Releases the lanes of this run, except some.
  func letGo(except next: [LaneUse] = [], _ knowledge: Knowledge) {
    let connection = engine.connection
    for held in all.reversed() where !next.contains(where: { $0.lane == held.use.lane }) {
      all.removeAll { $0.use.lane == held.use.lane }
      keeper?.forget(held.access.triggerName)
      connection.removeProgressHandler()
      do throws(MigrationError) {
        let isOpen: Bool? = try held.access.letGo(
          by: engine.runner, at: engine.now(), why: "",
          of: knowledge.ledger?.format)
        if let isOpen { engine.observe(isOpen ? .laneOpened(held.use.lane) : .laneKept(held.use.lane)) }
      } catch {
        engine.observe(.laneStuck(held.use.lane, reason: "\(error.message); \(held.access.remedy)"))
      }
    }
    if all.isEmpty { keeper = nil }
  }

  static func unknown(
    _ use: LaneUse, of step: Plan.Step, among known: some Collection<String>
  ) -> MigrationError {
    let nearest: Prose? = Suggestion.nearest(to: use.lane, in: known.sorted()).map { "did you mean '\($0)'?" }
    return MigrationError(
      .unknownLane, "\(step.id) holds lane '\(use.lane)', which is not in phasedb.json",
      at: Place(file: step.phase.up.file, line: 1, column: 1), state: "nothing was changed",
      help: [nearest, "add it there under \"lanes\"", Gate.lane.overriding].compactMap(\.self))
  }
}

extension Watch {
  /// How long a lane stays held after a sample if no other sample follows.
  var laneHorizon: Duration { every * 2 + LaneAccess.horizon }
}

/// Renews the triggers of lanes during a run, on a thread and connections of its own: a phase in one file may take
/// long while the queue is in another file.
final class LaneKeeper: Sendable {
  /// The files of the queues, by the names of the triggers.
  private let files = Mutex<[String: String]>([:])
  private let queue = DispatchQueue(label: "phasedb lanes")

  init() { renewLater() }

  private func renewLater() {
    queue.asyncAfter(deadline: .now() + LaneAccess.horizon.milliseconds / 4_000) { [weak self] in
      self?.renew()
      self?.renewLater()
    }
  }

  func keep(_ trigger: String, in file: String) { files.withLock { $0[trigger] = file } }
  func forget(_ trigger: String) { files.withLock { $0[trigger] = nil } }

  /// If a renewal fails now, it is tried again long before the trigger ends.
  private func renew() {
    for (trigger, file) in files.withLock({ $0 }) where !file.isEmpty {
      guard let connection = try? Connection(path: file, mode: .readWrite) else { continue }
      connection.setBusyTimeout(milliseconds: 2_000)
      guard let transaction = try? connection.begin(.immediate) else { continue }
      // A lane that was released meanwhile must not get a trigger again.
      guard files.withLock({ $0[trigger] != nil }),
        (try? LaneTriggers(on: connection).renew(
          trigger, until: LaneAccess.moment(after: LaneAccess.horizon), now: LaneAccess.now)) == true
      else { continue }
      try? transaction.commit()
    }
  }
}
