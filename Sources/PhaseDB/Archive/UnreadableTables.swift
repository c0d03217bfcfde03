internal import PhaseSQL
internal import PhaseSQLite

/// Virtual tables whose rows cannot be read back, so that no archive keeps them: full-text tables without content, and
/// those of modules phasedb does not know.
struct UnreadableTables {
  private let names: [SchemaName]

  init(_ schema: Schema) {
    names = schema.objects.filter(\.isVirtual).compactMap { object in
      guard let table = TableDefinition(object.sql), let virtual = table.virtual else { return nil }
      return virtual.content == .unreadable ? table.name : nil
    }
  }

  /// What a later schema does not have any more.
  func gone(in later: Schema) -> [Reversal.AffectedRows] {
    names.filter { later.object("table", $0) == nil }.map { name in
      Reversal.AffectedRows(
        table: name.spelled, column: nil, rows: nil, why: "its module cannot restore its rows",
        isDeclared: false)
    }
  }
}
