internal import PhaseSQL
internal import PhaseSQLite

/// Migrates one database with one catalog of migrations.
///
/// Ask for a plan, look at it, run it. A migrator belongs to the thread that made it.
///
/// ```swift
/// let catalog = try Catalog(folder: "migrations")
/// let migrator = try Migrator(database: "shop.db", catalog: catalog)
/// let plan = try migrator.plan(.upAll)
/// try migrator.run(plan) { event in print(event) }
/// ```
public final class Migrator {
  /// What a migrator may do with the database.
  public enum Access: Sendable, Hashable {
    /// Reads only, and never makes a file: for plans, status and checks.
    case reading
    /// Reads and writes a file that exists.
    case writing
    /// Reads and writes, and makes a missing file.
    case creating
  }

  /// The migrations that the database is to have.
  public internal(set) var catalog: Catalog
  /// The options of the next call.
  public var options: Options {
    didSet {
      connection.ignoredTables = NamePatterns(options.ignoreTables)
      tried = TransitionTrials()
    }
  }
  /// The path, or `(borrowed)` for a handle without one.
  public let database: String
  let connection: Connection
  /// False when there is no file yet.
  public let isThere: Bool
  /// What the last plan tried without rows, which the run that follows need not try again.
  var tried = TransitionTrials()

  /// Opens a database file.
  ///
  /// - Throws: `database-not-found`, `database-unreadable`, `database-read-only`, `not-a-database`,
  ///   `database-damaged`, `database-busy`, or `sqlite-too-old` for a library before 3.35.
  public init(
    database path: String, catalog: Catalog, access: Access = .creating, options: Options = Options()
  ) throws(MigrationError) {
    self.catalog = catalog
    self.options = options
    database = path
    if access == .reading {
      let opened = try DatabaseFile.openForReading(path, wait: options.wait)
      isThere = opened != nil
      if let opened {
        connection = opened
      } else {
        connection = try lifting("opening a database in memory") { () in
          try Connection(path: "", mode: .memory)
        }
      }
    } else {
      isThere = true
      connection = try DatabaseFile.openForWriting(path, creating: access == .creating, wait: options.wait)
    }
    connection.ignoredTables = NamePatterns(options.ignoreTables)
  }

  init(_ connection: Connection, _ name: String, catalog: Catalog, options: Options) {
    self.catalog = catalog
    self.options = options
    self.connection = connection
    database = name
    isThere = true
    connection.ignoredTables = NamePatterns(options.ignoreTables)
  }

  /// Borrows a handle that the application already has, from GRDB, SQLite.swift or `sqlite3_open`.
  ///
  /// The handle is not closed. Settings that phases need are put in force while a plan runs and put back as they
  /// were; the handle's own authorizer and progress handler are removed, because SQLite cannot give them back.
  ///
  /// - Parameter handle: a `sqlite3 *` without an open transaction, not used by other code while the migrator lives.
  /// - Throws: `sqlite-too-old` for a library before 3.35.
  @unsafe public init(
    borrowing handle: OpaquePointer, catalog: Catalog, options: Options = Options()
  ) throws(MigrationError) {
    try DatabaseFile.refuseOldSQLite()
    self.catalog = catalog
    self.options = options
    connection = unsafe Connection(borrowing: handle)
    database = connection.path.isEmpty ? "(borrowed)" : connection.path
    isThere = true
    connection.ignoredTables = NamePatterns(options.ignoreTables)
  }

  /// Makes a database in memory that has every phase of a catalog, for tests.
  ///
  /// - Throws: the error of the first phase that does not run.
  public static func inMemory(_ catalog: Catalog, options: Options = Options()) throws(MigrationError)
    -> Migrator
  {
    let connection = try lifting("opening a database in memory") { () in
      try Connection(path: "", mode: .memory)
    }
    let migrator = Migrator(connection, "(memory)", catalog: catalog, options: options)
    try migrator.up()
    return migrator
  }

