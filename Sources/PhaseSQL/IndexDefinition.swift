/// An index as its CREATE INDEX declares it, read from the tokens alone (sqlite.org/lang_createindex.html).
package struct IndexDefinition: Hashable, Sendable {
  package let name: SchemaName
  package let table: SchemaName
  package let isUnique: Bool
  package let columns: [IndexedColumn]
  /// Its WHERE; nil when it holds every row.
  package let condition: SQLFragment?

  /// Reads a CREATE INDEX; nil for any other text.
  package init?(_ sql: String) {
    var cursor = TokenCursor(sql)
    guard cursor.skip("create") else { return nil }
    isUnique = cursor.skip("unique")
    guard cursor.skip("index") else { return nil }
    _ = cursor.skip("if", "not", "exists")
    guard let name = cursor.qualifiedName(), cursor.skip("on"), let table = cursor.name(),
      let list = cursor.group()
    else { return nil }
    self.name = name
    self.table = table
    columns = IndexedColumn.all(in: list)
    condition = cursor.skip("where") ? cursor.fragment : nil
  }

  /// Whether the index, one of its expressions or its condition mentions a column.
  package func mentions(_ column: SchemaName) -> Bool { mentions(anyOf: [column]) }

  /// Whether it mentions one of several columns.
  package func mentions(anyOf names: Set<SchemaName>) -> Bool {
    !self.names.isDisjoint(with: names)
  }

  /// `index i on t`
  package var title: String { "index \(name) on \(table)" }
}

extension IndexDefinition {
  package var names: Set<SchemaName> {
    let terms = columns.map { column -> Set<SchemaName> in
      switch column.term {
      case .column(let name): [name]
      case .expression(let sql): sql.names
      }
    }
    return terms.reduce(condition?.names ?? []) { $0.union($1) }
  }

  /// Whether it is the other index under another name, or finds every row that the other finds, in the same order.
  package func serves(like other: IndexDefinition) -> Bool {
    guard condition == other.condition else { return false }
    return other.isUnique
      ? isUnique && columns == other.columns : columns.starts(with: other.columns)
  }
}
