internal import PhaseSQLite

/// How two schemas differ in meaning: formatting, comments, quoting and the case of names do not count.
struct SchemaDifference: Sendable {
  let added: [SchemaObject]
  let removed: [SchemaObject]
  /// Objects of both whose SQL differs.
  let changed: [(before: SchemaObject, after: SchemaObject)]

  init(from before: Schema, to after: Schema) { self.init(after.changes(since: before)) }

  /// What changes mean, when formatting does not count.
  init(_ changes: [SchemaChange]) {
    let old = changes.filter { $0.kind == .removed }.map(\.object)
    let new = changes.filter { $0.kind == .added }.map(\.object)
    let oldKeys = Set(old.map(\.key))
    let present = Dictionary(new.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    added = new.filter { !oldKeys.contains($0.key) }
    removed = old.filter { present[$0.key] == nil }
    changed = old.compactMap { object in
      present[object.key].flatMap { $0.digest == object.digest ? nil : (before: object, after: $0) }
    }
  }

  var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

  /// One line for each object, `+`, `-` or `~` first; a changed one with both texts below it.
  var lines: [Prose] {
    removed.map { "- \($0.title)" } + added.map { "+ \($0.title)" }
      + changed.flatMap { pair in
        [
          "~ \(pair.before.title)", "    was: \(whole: Self.oneLine(pair.before.sql))",
          "    is:  \(whole: Self.oneLine(pair.after.sql))",
        ]
      }
  }

  /// What changed, one sentence each, then both texts of everything that is there before and after.
  var explanation: [Prose] {
    sentences
      + changed.flatMap { pair in
        ["    was: \(whole: Self.oneLine(pair.before.sql))", "    is:  \(Self.oneLine(pair.after.sql))"]
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
