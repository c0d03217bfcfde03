internal import PhaseDB
internal import PhaseSQLite

/// Runs every version on every state, and remembers where each was run first.
final class CompatibilityWalk {
  private let check: CompatibilityCheck
  private let lattice: StateLattice
  private let workshop: CopyWorkshop
  private let part: Part
  private var homes: [Int: Home] = [:]
  /// The findings on a node, by the number of the script; nil where the version is not promised to run.
  private var found: [Int: [Int: [CompatibilityCheck.Finding]]] = [:]
  private var unproved: [CompatibilityCheck.Report.Unproved] = []
  private var grounds: [Int: StateGround] = [:]

  /// The first run of a version, with which all others are compared.
  private struct Home {
    let node: Int
    let run: ScriptRun
    /// Nil when another part of the work makes this trial.
    let trial: MutationTrial?
  }

  /// Independent parts of the work, so that two processors are busy.
  enum Part: Int, CaseIterable {
    /// Each version by itself, against its home.
    case alone
    /// Versions that write in turn.
    case inTurn
  }

  private var scripts: [ApplicationScript] { check.scripts }

  init(_ part: Part, of check: CompatibilityCheck, _ lattice: StateLattice, _ workshop: CopyWorkshop) {
    self.part = part
    self.check = check
    self.lattice = lattice
    self.workshop = workshop
  }

  func report(from copy: StateCopy, applied: Int, seed: Script?) throws(MigrationError)
    -> CompatibilityCheck.Report
  {
    let walk = StateWalk(lattice, check.catalog, seed) { [self] node, copy throws(MigrationError) in
      try look(at: node, copy)
    }
    try walk.go(from: copy, applied: applied)
    return try summary()
  }
}

// MARK: - One state

extension CompatibilityWalk {
  private func look(at node: Int, _ copy: StateCopy) throws(MigrationError) {
    let promised = scripts.indices.filter {
      lattice.nodes[node].state.admits(scripts[$0].application, scripts[$0].version)
    }
    found[node] = Dictionary(uniqueKeysWithValues: promised.map { ($0, []) })
    grounds[node] = try StateGround(copy)
    switch part {
    case .alone: return try run(promised, at: node, copy)
    case .inTurn: try run(promised.filter { homes[$0] == nil }, at: node, copy)
    }
    for pair in pairs(of: promised) {
      for finding in try interleaving(pair, at: node).findings(on: copy) {
        let version = pair.first { scripts[$0].version == finding.version } ?? pair[0]
        let told = blamed(finding, at: node, version)
        found[node]?[version]?.append(told)
      }
    }
  }

  private func run(_ promised: [Int], at node: Int, _ copy: StateCopy) throws(MigrationError) {
    guard !promised.isEmpty else { return }
    let runner = try ScriptRunner(on: copy, in: workshop)
    guard part == .alone else {
      for version in promised {
        let run = try runner.run(scripts[version])
        note(run, of: scripts[version])
        homes[version] = Home(node: node, run: run, trial: nil)
      }
      return
    }
    let claims = try Claims(of: lattice.nodes[node].state, in: check.catalog, on: copy.connection)
    for version in promised {
      let script = scripts[version]
      var broken: [Claims.Claim] = []
      let home = homes[version]
      let result = try runner.run(
        script, like: home?.run,
        atEnd: { () throws(MigrationError) in broken = try claims.broken(on: copy.connection) })
      note(result, of: script)
      if let home {
        var findings = ResultComparison(script: script, home: home.run, here: result).findings()
        findings += try blame(broken, on: script, runner)
        let told = findings.map { blamed($0, at: node, version) }
        found[node]?[version] = told
      } else {
        try HomeRun(script: script, run: result, schema: runner.schema).check(on: copy.connection)
        homes[version] = Home(
          node: node, run: result,
          trial: try MutationTrial(
            of: script, result, on: runner.schema, functions: workshop.functions))
        let told = try blame(broken, on: script, runner).map { blamed($0, at: node, version) }
        found[node]?[version] = told
      }
    }
  }

  /// Remembers the statements that need functions of the application.
  private func note(_ run: ScriptRun, of script: ApplicationScript) {
    for query in run.queries where query.lacking != nil || !query.stubs.isEmpty {
      let found = CompatibilityCheck.Report.Unproved(
        application: script.application, version: script.version, query: query.query.title,
        functions: query.lacking.map { [$0] } ?? query.stubs, isSkipped: query.lacking != nil)
      if !unproved.contains(found) { unproved.append(found) }
    }
  }

  /// Finds the statement after which a claim breaks.
  private func blame(
    _ broken: [Claims.Claim], on script: ApplicationScript, _ runner: ScriptRunner
  ) throws(MigrationError) -> [CompatibilityCheck.Finding] {
    guard !broken.isEmpty else { return [] }
    var findings: [CompatibilityCheck.Finding] = []
    var rest = broken
    _ = try runner.run(
      script,
      after: { query throws(MigrationError) in
        guard query.compiled?.footprint.isWrite == true else { return }
        for claim in rest {
          let rows = try claim.verification.breakingRows(on: runner.copy.connection, limit: 3)
          guard rows.count > 0 else { continue }
          rest.removeAll { $0.id == claim.id && $0.verification == claim.verification }
          findings.append(
            CompatibilityCheck.Finding(
              check: .verify, application: script.application, version: script.version,
              query: query.query.title,
              message: "breaks the claim '\(claim.verification.title)' of \(claim.id.short)",
              details: rows.lines,
              place: query.query.place, phase: claim.id))
        }
      })
    return findings
  }

