/// What makes a table virtual: a module and what it was told (sqlite.org/vtab.html).
package struct VirtualTable: Hashable, Sendable {
  package let module: SchemaName
  package let arguments: [SQLFragment]

  /// The ordinary tables in which SQLite's own modules keep the contents of a virtual table of this name. They come
  /// and go with it (sqlite.org/vtab.html#the_xshadowname_method).
  package func shadows(of name: SchemaName) -> Set<SchemaName> {
    Set((Self.shadows[module.key] ?? []).map { SchemaName("\(name)_\($0)") })
  }

  private static let shadows: [FoldedName: [String]] = [
    "fts3": ["content", "segments", "segdir", "docsize", "stat"],
    "fts4": ["content", "segments", "segdir", "docsize", "stat"],
    "fts5": ["data", "idx", "content", "docsize", "config"],
    "rtree": ["node", "rowid", "parent"],
    "rtree_i32": ["node", "rowid", "parent"],
    "geopoly": ["node", "rowid", "parent"],
  ]
}
