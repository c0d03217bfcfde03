internal import PhaseSQLite

/// The tables whose foreign keys a script may have broken, so that a phase is not charged for reading all the others.
///
/// A row can lose its parent only when the child's or the parent's rows or key columns are written, when a table comes,
/// goes or changes what it references, or when the index goes that makes a parent's key unique.
struct ForeignKeyReach {
  private let writes: WriteSet
  private let after: Schema
  /// What was there before, of the objects that changed.
  private let former: [SchemaObject.Key: SchemaObject]
  private let changed: Set<SchemaObject.Key>
  /// Tables of which any row may have come or gone, or whose key may not be unique any more.
  private var written: Set<String>

  init(_ writes: WriteSet, _ changes: [SchemaChange], to after: Schema) {
    self.writes = writes
    self.after = after
    changed = Set(changes.map(\.object.key))
    former = Dictionary(
      changes.filter { $0.kind == .removed }.map { ($0.object.key, $0.object) }, uniquingKeysWith: { first, _ in first })
    written = writes.tables
    for name in writes.droppedIndexes {
      guard let index = former[SchemaObject.Key(type: "index", name: name)] else { continue }
      if index.sql.asciiLowercased.contains("unique") { written.insert(index.table.asciiLowercased) }
    }
  }

  /// The child tables to check, by name as spelled.
  func children(on connection: Connection) throws(SQLiteError) -> [String] {
    var children: [String] = []
    for object in after.objects where object.references > 0 && object.key.type == "table" {
      if isNewOrReferencesElse(object) {
        children.append(object.name)
        continue
      }
      var keys = try connection.prepare("SELECT \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1)")
      try keys.bind([.text(object.name)])
      var isReached = written.contains(object.key.name)
      while !isReached, try keys.step() {
        let parent = keys.text(at: 0).asciiLowercased
        let toColumn = keys.optionalText(at: 2)?.asciiLowercased
        isReached =
          written.contains(parent)
          || writes.columns[object.key.name]?.contains(keys.text(at: 1).asciiLowercased) == true
          || updatesKey(of: parent, column: toColumn)
      }
      if isReached { children.append(object.name) }
    }
    return children.sorted()
  }

  /// A foreign key that names no column means the parent's primary key, of which any updated column may be one.
  private func updatesKey(of parent: String, column: String?) -> Bool {
    guard let updated = writes.columns[parent] else { return false }
    guard let column else { return true }
    // An INTEGER PRIMARY KEY is reported by its name or as the rowid that it is.
    return updated.contains(column) || !updated.isDisjoint(with: ["rowid", "_rowid_", "oid"])
  }

  /// A table rebuilt under its own name was dropped on the way, which the writes tell; what is left is a new name, and a
  /// column that was added with a foreign key.
  private func isNewOrReferencesElse(_ object: SchemaObject) -> Bool {
    guard changed.contains(object.key) else { return false }
    return former[object.key]?.references != object.references
  }
}
