/// The full name of a phase: its migration and its kind, as in `0002-split-customer-name/expand`.
public struct PhaseID: Sendable, Hashable, Comparable {
  /// The migration it is part of.
  package let migration: MigrationName
  /// Which of the migration's phases it is.
  public let kind: Phase.Kind

  /// The phase of a kind of a migration.
  package init(_ migration: MigrationName, _ kind: Phase.Kind) {
    self.migration = migration
    self.kind = kind
  }

  /// Reads a full id.
  ///
  /// - Throws: `invalid-name` when `text` is not `NUMBER-NAME/expand`, `/migrate` or `/contract`.
  public init(_ text: String) throws(MigrationError) {
    guard let slash = text.lastIndex(of: "/"),
      let kind = Phase.Kind(rawValue: String(text[text.index(after: slash)...]))
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

extension PhaseID {
  /// True when `name` is this phase's id, or a prefix of it or of its short form, with or without leading zeros:
  /// `0002-split-customer-name/expand`, `0002/expand`, `2/exp`, `0002`.
  package func isNamed(by name: String) -> Bool {
    let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, !first.isEmpty else { return false }
    let isMigration =
      migration.text.hasPrefix(first) && (parts.count == 1 || migration.text == first || isNumber(first))
      || isNumber(first)
    return isMigration && (parts.count == 1 || kind.rawValue.hasPrefix(parts[1]))
  }

  private func isNumber(_ text: Substring) -> Bool {
    !text.isEmpty && text.allSatisfy(\.isASCIIDigit) && UInt64(text) == migration.number
  }

  /// Finds the one phase that a user names.
  ///
  /// - Throws: `unknown-phase` with the nearest name, `ambiguous-phase` with the candidates.
  static func find(_ name: String, among candidates: [PhaseID]) throws(MigrationError) -> PhaseID {
    let matches = candidates.filter { $0.isNamed(by: name) }
    if let exact = matches.first(where: { $0.description == name }) { return exact }
    guard let match = matches.first else {
      let names = candidates.map(\.description) + candidates.map(\.short)
      throw MigrationError(
        .unknownPhase, "there is no phase '\(name)'", state: "nothing was changed",
        help: Suggestion.nearest(to: name, in: names).map { ["did you mean \($0)?"] } ?? [
          "list the phases: phasedb status"
        ])
    }
    guard matches.count == 1 else {
      throw MigrationError(
        .ambiguousPhase, "'\(name)' names \(matches.count) phases", details: matches.map { Prose($0) },
        state: "nothing was changed", help: ["write more of it, for example \(match.short)"])
    }
    return match
  }
}
