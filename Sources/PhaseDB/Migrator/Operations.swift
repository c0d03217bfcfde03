internal import PhaseSQLite

// Functions that only the command line uses. The work itself is in the files of this folder.

extension Migrator {
  // MARK: - Ways to a state

  /// Plans the way to a state, up or down; without a step if the database is already there.
  ///
  /// - Parameters:
  ///   - contracts: whether contracts may go up on the way. A contract that is the destination may go up in any case.
  ///   - gates: overridden for this plan, beside those of the options.
  /// - Throws: `version-not-live` when no state can be reached now in which a version may run; what ``plan(_:)`` throws.
  package func plan(
    to destination: Destination, contracts: Bool = false, overriding gates: Set<Gate> = []
  ) throws(MigrationError) -> Plan {
    try Settling(migrator: self).plan(to: destination, contracts: contracts, overriding: gates)
  }

  /// Plans as ``plan(_:)`` does.
  ///
  /// - Parameter gates: overridden for this plan, beside those of the options.
  package func plan(_ selection: Selection, overriding gates: Set<Gate>) throws(MigrationError) -> Plan {
    try Planning(migrator: self, options: options.overriding(also: gates)).readingPlan(selection)
  }

  /// Brings a database to a state, up or down.
  ///
  /// - Parameters:
  ///   - destination: a phase, a checkpoint, or a version that is to run.
  ///   - contracts: whether contracts may go up on the way. A contract that is the destination may go up in any case.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: what ``plan(to:contracts:)`` and ``run(_:observe:)`` throw.
  @discardableResult
  package func go(
    to destination: Destination, contracts: Bool = false, observe: @escaping (Event) -> Void = { _ in }
  ) throws(MigrationError) -> RunResult {
    try run(try plan(to: destination, contracts: contracts), observe: observe)
  }

  /// What the reversal of each applied phase would restore, with the present rows. Reads only.
  ///
  /// Phases are reversed from the last one on. For earlier phases, rows are counted only in tables that later phases
  /// did not touch.
  package func reversals() throws(MigrationError) -> [PhaseID: Reversal] {
    try WaysBack(migrator: self).reversals()
  }

  /// Says whether a version may run on the schema as it is, after a phase, or after everything that would go up now. Reads
  /// only, and records nothing.
  ///
  /// It assumes that the database has the ledger's schema; ``MayRunReport/notes`` say when it has drifted. The
  /// highest version is known only from the catalog's pending phases: a catalog without migrations gives none.
  ///
  /// - Throws: `ledger-missing` for a state before the first phase, `unknown-phase`, `ambiguous-phase`; with
  ///   ``Moment/plan`` what ``plan(_:)`` throws.
  package func mayRun(
    _ version: LiveVersion, after moment: Moment = .now
  ) throws(MigrationError) -> MayRunReport {
    try MayRun(migrator: self).report(on: version, after: moment)
  }

  /// Does the same as ``checkIn(_:instance:)``, and returns what it found.
  package func checkInReport(_ live: LiveVersion, instance: String) throws(MigrationError) -> CheckInReport {
    try CheckingIn(migrator: self).checkIn(live, instance: instance)
  }

  // MARK: - Where a database stands

  /// Where every phase of a folder stands. Reads only.
  ///
  /// The folder is read at the same time as the database, because with hundreds of phases both take equally long.
  /// Unreadable files are in ``Status/unread``; the state of the database comes from its ledger.
  ///
  /// - Throws: what ``init(database:catalog:access:options:)`` throws.
  package static func status(
    database path: String, folder: String, options: Options = Options()
  ) throws(MigrationError) -> Status {
    try StatusWork.status(database: path, folder: folder, options: options)
  }

  /// Findings from comparing the ledger with the catalog: phases edited after they were applied, and new migrations
  /// that sort before applied ones. Reads only.
  package func ledgerFindings() throws(MigrationError) -> [Finding] {
    try reading(connection) { () throws(MigrationError) in
      let planner = try Planning(migrator: self).planner(Knowledge(of: connection))
      return (try planner.folder.edited() + planner.folder.outOfOrder()).map { Finding($0, in: nil) }
    }
  }

  /// Accepts rows without a parent, so that ``verify()`` counts only later ones.
  ///
  /// - Parameters:
  ///   - tables: the tables of these rows.
  ///   - reason: why, for the log.
  /// - Throws: `nothing-to-accept` when every row of a table has its parent, `ledger-missing`, `database-busy`.
  package func accept(orphansOf tables: [String], reason: String) throws(MigrationError) {
    try Verifying(migrator: self).accept(orphansOf: tables, reason: reason)
  }

