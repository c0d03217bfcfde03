/// An applied phase that the folder has under another number, with the same tokens.
///
/// This happens when two branches used one number, and one of the migrations got another number in the merge.
package struct Renumbered: Sendable, Hashable {
  /// The name under which the ledger knows it.
  package let former: PhaseID
  /// The name that the folder gives it.
  package let present: PhaseID
  let sequence: Int64
  /// Whether the folder has it more than once.
  let isAmbiguous: Bool

  var sentence: Prose { "\(former) is applied, and the folder has it as \(present), token for token" }

  static let opening: Prose = "record the new number: phasedb adopt --renumber"
}

extension Renumbered {
  /// The phases that a folder has under another number, in the order in which they were applied.
  ///
  /// If several phases have the same text, the one with the same words in its name is chosen; otherwise the match is
  /// ambiguous.
  static func all(_ applied: [AppliedPhase], in catalog: Catalog) -> [Renumbered] {
    // A status checks hundreds of phases, and nearly always they are in the order of the folder.
    var rest = catalog.migrations[...]
    let areAllThere = applied.allSatisfy { phase in
      if phase.isSquashed { return true }
      while let first = rest.first, first.name != phase.id.migration { rest.removeFirst() }
      return rest.first?.phases.contains { $0.kind == phase.id.kind } ?? false
    }
    if areAllThere { return [] }
    let done = Set(applied.map(\.id))
    let inFolder = Set(catalog.phases.map(\.id))
    let homeless = applied.filter { !$0.isSquashed && !inFolder.contains($0.id) }
    guard !homeless.isEmpty else { return [] }
    let pending = catalog.phases.filter { !done.contains($0.id) }
    let byHash = Dictionary(grouping: pending.map { ($0.id, $0.phase.tokenHash) }, by: \.1).mapValues {
      $0.map(\.0)
    }
    return homeless.flatMap { phase -> [Renumbered] in
      let same = (byHash[phase.tokenHash] ?? []).filter { $0.kind == phase.id.kind }
      let named = same.filter { $0.migration.words == phase.id.migration.words }
      let files = named.count == 1 ? named : same
      return files.map {
        Renumbered(former: phase.id, present: $0, sequence: phase.sequence, isAmbiguous: files.count > 1)
      }
    }
  }

  /// The phases of a folder that are not applied under any number.
  static func pending(in catalog: Catalog, beside applied: [AppliedPhase]) -> [(id: PhaseID, phase: Phase)] {
    let done = Set(applied.map(\.id) + all(applied, in: catalog).map(\.present))
    return catalog.phases(where: { !done.contains($0) })
  }
}
