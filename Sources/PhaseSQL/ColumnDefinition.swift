/// A column as a CREATE TABLE declares it.
package struct ColumnDefinition: Hashable, Sendable {
  package let name: SchemaName
  package var type: ColumnType
  /// True also without NOT NULL: the primary key of a STRICT or WITHOUT ROWID table implies it.
  package var isNotNull = false
  package var notNullConflict = ConflictResolution.abort
  /// Without the parentheses around an expression; nil when there is none.
  package var defaultValue: SQLFragment?
  /// nil when it compares as BINARY, the default.
  package var collation: SchemaName?
  /// Its place in the primary key, from 1; nil outside it.
  package var keyPosition: Int?
  /// Whether it is another name of the rowid (sqlite.org/lang_createtable.html#rowid).
  package var isRowIDAlias = false
  package var generation: Generation?
  /// Those written with the column.
  package var constraints: [TableConstraint] = []
  /// The whole declaration, as written.
  package let declaration: SQLFragment

  package var isPrimaryKey: Bool { keyPosition != nil }
  package var isGenerated: Bool { generation != nil }
  /// Whether UNIQUE is written with the column.
  package var isUnique: Bool {
    constraints.contains { if case .unique = $0.kind { true } else { false } }
  }
  package var checks: [SQLFragment] {
    constraints.compactMap { if case .check(let condition) = $0.kind { condition } else { nil } }
  }
  package var references: [ForeignKey] {
    constraints.compactMap { if case .foreignKey(let key) = $0.kind { key } else { nil } }
  }

  /// Its DEFAULT when ADD COLUMN takes it: a literal.
  package var constantDefault: String? {
    guard let text = defaultValue?.text, !isNullByDefault else { return nil }
    var cursor = TokenCursor(text)
    _ = cursor.skip("-") || cursor.skip("+")
    guard let kind = cursor.kind else { return nil }
    let isLiteral = [.number, .string, .blob].contains(kind) || ["true", "false"].contains(cursor.word())
    cursor.skipToken()
    return isLiteral && cursor.isAtEnd ? text : nil
  }
}

/// The type of a column: its words, and the affinity that follows from them.
package struct ColumnType: Hashable, Sendable {
  /// nil when it has none.
  package let declared: SQLFragment?
  package var affinity: Affinity

  package init(_ declared: SQLFragment?, isStrict: Bool = false) {
    self.declared = declared
    affinity = Affinity(declared: declared?.text, isStrict: isStrict)
  }

  /// Only this word makes a primary key the rowid; INT does not.
  package var isInteger: Bool { declared == SQLFragment("INTEGER") }

  package var text: String { declared?.text ?? "no type" }
}

/// How a generated column gets its values (sqlite.org/gencol.html).
package struct Generation: Hashable, Sendable {
  package let expression: SQLFragment
  /// Stored in the file, and not computed when it is read.
  package let isStored: Bool

  package var text: String { "AS (\(expression)) \(isStored ? "STORED" : "VIRTUAL")" }
}

extension ColumnDefinition {
  /// Reads one item of a CREATE TABLE's list; nil when it does not start with a name.
  package init?(reading item: TokenCursor) {
    var cursor = item
    guard let declaration = item.fragment, let name = cursor.name() else { return nil }
    self.init(name: name, type: ColumnType(reading: &cursor), declaration: declaration)
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
      notNullConflict = ConflictResolution(reading: &cursor)
    } else if cursor.skip("null") {
      _ = ConflictResolution(reading: &cursor)
    } else if cursor.skip("default") {
      defaultValue = Self.defaultValue(&cursor)
    } else if cursor.skip("collate") {
      collation = cursor.name().flatMap { $0 == "BINARY" ? nil : $0 }
    } else if cursor.skip("generated", "always", "as") || cursor.skip("as") {
      guard let expression = cursor.group()?.fragment else { return true }
      let isStored = cursor.skip("stored")
      _ = cursor.skip("virtual")
      generation = Generation(expression: expression, isStored: isStored)
    } else if let isDeferred = ForeignKey.deferral(&cursor) {
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
      let conflict = ConflictResolution(reading: &cursor)
      let key = PrimaryKey(
        columns: [IndexedColumn(self.name, isDescending: isDescending)], conflict: conflict,
        hasAutoincrement: cursor.skip("autoincrement"))
      add(.primaryKey(key), name)
    } else if cursor.skip("unique") {
      add(.unique([IndexedColumn(self.name)], ConflictResolution(reading: &cursor)), name)
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

  /// A literal, a name or an expression in parentheses.
  private static func defaultValue(_ cursor: inout TokenCursor) -> SQLFragment? {
    if let expression = cursor.group() { return expression.fragment }
    let start = cursor
    _ = cursor.skip("+") || cursor.skip("-")
    cursor.skipToken()
    return start.fragment(before: cursor)
  }
}

extension ColumnType {
  /// Reads any number of words, then perhaps one or two numbers in parentheses.
  fileprivate init(reading cursor: inout TokenCursor) {
    let start = cursor
    while let kind = cursor.kind, kind == .word || kind == .quotedIdentifier || kind == .string {
      if Self.ends.contains(cursor.word()) || (cursor.word() == "generated" && cursor.word(1) == "always") {
        break
      }
      cursor.skipToken()
    }
    if start.count > cursor.count { _ = cursor.group() }
    self.init(start.fragment(before: cursor))
  }

  /// The unquoted words that start a column's constraints.
  private static let ends: Set<String> = [
    "as", "check", "collate", "constraint", "default", "deferrable", "not", "null", "primary", "references",
    "unique",
  ]
}

extension ColumnDefinition {
  /// Whether an INSERT that does not name it fails.
  package var isRequired: Bool { isNotNull && isNullByDefault && !isGenerated && !isRowIDAlias }

  /// Whether a row has NULL here when its writer does not name the column; a generated column is never left out.
  package var isNullByDefault: Bool { defaultValue == nil || defaultValue == SQLFragment("NULL") }

  /// Whether a value may be refused for another reason than NULL.
  package var isConstrained: Bool {
    isUnique || isPrimaryKey || isGenerated || !checks.isEmpty || !references.isEmpty
  }
}
