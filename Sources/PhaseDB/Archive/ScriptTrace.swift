internal import PhaseSQL

/// Describes what a script does to tables and columns, whatever names they have on the way.
///
/// It is recorded on a database without rows, so it says what may happen to rows, and not what will.
struct ScriptTrace {
  /// The tables from before the script and those that it made, without shadow tables and SQLite's own tables.
  var tables: [TracedTable]
  /// Functions that it calls, also from inside triggers, views and defaults.
  var functions: Set<FoldedName> = []
  /// Whether every statement changes a row only by its own values, and none adds a row.
  var isRowByRow = true
  /// Whether rows may make it fail in a way other than by a constraint of a table that stays: a function may refuse a
  /// value, and so may a table that the script makes and drops.
  var mayRaise: Bool {
    FunctionList.mayRaise(functions)
      || tables.contains { $0.origin == nil && $0.outcome == nil && $0.gainsRows }
  }
  /// The tables from before the script that are read to write rows.
  var readTables: Set<SchemaName> = []
  /// The positions in `tables` by the names before and after the script; nil until the script has run.
  private var places: (before: [SchemaName: Int], after: [SchemaName: Int])?

  init(tables: [TracedTable]) { self.tables = tables }

  /// The same trace after the script has run, with an index of tables by name.
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

  /// Whether the script computes values for a column of a table, and does not only copy those of another.
  ///
  /// - Parameters:
  ///   - column: its name after the script; so is that of the table.
  ///   - origin: the column that has its values before the script; nil when there is none.
  func computes(_ column: SchemaName, of table: SchemaName, from origin: TracedColumn.Origin?) -> Bool {
    guard let table = self.table(to: table), let column = table.column(to: column) else { return false }
    if column.isUpdated { return true }
    guard table.origin == nil, column.isInserted else { return false }
    return origin == nil || column.handedFrom != origin
  }

  /// Whether what the script writes to a row follows from the columns that it or the opposite script writes, and from
  /// nothing else: then a row that an application changed comes back as one that had these values all along.
  ///
  /// - Parameter key: the columns of the table's key.
  func carriesOver(_ name: SchemaName, opposite: ScriptTrace, key: [String]) -> Bool {
    guard isRowByRow, let table = table(to: name), let other = opposite.table(to: name),
      table.origin == name, other.origin == name, table.sources.isEmpty, table.lookups.isEmpty
    else { return false }
    let written = (table.columns + other.columns).filter(\.isUpdated).compactMap(\.origin?.key)
    return table.readColumns.isSubset(
      of: Set(written).union(key.map(\.folded)).union(RowKey.rowIDNames))
  }

  /// Whether the script does not change a table or its rows.
  func leavesAlone(_ name: SchemaName) -> Bool {
    guard let table = table(to: name), table.origin == name else { return false }
    return !table.gainsRows && !table.losesRows && !table.hasUpdates && !table.isRowIDUpdated
      && table.columns.allSatisfy { $0.origin == $0.outcome }
  }

  /// Tables into which it inserts new rows, and tables that it makes from them: the sources of these rows keep their own.
  /// Names are those after the script.
  var tablesWithNewRows: Set<FoldedName> {
    var filled = Set(
      tables.indices.filter { index in
        tables[index].isFilledInPlace
          && origins(of: tables[index]).allSatisfy {
            leavesAlone($0) || $0 == tables[index].origin && !tables[index].isTakenFrom
          }
      })
    var count: Int
    repeat {
      count = filled.count
      filled.formUnion(
        tables.indices.filter { tables[$0].origin == nil && !tables[$0].sources.isDisjoint(with: filled) })
    } while filled.count > count
    return Set(filled.compactMap { tables[$0].outcome?.key })
  }

  /// Tables whose rows decide whether a way back runs, beside those that it touches or reads: parents and children of
  /// touched tables, and tables read by claims that apply again.
  ///
  /// - Parameters:
  ///   - former: the schema to which it leads.
  ///   - claims: the claims that are checked after it.
  ///   - restored: the tables that get values or rows back from archives, by their names after it.
  func decidingTables(
    to former: Schema, _ claims: [Verification], among present: Schema, restoring restored: Set<SchemaName>
  ) -> Set<SchemaName> {
    let parents = restored.union(tables.filter(\.isTouched).compactMap(\.outcome)).flatMap { name in
      former.table(name)?.foreignKeys.map(\.parent) ?? []
    }
    let named = claims.reduce(into: Set<FoldedName>()) { names, claim in
      names.formUnion(SQLTokens.identifiers(in: claim.query.text))
    }
    return Set(parents).union(present.tables(named: named)).union(
      former.children(
        of: restored.union(
          tables.filter { $0.losesRows || $0.hasUpdates || $0.isRowIDUpdated }.compactMap(\.outcome))))
  }