  /// Plans what would be done; nothing runs and nothing is written.
  ///
  /// - Throws: errors that make the whole plan impossible, such as `unknown-phase`, `edited-after-apply` and
  ///   `schema-drift`. A phase that may not run yet is no error; it is in ``Plan/held``.
  public func plan(_ selection: Selection) throws(MigrationError) -> Plan {
    try Planning(migrator: self).readingPlan(selection)
  }

  /// Plans the way down of a database that is too new for a version: the phases from the first one that excludes the
  /// version as too old, with their SQL from the ledger. If there is no such phase, the plan has no step.
  ///
  /// The version counts as live beside those that checked in. If the version needs a pending phase, this plan does not
  /// apply it; ``up(running:instance:observe:)`` does.
  ///
  /// - Throws: `reversal-lossy` when a phase would not restore everything, apart from what its `@loses` declares;
  ///   `reversal-blocked` when one cannot come down; `version-not-live` when the version may not run on the schema
  ///   before these phases, either; `phase-held` when a version that is live needs one of them; `schema-drift`.
  public func plan(settling version: LiveVersion) throws(MigrationError) -> Plan {
    try Settling(migrator: self).plan(for: version)
  }

  /// Runs a plan, each step in a transaction of its own.
  ///
  /// - Parameters:
  ///   - plan: from ``plan(_:)`` of a migrator on the same database.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: the first failure, with what it left behind in `standing` and `state`.
  @discardableResult
  public func run(_ plan: Plan, observe: @escaping (Event) -> Void = { _ in }) throws(MigrationError)
    -> RunResult
  {
    try PlanRun(migrator: self).run(plan, observe: observe)
  }

  /// Whether every phase of the catalog is applied and none is half done.
  ///
  /// Reads only the ledger; for drift and edited files use ``status()``.
  public var isUpToDate: Bool {
    get throws(MigrationError) { try PlanRun(migrator: self).isUpToDate() }
  }

  /// Applies every phase whose gates are open.
  ///
  /// - Parameter observe: told what happens, on the calling thread.
  /// - Throws: what ``plan(_:)`` and ``run(_:observe:)`` throw.
  @discardableResult
  public func up(observe: @escaping (Event) -> Void = { _ in }) throws(MigrationError) -> RunResult {
    try run(try plan(.upAll), observe: observe)
  }

  /// Brings the schema up for a version of the application that starts now, and records that it runs.
  ///
  /// The version counts as live beside those that checked in, so that no phase goes up for which it is too old. It checks
  /// in when the phases are applied.
  ///
  /// - Parameters:
  ///   - version: as in `shop@2.0`.
  ///   - instance: the name of this copy of the application; this machine and process unless given.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: `version-invalid`; `version-not-live` when the version may not run on the resulting schema: the
  ///   application must not start. Also what ``plan(_:)`` and ``run(_:observe:)`` throw.
  @discardableResult
  public func up(
    running version: String, instance: String? = nil, observe: @escaping (Event) -> Void = { _ in }
  ) throws(MigrationError) -> RunResult {
    try PlanRun(migrator: self).up(running: try LiveVersion(version), instance: instance, observe: observe)
  }

  /// Reverses every phase that was applied after a phase or a checkpoint.
  ///
  /// - Parameters:
  ///   - target: where to stop, as `.checkpoint("before-release")`; a phase stays applied itself.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: what ``plan(_:)`` and ``run(_:observe:)`` throw; `reversal-blocked` before anything is reversed.
  @discardableResult
  public func down(
    to target: Selection.Target, observe: @escaping (Event) -> Void = { _ in }
  ) throws(MigrationError) -> RunResult {
    try run(try plan(.downTo(target)), observe: observe)
  }

