internal import PhaseSQL
internal import PhaseSQLite

/// The recipe that moves a column to another table. A key says which rows of the two tables belong together.
struct MoveRecipe {
  let ground: RecipeGround
  /// The table that has the column, and the one that gets it.
  private let table: RecipeTable
  private let target: RecipeTable
  private let column: ColumnDefinition
  private let new: SchemaName
  /// The columns of the two tables that must be equal in rows that belong together. In the target they are unique.
  private let key: [(own: SchemaName, other: SchemaName)]
  /// The default of the column, in both tables. A row with this value counts as not written yet.
  private let standard: String?

  /// - Parameters:
  ///   - key: one name for both sides, or a pair.
  /// - Throws: `recipe-refused` with the reason.
  init(
    _ ground: RecipeGround, _ tableName: SchemaName, _ name: SchemaName, to targetName: SchemaName,
    _ new: SchemaName, by key: Recipe.MoveKey
  ) throws(MigrationError) {
    self.ground = ground
    self.new = new
    table = try ground.table(tableName)
    target = try ground.table(targetName)
    column = try ground.column(name, of: table)
    guard table.name != target.name else {
      throw ground.refused(
        "\(name) stays in \(table.name)",
        help: ["another name for it: rename-column \(table.name).\(column.name) \(new)"])
    }
    try ground.refuseTaken(new, in: target)
    standard = column.constantDefault
    guard standard != nil || column.isNullByDefault else {
      throw ground.refused(
        "the default of \(table.name).\(column.name) is computed, so a row does not show whether somebody wrote it",
        help: ["write the phases by hand: phasedb new NAME"])
    }
    self.key = try Self.pairs(key, table, target, ground)
    let others = self.key.map(\.other)
    guard target.isUnique(others, on: ground) else {
      throw ground.refused(
        "\(target.name) may have several rows with one \(others.list), so the value would have no single place",
        help: [
          "name columns that are unique there, or make these unique first: unique \(target.name) (\(others.written))"
        ])
    }
    // Triggers and other statements would find partners by different collations.
    let different = self.key.first { pair in
      table.definition.column(pair.own)?.collation ?? "BINARY"
        != target.definition.column(pair.other)?.collation ?? "BINARY"
    }
    if let different {
      throw ground.refused(
        "\(table.name).\(different.own) and \(target.name).\(different.other) compare texts differently, so rows that belong together depend on the statement that asks",
        help: ["give both the same COLLATE first: rebuild \(table.name)"])
    }
    guard !self.key.contains(where: { $0.own == column.name }) else {
      throw ground.refused(
        "\(table.name).\(column.name) is in the key itself", help: ["name another key"])
    }
    guard !table.key.isEmpty, !target.key.isEmpty else {
      throw ground.refused(
        "columns hide every name of a rowid, so a trigger cannot find a row",
        help: ["write the phases by hand: phasedb new NAME"])
    }
    try refuseRows()
  }

  private static func pairs(
    _ key: Recipe.MoveKey, _ table: RecipeTable, _ target: RecipeTable, _ ground: RecipeGround
  ) throws(MigrationError) -> [(own: SchemaName, other: SchemaName)] {
    func primary(_ table: RecipeTable) -> SchemaName? {
      let columns = table.definition.columns.filter(\.isPrimaryKey)
      return columns.count == 1 ? columns[0].name : nil
    }
    switch key {
    case .pair(let own, let other):
      return [(try ground.anyColumn(own, of: table).name, try ground.anyColumn(other, of: target).name)]
    case .names(let names):
      // If only one table has the column, it refers to the primary key of the other.
      if names.count == 1, let own = table.definition.column(names[0])?.name,
        target.definition.column(names[0]) == nil, let other = primary(target)
      {
        return [(own, other)]
      }
      if names.count == 1, let other = target.definition.column(names[0])?.name,
        table.definition.column(names[0]) == nil, let own = primary(table)
      {
        return [(own, other)]
      }
      var pairs: [(own: SchemaName, other: SchemaName)] = []
      for name in names {
        pairs.append(
          (try ground.anyColumn(name, of: table).name, try ground.anyColumn(name, of: target).name))
      }
      return pairs
    }
  }

  // MARK: Rows that do not fit

