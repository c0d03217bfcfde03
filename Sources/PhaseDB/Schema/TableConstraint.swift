/// A constraint of a table, written with a column or with the table (sqlite.org/lang_createtable.html).
struct TableConstraint: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    case primaryKey(PrimaryKey)
    case unique([IndexedColumn], ConflictResolution)
    case check(SQLFragment)
    case foreignKey(ForeignKey)
  }

  /// What CONSTRAINT calls it.
  let name: SchemaName?
  /// The column it is written with.
  let column: SchemaName?
  var kind: Kind

  init(_ kind: Kind, name: SchemaName? = nil, column: SchemaName? = nil) {
    self.kind = kind
    self.name = name
    self.column = column
  }
}

struct PrimaryKey: Hashable, Sendable {
  let columns: [IndexedColumn]
  var conflict = ConflictResolution.abort
  var hasAutoincrement = false
}

/// What SQLite does when a constraint is broken (sqlite.org/lang_conflict.html).
enum ConflictResolution: String, Hashable, Sendable {
  case rollback = "ROLLBACK"
  case abort = "ABORT"
  case fail = "FAIL"
  case ignore = "IGNORE"
  case replace = "REPLACE"
}

extension TableConstraint {
  /// Reads the constraints of one item after a table's columns. There may be several: SQLite does not ask for the
  /// comma between them.
  static func all(in item: TokenCursor) -> [TableConstraint] {
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

  /// Whether an item that starts with this unquoted word is a constraint and no column.
  static func starts(with word: String) -> Bool {
    ["constraint", "primary", "unique", "check", "foreign"].contains(word)
  }

  private static func kind(in cursor: inout TokenCursor) -> Kind? {
    if cursor.skip("primary", "key"), let list = cursor.group() {
      let hasAutoincrement = list.count > 1 && list.word(list.count - 1) == "autoincrement"
      let columns = (hasAutoincrement ? list.prefix(list.count - 1) : list).indexedColumns()
      return .primaryKey(
        PrimaryKey(columns: columns, conflict: cursor.conflict(), hasAutoincrement: hasAutoincrement))
    }
    if cursor.skip("unique"), let list = cursor.group() {
      return .unique(list.indexedColumns(), cursor.conflict())
    }
    if cursor.skip("check"), let condition = cursor.group()?.fragment {
      // SQLite reads ON CONFLICT after CHECK and does not obey it.
      _ = cursor.conflict()
      return .check(condition)
    }
    if cursor.skip("foreign", "key"), let list = cursor.group() {
      return ForeignKey(of: list.names(), &cursor).map(Kind.foreignKey)
    }
    return nil
  }
}

extension TokenCursor {
  /// `ON CONFLICT …`; ABORT, which is what SQLite does by itself, without one.
  mutating func conflict() -> ConflictResolution {
    guard skip("on", "conflict") else { return .abort }
    let resolution = ConflictResolution(rawValue: word().uppercased())
    skipToken()
    return resolution ?? .abort
  }
}
