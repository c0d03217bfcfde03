internal import PhaseSQLite

/// A contract may be held for weeks while the expand and migrate of later migrations pass it; the schema must come out
/// the same.
///
/// The folder is replayed a second time with every contract held as long as possible. Only when that comes out
/// differently is it asked which pair is to blame.
enum OrderMatters {
  /// - Parameter schema: what the whole folder leads to, in its own order.
  static func findings(_ folder: LintedFolder, leadingTo schema: Schema) throws(MigrationError) -> [Finding] {
    let phases = folder.catalog.phases
    guard phases.contains(where: { $0.id.kind == .contract }) else { return [] }
    let inOrder = Replay(leadingTo: schema)
    let held = heldOrder(phases)
    guard held.map(\.id) != phases.map(\.id) else { return [] }
    let late = try Replay(folder, held)
    guard late.differs(from: inOrder) else { return [] }
    return try blame(folder, phases, inOrder)
  }

  /// Folder order with each contract as late as its `@needs` allow: behind everything that does not need it.
  static func heldOrder(
    _ phases: [(id: PhaseID, phase: Phase)], holding: PhaseID? = nil
  ) -> [(id: PhaseID, phase: Phase)] {
    var order: [(id: PhaseID, phase: Phase)] = []
    var held: [(id: PhaseID, phase: Phase)] = []
    for candidate in phases {
      if candidate.id.kind == .contract, holding == nil || holding == candidate.id {
        held.append(candidate)
        continue
      }
      // Contracts keep their order among themselves: one that is needed brings those before it.
      if let last = held.lastIndex(where: { contract in
        candidate.phase.needs.contains { contract.id.isNamed(by: $0) }
          || contract.id.migration == candidate.id.migration
      }) {
        order += held[...last]
        held.removeSubrange(...last)
      }
      order.append(candidate)
    }
    return order + held
  }

  /// Holds one contract at a time, and says which later phase first tells the two orders apart.
  private static func blame(
    _ folder: LintedFolder, _ phases: [(id: PhaseID, phase: Phase)], _ inOrder: Replay
  ) throws(MigrationError) -> [Finding] {
    var findings: [Finding] = []
    for (index, contract) in phases.enumerated() where contract.id.kind == .contract {
      let late = try Replay(folder, heldOrder(phases, holding: contract.id))
      guard late.differs(from: inOrder) else { continue }
      // The shortest way on which holding the contract makes a difference ends with the phase that does not commute.
      let other = try culprit(holding: contract.id, after: index, in: phases, folder)
      let difference =
        late.failure.map { ["then \($0.message)"] }
        ?? SchemaDifference(from: inOrder.schema, to: late.schema).lines
      findings.append(
        Finding(
          .orderMatters, in: other?.id ?? contract.id,
          "the schema depends on whether \(contract.id.short) runs before or after \(other?.id.short ?? "what follows it")",
          at: other?.phase.up.beginningOfFile ?? contract.phase.up.beginningOfFile, details: difference,
          remedies: ["-- @needs \(contract.id)", "or write the two so that they do not touch the same table"])
      )
    }
    return findings
  }

  private static func culprit(
    holding contract: PhaseID, after index: Int, in phases: [(id: PhaseID, phase: Phase)],
    _ folder: LintedFolder
  ) throws(MigrationError) -> (id: PhaseID, phase: Phase)? {
    for end in phases.indices.dropFirst(index + 1) {
      let prefix = Array(phases[...end])
      let late = try Replay(folder, heldOrder(prefix, holding: contract))
      if try late.differs(from: Replay(folder, prefix)) { return phases[end] }
    }
    return nil
  }

  /// The phases of a folder in some order, once, upwards.
  private struct Replay {
    let schema: Schema
    /// What failed, nil when everything ran.
    private(set) var failure: MigrationError?

    init(leadingTo schema: Schema) { self.schema = schema }

    init(_ folder: LintedFolder, _ phases: [(id: PhaseID, phase: Phase)]) throws(MigrationError) {
      let scratch = try Scratch(baseline: folder.catalog.baseline, observe: folder.observe)
      for (id, phase) in phases {
        do throws(MigrationError) { try scratch.run(id, phase, .up) } catch { failure = error }
        if failure != nil { break }
      }
      schema = scratch.schema
    }

    func differs(from other: Replay) -> Bool {
      (failure == nil) != (other.failure == nil) || (failure == nil && schema.digest != other.schema.digest)
    }
  }
}