  /// The tables from before the script from which a table's rows or values are made, also through tables that the
  /// script made.
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
  /// Its name before the script; nil when the script makes it.
  let origin: SchemaName?
  /// Its name after the script; nil when it is dropped.
  var outcome: SchemaName?
  let isVirtual: Bool
  /// Its columns in the order of the table, dropped ones last.
  var columns: [TracedColumn]
  /// Whether rows are inserted into it.
  var gainsRows = false
  /// Whether one INSERT copied all its rows from one table.
  var hasAllRowsOfOne = false
  /// The table from which the only INSERT copied rows with their rowids, by its name before the script.
  var rowIDsFrom: SchemaName?
  /// Tables from which one row is looked up by its primary key to compute a value, and which are not read otherwise.
  var lookups: Set<Lookup> = []
  /// Columns that decide what is written to its rows: folded, by their names before the script, where they had one.
  var readColumns: Set<FoldedName> = []
  /// Whether rows are inserted into it that are made from its own.
  var copiesItself = false
  /// Whether rows may be deleted from it, by DELETE or REPLACE.
  var losesRows = false
  /// Whether its rowids are updated, under any of their names.
  var isRowIDUpdated = false
  /// The tables, by their positions in the trace, that are read to write its rows.
  var sources: Set<Int> = []

  /// The column that had a name before the script.
  func column(from origin: SchemaName) -> TracedColumn? { columns.first { $0.origin == origin } }

  /// The column that has a name after the script.
  func column(to outcome: SchemaName) -> TracedColumn? { columns.first { $0.outcome == outcome } }

  /// Whether rows may get another key of this form.
  func movesRows(_ key: RowKey) -> Bool {
    (key.isNumber && isRowIDUpdated)
      || key.names.contains { column(from: SchemaName($0))?.isUpdated ?? false }
  }

  /// The same for a key of the table after the script.
  func movesRowsTo(_ key: RowKey) -> Bool {
    (key.isNumber && isRowIDUpdated) || key.names.contains { column(to: SchemaName($0))?.isUpdated ?? false }
  }

  var hasUpdates: Bool { columns.contains(where: \.isUpdated) }
  var hasNewColumns: Bool { columns.contains { $0.origin == nil } }
}

/// One row of another table for each row of a table, found by the other's primary key.
struct Lookup: Hashable {
  /// The other table, by its name before the script.
  let table: SchemaName
  /// Pairs of a column there and the equal column here, by their names before the script.
  let pairs: Set<Pair>

  struct Pair: Hashable {
    let there: SchemaName
    let here: SchemaName
  }
}

/// A column of a table in a script.
struct TracedColumn {
  /// Its name before the script; nil when the script adds it, or makes the table.
  let origin: SchemaName?
  /// Its name after the script; nil when it is dropped.
  var outcome: SchemaName?
  let isGenerated: Bool
  /// As declared, folded; empty when it has none.
  let type: String
  /// Whether an UPDATE gives it values, also from inside a trigger.
  var isUpdated = false
  /// Whether an INSERT gives it values other than its default.
  var isInserted = false
  /// The column from which the only INSERT into the table copied its values unchanged; nil when there is none.
  var handedFrom: Origin?

  /// A column by its name before the script.
  struct Origin: Hashable {
    let table: SchemaName
    let column: SchemaName
  }
}

extension ScriptTrace {
  /// The tables whose existing values or rows it may change, by their names after it.
  ///
  /// - Parameter later: the schema to which it leads; nil when unknown.
  func overwritten(_ present: Schema, _ later: Schema?) -> Set<SchemaName> {
    Set(
      tables.compactMap { table in
        table.isOverwritten(present) || later.map { table.converts(present, $0) } ?? false
          || table.origin == nil && isThinned(table)
            && table.outcome.map { present.table($0) != nil } ?? false
          ? table.outcome : nil
      })
  }

  /// Whether a table that the script makes lacks rows of the table from which it is filled, or gives them other keys.
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
  /// Whether rows are inserted into it beside existing ones.
  var isFilledInPlace: Bool { gainsRows && origin != nil }

  /// Whether its rows and their keys stay, and no row is added.
  var keepsRows: Bool {
    !gainsRows && !losesRows && !isRowIDUpdated && outcome != nil
  }

  /// Whether the script changes its rows or columns.
  var isTouched: Bool {
    outcome == nil || gainsRows || losesRows || isRowIDUpdated || hasUpdates
      || columns.contains { $0.origin != nil && $0.outcome == nil }
  }

  /// Whether rows or values of it may be lost.
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
    // A condition or a limit may leave out newer rows.
    if !hasAllRowsOfOne { return true }
    return columns.contains { column in
      guard let name = column.outcome, old.column(name) != nil, !column.isGenerated else { return false }
      return column.isUpdated || column.handedFrom == nil
    }
  }

  /// Whether copying may change the type of a value.
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
