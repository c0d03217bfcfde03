internal import PhaseSQL

/// What a script does to tables and their columns, followed through every name they have on the way.
///
/// It is taken where there are no rows, so it says what may happen to rows and not what does.
struct ScriptTrace {
  /// The tables that were there before, and those the script made. Neither shadow tables of virtual ones nor what is
  /// SQLite's own.
  var tables: [TracedTable]
  /// Functions that it calls, also from inside triggers, views and defaults.
  var functions: Set<FoldedName> = []
  /// Whether every statement changes a row by what that row holds, and none adds a row.
  var isRowByRow = true
  /// The tables that were there before and are read to write rows.
  var readTables: Set<SchemaName> = []
  /// Where in `tables` a table is that had a name before the script, or has it after; nil until the script has run.
  private var places: (before: [SchemaName: Int], after: [SchemaName: Int])?

  init(tables: [TracedTable]) { self.tables = tables }

  /// The same once the script has run, in which tables are found by their names without looking at all of them.
  func finished() -> ScriptTrace {
    func places(_ name: (TracedTable) -> SchemaName?) -> [SchemaName: Int] {
      Dictionary(
        tables.enumerated().compactMap { index, table in name(table).map { ($0, index) } },
        uniquingKeysWith: { first, _ in first })
    }
    var trace = self
    trace.places = (places(\.origin), places(\.outcome))
    return trace
  }

  /// The table that had a name before the script; nil when there was none.
  func table(from origin: SchemaName) -> TracedTable? {
    guard let places else { return tables.first { $0.origin == origin } }
    return places.before[origin].map { tables[$0] }
  }

  /// The table that has a name after the script; nil when there is none.
  func table(to outcome: SchemaName) -> TracedTable? {
    guard let places else { return tables.first { $0.outcome == outcome } }
    return places.after[outcome].map { tables[$0] }
  }

  /// Whether the script computes values for a column of a table, and does not just hand over those of another.
  ///
  /// - Parameters:
  ///   - column: by its name after the script, as the table's.
  ///   - origin: the column where its values are before the script; nil when they are nowhere.
  func computes(_ column: SchemaName, of table: SchemaName, from origin: TracedColumn.Origin?) -> Bool {
    guard let table = self.table(to: table), let column = table.column(to: column) else { return false }
    if column.isUpdated { return true }
    guard table.origin == nil, column.isInserted else { return false }
    return origin == nil || column.handedFrom != origin
  }

  /// Whether nothing happens to a table or its rows.
  func leavesAlone(_ name: SchemaName) -> Bool {
    guard let table = table(to: name), table.origin == name else { return false }
    return !table.gainsRows && !table.losesRows && !table.hasUpdates && !table.isRowIDUpdated
      && table.columns.allSatisfy { $0.origin == $0.outcome }
  }

  /// The tables that were there before the script from which a table's rows or values are made, also by way of others
  /// that the script made.
  func origins(of table: TracedTable) -> [SchemaName] {
    var seen: Set<Int> = []
    var queue = Array(table.sources)
    while let index = queue.popLast() {
      guard seen.insert(index).inserted, tables[index].origin == nil else { continue }
      queue += tables[index].sources
    }
    return seen.compactMap { tables[$0].origin }.sorted { $0.key < $1.key }
  }
}

/// A table in a script.
struct TracedTable {
  /// What it is called before the script; nil when the script makes it.
  let origin: SchemaName?
  /// What it is called after the script; nil when it is gone.
  var outcome: SchemaName?
  let isVirtual: Bool
  /// In the order of the table, those that are gone last.
  var columns: [TracedColumn]
  /// Whether rows are put into it.
  var gainsRows = false
  /// Whether all its rows are those of one table, handed over by the only INSERT.
  var hasAllRowsOfOne = false
  /// The table whose rows came with their rowids by the only INSERT, as it was called before the script.
  var rowIDsFrom: SchemaName?
  /// Tables of which a row is looked up by its primary key to make a value, and nothing else is read.
  var lookups: Set<Lookup> = []
  /// Whether rows are put into it that are made from its own.
  var copiesItself = false
  /// Whether rows of it may be deleted while it stays: by DELETE, or to make room for others by REPLACE.
  var losesRows = false
  /// Whether its rowids are updated, by that or by one of their other names.
  var isRowIDUpdated = false
  /// The tables, by their places in the trace, that are read by what writes its rows.
  var sources: Set<Int> = []

  /// The column that had a name before the script.
  func column(from origin: SchemaName) -> TracedColumn? { columns.first { $0.origin == origin } }

  /// The column that has a name after the script.
  func column(to outcome: SchemaName) -> TracedColumn? { columns.first { $0.outcome == outcome } }

