internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Two scratch databases in the same state. A migration is tried on one of them. The other one keeps the state
/// before, to compare with and to go back to. So earlier migrations need not run again for a trial, and a copy is
/// made only after a trial that failed.
final class ScratchPair {
  let subject: ReplayConnection
  let mirror: ReplayConnection
  /// The schema of both.
  private(set) var schema = Schema()
  private let enforcing: Bool
  /// Makes one more database, to try the other state of foreign keys on.
  private let makeSpare: () throws(SQLiteError) -> ReplayConnection
  private var spare: ReplayConnection?

  init(
    enforcing: Bool, mirror: ReplayConnection,
    _ make: @escaping () throws(SQLiteError) -> ReplayConnection
  ) throws(SQLiteError) {
    subject = try make()
    self.mirror = mirror
    self.enforcing = enforcing
    makeSpare = make
  }

  /// Makes both equal to another database.
  func become(_ other: ReplayConnection) throws(SQLiteError) {
    if other !== mirror { try mirror.become(other) }
    try subject.become(other)
    schema = try mirror.schema()
    _ = try subject.schema()
  }

  /// Puts the same rows into both.
  ///
  /// - Returns: what was done.
  @discardableResult
  func seed(_ tables: [SchemaObject], _ seeds: SeededRows) throws(SQLiteError) -> SeededRows.Work {
    guard !tables.isEmpty else { return SeededRows.Work() }
    subject.rewind()
    let work = subject.connection.spending { seeds.fill(tables, of: schema, on: subject) }
    mirror.rewind()
    try again(work)
    return work
  }

  /// Puts rows with the values of scripts into both.
  ///
  /// - Returns: the values that no new row could have.
  func vary(_ values: ScriptValues, up: ToolScript) throws(SQLiteError) -> [ScriptValues.Refused] {
    var refused: [ScriptValues.Refused] = []
    let work = subject.connection.spending {
      values.fill(schema, on: subject.connection, refused: &refused)
    }
    if !work.statements.isEmpty { try again(work) }
    let offered = subject.connection.spending { values.offer(schema, on: subject.connection) }
    if !offered.statements.isEmpty {
      try subject.become(mirror)
      try add(offered.statements, asFarAs: up, attempts: 8)
    }
    return refused
  }

  /// Puts the rows that the subject got into the mirror, too.
  private func again(_ work: SeededRows.Work) throws(SQLiteError) {
    try mirror.connection.spending { () throws(SQLiteError) in try SeededRows.repeated(work, on: mirror) }
  }

  /// Every row that may be of use for a migration, to be put in as far as the way up runs on them.
  ///
  /// - Returns: those with NULL wherever it may be, other ones, and those with the values of scripts.
  func draft(_ values: ScriptValues, _ tables: [SchemaObject]) throws(SQLiteError) -> (
    sparse: [SeededRows.Statement], seeds: [SeededRows.Statement], varied: [SeededRows.Statement]
  ) {
    func rows(_ work: SeededRows.Work) -> [SeededRows.Statement] {
      work.statements.filter { $0.sql.hasPrefix("INSERT") }
    }
    let seeds = SeededRows(.awkward)
    let made = subject.connection.spending {
      [0, 1].flatMap { _ in rows(seeds.fill(tables, of: schema, on: subject)) }
    }
    let sparse = subject.connection.spending {
      rows(SeededRows(.sparse, after: seeds).fill(tables, of: schema, on: subject))
    }
    var refused: [ScriptValues.Refused] = []
    let varied = subject.connection.spending {
      values.fill(schema, on: subject.connection, refused: &refused).statements
        + values.fitting(schema, on: subject.connection).statements
        + values.offer(schema, on: subject.connection).statements
    }
    try subject.become(mirror)
    return (sparse, made, varied)
  }

  /// Puts rows into both, as far as the way up runs on them: all of them, or halves, or parts of halves.
  ///
  /// - Parameter attempts: how often the way up may run for it.
  func add(
    _ rows: [SeededRows.Statement], asFarAs up: ToolScript, attempts: Int
  ) throws(SQLiteError) {
    var parts = [rows[...]]
    let start = ContinuousClock.now
    for _ in 0..<attempts {
      guard let part = parts.popLast(), ContinuousClock.now - start < Self.patience else { return }
      let work = SeededRows.Work(statements: Array(part))
      func add(to side: ReplayConnection) throws(SQLiteError) {
        try side.connection.spending { () throws(SQLiteError) in try SeededRows.repeated(work, on: side) }
      }
      let isPossible = (try? add(to: subject)) != nil && runs(up)
      try subject.become(mirror)
      if isPossible {
        for side in [subject, mirror] { try add(to: side) }
      } else if part.count > 1 {
        let middle = part.startIndex + part.count / 2
        parts += [part[middle...], part[..<middle]]
      }
    }
  }

