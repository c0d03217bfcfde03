internal import PhaseDB
internal import PhaseSQLite

/// Takes one database through the states, and copies it where ways part.
final class StateWalk {
  private let lattice: StateLattice
  private let catalog: Catalog
  /// Rows to be inserted on the first state on which some version may be live.
  private var seed: Script?
  private let visit: (_ node: Int, _ copy: StateCopy) throws(MigrationError) -> Void

  /// - Parameters:
  ///   - seed: rows to insert on the first state on which a version may be live; nil when the database has its own.
  ///   - visit: gets each node, parents before their children, with a database in its state.
  init(
    _ lattice: StateLattice, _ catalog: Catalog, _ seed: Script?,
    visit: @escaping (_ node: Int, _ copy: StateCopy) throws(MigrationError) -> Void
  ) {
    self.lattice = lattice
    self.catalog = catalog
    self.seed = seed
    self.visit = visit
  }

  /// - Parameters:
  ///   - copy: the database to begin with, which is changed.
  ///   - applied: how many phases are applied there.
  func go(from copy: StateCopy, applied: Int) throws(MigrationError) {
    var node = applied
    // States before the present one are reached by the ways down in the database's ledger.
    if let first = lattice.nodes.indices.first(where: { lattice.nodes[$0].isWanted }), first < applied {
      try copy.goDown(applied - first)
      node = first
    }
    try go(on: node, copy)
  }

  private func go(on node: Int, _ copy: StateCopy) throws(MigrationError) {
    try copy.refuseCancelled()
    if lattice.nodes[node].isWanted {
      if let seed { try plant(seed, copy) }
      try visit(node, copy)
    }
    let children = lattice.children(of: node)
    for child in children {
      let next = child == children.last ? copy : try copy.fork()
      try next.goUp(with: try Self.catalog(catalog, only: lattice.nodes[child].state.applied))
      try go(on: child, next)
    }
  }

  private func plant(_ seed: Script, _ copy: StateCopy) throws(MigrationError) {
    self.seed = nil
    let before = try copy.schema.digest
    let transaction = try lifting("starting a transaction") { () in try copy.connection.begin() }
    _ = try GuardedScript(seed, on: copy.connection).run()
    try transaction.commit("committing the rows of \(seed.file)")
    guard try copy.schema.digest == before else {
      throw MigrationError(
        .noData, "\(seed.file) changes the schema", at: seed.place(at: seed.firstTokenOffset),
        help: ["only insert rows there; the phases create the tables"])
    }
  }

  /// The migrations with some of these phases, and only these phases.
  static func catalog(
    _ catalog: Catalog, only phases: [PhaseID]
  ) throws(MigrationError) -> Catalog {
    let kept = Set(phases)
    var migrations: [Migration] = []
    for migration in catalog.migrations {
      let own = migration.phases.filter { kept.contains(PhaseID(migration.name, $0.kind)) }
      if !own.isEmpty { migrations.append(try Migration(migration.name, phases: own)) }
    }
    return try Catalog(migrations, baseline: catalog.baseline, origin: catalog.origin)
  }
}
