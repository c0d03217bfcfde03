internal import PhaseSQL
internal import PhaseSQLite

/// The recipes for constraints. A contract adds the ones that a table gains, and an expand removes the ones that it
/// loses.
struct ConstraintRecipes {
  let ground: RecipeGround

  private static let why = "SQLite adds a constraint only with a new table: every row is written once."
  private static let back = "The table as it was."

  private func rebuilt(
    _ table: RecipeTable, as wanted: TableText, because reason: String = why
  ) -> (up: [String], down: [String]) {
    let up = RebuildText(table, as: wanted, on: ground, because: reason)
    let down = RebuildText(table, as: table.plainText, on: ground, because: Self.back)
    return (up.statements(), down.statements())
  }

  /// A contract with a guard before the rebuild.
  private func tightening(
    _ table: RecipeTable, as wanted: TableText, _ summary: String, _ reason: String, claim: String,
    broken condition: String, dropping drops: [String] = [], making makes: [String] = []
  ) -> PhaseText {
    let (up, down) = rebuilt(table, as: wanted)
    let demand = RowGuard(table: table, claim: claim, condition: condition)
    let obstacles = demand.statements(
      ground, because: "A row that breaks the rule would make the copy fail with less of a reason.")
    return PhaseText(
      kind: .contract, summary: summary, reasons: [reason], up: obstacles + drops + up,
      down: down + (makes.isEmpty ? [] : ["\n" + makes.joined(separator: "\n")]), demand: demand)
  }

  // MARK: What a table gains

  func require(_ tableName: SchemaName, _ name: SchemaName, fill: String?) throws(MigrationError)
    -> [PhaseText]
  {
    let table = try ground.table(tableName)
    let column = try ground.column(name, of: table)
    guard !column.isNotNull else {
      throw ground.refused(
        "\(table.name).\(column.name) is NOT NULL already", help: ["nothing is left to do"])
    }
    let (place, title) = (column.name.written, "\(table.name).\(column.name)")
    let isMissing = "\(place) IS NULL"
    let claim = "every \(column.name) has a value"
    let wanted = table.plainText.adding("NOT NULL", to: column.name)
    func contract(_ reason: String, dropping drops: [String] = [], making makes: [String] = []) -> PhaseText {
      tightening(
        table, as: wanted, "Require \(title).", reason, claim: claim, broken: isMissing, dropping: drops,
        making: makes)
    }
    guard let fill else {
      return [contract("From here on nobody may write NULL. Versions that still do are outside the window.")]
    }
    let value = RowExpression(fill)
    try value.check(
      over: table.stored.filter { $0.name != column.name }, as: "--fill", on: ground)
    guard !table.key.isEmpty else {
      throw ground.refused(
        "columns of \(table.name) hide every name of its rowid, so a trigger cannot find a row",
        help: ["write the phases by hand: phasedb new NAME"])
    }
    let triggers = ["insert": "INSERT", "update": "UPDATE OF \(place)"].sorted { $0.key < $1.key }.map {
      event, occasion in
      let name = SchemaName(ground.free("\(table.name)_\(event)_\(column.name)")).written
      return (
        name: name,
        sql: """
        CREATE TRIGGER \(name) AFTER \(occasion) ON \(table.sql)
        WHEN NEW.\(isMissing)
        BEGIN
          UPDATE \(table.sql) SET \(place) = \(value.sql) WHERE \(table.isSameRow);
        END;

        """
      )
    }
    let drops = triggers.reversed().map { "DROP TRIGGER \($0.name);" }
    let batch = table.batchKey(on: ground)
    let range = batch.map { "\($0.column) BETWEEN :first AND :last" }
    let down = ground.backfillDown([table], range)
    // The plus sign keeps SQLite from using an index of this column, so that it finds the rows by the batch's key.
    let isIndexed =
      ground.schema.indexes(on: table.name).contains { $0.mentions(column.name) }
      || table.definition.uniques.contains { $0.columns.contains { $0.column == column.name } }
    let isInBatch = isIndexed ? "+\(isMissing)" : isMissing
    return [
      PhaseText(
        kind: .expand, summary: "Write no more NULL to \(title).",
        reasons: [
          "Versions that write NULL, or do not name the column, get \(value.sql) instead, and read it back. So the backfill leaves nothing behind."
        ], up: triggers.map(\.sql), down: drops),
      PhaseText(
        kind: .migrate, summary: "Fill \(title) in the rows that were there before the triggers.",
        reasons: ["Down computes nothing: phasedb keeps which rows had NULL, and puts it back."],
        directives: batch.map { ["@batch \(table.name.spelled.asDirectiveName)\($0.clause)"] } ?? [],
        up: [
          "UPDATE \(table.sql) SET \(place) = \(value.sql)\nWHERE "
            + (range.map { "\($0) AND \(isInBatch);" } ?? "\(isMissing);")
        ],
        down: down.sql, isDownArchive: down.isArchive,
        claims: [(claim, selection(of: table, where: isMissing))]),
      contract(
        "Nothing is NULL any more, and from here on nobody may write it. The triggers have nothing left to do.",
        dropping: [drops.joined(separator: "\n")], making: triggers.map(\.sql)),
    ]
  }

