internal import PhaseSQL
package import PhaseSQLite

/// The tables in which virtual tables keep their content (sqlite.org/vtab.html#the_xshadowname_method).
enum ShadowTables {
  /// Their names in lower case.
  static func names(on connection: Connection, _ schema: Schema) throws(SQLiteError) -> Set<FoldedName> {
    // PRAGMA table_list came with 3.37, and asks the modules themselves.
    if try connection.value("SELECT 1 FROM pragma_pragma_list WHERE name = 'table_list'") != nil {
      let rows = try connection.rows(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'")
      return Set(rows.compactMap { $0[0].text?.folded })
    }
    return schema.objects.reduce(into: []) { names, object in
      guard object.key.type == "table", let table = TableDefinition(object.sql) else { return }
      names.formUnion(table.virtual?.shadows(of: table.name).map(\.key) ?? [])
    }
  }
}

extension Schema {
  /// How many rows the ordinary tables have.
  package func rows(on connection: Connection) throws(SQLiteError) -> Int {
    let shadows = try ShadowTables.names(on: connection, self)
    var rows: Int64 = 0
    for object in objects where object.key.type == "table" && !shadows.contains(object.key.name) {
      guard TableDefinition(object.sql)?.virtual == nil else { continue }
      rows +=
        try connection.value("SELECT count(*) FROM main.\(SQLText.identifier(object.name))")?.integer ?? 0
    }
    return Int(rows)
  }
}
