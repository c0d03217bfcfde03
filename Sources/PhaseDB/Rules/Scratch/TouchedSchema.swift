internal import PhaseSQL
internal import PhaseSQLite

/// The objects of a schema that a script can touch, and those that they need to compile.
///
/// ALTER and DROP read the whole schema again, so it would be slow to try a phase three times on a large schema. The
/// objects that are left out do not mention anything that the script names, so the script cannot change them.
struct TouchedSchema {
  private var uses = SchemaUses()
  /// The order in which objects were added.
  private var places: [SchemaObject.Key: Int] = [:]
  private var nextPlace = 0
  /// Tables that are there only because others name them.
  private(set) var ignored = NamePatterns()

  /// Starts with a whole schema.
  init(of schema: Schema = Schema()) {
    follow(schema, since: Schema())
  }

  /// Follows a schema from one state to the next, with the tables outside it that it needs.
  mutating func follow(_ schema: Schema, since former: Schema) {
    ignored = schema.ignored
    follow(schema.changes(since: former))
    let needed = schema.ignoredButNeeded.filter { places[$0.key] == nil }
    follow(needed.map { SchemaChange(kind: .added, object: $0) })
  }

  /// Adds the changes of a schema.
  mutating func follow(_ changes: [SchemaChange]) {
    uses.follow(changes)
    for change in changes {
      places[change.object.key] = nextPlace
      nextPlace += 1
    }
  }

  /// The objects to try scripts on, in an order in which they can be made.
  ///
  /// - Parameter tables: case-folded names of tables that change although no script names them.
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
      for key in uses.users(of: name) {
        guard let object = uses[key], kept.insert(key).inserted else { continue }
        // A view on a touched view is touched, too. A child table, and a trigger of another table, only mention it.
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
  var allObjects: [SchemaObject] { inOrder(Set(places.keys)) }

  private func inOrder(_ kept: Set<SchemaObject.Key>) -> [SchemaObject] {
    let objects = kept.compactMap { uses[$0] }
    let virtual = objects.filter(\.isVirtual).map { $0.key.name.text + "_" }
    return objects.map { (rank: $0.rank(virtual), place: places[$0.key] ?? 0, object: $0) }
      .sorted { ($0.rank, $0.place) < ($1.rank, $1.place) }
      .map(\.object)
  }

  /// The tables and views of a name, and those to which objects of that name belong: a trigger may have the name of a
  /// table.
  private func owners(of name: FoldedName) -> [FoldedName] {
    ["table", "view", "index", "trigger"].compactMap { type in
      uses[SchemaObject.Key(type: type, name: name)]?.table.folded
    }
  }

  /// The table or view of a name.
  private func relation(of name: FoldedName) -> [SchemaObject.Key] {
    ["table", "view"].map { SchemaObject.Key(type: $0, name: name) }.filter { uses[$0] != nil }
  }

  /// Views and triggers do not compile without what they mention. A table that a trigger writes to has its own
  /// triggers, and indexes with constraints.
  private func addWhatIsNeeded(to kept: inout Set<SchemaObject.Key>) {
    var queue = Array(kept.filter { $0.type == "view" || $0.type == "trigger" })
    while let key = queue.popLast() {
      for name in uses.names(in: key) {
        for needed in relation(of: name) {
          let attached = key.type == "trigger" ? attachments(of: name) : []
          queue += ([needed] + attached).filter { kept.insert($0).inserted }
        }
      }
    }
  }

  /// The indexes and triggers of a table or view.
  private func attachments(of name: FoldedName) -> [SchemaObject.Key] {
    uses.users(of: name).filter { key in
      (key.type == "index" || key.type == "trigger") && uses[key]?.table.folded == name
    }
  }
}
