internal import PhaseSQL
internal import PhaseSQLite

/// Describes what the way back from a transition does to one table.
struct WayBack {
  private let trial: TransitionTrial
  private let name: SchemaName
  /// The table after the way back.
  private let restored: TracedTable?

  init(_ trial: TransitionTrial, to table: SchemaName) {
    self.trial = trial
    name = table
    restored = trial.back?.table(to: table)
  }

  /// Whether it inserts rows into the table.
  var fills: Bool { restored?.gainsRows ?? false }

  /// Whether it computes values for a column of the table.
  ///
  /// - Parameter origin: the column that has the values after the transition.
  func computes(_ column: SchemaName, from origin: TracedColumn.Origin?) -> Bool {
    trial.back?.computes(column, of: name, from: origin) ?? false
  }

  /// Whether it computes values for a column that stays in the table.
  func computesAny(of table: TracedTable) -> Bool {
    guard let outcome = table.outcome else { return false }
    return table.columns.contains { column in
      guard let origin = column.origin, let after = column.outcome, !column.isGenerated else { return false }
      return computes(origin, from: TracedColumn.Origin(table: outcome, column: after))
    }
  }

  /// The names of the tables from which it makes rows or values for this one.
  var sources: [SchemaName] {
    guard let back = trial.back, let restored else { return [] }
    return back.origins(of: restored).filter { $0 != restored.origin }
  }

  /// The tables, by their names after the transition, of which any row may decide what comes back into a table whose rows
  /// cannot be followed.
  func everySource(of table: TracedTable) -> Set<SchemaName> {
    let isThere = table.outcome != nil || trial.there.table(to: name) != nil
    return Set(sources + (isThere ? [table.outcome ?? name] : []) + lookups.map(\.table))
  }

  /// The table that has the rows after the transition: the same table, one that replaces it, or one from which the
  /// way back fills it.
  func successor(of table: TracedTable, _ key: RowKey) -> ArchivePlan.Successor? {
    guard !movesRows(key) else { return nil }
    let names = key.names.map { SchemaName($0) }
    if let outcome = table.outcome {
      guard !table.movesRows(key), key.form != .rowID || keepsRowIDs(of: outcome) else { return nil }
      if key.form == .rowID { return ArchivePlan.Successor(table: outcome, key: names) }
      let after = names.compactMap { table.column(from: $0)?.outcome }
      return after.count == names.count ? ArchivePlan.Successor(table: outcome, key: after) : nil
    }
    guard let heir else { return nil }
    if key.form == .rowID {
      // If the SQL does not name the rowid, it is not copied.
      guard let outcome = heir.outcome, heir.rowIDsFrom == table.origin, keepsRowIDs(of: outcome) else {
        return nil
      }
      return ArchivePlan.Successor(table: outcome, key: names)
    }
    let columns = names.compactMap { name in
      heir.column(to: name).flatMap { $0.isGenerated ? nil : $0.outcome }
    }
    guard columns.count == names.count, let outcome = heir.outcome else { return nil }
    return ArchivePlan.Successor(table: outcome, key: columns)
  }

  /// Whether rows get another key on the way back.
  private func movesRows(_ key: RowKey) -> Bool { restored?.movesRowsTo(key) ?? false }

  /// Whether rows of a table have the same rowids after the way back.
  private func keepsRowIDs(of table: SchemaName) -> Bool {
    guard let restored else { return true }
    return restored.origin == table || restored.rowIDsFrom == table
  }

  /// The tables from which it reads one row for each row of this table.
  var lookups: [Lookup] { restored.map { Array($0.lookups) } ?? [] }

  /// The name that a column of a dropped table has in the table with its rows; nil when there is none. The name may
  /// differ if each direction copies its values to the other.
  func outcome(of column: SchemaName) -> SchemaName? {
    guard let heir else { return nil }
    if let same = heir.column(to: column) { return same.isGenerated ? nil : same.outcome }
    return heir.columns.first { other in
      guard let table = heir.outcome, let outcome = other.outcome, !other.isGenerated else { return false }
      return other.handedFrom == .init(table: name, column: column)
        && restored?.column(to: column)?.handedFrom == .init(table: table, column: outcome)
    }?.outcome
  }

  private var heir: TracedTable? {
    if let same = trial.there.table(to: name) { return same }
    let candidates = fills ? sources : []
    return candidates.count == 1 ? trial.there.table(to: candidates[0]) : nil
  }

  /// Whether a key column of a dropped table may have other values that still match in the table with its rows: '007'
  /// as a number, or 'A' as 'a' if case is ignored.
  func recasts(_ column: Table.Column, of key: RowKey) -> Bool {
    guard let after = heir?.column(to: column.name) else { return false }
    let collation = key.columns.first { SchemaName($0.name) == column.name }?.collation?.folded
    return after.type != column.type || collation ?? "binary" != "binary"
  }
}
