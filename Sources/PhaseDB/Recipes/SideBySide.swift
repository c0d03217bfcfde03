internal import PhaseSQL
internal import PhaseSQLite

/// Old and new columns with the same content. Triggers keep them in step while old and new versions write.
struct SideBySide {
  let ground: RecipeGround
  let table: RecipeTable
  /// What the old versions write.
  let olds: [Side]
  /// What the new versions write.
  let news: [Side]
  /// The DEFAULT of both sides, if an INSERT that leaves a column out is recognized by it; nil if by NULL.
  var sharedDefault: String?

  /// One column, and what computes it from the columns of the other side.
  struct Side {
    let name: SchemaName
    let value: RowExpression
    /// nil when it compares byte by byte.
    var collation: SchemaName?

    /// A change of case is a change, too, whatever the column's collation says.
    func place(_ row: String = "") -> String {
      "\(row)\(name.written)" + (collation == nil ? "" : " COLLATE BINARY")
    }
  }

  /// Old columns that every INSERT must name, so that versions which know only the new ones cannot insert.
  var required: [SchemaName] {
    olds.map(\.name).filter { table.definition.column($0)?.isRequired == true }
  }

  private var oldNames: [SchemaName] { olds.map(\.name) }
  private var newNames: [SchemaName] { news.map(\.name) }
  private var oldTitle: String { oldNames.map(\.spelled).joined(separator: " and ") }
  private var newTitle: String { newNames.map(\.spelled).joined(separator: " and ") }

  /// The claim of both phases.
  var claim: String {
    let verb = olds.count > 1 ? "are" : "is"
    return "every \(oldTitle) \(verb) what \(newTitle) \(news.count > 1 ? "say" : "says")"
  }

  /// Rows on which the sides say different things.
  var differ: String { Self.differ(olds) }
  /// Rows whose new side is not written yet.
  private var isUnfilled: String {
    sharedDefault == nil && !isRename
      ? newNames.map { "\($0.written) IS NULL" }.joined(separator: " AND ") : differ
  }
  private var isRename: Bool { olds.count == 1 && olds[0].value.sql == newNames[0].written }

  private static func differ(_ sides: [Side]) -> String {
    sides.map { "\($0.place()) IS NOT \($0.value.operand)" }.joined(separator: " OR ")
  }

  private static func assignment(_ sides: [Side]) -> String {
    sides.map { "\($0.name.written) = \($0.value.sql)" }.joined(separator: ", ")
  }

  // MARK: Triggers

  /// With the name of each.
  var triggers: [(name: String, sql: String)] {
    refusals + [
      trigger("insert", oldNames, "INSERT", insertOfOld, news),
      trigger("insert", newNames, "INSERT", insertOfNew, olds),
      trigger("update", oldNames, "UPDATE OF \(oldNames.written)", update(olds, olds, newNames), news),
      trigger("update", newNames, "UPDATE OF \(newNames.written)", update(news, news, oldNames), olds),
    ]
  }

  private func trigger(
    _ event: String, _ columns: [SchemaName], _ occasion: String, _ condition: [String], _ target: [Side]
  ) -> (name: String, sql: String) {
    let words = columns.map(\.spelled).joined(separator: "_")
    let name = SchemaName(ground.free("\(table.name)_\(event)_\(words)")).written
    let sql = """
      CREATE TRIGGER \(name) AFTER \(occasion) ON \(table.sql)
      WHEN \(condition.joined(separator: condition.joined().count > 80 ? "\n  AND " : " AND "))
      BEGIN
        UPDATE \(table.sql) SET \(Self.assignment(target)) WHERE \(table.isSameRow);
      END;

      """
    return (name, sql)
  }

  /// These triggers replace NOT NULL while a row may have only one side. A CHECK over both columns would prevent
  /// retiring one. A rename needs none.
  private var refusals: [(name: String, sql: String)] {
    guard !isRename, !required.isEmpty else { return [] }
    let hasNoNewValue = newNames.map { "NEW.\($0.written) IS NULL" }.joined(separator: " AND ")
    return required.flatMap { column in
      [("INSERT", " AND \(hasNoNewValue)"), ("UPDATE OF \(column.written)", "")].map { occasion, rest in
        let event = rest.isEmpty ? "update" : "insert"
        let name = SchemaName(ground.free("\(table.name)_\(event)_needs_\(column)")).written
        let message = SQLText.literal("NOT NULL constraint failed: \(table.name).\(column)")
        return (
          name: name,
          sql: """
          CREATE TRIGGER \(name) BEFORE \(occasion) ON \(table.sql)
          WHEN NEW.\(column.written) IS NULL\(rest)
          BEGIN
            SELECT RAISE(ABORT, \(message));
          END;

          """
        )
      }
    }
  }