  /// Rows of the log with a wrong hash.
  package func brokenLogEntries() throws(MigrationError) -> [LogEntry] {
    try Verifying(migrator: self).brokenLogEntries()
  }

  /// The log, oldest first.
  ///
  /// - Parameter limit: how many of the newest entries; nil for all.
  package func log(limit: Int? = nil) throws(MigrationError) -> [LogEntry] {
    try CheckpointWork(migrator: self).log(limit: limit)
  }

  /// Answers the eight questions about phases, from evidence only. Reads only, and also works without a ledger.
  ///
  /// - Throws: `unknown-phase` for a migration that does not exist, and errors of reading the database.
  package func readiness(_ request: Readiness.Request) throws(MigrationError) -> Readiness {
    // Only a way back that was tried is proved, so trials get more time here.
    let most = options.mostTimeTried
    options.mostTimeTried = max(most, .seconds(20))
    defer { options.mostTimeTried = most }
    return try reading(connection) { () throws(MigrationError) in
      try ReadinessWork(self, request, try Knowledge(of: connection)).readiness()
    }
  }

  /// Counts what a phase caused since it began to go up. Reads only.
  ///
  /// - Parameter name: a phase that is applied or half done, or a prefix that names one.
  /// - Throws: `unknown-phase`, `ambiguous-phase`, `ledger-missing`; `not-applied` for one that came down, with the
  ///   place of its list.
  package func effects(of name: String) throws(MigrationError) -> EffectReport {
    try EffectWork(migrator: self).report(on: name)
  }

  /// Lists every counted row, in one read transaction.
  ///
  /// - Parameters:
  ///   - name: a phase that is applied or half done, or a prefix that names one.
  ///   - columns: gets the columns of the rows of each line of `@effects`, nil where they cannot be read.
  ///   - each: gets the rows.
  package func listEffects(
    of name: String, columns: ([[String]?]) -> Void, each: (EffectCounting.Row) -> Void
  ) throws(MigrationError) {
    try EffectWork(migrator: self).list(of: name, columns: columns, each: each)
  }

  // MARK: - Beginning and ending

  /// Does the same as ``adopt(at:)``, and returns what it found.
  package func adoption(at phase: String? = nil) throws(MigrationError) -> Adoption {
    try Adopting(migrator: self).adopt(at: phase)
  }

  /// The baseline of a database that no migration has changed yet. Reads only.
  ///
  /// - Throws: `database-not-found`, `ledger-exists` when phases made the schema, `statement-failed` when a statement
  ///   does not run without the application that made it, for instance without its functions and collations.
  package func baseline() throws(MigrationError) -> Baseline {
    try Adopting(migrator: self).baseline()
  }