  /// How long other rows are tried.
  private static let patience = Duration.seconds(1)

  /// Removes rows without parents from both, and raises counters.
  func tidy() throws(SQLiteError) {
    var work = SeededRows.Work()
    subject.connection.turn(.foreignKeys, on: false)
    subject.connection.spending {
      for object in schema.objects where object.key.type == "table" && !object.isVirtual {
        SeededRows.removeOrphans(of: object.name, on: subject.connection, &work)
        SeededRows.countOn(object.name, on: subject.connection, &work)
      }
    }
    if !work.statements.isEmpty { try again(work) }
  }

  /// Gives values that no new row could have to rows that are there.
  ///
  /// - Returns: whether any row could have one.
  func settle(_ refused: [ScriptValues.Refused]) throws(SQLiteError) -> Bool {
    var work = SeededRows.Work()
    subject.connection.turn(.foreignKeys, on: false)
    subject.connection.spending {
      for value in refused {
        if let statement = value.settle(on: subject.connection) { work.statements.append(statement) }
      }
    }
    guard !work.statements.isEmpty else { return false }
    try again(work)
    return true
  }

  /// The result of one way up, down and up again.
  struct Trip {
    typealias Failure = ReplayConnection.Failure

    var upFailure: Failure?
    var downFailure: Failure?
    var againFailure: Failure?
    /// Differences from before that remain after the way down, as sentences.
    var left: [Prose] = []
    var isOfOrder = false
    var rows: [RowsLost] = []
    /// How the second way up differs from the first one.
    var again: [Prose] = []
    var rowsAgain: [RowsLost] = []
    /// The tables that one of the scripts touched.
    var touched: Set<FoldedName> = []
    /// Tables that the way up has made or changed.
    var changed: [SchemaObject] = []
    var inertPragma: Place?
    var cascades: [Cascade] = []
    var isDownTried = false
    /// Tables with rows that the way up changed or took away.
    var rewritten: Set<FoldedName> = []
    /// Tables whose counter of AUTOINCREMENT is lower after the way down.
    var counters: [String] = []

    var comesBack: Bool {
      upFailure == nil && downFailure == nil && againFailure == nil && left.isEmpty && rows.isEmpty
        && again.isEmpty && rowsAgain.isEmpty && isDownTried
    }
  }

  /// Rows that are gone when keys are enforced, and not when they are not.
  struct Cascade {
    let isDown: Bool
    let place: Place
    let dropped: FoldedName
    let rows: [RowsLost]
  }

  /// Takes the migration up on both databases. On one of them it goes up, down and up again.
  ///
  /// - Returns: what came of it. When the way up runs, both databases are after it, else both are before it.
  func trip(up: ToolScript, down: ToolScript?) throws(SQLiteError) -> Trip {
    var trip = Trip()
    let before = schema
    let upTrace: ReplayConnection.Trace
    do throws(ReplayConnection.Failure) {
      upTrace = try subject.run(up, enforcing: enforcing)
    } catch {
      trip.upFailure = error
      try subject.become(mirror)
      return trip
    }
    let above = try subject.schema()
    let change = SchemaDifference(from: before, to: above)
    trip.touched = upTrace.touched.union(change.tables)
    trip.changed = (change.added + change.changed.map(\.after)).filter { $0.key.type == "table" }
    trip.rewritten = upTrace.rewritten
    trip.inertPragma = upTrace.inertPragma
    trip.cascades += cascade(of: upTrace, up, isDown: false, from: before)

    var isBack = false
    if let down {
      trip.isDownTried = true
      var downTrace: ReplayConnection.Trace?
      do throws(ReplayConnection.Failure) {
        let trace = try subject.run(down, enforcing: enforcing)
        isBack = try compare(
          before, try schema(of: subject), trace.touched, upTrace.mayCountAnew || trace.mayCountAnew, &trip)
        trip.inertPragma = trip.inertPragma ?? trace.inertPragma
        downTrace = trace
      } catch {
        trip.downFailure = error
      }
      try advance(up)
      if let downTrace { trip.cascades += cascade(of: downTrace, down, isDown: true, from: above) }
    } else {
      try advance(up)
    }
    if isBack {
      do throws(ReplayConnection.Failure) {
        let trace = try subject.run(up, enforcing: enforcing)
        trip.touched.formUnion(trace.touched)
        isBack = try compareAgain(&trip)
      } catch {
        trip.againFailure = error
        isBack = false
      }
    }
    if down != nil, !isBack || trip.isOfOrder || !trip.counters.isEmpty { try subject.become(mirror) }
    return trip
  }

