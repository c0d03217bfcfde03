internal import Dispatch
internal import PhaseSQLite

// What most callers need, in one call each: a plan that is run at once.

extension Migrator {
  /// Makes a database in memory that has every phase of a catalog, for tests.
  ///
  /// - Throws: what keeps a phase from running.
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

  /// Whether every phase of the catalog is applied and none is half done.
  ///
  /// Reads only the ledger; for drift and edited files use ``status()``.
  public var isUpToDate: Bool {
    get throws(MigrationError) {
      try connection.reading { () throws(MigrationError) in
        let knowledge = try Knowledge(of: connection)
        let applied = Set(knowledge.applied.map(\.id))
        let isHalfDone =
          try lifting("reading the ledger") { () in try knowledge.ledger?.batches.underWay() } != nil
        return !isHalfDone && catalog.phases.allSatisfy { applied.contains($0.id) }
      }
    }
  }

  /// Applies every phase whose gates are open.
  ///
  /// - Parameter observe: told what happens, on the calling thread.
  /// - Throws: what ``plan(_:)`` and ``run(_:observe:)`` throw.
  @discardableResult
  public func up(observe: @escaping (Event) -> Void = { _ in }) throws(MigrationError) -> RunResult {
    try run(try plan(.upAll), observe: observe)
  }

  /// Brings the schema up for a version that starts here, and records that it runs.
  ///
  /// The version counts as live beside those that checked in, so that no phase goes up for which it is too old. It checks
  /// in when the phases are applied.
  ///
  /// - Parameters:
  ///   - version: as in `shop@2.0`.
  ///   - instance: the name of this copy of the application; this machine and process unless given.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: `version-invalid`; `version-not-live` when the version may not run on the schema that there is then: the
  ///   application must not start. Besides, what ``plan(_:)`` and ``run(_:observe:)`` throw.
  @discardableResult
  public func up(
    running version: String, instance: String? = nil, observe: @escaping (Event) -> Void = { _ in }
  ) throws(MigrationError) -> RunResult {
    let version = try LiveVersion(version)
    starting = version
    defer { starting = nil }
    let plan = try plan(.upAll)
    let result = try run(plan, observe: observe)
    if let held = plan.held.first, result.done.isEmpty, try lacksLedger {
      throw MigrationError(
        .versionNotLive, "\(version) may not run on the schema that \(held.id.short) leads to",
        details: held.gates.map(\.reason), state: "nothing was changed", help: held.gates.map(\.opening))
    }
    let runner = options.runner
    try checkIn(version, instance: instance ?? "\(runner.host)/\(runner.processID)")
    return result
  }

  private var lacksLedger: Bool {
    get throws(MigrationError) {
      try connection.reading { () throws(MigrationError) in try Knowledge(of: connection).ledger == nil }
    }
  }

  /// Reverses every phase that was applied after a phase or a checkpoint.
  ///
  /// - Parameters:
  ///   - target: where to stop, as `.checkpoint("before-release")`; a phase stays applied itself.
  ///   - observe: told what happens, on the calling thread.
  /// - Throws: what ``plan(_:)`` and ``run(_:observe:)`` throw; `reversal-blocked` before anything is reversed.
  @discardableResult
  public func down(
    to target: Target, observe: @escaping (Event) -> Void = { _ in }
  ) throws(MigrationError) -> RunResult {
    try run(try plan(.downTo(target)), observe: observe)
  }
}

// MARK: - Beside other work

extension Migrator {
  /// Does the same as ``up(observe:)`` on a thread of its own. Cancelling the task stops the run as an operator's
  /// Ctrl-C does: the running transaction is rolled back, and earlier ones stay.
  ///
  /// - Parameter observe: told what happens, on that thread.
  @discardableResult
  public nonisolated(nonsending) func up(
    observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) async throws(MigrationError) -> RunResult {
    try await onThreadOfItsOwn { migrator throws(MigrationError) in try migrator.up(observe: observe) }
  }

  /// Does the same as ``up(running:instance:observe:)`` on a thread of its own, and can be cancelled.
  @discardableResult
  public nonisolated(nonsending) func up(
    running version: String, instance: String? = nil, observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) async throws(MigrationError) -> RunResult {
    try await onThreadOfItsOwn { migrator throws(MigrationError) in
      try migrator.up(running: version, instance: instance, observe: observe)
    }
  }

  /// Does the same as ``down(to:observe:)`` on a thread of its own, and can be cancelled.
  @discardableResult
  public nonisolated(nonsending) func down(
    to target: Target, observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) async throws(MigrationError) -> RunResult {
    try await onThreadOfItsOwn { migrator throws(MigrationError) in
      try migrator.down(to: target, observe: observe)
    }
  }

  /// Does the same as ``settle(for:observe:)`` on a thread of its own, and can be cancelled.
  @discardableResult
  public nonisolated(nonsending) func settle(
    for version: String, observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) async throws(MigrationError) -> RunResult {
    try await onThreadOfItsOwn { migrator throws(MigrationError) in
      try migrator.settle(for: version, observe: observe)
    }
  }

  /// Does the same as ``go(to:contracts:observe:)`` on a thread of its own, and can be cancelled.
  @discardableResult
  public nonisolated(nonsending) func go(
    to destination: Destination, contracts: Bool = false,
    observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) async throws(MigrationError) -> RunResult {
    try await onThreadOfItsOwn { migrator throws(MigrationError) in
      try migrator.go(to: destination, contracts: contracts, observe: observe)
    }
  }

  /// The caller waits, so that only this thread uses the migrator meanwhile.
  private nonisolated(nonsending) func onThreadOfItsOwn<Value: Sendable>(
    _ body: @escaping @Sendable (Migrator) throws(MigrationError) -> Value
  ) async throws(MigrationError) -> Value {
    let cancellation = Cancellation(following: options.cancellation)
    let own = options.cancellation
    options.cancellation = cancellation
    defer { options.cancellation = own }
    nonisolated(unsafe) let migrator = self
    let result: Result<Value, MigrationError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        DispatchQueue(label: "phasedb").async {
          continuation.resume(
            returning: Result { () throws(MigrationError) in try body(unsafe migrator) })
        }
      }
    } onCancel: {
      cancellation.cancel()
    }
    return try result.get()
  }
}
