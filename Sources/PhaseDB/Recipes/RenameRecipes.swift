internal import PhaseSQL
internal import PhaseSQLite

/// The recipes that rename a column or a table.
struct RenameRecipes {
  let ground: RecipeGround

  // MARK: A column

  /// The new column is a copy only as long as old and new versions run together. The contract renames the old one,
  /// whose constraints, indexes, views and triggers SQLite then adapts.
  func column(
    _ tableName: SchemaName, _ name: SchemaName, to new: SchemaName
  ) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(tableName)
    let column = try ground.column(name, of: table)
    try ground.refuseTaken(new, in: table)
    try refuseFullText(column.name, of: table)
    let renamed = try ground.changed(
      by: "ALTER TABLE \(table.sql) RENAME COLUMN \(column.name.written) TO \(new.written)")
    try refuseOtherViews(column.name, new, renamed)
    let sides = SideBySide(
      ground: ground, table: table,
      olds: [.init(name: column.name, value: RowExpression(new.written), collation: column.collation)],
      news: [.init(name: new, value: RowExpression(column.name.written), collation: column.collation)],
      sharedDefault: column.isNotNull ? nil : column.constantDefault)
    let declaration =
      ([new.written, column.type.declared?.text] + [
        column.collation.map { "COLLATE \($0.written)" }, sides.sharedDefault.map { "DEFAULT \($0)" },
      ]).compactMap(\.self).joined(separator: " ")
    let phases = sides.expandAndMigrate(
      [declaration], "Let \(table.name) have \(new) beside \(column.name).", reasons(column, of: table))
    return phases + [
      sides.required.isEmpty
        ? swapping(sides, table, column.name, new)
        : try rebuilding(sides, table, [declaration], column.name, new, renamed)
    ]
  }

  private func reasons(_ column: ColumnDefinition, of table: RecipeTable) -> [String] {
    let indexes = ground.schema.indexes(on: table.name).filter { $0.mentions(column.name) }
    guard !indexes.isEmpty else { return [] }
    let names = indexes.map(\.name.spelled).joined(separator: ", ")
    return [
      "Until the contract, \(names) finds rows by \(column.name) only. If a new version must find them faster meanwhile, give its column an index of its own here, and drop it in the contract."
    ]
  }

  private func swapping(
    _ sides: SideBySide, _ table: RecipeTable, _ old: SchemaName, _ new: SchemaName
  ) -> PhaseText {
    var temporary = SchemaName("\(new)_copy")
    while table.shape.column(temporary) != nil { temporary = SchemaName("\(temporary)_2") }
    func renames(_ pairs: [(SchemaName, SchemaName)]) -> String {
      pairs.map { "ALTER TABLE \(table.sql) RENAME COLUMN \($0.written) TO \($1.written);" }
        .joined(separator: "\n")
    }
    return PhaseText(
      kind: .contract, summary: "Call \(table.name).\(old) \(new) for good, and take the copy out of use.",
      reasons: [
        "The old column gets the new name, and its constraints, indexes, views and triggers follow. The copy gets the old name and is retired: phasedb renames it when the up SQL has run, and gives it this name back before the down SQL runs. All of it changes names only, and takes a moment whatever the number of rows."
      ], directives: ["@retire \(table.name.spelled.asDirectiveName).\(old.spelled.asDirectiveName)"],
      up: sides.contractOpening() + ["\n" + renames([(new, temporary), (old, new), (temporary, old)])],
      down: [
        renames([(old, temporary), (new, old), (temporary, new)]) + "\n",
        PhaseText.note("Only rows that new versions wrote meanwhile say something else now."),
        "UPDATE \(table.sql) SET \(new.written) = \(old.written) WHERE \(sides.differ);\n",
      ] + sides.making)
  }

  private func rebuilding(
    _ sides: SideBySide, _ table: RecipeTable, _ declarations: [String], _ old: SchemaName, _ new: SchemaName,
    _ renamed: RecipeGround
  ) throws(MigrationError) -> PhaseText {
    let after = try renamed.table(table.name)
    let up = RebuildText(
      ground: ground, table: table, wanted: after.plainText,
      values: table.stored.map { ($0.name == old ? new : $0.name, $0.name.written) }, after: renamed.schema,
      reason: "The table as it was, with the new name. Its NOT NULL comes back only with a new table.")
    let down = RebuildText(
      ground: ground, table: table, wanted: sides.loosened(declarations),
      values: table.stored.map { ($0.name, ($0.name == old ? new : $0.name).written) } + [(new, new.written)],
      after: ground.schema, ownTriggers: sides.triggers.map(\.sql),
      reason: "Both names again, as the expand made them.")
    return PhaseText(
      kind: .contract, summary: "Call \(table.name).\(old) \(new) for good.",
      reasons: [
        "Both columns say the same, so one of them can go, and comes back from the other. What used \(old) uses \(new) from now on."
      ], up: sides.contractOpening() + [""] + up.statements(), down: down.statements())
  }

  /// A full-text table finds the columns of its content table by their names.
  private func refuseFullText(_ column: SchemaName, of table: RecipeTable) throws(MigrationError) {
    for object in ground.objects where object.isVirtual {
      guard let virtual = TableDefinition(object.sql)?.virtual, virtual.contentTable == table.name,
        SQLTokens.identifiers(in: object.sql).contains(column.key)
      else { continue }
      throw ground.refused(
        "the full-text table \(object.name) reads \(table.name).\(column) by its name",
        help: ["write the phases by hand, with a new full-text table for the new name: phasedb new NAME"])
    }
  }

  /// A view whose column is named after the table's would show it under the new name.
  private func refuseOtherViews(
    _ old: SchemaName, _ new: SchemaName, _ renamed: RecipeGround
  ) throws(MigrationError) {
    for view in ground.objects where view.key.type == "view" {
      let name = SchemaName(view.name)
      let (before, after) = try lifting("reading the columns of \(view.name)") { () in
        (
          try Table.columnNames(of: name, on: ground.scratch.connection),
          try Table.columnNames(of: name, on: renamed.scratch.connection)
        )
      }
      guard before != after else { continue }
      throw ground.refused(
        "the view \(view.name) shows \(old) under this name, and would show it as \(new)",
        help: [
          "say in the view what the column is called there, by a migration of its own: \(old.written) AS \(old.written)"
        ])
    }
  }

  // MARK: A table

  /// Until the contract the new name is a view, through which new versions read and write.
  func table(_ old: SchemaName, to new: SchemaName) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(old)
    for type in ["table", "view"] {
      guard let taken = ground.schema.object(type, new) else { continue }
      throw ground.refused(
        "there is a \(type) \(taken.name) already", help: ["choose another name for \(table.name)"])
    }
    for object in ground.objects where object.isVirtual {
      guard TableDefinition(object.sql)?.virtual?.contentTable == table.name else { continue }
      throw ground.refused(
        "the full-text table \(object.name) reads \(table.name) by its name",
        help: ["write the phases by hand, with a new full-text table for the new name: phasedb new NAME"])
    }
    let key = table.definition.columns.filter(\.isPrimaryKey)
    guard !key.isEmpty else {
      throw ground.refused(
        "\(table.name) has no primary key, so a view over it cannot tell its rows apart",
        help: ["write the phases by hand: phasedb new NAME"])
    }
    let stored = table.stored
    let shown = table.definition.columns.filter { RetiredName($0.name) == nil }.map(\.name)
    let match = key.map { "\($0.name.written) IS OLD.\($0.name.written)" }.joined(separator: " AND ")
    let values = stored.map { column in
      let value = "NEW.\(column.name.written)"
      guard let standard = column.defaultValue, !column.isNullByDefault else { return value }
      return "coalesce(\(value), \(standard))"
    }
    let names = ["insert", "update", "delete"].map {
      SchemaName(ground.free("\(new)_\($0)")).written
    }
    let pieces = [
      "CREATE VIEW \(new.written) AS SELECT \(shown.written) FROM \(table.sql);\n",
      """
      CREATE TRIGGER \(names[0]) INSTEAD OF INSERT ON \(new.written)
      BEGIN
        INSERT INTO \(table.sql) (\(stored.map(\.name).written))
        VALUES (\(values.joined(separator: ", ")));
      END;

      """,
      """
      CREATE TRIGGER \(names[1]) INSTEAD OF UPDATE ON \(new.written)
      BEGIN
        UPDATE \(table.sql)
        SET \(stored.map { "\($0.name.written) = NEW.\($0.name.written)" }.joined(separator: ", "))
        WHERE \(match);
      END;

      """,
      """
      CREATE TRIGGER \(names[2]) INSTEAD OF DELETE ON \(new.written)
      BEGIN
        DELETE FROM \(table.sql) WHERE \(match);
      END;

      """,
    ]
    let hasDefaults = stored.contains { $0.defaultValue != nil && !$0.isNullByDefault }
    let limits =
      "A view is not quite a table. Through it, last_insert_rowid() and RETURNING do not tell the key of a new row, and ON CONFLICT DO UPDATE is refused."
      + (hasDefaults ? " A NULL that is written to a column with a default becomes the default." : "")
      + " New versions do without until the contract."
    return [
      PhaseText(
        kind: .expand, summary: "Let \(table.name) be called \(new), too.",
        reasons: [
          "New versions read and write the view, old ones the table: both see the same rows, so there is nothing to copy and nothing to keep in step.",
          limits,
        ], up: pieces, down: ["DROP VIEW \(new.written);"]),
      PhaseText(
        kind: .contract, summary: "Call \(table.name) \(new) for good.",
        reasons: [
          "The view makes room, and the table gets its name. Indexes, triggers, foreign keys and other views follow. That takes a moment whatever the number of rows."
        ],
        up: ["DROP VIEW \(new.written);", "ALTER TABLE \(table.sql) RENAME TO \(new.written);"],
        down: ["ALTER TABLE \(new.written) RENAME TO \(table.sql);\n"] + pieces),
    ]
  }
}