  /// Adds the phase after which a finding first appears.
  private func blamed(_ finding: CompatibilityCheck.Finding, at node: Int, _ version: Int)
    -> CompatibilityCheck.Finding
  {
    var finding = finding
    if let parent = lattice.nodes[node].parent,
      let earlier = found[parent]?[version]?.first(where: { $0.isSame(as: finding) })
    {
      finding.phase = earlier.phase
      finding.phasePlace = earlier.phasePlace
      return finding
    }
    finding.phase = finding.phase ?? lattice.nodes[node].step
    if let phase = finding.phase.flatMap({ check.catalog[$0] }) {
      finding.phasePlace =
        phase.windows.first { $0.application == finding.application }?.place
        ?? phase.up.place(at: phase.up.firstTokenOffset)
    }
    return finding
  }

  /// The versions of one application that write in turn: neighbours, and the oldest with the newest; a single version
  /// when no other may be live at the same time.
  private func pairs(of promised: [Int]) -> [[Int]] {
    Dictionary(grouping: promised, by: { scripts[$0].application }).sorted { $0.key < $1.key }.flatMap {
      _, versions in
      guard versions.count > 1 else { return [versions] }
      let neighbours = zip(versions, versions.dropFirst()).map { [$0, $1] }
      return neighbours + (versions.count > 2 ? [[versions[0], versions[versions.count - 1]]] : [])
    }
  }

  private func interleaving(_ pair: [Int], at node: Int) throws(MigrationError) -> Interleaving {
    let applied = lattice.nodes[node].state.applied
    let application = scripts[pair[0]].application
    let migrate = pendingMigrate(after: applied).flatMap { id in
      // If the application stops for the phase, versions after it need not keep what versions before it wrote.
      check.catalog[id]?.windows[application]?.isOffline == true ? nil : id
    }
    let path = lattice.path(to: node)
    let older = scripts[pair[0]]
    let home = path.first { lattice.nodes[$0].state.admits(older.application, older.version) } ?? node
    let steps =
      path.drop { $0 != home }.dropFirst().compactMap { lattice.nodes[$0].step }
      + [migrate].compactMap(\.self)
    return Interleaving(
      writers: pair.compactMap { version in
        homes[version].map { Interleaving.Writer(script: scripts[version], home: $0.run) }
      },
      way: Interleaving.Way(
        top: try StateWalk.catalog(
          check.catalog, only: applied + [migrate].compactMap(\.self)), migrate: migrate,
        phases: steps.compactMap { id in check.catalog[id].map { (id: id, phase: $0) } }),
      workshop: workshop)
  }

  /// The next migrate phase, if its expand phase is applied.
  private func pendingMigrate(after applied: [PhaseID]) -> PhaseID? {
    let done = Set(applied)
    guard
      let (id, phase) = check.catalog.phases.first(where: {
        !done.contains($0.id) && $0.phase.kind != .contract
      }),
      phase.kind == .migrate, applied.contains(where: { $0.migration == id.migration }),
      phase.needs.allSatisfy({ need in done.contains { $0.isNamed(by: need) } })
    else { return nil }
    return id
  }

  private func summary() throws(MigrationError) -> CompatibilityCheck.Report {
    var subjects: [CompatibilityCheck.Report.Subject] = []
    let shown = lattice.nodes.indices.filter { found[$0] != nil }
    for (version, script) in scripts.enumerated() {
      guard let home = homes[version] else {
        throw check.unreachable(script.application, script.version, at: script.queries.first?.place)
      }
      subjects.append(
        CompatibilityCheck.Report.Subject(
          application: script.application, version: script.version,
          home: shown.firstIndex(of: home.node) ?? 0,
          queries: script.queries.count, mutation: home.trial?.mutation ?? "",
          noticed: home.trial?.noticed ?? 0))
    }
    let findings = shown.map { node in scripts.indices.map { found[node]?[$0] ?? [] } }
    let outcomes = shown.map { node in
      scripts.indices.map { version -> CompatibilityCheck.Report.Outcome in
        guard let findings = found[node]?[version] else { return .notPromised }
        return findings.contains { !$0.isWarning } ? .broken : .works
      }
    }
    return CompatibilityCheck.Report(
      states: shown.map { lattice.nodes[$0].state }, grounds: shown.compactMap { grounds[$0] },
      subjects: subjects, outcomes: outcomes, findingsByState: findings, unproved: unproved,
      stubsOfPhases: workshop.stubsOfPhases.sorted())
  }
}

/// The claims of `@verify` that hold on a state before a version writes there.
struct Claims {
  struct Claim {
    let id: PhaseID
    let verification: Verification
  }

  private var claims: [Claim] = []

  init(of state: CompatibilityState, in catalog: Catalog, on connection: Connection) throws(MigrationError) {
    for id in state.applied {
      for verification in catalog[id]?.verifications ?? [] {
        let claim = Claim(id: id, verification: verification)
        if try claim.holds(on: connection) { claims.append(claim) }
      }
    }
  }

  func broken(on connection: Connection) throws(MigrationError) -> [Claim] {
    var broken: [Claim] = []
    for claim in claims where try !claim.holds(on: connection) { broken.append(claim) }
    return broken
  }
}

extension Claims.Claim {
  /// Whether the claim holds. It does not hold if a later phase removed what it is about.
  fileprivate func holds(on connection: Connection) throws(MigrationError) -> Bool {
    do throws(MigrationError) {
      return try verification.breakingRows(on: connection, limit: 0).count == 0
    } catch {
      guard error.id == .verifyInvalid else { throw error }
      return false
    }
  }
}
