internal import PhaseSQLite

/// Which objects of a schema a script can touch, and what these need to compile.
///
/// ALTER and DROP read the whole schema again, so a phase tried three times on all of it costs what the schema is large;
/// tried on its neighbourhood it costs what it touches. What is left out mentions nothing that the script names, so that
/// nothing in it can change.
struct Neighbourhood {
  /// By the folded name of a table or view: the objects whose SQL mentions it.
  private var mentioning: [String: Set<SchemaObject.Key>] = [:]
  /// The identifiers in an object's SQL, folded.
  private var identifiers: [SchemaObject.Key: Set<String>] = [:]
  /// By the folded name of any object: the table or view that it is or belongs to.
  private var owners: [String: String] = [:]
  private var objects: [SchemaObject.Key: (object: SchemaObject, place: Int)] = [:]
  private var nextPlace = 0

  /// Takes up what a schema lost and gained.
  mutating func follow(_ changes: [SchemaChange]) {
    for change in changes where change.kind == .removed {
      let key = change.object.key
      for name in identifiers.removeValue(forKey: key) ?? [] { mentioning[name]?.remove(key) }
      objects[key] = nil
      owners[key.name] = nil
    }
    for change in changes where change.kind == .added {
      let key = change.object.key
      let names = SQLTokens.identifiers(in: change.object.sql)
      identifiers[key] = names
      for name in names { mentioning[name, default: []].insert(key) }
      objects[key] = (change.object, nextPlace)
      nextPlace += 1
      owners[key.name] = change.object.table.asciiLowercased
    }
  }

  /// The objects to try scripts on, in an order in which they can be made.
  func objects(around scripts: [Script]) -> [SchemaObject] {
    var touched: Set<String> = []
    for script in scripts {
      for name in SQLTokens.identifiers(in: script.text) {
        if let owner = owners[name] { touched.insert(owner) }
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
          kept.formUnion(relation(of: object.table.asciiLowercased))
        }
      }
    }
    addWhatIsNeeded(to: &kept)
    let shadows = shadowPrefixes(kept)
    return kept.compactMap { objects[$0] }
      .filter { entry in
        !shadows.contains { entry.object.key.type == "table" && entry.object.key.name.hasPrefix($0) }
      }
      .sorted { ($0.object.rank, $0.place) < ($1.object.rank, $1.place) }
      .map(\.object)
  }

  /// The table or view of a name.
  private func relation(of name: String) -> [SchemaObject.Key] {
    ["table", "view"].map { SchemaObject.Key(type: $0, name: name) }.filter { objects[$0] != nil }
  }

  /// Views and triggers do not compile without what they mention.
  private func addWhatIsNeeded(to kept: inout Set<SchemaObject.Key>) {
    var queue = Array(kept.filter { $0.type == "view" || $0.type == "trigger" })
    while let key = queue.popLast() {
      for name in identifiers[key] ?? [] {
        for needed in relation(of: name) where kept.insert(needed).inserted && needed.type == "view" {
          queue.append(needed)
        }
      }
    }
  }

  /// A virtual table makes its shadow tables itself, under names that begin with its own.
  private func shadowPrefixes(_ kept: Set<SchemaObject.Key>) -> [String] {
    kept.filter { objects[$0]?.object.isVirtual == true }.map { $0.name + "_" }
  }
}

extension SchemaObject {
  var isVirtual: Bool {
    key.type == "table"
      && SQLTokens(sql).lazy.filter { !$0.kind.isTrivia }.dropFirst().first.map { token in
        String(decoding: Array(sql.utf8)[token.range], as: UTF8.self).asciiLowercased == "virtual"
      } == true
  }

  /// Tables come before the views, indexes and triggers that are made over them.
  fileprivate var rank: Int {
    switch key.type {
    case "table": 0
    case "view": 1
    case "index": 2
    default: 3
    }
  }
}
