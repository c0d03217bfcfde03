internal import PhaseSQL
internal import PhaseSQLite

extension ScriptTracer {
  struct Present {
    let name: SchemaName
    let rootPage: Int64
    let isVirtual: Bool
  }

  func tables() throws(SQLiteError) -> [Present] {
    let rows = try connection.rows(
      "SELECT name, rootpage, sql FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    // A virtual table has no page of its own (sqlite.org/fileformat2.html#storage_of_the_sql_database_schema).
    let virtual = Dictionary(
      rows.lazy.filter { $0[1].integer == 0 }.compactMap { row in
        TableDefinition(row[2].text ?? "").flatMap { table in table.virtual.map { (table.name, $0) } }
      }, uniquingKeysWith: { first, _ in first })
    let shadows = virtual.reduce(into: Set<SchemaName>()) { $0.formUnion($1.value.shadows(of: $1.key)) }
    return rows.compactMap { row in
      let name = SchemaName(row[0].text ?? "")
      guard !shadows.contains(name) else { return nil }
      return Present(name: name, rootPage: row[1].integer ?? 0, isVirtual: virtual[name] != nil)
    }
  }

  func appear(_ table: Present, isNew: Bool) throws(SQLiteError) {
    let columns = try columns(of: table.name.key).map { column in
      TracedColumn(
        origin: isNew ? nil : column.name, outcome: column.name, isGenerated: column.isGenerated,
        type: column.type)
    }
    present[table.name.key] = trace.tables.count
    rootPages[table.name.key] = table.rootPage
    trace.tables.append(
      TracedTable(
        origin: isNew ? nil : table.name, outcome: table.name, isVirtual: table.isVirtual, columns: columns))
  }

  /// A table that is renamed keeps its first page (sqlite.org/fileformat2.html#storage_of_the_sql_database_schema), and
  /// no statement renames more than one that is not another's shadow.
  func followNames() throws(SQLiteError) {
    let now = try tables()
    let names = Set(now.map(\.name.key))
    var gone = present.filter { !names.contains($0.key) }
    for table in now where present[table.name.key] == nil {
      if let old = gone.first(where: { rootPages[$0.key] == table.rootPage }) {
        gone[old.key] = nil
        trace.tables[old.value].outcome = table.name
        present[old.key] = nil
        rootPages[old.key] = nil
        present[table.name.key] = old.value
      } else {
        try appear(table, isNew: true)
      }
      rootPages[table.name.key] = table.rootPage
    }
    for (name, index) in gone {
      trace.tables[index].outcome = nil
      present[name] = nil
      rootPages[name] = nil
    }
  }

  /// Takes up the tables that a statement made and dropped, by their names alone: to read the whole schema after each
  /// of thousands would take a time that grows with their square.
  ///
  /// - Returns: false for a statement after which only the whole schema tells: one that may have renamed something,
  ///   or is about a virtual table, which has others behind it.
  func followTables(_ writes: WriteSet) throws(SQLiteError) -> Bool {
    guard writes.alteredTables.isEmpty else { return false }
    var made: [Present] = []
    for name in writes.createdTables {
      guard
        let row = try connection.rows(
          "SELECT name, rootpage FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
          .text(name)
        ).first
      else { continue }
      guard let page = row[1].integer, page > 0, present[name] == nil else { return false }
      made.append(Present(name: SchemaName(row[0].text ?? ""), rootPage: page, isVirtual: false))
    }
    let dropped = writes.droppedTables.filter { present[$0] != nil }
    guard dropped.allSatisfy({ present[$0].map { !trace.tables[$0].isVirtual } ?? true }) else {
      return false
    }
    for name in dropped {
      if let index = present.removeValue(forKey: name) { trace.tables[index].outcome = nil }
      rootPages[name] = nil
    }
    for table in made { try appear(table, isNew: true) }
    return true
  }

  private func columns(of table: FoldedName) throws(SQLiteError)
    -> [(name: SchemaName, isGenerated: Bool, type: String)]
  {
    try connection.rows(
      "SELECT name, hidden, type FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid", .text(table)
    ).map { (SchemaName($0[0].text ?? ""), $0[1].integer ?? 0 > 1, ($0[2].text ?? "").asciiLowercased) }
  }

  /// One ALTER adds a column at the end, drops one or renames one.
  func followColumns(of table: FoldedName) throws(SQLiteError) {
    guard let index = present[table] else { return }
    let now = try columns(of: table)
    var old = trace.tables[index].columns.filter { $0.outcome != nil }
    let gone = trace.tables[index].columns.filter { $0.outcome == nil }
    if now.count == old.count {
      for place in now.indices { old[place].outcome = now[place].name }
      trace.tables[index].columns = old + gone
      return
    }
    let names = Set(now.map(\.name))
    var lost = old.filter { column in !(column.outcome.map(names.contains) ?? false) }
    for place in lost.indices { lost[place].outcome = nil }
    let kept = now.map { column in
      old.first { $0.outcome == column.name }
        ?? TracedColumn(
          origin: nil, outcome: column.name, isGenerated: column.isGenerated, type: column.type)
    }
    trace.tables[index].columns = kept + lost + gone
  }
}
