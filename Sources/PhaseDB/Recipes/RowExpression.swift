internal import PhaseSQL
internal import PhaseSQLite

/// An expression over the columns of one row.
struct RowExpression {
  let sql: String

  init(_ sql: String) { self.sql = SQLFragment(sql).text }

  /// Parts separated by commas outside parentheses.
  static func list(_ sql: String) -> [RowExpression] {
    TokenCursor(sql).items().compactMap { $0.fragment.map { RowExpression($0.text) } }
  }

  /// The expression as an operand of another one.
  var operand: String {
    var cursor = TokenCursor(sql)
    cursor.skipToken()
    if cursor.isAtEnd { return sql }
    // NEW.name
    if cursor.skip("."), cursor.name() != nil, cursor.isAtEnd { return sql }
    cursor = TokenCursor(sql)
    cursor.skipToken()
    // One call, CAST included.
    let isCall = cursor.group() != nil && cursor.isAtEnd
    let opens = TokenCursor(sql).word() == "("
    return isCall && !opens ? sql : "(\(sql))"
  }

  /// The same over the columns of NEW in a trigger.
  func ofNew(_ columns: [SchemaName]) -> RowExpression {
    let bytes = Array(sql.utf8)
    let tokens = SQLTokens(sql).filter { !$0.kind.isTrivia }
    func text(_ index: Int) -> String {
      guard tokens.indices.contains(index) else { return "" }
      return String(decoding: bytes[tokens[index].range], as: UTF8.self).asciiLowercased
    }
    var result = bytes
    for index in tokens.indices.reversed() {
      guard tokens[index].kind != .string,
        let name = SchemaName(tokens[index].kind, bytes[tokens[index].range]),
        columns.contains(name), text(index + 1) != "(", text(index - 1) != ".", text(index - 1) != "as",
        text(index - 1) != "collate"
      else { continue }
      result.insert(contentsOf: Array("NEW.".utf8), at: tokens[index].range.lowerBound)
    }
    return RowExpression(String(decoding: result, as: UTF8.self))
  }

  /// - Throws: `recipe-refused` when SQLite would not compute it for each row alone: it must name no other column, hold
  ///   no query, and give the same value each time. SQLite has the same rule for generated columns
  ///   (sqlite.org/gencol.html#limitations), and so it judges.
  func check(over columns: [ColumnDefinition], as option: String, on ground: RecipeGround)
    throws(MigrationError)
  {
    let declared = columns.map { column in
      "\(column.name.written) \(column.type.declared?.text ?? "")"
    }
    do throws(SQLiteError) {
      let scratch = try Connection(path: "", mode: .memory)
      try scratch.execute(
        "CREATE TABLE tried (\(declared.joined(separator: ", ")), phasedb_value AS (\(sql)))")
      try scratch.execute("INSERT INTO tried DEFAULT VALUES")
      _ = try scratch.rows("SELECT phasedb_value FROM tried")
    } catch {
      throw ground.refused(
        "\(option) '\(sql)' cannot be computed from \(columns.map(\.name).list): \(error.message)",
        help: ["write an expression of these columns alone, without a query, that gives one value each time"])
    }
  }
}
