/// The full name of a phase: its migration and its kind, as in `0002-split-customer-name/expand`.
public struct PhaseID: Sendable, Hashable, Comparable {
  public let migration: MigrationName
  public let kind: PhaseKind

  public init(_ migration: MigrationName, _ kind: PhaseKind) {
    self.migration = migration
    self.kind = kind
  }

  /// Reads a full id.
  ///
  /// - Throws: `invalid-name` when `text` is not `NUMBER-NAME/expand`, `/migrate` or `/contract`.
  public init(_ text: String) throws(MigrationError) {
    guard let slash = text.lastIndex(of: "/"),
      let kind = PhaseKind(rawValue: String(text[text.index(after: slash)...]))
    else {
      throw MigrationError(
        .invalidName, "'\(text)' is not the id of a phase",
        help: ["write MIGRATION/KIND, for example 0002-split-customer-name/expand"])
    }
    self.init(try MigrationName(String(text[..<slash])), kind)
  }

  /// Number and kind only, `0002/expand`: enough to tell phases apart, and accepted everywhere an id is.
  public var short: String { "\(migration.digits)/\(kind.rawValue)" }

  /// Folder order, then expand, migrate, contract.
  public static func < (left: PhaseID, right: PhaseID) -> Bool {
    (left.migration, left.kind) < (right.migration, right.kind)
  }
}

extension PhaseID: CustomStringConvertible {
  public var description: String { "\(migration.text)/\(kind.rawValue)" }
}