  /// Writes the phases of a recipe for the schema of this database, and tries its expressions on the rows. Reads only.
  ///
  /// - Throws: `bad-recipe` when the words cannot be read, `recipe-refused` when the change does not fit the schema or
  ///   the rows, `database-not-found`.
  package func phases(_ request: RecipeRequest, as name: MigrationName) throws(MigrationError)
    -> WrittenPhases
  {
    guard isThere else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(database)",
        help: [
          "check the path given with --database", "or leave it out: the schema then comes from the folder",
        ])
    }
    return try reading(connection) { () throws(MigrationError) in
      let applied = Set(try Knowledge(of: connection).applied.map(\.id))
      let pending = catalog.phases.filter { !applied.contains($0.id) }
      return try RecipeWriter.phases(
        request, as: name, on: connection, called: database, before: pending,
        terms: options.scratchTerms)
    }
  }

  /// Gives applied phases the numbers that the folder gives them, if the folder has them token for token.
  ///
  /// Nothing runs. Archives, evidence, watches, effects and lanes of a phase follow it; the log keeps both names.
  ///
  /// - Returns: the phases that got another number; empty when every phase has the number of its file.
  /// - Throws: `ledger-missing`; `renumbering-refused` when a phase would come before or after others than it does now, or
  ///   has retired something; `phase-in-progress`, `lease-held`, `database-busy`.
  @discardableResult
  package func renumber() throws(MigrationError) -> [Renumbered] {
    try Renumbering(migrator: self).renumber()
  }

  /// Works out the baseline that replaces all phases up to one of them. Reads only.
  ///
  /// - Parameter name: the last phase, by its id or a prefix that names one phase.
  /// - Throws: `squash-refused` when not all of them are applied, others were applied between them, or something that they
  ///   retired is still kept; `ledger-missing`, `unknown-phase`, `phase-in-progress`, `edited-after-apply`,
  ///   `schema-drift`.
  package func squashing(to name: String) throws(MigrationError) -> Squash {
    try Squashing(migrator: self).squash(to: name)
  }

  /// Records that a baseline replaces applied phases. They can no longer come down.
  ///
  /// - Parameter phases: nil for those that the folder's baseline names.
  /// - Throws: `ledger-missing`, `lease-held`, `squash-incomplete`, `database-busy`.
  package func recordSquash(of phases: [PhaseID]?) throws(MigrationError) {
    try Squashing(migrator: self).record(phases)
  }

  /// What a purge of a phase would destroy. Reads only.
  ///
  /// - Throws: `unknown-phase`, `ambiguous-phase`, `ledger-missing`.
  package func purgeable(_ name: String) throws(MigrationError) -> Purge {
    try Purging(migrator: self).purgeable(name)
  }

  /// - Parameter limit: how long to search each archive for rows that an application has deleted since; nil to skip
  ///   that.
  package func purgeable(_ name: String, lookingForDeleted limit: Duration?) throws(MigrationError) -> Purge {
    try Purging(migrator: self).purgeable(name, lookingForDeleted: limit)
  }

  /// Destroys the archives and retired objects of a phase, from which its reversal would restore. No other command of
  /// phasedb does that.
  ///
  /// Afterwards an applied phase can no longer come down.
  ///
  /// - Parameters:
  ///   - name: the phase, or any prefix that names one.
  ///   - confirmed: the phase's id, as in ``Purge/phase`` or short, to confirm the loss.
  /// - Throws: `purge-unconfirmed` with what would be destroyed, `schema-drift`, `phase-in-progress`, `lease-held`,
  ///   `purge-impossible`, `transaction-open`, `database-busy`, and what ``purgeable(_:)`` throws.
  @discardableResult
  package func purge(_ name: String, confirmed: String?) throws(MigrationError) -> Purge {
    try Purging(migrator: self).purge(name, confirmed: confirmed)
  }

  /// Removes phasedb from a database: its ledger, its archives and what phases retired. The application's tables and rows
  /// stay as they are. `adopt` brings it back.
  ///
  /// - Parameters:
  ///   - name: the name of the file, to confirm the loss. With nil, the call throws an error that says what would be
  ///     lost.
  ///   - whileUnfinished: also while something is half done.
  /// - Throws: `forget-unconfirmed` with what would be lost; `forget-refused` while something is half done, or when views
  ///   or triggers of the application use the ledger; `ledger-missing`, `ledger-touched`, `lease-held`, `database-busy`.
  @discardableResult
  package func forget(confirmed name: String?, whileUnfinished: Bool = false) throws(MigrationError)
    -> Forgetting
  {
    try ForgetWork(migrator: self).forget(confirmed: name, whileUnfinished: whileUnfinished)
  }

  // MARK: - Rehearsals

  /// Which phases to rehearse.
  package enum RehearsalScope: Sendable, Hashable {
    /// All pending phases: first the ones that would go up now, then the held ones.
    case pending
    /// The named phase, after those before it were applied to the copy.
    case phase(String)
    /// The phases that a way up would run now.
    case selection(Selection)
    /// These pending phases, in this order.
    case phases([PhaseID])
  }

  /// Takes pending phases up, down and up again on a private copy of the database, and compares its rows. Only reads
  /// the database; ``record(_:)-([Evidence])`` records the result.
  ///
  /// The copy is made in one read transaction, and always removed. In rollback-journal mode, writers wait while the
  /// database is copied; in WAL mode they do not.
  ///
  /// - Parameters:
  ///   - allowsEmpty: continues when a phase touches a table without rows.
  ///   - folder: where the copy is made; nil for the folder of the database.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: `database-not-found`, `schema-drift`, `edited-after-apply`, `out-of-order`, `unknown-phase`,
  ///   `already-applied`, `phase-held`, `phase-in-progress`, `rehearsal-on-empty`, `rehearsal-copy-failed`, `interrupted`.
  package func rehearse(
    _ scope: RehearsalScope = .pending, allowsEmpty: Bool = false, in folder: String? = nil,
    observe: @escaping (RehearsalEvent) -> Void = { _ in }
  ) throws(MigrationError) -> RehearsalReport {
    try RehearsalWork(migrator: self).rehearse(scope, allowsEmpty: allowsEmpty, in: folder, observe: observe)
  }

  /// Records evidence in the ledger, where ``plan(_:)`` finds it.
  ///
  /// - Throws: `ledger-missing` for a database without one, `transaction-open`, `database-busy`, `database-read-only`.
  package func record(_ evidence: [Evidence]) throws(MigrationError) {
    try RehearsalWork(migrator: self).record(evidence)
  }

  /// Takes phases down on a private copy of the database, with its present rows. It only reads the database;
  /// ``record(_:)-(DownRehearsal)`` records the result.
  ///
  /// - Parameters:
  ///   - selection: which phases; it must be one of a way down.
  ///   - folder: where the copy is made; nil for the folder of the database.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: `database-not-found`, `schema-drift`, what refuses the plan, `rehearsal-copy-failed`, `interrupted`.
  package func rehearseDown(
    _ selection: Selection, in folder: String? = nil,
    observe: @escaping (RehearsalEvent) -> Void = { _ in }
  ) throws(MigrationError) -> DownRehearsal {
    try DownRehearsalWork(migrator: self).rehearse(selection, in: folder, observe: observe)
  }

  /// Records the result of a rehearsal of the way down in the ledger, where ``plan(_:)`` and ``status()`` find it.
  ///
  /// - Throws: `ledger-missing`, `transaction-open`, `database-busy`, `database-read-only`.
  package func record(_ rehearsal: DownRehearsal) throws(MigrationError) {
    try DownRehearsalWork(migrator: self).record(rehearsal)
  }

  // MARK: - Snapshots

  /// Copies the database before a plan runs, at a checkpoint named after its first step: `before-0002-expand`, or
  /// `before-down-0002-expand` on the way down.
  ///
  /// In the middle of a batched phase no checkpoint can be made. A plan that continues there uses the copy from
  /// before the first batch.
  ///
  /// - Returns: the copy, and its checkpoint if there is a ledger to record it. Nil when nothing can be lost, because
  ///   the plan has no step or the database has no table.
  /// - Throws: as ``createCheckpoint(_:note:snapshotIn:)``; `phase-in-progress` when no copy was made before.
  package func snapshot(
    before plan: Plan, in folder: String
  ) throws(MigrationError) -> (snapshot: Snapshot, checkpoint: Checkpoint?)? {
    try SnapshotWork(migrator: self).snapshot(before: plan, in: folder)
  }

  /// What a restore would undo, without doing it.
  ///
  /// - Parameter name: a checkpoint, or the path of a snapshot.
  /// - Throws: `unknown-checkpoint`, `snapshot-missing`, `snapshot-altered`, `snapshot-foreign`.
  package func losses(restoring name: String) throws(MigrationError) -> RestoreLosses {
    try RestoreWork(migrator: self).losses(restoring: name)
  }

  /// Puts the whole database back to a snapshot: tables, rows and the ledger. Everything written since is lost.
  ///
  /// It is one transaction of SQLite's backup API. Applications that have the file open see the state before or after
  /// it. They should be stopped nevertheless, because what they write in between is lost.
  ///
  /// - Parameters:
  ///   - name: a checkpoint, or the path of a snapshot.
  ///   - confirmed: the same name again, to confirm the loss.
  /// - Throws: `restore-unconfirmed` with what would be lost; `unknown-checkpoint`, `snapshot-missing`,
  ///   `snapshot-altered`, `snapshot-foreign`, `snapshot-failed`, `lease-held`, `database-busy`, `interrupted`.
  @discardableResult
  package func restore(_ name: String, confirmed: String?) throws(MigrationError) -> Restoration {
    try RestoreWork(migrator: self).restore(name, confirmed: confirmed)
  }

  // MARK: - Lanes

  /// The present state of every lane of the settings and of the ledger, by name. Reads only.
  package func laneStandings() throws(MigrationError) -> [LaneStanding] {
    try LaneWork(migrator: self).standings()
  }

  /// Holds a lane until a moment. Jobs in flight may still be running.
  ///
  /// - Returns: the lane as it stands then.
  /// - Throws: `unknown-lane`, `lane-unfit`, `lane-not-held`, `ledger-missing`.
  package func holdLane(
    _ name: String, for time: Duration, reason: String
  ) throws(MigrationError) -> LaneStanding {
    try LaneWork(migrator: self).hold(name, for: time, reason: reason)
  }

  /// Releases a lane, whoever holds it.
  ///
  /// - Throws: `lane-not-held` when it is not held, or could not be released.
  package func releaseLane(_ name: String, reason: String) throws(MigrationError) {
    try LaneWork(migrator: self).release(name, reason: reason)
  }

  // MARK: - Switches

  /// Every switch, by its name.
  package func switches() throws(MigrationError) -> [SwitchRecord] {
    try SwitchWork(migrator: self).all()
  }

  /// One switch, with all pinned subjects, and its last ramp.
  ///
  /// - Throws: `unknown-switch`.
  package func switchDetails(
    _ name: String
  ) throws(MigrationError) -> (SwitchRecord, [SwitchMember], RampRecord?) {
    try SwitchWork(migrator: self).details(name)
  }

  /// The answers that an application would get for these subjects.
  ///
  /// - Throws: `unknown-switch`.
  package func ask(_ name: String, _ subjects: [String]) throws(MigrationError) -> [SwitchAnswer] {
    try SwitchWork(migrator: self).ask(name, subjects)
  }

  /// Sets the exposure of a switch. A ramp of it ends.
  ///
  /// - Throws: `unknown-switch`; `lease-held` when it would be raised while another run goes on, `switch-contained` while a
  ///   watch asks whether closing it helped.
  package func setSwitch(
    _ name: String, to exposure: Exposure, reason: String
  ) throws(MigrationError) -> SwitchChange {
    try SwitchWork(migrator: self).set(name, to: exposure, reason: reason)
  }

  /// Pins a subject on or off, whatever the exposure, or removes its pin.
  ///
  /// - Throws: `unknown-switch`; for a pin on also `lease-held` and `switch-contained`.
  package func pin(
    _ subject: String, _ isOn: Bool?, of name: String, reason: String
  ) throws(MigrationError) -> SwitchChange {
    try SwitchWork(migrator: self).pin(subject, isOn, of: name, reason: reason)
  }

  /// Closes a switch, so that it is off for everybody. Only another writer can delay this: gates, leases, drift and a
  /// touched ledger do not matter.
  ///
  /// - Throws: `unknown-switch`, `ledger-missing`, `ledger-too-new`, `database-busy`; `ledger-touched` when a trigger
  ///   from outside kept it open.
  package func closeSwitch(_ name: String, reason: String) throws(MigrationError) -> SwitchChange {
    try SwitchWork(migrator: self).close(name, reason: reason)
  }

  /// Raises a switch step by step, as long as the probes of the phase that made it pass. If one fails, the switch is closed.
  ///
  /// - Parameters:
  ///   - order: the steps; nil to continue the ramp that is in the ledger.
  ///   - once: takes the sample that is due, and returns.
  ///   - observe: told what happens, on the calling thread.
  /// - Returns: the state of the ramp.
  /// - Throws: `unknown-switch`, `ramp-refused`; `watch-held` while another process raises it; `interrupted`.
  package func ramp(
    _ name: String, _ order: RampOrder?, once: Bool = false,
    observe: @escaping (RampEvent) -> Void = { _ in }
  ) throws(MigrationError) -> RampRecord {
    try Ramping(migrator: self).ramp(name, order, once: once, observe: observe)
  }

  // MARK: - Watches

  /// Watches every phase with an open watch, until all watches have a verdict.
  ///
  /// - Parameters:
  ///   - once: takes the samples that are due, and returns.
  ///   - observe: told what happens, on the calling thread.
  /// - Returns: the present state of the watches that were open.
  /// - Throws: `watch-held` while another process watches; `interrupted`; `ledger-missing`.
  package func watch(
    once: Bool = false, observe: @escaping (WatchEvent) -> Void = { _ in }
  ) throws(MigrationError) -> [WatchRecord] {
    try Watching(migrator: self).watch(once: once, observe: observe)
  }

  /// Every watch that the ledger knows, oldest first.
  package func watches() throws(MigrationError) -> [WatchRecord] {
    try Watching(migrator: self).watches()
  }

  /// The stored samples of a watch, by probe and round.
  package func samples(of watch: WatchRecord) throws(MigrationError) -> [KeptSample] {
    try Watching(migrator: self).samples(of: watch)
  }

  /// Records that an operator accepts an applied phase although its watch failed or is not finished.
  ///
  /// - Parameters:
  ///   - name: the phase, or a prefix that names one.
  ///   - reason: why, for the log.
  /// - Throws: `unknown-phase`, `ambiguous-phase`; `not-watched` when it has no watch that waits or failed.
  package func waive(_ name: String, reason: String) throws(MigrationError) -> WatchRecord {
    try WatchDecisions(migrator: self).waive(name, reason: reason)
  }

  /// Keeps watches from reversing.
  ///
  /// - Parameter time: how long; nil for no limit.
  package func freeze(for time: Duration?, reason: String) throws(MigrationError) {
    try WatchDecisions(migrator: self).freeze(for: time, reason: reason)
  }

  /// Lets watches reverse again.
  package func unfreeze() throws(MigrationError) { try WatchDecisions(migrator: self).unfreeze() }

  /// What keeps watches from reversing; nil when nothing does.
  package func presentFreeze() throws(MigrationError) -> Freeze? {
    try WatchDecisions(migrator: self).presentFreeze()
  }
}
