/// Reads the tokens of one or more statements and notes features that SQLite did not always have.
package struct FeatureReader {
  private let bytes: [UInt8]
  private let tokens: [SQLTokens.Token]
  /// For each token its word or sign, folded; empty for any other token.
  private let words: [String]
  private var found: [SchemaFeature] = []

  private var statement = Kind.other
  /// How deep in parentheses the SET of an UPDATE stands.
  private var setDepth: Int?
  private var isAfterUpdate = false
  /// For each open parenthesis, whether it holds the arguments of a function.
  private var open: [Bool] = []

  private enum Kind { case createTable, alterTable, other }

  package init(_ sql: String) {
    bytes = Array(sql.utf8)
    tokens = SQLTokens(sql).filter { !$0.kind.isTrivia }
    let bytes = bytes
    words = tokens.map { token in
      token.kind == .word || token.kind == .punctuation
        ? String(decoding: bytes[token.range], as: UTF8.self).asciiLowercased : ""
    }
  }

  package mutating func features() -> [SchemaFeature] {
    for index in tokens.indices {
      if index == 0 || tokens[index - 1].isSemicolon { start(index) }
      track(index)
      readDefinition(index)
      readClause(index)
      readExpression(index)
      readFunction(index)
    }
    return found
  }

  private func word(_ index: Int) -> String { words.indices.contains(index) ? words[index] : "" }

  private mutating func note(_ kind: SchemaFeature.Kind, _ tokenRange: ClosedRange<Int>) {
    let range =
      tokens[tokenRange.lowerBound].range.lowerBound..<tokens[tokenRange.upperBound].range.upperBound
    found.append(SchemaFeature(name: kind.name, since: kind.since, range: range))
  }
}

// MARK: - The position of a token in a statement

extension FeatureReader {
  private mutating func start(_ index: Int) {
    open = []
    setDepth = nil
    isAfterUpdate = false
    let isTemporary = word(index + 1) == "temp" || word(index + 1) == "temporary"
    switch (word(index), word(index + (isTemporary ? 2 : 1))) {
    case ("create", "table"): statement = .createTable
    case ("alter", "table"): statement = .alterTable
    default: statement = .other
    }
  }

  private mutating func track(_ index: Int) {
    switch words[index] {
    case "(": open.append(isCall(index))
    case ")": _ = open.popLast()
    // The SET of an upsert has no FROM, but the SELECT before it may.
    case "update": isAfterUpdate = word(index - 1) != "do"
    case "set" where isAfterUpdate: setDepth = open.count
    default: break
    }
  }

  /// Whether a parenthesis follows the name of a function and not a keyword, a table or a subquery's.
  private func isCall(_ index: Int) -> Bool {
    guard index > 0, tokens[index - 1].kind == .word || tokens[index - 1].kind == .quotedIdentifier else {
      return false
    }
    return !["select", "with", "values"].contains(word(index + 1))
      && !["over", "as", "group", "filter", "in", "materialized"].contains(word(index - 1))
  }

  private func closing(_ index: Int) -> Int? {
    var depth = 0
    for position in index..<tokens.count {
      if words[position] == "(" { depth += 1 }
      if words[position] == ")" { depth -= 1 }
      if depth == 0 { return position }
    }
    return nil
  }
}

// MARK: - The features

extension FeatureReader {
  private mutating func readDefinition(_ index: Int) {
    switch (statement, words[index]) {
    case (.createTable, "strict") where open.isEmpty && [")", ","].contains(word(index - 1)):
      note(SchemaFeature.strict, index...index)
    case (.createTable, "as") where open.count == 1 && word(index + 1) == "(",
      (.alterTable, "as") where open.isEmpty && word(index + 1) == "(":
      let start = word(index - 1) == "always" && word(index - 2) == "generated" ? index - 2 : index
      note(SchemaFeature.generatedColumn, start...index)
    case (.alterTable, "drop") where open.isEmpty:
      note(SchemaFeature.dropColumn, index...(word(index + 1) == "column" ? index + 1 : index))
    case (.alterTable, "rename") where open.isEmpty && word(index + 1) != "to":
      note(SchemaFeature.renameColumn, index...(word(index + 1) == "column" ? index + 1 : index))
    default: break
    }
  }

