package import PhaseSQL

/// One change of a schema, as a value for rules, and as a sentence for people.
///
/// Names of tables and columns are spelled as in the schema that has them, in the later one when both do. Parts of an
/// added or removed column, such as its CHECK or a foreign key of it alone, make no fact of their own.
package enum SchemaFact: Hashable, Sendable {
  case tableAdded(SchemaName)
  case tableRemoved(SchemaName)
  /// Its tokens differ in something for which there is no finer fact, such as the name of a constraint.
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
  /// Not for columns that only moved because another one was removed or added before them.
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
  /// Another object whose SQL changed.
  case otherChanged(title: String)
}

extension SchemaFact {
  /// The effect of a fact on the users of the schema.
  enum Effect: Hashable, Sendable {
    /// Something is new.
    case adds
    /// Rows or statements that were accepted may now be refused.
    case tightens
    /// Rows or statements that were refused may now be accepted.
    case loosens
    case removes
    /// Something changed, but is neither wider nor narrower.
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

extension SchemaFact {
  /// The change as sentences for people, one for each thing that changed.
  package var sentences: [Prose] {
    switch self {
    case .foreignKeyChanged(let table, let old, let new): Self.sentences(of: table, from: old, to: new)
    case .indexChanged(let old, let new): Self.sentences(from: old, to: new)
    case .triggerChanged(let old, let new): Self.sentences(from: old, to: new)
    default: [columnSentence ?? constraintSentence ?? objectSentence]
    }
  }

  private var objectSentence: Prose {
    switch self {
    case .tableAdded(let table): "table \(table) is added"
    case .tableRemoved(let table): "table \(table) is gone"
    case .virtualTableAdded(let table, let made): "virtual table \(table) is added, made by \(made.module)"
    case .virtualTableRemoved(let table, _): "virtual table \(table) is gone"
    case .virtualTableChanged(let table, let old, let new):
      if let old, let new {
        old.module == new.module
          ? "virtual table \(table) is made with other arguments"
          : "virtual table \(table) is made by \(new.module) instead of \(old.module)"
      } else {
        new == nil ? "table \(table) is not virtual any more" : "table \(table) becomes virtual"
      }
    case .strictGained(let table): "table \(table) becomes STRICT"
    case .strictLost(let table): "table \(table) is not STRICT any more"
    case .withoutRowIDGained(let table): "table \(table) becomes WITHOUT ROWID"
    case .withoutRowIDLost(let table): "table \(table) is not WITHOUT ROWID any more"
    case .autoincrementGained(let table): "table \(table) gains AUTOINCREMENT"
    case .autoincrementLost(let table): "table \(table) loses AUTOINCREMENT"
    case .tableDeclaredDifferently(let table): "table \(table) is declared differently"
    case .indexAdded(let index): "\(index.title) is added"
    case .indexRemoved(let index): "\(index.title) is gone"
    case .triggerAdded(let trigger): "trigger \(trigger.name) \(trigger.occasion) is added"
    case .triggerRemoved(let trigger): "trigger \(trigger.name) is gone"
    case .viewAdded(let view): "view \(view) is added"
    case .viewRemoved(let view): "view \(view) is gone"
    case .viewChanged(let view): "view \(view) selects something else"
    case .otherChanged(let title): "\(title) is declared differently"
    default: ""
    }
  }

  private var columnSentence: Prose? {
    switch self {
    case .columnAdded(let table, let column, let place, let isLast):
      "table \(table) gains column \(column.declaration)" + (isLast ? "" : " at place \(place)")
    case .columnRemoved(let table, let column): "table \(table) loses column \(column.declaration)"
    case .columnMoved(let table, let column, let old, let new):
      old == new
        ? "column \(table).\(column) is at place \(new) between other columns"
        : "column \(table).\(column) moves from place \(old) to place \(new)"
    case .columnRetyped(let table, let column, let old, let new):
      old.declared == new.declared
        ? "column \(table).\(column) changes its affinity from \(old.affinity.rawValue) to \(new.affinity.rawValue)"
        : "column \(table).\(column) changes its type from \(old.text) to \(new.text)"
    case .notNullGained(let table, let column): "column \(table).\(column) gains NOT NULL"
    case .notNullLost(let table, let column): "column \(table).\(column) loses NOT NULL"
    case .defaultChanged(let table, let column, let old, let new):
      Self.change(of: "column \(table).\(column)", "DEFAULT ", from: old?.text, to: new?.text)
    case .collationChanged(let table, let column, let old, let new):
      Self.change(of: "column \(table).\(column)", "COLLATE ", from: old?.spelled, to: new?.spelled)
    case .generationChanged(let table, let column, let old, let new):
      Self.change(of: "column \(table).\(column)", "", from: old?.text, to: new?.text)
    case .rowIDAliasGained(let table, let column): "column \(table).\(column) becomes a name of the rowid"
    case .rowIDAliasLost(let table, let column): "column \(table).\(column) is no longer a name of the rowid"
    default: nil
    }
  }

