internal import PhaseSQLite

/// How two schemas differ in meaning: formatting, comments, quoting and the case of names do not count.
struct SchemaDifference: Sendable {
  let added: [SchemaObject]
  let removed: [SchemaObject]
  /// Objects of both whose SQL differs.
  let changed: [(before: SchemaObject, after: SchemaObject)]

  init(from before: Schema, to after: Schema) {
    added = after.objects.values.filter { before.objects[$0.key] == nil }.sorted { $0.key < $1.key }
    removed = before.objects.values.filter { after.objects[$0.key] == nil }.sorted { $0.key < $1.key }
    changed = before.objects.values
      .compactMap { object in
        after.objects[object.key].flatMap { $0.digest == object.digest ? nil : (before: object, after: $0) }
      }
      .sorted { $0.before.key < $1.before.key }
  }

  var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

  /// One line for each object, `+`, `-` or `~` first; a changed one with both texts below it.
  var lines: [String] {
    removed.map { "- \($0.title)" } + added.map { "+ \($0.title)" }
      + changed.flatMap { pair in
        ["~ \(pair.before.title)", "    was: \(Self.oneLine(pair.before.sql))", "    is:  \(Self.oneLine(pair.after.sql))"]
      }
  }

  private static func oneLine(_ sql: String) -> String {
    var line = ""
    for character in sql {
      if character.isWhitespace {
        if line.last != " " { line.append(" ") }
      } else {
        line.append(character)
      }
    }
    return line
  }
}
