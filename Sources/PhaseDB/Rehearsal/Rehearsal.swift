internal import PhaseSQL
internal import PhaseSQLite

/// Takes phases up, down and up again on a copy of a database, with the same engine that runs them on the database
/// itself, and compares the rows.
final class Rehearsal {
  let copy: DatabaseCopy
  let connection: Connection
  let engine: Engine
  /// What is known of the copy since the last step.
  var knowledge: Knowledge
  let catalog: Catalog
  let runner: Runner
  let now: () -> Timestamp
  let cancellation: Cancellation
  let allowsEmpty: Bool
  let observe: (RehearsalEvent) -> Void
  /// How many connections read the copy at once.
  let readers: Int
  /// The digest of the copy; nil when the copy has changed since it was read.
  var known: DatabaseDigest?

  /// Virtual tables that could not be compared, each with the reason.
  var unread: [String: String] = [:]

  /// The stubs that influenced the rows of a table, by every name that the table had.
  private var stubbed: [FoldedName: Set<String>] = [:]

  /// How many rows of a table are shown.
  static let shownRows = 10

  init(
    on copy: DatabaseCopy, catalog: Catalog, readers: Int, allowsEmpty: Bool, functions: [FunctionStub] = [],
    runner: Runner, pacing: Options.Pacing,
    now: @escaping () -> Timestamp, cancellation: Cancellation, observe: @escaping (RehearsalEvent) -> Void
  ) throws(MigrationError) {
    self.copy = copy
    self.catalog = catalog
    self.readers = readers
    self.allowsEmpty = allowsEmpty
    self.runner = runner
    self.now = now
    self.cancellation = cancellation
    self.observe = observe
    connection = try copy.openForRehearsal()
    try lifting("giving the copy the functions of the settings") { [connection] () in
      try FunctionStub.define(functions, on: connection)
    }
    knowledge = try Knowledge(of: connection)
    engine = Engine(
      on: connection, for: .rehearsal,
      trials: TransitionTrials(functions: functions), runner: runner, now: now,
      wait: .seconds(5), pacing: pacing, cancellation: cancellation, observe: { _ in })
  }

  /// Runs the baseline on an empty copy.
  func run(baseline: Script) throws(MigrationError) {
    let discipline = try ConnectionDiscipline.begin(on: connection)
    try discipline.whileInForce { () throws(MigrationError) in
      let transaction = try lifting("starting a transaction") { () in try connection.begin() }
      _ = try GuardedScript(baseline, on: connection, isBaseline: true).run()
      do throws(SQLiteError) {
        try transaction.commit()
      } catch {
        throw MigrationError(error, while: "committing the baseline on the copy")
      }
    }
    knowledge = try Knowledge(of: connection)
  }

  /// Rehearses phases one after the other.
  ///
  /// - Parameters:
  ///   - order: the phases in the order in which they would go up.
  ///   - chosen: the only phase to rehearse, after the others have been applied; nil for all.
  func run(
    _ order: [(id: PhaseID, phase: Phase)], chosen: PhaseID?
  ) throws(MigrationError) -> [RehearsedPhase] {
    var rehearsed: [RehearsedPhase] = []
    let count = chosen == nil ? order.count : 1
    for (id, phase) in order {
      if let chosen, chosen != id {
        try prepare(id, phase)
        continue
      }
      observe(.began(id, number: rehearsed.count + 1, count: count))
      let result = try RoundTrip(id, phase, in: self).run()
      observe(.finished(result))
      rehearsed.append(result)
      // The next phase would run on a wrong schema.
      if result.failed == .up || result.failed == .again { break }
    }
    return rehearsed
  }

  private func prepare(_ id: PhaseID, _ phase: Phase) throws(MigrationError) {
    let report: StepReport
    connection.stubs?.forget()
    do throws(MigrationError) {
      (report, knowledge) = try engine.runAlone(id, phase, .up, in: catalog)
    } catch {
      throw onCopy(error)
    }
    _ = followStubs(phase, report.writes)
    known = nil
    observe(.prepared(id, milliseconds: report.times.milliseconds))
  }

