internal import PhaseSQL
internal import PhaseSQLite

/// The name that a retired column or table has until its phase comes down or is purged.
///
/// It depends only on the migration and the old name, so that the same phases lead to the same schema in every
/// database.
struct RetiredName: Hashable, Sendable {
  /// The number of the migration that retired it.
  let number: UInt64
  let original: SchemaName

  init(_ original: SchemaName, by migration: MigrationName) {
    number = migration.number
    self.original = original
  }

  /// Reads a name; nil when it is not one of a retired column or table.
  init?(_ name: SchemaName) {
    guard name.key.hasPrefix(Self.prefix) else { return nil }
    let rest = name.spelled.dropFirst(Self.prefix.count)
    let digits = rest.prefix(while: \.isASCIIDigit)
    let original = rest.dropFirst(digits.count + 1)
    guard let number = UInt64(digits), rest.dropFirst(digits.count).first == "_", !original.isEmpty else {
      return nil
    }
    self.number = number
    self.original = SchemaName(String(original))
  }

  var name: SchemaName { SchemaName("\(Self.prefix)\(number)_\(original)") }

  /// The prefix of all retired columns and tables.
  static let prefix = "\(Schema.ledgerPrefix)retired_"
}
