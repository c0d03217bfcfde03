internal import PhaseSQL
internal import PhaseSQLite

/// Why something cannot be retired, and what to write instead.
struct RetirementObstacle: Hashable {
  /// A clause, as in "it is part of the primary key".
  let why: Prose
  let remedy: Prose

  init(_ why: Prose, remedy: Prose) {
    self.why = why
    self.remedy = remedy
  }

  /// The obstacle when SQLite cannot rename: something in the schema does not compile, or would not compile afterwards.
  init(_ error: SQLiteError) {
    self.init(
      "\(error.message)",
      remedy: "drop or repair in @up what SQLite names: a RENAME reads the whole schema")
  }
}

/// Obstacles to a retirement in the SQL of a schema, found before anything is renamed.
///
/// A retired column or table must not be in use: the table must accept rows of an application that does not know the
/// column, and no object of the schema may act on it without the application's knowledge.
struct RetirementObstacles {
  let schema: Schema
  /// The tables that the same phase retires.
  private let retiring: Set<SchemaName>
  private let migration: MigrationName

  init(_ schema: Schema, retiring: Set<SchemaName>, by migration: MigrationName) {
    self.schema = schema
    self.retiring = retiring
    self.migration = migration
  }

  func of(_ retirement: Retirement) -> [RetirementObstacle] {
    let name = SchemaName(retirement.table)
    guard let object = schema.object("table", name), let table = TableDefinition(object.sql) else {
      return [
        RetirementObstacle(
          "there is no such table after @up",
          remedy: Suggestion.nearest(to: retirement.table, in: tableNames).map { "did you mean \($0)?" }
            ?? "name an existing table, or remove the line: what @up drops is not retired")
      ]
    }
    guard table.virtual == nil else {
      return [
        RetirementObstacle(
          "\(name) is a virtual table, whose content its module keeps",
          remedy: "remove the line, and \(drop(table))")
      ]
    }
    guard let columnName = retirement.column else { return ofTable(table) }
    guard let column = table.column(SchemaName(columnName)) else {
      let names = table.columns.map(\.name.spelled)
      return [
        RetirementObstacle(
          "\(name) has no such column after @up",
          remedy: Suggestion.nearest(to: columnName, in: names).map { "did you mean \($0)?" }
            ?? "name one of \(names.joined(separator: ", ")), or remove the line: what @up drops is not retired"
        )
      ]
    }
    return ofColumn(column, in: table)
  }

  private var tableNames: [String] { schema.objects.filter { $0.key.type == "table" }.map(\.name) }

  /// The statement that drops it instead, with its values in the archive.
  func drop(_ table: TableDefinition, _ column: ColumnDefinition? = nil) -> String {
    let name = SQLName(table.name.spelled)
    guard let column else { return "drop it in @up, which archives it: DROP TABLE \(name);" }
    return
      "drop it in @up, which archives it: ALTER TABLE \(name) DROP COLUMN \(SQLName(column.name.spelled));"
  }

  /// Whether a table is out of use: it is retired, or the same phase retires it.
  func isOutOfUse(_ table: SchemaName) -> Bool { RetiredName(table) != nil || retiring.contains(table) }

  /// Tables in use with foreign keys to a table, and these keys.
  func children(of parent: SchemaName) -> [(table: SchemaName, key: ForeignKey)] {
    schema.objects.filter { $0.key.type == "table" && $0.references > 0 }
      .compactMap { TableDefinition($0.sql) }
      .filter { !isOutOfUse($0.name) }
      .flatMap { child in child.foreignKeys.filter { $0.parent == parent }.map { (child.name, $0) } }
  }

  /// Virtual tables that mention all of these names, such as a full-text index that takes its content from the table.
  func virtualUsers(of names: [SchemaName]) -> [RetirementObstacle] {
    schema.objects.filter { $0.key.type == "table" && $0.isVirtual }.filter { object in
      SQLTokens.identifiers(in: object.sql).isSuperset(of: names.map(\.key))
    }.map { object in
      RetirementObstacle(
        "the virtual table \(object.name) takes content from it",
        remedy: "drop \(object.name) in @up, or make it again without what is retired")
    }
  }

  func taken(_ name: SchemaName) -> RetirementObstacle {
    RetirementObstacle(
      "the name \(name) is taken already", remedy: "first reverse or purge what has the name")
  }

  func retiredName(_ original: SchemaName) -> SchemaName { RetiredName(original, by: migration).name }
}

