package import PhaseDB
internal import PhaseSQLite

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
      try Schema(of: Connection(path: path, mode: .readOnly)).digest != ground.schema
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