  /// Brings a database that is too new back to the schema of a version, before the application opens it: for instance
  /// when the user reinstalled a former version.
  ///
  /// Runs only ways down that restore everything, apart from losses that `@loses` declares. Later writes stay if both
  /// schemas have a place for them. A database that is not newer stays unchanged. The catalog may be empty, because
  /// the ledger has the ways down.
  ///
  /// - Parameters:
  ///   - version: as in `shop@2.0`.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: `version-invalid`, and what ``plan(settling:)`` and ``run(_:observe:)`` throw.
  @discardableResult
  public func settle(
    for version: String, observe: @escaping (Event) -> Void = { _ in }
  ) throws(MigrationError) -> RunResult {
    try run(try plan(settling: try LiveVersion(version)), observe: observe)
  }

  // MARK: - Beside other work

  /// Does the same as ``up(observe:)`` on a thread of its own. Cancelling the task stops the run as an operator's
  /// Ctrl-C does: the running transaction is rolled back, and earlier ones stay.
  ///
  /// - Parameter observe: told what happens, on that thread.
  @discardableResult
  public nonisolated(nonsending) func up(
    observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) async throws(MigrationError) -> RunResult {
    try await PlanRun(migrator: self).onThreadOfItsOwn { migrator throws(MigrationError) in
      try migrator.up(observe: observe)
    }
  }

  /// Does the same as ``up(running:instance:observe:)`` on a thread of its own, and can be cancelled.
  @discardableResult
  public nonisolated(nonsending) func up(
    running version: String, instance: String? = nil, observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) async throws(MigrationError) -> RunResult {
    try await PlanRun(migrator: self).onThreadOfItsOwn { migrator throws(MigrationError) in
      try migrator.up(running: version, instance: instance, observe: observe)
    }
  }

  /// Does the same as ``down(to:observe:)`` on a thread of its own, and can be cancelled.
  @discardableResult
  public nonisolated(nonsending) func down(
    to target: Selection.Target, observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) async throws(MigrationError) -> RunResult {
    try await PlanRun(migrator: self).onThreadOfItsOwn { migrator throws(MigrationError) in
      try migrator.down(to: target, observe: observe)
    }
  }

  /// Does the same as ``settle(for:observe:)`` on a thread of its own, and can be cancelled.
  @discardableResult
  public nonisolated(nonsending) func settle(
    for version: String, observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) async throws(MigrationError) -> RunResult {
    try await PlanRun(migrator: self).onThreadOfItsOwn { migrator throws(MigrationError) in
      try migrator.settle(for: version, observe: observe)
    }
  }

  /// Applies every phase whose gates are open, and gives the events to a loop: `for try await event in
  /// migrator.up()`.
  ///
  /// The run begins with the loop, on a thread of its own. It waits while the body of the loop works, so that only one of
  /// them uses the migrator. A loop that is left, or whose task is cancelled, stops the run as Ctrl-C stops the command.
  @_disfavoredOverload
  public func up() -> some AsyncSequence<Event, MigrationError> {
    RunEvents(migrator: self, selection: .upAll)
  }

  /// Reverses every phase that was applied after a phase or a checkpoint, and gives the events to a loop, as in
  /// ``up()``.
  ///
  /// - Parameter target: where to stop, as `.checkpoint("before-release")`; a phase stays applied itself.
  @_disfavoredOverload
  public func down(to target: Selection.Target) -> some AsyncSequence<Event, MigrationError> {
    RunEvents(migrator: self, selection: .downTo(target))
  }

  // MARK: - What is there

  /// Where every phase stands. Reads only.
  public func status() throws(MigrationError) -> Status {
    try StatusWork(migrator: self).status()
  }

  /// Checks drift, the ledger, foreign keys and every claim in force on the live database. Reads only.
  public func verify() throws(MigrationError) -> VerifyReport {
    try Verifying(migrator: self).verify()
  }

  /// Every point to which `down` can return, oldest first. Named points to which it no longer can are included.
  public func checkpoints() throws(MigrationError) -> [Checkpoint] {
    try CheckpointWork(migrator: self).checkpoints()
  }

