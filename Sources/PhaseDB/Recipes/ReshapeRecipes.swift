internal import PhaseSQL
internal import PhaseSQLite

/// The recipes that change columns: to another type, from one into several, or from several into one.
struct ReshapeRecipes {
  let ground: RecipeGround
  /// What the author said: `--up` and `--down`.
  let up: String?
  let down: String?

  func retype(
    _ table: SchemaName, _ column: SchemaName, to new: SchemaName, type: String
  ) throws(MigrationError) -> [PhaseText] {
    try phases(
      table, [column], [new], type: type, "Give \(table) a \(new) beside \(column), with another type.")
  }

  func split(
    _ table: SchemaName, _ column: SchemaName, into news: [SchemaName]
  ) throws(MigrationError) -> [PhaseText] {
    try phases(
      table, [column], news, type: nil, "Give \(table) \(news.joined) beside \(column).")
  }

  func merge(
    _ table: SchemaName, _ columns: [SchemaName], into new: SchemaName
  ) throws(MigrationError) -> [PhaseText] {
    try phases(
      table, columns, [new], type: nil, "Give \(table) a \(new) beside \(columns.joined).")
  }

  /// - Parameter type: of the new column; nil for that of the old one.
  private func phases(
    _ tableName: SchemaName, _ oldNames: [SchemaName], _ news: [SchemaName], type: String?, _ summary: String
  ) throws(MigrationError) -> [PhaseText] {
    let table = try ground.table(tableName)
    var olds: [ColumnDefinition] = []
    for name in oldNames { olds.append(try ground.column(name, of: table)) }
    for name in news { try ground.refuseTaken(name, in: table) }
    guard Set(oldNames + news).count == oldNames.count + news.count else {
      throw ground.refused("a column is named twice", help: ["name each column once"])
    }
    let declared = type ?? olds.first?.type.declared?.text ?? ""
    let declarations = news.map { declared.isEmpty ? $0.written : "\($0.written) \(declared)" }
    let columns = try declarations.map { text throws(MigrationError) in
      guard let column = ColumnDefinition(reading: TokenCursor(text)), !column.isConstrained,
        !column.isNotNull,
        column.defaultValue == nil
      else {
        throw ground.refused(
          "'\(declared)' is more than a type",
          help: [
            "write the type only; constraints come when the change is done: phasedb new NAME require T.C"
          ])
      }
      return column
    }
    let ups = try expressions(up, "--up", count: news.count, of: news, over: olds)
    let downs = try expressions(down, "--down", count: olds.count, of: oldNames, over: columns)
    try refuseLosses(table, olds, columns, declarations, ups, downs)
    let sides = SideBySide(
      ground: ground, table: table,
      olds: zip(olds, downs).map { .init(name: $0.name, value: $1, collation: $0.collation) },
      news: zip(news, ups).map { .init(name: $0, value: $1) })
    guard !table.key.isEmpty else {
      throw ground.refused(
        "columns of \(table.name) hide every name of its rowid, so a trigger cannot find a row",
        help: ["write the phases by hand: phasedb new NAME"])
    }
    return sides.expandAndMigrate(declarations, summary, []) + [
      sides.retiring("Take \(olds.map(\.name).joined) of \(table.name) out of use, with the triggers.")
    ]
  }

  private func expressions(
    _ text: String?, _ option: String, count: Int, of names: [SchemaName], over columns: [ColumnDefinition]
  ) throws(MigrationError) -> [RowExpression] {
    let found = text.map(RowExpression.list) ?? []
    guard found.count == count else {
      throw ground.refused(
        "\(option) must compute \(names.list): \(CountText.text(found.count, "expression")) for \(CountText.text(count, "column"))",
        help: ["give \(option) one expression for each column, with commas between them"])
    }
    for expression in found { try expression.check(over: columns, as: option, on: ground) }
    return found
  }

  /// Tries the expressions on the rows that there are: what comes back must be what was there.
  private func refuseLosses(
    _ table: RecipeTable, _ olds: [ColumnDefinition], _ news: [ColumnDefinition], _ declarations: [String],
    _ ups: [RowExpression], _ downs: [RowExpression]
  ) throws(MigrationError) {
    guard let rows = ground.rows else { return }
    let strict = table.definition.isStrict ? " STRICT" : ""
    let names = olds.map(\.name)
    // The columns convert values as those of the table do, which an expression alone does not.
    let oldColumns = olds.map { "\($0.name.written) \($0.type.declared?.text ?? "")" }
    let marks = (1...(olds.count + 1)).map { "?\($0)" }.joined(separator: ", ")
    let key = table.key.isEmpty ? ["NULL"] : table.key
    let lost = try lifting("trying the expressions on the rows of \(table.name)") { () -> [String] in
      let bench = try Connection(path: "", mode: .memory)
      try bench.execute(
        "CREATE TABLE olds (phasedb_key TEXT, \(oldColumns.joined(separator: ", ")))\(strict)")
      try bench.execute(
        "CREATE TABLE news (phasedb_key TEXT, \(declarations.joined(separator: ", ")))\(strict)")
      try bench.execute(
        "CREATE TABLE backs (phasedb_key TEXT, \(oldColumns.joined(separator: ", ")))\(strict)")
      var select = try rows.prepare(
        "SELECT quote(\(key.joined(separator: ") || ', ' || quote("))), \(names.written) FROM main.\(table.sql)"
      )
      var insert = try bench.prepare("INSERT INTO olds VALUES (\(marks))")
      while try select.step() {
        try insert.run((0...olds.count).map { select.value(at: $0) })
      }
      try bench.execute(
        "INSERT INTO news SELECT phasedb_key, \(ups.map(\.sql).joined(separator: ", ")) FROM olds")
      try bench.execute(
        "INSERT INTO backs SELECT phasedb_key, \(downs.map(\.sql).joined(separator: ", ")) FROM news")
      let differs = names.map { "o.\($0.written) COLLATE BINARY IS NOT b.\($0.written)" }
      let shown = names.map { "quote(o.\($0.written)) || ' -> ' || quote(b.\($0.written))" }
      return try bench.rows(
        """
        SELECT o.phasedb_key, \(shown.joined(separator: " || ', ' || ")) FROM olds AS o JOIN backs AS b ON o.rowid = b.rowid
        WHERE \(differs.joined(separator: " OR ")) LIMIT 11
        """
      ).map { "\(key.joined(separator: ", ")) = \($0[0].text ?? ""): \($0[1].text ?? "")" }
    }
    guard lost.isEmpty else {
      throw ground.refused(
        "--down does not give back what --up was computed from, in these rows of \(table.name)",
        details: lost.prefix(10).map { Prose($0) } + (lost.count > 10 ? ["… and more"] : []),
        help: ["correct the expressions, or first change these rows"])
    }
  }
}

extension [SchemaName] {
  /// `a and b`
  fileprivate var joined: String { map(\.spelled).joined(separator: " and ") }
}
