internal import PhaseSQL
internal import PhaseSQLite

/// What a probe did in a rehearsal when its data was broken on purpose. A probe that cannot fail is worse than none.
package struct RedProbe: Sendable, Hashable {
  package enum Outcome: Sendable, Hashable {
    /// It failed. `after` says what was broken, as in "every orders.name is NULL"; it is empty when the probe fails
    /// on the rows as they are. `saying` is what the probe said.
    case failed(after: Prose, saying: String)
    /// It never failed in all attempts.
    case never(attempts: Int)
    /// The result is unknown: why, as the end of a sentence.
    case unknown(why: Prose)
    /// It is a probe of the settings. Rehearsals do not ask these.
    case notAsked
  }

  package let title: String
  package let outcome: Outcome
  /// Whether its author wrote the SQL that makes it fail.
  package let hasOwnSQL: Bool

  /// The id of the finding for a probe that never failed.
  package static let finding = "probe-never-red"

  /// Whether it is that finding.
  package var isNeverRed: Bool { if case .never = outcome { true } else { false } }

  /// What to do about it; nil when all is well.
  package var remedy: Prose? {
    switch outcome {
    case .failed, .notAsked: nil
    case .never, .unknown:
      hasOwnSQL
        ? "correct its query, or the SQL under its @red"
        : "write -- @red under its query, and SQL that makes it fail on the copy"
    }
  }

  /// Breaks what each probe of a phase reads, in transactions that are rolled back, until the probe fails.
  ///
  /// - Throws: `interrupted`.
  static func all(
    of phase: Phase, on connection: Connection, _ cancellation: Cancellation
  ) throws(MigrationError) -> [RedProbe] {
    guard !phase.probes.isEmpty else { return [] }
    var probes: [RedProbe] = []
    for probe in phase.probes {
      var outcome = RedProbe.Outcome.notAsked
      if let query = probe.query {
        let breaking = Breaking(probe, query, on: connection, cancellation)
        do throws(MigrationError) {
          outcome = try breaking.outcome()
        } catch {
          guard error.id != .interrupted, !cancellation.isRequested else { throw MigrationError.stopped() }
          outcome = .unknown(why: error.message)
        }
      }
      if cancellation.isRequested { throw MigrationError.stopped() }
      probes.append(RedProbe(title: probe.title, outcome: outcome, hasOwnSQL: probe.red != nil))
    }
    return probes
  }
}

/// Breaks the data that one probe reads, on a copy.
private struct Breaking {
  private let probe: Probe
  private let query: Script
  private let connection: Connection
  private let sampler: Sampler
  private let end: ContinuousClock.Instant

  /// The most time for one probe.
  private static let deadline = Duration.seconds(20)
  /// The value for `:since`: so early that every row counts as newer.
  private static let longAgo = Timestamp(text: "0001-01-01T00:00:00.000Z")

  init(_ probe: Probe, _ query: Script, on connection: Connection, _ cancellation: Cancellation) {
    (self.probe, self.query, self.connection) = (probe, query, connection)
    sampler = Sampler(connection: connection, sources: [:], cancellation: cancellation)
    end = .now + Self.deadline
  }

  /// - Throws: when the copy cannot be read or written. All changes are rolled back.
  func outcome() throws(MigrationError) -> RedProbe.Outcome {
    // As in phases: no foreign key deletes or refuses rows, and a text in double quotes is a name.
    let discipline = try ConnectionDiscipline.begin(on: connection)
    return try discipline.whileInForce { () throws(MigrationError) in
      let transaction = try lifting("starting a transaction on the copy") { () in try connection.begin() }
      let outcome = try brokenOutcome()
      // It ends without a commit, so everything is rolled back.
      _ = consume transaction
      return outcome
    }
  }

  private func brokenOutcome() throws(MigrationError) -> RedProbe.Outcome {
    var before: Double?
    if probe.isRelative {
      let sample = sample(before: nil)
      guard let value = sample.value else {
        return .unknown(why: "what it was before cannot be told: \(sample.reason)")
      }
      before = value
      let unbroken = self.sample(before: before)
      if unbroken.outcome == .unknown { return .unknown(why: "\(unbroken.reason)") }
    }
    if let red = probe.red {
      do throws(MigrationError) {
        _ = try limited { () throws(MigrationError) in try GuardedScript(red, on: connection).run() }
      } catch {
        let place = error.place.map { " at \($0)" } ?? ""
        return .unknown(why: "the SQL of its @red fails\(place): \(error.message)")
      }
      let sample = sample(before: before)
      switch sample.outcome {
      case .fails: return .failed(after: "its @red ran", saying: sample.reason)
      case .passes: return .never(attempts: 1)
      case .unknown: return .unknown(why: "after its @red ran, \(sample.reason)")
      }
    }
    let unbroken = sample(before: before)
    if unbroken.outcome == .fails {
      return .failed(after: "", saying: unbroken.reason)
    }
    return try outcome(before: before, unbroken)
  }

