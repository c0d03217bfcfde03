package import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Writes the file `apps/APP/VERSION.sql` from recorded statements, each once.
struct QueryScriptText {
  /// A statement, and the values it was run with.
  private struct Seen {
    let sql: String
    var rows: [[Value]] = []
    /// Its tokens without the values, if these are written into it.
    let shape: [UInt8]
  }

  private var seen: [Seen] = []
  private var places: [[UInt8]: Int] = [:]

  /// How many rows of different values are kept for a statement.
  private static let limit = 3

  /// Adds a statement with parameters.
  ///
  /// - Parameter values: of its parameters, in the order of their numbers.
  mutating func add(_ sql: String, values: [Value]) {
    guard Self.isQuestion(sql) else { return }
    let shape = SQLTokens.exactWithoutLastSemicolons(sql)
    if let place = places[shape] {
      if seen[place].rows.count < Self.limit, !seen[place].rows.contains(values), !values.isEmpty {
        seen[place].rows.append(values)
      }
    } else {
      places[shape] = seen.count
      seen.append(Seen(sql: sql, rows: values.isEmpty ? [] : [values], shape: shape))
    }
  }

  /// Adds a statement into which its values are written. A few of those that differ only in values are kept.
  mutating func add(literal sql: String) {
    guard Self.isQuestion(sql) else { return }
    let shape = Self.withoutValues(sql)
    let same = seen.filter { $0.shape == shape }
    let exact = SQLTokens.exactWithoutLastSemicolons(sql)
    guard same.count < Self.limit,
      !same.contains(where: { SQLTokens.exactWithoutLastSemicolons($0.sql) == exact })
    else { return }
    seen.append(Seen(sql: sql, shape: shape))
  }

  /// Whether it reads or changes rows, and is not about transactions, connections or the schema.
  private static func isQuestion(_ sql: String) -> Bool {
    let words = SQLWord.all(in: sql)
    return words.first.map {
      ["select", "insert", "update", "delete", "replace", "with", "values"].contains($0.text)
    }
      ?? false
  }

  /// The tokens with a mark for every literal.
  private static func withoutValues(_ sql: String) -> [UInt8] {
    let bytes = Array(sql.utf8)
    var shape: [UInt8] = []
    for token in SQLTokens(bytes: bytes) where !token.kind.isTrivia && !token.isSemicolon {
      let isValue = [.string, .number, .blob, .variable].contains(token.kind)
      shape +=
        isValue
        ? Array("?".utf8) : Array(String(decoding: bytes[token.range], as: UTF8.self).asciiLowercased.utf8)
      shape.append(0)
    }
    return shape
  }

  /// The file; empty when nothing was seen.
  func text() -> String {
    var names: Set<String> = []
    return seen.enumerated().map { index, statement in
      let title = Self.title(statement.sql)
      var name = title
      var number = 2
      while !names.insert(name).inserted {
        name = "\(title) (\(number))"
        number += 1
      }
      let parameters = QueryParameter.all(in: statement.sql)
      let rows = statement.rows.map { row in
        let values = zip(parameters, row).map { "\($0.name?.text ?? "\($0.number)") = \(Self.literal($1))" }
        return "-- @with \(values.joined(separator: ", "))\n"
      }
      return (index == 0 ? "" : "\n") + "-- @query \(name)\n\(rows.joined())\(Self.closed(statement.sql))\n"
    }.joined()
  }

  /// What a statement does and to which table, judged by its words: `update customers`.
  private static func title(_ sql: String) -> String {
    let words = SQLWord.all(in: sql)
    let verb =
      words.first { ["select", "insert", "update", "delete", "replace", "values"].contains($0.text) }?.text
      .text
      ?? "ask"
    let before: Set<FoldedName> = verb == "update" ? ["update"] : ["into", "from"]
    for index in words.indices where words[index].kind == .word && before.contains(words[index].text) {
      var next = index + 1
      // UPDATE OR IGNORE t
      if words.has("or", at: next) { next += 2 }
      if let name = words.qualifiedName(at: next) { return "\(verb) \(words[name.name].text)" }
    }
    return verb
  }

  /// A literal on one line, because a directive is one line: text with other characters is composed from parts.
  private static func literal(_ value: Value) -> String {
    switch value {
    case .text(let text):
      let parts = text.split(omittingEmptySubsequences: false) { $0.isNewline }
      guard parts.count > 1 else { return value.description }
      var pieces: [String] = []
      var run = ""
      for character in text {
        if character.isNewline {
          if !run.isEmpty { pieces.append(SQLText.literal(run)) }
          pieces += character.unicodeScalars.map { "char(\($0.value))" }
          run = ""
        } else {
          run.append(character)
        }
      }
      if !run.isEmpty { pieces.append(SQLText.literal(run)) }
      return pieces.joined(separator: " || ")
    // The shortest text that gives the number back; infinity has none in SQL but a number that is too large.
    case .real(let number) where number.isInfinite: return number < 0 ? "-9e999" : "9e999"
    default: return value.description
    }
  }

  private static func closed(_ sql: String) -> String {
    let text = EmbeddedSQL.text(sql)
    return text.last == "\n" ? String(text.dropLast()) : text
  }
}

/// A plain list of the SQL statements that an application ran, as the drivers of most languages can write it.
package struct QueryLog: Sendable {
  private let source: PhaseSource

  /// Reads a list.
  ///
  /// - Parameter path: SQL statements, each ended by a semicolon. Values may stand in them as literals.
  /// - Throws: `file-unreadable`, `file-too-large`, `invalid-text`.
  package init(file path: String) throws(MigrationError) {
    source = PhaseSource(try TextFile.read(path), file: path)
  }

  /// The statements as a file for `apps/APP/VERSION.sql`, each once; of statements that differ only in their values,
  /// three are kept. Statements about transactions, connections and the schema are left out.
  ///
  /// - Throws: `incomplete-statement` when a quote, comment or statement is not closed, `no-queries` when there is no
  ///   statement.
  package func script() throws(MigrationError) -> String {
    let split = SQLSplitter(bytes: source.bytes)
    if let unclosed = split.unclosed { throw source.unclosed(unclosed) }
    var text = QueryScriptText()
    for statement in split.statements { text.add(literal: source.string(statement)) }
    let script = text.text()
    guard !script.isEmpty else {
      throw MigrationError(
        .noQueries, "\(source.file) has no statement that reads or changes rows",
        help: ["write each statement on its own line, and end it with a semicolon"])
    }
    return script
  }
}
