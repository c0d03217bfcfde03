internal import PhaseSQL
internal import PhaseSQLite

/// Why something cannot be retired, and what to write instead.
struct RetirementObstacle: Hashable {
  /// A clause: "it is part of the primary key".
  let why: Prose
  let remedy: Prose

  init(_ why: Prose, remedy: Prose) {
    self.why = why
    self.remedy = remedy
  }

  /// What SQLite says when it cannot rename: something in the schema does not compile, or would not after it.
  init(_ error: SQLiteError) {
    self.init(
      "\(error.message)",
      remedy: "drop or repair in @up what SQLite names: a RENAME reads the whole schema")
  }
}

/// What a retirement finds in its way in the texts of a schema, before it renames anything.
///
/// A retired thing must be out of everybody's use: what an application writes without knowing it must go in, and nothing in
/// the schema may go on acting by it behind the application's back.
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
          "there is no such table when @up has run",
          remedy: Suggestion.nearest(to: retirement.table, in: tableNames).map { "did you mean \($0)?" }
            ?? "name a table that is there, or remove the line: what @up drops is not retired")
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
          "\(name) has no such column when @up has run",
          remedy: Suggestion.nearest(to: columnName, in: names).map { "did you mean \($0)?" }
            ?? "name one of \(names.joined(separator: ", ")), or remove the line: what @up drops is not retired"
        )
      ]
    }
    return ofColumn(column, in: table)
  }

  private var tableNames: [String] { schema.objects.filter { $0.key.type == "table" }.map(\.name) }

  /// The statement that takes it away for good, with its values in the archive.
  func drop(_ table: TableDefinition, _ column: ColumnDefinition? = nil) -> String {
    let name = SQLName(table.name.spelled)
    guard let column else { return "drop it in @up, which archives it: DROP TABLE \(name);" }
    return
      "drop it in @up, which archives it: ALTER TABLE \(name) DROP COLUMN \(SQLName(column.name.spelled));"
  }

  /// A table that nobody uses any more: it is retired, or the same phase retires it.
  func isOutOfUse(_ table: SchemaName) -> Bool { RetiredName(table) != nil || retiring.contains(table) }

  /// Tables in use whose foreign keys lead to a table, with these keys.
  func children(of parent: SchemaName) -> [(table: SchemaName, key: ForeignKey)] {
    schema.objects.filter { $0.key.type == "table" && $0.references > 0 }
      .compactMap { TableDefinition($0.sql) }
      .filter { !isOutOfUse($0.name) }
      .flatMap { child in child.foreignKeys.filter { $0.parent == parent }.map { (child.name, $0) } }
  }

  /// Virtual tables that mention all of these names, as the one does of which a full-text index takes its content.
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
    RetirementObstacle("the name \(name) is taken already", remedy: "bring down or purge what has it first")
  }

  func retiredName(_ original: SchemaName) -> SchemaName { RetiredName(original, by: migration).name }
}
