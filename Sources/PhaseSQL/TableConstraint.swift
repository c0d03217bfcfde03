/// A constraint of a table, written with a column or with the table (sqlite.org/lang_createtable.html).
package struct TableConstraint: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case primaryKey(PrimaryKey)
    case unique([IndexedColumn], ConflictResolution)
    case check(SQLFragment)
    case foreignKey(ForeignKey)
  }

  /// The name that CONSTRAINT gives it.
  package let name: SchemaName?
  /// The column that it is written with; nil for a constraint of the table.
  package let column: SchemaName?
  package var kind: Kind

  package init(_ kind: Kind, name: SchemaName? = nil, column: SchemaName? = nil) {
    self.kind = kind
    self.name = name
    self.column = column
  }
}

package struct PrimaryKey: Hashable, Sendable {
  package let columns: [IndexedColumn]
  package var conflict = ConflictResolution.abort
  package var hasAutoincrement = false
}

/// What SQLite does when a constraint is broken (sqlite.org/lang_conflict.html).
package enum ConflictResolution: String, Hashable, Sendable {
  case rollback = "ROLLBACK"
  case abort = "ABORT"
  case fail = "FAIL"
  case ignore = "IGNORE"
  case replace = "REPLACE"
}

extension TableConstraint {
  /// Reads the constraints of one item after a table's columns. There may be several, because SQLite does not require a
  /// comma between them.
  package static func all(in item: TokenCursor) -> [TableConstraint] {
    var cursor = item
    var constraints: [TableConstraint] = []
    var name: SchemaName?
    while !cursor.isAtEnd {
      if cursor.skip("constraint") {
        name = cursor.name()
      } else if let kind = kind(in: &cursor) {
        constraints.append(TableConstraint(kind, name: name))
        name = nil
      } else {
        cursor.skipToken()
      }
    }
    return constraints
  }

  /// Whether an item that starts with this unquoted word is a constraint, and not a column.
  package static func starts(with word: String) -> Bool {
    ["constraint", "primary", "unique", "check", "foreign"].contains(word)
  }

  private static func kind(in cursor: inout TokenCursor) -> Kind? {
    if cursor.skip("primary", "key"), let list = cursor.group() {
      let hasAutoincrement = list.count > 1 && list.word(list.count - 1) == "autoincrement"
      let columns = IndexedColumn.all(in: hasAutoincrement ? list.prefix(list.count - 1) : list)
      return .primaryKey(
        PrimaryKey(
          columns: columns, conflict: ConflictResolution(reading: &cursor), hasAutoincrement: hasAutoincrement
        ))
    }
    if cursor.skip("unique"), let list = cursor.group() {
      return .unique(IndexedColumn.all(in: list), ConflictResolution(reading: &cursor))
    }
    if cursor.skip("check"), let condition = cursor.group()?.fragment {
      // SQLite reads ON CONFLICT after CHECK and does not obey it.
      _ = ConflictResolution(reading: &cursor)
      return .check(condition)
    }
    if cursor.skip("foreign", "key"), let list = cursor.group() {
      return ForeignKey(of: list.names(), &cursor).map(Kind.foreignKey)
    }
    return nil
  }
}

extension ConflictResolution {
  /// Reads `ON CONFLICT …`; ABORT, SQLite's default, when there is none.
  package init(reading cursor: inout TokenCursor) {
    guard cursor.skip("on", "conflict") else {
      self = .abort
      return
    }
    self = ConflictResolution(rawValue: cursor.word().uppercased()) ?? .abort
    cursor.skipToken()
  }
}