  private var constraintSentence: Prose? {
    switch self {
    case .checkGained(let table, let condition): "table \(table) gains CHECK (\(condition))"
    case .checkLost(let table, let condition): "table \(table) loses CHECK (\(condition))"
    case .uniqueGained(let table, let columns): "table \(table) gains UNIQUE \(columns.list)"
    case .uniqueLost(let table, let columns): "table \(table) loses UNIQUE \(columns.list)"
    case .foreignKeyGained(let table, let key):
      "table \(table) gains a foreign key from \(key.columns.list) to \(key.target)"
    case .foreignKeyLost(let table, let key):
      "table \(table) loses its foreign key from \(key.columns.list) to \(key.target)"
    case .primaryKeyChanged(let table, let old, let new):
      Self.change(
        of: "table \(table)", "PRIMARY KEY ", from: old.isEmpty ? nil : old.list,
        to: new.isEmpty ? nil : new.list)
    case .conflictChanged(let table, let constraint, let old, let new):
      "\(constraint) of table \(table) changes from ON CONFLICT \(old.rawValue) to ON CONFLICT \(new.rawValue)"
    default: nil
    }
  }

  /// Gains, loses or changes.
  private static func change(
    of subject: Prose, _ clause: String, from old: String?, to new: String?
  ) -> Prose {
    switch (old, new) {
    case (nil, let new?): "\(subject) gains \(clause)\(new)"
    case (let old?, nil): "\(subject) loses \(clause)\(old)"
    default: "\(subject) changes from \(clause)\(old ?? "") to \(clause)\(new ?? "")"
    }
  }

  private static func sentences(
    of table: SchemaName, from old: ForeignKey, to new: ForeignKey
  ) -> [Prose] {
    let columns = new.columns.count == 1 ? new.columns.list : "(\(new.columns.list))"
    let subject: Prose = "\(table).\(columns)'s foreign key"
    var sentences: [Prose] = []
    if (old.parent, old.parentColumns) != (new.parent, new.parentColumns) {
      sentences.append("\(subject) points to \(new.target) instead of \(old.target)")
    }
    if old.onDelete != new.onDelete {
      sentences.append(
        "ON DELETE of \(subject) changes from \(old.onDelete.rawValue) to \(new.onDelete.rawValue)")
    }
    if old.onUpdate != new.onUpdate {
      sentences.append(
        "ON UPDATE of \(subject) changes from \(old.onUpdate.rawValue) to \(new.onUpdate.rawValue)")
    }
    if old.isDeferred != new.isDeferred {
      sentences.append(
        "\(subject) is \(new.isDeferred ? "" : "not ")checked at the end of the transaction\(new.isDeferred ? "" : " any more")"
      )
    }
    return sentences.isEmpty ? ["\(subject) is declared differently"] : sentences
  }

  private static func sentences(from old: IndexDefinition, to new: IndexDefinition) -> [Prose] {
    var sentences: [Prose] = []
    if old.table != new.table {
      sentences.append("index \(new.name) is on \(new.table) instead of \(old.table)")
    }
    if old.isUnique != new.isUnique {
      sentences.append("\(new.title) \(new.isUnique ? "becomes UNIQUE" : "is not UNIQUE any more")")
    }
    if old.columns.map(\.term) != new.columns.map(\.term) {
      sentences.append("\(new.title) holds \(new.columns.list) instead of \(old.columns.list)")
    } else {
      for (before, after) in zip(old.columns, new.columns) {
        if before.isDescending != after.isDescending {
          sentences.append(
            "\(new.title) now sorts \(after.title) \(after.isDescending ? "descending" : "ascending")")
        }
        if before.collation != after.collation {
          sentences.append(
            change(
              of: "\(after.title) in \(new.title)", "COLLATE ", from: before.collation?.spelled,
              to: after.collation?.spelled))
        }
      }
    }
    if let lost = old.condition, new.condition == nil {
      sentences.append("\(new.title) loses its WHERE \(lost)")
    } else if old.condition != new.condition {
      sentences.append(
        change(of: "\(new.title)", "WHERE ", from: old.condition?.text, to: new.condition?.text))
    }
    return sentences.isEmpty ? ["\(new.title) is declared differently"] : sentences
  }

