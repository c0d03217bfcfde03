internal import PhaseSQL
internal import PhaseSQLite

/// Finds the tables whose foreign keys a script may have broken. The others need not be checked.
///
/// A row can lose its parent only when rows or key columns of the child or the parent are written, when a table is
/// created, dropped or references something else, or when the unique index of a parent's key is dropped.
struct ForeignKeyReach {
  private let writes: WriteSet
  private let after: Schema
  private let renamed: Set<FoldedName>
  /// The changed objects as they were before.
  private let former: [SchemaObject.Key: SchemaObject]
  private let changed: Set<SchemaObject.Key>
  /// Tables in which rows may have been added or removed, or whose key may no longer be unique.
  private var written: Set<FoldedName>

  /// - Parameters:
  ///   - renamed: tables that have another name now and the same rows, by both names.
  ///   - tables: other written tables, folded.
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

  /// A key may change under another name: as the rowid, or through the columns from which it is generated.
  private func updatesUnseenColumn(of child: SchemaObject, on connection: Connection) throws(SQLiteError)
    -> Bool
  {
    guard let updated = writes.columns[child.key.name] else { return false }
    if !updated.isDisjoint(with: RowKey.rowIDNames) { return true }
    return try hasGeneratedColumn(child.key.name, on: connection)
  }

  private func hasGeneratedColumn(_ table: FoldedName, on connection: Connection) throws(SQLiteError) -> Bool
  {
    try Table.columns(of: SchemaName(table), on: connection).contains(where: \.isGenerated)
  }

  /// A foreign key without columns refers to the parent's primary key, and any updated column may be part of that.
  private func updatesKey(
    of parent: FoldedName, column: FoldedName?, on connection: Connection
  ) throws(SQLiteError) -> Bool {
    guard let updated = writes.columns[parent] else { return false }
    guard let column else { return true }
    // An INTEGER PRIMARY KEY is reported by its name or as the rowid that it is.
    if updated.contains(column) || !updated.isDisjoint(with: RowKey.rowIDNames) { return true }
    return try hasGeneratedColumn(parent, on: connection)
  }

  /// A table that was rebuilt under its own name is among the writes already, because it was dropped. This finds new
  /// names, and added columns with a foreign key.
  private func isNewOrReferencesElse(_ object: SchemaObject) -> Bool {
    guard changed.contains(object.key), !renamed.contains(object.key.name) else { return false }
    return former[object.key]?.references != object.references
  }
}
