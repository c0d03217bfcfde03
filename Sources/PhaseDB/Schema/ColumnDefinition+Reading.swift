internal import PhaseSQLite

extension ColumnDefinition {
  /// Reads one item of a CREATE TABLE's list; nil when it does not start with a name.
  init?(reading item: TokenCursor) {
    var cursor = item
    guard let declaration = item.fragment, let name = cursor.name() else { return nil }
    self.init(name: name, type: ColumnType(cursor.typeName()), declaration: declaration)
    var constraint: SchemaName?
    while !cursor.isAtEnd {
      if cursor.skip("constraint") {
        constraint = cursor.name()
      } else {
        if !readProperty(&cursor) { readConstraint(named: constraint, &cursor) }
        constraint = nil
      }
    }
  }

  private mutating func readProperty(_ cursor: inout TokenCursor) -> Bool {
    if cursor.skip("not", "null") {
      isNotNull = true
      notNullConflict = cursor.conflict()
    } else if cursor.skip("null") {
      _ = cursor.conflict()
    } else if cursor.skip("default") {
      defaultValue = cursor.defaultValue()
    } else if cursor.skip("collate") {
      collation = cursor.name().flatMap { $0 == "BINARY" ? nil : $0 }
    } else if cursor.skip("generated", "always", "as") || cursor.skip("as") {
      guard let expression = cursor.group()?.fragment else { return true }
      let isStored = cursor.skip("stored")
      _ = cursor.skip("virtual")
      generation = Generation(expression: expression, isStored: isStored)
    } else if let isDeferred = cursor.deferral() {
      deferLastReference(isDeferred)
    } else {
      return false
    }
    return true
  }

  /// SQLite lets other constraints stand between a foreign key and its DEFERRABLE.
  private mutating func deferLastReference(_ isDeferred: Bool) {
    for index in constraints.indices.reversed() {
      guard case .foreignKey(var key) = constraints[index].kind else { continue }
      key.isDeferred = isDeferred
      constraints[index].kind = .foreignKey(key)
      return
    }
  }

  private mutating func readConstraint(named name: SchemaName?, _ cursor: inout TokenCursor) {
    if cursor.skip("primary", "key") {
      let isDescending = cursor.skip("desc")
      _ = cursor.skip("asc")
      let conflict = cursor.conflict()
      let key = PrimaryKey(
        columns: [IndexedColumn(self.name, isDescending: isDescending)], conflict: conflict,
        hasAutoincrement: cursor.skip("autoincrement"))
      add(.primaryKey(key), name)
    } else if cursor.skip("unique") {
      add(.unique([IndexedColumn(self.name)], cursor.conflict()), name)
    } else if cursor.skip("check") {
      if let condition = cursor.group()?.fragment { add(.check(condition), name) }
    } else if let key = ForeignKey(of: [self.name], &cursor) {
      add(.foreignKey(key), name)
    } else {
      cursor.skipToken()
    }
  }

  private mutating func add(_ kind: TableConstraint.Kind, _ name: SchemaName?) {
    constraints.append(TableConstraint(kind, name: name, column: self.name))
  }
}

extension TokenCursor {
  /// Any number of words, then perhaps one or two numbers in parentheses.
  fileprivate mutating func typeName() -> SQLFragment? {
    let start = self
    while let kind, kind == .word || kind == .quotedIdentifier || kind == .string {
      if Self.endsOfType.contains(word()) || (word() == "generated" && word(1) == "always") { break }
      skipToken()
    }
    if start.count > count { _ = group() }
    return start.fragment(before: self)
  }

  /// The unquoted words that start a column's constraints.
  private static let endsOfType: Set<String> = [
    "as", "check", "collate", "constraint", "default", "deferrable", "not", "null", "primary", "references",
    "unique",
  ]

  /// A literal, a name or an expression in parentheses.
  fileprivate mutating func defaultValue() -> SQLFragment? {
    if let expression = group() { return expression.fragment }
    let start = self
    _ = skip("+") || skip("-")
    skipToken()
    return start.fragment(before: self)
  }
}
