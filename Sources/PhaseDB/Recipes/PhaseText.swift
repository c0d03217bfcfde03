internal import PhaseSQL
internal import PhaseSQLite

/// The text of a phase file as a careful author writes it: its purpose, the reasons, the directives, and the SQL of
/// both directions.
struct PhaseText {
  let kind: Phase.Kind
  /// One sentence.
  let summary: String
  /// Paragraphs that say why, and what to know.
  var reasons: [String] = []
  /// `@batch`, `@retire` and the like, without hyphens.
  var directives: [String] = []
  /// What stays after down, with its audience; nil for nothing.
  var residual: String?
  /// Statements with their semicolons, and comments above them.
  var up: [String]
  var down: [String]
  /// Whether the way down is `@down archive`, without SQL.
  var isDownArchive = false
  var claims: [(title: String, query: String)] = []
  /// What rows must meet before the phase goes up, when the present schema can tell.
  var demand: RowGuard?

  /// - Parameter release: whose window is written; nil leaves it to the author.
  func text(_ release: RecipeRequest.Release?) -> String {
    var lines = Self.comment(summary)
    for reason in reasons { lines += ["--"] + Self.comment(reason) }
    lines += ["--"] + (release.map { ["-- @window \(window($0))"] } ?? Self.openWindow)
    lines += (directives + ["@residual \(residual ?? "none")"]).map { "-- \($0)" }
    var text = lines.joined(separator: "\n") + "\n"
    text += "\n-- @up\n" + Self.body(up)
    text += isDownArchive ? "\n-- @down archive\n" : "\n-- @down\n" + Self.body(down)
    for claim in claims { text += "\n-- @verify \(claim.title)\n\(claim.query)\n" }
    return text
  }

  /// A contract excludes what came before the release, the other phases what comes with it.
  private func window(_ release: RecipeRequest.Release) -> String {
    let range =
      kind == .contract
      ? ">=\(release.to)" : (release.from.map { ">=\($0) " } ?? "") + "<\(release.to)"
    return "\(release.application.asDirectiveName) \(range)"
  }

  static let openWindow = [
    "-- Needed: the versions of each application that run both before and after this phase.",
    "-- Example: @window shop >=1.4 <2.1",
  ]

  private static func body(_ parts: [String]) -> String {
    guard !parts.isEmpty else { return "-- Nothing to do: phasedb itself renames what is retired.\n" }
    var text = ""
    var isApart = false
    for part in parts {
      // Only at the edges: a string within may have empty lines of its own.
      let lines = part.drop { $0 == "\n" }
      let body = lines.reversed().drop { $0 == "\n" }.reversed()
      if !text.isEmpty, !body.isEmpty { text += isApart || part.hasPrefix("\n") ? "\n\n" : "\n" }
      text += String(body)
      isApart = part.hasSuffix("\n") || body.isEmpty
    }
    return text + "\n"
  }

  /// A paragraph as comment lines.
  static func comment(_ text: String) -> [String] {
    var lines: [String] = []
    var line = "--"
    for word in text.split(separator: " ") {
      if line.count + word.count >= 100 {
        lines.append(line)
        line = "--"
      }
      line += " " + word
    }
    return lines + [line]
  }

  /// A comment above a statement.
  static func note(_ text: String) -> String { comment(text).joined(separator: "\n") }
}

/// A SELECT of the rows for which a condition holds, by their keys.
func selection(of table: RecipeTable, showing columns: [SchemaName] = [], where condition: String) -> String {
  let key = table.key.isEmpty ? ["*"] : table.key
  let shown = columns.map(\.written).filter { !key.contains($0) }
  return "SELECT \((key + shown).joined(separator: ", ")) FROM \(table.sql) WHERE \(condition);"
}

/// SQL at the beginning of a phase that makes it fail if rows break a claim.
struct RowGuard {
  let table: RecipeTable
  /// The claim that the rows break. SQLite shows it in the error.
  let claim: String
  /// Which rows break it.
  let condition: String

  /// What to know about the rows there are; none when none of them breaks the claim.
  func notes(_ ground: RecipeGround) throws(MigrationError) -> [Prose] {
    guard let rows = ground.rows else { return [] }
    let key = table.key.isEmpty ? ["NULL"] : table.key
    let shown = key.map { "quote(\($0))" }.joined(separator: " || ', ' || ")
    let found = try lifting("looking for rows that break the claim") { () in
      try rows.rows("SELECT \(shown) FROM main.\(table.sql) AS \(table.sql) WHERE \(condition) LIMIT 11")
    }
    guard !found.isEmpty else { return [] }
    let names = key.joined(separator: ", ")
    let list = found.prefix(10).map { "\(names) = \($0[0].text ?? "")" as Prose }.joined(separator: "; ")
    return [
      "these rows of \(table.name) are in the way today: \(list)\(found.count > 10 ? "; and more" : "")"
    ]
  }

  func statements(_ ground: RecipeGround, because reason: String) -> [String] {
    let name = SchemaName(ground.free("\(table.name)_in_the_way")).written
    let key = table.key.first ?? "1"
    return [
      PhaseText.note(
        "\(reason) The constraint refuses such a row, and its name is the message. These are the rows: "),
      "-- " + selection(of: table, where: condition),
      """
      CREATE TABLE \(name) (
        row_key CONSTRAINT \(SQLText.identifier(claim)) CHECK (false)
      );
      INSERT INTO \(name) SELECT \(key) FROM \(table.sql) WHERE \(condition);
      DROP TABLE \(name);

      """,
    ]
  }
}
