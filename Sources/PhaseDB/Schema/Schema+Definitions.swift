internal import PhaseSQL

extension Schema {
  /// The object of this type and name; nil when there is none.
  func object(_ type: String, _ name: SchemaName) -> SchemaObject? {
    let key = SchemaObject.Key(type: type, name: name.key)
    return objects.first { $0.key == key }
  }

  /// The declaration of a table; nil when there is none, or it cannot be read.
  func table(_ name: SchemaName) -> TableDefinition? {
    object("table", name).flatMap { TableDefinition($0.sql) }
  }

  func indexes(on table: SchemaName) -> [IndexDefinition] {
    objects.filter { $0.key.type == "index" && SchemaName($0.table) == table }
      .compactMap { IndexDefinition($0.sql) }
  }
}