  /// Gives the present point a name.
  ///
  /// - Parameters:
  ///   - name: letters, digits, `-`, `_` and `.`. It must not be a number, because unnamed checkpoints have numbers.
  ///   - note: anything an operator wants to remember.
  /// - Throws: `invalid-name`, `checkpoint-exists`, `ledger-missing`, `schema-drift`, `transaction-open`,
  ///   `database-busy`.
  @discardableResult
  public func createCheckpoint(_ name: String, note: String = "") throws(MigrationError) -> Checkpoint {
    try CheckpointWork(migrator: self).create(name, note: note)
  }

  /// Gives the present point a name, and copies the whole database.
  ///
  /// The copy is made through SQLite's backup API (sqlite.org/backup.html), so it includes what is still in a
  /// write-ahead log, and in WAL mode no writer waits for it. The name is recorded after the copy is complete.
  ///
  /// - Parameters:
  ///   - name: as in ``createCheckpoint(_:note:)``.
  ///   - note: anything an operator wants to remember.
  ///   - folder: where the copy goes, as `shop@NAME.db` for a database `shop.db`, with its checksum beside it.
  /// - Throws: also `snapshot-failed`, `already-exists`, `database-damaged`, `ledger-moved` and `interrupted`.
  @discardableResult
  public func createCheckpoint(
    _ name: String, note: String = "", snapshotIn folder: String
  ) throws(MigrationError) -> Checkpoint {
    try SnapshotWork(migrator: self).createCheckpoint(name, note: note, snapshotIn: folder)
  }

  /// Records that an instance of an application runs a version, or refuses a version that may not run on the schema
  /// as it is.
  ///
  /// A version may run from the largest lower bound of the applied phases, which are in the ledger, up to the smallest
  /// upper bound of the pending ones, which are in the catalog: a catalog without migrations gives no upper bound. An
  /// application checks in when it starts, and again before the check-in is forgotten.
  ///
  /// - Parameter instance: the name of the running copy, as in `web-1`; a later check-in of the same instance replaces
  ///   the earlier one.
  /// - Throws: `version-not-live` when the version may not run, and then nothing is recorded; `ledger-missing` before
  ///   the first phase went up, `invalid-name` for an empty instance, `database-busy`.
  public func checkIn(_ live: LiveVersion, instance: String) throws(MigrationError) {
    _ = try CheckingIn(migrator: self).checkIn(live, instance: instance)
  }

  /// Starts to track a database that has tables: gives it a ledger, and runs nothing on it.
  ///
  /// The baseline and the phases up to the named one are run on a database in memory. When that leads to the schema
  /// that the database has, and every `@verify` of those phases holds on its rows, the phases are recorded as applied,
  /// in one transaction; from then on they can be reversed like any other.
  ///
  /// - Parameter phase: the last phase that the database already has, by its id or a prefix that names one phase; nil
  ///   when it has none and its schema is the baseline's.
  /// - Returns: the phases recorded as applied, in folder order; empty when the database is at its baseline.
  /// - Throws: `ledger-exists`, `schema-drift` with the difference when the schemas disagree, `verify-failed`,
  ///   `unknown-phase`, `ambiguous-phase`, `database-busy`, and what the SQL of baseline and phases throws.
  @discardableResult
  public func adopt(at phase: String? = nil) throws(MigrationError) -> [PhaseID] {
    try Adopting(migrator: self).adopt(at: phase).phases
  }

  /// Takes every pending phase up, down and up again on a private copy of the database, and compares its rows. It only
  /// reads the database; ``record(_:)`` records what it showed.
  ///
  /// - Throws: `database-not-found`, `schema-drift`, `edited-after-apply`, `out-of-order`, `phase-in-progress`,
  ///   `rehearsal-on-empty` when a phase touches a table without rows, `rehearsal-copy-failed`, `interrupted`.
  public func rehearse() throws(MigrationError) -> RehearsalReport { try rehearse(.pending) }

  /// Records in the ledger what a rehearsal showed, where ``plan(_:)`` finds it.
  ///
  /// - Throws: `ledger-missing` for a database without one, `transaction-open`, `database-busy`, `database-read-only`.
  public func record(_ report: RehearsalReport) throws(MigrationError) { try record(report.evidence) }
}