  /// Whether the way up runs on the subject, which must become the mirror again afterwards.
  func runs(_ up: ToolScript) -> Bool { (try? subject.run(up, enforcing: enforcing)) != nil }

  private func schema(of replay: ReplayConnection) throws(ReplayConnection.Failure) -> Schema {
    do throws(SQLiteError) { return try replay.schema() } catch { throw .reading(error) }
  }

  /// Takes the mirror over the migration, too.
  private func advance(_ up: ToolScript) throws(SQLiteError) {
    do throws(ReplayConnection.Failure) {
      _ = try mirror.run(up, enforcing: enforcing)
    } catch {
      // The script ran on an equal database a moment ago, so here it can only fail by its time limit. The two
      // databases may differ now.
      throw SQLiteError(code: .error, message: error.message.description)
    }
    schema = try mirror.schema()
  }

  /// - Returns: whether the subject equals the mirror.
  private func compare(
    _ before: Schema, _ present: Schema, _ touched: Set<FoldedName>, _ mayCountAnew: Bool, _ trip: inout Trip
  ) throws(ReplayConnection.Failure) -> Bool {
    let difference = SchemaDifference(from: before, to: present)
    trip.touched.formUnion(touched)
    trip.touched.formUnion(difference.tables)
    let meaning = difference.meaning(on: mirror.connection)
    trip.isOfOrder = !meaning.isEmpty && meaning.allSatisfy(\.isOfOrder)
    if trip.isOfOrder {
      trip.left = []
    } else {
      // Missing parts say more than parts that only moved because of them, so they come first.
      trip.left = (meaning.filter { !$0.isOfOrder } + meaning.filter(\.isOfOrder)).flatMap(\.sentences)
    }
    let compared = RowsCompared(
      before: mirror, after: subject, schemaBefore: before, schemaAfter: present)
    trip.rows = compared.differences(in: trip.touched)
    if mayCountAnew { trip.counters = compared.lowerCounters(in: trip.touched) }
    return trip.left.isEmpty && trip.rows.isEmpty
  }

  /// - Returns: whether the subject equals the mirror after the way up.
  private func compareAgain(_ trip: inout Trip) throws(ReplayConnection.Failure) -> Bool {
    let present = try schema(of: subject)
    let meaning = SchemaDifference(from: schema, to: present).meaning(on: mirror.connection)
    let isOrder = meaning.allSatisfy(\.isOfOrder)
    trip.again = trip.isOfOrder && isOrder ? [] : meaning.flatMap(\.sentences)
    trip.rowsAgain = RowsCompared(before: mirror, after: subject, schemaBefore: schema, schemaAfter: present)
      .differences(in: trip.touched)
    return trip.again.isEmpty && trip.rowsAgain.isEmpty && meaning.isEmpty
  }

  /// Runs a script that drops tables with the opposite setting of foreign keys, from the state of the mirror.
  private func cascade(
    of trace: ReplayConnection.Trace, _ script: ToolScript, isDown: Bool, from schema: Schema
  ) -> [Cascade] {
    guard let first = trace.firstDrop, let keys = try? mirror.foreignKeys(), !keys.isEmpty
    else {
      return []
    }
    var reached = trace.touched
    var rest = Array(reached)
    var children: [FoldedName: [FoldedName]] = [:]
    for key in keys { children[key.parent, default: []].append(key.child) }
    while let parent = rest.popLast() {
      for child in children[parent] ?? [] where reached.insert(child).inserted { rest.append(child) }
    }
    let victims = reached.subtracting(trace.dropped)
    guard keys.contains(where: { trace.touched.contains($0.parent) }), !victims.isEmpty else { return [] }
    do {
      let other = try spare ?? makeSpare()
      spare = other
      try other.become(mirror)
      _ = try other.run(script, enforcing: !enforcing)
      let (free, held) = enforcing ? (other, subject) : (subject, other)
      let rows = RowsCompared(
        before: free, after: held, schemaBefore: try free.schema(), schemaAfter: try held.schema()
      ).differences(in: victims).filter { $0.lost > 0 }
      return rows.isEmpty
        ? [] : [Cascade(isDown: isDown, place: first.place, dropped: first.table, rows: rows)]
    } catch {
      // With the opposite setting it does not run at all.
      return []
    }
  }
}
