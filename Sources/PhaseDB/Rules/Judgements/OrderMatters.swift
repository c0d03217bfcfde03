internal import PhaseSQLite

/// A contract may be held for weeks while later expand and migrate phases go up. The schema at the end must be the
/// same as in folder order.
///
/// The folder is replayed a second time with every contract held as long as possible. Only if the result differs does
/// the rule look for the pair that is to blame.
enum OrderMatters {
  private typealias Step = (id: PhaseID, phase: Phase)

  /// - Parameter schema: what the whole folder leads to, in its own order.
  static func findings(_ folder: LintedFolder, leadingTo schema: Schema) throws(MigrationError) -> [Finding] {
    let phases = folder.catalog.phases
    guard phases.contains(where: { $0.id.kind == .contract }) else { return [] }
    let inOrder = Replay(leadingTo: schema)
    var findings: [Finding] = []
    var needed: [PhaseID: Set<PhaseID>] = [:]
    // Each finding asks for a `@needs` line. The search goes on as if that line were there, and finds another pair.
    while let (finding, contract, other) = try firstPair(folder, phases, needed, inOrder) {
      findings.append(finding)
      needed[other, default: []].insert(contract)
    }
    return findings
  }

  /// Folder order with each contract as late as `@needs` allows: after everything that does not need it.
  ///
  /// - Parameter needed: other contracts that phases need.
  static func heldOrder(
    _ phases: [(id: PhaseID, phase: Phase)], needed: [PhaseID: Set<PhaseID>] = [:]
  ) -> [(id: PhaseID, phase: Phase)] {
    var order: [Step] = []
    var held: [Step] = []
    for candidate in phases {
      if candidate.id.kind == .contract {
        held.append(candidate)
        continue
      }
      // Contracts keep their order. If a phase needs one of them, those before it come earlier, too.
      if let last = held.lastIndex(where: { contract in
        candidate.phase.needs.contains { contract.id.isNamed(by: $0) }
          || needed[candidate.id]?.contains(contract.id) == true
          || contract.id.migration == candidate.id.migration
      }) {
        order += held[...last]
        held.removeSubrange(...last)
      }
      order.append(candidate)
    }
    return order + held
  }

  /// A contract and a later phase whose order changes the schema.
  ///
  /// A chain of orders leads from folder order to the held one: each swaps two neighbours of the order before it, and
  /// each can really occur. The two ends lead to different schemas, so somewhere on the chain two neighbouring orders
  /// do.
  private static func firstPair(
    _ folder: LintedFolder, _ phases: [Step], _ needed: [PhaseID: Set<PhaseID>], _ inOrder: Replay
  ) throws(MigrationError) -> (Finding, contract: PhaseID, other: PhaseID)? {
    let chain = Chain(from: phases, to: heldOrder(phases, needed: needed))
    guard chain.count > 0 else { return nil }
    var late = try Replay(folder, chain.order(chain.count))
    guard late.differs(from: inOrder) else { return nil }
    var (same, other) = (0, chain.count)
    while other - same > 1 {
      let middle = (same + other) / 2
      let replay = try Replay(folder, chain.order(middle))
      if replay.differs(from: inOrder) { (other, late) = (middle, replay) } else { same = middle }
    }
    let (contract, phase) = chain.swap(other)
    let difference =
      late.failure.map { ["then \($0.message)"] }
      ?? SchemaDifference(from: inOrder.schema, to: late.schema).lines
    let finding = Finding(
      .orderMatters, in: phase.id,
      "the schema depends on whether \(contract.id.short) runs before or after \(phase.id.short)",
      at: phase.phase.up.beginningOfFile, details: difference,
      remedies: ["-- @needs \(contract.id)", "or write the two so that they do not touch the same table"])
    return (finding, contract.id, phase.id)
  }

  /// Steps from one order to another in which contracts come later. Each step swaps a contract with the phase after it.
  private struct Chain {
    /// All phases except contracts, in their order.
    private let others: [Step]
    private let contracts: [Step]
    /// How many other phases run before each contract, at both ends of the way.
    private let first: [Int]
    private let last: [Int]
    let count: Int

    init(from start: [Step], to end: [Step]) {
      others = start.filter { $0.id.kind != .contract }
      contracts = start.filter { $0.id.kind == .contract }
      (first, last) = (Self.places(start), Self.places(end))
      count = zip(first, last).reduce(0) { $0 + $1.1 - $1.0 }
    }

    private static func places(_ order: [Step]) -> [Int] {
      var others = 0
      var places: [Int] = []
      for step in order {
        if step.id.kind == .contract { places.append(others) } else { others += 1 }
      }
      return places
    }

    /// The positions of the contracts after a number of steps. The last contract moves first, so that contracts keep
    /// their order.
    private func places(after steps: Int) -> (places: [Int], moved: Int) {
      var (places, left, moved) = (first, steps, 0)
      for index in places.indices.reversed() where left > 0 {
        let way = min(left, last[index] - first[index])
        if way > 0 { moved = index }
        places[index] += way
        left -= way
      }
      return (places, moved)
    }

    func order(_ steps: Int) -> [Step] {
      let places = places(after: steps).places
      var order: [Step] = []
      var next = 0
      for index in 0...others.count {
        while next < places.count, places[next] == index {
          order.append(contracts[next])
          next += 1
        }
        if index < others.count { order.append(others[index]) }
      }
      return order
    }

    /// The contract and the phase that changed places in the last of these steps.
    func swap(_ steps: Int) -> (contract: Step, other: Step) {
      let (places, moved) = places(after: steps)
      return (contracts[moved], others[places[moved] - 1])
    }
  }

  /// Runs the phases of a folder up once, in a given order.
  private struct Replay {
    let schema: Schema
    /// What failed, nil when everything ran.
    private(set) var failure: MigrationError?

    init(leadingTo schema: Schema) { self.schema = schema }

    init(_ folder: LintedFolder, _ phases: [(id: PhaseID, phase: Phase)]) throws(MigrationError) {
      let scratch = try Scratch(
        baseline: folder.catalog.baseline, terms: folder.terms, observe: folder.observe)
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