  /// A row of a version that does not know the new columns.
  private var insertOfOld: [String] {
    if let sharedDefault {
      return [
        "\(olds[0].place("NEW.")) IS NOT \(news[0].place("NEW."))",
        "\(olds[0].place("NEW.")) IS NOT \(sharedDefault)",
      ]
    }
    return newNames.map { "NEW.\($0.written) IS NULL" } + [
      Self.any(oldNames.map { "NEW.\($0.written) IS NOT NULL" })
    ]
  }

  /// A row of a version that does not know the old columns.
  private var insertOfNew: [String] {
    if let sharedDefault {
      return [
        "\(olds[0].place("NEW.")) IS NOT \(news[0].place("NEW."))",
        "\(olds[0].place("NEW.")) IS \(sharedDefault)",
      ]
    }
    return [
      Self.any(newNames.map { "NEW.\($0.written) IS NOT NULL" }),
      Self.any(olds.map { "\($0.place("NEW.")) IS NOT \($0.value.ofNew(newNames).operand)" }),
    ]
  }

  /// One side changed and disagrees with the other. The condition keeps the two triggers from firing each other for
  /// ever.
  private func update(_ changed: [Side], _ own: [Side], _ other: [SchemaName]) -> [String] {
    [
      Self.any(changed.map { "\($0.place("NEW.")) IS NOT OLD.\($0.name.written)" }),
      Self.any(own.map { "\($0.place("NEW.")) IS NOT \($0.value.ofNew(other).operand)" }),
    ]
  }

  private static func any(_ conditions: [String]) -> String {
    conditions.count == 1 ? conditions[0] : "(\(conditions.joined(separator: " OR ")))"
  }

  /// Triggers of the table that see what happens after an INSERT or UPDATE.
  private var earlier: [SchemaObject] {
    ground.objects.filter { object in
      guard object.key.type == "trigger", SchemaName(object.table) == table.name,
        let trigger = TriggerDefinition(object.sql)
      else { return false }
      return trigger.timing == .after && trigger.event != .delete
    }
  }

  private static let order =
    "SQLite fires the youngest trigger first. The ones that were there are made again, so that they still see a row as its writer left it."

  /// Makes the triggers on the table as it is.
  var making: [String] {
    let again = earlier.flatMap { ["DROP TRIGGER \(SchemaName($0.name).written);", $0.statement] }
    return triggers.map(\.sql)
      + (again.isEmpty ? [] : [PhaseText.note(Self.order)] + again)
  }

  private var dropping: [String] { triggers.reversed().map { "DROP TRIGGER \($0.name);" } }

  // MARK: Phases

  /// - Parameters:
  ///   - declarations: the new columns, each as a column's declaration without NOT NULL.
  ///   - summary: what the change is for.
  func expandAndMigrate(_ declarations: [String], _ summary: String, _ reasons: [String]) -> [PhaseText] {
    let step =
      "While old and new versions run together, each writes the columns that it knows, and the triggers compute the others. The last condition of each ends the echo: once both sides say the same, nothing fires."
    guard required.isEmpty else { return [rebuilding(declarations, summary, reasons + [step])] }
    let expand = PhaseText(
      kind: .expand, summary: summary, reasons: reasons + [step],
      up: declarations.map { "ALTER TABLE \(table.sql) ADD COLUMN \($0);" } + [""] + making,
      down: dropping + newNames.reversed().map { "ALTER TABLE \(table.sql) DROP COLUMN \($0.written);" })
    return [expand, backfill]
  }

