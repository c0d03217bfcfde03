internal import PhaseSQL

/// Reads the words of a recipe. Names are SQL: `"order lines"."unit price"` where they need quotes.
struct RecipeWords {
  private let name: Recipe.Name
  private let text: String
  private var cursor: TokenCursor

  /// - Throws: `bad-recipe` with a suggestion.
  static func read(_ words: [String]) throws(MigrationError) -> Recipe {
    let first = words.first ?? ""
    guard let name = Recipe.Name(rawValue: first) else {
      let names = Recipe.Name.allCases.map(\.rawValue)
      throw MigrationError(
        .badRecipe, "there is no recipe '\(first)'",
        help: [
          Suggestion.nearest(to: first, in: names).map { "did you mean \($0)?" }
            ?? "the recipes are: \(names.joined(separator: ", "))"
        ])
    }
    var reader = RecipeWords(name, words.dropFirst().joined(separator: " "))
    return try reader.recipe()
  }

  private init(_ name: Recipe.Name, _ text: String) {
    self.name = name
    self.text = text
    cursor = TokenCursor(text)
  }

  private mutating func recipe() throws(MigrationError) -> Recipe {
    let recipe = try parse()
    guard cursor.isAtEnd else { throw unreadable() }
    return recipe
  }

  private mutating func parse() throws(MigrationError) -> Recipe {
    switch name {
    case .renameColumn:
      let (table, column) = try column()
      return .renameColumn(table: table, column: column, to: try one())
    case .renameTable: return .renameTable(try one(), to: try one())
    case .retype:
      let (table, column) = try column()
      return .retype(table: table, column: column, to: try one(), type: try rest())
    case .split:
      let (table, column) = try column()
      guard cursor.skip("into") else { throw unreadable() }
      return .split(table: table, column: column, into: try list())
    case .merge:
      var (table, first) = try column()
      var columns = [first]
      while cursor.skip(",") {
        let (other, column) = try column()
        guard other == table else { throw unreadable() }
        table = other
        columns.append(column)
      }
      guard cursor.skip("into"), columns.count > 1 else { throw unreadable() }
      first = try one()
      return .merge(table: table, columns: columns, into: first)
    case .require:
      let (table, column) = try column()
      return .require(table: table, column: column)
    case .check: return .check(table: try one(), condition: try condition())
    case .unique:
      let table = try one()
      guard var names = cursor.group() else { return .unique(table: table, columns: try list()) }
      guard let columns = RecipeWords.names(&names) else { throw unreadable() }
      return .unique(table: table, columns: columns)
    case .reference:
      let (table, column) = try column()
      let (parent, key) = try self.column()
      return .reference(
        table: table, column: column, parent: parent, key: key, actions: cursor.isAtEnd ? "" : try rest())
    case .defaultValue:
      let (table, column) = try column()
      return .defaultValue(table: table, column: column, value: try rest())
    case .loosen:
      let (table, column) = try column()
      guard !cursor.isAtEnd else { return .loosen(table: table, column: column, what: nil) }
      guard let what = Recipe.Loosening(rawValue: try rest().asciiLowercased) else { throw unreadable() }
      return .loosen(table: table, column: column, what: what)
    case .dropColumn:
      let (table, column) = try column()
      return .dropColumn(table: table, column: column)
    case .dropTable: return .dropTable(try one())
    case .index:
      let table = try one()
      guard let terms = cursor.group()?.fragment else { throw unreadable() }
      let condition = cursor.skip("where") ? try rest() : nil
      return .index(table: table, terms: terms.text, condition: condition)
    case .add:
      let (table, column) = try column()
      return .add(table: table, column: column, declaration: cursor.isAtEnd ? "" : try rest())
    case .rebuild: return .rebuild(try one())
    case .move:
      let (table, column) = try column()
      guard cursor.skip("to") else { throw unreadable() }
      let (target, new) = try self.column()
      guard cursor.skip("by") else { throw unreadable() }
      return .move(table: table, column: column, to: target, as: new, by: try moveKey())
    }
  }

  private mutating func one() throws(MigrationError) -> SchemaName {
    guard let name = cursor.name() else { throw unreadable() }
    return name
  }

  private mutating func column() throws(MigrationError) -> (table: SchemaName, column: SchemaName) {
    guard let table = cursor.name(), cursor.skip("."), let column = cursor.name() else { throw unreadable() }
    return (table, column)
  }

  /// `id`, `a, b`, `(a, b)`, or `customer = id`.
  private mutating func moveKey() throws(MigrationError) -> Recipe.MoveKey {
    if var names = cursor.group() {
      guard let columns = RecipeWords.names(&names) else { throw unreadable() }
      return .names(columns)
    }
    var pair = cursor
    if let own = pair.name(), pair.skip("="), let other = pair.name() {
      cursor = pair
      return .pair(own, other)
    }
    return .names(try list())
  }

  private mutating func list() throws(MigrationError) -> [SchemaName] {
    guard let names = RecipeWords.names(&cursor) else { throw unreadable() }
    return names
  }

  private static func names(_ cursor: inout TokenCursor) -> [SchemaName]? {
    var names: [SchemaName] = []
    repeat {
      guard let name = cursor.name() else { return nil }
      names.append(name)
    } while cursor.skip(",")
    return cursor.isAtEnd ? names : nil
  }

  /// An expression, without the parentheses around the whole of it.
  private mutating func condition() throws(MigrationError) -> String {
    var inner = cursor
    if let group = inner.group(), inner.isAtEnd, let text = group.fragment {
      cursor = inner
      return text.text
    }
    return try rest()
  }

  private mutating func rest() throws(MigrationError) -> String {
    guard let rest = cursor.fragment else { throw unreadable() }
    while !cursor.isAtEnd { cursor.skipToken() }
    return rest.text
  }

  private func unreadable() -> MigrationError {
    MigrationError(
      .badRecipe,
      text.isEmpty
        ? "\(name.rawValue) says nothing of what it is about" : "\(name.rawValue) cannot read '\(text)'",
      help: [
        "write it as: \(name.rawValue) \(name.usage)",
        "a name with spaces goes in double quotes, and these in single ones for the shell: '\"order lines\".price'",
      ])
  }
}
