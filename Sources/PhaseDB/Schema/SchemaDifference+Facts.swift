internal import PhaseSQL

extension SchemaDifference {
  /// Every change as a value: at least one for each object that differs. Tables come first, what is gone before what is
  /// added.
  var facts: [SchemaFact] {
    let shadows = Self.shadows(of: removed + added)
    var facts: [SchemaFact] = []
    for type in ["table", "index", "trigger", "view"] {
      func counts(_ object: SchemaObject) -> Bool {
        object.key.type == type && !shadows.contains(SchemaName(object.name)) && !isRetired(object)
      }
      facts += removed.filter(counts).map { $0.fact(isAdded: false) }
      facts += added.filter(counts).map { $0.fact(isAdded: true) }
      for pair in changed where pair.before.key.type == type {
        facts += Self.facts(from: pair.before, to: pair.after)
      }
    }
    return facts
  }

  /// Whether an object is a table that was there under its own name: its retirement is told by that.
  private func isRetired(_ object: SchemaObject) -> Bool {
    guard object.key.type == "table", let retired = RetiredName(SchemaName(object.name)) else { return false }
    return removed.contains { $0.key == SchemaObject.Key(type: "table", name: retired.original.key) }
  }

  /// One sentence for each change, as a person would say it.
  var sentences: [Prose] { facts.flatMap(\.sentences) }

  /// The names of tables that come or go only because a virtual table does.
  private static func shadows(of objects: [SchemaObject]) -> Set<SchemaName> {
    objects.reduce(into: []) { shadows, object in
      guard object.key.type == "table", let table = TableDefinition(object.sql), let virtual = table.virtual
      else { return }
      shadows.formUnion(virtual.shadows(of: table.name))
    }
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

extension SchemaObject {
  fileprivate func fact(isAdded: Bool) -> SchemaFact {
    let name = SchemaName(name)
    switch key.type {
    case "table":
      if let virtual = TableDefinition(sql)?.virtual {
        return isAdded ? .virtualTableAdded(name, virtual) : .virtualTableRemoved(name, virtual)
      }
      return isAdded ? .tableAdded(name) : .tableRemoved(name)
    case "index":
      guard let index = IndexDefinition(sql) else { break }
      return isAdded ? .indexAdded(index) : .indexRemoved(index)
    case "trigger":
      guard let trigger = TriggerDefinition(sql) else { break }
      return isAdded ? .triggerAdded(trigger) : .triggerRemoved(trigger)
    case "view": return isAdded ? .viewAdded(name) : .viewRemoved(name)
    default: break
    }
    return .otherChanged(title: title)
  }
}