  private static func sentences(from old: TriggerDefinition, to new: TriggerDefinition) -> [Prose] {
    var sentences: [Prose] = []
    if (old.timing, old.event, old.table) != (new.timing, new.event, new.table) {
      sentences.append("trigger \(new.name) fires \(new.occasion) instead of \(old.occasion)")
    }
    if old.condition != new.condition {
      sentences.append(
        change(
          of: "trigger \(new.name)", "WHEN ", from: old.condition?.text, to: new.condition?.text))
    }
    if old.body != new.body || sentences.isEmpty {
      sentences.append("trigger \(new.name) is not the same any more")
    }
    return sentences
  }
}

extension SchemaFact {
  var onlyAdds: Bool {
    switch self {
    case .checkGained, .uniqueGained, .foreignKeyGained, .strictGained, .autoincrementGained: true
    default: effect == .adds
    }
  }

  /// Whether every statement that was accepted still is and writes the same, and every row reads the same.
  ///
  /// - Parameter table: as it was.
  func loosens(_ table: TableDefinition) -> Bool {
    switch self {
    case .notNullLost(_, let column): table.column(column)?.isPrimaryKey == false
    case .checkLost, .uniqueLost, .foreignKeyLost: true
    // An INSERT that does not name the column was refused before; where NULL is allowed it wrote NULL.
    case .defaultChanged(_, let column, nil, _?): table.column(column)?.isNotNull == true
    // VARCHAR(20) instead of VARCHAR(10): values are kept and compared as before.
    case .columnRetyped(_, let column, let old, let new):
      old.affinity == new.affinity && !table.isStrict && table.column(column)?.isRowIDAlias == false
        && !new.isInteger
    default: false
    }
  }

  var columnLoss: Prose? {
    switch self {
    case .columnRemoved(let table, let column): "- column \(table).\(column.name)"
    case .columnMoved: nil
    default: column.map { "~ column \($0.table).\($0.column)" }
    }
  }

  /// The table that loses something or in which something changes.
  var tableTouched: SchemaName? {
    switch self {
    case .indexRemoved(let index), .indexChanged(_, let index): index.table
    case .triggerRemoved(let trigger), .triggerChanged(_, let trigger): trigger.table
    case .tableDeclaredDifferently(let table), .strictGained(let table), .strictLost(let table),
      .withoutRowIDGained(let table), .withoutRowIDLost(let table), .checkGained(let table, _),
      .checkLost(let table, _), .uniqueGained(let table, _), .uniqueLost(let table, _),
      .foreignKeyGained(let table, _), .foreignKeyLost(let table, _), .foreignKeyChanged(let table, _, _),
      .primaryKeyChanged(let table, _, _), .conflictChanged(let table, _, _, _):
      table
    case .columnAdded: nil
    default: column?.table
    }
  }

  /// Whether its sentence says all of it.
  var isExplained: Bool {
    switch self {
    case .triggerChanged, .viewChanged, .otherChanged, .tableDeclaredDifferently, .virtualTableChanged: false
    default: true
    }
  }

  /// Whether a foreign key needs what a table loses: the parent's columns must be unique.
  func isNeeded(in schema: Schema) -> Bool {
    guard case .uniqueLost(let table, let columns) = self else { return false }
    let names = Set(columns.compactMap(\.column))
    return schema.objects.contains { object in
      object.references > 0
        && TableDefinition(object.sql)?.foreignKeys.contains {
          $0.parent == table && Set($0.parentColumns) == names
        } == true
    }
  }

  /// Whether it is only the consequence of another change.
  func follows(from cause: SchemaFact) -> Bool {
    switch cause {
    case .strictLost, .withoutRowIDLost, .primaryKeyChanged: break
    default: return false
    }
    return switch self {
    case .notNullLost, .rowIDAliasGained, .rowIDAliasLost: true
    case .columnRetyped(_, _, let from, let to): from.declared == to.declared
    default: false
    }
  }

  /// The column with which what is lost was written.
  var columnOfClause: SchemaName? {
    switch self {
    case .foreignKeyLost(_, let key), .foreignKeyChanged(_, let key, _):
      key.columns.count == 1 ? key.columns.first : nil
    default: column?.column
    }
  }
}
