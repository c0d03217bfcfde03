internal import PhaseDB

/// The states that `up` can lead to, each with the state from which it is reached.
///
/// `up` applies the phases that only add in folder order, and the contracts in folder order, but it may hold each
/// contract as long as its gates are closed (see ``UpOrder``). So two numbers identify a state: how many phases of the
/// first kind are applied, and how many contracts. Each state is reached by the way on which contracts come last, as in
/// production.
struct StateLattice {
  struct Node {
    let state: CompatibilityState
    /// The node it is reached from, nil for the first.
    let parent: Int?
    /// The phase that leads to it, nil for the first.
    let step: PhaseID?
    /// Whether it is a wanted state, and not only on the way to one.
    let isWanted: Bool
  }

  /// Parents before their children.
  private(set) var nodes: [Node] = []

  private let catalog: Catalog
  private let adding: [(id: PhaseID, phase: Phase)]
  private let contracts: [(id: PhaseID, phase: Phase)]

  private struct Point: Hashable {
    var adding: Int
    var contracts: Int
  }

  /// - Parameters:
  ///   - applied: the phases applied in the database that the data comes from, in their order; none for a new database.
  ///   - isWanted: which states are wanted; the states on the way to them are included, too.
  /// - Throws: `out-of-order` when `up` could not have led to the state of the database.
  init(
    _ catalog: Catalog, from applied: [PhaseID] = [], isWanted: (CompatibilityState) -> Bool
  ) throws(MigrationError) {
    self.catalog = catalog
    adding = catalog.phases.filter { $0.phase.kind != .contract }
    contracts = catalog.phases.filter { $0.phase.kind == .contract }
    let all = try reachable(from: applied)
    var kept = Set<Int>()
    for index in all.indices where isWanted(all[index].state) {
      var next: Int? = index
      while let node = next, kept.insert(node).inserted { next = all[node].parent }
    }
    var places: [Int: Int] = [:]
    for index in all.indices where kept.contains(index) || index <= applied.count {
      places[index] = nodes.count
      nodes.append(
        Node(
          state: all[index].state, parent: all[index].parent.flatMap { places[$0] }, step: all[index].step,
          isWanted: isWanted(all[index].state))
      )
    }
  }

  /// Every reachable state, in the order of what is applied; first those that the database went through.
  private func reachable(from applied: [PhaseID]) throws(MigrationError) -> [Node] {
    let done = Set(applied)
    let start = Point(
      adding: adding.count { done.contains($0.id) }, contracts: contracts.count { done.contains($0.id) })
    let isInOrder =
      adding.prefix(start.adding).allSatisfy { done.contains($0.id) }
      && contracts.prefix(start.contracts).allSatisfy { done.contains($0.id) }
      && start.adding + start.contracts == applied.count
    guard isInOrder else {
      throw MigrationError(
        .outOfOrder, "the phases of \(catalog.origin) do not lead to the state of the database",
        help: [
          "see what is applied: phasedb status", "use the folder that the database was migrated with",
        ])
    }
    var nodes = (0...applied.count).map { count in
      Node(
        state: CompatibilityState(applied: Array(applied.prefix(count)), in: catalog),
        parent: count == 0 ? nil : count - 1, step: count == 0 ? nil : applied[count - 1], isWanted: false)
    }
    var places = [start: applied.count]
    for count in start.adding...adding.count {
      for closed in start.contracts...contracts.count {
        let point = Point(adding: count, contracts: closed)
        guard places[point] == nil, let (parent, step) = way(to: point, places, nodes) else { continue }
        let before = nodes[parent].state
        let state = CompatibilityState(applied: before.applied + [step], in: catalog)
        // The planner avoids states on which an application cannot run, unless it could not run before, either.
        let isClosed = state.mayBeLive.contains { name, interval in
          interval.isContradiction && before.mayBeLive[name]?.isEmpty == false
        }
        if isClosed { continue }
        places[point] = nodes.count
        nodes.append(Node(state: state, parent: parent, step: step, isWanted: false))
      }
    }
    return nodes
  }

  /// How a state is reached; nil when there is no way.
  private func way(
    to point: Point, _ places: [Point: Int], _ nodes: [Node]
  ) -> (parent: Int, step: PhaseID)? {
    if point.contracts > 0 {
      let step = contracts[point.contracts - 1]
      let before = Point(adding: point.adding, contracts: point.contracts - 1)
      if let parent = places[before], mayFollow(step, nodes[parent].state) { return (parent, step.id) }
    }
    if point.adding > 0 {
      let step = adding[point.adding - 1]
      let before = Point(adding: point.adding - 1, contracts: point.contracts)
      if let parent = places[before], mayFollow(step, nodes[parent].state) { return (parent, step.id) }
    }
    return nil
  }

  private func mayFollow(_ step: (id: PhaseID, phase: Phase), _ state: CompatibilityState) -> Bool {
    let done = Set(state.applied)
    let own = catalog.phases.filter { $0.id.migration == step.id.migration && $0.id < step.id }
    return own.allSatisfy { done.contains($0.id) }
      && step.phase.needs.allSatisfy { need in done.contains { $0.isNamed(by: need) } }
  }

  /// The nodes that are reached from one.
  func children(of index: Int) -> [Int] { nodes.indices.filter { nodes[$0].parent == index } }

  /// The nodes from the first one to this one.
  func path(to index: Int) -> [Int] {
    var path = [index]
    while let last = path.last, let parent = nodes[last].parent { path.append(parent) }
    return path.reversed()
  }
}
