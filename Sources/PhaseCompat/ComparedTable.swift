internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// What it takes to find a row of a table again.
struct ComparedTable: Sendable {
  let name: FoldedName
  let columns: [FoldedName]
  let key: Key

  enum Key: Sendable, Equatable {
    /// The rowid, under the name of the column that stands for it, where there is one.
    case rowID(column: FoldedName)
    /// The primary key of a table that has a rowid besides.
    case columns([FoldedName])
    /// The primary key of a WITHOUT ROWID table.
    case only([FoldedName])
  }

  /// Reads an ordinary table; nil for a view, a virtual table, or one that is not there.
  init?(_ name: FoldedName, in schema: Schema) {
    guard let table = schema.table(SchemaName(name)), table.virtual == nil else { return nil }
    self.name = name
    let columns = table.columns.map(\.name.key)
    self.columns = columns
    // The terms of a primary key are columns, never expressions (sqlite.org/lang_createtable.html).
    let key = table.primaryKey?.columns.compactMap(\.column?.key) ?? []
    if let alias = table.columns.first(where: \.isRowIDAlias) {
      self.key = .rowID(column: alias.name.key)
    } else if table.isWithoutRowID {
      self.key = .only(key)
    } else if key.isEmpty {
      // A column may have taken the name of the rowid (sqlite.org/rowidtable.html).
      let names: [FoldedName] = ["rowid", "oid", "_rowid_"]
      guard let free = names.first(where: { !columns.contains($0) }) else { return nil }
      self.key = .rowID(column: free)
    } else {
      self.key = .columns(key)
    }
  }

  var keyColumns: [FoldedName] {
    switch key {
    case .rowID(let column): [column]
    case .columns(let columns), .only(let columns): columns
    }
  }
}
