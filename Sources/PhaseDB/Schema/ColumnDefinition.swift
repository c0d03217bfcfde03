/// A column as a CREATE TABLE declares it.
struct ColumnDefinition: Hashable, Sendable {
  let name: SchemaName
  var type: ColumnType
  /// Also without the words: a primary key of a table that is STRICT or WITHOUT ROWID implies it.
  var isNotNull = false
  var notNullConflict = ConflictResolution.abort
  /// Without the parentheses around an expression; nil when there is none.
  var defaultValue: SQLFragment?
  /// nil when it compares as BINARY, which every column does that says nothing.
  var collation: SchemaName?
  /// Its place in the primary key, from 1; nil outside it.
  var keyPosition: Int?
  /// Whether it is another name of the rowid (sqlite.org/lang_createtable.html#rowid).
  var isRowIDAlias = false
  var generation: Generation?
  /// Those written with the column.
  var constraints: [TableConstraint] = []
  /// The whole of it, as written.
  let declaration: SQLFragment

  var isPrimaryKey: Bool { keyPosition != nil }
  var isGenerated: Bool { generation != nil }
  /// Whether UNIQUE is written with the column.
  var isUnique: Bool {
    constraints.contains { if case .unique = $0.kind { true } else { false } }
  }
  var checks: [SQLFragment] {
    constraints.compactMap { if case .check(let condition) = $0.kind { condition } else { nil } }
  }
  var references: [ForeignKey] {
    constraints.compactMap { if case .foreignKey(let key) = $0.kind { key } else { nil } }
  }
}

/// The type of a column: the words, and what they come to.
struct ColumnType: Hashable, Sendable {
  /// nil when it has none.
  let declared: SQLFragment?
  var affinity: Affinity

  init(_ declared: SQLFragment?, isStrict: Bool = false) {
    self.declared = declared
    affinity = Affinity(declared: declared?.text, isStrict: isStrict)
  }

  /// Only this word makes a primary key the rowid; INT does not.
  var isInteger: Bool { declared == SQLFragment("INTEGER") }

  var text: String { declared?.text ?? "no type" }
}

/// How a generated column comes to its values (sqlite.org/gencol.html).
struct Generation: Hashable, Sendable {
  let expression: SQLFragment
  /// Kept in the file and not computed when it is read.
  let isStored: Bool

  var text: String { "AS (\(expression)) \(isStored ? "STORED" : "VIRTUAL")" }
}
