internal import PhaseSQL
internal import PhaseSQLite

extension RetirementObstacles {
  /// What keeps a column from being retired.
  func ofColumn(_ column: ColumnDefinition, in table: TableDefinition) -> [RetirementObstacle] {
    let name = retiredName(column.name)
    guard table.column(name) == nil else { return [taken(name)] }
    guard !column.isPrimaryKey else {
      return [
        RetirementObstacle(
          "it is part of the primary key",
          remedy: "remove the line, and build the table anew in @up with another key")
      ]
    }
    var obstacles = dependents(on: column, in: table)
    // A generated column is not written, and so cannot be missing.
    guard !column.isGenerated else { return obstacles }
    let known = DefaultValue(of: column)
    if column.isNotNull, known == .null {
      obstacles.append(
        RetirementObstacle(
          "it is NOT NULL without a default, so an INSERT that does not know it would fail",
          remedy: "remove the line, and \(drop(table, column))"))
    } else {
      obstacles += uniques(column, in: table, known) + checks(column, in: table, known)
    }
    return obstacles + foreignKeys(column, in: table, known)
  }

  /// What SQLite would let follow the new name without a word.
  private func dependents(on column: ColumnDefinition, in table: TableDefinition) -> [RetirementObstacle] {
    let generated = table.columns.filter { other in
      RetiredName(other.name) == nil && other.generation?.expression.names.contains(column.name) ?? false
    }
    let children = children(of: table.name).filter { $0.key.parentColumns.contains(column.name) }
    return generated.map { other in
      RetirementObstacle(
        "the generated column \(other.name) is computed from it",
        remedy: "drop \(other.name) in @up, or retire it on a line of its own above this one")
    }
      + children.map { child, key in
        RetirementObstacle(
          "\(child) (\(key.columns.list)) references it",
          remedy: "build \(child) anew in @up without the foreign key")
      }
      + virtualUsers(of: [table.name, column.name])
  }

  /// Every new row has the column's default: in a unique index that is one row too many, unless it is NULL, of which any
  /// number may be there (sqlite.org/lang_createtable.html#uniqueconst).
  private func uniques(
    _ column: ColumnDefinition, in table: TableDefinition, _ known: DefaultValue
  ) -> [RetirementObstacle] {
    let indexes = schema.indexes(on: table.name).filter(\.isUnique)
    let keys =
      table.uniques.map { (title: "UNIQUE \($0.columns.list)", columns: $0.columns) }
      + indexes.map { (title: "the unique \($0.title)", columns: $0.columns) }
    var obstacles: [RetirementObstacle] = []
    for key in keys where known != .null && key.columns.contains(where: { $0.column == column.name }) {
      obstacles.append(
        RetirementObstacle(
          "every new row would have its default, and \(key.title) takes it once",
          remedy: "remove the line, and \(drop(table, column))"))
    }
    for index in indexes {
      let expressions = index.columns.compactMap { column -> SQLFragment? in
        if case .expression(let sql) = column.term { sql } else { nil }
      }
      guard
        (expressions + [index.condition].compactMap { $0 }).contains(where: { $0.names.contains(column.name) }
        )
      else { continue }
      obstacles.append(
        RetirementObstacle(
          "the unique \(index.title) is computed from it",
          remedy: "drop the index in @up, and make it again in @down"))
    }
    return obstacles
  }

  private func checks(
    _ column: ColumnDefinition, in table: TableDefinition, _ known: DefaultValue
  ) -> [RetirementObstacle] {
    let conditions = table.allConstraints.compactMap { constraint -> SQLFragment? in
      if case .check(let condition) = constraint.kind { condition } else { nil }
    }.filter { $0.names.contains(column.name) }
    let others = Set(table.columns.map(\.name)).subtracting([column.name])
    return conditions.compactMap { condition in
      let why: Prose
      if !condition.names.isDisjoint(with: others) {
        why = "CHECK (\(condition)) measures other columns by it"
      } else if known.meets(condition, as: column) {
        return nil
      } else {
        why = "CHECK (\(condition)) refuses \(known.text), which every new row would have"
      }
      return RetirementObstacle(
        why, remedy: "remove the line, and build the table anew in @up without the column and the CHECK")
    }
  }

  /// SET NULL is all that the key of a retired column may do: the parent that it named is gone when the column is back.
  /// Everything else would happen to rows that an application uses because of a column it does not know.
  private func foreignKeys(
    _ column: ColumnDefinition, in table: TableDefinition, _ known: DefaultValue
  ) -> [RetirementObstacle] {
    table.foreignKeys.filter { $0.columns.contains(column.name) && !isOutOfUse($0.parent) }.compactMap {
      key in
      let isHarmless =
        key.onDelete == .setNull && key.columns == [column.name] && !column.isNotNull && known == .null
      guard !isHarmless else { return nil }
      return RetirementObstacle(
        "its foreign key to \(key.parent) would go on acting on rows of \(table.name)",
        remedy: key.columns.count == 1
          ? "remove the line, and \(drop(table, column))"
          : "remove the line, and build the table anew in @up without the column and the key")
    }
  }
}

/// What a column has in a row of somebody who does not know it.
private enum DefaultValue: Equatable {
  case null
  case expression(String)

  init(of column: ColumnDefinition) {
    guard let value = column.defaultValue, SQLFragment("NULL") != value else {
      self = .null
      return
    }
    self = .expression(value.text)
  }

  var text: String { if case .expression(let text) = self { text } else { "NULL" } }

  /// Whether a CHECK on a column alone lets the value in, asked of a table that has nothing else: the column's affinity
  /// counts. What the library does not know, as a function of the application's, counts as refused.
  func meets(_ condition: SQLFragment, as column: ColumnDefinition) -> Bool {
    let name = SQLText.identifier(column.name.spelled)
    let type = column.type.declared.map { " \($0)" } ?? ""
    let value = if case .expression(let text) = self { " DEFAULT (\(text))" } else { "" }
    let collation = column.collation.map { " COLLATE \(SQLText.identifier($0.spelled))" } ?? ""
    do {
      let scratch = try Connection(path: "", mode: .memory)
      try scratch.execute("CREATE TABLE t (\(name)\(type)\(value)\(collation), CHECK (\(condition)))")
      try scratch.execute("INSERT INTO t DEFAULT VALUES")
      return true
    } catch {
      return false
    }
  }
}
