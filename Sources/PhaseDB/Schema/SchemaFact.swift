internal import PhaseSQL

/// One change of a schema, as a value that rules ask and that can be said in a sentence.
///
/// Names of tables and columns are spelled as in the schema that has them, in the later one when both do. What belongs
/// to a column that comes or goes, as its CHECK or a foreign key of it alone, makes no fact of its own.
enum SchemaFact: Hashable, Sendable {
  case tableAdded(SchemaName)
  case tableRemoved(SchemaName)
  /// Its tokens differ in something for which there is no finer fact, as the name of a constraint.
  case tableDeclaredDifferently(SchemaName)
  case virtualTableAdded(SchemaName, VirtualTable)
  case virtualTableRemoved(SchemaName, VirtualTable)
  /// nil is an ordinary table under the same name.
  case virtualTableChanged(SchemaName, from: VirtualTable?, to: VirtualTable?)
  case strictGained(table: SchemaName)
  case strictLost(table: SchemaName)
  case withoutRowIDGained(table: SchemaName)
  case withoutRowIDLost(table: SchemaName)
  case autoincrementGained(table: SchemaName)
  case autoincrementLost(table: SchemaName)

  /// Places count from 1.
  case columnAdded(table: SchemaName, ColumnDefinition, place: Int, isLast: Bool)
  case columnRemoved(table: SchemaName, ColumnDefinition)
  /// Not of columns that only moved up because another one went or came before them.
  case columnMoved(table: SchemaName, SchemaName, from: Int, to: Int)
  case columnRetyped(table: SchemaName, SchemaName, from: ColumnType, to: ColumnType)
  case notNullGained(table: SchemaName, SchemaName)
  case notNullLost(table: SchemaName, SchemaName)
  case defaultChanged(table: SchemaName, SchemaName, from: SQLFragment?, to: SQLFragment?)
  case collationChanged(table: SchemaName, SchemaName, from: SchemaName?, to: SchemaName?)
  case generationChanged(table: SchemaName, SchemaName, from: Generation?, to: Generation?)
  case rowIDAliasGained(table: SchemaName, SchemaName)
  case rowIDAliasLost(table: SchemaName, SchemaName)

  case checkGained(table: SchemaName, SQLFragment)
  case checkLost(table: SchemaName, SQLFragment)
  case uniqueGained(table: SchemaName, [IndexedColumn])
  case uniqueLost(table: SchemaName, [IndexedColumn])
  case foreignKeyGained(table: SchemaName, ForeignKey)
  case foreignKeyLost(table: SchemaName, ForeignKey)
  case foreignKeyChanged(table: SchemaName, from: ForeignKey, to: ForeignKey)
  /// Empty for a table without a primary key.
  case primaryKeyChanged(table: SchemaName, from: [IndexedColumn], to: [IndexedColumn])
  /// What happens when `constraint`, in the words of its declaration, is broken.
  case conflictChanged(
    table: SchemaName, constraint: String, from: ConflictResolution, to: ConflictResolution)

  case indexAdded(IndexDefinition)
  case indexRemoved(IndexDefinition)
  case indexChanged(from: IndexDefinition, to: IndexDefinition)
  case triggerAdded(TriggerDefinition)
  case triggerRemoved(TriggerDefinition)
  case triggerChanged(from: TriggerDefinition, to: TriggerDefinition)
  case viewAdded(SchemaName)
  case viewRemoved(SchemaName)
  case viewChanged(SchemaName)
  /// An object whose SQL is none of the above.
  case otherChanged(title: String)
}

extension SchemaFact {
  /// What a fact does to those who use the schema.
  enum Effect: Hashable, Sendable {
    /// Something is there that was not.
    case adds
    /// Rows or statements that were accepted may not be any more.
    case tightens
    /// What was refused may be accepted.
    case loosens
    case removes
    /// Something is not what it was, and neither wider nor narrower.
    case changes
  }

  var effect: Effect {
    switch self {
    case .tableAdded, .virtualTableAdded, .columnAdded, .indexAdded, .triggerAdded, .viewAdded: .adds
    case .tableRemoved, .virtualTableRemoved, .columnRemoved, .indexRemoved, .triggerRemoved, .viewRemoved:
      .removes
    case .strictGained, .notNullGained, .checkGained, .uniqueGained, .foreignKeyGained: .tightens
    case .strictLost, .notNullLost, .checkLost, .uniqueLost, .foreignKeyLost: .loosens
    default: .changes
    }
  }

  /// The column it is about, when it is about one.
  var column: (table: SchemaName, column: SchemaName)? {
    switch self {
    case .columnAdded(let table, let column, _, _), .columnRemoved(let table, let column):
      (table, column.name)
    case .columnMoved(let table, let column, _, _), .columnRetyped(let table, let column, _, _),
      .notNullGained(let table, let column), .notNullLost(let table, let column),
      .defaultChanged(let table, let column, _, _), .collationChanged(let table, let column, _, _),
      .generationChanged(let table, let column, _, _), .rowIDAliasGained(let table, let column),
      .rowIDAliasLost(let table, let column):
      (table, column)
    default: nil
    }
  }
}
