package import PhaseDB
internal import PhaseSQLite

/// What a database was in a state: on what the versions were tried.
struct StateGround: Sendable, Hashable {
  let schema: SchemaDigest
  let rows: Int

  init(_ copy: StateCopy) throws(MigrationError) {
    let schema = try copy.schema
    self.schema = schema.digest
    rows = try lifting("counting rows") { () in try schema.rows(on: copy.connection) }
  }
}

extension CompatibilityCheck {
  /// What a report proves, for an evidence file. Where a stub answered for a function of the application, or a query was
  /// skipped because such a function was missing, nothing is proved.
  package func evidence(
    of report: CompatibilityReport, in surroundings: Surroundings
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