  func check(_ tableName: SchemaName, _ condition: String) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(tableName)
    let columns = table.definition.columns.filter { RetiredName($0.name) == nil }
    try RowExpression(condition).check(over: columns, as: "the condition", on: ground)
    return [
      tightening(
        table, as: table.plainText.adding(constraint: "CHECK (\(condition))"),
        "Let \(table.name) hold only rows with \(condition).",
        "From here on nobody may write anything else. Versions that still do are outside the window.",
        claim: condition, broken: "NOT (\(condition))")
    ]
  }

  func unique(_ tableName: SchemaName, _ names: [SchemaName]) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(tableName)
    var columns: [SchemaName] = []
    for name in names { columns.append(try ground.anyColumn(name, of: table).name) }
    let list = columns.written
    let words = columns.map(\.spelled).joined(separator: "_")
    let index = SchemaName(ground.free("\(table.name)_unique_\(words)")).written
    let told = columns.map { "\($0.written) IS NOT NULL" }.joined(separator: " AND ")
    let tuple = columns.count == 1 ? list : "(\(list))"
    let repeated =
      "\(tuple) IN (SELECT \(list) FROM \(table.sql) WHERE \(told) GROUP BY \(list) HAVING count(*) > 1)"
    let obstacles = RowGuard(
      table: table, claim: "no two rows have the same \(columns.list)", condition: repeated)
    return [
      PhaseText(
        kind: .contract, summary: "Let no two rows of \(table.name) have the same \(columns.list).",
        reasons: [
          "An index needs no new table. NULL is like no other NULL, so any number of rows may have none.",
          "INSERT OR REPLACE deletes the row that is in the way from here on, and nothing fails: look at what the versions in the window do.",
        ],
        up: obstacles.statements(
          ground, because: "Two rows that are there already would make the index fail.")
          + ["CREATE UNIQUE INDEX \(index) ON \(table.sql) (\(list));"],
        down: ["DROP INDEX \(index);"], demand: obstacles)
    ]
  }

  func reference(
    _ tableName: SchemaName, _ name: SchemaName, _ parentName: SchemaName, _ keyName: SchemaName,
    _ actions: String
  ) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(tableName)
    let column = try ground.anyColumn(name, of: table)
    guard column.references.isEmpty else {
      throw ground.refused(
        "\(table.name).\(column.name) references \(column.references[0].target) already",
        help: ["remove that first: phasedb new NAME loosen \(table.name).\(column.name) references"])
    }
    let parent = try ground.table(parentName)
    let key = try ground.anyColumn(keyName, of: parent)
    let isKey =
      parent.definition.primaryKey?.columns.map(\.column) == [key.name]
      || parent.definition.uniques.contains { $0.columns.map(\.column) == [key.name] }
      || ground.schema.indexes(on: parent.name).contains {
        $0.isUnique && $0.condition == nil && $0.columns.map(\.column) == [key.name]
      }
    guard isKey else {
      throw ground.refused(
        "\(parent.name).\(key.name) is neither the primary key nor unique, and a foreign key needs that",
        help: ["first: phasedb new NAME unique \(parent.name) (\(key.name))"])
    }
    let clause =
      "REFERENCES \(parent.sql) (\(key.name.written))" + (actions.isEmpty ? "" : " " + actions.uppercased())
    var cursor = TokenCursor(clause)
    guard ForeignKey(of: [column.name], &cursor) != nil, cursor.isAtEnd else {
      throw ground.refused(
        "'\(actions)' is no action of a foreign key",
        help: ["write it as: on delete cascade, on delete set null, on delete restrict"])
    }
    let orphan =
      "\(column.name.written) IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \(parent.sql) AS p WHERE p.\(key.name.written) = \(table.sql).\(column.name.written))"
    let isIndexed =
      table.definition.primaryKey?.columns.first?.column == column.name
      || ground.schema.indexes(on: table.name).contains {
        $0.columns.first?.column == column.name && $0.condition == nil
      }
      || table.definition.uniques.contains { $0.columns.first?.column == column.name }
    let index = indexing(
      table, "(\(column.name.written))", nil, named: "\(table.name)_by_\(column.name)",
      "Whoever deletes a row of \(parent.name) looks for the rows that name it. Without an index that reads the whole table."
    )
    // The contract runs on a schema with this index.
    let later = isIndexed ? self : ConstraintRecipes(ground: try ground.changed(by: index.up.joined()))
    let contract = later.tightening(
      table, as: table.plainText.appending(clause, to: column.name),
      "Let \(table.name).\(column.name) name only rows of \(parent.name).",
      "It holds for connections that switched foreign keys on: PRAGMA foreign_keys = ON. From here on nobody may write anything else there.",
      claim: "every \(column.name) is in \(parent.name)", broken: orphan)
    return (isIndexed ? [] : [index]) + [contract]
  }

  // MARK: What a table loses

  func defaultValue(
    _ tableName: SchemaName, _ name: SchemaName, _ value: String
  ) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(tableName)
    let column = try ground.column(name, of: table)
    guard column.defaultValue == nil else {
      throw ground.refused(
        "\(table.name).\(column.name) has the default \(column.defaultValue?.text ?? "") already",
        help: ["another default changes what running versions insert: write the phases by hand"])
    }
    try RowExpression(value).checkDefault(on: ground)
    let wanted = table.plainText.adding("DEFAULT \(RowExpression(value).standard)", to: column.name)
    let (up, down) = rebuilt(
      table, as: wanted,
      because: "SQLite gives a column a default only with a new table: every row is written once.")
    // An INSERT without the column failed before, or wrote NULL.
    let phase = PhaseText(
      kind: column.isNotNull ? .expand : .contract,
      summary: "Give \(table.name).\(column.name) the default \(value).",
      reasons: [
        column.isNotNull
          ? "An INSERT that does not name the column was refused. Now it is accepted, and what was accepted still is."
          : "An INSERT that does not name the column wrote NULL, and writes the default from here on. Versions that mean NULL must say so."
      ], up: up, down: down)
    return [phase]
  }

  func loosen(
    _ tableName: SchemaName, _ name: SchemaName, _ asked: Recipe.Loosening?
  ) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(tableName)
    let column = try ground.column(name, of: table)
    let there = loosenings(column, of: table)
    let names = there.map(\.rawValue).joined(separator: ", ")
    guard let what = asked ?? (there.count == 1 ? there.first : nil), there.contains(what) else {
      throw ground.refused(
        there.isEmpty
          ? "\(table.name).\(column.name) has no NOT NULL, CHECK, UNIQUE or foreign key of its own"
          : asked == nil
            ? "\(table.name).\(column.name) has several constraints: \(names)"
            : "\(table.name).\(column.name) has no \(asked?.rawValue ?? "")",
        help: [
          there.isEmpty
            ? "nothing is left to loosen"
            : "name one: loosen \(table.name).\(column.name) \(there[0].rawValue)"
        ])
    }
    let clause: TableText.Clause =
      switch what {
      case .notNull: .notNull
      case .check: .check
      case .unique: .unique
      case .references: .references
      }
    let wanted = table.plainText.removing(clause, of: column.name).removing { constraint in
      switch (what, constraint.kind) {
      case (.check, .check(let condition)):
        condition.names.intersection(table.definition.columns.map(\.name)) == [column.name]
      case (.unique, .unique(let terms, _)): terms.map(\.column) == [column.name]
      case (.references, .foreignKey(let key)): key.columns == [column.name]
      default: false
      }
    }
    let title = what == .references ? "the foreign key" : what.rawValue.uppercased()
    let (up, down) = rebuilt(
      table, as: wanted,
      because: "SQLite takes a constraint away only with a new table: every row is written once.")
    return [
      PhaseText(
        kind: .expand, summary: "Take \(title) from \(table.name).\(column.name).",
        reasons: [
          "What was accepted still is, so running versions notice nothing. The way back is narrower: rows that were written meanwhile and break the constraint keep it from running, and it names them first."
        ], up: up, down: down)
    ]
  }

  private func loosenings(_ column: ColumnDefinition, of table: RecipeTable) -> [Recipe.Loosening] {
    let columns = Set(table.definition.columns.map(\.name))
    return Recipe.Loosening.allCases.filter { what in
      what == .notNull
        ? column.isNotNull
        : table.definition.allConstraints.contains { constraint in
          switch (what, constraint.kind) {
          case (.check, .check(let condition)):
            constraint.column == column.name || condition.names.intersection(columns) == [column.name]
          case (.unique, .unique(let terms, _)): terms.map(\.column) == [column.name]
          case (.references, .foreignKey(let key)): key.columns == [column.name]
          default: false
          }
        }
    }
  }

  // MARK: Additions

  func index(_ tableName: SchemaName, _ terms: String, _ condition: String?) throws(MigrationError)
    -> [PhaseText]
  {
    let table = try ground.table(tableName)
    let columns = IndexedColumn.all(in: TokenCursor(terms))
    for column in columns { if let name = column.column { _ = try ground.anyColumn(name, of: table) } }
    let words = columns.map { $0.column?.spelled ?? "expression" }.joined(separator: "_")
    return [
      indexing(table, "(\(terms))", condition, named: "\(table.name)_by_\(words)", nil)
    ]
  }

  private func indexing(
    _ table: RecipeTable, _ list: String, _ condition: String?, named name: String, _ reason: String?
  ) -> PhaseText {
    let index = SchemaName(ground.free(name)).written
    return PhaseText(
      kind: .expand, summary: "Find rows of \(table.name) by \(list.dropFirst().dropLast()).",
      reasons: [
        reason,
        "While SQLite builds the index, no version writes: some seconds for millions of rows. Rehearse tells how long.",
      ].compactMap(\.self),
      up: ["CREATE INDEX \(index) ON \(table.sql) \(list)\(condition.map { " WHERE \($0)" } ?? "");"],
      down: ["DROP INDEX \(index);"])
  }

  func add(_ tableName: SchemaName, _ name: SchemaName, _ declaration: String) throws(MigrationError)
    -> [PhaseText]
  {
    let table = try ground.table(tableName)
    try ground.refuseTaken(name, in: table)
    let text = declaration.isEmpty ? name.written : "\(name.written) \(declaration)"
    if let column = ColumnDefinition(reading: TokenCursor(text)), column.isRequired {
      throw ground.refused(
        "every INSERT of a running version would fail: \(name) is NOT NULL without a default",
        help: [
          "give it a default: \(name) \(declaration) DEFAULT …",
          "or add it without NOT NULL, and require it later: phasedb new NAME require \(table.name).\(name)",
        ])
    }
    return [
      PhaseText(
        kind: .expand, summary: "Give \(table.name) a \(name).",
        reasons: ["Versions that do not know the column leave it out, and it has its default in their rows."],
        up: ["ALTER TABLE \(table.sql) ADD COLUMN \(text);"],
        down: ["ALTER TABLE \(table.sql) DROP COLUMN \(name.written);"])
    ]
  }

  func rebuild(_ tableName: SchemaName) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(tableName)
    let (up, down) = rebuilt(
      table, as: table.plainText,
      because: "Edit the new table here. Everything else is what hangs on it today, and stays.")
    return [
      PhaseText(
        kind: .expand, summary: "Build \(table.name) anew.",
        reasons: [
          "As it stands it changes nothing: edit the CREATE TABLE of @up. If that removes or tightens something, call the file contract.sql.",
          "phasedb switches foreign keys off meanwhile, so no child of a row is deleted with the old table, and looks afterwards that each still has its parent.",
        ], up: up, down: down)
    ]
  }
}