  /// Remembers which rows stubs influenced.
  ///
  /// - Parameter writes: what the phase wrote on its way up.
  /// - Returns: the stubs that earlier phases called, and that so influenced what this phase touches.
  func followStubs(_ phase: Phase, _ writes: WriteSet) -> Set<String> {
    guard let stubs = connection.stubs else { return [] }
    let texts = [phase.up, phase.down] + phase.verifications.map(\.query)
    let words = texts.reduce(into: Set<FoldedName>()) { $0.formUnion(SQLTokens.identifiers(in: $1.text)) }
    // To make an index, SQLite reads rows without reporting it.
    let named = words.intersection(knowledge.schema.objects.map(\.key.name))
    let written = named.union(writes.tables).union(writes.columns.keys).union(writes.alteredTables)
    let earlier = written.union(writes.readTables).reduce(into: Set<String>()) {
      $0.formUnion(stubbed[$1] ?? [])
    }
    let all = earlier.union(stubs.called)
    if !all.isEmpty { for name in written { stubbed[name, default: []].formUnion(all) } }
    return earlier
  }

  /// The present state of the copy.
  func state(of id: PhaseID) throws(MigrationError) -> CopyState {
    let began = ContinuousClock.now
    let state = try onCopy { () in
      try CopyState(copy, readers: readers, known: known, cancellation: cancellation)
    }
    if known == nil {
      observe(.digested(id, rows: state.rows, milliseconds: (ContinuousClock.now - began).milliseconds))
    }
    known = nil
    unread.merge(state.digest.unread) { first, _ in first }
    return state
  }

  /// Runs a body that reads the copy.
  func onCopy<Result>(_ body: () throws -> Result) throws(MigrationError) -> Result {
    do {
      return try body()
    } catch let error as MigrationError {
      throw onCopy(error)
    } catch let error as SQLiteError {
      throw DatabaseCopy.Purpose.rehearsal.error(error, while: "reading the copy", copy.path)
    } catch {
      throw MigrationError(.sqliteFailed, "reading the copy: \(error)")
    }
  }

  /// Turns an error of the copy into one of the rehearsal. The database itself was not touched.
  func onCopy(_ error: MigrationError) -> MigrationError {
    var error = error
    if [.databaseFull, .databaseReadOnly, .batchPaused].contains(error.id) {
      error = DatabaseCopy.Purpose.rehearsalFailed("on the copy: \(error.message)")
    }
    error.state = "nothing was changed; the copy was removed"
    error.standing = .unchanged
    return error
  }
}

extension DatabaseCopy.Purpose {
  /// Room for the copy, and a little for what phases write to it.
  static let rehearsal = DatabaseCopy.Purpose(spare: { $0 / 10 + (16 << 20) }) { place, why in
    rehearsalFailed("cannot make the copy in \(place): \(why)")
  }

  fileprivate static func rehearsalFailed(_ message: Prose) -> MigrationError {
    MigrationError(
      .rehearsalCopyFailed, message, state: "nothing was changed; the copy was removed",
      help: ["name a writable folder with enough free space: --copy-to DIR"])
  }
}

extension DatabaseCopy {
  /// Opens a connection on the copy for a rehearsal.
  ///
  /// The copy is in WAL mode, whatever mode the database is in. So a reader that began before a phase still sees the
  /// rows from before it, and they can be compared without another copy.
  func openForRehearsal() throws(MigrationError) -> Connection {
    try lifting("opening the copy") { () in
      let connection = try open(.readWrite)
      guard try connection.value("PRAGMA journal_mode = WAL") == "wal" else {
        throw Purpose.rehearsalFailed(
          "the file system of \(path) does not let SQLite keep a write-ahead log")
      }
      // A run that was going on when the copy was made does not go on in the copy.
      if case .present = try Ledger.presence(in: connection) {
        try connection.execute("DELETE FROM phasedb_lease")
      }
      return connection
    }
  }
}
