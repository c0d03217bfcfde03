internal import Dispatch
public import PhaseDB
internal import PhaseSQL
package import PhaseSQLite
internal import Synchronization

/// Runs the queries of application versions on every state where those versions may be live.
///
/// The states come from the windows of the phases, the queries from `apps/APP/VERSION.sql`, the rows from
/// `apps/seed.sql` or a copy of a database. It never writes to the user's database.
public struct CompatibilityCheck: Sendable {
  /// The migrations whose states are visited.
  public let catalog: Catalog
  /// The versions that have queries, sorted by application and version.
  public var versions: [LiveVersion] { scripts.map { LiveVersion($0.application, $0.version) } }
  /// Whether there is `apps/seed.sql`.
  public var hasSeed: Bool { seed != nil }

  let scripts: [ApplicationScript]
  private let seed: Script?
  private let seedPath: String

  /// Reads a folder of migrations and its `apps`.
  ///
  /// - Parameters:
  ///   - version: skips all other versions.
  ///   - tested: the version whose own tests run instead of queries; it needs no queries then.
  /// - Throws: what reading them throws; `no-queries` when `apps` is empty, `version-not-promised` for an application
  ///   that no window and no file names.
  public init(
    folder path: String, only version: LiveVersion? = nil, testing tested: LiveVersion? = nil
  ) throws(MigrationError) {
    let corpus = Corpus(of: path)
    let catalog = try Catalog(folder: path)
    if let named = version ?? tested { try Self.refuseUnknown(named, catalog, corpus) }
    let scripts = try corpus.applications().filter { script in
      version.map { $0.application == script.application && $0.version == script.version } ?? true
    }
    guard !scripts.isEmpty || tested != nil else {
      throw MigrationError(
        .noQueries,
        "there are no queries of \(version?.description ?? "any version") in \(path)/apps",
        help: Self.otherVersions(version, corpus) + [
          "write the version's queries to apps/APP/VERSION.sql, for example apps/storefront/1.4.0.sql",
          "or turn a log of statements into such a file: phasedb compat --import-log FILE",
        ])
    }
    self.init(catalog, scripts: scripts, seed: try corpus.seed(), seedPath: corpus.seedPath)
  }

  /// The versions of the same application that have queries.
  private static func otherVersions(_ version: LiveVersion?, _ corpus: Corpus) -> [Prose] {
    let others = corpus.files().filter { $0.application == version?.application }.map(\.versionText)
    guard let version, !others.isEmpty else { return [] }
    return ["there are queries of \(version.application) \(others.joined(separator: ", "))"]
  }

  /// A name that neither a window nor `apps` knows is most likely a typing error.
  private static func refuseUnknown(
    _ version: LiveVersion, _ catalog: Catalog, _ corpus: Corpus
  ) throws(MigrationError) {
    let windows = catalog.phases.flatMap { $0.phase.windows.map(\.application) }
    let known = Set(windows + corpus.files().map(\.application)).sorted()
    guard !known.isEmpty, !known.contains(version.application) else { return }
    let meant: [Prose] =
      Suggestion.nearest(to: version.application, in: known).map { ["did you mean \($0)?"] } ?? []
    throw MigrationError(
      .versionNotPromised, "no window names \(version.application), so there is no state to test it on",
      help: meant + ["the windows name: \(known.joined(separator: ", "))"])
  }

  init(_ catalog: Catalog, scripts: [ApplicationScript], seed: Script?, seedPath: String = "apps/seed.sql") {
    self.catalog = catalog
    self.scripts = scripts
    self.seed = seed
    self.seedPath = seedPath
  }

  /// The surroundings of a check.
  package struct Surroundings: Sendable {
    /// The present, as all queries see it.
    package var now: Timestamp
    package var runner: Runner
    /// How long to wait for another connection that holds the lock of the database that is copied.
    package var wait: Duration
    package var cancellation: Cancellation
    /// Functions that only the applications have, for which stubs answer.
    package var functions: [FunctionStub]
    /// Names or patterns of tables outside the schema.
    package var ignoreTables: [String] = []

    package init(
      now: Timestamp = .now, runner: Runner = .current, wait: Duration = .seconds(30),
      cancellation: Cancellation = Cancellation(), functions: [FunctionStub] = []
    ) {
      self.functions = functions
      self.now = now
      self.runner = runner
      self.wait = wait
      self.cancellation = cancellation
    }
  }