extension RetirementObstacles {
  /// The reasons why a table cannot be retired.
  func ofTable(_ table: TableDefinition) -> [RetirementObstacle] {
    let name = retiredName(table.name)
    var obstacles: [RetirementObstacle] = []
    if ["table", "view"].contains(where: { schema.object($0, name) != nil }) {
      obstacles.append(taken(name))
    }
    for (child, key) in children(of: table.name) where child != table.name {
      obstacles.append(
        RetirementObstacle(
          "\(child) (\(key.columns.list)) references it: what an application writes there would still need its rows",
          remedy: "retire \(child) first, drop its column, or rebuild it in @up without the foreign key"))
    }
    for key in table.foreignKeys where key.parent != table.name && !isOutOfUse(key.parent) {
      if let obstacle = obstacle(key, of: table) { obstacles.append(obstacle) }
    }
    return obstacles + virtualUsers(of: [table.name])
  }

  /// Deleting a parent row may also delete rows of the retired table, as before; but the retired table, which the
  /// application no longer knows, must not prevent the deletion.
  private func obstacle(_ key: ForeignKey, of table: TableDefinition) -> RetirementObstacle? {
    let isHeld =
      switch key.onDelete {
      case .cascade: false
      case .setNull: key.columns.contains { table.column($0)?.isNotNull ?? false }
      case .noAction, .restrict, .setDefault: true
      }
    guard isHeld else { return nil }
    return RetirementObstacle(
      "its foreign key to \(key.parent) would keep an application from deleting rows there",
      remedy: "remove the line, and \(drop(table))")
  }
}

extension RetirementObstacles {
  /// The reasons why a column cannot be retired.
  func ofColumn(_ column: ColumnDefinition, in table: TableDefinition) -> [RetirementObstacle] {
    let name = retiredName(column.name)
    guard table.column(name) == nil else { return [taken(name)] }
    guard !column.isPrimaryKey else {
      return [
        RetirementObstacle(
          "it is part of the primary key",
          remedy: "remove the line, and rebuild the table in @up with another key")
      ]
    }
    var obstacles = dependents(on: column, in: table)
    // A generated column is not written, so an INSERT cannot lack it.
    guard !column.isGenerated else { return obstacles }
    let known = DefaultValue(of: column)
    if column.isNotNull, known == .null {
      obstacles.append(
        RetirementObstacle(
          "it is NOT NULL without a default, so an INSERT that does not name it would fail",
          remedy:
            "let a recipe loosen it first: phasedb new NAME drop-column \(table.name).\(column.name); or remove the line, and \(drop(table, column))"
        ))
    } else {
      obstacles += uniques(column, in: table, known) + checks(column, in: table, known)
    }
    return obstacles + foreignKeys(column, in: table, known)
  }

  /// Objects that SQLite would silently adapt to the new name.
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
          remedy: "rebuild \(child) in @up without the foreign key")
      }
      + virtualUsers(of: [table.name, column.name])
  }

  /// Every new row has the column's default. A unique index then refuses the second row, unless the default is NULL,
  /// which may occur any number of times (sqlite.org/lang_createtable.html#uniqueconst).
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
        why = "CHECK (\(condition)) compares other columns with it"
      } else if known.meets(condition, as: column) {
        return nil
      } else {
        why = "CHECK (\(condition)) refuses \(known.text), which every new row would have"
      }
      return RetirementObstacle(
        why, remedy: "remove the line, and rebuild the table in @up without the column and the CHECK")
    }
  }

  /// The foreign key of a retired column may only SET NULL: the parent that it named is gone when the column is back.
  /// Every other action would affect rows of an application because of a column that it does not know.
  private func foreignKeys(
    _ column: ColumnDefinition, in table: TableDefinition, _ known: DefaultValue
  ) -> [RetirementObstacle] {
    table.foreignKeys.filter { $0.columns.contains(column.name) && !isOutOfUse($0.parent) }.compactMap {
      key in
      let isHarmless =
        key.onDelete == .setNull && key.columns == [column.name] && !column.isNotNull && known == .null
      guard !isHarmless else { return nil }
      return RetirementObstacle(
        "its foreign key to \(key.parent) would still act on rows of \(table.name)",
        remedy: key.columns.count == 1
          ? "remove the line, and \(drop(table, column))"
          : "remove the line, and rebuild the table in @up without the column and the key")
    }
  }
}

/// The value of a column in a row whose writer does not know it.
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

  /// Whether a CHECK on only this column accepts the value, tried on a table with just the column, because its affinity
  /// counts. A CHECK with something that the library does not know, such as a function of the application, counts as
  /// refused.
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
