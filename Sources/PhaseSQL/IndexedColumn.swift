/// One term of a key or an index: a column or an expression, how it is compared and in which order it is kept.
package struct IndexedColumn: Hashable, Sendable {
  package enum Term: Hashable, Sendable {
    case column(SchemaName)
    case expression(SQLFragment)
  }

  package let term: Term
  /// The collation written with the term; nil for the column's own.
  package let collation: SchemaName?
  package let isDescending: Bool

  package init(_ column: SchemaName, collation: SchemaName? = nil, isDescending: Bool = false) {
    term = .column(column)
    self.collation = collation
    self.isDescending = isDescending
  }

  /// Reads the terms of a list.
  package static func all(in list: TokenCursor) -> [IndexedColumn] {
    list.items().compactMap { IndexedColumn(reading: $0) }
  }

  /// Reads one term of a list; nil when nothing is there.
  package init?(reading item: TokenCursor) {
    var item = item
    var isDescending = false
    if item.count > 1, ["asc", "desc"].contains(item.word(item.count - 1)) {
      isDescending = item.word(item.count - 1) == "desc"
      item = item.prefix(item.count - 1)
    }
    self.isDescending = isDescending
    var collation: SchemaName?
    if item.count > 2, item.word(item.count - 2) == "collate" {
      var last = item
      for _ in 0..<(item.count - 1) { last.skipToken() }
      collation = last.name()
      item = item.prefix(item.count - 2)
    }
    self.collation = collation
    guard let fragment = item.fragment else { return nil }
    if item.count == 1, let name = item.name() {
      term = .column(name)
    } else {
      term = .expression(fragment)
    }
  }

  package var column: SchemaName? {
    if case .column(let name) = term { name } else { nil }
  }

  /// The term alone, as spelled.
  package var title: String {
    switch term {
    case .column(let name): name.spelled
    case .expression(let sql): sql.text
    }
  }

  /// `name COLLATE NOCASE DESC`
  package var text: String {
    title + (collation.map { " COLLATE \($0)" } ?? "") + (isDescending ? " DESC" : "")
  }
}

extension Sequence<IndexedColumn> {
  /// `(a, b DESC)`
  package var list: String { "(\(map(\.text).joined(separator: ", ")))" }
}
