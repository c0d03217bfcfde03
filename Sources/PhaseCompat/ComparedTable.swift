internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// A table whose rows can be found again, and the key for that.
struct ComparedTable: Sendable {
  let name: FoldedName
  let columns: [FoldedName]
  let keyColumns: [FoldedName]
  /// Whether the key is the rowid, by whatever name.
  let isKeyedByRowID: Bool
  let isWithoutRowID: Bool

  /// Reads an ordinary table; nil for a view, a virtual table, a missing table, and a table without a usable key.
  init?(_ name: FoldedName, in schema: Schema) {
    guard let table = schema.table(SchemaName(name)), let key = table.rowKey else { return nil }
    self.name = name
    columns = table.columns.map(\.name.key)
    keyColumns = key.names.map(\.folded)
    isKeyedByRowID = key.isNumber
    isWithoutRowID = table.isWithoutRowID
  }
}
