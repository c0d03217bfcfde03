internal import PhaseSQLite

/// What a script writes, as SQLite's authorizer reported it while the statements were compiled.
struct WriteSet: Sendable {
  /// Tables that lose or gain rows or are dropped. An INSERT counts as a loss too: REPLACE deletes rows that nothing
  /// reports.
  private(set) var tables: Set<String> = []
  /// Tables whose columns are altered: one may come back with a default in every row.
  private(set) var alteredTables: Set<String> = []
  /// Indexes that are dropped.
  private(set) var droppedIndexes: Set<String> = []
  /// Columns that are updated, by table.
  private(set) var columns: [String: Set<String>] = [:]

  mutating func add(_ action: AuthorizedAction) {
    switch action.code {
    case .insert, .delete, .dropTable: action.first.map { _ = tables.insert($0.asciiLowercased) }
    case .alterTable: action.second.map { _ = alteredTables.insert($0.asciiLowercased) }
    case .dropIndex: action.first.map { _ = droppedIndexes.insert($0) }
    case .update:
      guard let table = action.first, let column = action.second else { return }
      columns[table.asciiLowercased, default: []].insert(column.asciiLowercased)
    default: break
    }
  }
}
