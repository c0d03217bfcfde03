internal import PhaseSQL

/// Which objects of a schema mention which names: the one index for all questions of who uses what.
///
/// A name is any identifier, keyword or string in an object's SQL. So an object may be listed that only seems to use
/// another one, but no object that uses it is missing.
struct SchemaUses {
  private var objects: [SchemaObject.Key: SchemaObject] = [:]
  private var names: [SchemaObject.Key: Set<FoldedName>] = [:]
  private var users: [FoldedName: Set<SchemaObject.Key>] = [:]

  /// Adds the changes of a schema. A changed object was both lost and gained.
  mutating func follow(_ changes: [SchemaChange]) {
    for change in changes where change.kind == .removed {
      let key = change.object.key
      for name in names.removeValue(forKey: key) ?? [] { users[name]?.remove(key) }
      objects[key] = nil
    }
    for change in changes where change.kind == .added {
      let key = change.object.key
      let mentioned = SQLTokens.identifiers(in: change.object.sql)
      objects[key] = change.object
      names[key] = mentioned
      for name in mentioned { users[name, default: []].insert(key) }
    }
  }

  subscript(key: SchemaObject.Key) -> SchemaObject? { objects[key] }

  /// The names that an object mentions.
  func names(in key: SchemaObject.Key) -> Set<FoldedName> { names[key] ?? [] }

  /// The objects that mention a name.
  func users(of name: FoldedName) -> Set<SchemaObject.Key> { users[name] ?? [] }

  /// Views and triggers that mention one of these names, also by way of views.
  func code(using names: some Sequence<FoldedName>) -> Set<SchemaObject.Key> {
    var found: Set<SchemaObject.Key> = []
    var queue = Array(names)
    while let name = queue.popLast() {
      for key in users(of: name) where objects[key]?.isCode == true && found.insert(key).inserted {
        if key.type == "view" { queue.append(key.name) }
      }
    }
    return found
  }
}
