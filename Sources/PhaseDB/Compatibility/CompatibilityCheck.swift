internal import PhaseSQLite

/// Runs what versions of applications ask the database on every state on which they may be live.
///
/// The states come from the windows of the phases, the questions from `apps/APP/VERSION.sql`, the data from `apps/seed.sql`
/// or a copy of a database. No database of the user's is written.
public struct CompatibilityCheck: Sendable {
  public let catalog: Catalog
  /// The versions of which there are queries, by application and version.
  public var versions: [LiveVersion] { scripts.map { LiveVersion($0.application, $0.version) } }

  let scripts: [ApplicationScript]
  private let seed: Script?
  private let seedPath: String

  /// Reads a folder of migrations and its `apps`.
  ///
  /// - Throws: what reading them throws; `no-queries` when there is nothing in `apps`.
  public init(folder path: String) throws(MigrationError) {
    let corpus = Corpus(of: path)
    let scripts = try corpus.applications()
    guard !scripts.isEmpty else {
      throw MigrationError(
        .noQueries, "no version of an application has its queries in \(path)/apps",
        help: [
          "write them down: apps/APP/VERSION.sql, for example apps/storefront/1.4.0.sql",
          "or turn a log of statements into such a file: phasedb compat --import-log FILE",
        ])
    }
    self.init(try Catalog(folder: path), scripts: scripts, seed: try corpus.seed(), seedPath: corpus.seedPath)
  }

  init(_ catalog: Catalog, scripts: [ApplicationScript], seed: Script?, seedPath: String = "apps/seed.sql") {
    self.catalog = catalog
    self.scripts = scripts
    self.seed = seed
    self.seedPath = seedPath
  }

  /// The states on which some version may be live that has its queries written down, in the order in which `up` passes
  /// them.
  public func states() throws(MigrationError) -> [CompatibilityState] {
    let wanted = try lattice(from: []).nodes.map(\.state).filter(isWanted)
    for script in scripts where !wanted.contains(where: { $0.admits(script.application, script.version) }) {
      throw unreachable(script)
    }
    return wanted
  }

  private func isWanted(_ state: CompatibilityState) -> Bool {
    scripts.contains { state.admits($0.application, $0.version) }
  }

  func lattice(from applied: [PhaseID]) throws(MigrationError) -> StateLattice {
    try StateLattice(catalog, from: applied, isWanted: isWanted)
  }

  func unreachable(_ script: ApplicationScript) -> MigrationError {
    MigrationError(
      .versionNotPromised,
      "\(script.application) \(script.version) may be live on no state that up leads to",
      at: script.queries.first?.place,
      help: ["correct the windows, or remove \(script.file) when the version is history"])
  }

  /// Runs everything.
  ///
  /// - Parameters:
  ///   - database: a database whose rows are used, through a copy; nil for those of `apps/seed.sql`.
  ///   - options: when it is, who runs it, and how it is stopped.
  /// - Throws: what keeps the question from being answered: `no-data`, `query-failed`, `blind-queries`,
  ///   `version-not-promised`, what opening the database throws, and what a phase throws that does not run.
  public func report(
    database: String? = nil, now: Timestamp, runner: Runner, wait: Duration, cancellation: Cancellation
  )
    throws(MigrationError) -> CompatibilityReport
  {
    let workshop = try CopyWorkshop(now: now, runner: runner, cancellation: cancellation)
    var applied: [PhaseID] = []
    let start: StateCopy
    if let database {
      start = try CopyWorkshop.open(database, wait: wait, in: workshop)
      applied = try Knowledge(of: start.connection).applied.map(\.id)
    } else {
      start = try workshop.empty()
      try start.begin(with: catalog.baseline)
    }
    let lattice = try lattice(from: applied)
    let walk = CompatibilityWalk(self, lattice, workshop, seed: database == nil ? seed : nil)
    if database == nil, seed == nil {
      throw MigrationError(
        .noData, "there are no rows to test with: neither --database nor \(seedPath)",
        help: [
          "write INSERTs into \(seedPath)", "or use the rows of a database, which is copied: --database FILE",
        ])
    }
    return try walk.report(from: start, applied: applied.count)
  }
}
