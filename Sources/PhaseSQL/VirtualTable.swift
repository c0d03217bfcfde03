/// The module of a virtual table, and its arguments (sqlite.org/vtab.html).
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

extension VirtualTable {
  /// The value of an option such as `content='t'`, without quotes; nil when it is not given.
  package func option(_ name: String) -> SchemaName? {
    for argument in arguments {
      var cursor = TokenCursor(argument.text)
      if cursor.skip(name), cursor.skip("=") { return cursor.name() ?? "" }
    }
    return nil
  }

  /// The table whose rows a full-text table indexes; nil when it has its own.
  package var contentTable: SchemaName? {
    guard module.key.hasPrefix("fts"), let table = option("content") else { return nil }
    return table.key.isEmpty ? nil : table
  }

  /// The hidden column that holds the language of an FTS4 row; nil when there is none.
  package var language: SchemaName? { module.key == "fts4" ? option("languageid") : nil }

  package enum Content: Hashable {
    /// In the table itself: rows read from it can be inserted again.
    case own
    /// In another table, from which it is filled.
    case elsewhere
    case unreadable
  }

  /// Where its rows are (sqlite.org/fts5.html#external_content_and_contentless_tables, sqlite.org/rtree.html).
  package var content: Content {
    switch module.key {
    case "rtree", "rtree_i32": .own
    case "fts4aux", "fts5vocab", "dbstat": .elsewhere
    case "fts3", "fts4", "fts5": option("content").map { $0.key.isEmpty ? .unreadable : .elsewhere } ?? .own
    default: .unreadable
    }
  }
}