  /// Checks the present rows: each value must have exactly one row to move to.
  private func refuseRows() throws(MigrationError) {
    guard let rows = ground.rows else { return }
    let shown = table.key.map { "quote(\(table.sql).\($0))" }.joined(separator: " || ', ' || ")
    func found(_ condition: String) throws(MigrationError) -> [Prose] {
      let names = table.key.joined(separator: ", ")
      return try lifting("looking at the rows of \(table.name)") { () in
        try rows.rows("SELECT \(shown) FROM \(table.sql) WHERE \(condition) LIMIT 11")
      }.map { "\(names) = \($0[0].text ?? "")" }
    }
    let alone = try found(isAlone)
    guard alone.isEmpty else {
      throw ground.refused(
        "rows of \(table.name) have a \(column.name) and no row of \(target.name), so it would have no place",
        details: Array(alone.prefix(10)) + (alone.count > 10 ? ["… and more"] : []),
        help: ["insert their rows into \(target.name) first, or empty \(column.name) there"])
    }
    let twin = key.map { "twin.\($0.own.written) = \(table.sql).\($0.own.written)" }
    let contrary = try found(
      "EXISTS (SELECT 1 FROM \(table.sql) AS twin WHERE \(twin.joined(separator: " AND ")) AND twin.\(place()) IS NOT \(table.sql).\(column.name.written))"
    )
    guard contrary.isEmpty else {
      throw ground.refused(
        "rows of \(table.name) belong to one row of \(target.name) and have different values of \(column.name)",
        details: Array(contrary.prefix(10)) + (contrary.count > 10 ? ["… and more"] : []),
        help: ["decide which value counts, and write it to all of them"])
    }
  }

  // MARK: Conditions

  private var title: String { "\(table.name).\(column.name)" }
  private var newTitle: String { "\(target.name).\(new)" }
  private var unset: String { standard ?? "NULL" }

  /// The column of either side, compared byte by byte: a change of case is a change, too.
  private func place(_ name: SchemaName? = nil) -> String {
    (name ?? column.name).written + (column.collation == nil ? "" : " COLLATE BINARY")
  }

  /// Which rows of the target belong to a row of the table.
  private func partner(of row: String) -> String {
    key.map { "\(target.sql).\($0.other.written) = \(row).\($0.own.written)" }.joined(separator: " AND ")
  }

  /// Which rows of the table belong to a row of the target.
  private func owners(of row: String) -> String {
    key.map { "\(table.sql).\($0.own.written) = \(row).\($0.other.written)" }.joined(separator: " AND ")
  }

  private var isAlone: String {
    "\(table.sql).\(place()) IS NOT \(unset) AND NOT EXISTS (SELECT 1 FROM \(target.sql) WHERE \(partner(of: table.sql)))"
  }

  /// The rows of the table whose partner has another value.
  private var differ: String {
    "EXISTS (SELECT 1 FROM \(target.sql) WHERE \(partner(of: table.sql)) AND \(target.sql).\(place(new)) IS NOT \(table.sql).\(column.name.written))"
  }

  private var claim: String { "every \(title) is what \(newTitle) says" }

  // MARK: Triggers