  /// Whether rows may get another key of this sort.
  func movesRows(_ key: RowKey) -> Bool {
    (key.isNumber && isRowIDUpdated)
      || key.names.contains { column(from: SchemaName($0))?.isUpdated ?? false }
  }

  /// The same of a key of the table as it is after the script.
  func movesRowsTo(_ key: RowKey) -> Bool {
    (key.isNumber && isRowIDUpdated) || key.names.contains { column(to: SchemaName($0))?.isUpdated ?? false }
  }

  var hasUpdates: Bool { columns.contains(where: \.isUpdated) }
  var hasNewColumns: Bool { columns.contains { $0.origin == nil } }
}

/// One row of another table for each row of a table, found by the other's primary key.
struct Lookup: Hashable {
  /// The other table, as it was called before the script.
  let table: SchemaName
  /// Pairs of a column there and the column here that has the same value, as they were called before the script.
  let pairs: Set<Pair>

  struct Pair: Hashable {
    let there: SchemaName
    let here: SchemaName
  }
}

/// A column of a table in a script.
struct TracedColumn {
  /// What it is called before the script; nil when the script adds it, or makes the table.
  let origin: SchemaName?
  /// What it is called after the script; nil when it is dropped.
  var outcome: SchemaName?
  let isGenerated: Bool
  /// As declared, folded; empty when it has none.
  let type: String
  /// Whether an UPDATE gives it values, also from inside a trigger.
  var isUpdated = false
  /// Whether an INSERT gives it values that are not its default.
  var isInserted = false
  /// The column whose values these are, when the only INSERT into the table handed them over as they were.
  var handedFrom: Origin?

  /// A column as it was called before the script.
  struct Origin: Hashable {
    let table: SchemaName
    let column: SchemaName
  }
}

extension ScriptTrace {
  /// The tables of which it may change values or rows that are there before and after it, as they are called after it.
  ///
  /// - Parameter later: the schema to which it leads; nil when that is not known.
  func overwritten(_ present: Schema, _ later: Schema?) -> Set<SchemaName> {
    Set(
      tables.compactMap { table in
        table.isOverwritten(present) || later.map { table.converts(present, $0) } ?? false
          || table.origin == nil && isThinned(table)
            && table.outcome.map { present.table($0) != nil } ?? false
          ? table.outcome : nil
      })
  }

  /// Whether rows are gone, or have other keys, from a table of which one that the script makes has its own.
  private func isThinned(_ table: TracedTable) -> Bool {
    var seen: Set<Int> = []
    var queue = Array(table.sources)
    while let index = queue.popLast() {
      let source = tables[index]
      guard seen.insert(index).inserted else { continue }
      if source.losesRows || source.isRowIDUpdated || source.origin == nil && !source.hasAllRowsOfOne {
        return true
      }
      queue += source.sources
    }
    return false
  }
}

extension TracedTable {
  /// Whether rows are put into it beside those that were there before.
  var isFilledInPlace: Bool { gainsRows && origin != nil }

  /// Whether its rows stay, with their keys, and none is added.
  var keepsRows: Bool {
    !gainsRows && !losesRows && !isRowIDUpdated && outcome != nil
  }

  /// Whether anything happens to its rows or columns.
  var isTouched: Bool {
    outcome == nil || gainsRows || losesRows || isRowIDUpdated || hasUpdates
      || columns.contains { $0.origin != nil && $0.outcome == nil }
  }

  /// Whether rows or values of it may be gone afterwards.
  var isTakenFrom: Bool {
    outcome == nil || losesRows || isRowIDUpdated
      || columns.contains { $0.origin != nil && !$0.isGenerated && ($0.outcome == nil || $0.isUpdated) }
  }

  func isOverwritten(_ present: Schema) -> Bool {
    guard let outcome else { return false }
    if losesRows || isRowIDUpdated { return true }
    guard origin == nil else {
      return columns.contains { $0.isUpdated && $0.origin != nil && $0.outcome != nil }
    }
    guard let old = present.table(outcome) else { return false }
    // A condition or a limit may leave rows out that came since.
    if !hasAllRowsOfOne { return true }
    return columns.contains { column in
      guard let name = column.outcome, old.column(name) != nil, !column.isGenerated else { return false }
      return column.isUpdated || column.handedFrom == nil
    }
  }

  /// Whether a value that is handed over may become one of another type.
  func converts(_ present: Schema, _ later: Schema) -> Bool {
    guard origin == nil, let new = outcome.flatMap(later.table) else { return false }
    return columns.contains { column in
      guard let from = column.handedFrom, let old = present.table(from.table)?.column(from.column),
        let affinity = column.outcome.flatMap(new.column)?.type.affinity
      else { return false }
      return affinity != .blob && affinity != old.type.affinity
    }
  }
}
