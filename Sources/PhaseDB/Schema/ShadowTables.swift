internal import PhaseSQL
internal import PhaseSQLite

/// The tables in which virtual tables keep their content (sqlite.org/vtab.html#the_xshadowname_method).
enum ShadowTables {
  /// Their names in lower case.
  static func names(on connection: Connection, _ schema: Schema) throws(SQLiteError) -> Set<FoldedName> {
    guard schema.hasVirtualTables else { return [] }
    // PRAGMA table_list came with 3.37, and asks the modules themselves.
    if try connection.value("SELECT 1 FROM pragma_pragma_list WHERE name = 'table_list'") != nil {
      let rows = try connection.rows(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'")
      return Set(rows.compactMap { $0[0].text?.folded })
    }
    return Set(declared(by: schema.objects).map(\.key))
  }

  /// The names that the texts of virtual tables imply.
  static func declared(by objects: some Sequence<SchemaObject>) -> Set<SchemaName> {
    objects.reduce(into: []) { names, object in
      guard object.key.type == "table", let table = TableDefinition(object.sql) else { return }
      names.formUnion(table.virtual?.shadows(of: table.name) ?? [])
    }
  }
}
