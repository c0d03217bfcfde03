/// An index as its CREATE INDEX declares it, read from the tokens alone (sqlite.org/lang_createindex.html).
struct IndexDefinition: Hashable, Sendable {
  let name: SchemaName
  let table: SchemaName
  let isUnique: Bool
  let columns: [IndexedColumn]
  /// Its WHERE; nil when it holds every row.
  let condition: SQLFragment?

  /// Reads a CREATE INDEX; nil when it is none.
  init?(_ sql: String) {
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
    columns = list.indexedColumns()
    condition = cursor.skip("where") ? cursor.fragment : nil
  }

  /// Whether a column is in it, in an expression or in its condition.
  func mentions(_ column: SchemaName) -> Bool { mentions(anyOf: [column]) }

  /// Whether one of several columns is.
  func mentions(anyOf names: Set<SchemaName>) -> Bool {
    let expressions = columns.compactMap { if case .expression(let sql) = $0.term { sql } else { nil } }
    return columns.contains { $0.column.map(names.contains) ?? false }
      || (expressions + [condition].compactMap(\.self)).contains { !$0.names.isDisjoint(with: names) }
  }

  /// `index i on t`
  var title: String { "index \(name) on \(table)" }
}