  /// A column that is NOT NULL without a default keeps versions out that do not know it, and only a rebuild loosens it.
  /// That writes every row anyway, so that it fills the new columns at once, and leaves nothing to a migrate phase.
  private func rebuilding(_ declarations: [String], _ summary: String, _ reasons: [String]) -> PhaseText {
    let title = required.map(\.spelled).joined(separator: " and ")
    let up = RebuildText(
      ground: ground, table: table, wanted: loosened(declarations),
      values: table.stored.map { ($0.name, $0.name.written) } + news.map { ($0.name, $0.value.sql) },
      after: ground.schema, ownTriggers: triggers.map(\.sql),
      reason:
        "A version that does not know \(title) could not insert a row: NOT NULL without a default. SQLite drops a NOT NULL only with a new table. \(isRename ? "The CHECK keeps" : "The first triggers keep") its promise: a row has one side or the other."
    )
    let down = RebuildText(
      table, as: table.plainText, on: ground, because: "The table as it was, without \(newTitle).")
    return PhaseText(
      kind: .expand, summary: summary,
      reasons: reasons + [
        "The rebuild writes every row, so it fills \(newTitle), too: there is nothing left for a migrate phase. It holds the write lock as long as it takes; rehearse tells how long."
      ], up: up.statements(), down: down.statements(),
      claims: [(claim, selection(of: table, showing: oldNames + newNames, where: differ))])
  }

  /// The table with both sides, of which a row needs one.
  func loosened(_ declarations: [String]) -> TableText {
    var wanted = table.plainText
    for name in required { wanted = wanted.removing(.notNull, of: name) }
    for declaration in declarations { wanted = wanted.adding(column: declaration) }
    guard isRename else { return wanted }
    let someNew = newNames.map { "\($0.written) IS NOT NULL" }.joined(separator: " OR ")
    let allOld = required.map { "\($0.written) IS NOT NULL" }.joined(separator: " AND ")
    return wanted.adding(
      constraint: "CHECK (\(required.count > 1 ? "(\(allOld))" : allOld) OR \(someNew))")
  }

  private var backfill: PhaseText {
    var (directives, range) = ([String](), "")
    if let batch = batchKey {
      directives = ["@batch \(table.name.spelled.asDirectiveName)\(batch.clause)"]
      range = "\(batch.column) BETWEEN :first AND :last"
    }
    let down = ground.backfillDown([table], range.isEmpty ? nil : range)
    let condition = range.isEmpty ? isUnfilled : "\(range)\n  AND \(isUnfilled)"
    return PhaseText(
      kind: .migrate, summary: "Fill \(newTitle) in the rows that were there before the triggers.",
      reasons: [
        "Down computes nothing: phasedb keeps what up overwrites, and puts it back without firing triggers. An UPDATE to NULL would be taken for a change that somebody wants in \(oldTitle), too."
      ], directives: directives,
      up: ["UPDATE \(table.sql) SET \(Self.assignment(news))\nWHERE \(condition);"],
      down: down.sql, isDownArchive: down.isArchive,
      claims: [(claim, selection(of: table, showing: oldNames + newNames, where: differ))])
  }

  /// The column that batches follow, and how `@batch` names it; nil when no index of all rows begins with one.
  private var batchKey: (column: String, clause: String)? { table.batchKey(on: ground) }

  /// What the contract does before it takes the old side out of use.
  func contractOpening() -> [String] {
    let obstacles = RowGuard(table: table, claim: claim, condition: differ)
    return obstacles.statements(
      ground,
      because:
        "Down takes a row on which the sides differ for one that was changed meanwhile, so there may be none."
    )
      + [dropping.joined(separator: "\n")]
  }

  /// A contract that retires the old side.
  func retiring(_ summary: String) -> PhaseText {
    PhaseText(
      kind: .contract, summary: summary,
      reasons: [
        "Retired, not dropped: phasedb renames it when the up SQL has run, and gives it its name back before the down SQL runs. That takes a moment whatever the number of rows, and every value is still there until somebody purges it."
      ],
      directives: oldNames.map {
        "@retire \(table.name.spelled.asDirectiveName).\($0.spelled.asDirectiveName)"
      },
      up: contractOpening(),
      down: [
        PhaseText.note("Only rows that new versions wrote meanwhile say something else now."),
        "UPDATE \(table.sql) SET \(Self.assignment(olds)) WHERE \(differ);\n",
      ] + making)
  }
}