/// The recipes that drop columns and tables.
struct DropRecipes {
  let ground: RecipeGround

  func column(_ tableName: SchemaName, _ name: SchemaName) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(tableName)
    let column = try ground.column(name, of: table)
    let title = "\(table.name.spelled.asDirectiveName).\(column.name.spelled.asDirectiveName)"
    var phases: [PhaseText] = []
    if column.isRequired {
      let wanted = table.plainText.removing(.notNull, of: column.name)
      let why =
        "A version that no longer writes \(column.name) could not insert a row: NOT NULL without a default. SQLite drops a NOT NULL only with a new table."
      phases.append(
        PhaseText(
          kind: .expand, summary: "Let rows of \(table.name) do without \(column.name).",
          reasons: [
            "The way back is narrower: rows that were written without it meanwhile keep it from running, and it names them first."
          ], up: RebuildText(table, as: wanted, on: ground, because: why).statements(),
          down: RebuildText(table, as: table.plainText, on: ground, because: "The table as it was.")
            .statements()))
    }
    phases.append(retiring("Take \(table.name).\(column.name) out of use.", title))
    return phases
  }

  func table(_ name: SchemaName) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(name)
    return [retiring("Take \(table.name) out of use.", table.name.spelled.asDirectiveName)]
  }

  private func retiring(_ summary: String, _ title: String) -> PhaseText {
    PhaseText(
      kind: .contract, summary: summary,
      reasons: [
        "Retired, not dropped: phasedb gives it another name, which takes a moment whatever the number of rows, and on the way down its old name back, with every value. Only purge destroys it, when somebody asks for that."
      ], directives: ["@retire \(title)"], up: [], down: [])
  }
}

extension RowExpression {
  /// As it stands behind DEFAULT: a literal alone, anything else in parentheses.
  var standard: String {
    var cursor = TokenCursor(sql)
    _ = cursor.skip("-") || cursor.skip("+")
    let kind = cursor.kind
    cursor.skipToken()
    guard cursor.isAtEnd, let kind else { return "(\(sql))" }
    let isWord = ["null", "true", "false", "current_timestamp", "current_date", "current_time"].contains(
      TokenCursor(sql).word())
    return [.number, .string, .blob].contains(kind) || isWord ? sql : "(\(sql))"
  }

  /// - Throws: `recipe-refused` when it cannot be a default.
  func checkDefault(on ground: RecipeGround) throws(MigrationError) {
    do throws(SQLiteError) {
      let scratch = try Connection(path: "", mode: .memory)
      try scratch.execute("CREATE TABLE tried (a, b DEFAULT \(standard))")
      try scratch.execute("INSERT INTO tried (a) VALUES (1)")
    } catch {
      throw ground.refused(
        "'\(sql)' cannot be a default: \(error.message)", help: ["a string goes in single quotes: 'new'"])
    }
  }
}
