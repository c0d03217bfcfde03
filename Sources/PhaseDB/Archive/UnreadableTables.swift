internal import PhaseSQL
internal import PhaseSQLite

/// Virtual tables whose rows cannot be read, so that they cannot be archived: full-text tables without content, and
/// tables of modules that phasedb does not know.
struct UnreadableTables {
  private let names: [SchemaName]

  init(_ schema: Schema) {
    names = schema.objects.filter(\.isVirtual).compactMap { object in
      guard let table = TableDefinition(object.sql), let virtual = table.virtual else { return nil }
      return virtual.content == .unreadable ? table.name : nil
    }
  }

  /// The tables that a later schema no longer has.
  func gone(in later: Schema) -> [Reversal.AffectedRows] {
    names.filter { later.object("table", $0) == nil }.map { name in
      Reversal.AffectedRows(
        table: name.spelled, column: nil, rows: nil, why: "its module cannot restore its rows",
        isDeclared: false)
    }
  }
}
