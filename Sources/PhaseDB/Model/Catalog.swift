/// All known migrations, in order: read from a folder, or made in Swift.
public struct Catalog: Sendable, Hashable {
  /// By ascending number.
  public let migrations: [Migration]
  /// The schema before the first migration; nil for a database that starts empty.
  public let baseline: Script?
  /// What errors call the source of the migrations: the path of a folder.
  public let origin: String

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
  public var phases: [(id: PhaseID, phase: Phase)] {
    migrations.flatMap { migration in
      migration.phases.map { (PhaseID(migration.name, $0.kind), $0) }
    }
  }

  /// The phase of an id, nil when the catalog does not have it.
  public subscript(id: PhaseID) -> Phase? {
    migrations.first { $0.name == id.migration }?.phases.first { $0.kind == id.kind }
  }
}
