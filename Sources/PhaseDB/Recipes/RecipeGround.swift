internal import PhaseSQL
internal import PhaseSQLite

/// The schema for which a recipe is written, and the rows on which its expressions are tried.
struct RecipeGround {
  let schema: Schema
  /// In an order in which they can be made.
  let objects: [SchemaObject]
  let uses: SchemaUses
  /// The same schema in memory, without rows.
  let scratch: Scratch
  /// A database with rows, which is only read; nil when the schema is all there is.
  let rows: Connection?
  /// How messages call the place where the schema is from.
  let origin: String

  /// Functions that only the application has.
  let terms: ScratchTerms

  init(
    _ schema: Schema, rows: Connection?, origin: String, terms: ScratchTerms = ScratchTerms()
  ) throws(MigrationError) {
    self.terms = terms
    self.schema = schema
    self.rows = rows
    self.origin = origin
    objects = TouchedSchema(of: schema).allObjects
    var uses = SchemaUses()
    uses.follow(schema.changes(since: Schema()))
    self.uses = uses
    scratch = try Self.scratch(of: objects, terms)
  }

  private static func scratch(
    of objects: [SchemaObject], _ terms: ScratchTerms
  ) throws(MigrationError) -> Scratch {
    let scratch = try Scratch(baseline: nil, terms: terms)
    try scratch.make(objects)
    return scratch
  }

  /// The same after SQL that SQLite itself carries out, such as RENAME COLUMN.
  func changed(by sql: String) throws(MigrationError) -> RecipeGround {
    let scratch = try Self.scratch(of: objects, terms)
    do throws(SQLiteError) {
      try scratch.connection.execute(script: sql)
    } catch {
      throw refused("\(error.message)", help: ["make every view and trigger compile first: phasedb lint"])
    }
    let after = try lifting("reading the schema") { () in try Schema(of: scratch.connection) }
    return try RecipeGround(after, rows: nil, origin: origin, terms: terms)
  }

  /// The schema as a script.
  func baseline() throws(MigrationError) -> Script? {
    let shadows = try lifting("reading the schema") { () in
      try ShadowTables.names(on: scratch.connection, schema)
    }
    let statements = objects.compactMap { object -> String? in
      guard object.key.type == "table" else {
        return object.sql.asciiLowercased.contains(RetiredName.prefix) ? nil : object.statement
      }
      guard !shadows.contains(object.key.name), RetiredName(SchemaName(object.name)) == nil else {
        return nil
      }
      guard let table = TableDefinition(object.sql), let text = TableText(object.sql), table.virtual == nil
      else {
        return object.statement
      }
      return text.withoutRetired(table).sql + "\n;"
    }
    return Script(statements.joined(separator: "\n"), file: "baseline.sql")
  }
}

extension RecipeGround {
  func refused(_ message: Prose, details: [Prose] = [], help: [Prose]) -> MigrationError {
    MigrationError(.recipeRefused, message, details: details, state: "nothing was written", help: help)
  }

  private func suggestion(_ name: SchemaName, _ names: [String], _ kind: Prose) -> Prose {
    if let near = Suggestion.nearest(to: name.spelled, in: names) { return "did you mean \(near)?" }
    return names.isEmpty
      ? "there is no \(kind) yet" : "the \(kind)s are: \(names.prefix(20).joined(separator: ", "))"
  }

  /// An ordinary table.
  ///
  /// - Throws: `recipe-refused` for anything else.
  func table(_ name: SchemaName) throws(MigrationError) -> RecipeTable {
    if let view = schema.object("view", name) {
      throw refused(
        "\(view.name) is a view, which holds no rows",
        help: ["name the table behind it", "or change the view by hand: DROP VIEW, then CREATE VIEW"])
    }
    guard let object = schema.object("table", name), RetiredName(SchemaName(object.name)) == nil else {
      let names = objects.filter { $0.key.type == "table" && RetiredName(SchemaName($0.name)) == nil }
      throw refused(
        "there is no table \(name) in \(origin)", help: [suggestion(name, names.map(\.name), "table")])
    }
    let shadows = try lifting("reading the schema") { () in
      try ShadowTables.names(on: scratch.connection, schema)
    }
    guard let definition = TableDefinition(object.sql), definition.virtual == nil,
      !shadows.contains(name.key),
      let text = TableText(object.sql)
    else {
      throw refused(
        "\(object.name) is a virtual table, or belongs to one: its module keeps the content",
        help: ["write the phases by hand: phasedb new NAME"])
    }
    let shape = try lifting("reading \(object.name)") { () in
      try Table(SchemaName(object.name), on: scratch.connection)
    }
    guard let shape else {
      throw refused("\(object.name) cannot be read", help: ["check it with: phasedb lint"])
    }
    return RecipeTable(
      name: SchemaName(object.name), definition: definition, shape: shape, text: text, object: object)
  }