  private mutating func readClause(_ index: Int) {
    let (before, after) = (word(index - 1), word(index + 1))
    switch words[index] {
    case "returning" where statement == .other && before != ".":
      note(SchemaFeature.returning, index...index)
    case "materialized" where after == "(" && (before == "as" || before == "not"):
      note(SchemaFeature.materialized, index...index)
    case "from"
    where setDepth == open.count && !(before == "distinct" && ["is", "not"].contains(word(index - 2))):
      setDepth = nil
      isAfterUpdate = false
      note(SchemaFeature.updateFrom, index...index)
    case "right", "full":
      let end = after == "outer" ? index + 2 : index + 1
      if word(end) == "join" { note(SchemaFeature.outerJoin, index...end) }
    case "conflict" where before == "on" && (after == "(" || after == "do"):
      note(SchemaFeature.upsert, (index - 1)...index)
    case "nulls" where after == "first" || after == "last":
      note(SchemaFeature.nullsOrder, index...(index + 1))
    case "filter" where before == ")" && after == "(" && word(index + 2) == "where":
      note(SchemaFeature.filter, index...index)
    case "over" where before == ")" && after == "(": note(SchemaFeature.window, index...index)
    case "window" where word(index + 2) == "as" && word(index + 3) == "(":
      note(SchemaFeature.window, index...index)
    case "order" where after == "by" && open.last == true:
      note(SchemaFeature.orderedAggregate, index...(index + 1))
    default: break
    }
  }

  private mutating func readExpression(_ index: Int) {
    switch words[index] {
    case "->", "->>": note(SchemaFeature.arrow, index...index)
    case "distinct" where word(index + 1) == "from" && ["is", "not"].contains(word(index - 1)):
      note(SchemaFeature.distinctFrom, (index - (word(index - 1) == "not" ? 2 : 1))...(index + 1))
    case "raise" where word(index + 1) == "(":
      // RAISE(ABORT, 'text') is as old as RAISE.
      guard let end = closing(index + 1), word(index + 3) == ",", end > index + 5 else { return }
      note(SchemaFeature.raiseExpression, index...end)
    default: if isNumberWithUnderscores(index) { note(SchemaFeature.underscores, index...index) }
    }
  }

  /// Older releases, and the tokens here, take a decimal number with `_` for an illegal token, and the end of such a
  /// hexadecimal number for a name.
  private func isNumberWithUnderscores(_ index: Int) -> Bool {
    let text = String(decoding: bytes[tokens[index].range], as: UTF8.self).asciiLowercased
    if text.hasPrefix("0x"), tokens[index].kind == .number, tokens.indices.contains(index + 1) {
      let next = tokens[index + 1]
      let rest = bytes[next.range]
      return next.kind == .word && next.range.lowerBound == tokens[index].range.upperBound
        && rest.first == UInt8(ascii: "_")
    }
    guard tokens[index].kind == .illegal, let first = text.first, first.isASCII, first.isNumber else {
      return false
    }
    let parts = text.split(separator: "_", omittingEmptySubsequences: false)
    return parts.count > 1
      && parts.allSatisfy { part in
        part.first?.isNumber == true && part.allSatisfy { $0.isASCII && ($0.isNumber || ".e".contains($0)) }
      }
  }

  private mutating func readFunction(_ index: Int) {
    guard let kind = SchemaFeature.function(words[index]), word(index + 1) == "(",
      let end = closing(index + 1), !isNameOfSomethingElse(index, end)
    else { return }
    if words[index] == "iif" || words[index] == "if" {
      let arguments = argumentCount(index + 1, end)
      if arguments > 3 {
        note(SchemaFeature.longIif, index...index)
        return
      }
      if arguments == 2, words[index] == "iif" {
        note(SchemaFeature.shortIif, index...index)
        return
      }
    }
    note(kind, index...index)
  }

  /// A table, a column, an index or a common table expression may have the name of a function.
  private func isNameOfSomethingElse(_ index: Int, _ end: Int) -> Bool {
    if Self.precedeNames.contains(word(index - 1)) { return true }
    return word(end + 1) == "as" && ["(", "materialized", "not"].contains(word(end + 2))
  }

  private static let precedeNames: Set<String> = [
    ".", "into", "table", "exists", "references", "index", "on", "with", "recursive",
  ]

  private func argumentCount(_ start: Int, _ end: Int) -> Int {
    var (depth, count) = (0, 1)
    for index in start..<end {
      if words[index] == "(" { depth += 1 }
      if words[index] == ")" { depth -= 1 }
      if depth == 1, words[index] == "," { count += 1 }
    }
    return count
  }
}