  /// The states on which some version may be live, in the order in which `up` passes them.
  ///
  /// - Parameter version: one more version, besides those that have queries.
  /// - Throws: `version-not-promised` when one of the versions may be live on no state.
  package func states(of version: LiveVersion? = nil) throws(MigrationError) -> [CompatibilityState] {
    let all = try lattice(from: []) { state in
      isWanted(state) || version.map { state.admits($0.application, $0.version) } == true
    }
    let wanted = all.nodes.filter(\.isWanted).map(\.state)
    for script in scripts where !wanted.contains(where: { $0.admits(script.application, script.version) }) {
      throw unreachable(script.application, script.version, at: script.queries.first?.place)
    }
    return wanted
  }

  func isWanted(_ state: CompatibilityState) -> Bool {
    scripts.contains { state.admits($0.application, $0.version) }
  }

  func lattice(
    from applied: [PhaseID], isWanted: (CompatibilityState) -> Bool
  ) throws(MigrationError) -> StateLattice {
    try StateLattice(catalog, from: applied, isWanted: isWanted)
  }

  func unreachable(_ application: String, _ version: Version, at place: Place?) -> MigrationError {
    MigrationError(
      .versionNotPromised, "\(application) \(version) is not allowed on any state that up leads to",
      at: place,
      help: [
        "correct the windows, or remove apps/\(application)/\(version).sql if the version is no longer used"
      ])
  }

  /// Runs the queries of every version on every state.
  ///
  /// - Parameter database: a database whose rows are used, through a copy; nil for those of `apps/seed.sql`.
  /// - Throws: what keeps the test from running: `no-data`, `query-failed`, `blind-queries`,
  ///   `version-not-promised`, what opening the database throws, and what a phase throws that does not run.
  public func report(database: String? = nil) throws(MigrationError) -> CompatibilityCheck.Report {
    try report(database: database, in: Surroundings())
  }

  package func report(
    database: String? = nil, in surroundings: Surroundings
  ) throws(MigrationError) -> CompatibilityCheck.Report {
    let parts = CompatibilityWalk.Part.allCases
    let results = Mutex<[Result<CompatibilityCheck.Report, MigrationError>?]>(parts.map { _ in nil })
    let dismissal = Cancellation()
    DispatchQueue.concurrentPerform(iterations: parts.count) { index in
      let result = Result { () throws(MigrationError) in
        try self.report(
          of: parts[index], database, in: surroundings, dismissal: index == 0 ? Cancellation() : dismissal)
      }
      // If several parts fail for the same reason, the first part reports it, whichever is faster. The others can
      // stop.
      if index == 0, case .failure = result { dismissal.cancel() }
      results.withLock { $0[index] = result }
    }
    var report: CompatibilityCheck.Report?
    for result in results.withLock({ $0 }) {
      guard let part = try result?.get() else { continue }
      report = try report?.with(part) ?? part
    }
    guard let report else { throw MigrationError(.interrupted, "nothing was run") }
    return report
  }

  /// On a copy of its own, so that nothing is shared.
  private func report(
    of part: CompatibilityWalk.Part, _ database: String?, in surroundings: Surroundings,
    dismissal: Cancellation
  ) throws(MigrationError) -> CompatibilityCheck.Report {
    let start = try begin(database, in: surroundings, dismissal: dismissal)
    let lattice = try lattice(from: start.applied, isWanted: isWanted)
    return try CompatibilityWalk(part, of: self, lattice, start.workshop).report(
      from: start.copy, applied: start.applied.count, seed: start.seed)
  }

  /// Where a walk through the states begins.
  struct Start {
    let workshop: CopyWorkshop
    let copy: StateCopy
    let applied: [PhaseID]
    /// Nil when the copy has rows.
    let seed: Script?
  }

  func begin(
    _ database: String?, in surroundings: Surroundings, dismissal: Cancellation = Cancellation()
  ) throws(MigrationError) -> Start {
    let workshop = try CopyWorkshop(surroundings, dismissal: dismissal)
    if let database {
      let copy = try workshop.copy(
        ofFile: database, wait: surroundings.wait, ignoring: NamePatterns(surroundings.ignoreTables))
      // Phases that are squashed into the baseline belong to the state before the first phase.
      let applied = try Knowledge(of: copy.connection).applied
      return Start(
        workshop: workshop, copy: copy, applied: applied.filter { !$0.isSquashed }.map(\.id),
        seed: nil)
    }
    guard let seed else {
      throw MigrationError(
        .noData, "there are no rows to test with: no database is named, and there is no file \(seedPath)",
        help: [
          "write INSERTs into \(seedPath)", "or test with a copy of a database: --database FILE",
        ])
    }
    let copy = try workshop.empty()
    try copy.begin(with: catalog.baseline)
    return Start(workshop: workshop, copy: copy, applied: [], seed: seed)
  }
}

