/// One named, ordered change, in one to three phases.
public struct Migration: Sendable, Hashable {
  /// Its number and description, as in the name of its folder.
  package let name: MigrationName
  /// In the order expand, migrate, contract; at least one.
  public let phases: [Phase]

  /// - Parameters:
  ///   - name: the number and a description, as in the name of its folder: `0002-add-title`.
  ///   - phases: at least one, and no more than one of each kind.
  /// - Throws: `invalid-name`, `empty-migration` without a phase, `duplicate-number` with two phases of one kind.
  public init(_ name: String, phases: [Phase]) throws(MigrationError) {
    try self.init(MigrationName(name), phases: phases)
  }

  /// - Throws: `empty-migration` without a phase, `duplicate-number` with two phases of one kind.
  package init(_ name: MigrationName, phases: [Phase]) throws(MigrationError) {
    guard !phases.isEmpty else {
      throw MigrationError(
        .emptyMigration, "migration \(name) has no phase",
        help: ["add expand.sql, migrate.sql or contract.sql, or remove the folder"])
    }
    let sorted = phases.sorted { $0.kind < $1.kind }
    for (left, right) in zip(sorted, sorted.dropFirst()) where left.kind == right.kind {
      throw MigrationError(
        .duplicateNumber, "migration \(name) has two \(left.kind.rawValue) phases",
        help: ["move the second one to a migration of its own"])
    }
    self.name = name
    self.phases = sorted
  }
}