  /// A column that holds values of its own and identifies no row.
  ///
  /// - Throws: `recipe-refused` for anything else.
  func column(_ name: SchemaName, of table: RecipeTable) throws(MigrationError) -> ColumnDefinition {
    let column = try anyColumn(name, of: table)
    guard !column.isGenerated else {
      throw refused(
        "\(table.name).\(column.name) is a generated column: nobody writes it",
        help: ["drop it and add it again by hand: phasedb new NAME"])
    }
    guard !column.isPrimaryKey else {
      throw refused(
        "\(table.name).\(column.name) is in the primary key, by which rows are found",
        help: ["write the phases by hand: a key changes together with everything that refers to it"])
    }
    return column
  }

  func anyColumn(_ name: SchemaName, of table: RecipeTable) throws(MigrationError) -> ColumnDefinition {
    guard let column = table.definition.column(name), RetiredName(column.name) == nil else {
      let names = table.definition.columns.filter { RetiredName($0.name) == nil }.map(\.name.spelled)
      throw refused("\(table.name) has no column \(name)", help: [suggestion(name, names, "column")])
    }
    return column
  }

  func refuseTaken(_ name: SchemaName, in table: RecipeTable) throws(MigrationError) {
    guard let taken = table.shape.column(name) else { return }
    throw refused(
      "\(table.name) has a column \(taken.name) already", help: ["choose another name for the new column"])
  }

  /// The way down of a backfill. An archive cannot remove rows that a trigger inserted meanwhile; then the SQL does
  /// nothing, and archive and triggers do the rest.
  func backfillDown(_ tables: [RecipeTable], _ range: String?) -> (sql: [String], isArchive: Bool) {
    let names = Set(tables.map(\.name))
    let isInserted = objects.contains { object in
      guard object.key.type == "trigger", names.contains(SchemaName(object.table)),
        case .update = TriggerDefinition(object.sql)?.event
      else { return false }
      return SQLTokens.identifiers(in: object.sql).contains("insert")
    }
    guard isInserted, let table = tables.first else { return ([], true) }
    return ([range.map { "SELECT 1 FROM \(table.sql) WHERE \($0);" } ?? "SELECT 1;"], false)
  }

  /// A name that no table, view, index or trigger has: this one, or the first free one with a number.
  func free(_ name: String) -> String {
    let taken = Set(objects.map(\.key.name))
    var (candidate, number) = (name, 1)
    while taken.contains(candidate.folded) {
      number += 1
      candidate = "\(name)_\(number)"
    }
    return candidate
  }
}

/// An ordinary table, as its text, its declaration and SQLite itself describe it.
struct RecipeTable {
  let name: SchemaName
  let definition: TableDefinition
  let shape: Table
  let text: TableText
  let object: SchemaObject

  var sql: String { name.written }
  /// Columns whose values a rebuild copies.
  var stored: [ColumnDefinition] {
    definition.columns.filter { !$0.isGenerated && RetiredName($0.name) == nil }
  }

  /// What finds a row, as column names; empty when nothing does.
  var key: [String] {
    if let alias = definition.columns.first(where: \.isRowIDAlias) { return [alias.name.written] }
    if let name = definition.rowIDName { return [name] }
    return definition.rowKey?.columns.map { SchemaName($0.name).written } ?? []
  }

  /// The condition of a trigger's statement that finds the row which fired it.
  var isSameRow: String { key.map { "\($0) = NEW.\($0)" }.joined(separator: " AND ") }

  /// Its text without what earlier contracts retired, which no phase may name. phasedb adds it again on the way back.
  var plainText: TableText { text.withoutRetired(definition) }

  /// Whether no two rows can have the same values in these columns.
  func isUnique(_ columns: [SchemaName], on ground: RecipeGround) -> Bool {
    let wanted = Set(columns)
    var keys = definition.uniques.map { $0.columns.map(\.column) }
    if let primary = definition.primaryKey { keys.append(primary.columns.map(\.column)) }
    if let alias = definition.columns.first(where: \.isRowIDAlias) { keys.append([alias.name]) }
    keys += ground.schema.indexes(on: name).filter { $0.isUnique && $0.condition == nil }.map {
      $0.columns.map(\.column)
    }
    return keys.contains { key in
      let names = key.compactMap(\.self)
      // If some of the columns are unique, all of them together are.
      return !key.isEmpty && names.count == key.count && wanted.isSuperset(of: names)
    }
  }

  /// The column by which its rows can be batched, and what `@batch` says besides the table; nil when there is none.
  func batchKey(on ground: RecipeGround) -> (column: String, clause: String)? {
    func found(_ column: String?) -> String? {
      let asked = Batching(table: name.spelled, by: column)
      guard case .success(let key)? = try? BatchKey.find(asked, on: ground.scratch.connection) else {
        return nil
      }
      return SchemaName(key.column).written
    }
    if let own = found(nil) { return (own, "") }
    guard let first = shape.columns.keyColumns.first?.name.spelled, let column = found(first) else {
      return nil
    }
    return (column, " by \(first.asDirectiveName)")
  }
}
