internal import PhaseSQL
internal import PhaseSQLite

/// Which objects of a schema a script can touch, and what these need to compile.
///
/// ALTER and DROP read the whole schema again, so a phase tried three times on all of it costs what the schema is large;
/// tried on what it touches it costs no more than that. What is left out mentions nothing that the script names, so that
/// nothing in it can change.
struct TouchedSchema {
  /// By the folded name of a table or view: the objects whose SQL mentions it.
  private var mentioning: [FoldedName: Set<SchemaObject.Key>] = [:]
  /// The identifiers in an object's SQL, folded.
  private var identifiers: [SchemaObject.Key: Set<FoldedName>] = [:]
  private var objects: [SchemaObject.Key: (object: SchemaObject, place: Int)] = [:]
  private var nextPlace = 0

  /// Takes up what a schema lost and gained.
  mutating func follow(_ changes: [SchemaChange]) {
    for change in changes where change.kind == .removed {
      let key = change.object.key
      for name in identifiers.removeValue(forKey: key) ?? [] { mentioning[name]?.remove(key) }
      objects[key] = nil
    }
    for change in changes where change.kind == .added {
      let key = change.object.key
      let names = SQLTokens.identifiers(in: change.object.sql)
      identifiers[key] = names
      for name in names { mentioning[name, default: []].insert(key) }
      objects[key] = (change.object, nextPlace)
      nextPlace += 1
    }
  }

  /// The objects to try scripts on, in an order in which they can be made.
  ///
  /// - Parameter tables: names, case-folded, of tables that something is done to without SQL of a script.
  func objects(around scripts: [Script], naming tables: [FoldedName] = []) -> [SchemaObject] {
    var touched = Set(tables)
    for script in scripts {
      for name in SQLTokens.identifiers(in: script.text) {
        touched.formUnion(owners(of: name))
      }
    }
    var kept: Set<SchemaObject.Key> = []
    var queue = Array(touched)
    while let name = queue.popLast() {
      for key in relation(of: name) { kept.insert(key) }
      for key in mentioning[name] ?? [] {
        guard let object = objects[key]?.object, kept.insert(key).inserted else { continue }
        // A view over a view that is touched is touched, too; a trigger elsewhere and a child table only mention it.
        if key.type == "view", touched.insert(key.name).inserted { queue.append(key.name) }
        if key.type == "trigger" || key.type == "index" {
          kept.formUnion(relation(of: object.table.folded))
        }
      }
    }
    addWhatIsNeeded(to: &kept)
    return inOrder(kept)
  }

  /// Every object, in an order in which they can be made.
  var allObjects: [SchemaObject] { inOrder(Set(objects.keys)) }

  private func inOrder(_ kept: Set<SchemaObject.Key>) -> [SchemaObject] {
    let virtual = kept.filter { objects[$0]?.object.isVirtual == true }.map { $0.name.text + "_" }
    return kept.compactMap { objects[$0] }
      .map { (rank: $0.object.rank(virtual), place: $0.place, object: $0.object) }
      .sorted { ($0.rank, $0.place) < ($1.rank, $1.place) }
      .map(\.object)
  }

  /// The tables and views that objects of a name are or belong to: a trigger may be called like a table.
  private func owners(of name: FoldedName) -> [FoldedName] {
    ["table", "view", "index", "trigger"].compactMap { type in
      objects[SchemaObject.Key(type: type, name: name)]?.object.table.folded
    }
  }

  /// The table or view of a name.
  private func relation(of name: FoldedName) -> [SchemaObject.Key] {
    ["table", "view"].map { SchemaObject.Key(type: $0, name: name) }.filter { objects[$0] != nil }
  }

  /// Views and triggers do not compile without what they mention. What a trigger writes to sets off triggers in its
  /// turn, and keeps the constraints of its indexes.
  private func addWhatIsNeeded(to kept: inout Set<SchemaObject.Key>) {
    var queue = Array(kept.filter { $0.type == "view" || $0.type == "trigger" })
    while let key = queue.popLast() {
      for name in identifiers[key] ?? [] {
        for needed in relation(of: name) {
          let attached = key.type == "trigger" ? attachments(of: name) : []
          queue += ([needed] + attached).filter { kept.insert($0).inserted }
        }
      }
    }
  }

  /// The indexes and triggers of a table or view.
  private func attachments(of name: FoldedName) -> [SchemaObject.Key] {
    (mentioning[name] ?? []).filter { key in
      (key.type == "index" || key.type == "trigger") && objects[key]?.object.table.folded == name
    }
  }
}

extension SchemaObject {
  /// Tables come before the views, indexes and triggers that are made over them. A virtual table may read another one
  /// when it is made, and makes its shadow tables itself, under names that begin with its own: what has such a name comes
  /// after it.
  fileprivate func rank(_ virtualPrefixes: [String]) -> Int {
    switch key.type {
    case "table" where virtualPrefixes.contains { key.name.hasPrefix($0) }: 2
    case "table": isVirtual ? 1 : 0
    case "view": 3
    case "index": 4
    default: 5
    }
  }
}