  /// With the name of each.
  private var triggers: [(name: String, sql: String)] {
    let (own, other) = (column.name.written, new.written)
    let push =
      "UPDATE \(target.sql) SET \(other) = NEW.\(own)\n  WHERE \(partner(of: "NEW")) AND \(place(new)) IS NOT NEW.\(own)"
    let spread =
      "UPDATE \(table.sql) SET \(own) = NEW.\(other)\n  WHERE \(owners(of: "NEW")) AND \(place()) IS NOT NEW.\(other)"
    let theirs = "SELECT \(other) FROM \(target.sql) WHERE \(partner(of: "NEW"))"
    let written = "\(owners(of: "NEW")) AND \(place()) IS NOT \(unset)"
    func pull(_ value: String) -> String {
      "UPDATE \(table.sql) SET \(own) = (\n    \(value))\n  WHERE \(table.isSameRow)"
    }
    let collect =
      "UPDATE \(target.sql) SET \(other) = (\n    SELECT \(own) FROM \(table.sql) WHERE \(written) LIMIT 1)\n  WHERE \(target.isSameRow)"
    let moved = Self.any(key.map { "NEW.\($0.own.written) IS NOT OLD.\($0.own.written)" })
    let otherMoved = Self.any(key.map { "NEW.\($0.other.written) IS NOT OLD.\($0.other.written)" })
    // Until the backfill has run, other rows with the same partner also have its value.
    let siblings =
      "SELECT \(own) FROM \(table.sql) WHERE \(key.map { "\(table.sql).\($0.own.written) = NEW.\($0.own.written)" }.joined(separator: " AND ")) AND \(place()) IS NOT \(unset) AND NOT (\(table.isSameRow))"
    let isShared = !table.isUnique(key.map(\.own), on: ground)
    let isTold =
      "EXISTS (\(theirs) AND \(place(new)) IS NOT \(unset))"
      + (isShared ? "\n    OR EXISTS (\(siblings))" : "")
    let found =
      !isShared
      ? theirs
      : standard == nil
        ? "SELECT coalesce((\(theirs)),\n      (\(siblings) LIMIT 1))"
        : "SELECT CASE WHEN EXISTS (\(theirs) AND \(place(new)) IS NOT \(unset))\n      THEN (\(theirs)) ELSE (\(siblings) LIMIT 1) END"
    let (keys, otherKeys) = (key.map(\.own).written, key.map(\.other).written)
    return [
      trigger(
        table, "insert", "INSERT", ["NEW.\(place()) IS NOT \(unset)"], push, "What old versions insert."),
      trigger(
        table, "insert_without", "INSERT", ["NEW.\(place()) IS \(unset)", "EXISTS (\(theirs))"], pull(theirs),
        "A row without a value takes that of its partner."),
      trigger(
        table, "update", "UPDATE OF \(own)", ["NEW.\(place()) IS NOT OLD.\(own)"], push,
        "What old versions update."),
      trigger(
        table, "find", "UPDATE OF \(keys)", [moved, "(\(isTold))"], pull(found),
        "A row that gets another partner takes its value,"),
      trigger(
        table, "bring", "UPDATE OF \(keys)", [moved, "NOT (\(isTold))"], push,
        "or gives it its own, where nobody wrote one yet."),
      trigger(
        target, "insert", "INSERT", ["NEW.\(place(new)) IS NOT \(unset)"], spread,
        "What new versions insert."),
      trigger(
        target, "insert_without", "INSERT",
        ["NEW.\(place(new)) IS \(unset)", "EXISTS (SELECT 1 FROM \(table.sql) WHERE \(written))"], collect,
        "A partner that comes later finds the value."),
      trigger(
        target, "update", "UPDATE OF \(other)", ["NEW.\(place(new)) IS NOT OLD.\(other)"], spread,
        "What new versions update."),
      trigger(
        target, "find", "UPDATE OF \(otherKeys)", [otherMoved, "NEW.\(place(new)) IS NOT \(unset)"], spread,
        "A partner with another key brings its value along,"),
      trigger(
        target, "find_without", "UPDATE OF \(otherKeys)",
        [
          otherMoved, "NEW.\(place(new)) IS \(unset)",
          "EXISTS (SELECT 1 FROM \(table.sql) WHERE \(written))",
        ], collect,
        "and one without a value takes the one that it finds there."),
    ]
  }

  private static func any(_ conditions: [String]) -> String {
    conditions.count == 1 ? conditions[0] : "(\(conditions.joined(separator: " OR ")))"
  }

  private func trigger(
    _ table: RecipeTable, _ event: String, _ occasion: String, _ conditions: [String], _ statement: String,
    _ note: String
  ) -> (name: String, sql: String) {
    let column = table.name == target.name ? new : column.name
    let name = SchemaName(ground.free("\(table.name)_\(event)_\(column)")).written
    let isLong = conditions.joined().count > 80
    return (
      name,
      """
      -- \(note)
      CREATE TRIGGER \(name) AFTER \(occasion) ON \(table.sql)
      WHEN \(conditions.joined(separator: isLong ? "\n  AND " : " AND "))
      BEGIN
        \(statement);
      END;

      """
    )
  }

  private func making(_ objects: [SchemaObject]) -> [String] {
    let again = objects.filter { object in
      guard object.key.type == "trigger", let trigger = TriggerDefinition(object.sql) else { return false }
      let isHere = [table.name, target.name].contains(SchemaName(object.table))
      return isHere && trigger.timing == .after && trigger.event != .delete
    }.flatMap { ["DROP TRIGGER \(SchemaName($0.name).written);", $0.statement] }
    return triggers.map(\.sql)
      + (again.isEmpty
        ? []
        : [
          PhaseText.note(
            "SQLite fires the youngest trigger first. The ones that were there are made again, so that they still see a row as its writer left it."
          )
        ] + again)
  }

  private var dropping: [String] { triggers.reversed().map { "DROP TRIGGER \($0.name);" } }

  // MARK: Phases

