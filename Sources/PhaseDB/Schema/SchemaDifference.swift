internal import PhaseSQL
internal import PhaseSQLite

/// How two schemas differ in meaning: formatting, comments, quoting and the case of names do not count.
package struct SchemaDifference: Sendable {
  package let added: [SchemaObject]
  package let removed: [SchemaObject]
  /// Objects of both whose SQL differs.
  package let changed: [(before: SchemaObject, after: SchemaObject)]

  package init(from before: Schema, to after: Schema) { self.init(after.changes(since: before)) }

  /// The meaning of changes, without formatting.
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

  package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

  /// One line for each object, `+`, `-` or `~` first, and below a changed one what changed about it: sentences, and what
  /// differs of texts that sentences do not explain.
  var lines: [Prose] {
    removedAndAdded
      + changed.flatMap { pair in
        let facts = Self.facts(from: pair.before, to: pair.after)
        let sentences = facts.filter(\.isExplained).flatMap(\.sentences).map { "    \($0)" as Prose }
        return ["~ \(pair.before.title)"] + sentences + Self.texts(pair.before, pair.after)
      }
  }

  /// The lines of objects only.
  var titles: [Prose] { removedAndAdded + changed.map { "~ \($0.before.title)" } }

  private var removedAndAdded: [Prose] {
    removed.map { "- \($0.title)" } + added.map { "+ \($0.title)" }
  }

  /// What changed, one sentence each, then what differs of texts that sentences do not explain.
  var explanation: [Prose] {
    sentences + changed.flatMap { pair in Self.texts(pair.before, pair.after) }
  }

  /// Both texts of an object, if sentences do not say all: a table is explained column by column, however many it has.
  private static func texts(_ before: SchemaObject, _ after: SchemaObject) -> [Prose] {
    guard !facts(from: before, to: after).allSatisfy(\.isExplained) else { return [] }
    let (was, isNow) = differing(oneLine(before.sql), oneLine(after.sql))
    return ["    was: \(whole: was)", "    is:  \(whole: isNow)"]
  }

  /// The parts in which two long texts differ, with a few words on both sides.
  private static func differing(_ old: String, _ new: String) -> (String, String) {
    guard max(old.count, new.count) > longestText else { return (old, new) }
    let (left, right) = (old.split(separator: " "), new.split(separator: " "))
    let same = zip(left, right).prefix { $0 == $1 }.count
    let most = min(left.count, right.count) - same
    let end = min(zip(left.reversed(), right.reversed()).prefix { $0 == $1 }.count, most)
    func part(_ words: [Substring]) -> String {
      let start = max(0, same - 4)
      let stop = min(words.count, words.count - end + 4)
      let text = words[start..<stop].joined(separator: " ")
      return (start > 0 ? "… " : "") + text + (stop < words.count ? " …" : "")
    }
    return (part(left), part(right))
  }

  /// A text is shown whole up to here.
  private static let longestText = 100

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

extension SchemaDifference {
  /// Every change as a value: at least one for each object that differs. Tables come first, and removed objects before
  /// added ones.
  package var facts: [SchemaFact] {
    // They are made and dropped only with a virtual table.
    let shadows = ShadowTables.declared(by: removed + added)
    var facts: [SchemaFact] = []
    for type in ["table", "index", "trigger", "view"] {
      func counts(_ object: SchemaObject) -> Bool {
        object.key.type == type && !shadows.contains(SchemaName(object.name)) && !isRetired(object)
      }
      facts += removed.filter(counts).map { Self.fact(of: $0, isAdded: false) }
      facts += added.filter(counts).map { Self.fact(of: $0, isAdded: true) }
      for pair in changed where pair.before.key.type == type {
        facts += Self.facts(from: pair.before, to: pair.after)
      }
    }
    return facts
  }

  /// Whether an object is a retired table that was there under its own name, which already tells of the retirement.
  private func isRetired(_ object: SchemaObject) -> Bool {
    guard object.key.type == "table", let retired = RetiredName(SchemaName(object.name)) else { return false }
    return removed.contains { $0.key == SchemaObject.Key(type: "table", name: retired.original.key) }
  }

  /// One sentence for each change, for people.
  package var sentences: [Prose] { facts.flatMap(\.sentences) }

  private static func fact(of object: SchemaObject, isAdded: Bool) -> SchemaFact {
    let name = SchemaName(object.name)
    switch object.key.type {
    case "table":
      if let virtual = TableDefinition(object.sql)?.virtual {
        return isAdded ? .virtualTableAdded(name, virtual) : .virtualTableRemoved(name, virtual)
      }
      return isAdded ? .tableAdded(name) : .tableRemoved(name)
    case "index":
      guard let index = IndexDefinition(object.sql) else { break }
      return isAdded ? .indexAdded(index) : .indexRemoved(index)
    case "trigger":
      guard let trigger = TriggerDefinition(object.sql) else { break }
      return isAdded ? .triggerAdded(trigger) : .triggerRemoved(trigger)
    case "view": return isAdded ? .viewAdded(name) : .viewRemoved(name)
    default: break
    }
    return .otherChanged(title: object.title)
  }

  private static func facts(from before: SchemaObject, to after: SchemaObject) -> [SchemaFact] {
    let name = SchemaName(after.name)
    switch after.key.type {
    case "table":
      guard let old = TableDefinition(before.sql), let new = TableDefinition(after.sql) else {
        return [.tableDeclaredDifferently(name)]
      }
      let facts = TableComparison(old, new).facts
      return facts.isEmpty ? [.tableDeclaredDifferently(name)] : facts
    case "index":
      guard let old = IndexDefinition(before.sql), let new = IndexDefinition(after.sql) else { break }
      return [.indexChanged(from: old, to: new)]
    case "trigger":
      guard let old = TriggerDefinition(before.sql), let new = TriggerDefinition(after.sql) else { break }
      return [.triggerChanged(from: old, to: new)]
    case "view": return [.viewChanged(name)]
    default: break
    }
    return [.otherChanged(title: after.title)]
  }
}

extension SchemaDifference {
  /// Changes that an expand must not make: a removed object, a removed or changed column, or an object that is not the
  /// old one with something inserted. A gained constraint removes nothing. A lost constraint or a gained default
  /// refuses no statement that was accepted before.
  ///
  /// - Parameter whole: the schema that it leads to, with what did not change.
  func losses(in whole: Schema) -> [Prose] {
    var losses: [Prose] = removed.map { "- \($0.title)" }
    for (before, after) in changed {
      let difference = SchemaDifference(from: Schema([before]), to: Schema([after]))
      let table = TableDefinition(before.sql)
      let lost = difference.facts.filter { fact in
        !fact.onlyAdds && !(table.map { fact.loosens($0) && !fact.isNeeded(in: whole) } ?? false)
      }
      let columns = lost.compactMap(\.columnLoss)
      if lost.contains(where: { $0.columnLoss == nil }), columns.isEmpty {
        losses += difference.lines
      } else {
        for line in columns where !losses.contains(line) { losses.append(line) }
      }
    }
    return losses
  }
}