// MARK: - Evidence

extension CompatibilityCheck {
  /// What a report proves, for an evidence file. It proves nothing where a stub answered for a function of the
  /// application, or a query was skipped because such a function was missing.
  package func evidence(
    of report: CompatibilityCheck.Report, in surroundings: Surroundings
  ) throws(MigrationError) -> [CompatEvidence] {
    guard report.stubsOfPhases.isEmpty else { return [] }
    var all: [CompatEvidence] = []
    for (index, subject) in report.subjects.enumerated()
    where !report.unproved.contains(where: {
      $0.application == subject.application && $0.version == subject.version
    }) {
      let states = report.states.indices.filter { report.outcomes[$0][index] != .notPromised }
      guard
        let file = scripts.first(where: {
          $0.application == subject.application && $0.version == subject.version
        })?.file
      else { continue }
      all.append(
        CompatEvidence(
          subject.application, subject.version, .queries,
          queries: try Corpus.identity(ofFile: file),
          phases: texts,
          states: states.map {
            state(report.states[$0], report.grounds[$0], works: report.outcomes[$0][index] == .works)
          }, by: surroundings.runner, at: surroundings.now))
    }
    return all
  }

  /// What the tests of a version prove.
  ///
  /// - Parameter results: for each state whether they passed.
  package func evidence(
    of version: LiveVersion, _ results: [(file: StateFile, works: Bool)], in surroundings: Surroundings
  ) -> CompatEvidence {
    CompatEvidence(
      version.application, version.version, .tests, queries: "", phases: texts,
      states: results.map { state($0.file.state, $0.file.ground, works: $0.works) },
      by: surroundings.runner, at: surroundings.now)
  }

  private var texts: [CompatEvidence.Text] {
    catalog.phases.map { CompatEvidence.Text($0.id, $0.phase.tokenHash) }
  }

  private func state(
    _ state: CompatibilityState, _ ground: StateGround, works: Bool
  ) -> CompatEvidence.State {
    let done = Set(state.applied)
    return CompatEvidence.State(
      applied: catalog.phases.map { done.contains($0.id) ? "1" : "0" }.joined(), schema: ground.schema,
      rows: ground.rows, works: works)
  }
}

/// A database file in one state, for an application whose own tests run on it.
package struct StateFile: Sendable {
  package let state: CompatibilityState
  package let path: String
  let ground: StateGround
  private let file: DatabaseCopy

  init(_ state: CompatibilityState, _ file: DatabaseCopy, _ ground: StateGround) {
    self.state = state
    path = file.path
    self.ground = ground
    self.file = file
  }

  /// Whether the schema has changed since the file was made. An application that migrates when it starts would
  /// otherwise test another state than the one it was given.
  ///
  /// - Throws: what keeps the file from being read.
  package func schemaChanged() throws(MigrationError) -> Bool {
    try lifting("reading the schema of \(path)") { () in
      try Schema(of: file.open(.readOnly)).digest != ground.schema
    }
  }
}

extension CompatibilityCheck {
  /// Makes a database file for each state on which a version may be live, the state it was written for first. Each is
  /// private and removed with its value.
  ///
  /// - Parameter version: it needs no queries in `apps`.
  /// - Throws: as ``report(database:in:)`` does.
  package func stateFiles(
    for version: LiveVersion, database: String?, in surroundings: Surroundings
  ) throws(MigrationError) -> [StateFile] {
    let start = try begin(database, in: surroundings)
    // With the states of the versions that have queries, so that the rows are put where they are for these.
    let lattice = try lattice(from: start.applied) { state in
      isWanted(state) || state.admits(version.application, version.version)
    }
    guard lattice.nodes.contains(where: { $0.state.admits(version.application, version.version) }) else {
      throw unreachable(version.application, version.version, at: nil)
    }
    var files: [StateFile] = []
    let walk = StateWalk(lattice, catalog, start.seed) { node, copy throws(MigrationError) in
      let state = lattice.nodes[node].state
      guard state.admits(version.application, version.version) else { return }
      let file = try start.workshop.file(of: copy.connection, as: "state-\(files.count + 1).db")
      files.append(StateFile(state, file, try StateGround(copy)))
    }
    try walk.go(from: start.copy, applied: start.applied.count)
    return files
  }
}
