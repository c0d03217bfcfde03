/// All known migrations, in order: read from a folder, or made in Swift.
public struct Catalog: Sendable, Hashable {
  /// By ascending number.
  public let migrations: [Migration]
  /// The schema before the first migration; nil for a database that starts empty.
  public let baseline: Script?
  /// What errors call the source of the migrations: the path of a folder.
  package let origin: String
  /// Phases whose files are still in the folder although the baseline stands for them, because a squash was stopped. They are
  /// not among the migrations.
  package private(set) var leftBehind: [PhaseID] = []

  /// - Throws: `duplicate-number` when two migrations have the same number.
  public init(_ migrations: [Migration], baseline: Script? = nil, origin: String = "(Swift)")
    throws(MigrationError)
  {
    let sorted = migrations.sorted { $0.name < $1.name }
    for (left, right) in zip(sorted, sorted.dropFirst()) where left.name.number == right.name.number {
      throw MigrationError(
        .duplicateNumber,
        "two migrations have the number \(left.name.number): \(left.name) and \(right.name)",
        help: ["give the newer one the next free number"])
    }
    self.migrations = sorted
    self.baseline = baseline
    self.origin = origin
  }

  /// Every phase, in folder order.
  public var phases: [(id: PhaseID, phase: Phase)] { phases(where: { _ in true }) }

  /// Some of the phases, in folder order.
  func phases(where isIncluded: (PhaseID) -> Bool) -> [(id: PhaseID, phase: Phase)] {
    var found: [(id: PhaseID, phase: Phase)] = []
    for migration in migrations {
      for phase in migration.phases {
        let id = PhaseID(migration.name, phase.kind)
        if isIncluded(id) { found.append((id, phase)) }
      }
    }
    return found
  }

  /// The phase of an id, nil when the catalog does not have it.
  public subscript(id: PhaseID) -> Phase? {
    migrations.first { $0.name == id.migration }?.phases.first { $0.kind == id.kind }
  }

  /// Reads a folder of migrations.
  ///
  /// The folder holds one folder for each migration, and may hold `phasedb.json`, `baseline.sql`, `apps`,
  /// documents (`README*`, `LICENSE`, `*.md`) and hidden files; anything else is refused, so that a misspelt
  /// name cannot hide a phase.
  ///
  /// - Parameter path: the folder; places in errors are this path followed by the file's.
  /// - Throws: what is wrong with the folder (`folder-not-found`, `folder-unreadable`, `stray-file`,
  ///   `invalid-name`, `duplicate-number`, `empty-migration`) or with a file in it (`file-unreadable`,
  ///   `file-too-large`, `invalid-text` and what reading a phase file throws).
  public init(folder path: String) throws(MigrationError) {
    let folder = MigrationsFolder(
      path: path.count > 1 && path.last == "/" ? String(path.dropLast()) : path)
    try self.init(read: try folder.migrations(), baseline: try folder.baseline(), origin: path)
  }

  /// - Parameter migrations: as their files say.
  private init(read migrations: [Migration], baseline: Script?, origin: String)
    throws(MigrationError)
  {
    let squashed = Set(baseline?.squashed ?? [])
    guard !squashed.isEmpty else {
      try self.init(migrations, baseline: baseline, origin: origin)
      return
    }
    var leftBehind: [PhaseID] = []
    var others: [Migration] = []
    for migration in migrations {
      let phases = migration.phases.filter { phase in
        let id = PhaseID(migration.name, phase.kind)
        guard squashed.contains(SquashedPhase(id, phase.tokenHash)) else { return true }
        leftBehind.append(id)
        return false
      }
      if !phases.isEmpty { others.append(try Migration(migration.name, phases: phases)) }
    }
    try self.init(others, baseline: baseline, origin: origin)
    self.leftBehind = leftBehind
  }

  /// Reads as much of a folder as possible: for commands that need only the ledger, and to report all problems and not
  /// only the first.
  ///
  /// - Returns: the migrations that can be read completely (nil when they do not make a catalog), and what is wrong
  ///   with the others.
  package static func readable(folder path: String) -> (catalog: Catalog?, problems: [MigrationError]) {
    do throws(MigrationError) {
      return (try Catalog(folder: path), [])
    } catch {
      let folder = MigrationsFolder(path: path.count > 1 && path.last == "/" ? String(path.dropLast()) : path)
      let (migrations, problems) = folder.readable()
      // A problem of the folder as a whole shows only when every file in it can be read.
      let baseline = (try? folder.baseline()) ?? nil
      return (
        try? Catalog(read: migrations, baseline: baseline, origin: path),
        problems.isEmpty ? [error] : problems
      )
    }
  }
}
