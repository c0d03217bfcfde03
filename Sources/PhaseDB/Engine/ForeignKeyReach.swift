internal import PhaseSQL
internal import PhaseSQLite

/// The tables whose foreign keys a script may have broken, so that a phase is not charged for reading all the others.
///
/// A row can lose its parent only when the child's or the parent's rows or key columns are written, when a table comes,
/// goes or changes what it references, or when the index goes that makes a parent's key unique.
struct ForeignKeyReach {
  private let writes: WriteSet
  private let after: Schema
  private let renamed: Set<FoldedName>
  /// What was there before, of the objects that changed.
  private let former: [SchemaObject.Key: SchemaObject]
  private let changed: Set<SchemaObject.Key>
  /// Tables of which any row may have come or gone, or whose key may not be unique any more.
  private var written: Set<FoldedName>

  /// - Parameters:
  ///   - renamed: tables that have another name now and the same rows, by both names.
  ///   - tables: others that were written, folded.
  init(
    _ writes: WriteSet, _ changes: [SchemaChange], to after: Schema, renamed: Set<FoldedName> = [],
    alsoWritten tables: Set<FoldedName> = []
  ) {
    self.renamed = renamed
    self.writes = writes
    self.after = after
    changed = Set(changes.map(\.object.key))
    former = Dictionary(
      changes.filter { $0.kind == .removed }.map { ($0.object.key, $0.object) },
      uniquingKeysWith: { first, _ in first })
    written = writes.tables.union(tables)
    for name in writes.droppedIndexes {
      guard let index = former[SchemaObject.Key(type: "index", name: name)] else { continue }
      if index.sql.occurrences(ofLowercased: "unique") > 0 { written.insert(index.table.folded) }
    }
  }

  /// The child tables to check, by name as spelled.
  func children(on connection: Connection) throws(SQLiteError) -> [String] {
    var children: [String] = []
    for object in after.objects where object.references > 0 && object.key.type == "table" {
      if try isReached(object, on: connection) { children.append(object.name) }
    }
    return children.sorted()
  }

  private func isReached(_ child: SchemaObject, on connection: Connection) throws(SQLiteError) -> Bool {
    let name = child.key.name
    if isNewOrReferencesElse(child) || written.contains(name) || writes.alteredTables.contains(name) {
      return true
    }
    if try updatesUnseenColumn(of: child, on: connection) { return true }
    var keys = try connection.prepare("SELECT \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1)")
    try keys.bind([.text(child.name)])
    while try keys.step() {
      let parent = keys.text(at: 0).folded
      if written.contains(parent) { return true }
      if writes.columns[name]?.contains(keys.text(at: 1).folded) == true { return true }
      let column = keys.optionalText(at: 2)?.folded
      if try updatesKey(of: parent, column: column, on: connection) { return true }
    }
    return false
  }

  /// A key may be written under another name than its own: as the rowid, or by way of the columns it is generated from.
  private func updatesUnseenColumn(of child: SchemaObject, on connection: Connection) throws(SQLiteError)
    -> Bool
  {
    guard let updated = writes.columns[child.key.name] else { return false }
    if !updated.isDisjoint(with: RowKey.rowIDNames) { return true }
    return try hasGeneratedColumn(child.key.name, on: connection)
  }

  private func hasGeneratedColumn(_ table: FoldedName, on connection: Connection) throws(SQLiteError) -> Bool
  {
    try connection.columns(of: SchemaName(table)).contains(where: \.isGenerated)
  }

  /// A foreign key that names no column means the parent's primary key, of which any updated column may be one.
  private func updatesKey(
    of parent: FoldedName, column: FoldedName?, on connection: Connection
  ) throws(SQLiteError) -> Bool {
    guard let updated = writes.columns[parent] else { return false }
    guard let column else { return true }
    // An INTEGER PRIMARY KEY is reported by its name or as the rowid that it is.
    if updated.contains(column) || !updated.isDisjoint(with: RowKey.rowIDNames) { return true }
    return try hasGeneratedColumn(parent, on: connection)
  }

  /// A table rebuilt under its own name was dropped on the way, which the writes tell; what is left is a new name, and a
  /// column that was added with a foreign key.
  private func isNewOrReferencesElse(_ object: SchemaObject) -> Bool {
    guard changed.contains(object.key), !renamed.contains(object.key.name) else { return false }
    return former[object.key]?.references != object.references
  }
}