  /// If the author wrote no SQL for this: breaks each thing that the probe reads, one after the other.
  private func outcome(before: Double?, _ unbroken: Sample) throws(MigrationError) -> RedProbe.Outcome {
    let reads = try lifting("compiling the probe '\(probe.title)'") { () in try self.reads() }
    guard let reads else { return .unknown(why: "\(unbroken.reason)") }
    var attempts = 0
    var passes = unbroken.outcome == .passes
    var reason = unbroken.reason
    var empty: [String] = []
    for (table, columns) in reads.sorted(by: { $0.key < $1.key }) {
      let shape = try lifting("reading \(table)") { () in try Table(SchemaName(table), on: connection) }
      guard let shape else { continue }
      let place = "main.\(SQLText.identifier(shape.name.spelled))"
      if try lifting("reading \(table)", { () in try connection.value("SELECT 1 FROM \(place) LIMIT 1") })
        == nil
      {
        empty.append(shape.name.spelled)
        continue
      }
      for attempt in Attempt.all(of: shape, columns, place) {
        guard ContinuousClock.now < end else { return overdue }
        guard try isDone(attempt) else {
          // An interrupted statement may end the transaction around it (sqlite.org/c3ref/interrupt.html).
          if connection.isAutocommit { return overdue }
          continue
        }
        attempts += 1
        let sample = sample(before: before)
        try undo()
        switch sample.outcome {
        case .fails: return .failed(after: attempt.what, saying: sample.reason)
        case .passes: passes = true
        case .unknown: reason = sample.reason
        }
      }
    }
    if !empty.isEmpty {
      return .unknown(why: "it reads \(empty.joined(separator: ", ")), where the copy has no row to break")
    }
    return passes ? .never(attempts: attempts) : .unknown(why: "\(reason)")
  }

  private var overdue: RedProbe.Outcome {
    .unknown(why: "breaking what it reads took more than \(DurationText.print(Self.deadline))")
  }

  private func sample(before: Double?) -> Sample {
    sampler.sample(probe, since: Self.longAgo, before: before, every: .seconds(8))
  }

  /// The columns that the query reads, by table, as SQLite reports them while it compiles the query; nil when it does not
  /// compile.
  private func reads() throws(SQLiteError) -> [String: Set<SchemaName>]? {
    var reads: [String: Set<SchemaName>] = [:]
    connection.setAuthorizer { action in
      guard action.code == .read, let table = action.first, action.database ?? "main" == "main" else {
        return true
      }
      // For a query that only counts rows, SQLite reports a column without a name.
      let columns = action.second.flatMap { $0.isEmpty ? nil : SchemaName($0) }
      reads[table, default: []].formUnion(columns.map { [$0] } ?? [])
      return true
    }
    defer { connection.removeAuthorizer() }
    do throws(SQLiteError) {
      _ = try connection.prepare(query.text)
    } catch {
      return nil
    }
    return reads
  }

  /// Runs the SQL of an attempt behind a savepoint.
  ///
  /// - Returns: whether it changed rows. If not, it is undone.
  private func isDone(_ attempt: Attempt) throws(MigrationError) -> Bool {
    try lifting("starting a savepoint on the copy") { () in try connection.execute("SAVEPOINT phasedb_red") }
    let changes = connection.totalChanges
    do throws(SQLiteError) {
      try limited { () throws(SQLiteError) in try connection.execute(attempt.sql) }
    } catch {
      // A constraint, a trigger or a missing function may refuse it. A full disk ends the transaction.
      guard !connection.isAutocommit else { return false }
      try undo()
      return false
    }
    if connection.totalChanges > changes { return true }
    try undo()
    return false
  }

  private func undo() throws(MigrationError) {
    try lifting("undoing it on the copy") { () in
      try connection.undo(since: "phasedb_red")
    }
  }

  private func limited<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let left = max(.milliseconds(1), end - .now)
    return try connection.limited(to: CostLimit(.reading(within: left)), body)
  }
}

/// One way to break the rows of a table.
private struct Attempt {
  let sql: String
  /// What it does, as the rest of a sentence that begins with "after".
  let what: Prose

  /// - Parameter columns: those that the probe reads.
  static func all(of table: Table, _ columns: Set<SchemaName>, _ place: String) -> [Attempt] {
    let name = table.name.spelled
    var attempts = [Attempt(sql: "DELETE FROM \(place)", what: "every row of \(name) was deleted")]
    // To change a key only moves a row and breaks little, so it comes last.
    let read = table.columns.filter { columns.contains($0.name) && !$0.isGenerated }
    for column in read.filter({ $0.keyPosition == 0 }) + read.filter({ $0.keyPosition > 0 }) {
      let spelled = SQLText.identifier(column.name.spelled)
      attempts += values(spelled, place).map { value in
        Attempt(
          sql: "UPDATE OR IGNORE \(place) SET \(spelled) = \(value.sql)",
          what: "\(column.name) of \(name) was set to \(value.what)")
      }
    }
    // Unique columns stay unique: a number key gets a new number, and other rows are skipped.
    let copied = table.columns.filter { column in
      !column.isGenerated && !(column.keyPosition == 1 && column.type == "integer")
    }.map { SQLText.identifier($0.name.spelled) }.joined(separator: ", ")
    guard !copied.isEmpty else { return attempts }
    attempts.append(
      Attempt(
        sql: "INSERT OR IGNORE INTO \(place) (\(copied)) SELECT \(copied) FROM \(place)",
        what: "the rows of \(name) were there twice"))
    return attempts
  }

  private static func values(_ column: String, _ place: String) -> [(sql: String, what: Prose)] {
    [
      ("NULL", "NULL"), ("''", "''"), ("0", "0"), ("-1", "-1"), ("9000000000000000000", "9e18"),
      ("datetime('now')", "the present moment"),
      ("CAST(strftime('%s', 'now') AS INTEGER)", "the present moment, in seconds"),
      ("(SELECT \(column) FROM \(place) LIMIT 1)", "the same value everywhere"),
    ]
  }
}
