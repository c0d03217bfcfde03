internal import PhaseDB
internal import PhaseSQLite

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A private database in some state: in memory if it is small, else in a file that is removed with this object.
final class StateCopy {
  let connection: Connection
  private let workshop: CopyWorkshop
  private let file: DatabaseCopy?

  init(
    _ connection: Connection, _ file: DatabaseCopy? = nil, in workshop: CopyWorkshop
  ) throws(MigrationError) {
    self.connection = connection
    self.file = file
    self.workshop = workshop
    try lifting("preparing a copy") { () in
      // After a crash the copy is not needed.
      try connection.execute("PRAGMA journal_mode = MEMORY")
      try connection.execute("PRAGMA synchronous = OFF")
      try workshop.clock.rule(connection)
      try FunctionStub.define(workshop.functions, on: connection)
      try connection.limit(to: CostLimit(.database(bytes: Int64(try connection.contentBytes))))
    }
    connection.turn(.foreignKeys, on: true)
    connection.turn(.doubleQuotedStringsInDML, on: true)
  }

  /// Another copy of the same state.
  func fork() throws(MigrationError) -> StateCopy { try workshop.copy(of: connection) }

  /// - Throws: `interrupted` when a stop was requested.
  func refuseCancelled() throws(MigrationError) {
    guard workshop.isStopped else { return }
    throw MigrationError.stopped()
  }

  var schema: Schema {
    get throws(MigrationError) {
      let schema = try lifting("reading the schema") { () in
        try Schema(of: connection, known: workshop.lastSchema)
      }
      workshop.lastSchema = schema
      return schema
    }
  }

  /// Makes the schema that was there before the first phase.
  func begin(with baseline: Script?) throws(MigrationError) {
    guard let baseline else { return }
    let discipline = try ConnectionDiscipline.begin(on: connection)
    try discipline.whileInForce { () throws(MigrationError) in
      let transaction = try lifting("starting a transaction") { () in try connection.begin() }
      _ = try GuardedScript(baseline, on: connection, isBaseline: true).run()
      try transaction.commit("committing the baseline")
    }
  }

  /// Applies the phases of a catalog that this state lacks.
  func goUp(with catalog: Catalog) throws(MigrationError) {
    try run(.upAll, catalog)
  }

  /// Reverses the last phases.
  ///
  /// - Parameter look: is called after each.
  func goDown(
    _ count: Int, after look: @escaping (PhaseID) throws(MigrationError) -> Void = { _ in }
  ) throws(MigrationError) {
    guard count > 0 else { return }
    var failure: MigrationError?
    try run(.down(count), try Catalog([])) { id in
      guard failure == nil else { return }
      do throws(MigrationError) { try look(id) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Removes the archives from which the way up would restore values.
  func forgetWhatDownTook() throws(MigrationError) {
    guard let ledger = try Knowledge(of: connection).ledger, ledger.format >= 2 else { return }
    try lifting("forgetting what the way down took") { () in
      try connection.execute(
        "UPDATE phasedb_archive SET state = 'left' WHERE direction = 'down' AND state = 'kept'")
    }
  }

  /// Runs phases as on a new database, where every gate is open: whether a phase may run is not the question here.
  private func run(
    _ selection: Selection, _ catalog: Catalog, after look: @escaping (PhaseID) -> Void = { _ in }
  ) throws(MigrationError) {
    let knowledge = try Knowledge(of: connection, known: workshop.lastSchema)
    let now = workshop.now
    let planner = try Planner(onCopy: knowledge, catalog, .ofNewCopy(at: now), at: now)
    let plan =
      selection.direction == .up
      ? try planner.up(selection, baseline: nil)
      : try planner.down(selection, checkpoints: [])
    if let held = plan.held.first { throw held.error() }
    let engine = Engine(
      on: connection, for: .copy, trials: workshop.trials, runner: workshop.runner,
      now: { now }, wait: .zero, pacing: Options.Pacing(pause: .zero), cancellation: workshop.cancellation
    ) { event in
      if case .committed(let id, _, _, _) = event { look(id) }
    }
    connection.stubs?.forget()
    let report = try engine.run(plan, from: knowledge)
    workshop.stubsOfPhases.formUnion(connection.stubs?.taken ?? [])
    workshop.lastSchema = report.knowledge.schema
  }
}
