package import PhaseDB
internal import PhaseSQLite

/// A state of the schema that `up` can lead to, contracts held or not.
package struct CompatibilityState: Sendable, Hashable {
  /// The applied phases, in the order in which they would go up.
  package let applied: [PhaseID]
  /// Contracts before the last applied phase that are not applied.
  package let held: [PhaseID]
  /// For each application, the versions that may be live.
  package let mayBeLive: [String: StateInterval]

  /// - Parameters:
  ///   - applied: in the order in which it would be applied.
  ///   - catalog: where the phases come from.
  init(applied: [PhaseID], in catalog: Catalog) {
    self.applied = applied
    let done = Set(applied)
    let last = applied.max()
    let phases = catalog.phases
    held = phases.map(\.id).filter { id in !done.contains(id) && last.map { id < $0 } == true }
    mayBeLive = LiveIntervals.of(
      applied: phases.filter { done.contains($0.id) }.map(\.phase.windows),
      pending: phases.filter { !done.contains($0.id) }.map(\.phase.windows))
  }

  /// Whether a version may be live; true for an application that no window names.
  package func admits(_ application: String, _ version: Version) -> Bool {
    mayBeLive[application]?.contains(version) ?? true
  }
}

extension CompatibilityState: CustomStringConvertible {
  /// The last phase in the order of the folder, and which contracts before it are held:
  /// `0004/migrate, 0002 and 0003/contract held`.
  package var description: String {
    guard let last = applied.max() else { return "before the first phase" }
    guard let final = held.last else { return last.short }
    let numbers = held.dropLast().map(\.migration.digits)
    let more = numbers.isEmpty ? "" : numbers.joined(separator: ", ") + " and "
    return "\(last.short), \(more)\(final.short) held"
  }
}

/// Describes the database of a state on which versions were tried.
struct StateGround: Sendable, Hashable {
  let schema: SchemaDigest
  let rows: Int

  init(_ copy: StateCopy) throws(MigrationError) {
    let schema = try copy.schema
    self.schema = schema.digest
    rows = try lifting("counting rows") { () in try schema.rows(on: copy.connection) }
  }
}