  func phases() -> [PhaseText] {
    let declaration =
      ([new.written, column.type.declared?.text] + [
        column.collation.map { "COLLATE \($0.written)" }, standard.map { "DEFAULT \($0)" },
      ]).compactMap(\.self).joined(separator: " ")
    let adding = "ALTER TABLE \(target.sql) ADD COLUMN \(declaration);\n"
    let removing = "ALTER TABLE \(target.sql) DROP COLUMN \(new.written);"
    let reasons = [
      "While old and new versions run together, old ones write \(title) and new ones \(newTitle), and the triggers compute the other. A row that was inserted without a value takes that of its partner, and none overwrites what somebody wrote there."
    ]
    let (makes, drops) = (index.map { [$0.make] } ?? [], index.map { [$0.drop] } ?? [])
    var expand = PhaseText(
      kind: .expand, summary: "Let \(target.name) have \(new) beside \(title).", reasons: reasons,
      up: [adding] + makes + making(ground.objects), down: dropping + drops + [removing])
    expand.residual =
      "support: \(newTitle) of a row without a partner in \(table.name) has no place there, and waits in the archive after down"
    if column.isRequired {
      let up = RebuildText(
        ground: ground, table: table, wanted: table.plainText.removing(.notNull, of: column.name),
        values: table.stored.map { ($0.name, $0.name.written) }, after: ground.schema,
        reason:
          "A version that does not know \(title) could not insert a row: NOT NULL without a default. SQLite drops a NOT NULL only with a new table."
      )
      let down = RebuildText(
        table, as: table.plainText, on: ground, because: "The table as it was.")
      expand.up = [adding] + up.statements() + ["\n"] + makes + making(ground.objects)
      expand.down = dropping + drops + ["\n"] + down.statements() + ["\n" + removing]
    }
    return [expand, backfill, retiring]
  }

  /// Triggers and the backfill look for the rows of the table that belong to one of the target.
  private var index: (make: String, drop: String)? {
    let first = key[0].own
    let isThere =
      table.definition.columns.first { $0.name == first }?.isRowIDAlias == true
      || table.definition.primaryKey?.columns.first?.column == first
      || table.definition.uniques.contains { $0.columns.first?.column == first }
      || ground.schema.indexes(on: table.name).contains {
        $0.columns.first?.column == first && $0.condition == nil
      }
    guard !isThere else { return nil }
    let name = SchemaName(ground.free("\(table.name)_by_\(key.map(\.own.spelled).joined(separator: "_"))"))
    return (
      "CREATE INDEX \(name.written) ON \(table.sql) (\(key.map(\.own).written));\n",
      "DROP INDEX \(name.written);"
    )
  }

  private var backfill: PhaseText {
    let batch = target.batchKey(on: ground)
    let written = "\(owners(of: target.sql)) AND \(table.sql).\(place()) IS NOT \(unset)"
    let isMissing =
      "\(target.sql).\(place(new)) IS \(unset)\n  AND EXISTS (SELECT 1 FROM \(table.sql)\n    WHERE \(written))"
    let down = ground.backfillDown([target, table], batch.map { "\($0.column) BETWEEN :first AND :last" })
    let range = batch.map { "\($0.column) BETWEEN :first AND :last\n  AND " } ?? ""
    return PhaseText(
      kind: .migrate, summary: "Fill \(newTitle) in the rows that were there before the triggers.",
      reasons: [
        "Down computes nothing: phasedb keeps what up overwrites, and puts it back without firing triggers."
      ],
      directives: batch.map { ["@batch \(target.name.spelled.asDirectiveName)\($0.clause)"] } ?? [],
      up: [
        "UPDATE \(target.sql) SET \(new.written) = (\n  SELECT \(table.sql).\(column.name.written) FROM \(table.sql)\n  WHERE \(written) LIMIT 1)\nWHERE \(range)\(isMissing);"
      ],
      down: down.sql, isDownArchive: down.isArchive,
      claims: [
        (claim, selection(of: table, showing: [column.name], where: differ)),
        (
          "every \(column.name) has a row of \(target.name)",
          selection(of: table, showing: [column.name], where: isAlone)
        ),
      ])
  }

  private var retiring: PhaseText {
    // Two guards, because different things are to be done about their rows.
    let missing = RowGuard(
      table: table,
      claim:
        "every \(column.name) has a row of \(target.name): insert the missing row, or empty \(column.name)",
      condition: isAlone)
    let different = RowGuard(table: table, claim: claim, condition: differ)
    let drops = dropping + (index.map { [$0.drop] } ?? [])
    return PhaseText(
      kind: .contract, summary: "Take \(title) out of use, with the triggers.",
      reasons: [
        "Retired, not dropped: phasedb renames it when the up SQL has run, and gives it its name back before the down SQL runs. That takes a moment whatever the number of rows, and every value is still there until somebody purges it."
      ],
      directives: [
        "@retire \(table.name.spelled.asDirectiveName).\(column.name.spelled.asDirectiveName)"
      ],
      up: missing.statements(
        ground, because: "A value that \(target.name) does not have would be gone for new versions.")
        + different.statements(
          ground, because: "New versions read the value in \(target.name), and must read the same one.")
        + [drops.joined(separator: "\n")],
      down: [
        PhaseText.note("Only rows that new versions wrote meanwhile say something else now."),
        "UPDATE \(table.sql) SET \(column.name.written) = (SELECT \(new.written) FROM \(target.sql) WHERE \(partner(of: table.sql)))\nWHERE \(differ);\n",
      ] + (index.map { [$0.make] } ?? []) + making(ground.objects))
  }
}
