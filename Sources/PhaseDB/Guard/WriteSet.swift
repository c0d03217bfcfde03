internal import PhaseSQL
internal import PhaseSQLite

/// What SQL writes, and the tables it reads for that, as SQLite's authorizer reported while the statements were
/// compiled. Names are case-folded.
package struct WriteSet: Sendable {
  /// Tables that gain rows.
  private(set) var insertedTables: Set<FoldedName> = []
  /// Tables that lose rows and are not dropped.
  private(set) var deletedTables: Set<FoldedName> = []
  /// Tables, virtual tables and views that are dropped.
  private(set) var droppedTables: Set<FoldedName> = []
  /// Tables and virtual tables that are created, under the name they are created with.
  private(set) var createdTables: Set<FoldedName> = []
  /// Tables whose columns are altered: a new column may have a default in every row.
  private(set) var alteredTables: Set<FoldedName> = []
  /// Indexes that are dropped.
  private(set) var droppedIndexes: Set<FoldedName> = []
  /// Columns that are updated, by table.
  private(set) var columns: [FoldedName: Set<FoldedName>] = [:]
  /// Tables and views that are read.
  private(set) var readTables: Set<FoldedName> = []
  /// Columns that are read, by table.
  private(set) var readColumns: [FoldedName: Set<FoldedName>] = [:]
  /// Functions that are called.
  private(set) var functions: Set<FoldedName> = []
  /// Whether it contains a SELECT, also within another statement.
  private(set) var hasSelect = false
  /// For a table that a trigger writes, one such trigger.
  private(set) var triggers: [FoldedName: String] = [:]
  /// What the last action dropped; the next action then reports that its rows are deleted.
  private var dropping: String?

  /// Tables that lose or gain rows or are dropped. An INSERT also counts as a loss, because REPLACE deletes rows
  /// without a report.
  var tables: Set<FoldedName> { insertedTables.union(deletedTables).union(droppedTables) }

  mutating func add(_ action: AuthorizedAction) {
    let dropped = dropping
    dropping = nil
    // The planner's statistics, which no comparison looks at (sqlite.org/fileformat2.html#stat1tab).
    if let table = action.first, table.hasPrefix("sqlite_stat") { return }
    switch action.code {
    case .insert: written(action) { $0.insertedTables.insert($1) }
    case .delete where action.first == dropped: break
    case .delete: written(action) { $0.deletedTables.insert($1) }
    case .dropTable, .dropView, .dropVirtualTable:
      dropping = action.first
      action.first.map { _ = droppedTables.insert($0.folded) }
    case .createTable, .createVirtualTable:
      action.first.map { _ = createdTables.insert($0.folded) }
    case .alterTable: action.second.map { _ = alteredTables.insert($0.folded) }
    case .dropIndex: action.first.map { _ = droppedIndexes.insert($0.folded) }
    case .read:
      guard let table = action.first?.folded else { return }
      readTables.insert(table)
      // The name is empty where only rows are counted.
      if let column = action.second, !column.isEmpty {
        readColumns[table, default: []].insert(column.folded)
      }
    case .function: action.second.map { _ = functions.insert($0.folded) }
    case .select: hasSelect = true
    case .update:
      guard let column = action.second else { return }
      written(action) { $0.columns[$1, default: []].insert(column.folded) }
    default: break
    }
  }

  private mutating func written(_ action: AuthorizedAction, _ note: (inout WriteSet, FoldedName) -> Void) {
    guard let table = action.first?.folded else { return }
    note(&self, table)
    if let trigger = action.origin { triggers[table] = trigger }
  }

  mutating func formUnion(_ other: WriteSet) {
    insertedTables.formUnion(other.insertedTables)
    deletedTables.formUnion(other.deletedTables)
    droppedTables.formUnion(other.droppedTables)
    createdTables.formUnion(other.createdTables)
    alteredTables.formUnion(other.alteredTables)
    droppedIndexes.formUnion(other.droppedIndexes)
    readTables.formUnion(other.readTables)
    readColumns.merge(other.readColumns) { $0.union($1) }
    functions.formUnion(other.functions)
    hasSelect = hasSelect || other.hasSelect
    columns.merge(other.columns) { $0.union($1) }
    triggers.merge(other.triggers) { first, _ in first }
  }
}

/// What one statement of a script writes.
package struct StatementEffect: Sendable {
  /// UTF-8 offsets into the script, from the end of the statement before.
  let range: Range<Int>
  let writes: WriteSet
}

extension StatementEffect {
  /// The tokens of the statement, with places in the whole script.
  func words(in script: Script) -> [SQLWord] {
    let utf8 = script.text.utf8
    let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
    let part = utf8[start..<utf8.index(utf8.startIndex, offsetBy: range.upperBound)]
    return SQLWord.all(in: String(decoding: part, as: UTF8.self)).map { word in
      let from = word.range.lowerBound + range.lowerBound
      return SQLWord(kind: word.kind, text: word.text, range: from..<(from + word.range.count))
    }
  }

  func place(in script: Script) -> Place {
    let first = words(in: script).first?.range ?? range
    return script.place(at: first.lowerBound, length: first.count)
  }

  /// What an ALTER TABLE … RENAME TO renames; nil for any other statement.
  func rename(in script: Script) -> (from: FoldedName, to: FoldedName)? {
    guard !writes.alteredTables.isEmpty else { return nil }
    let words = words(in: script)
    guard words.has("alter", "table", at: 0), let old = words.qualifiedName(at: 2),
      words.has("rename", "to", at: old.end), let new = words.qualifiedName(at: old.end + 2)
    else { return nil }
    return (words[old.name].text, words[new.name].text)
  }
}

extension WriteSet {
  /// Tables whose rows are inserted, deleted or changed, except by a DROP.
  var rowTables: Set<FoldedName> { insertedTables.union(deletedTables).union(columns.keys) }

  /// Whether rows are inserted, deleted or changed.
  var changesRows: Bool { !rowTables.isEmpty }

  /// Whether existing rows or values may be lost.
  var mayTakeRows: Bool {
    !(deletedTables.isEmpty && droppedTables.isEmpty && alteredTables.isEmpty && columns.isEmpty)
  }
}
