internal import PhaseSQL
internal import PhaseSQLite

/// The rows that a phase and its way back may change together. They follow from the columns that either of them
/// writes.
///
/// If neither writes an old column, or every such column is archived for every row, nothing can be lost. In all other
/// cases the way back has to be run to know.
struct RowsAtRisk {
  struct Table {
    /// The name of the table before the phase.
    let name: SchemaName
    /// The columns that are written, if rows keep their keys; nil when rows are added, removed or get other keys.
    let columns: Set<SchemaName>?
    /// The table that has its rows after the phase; nil when they cannot be followed by their key.
    let successor: (RowKey) -> ArchivePlan.Successor?
    /// The tables from whose rows the way back makes its rows, by their names after the phase.
    let sources: Set<SchemaName>
    /// Whether the phase inserts rows into it.
    let isFilled: Bool
    /// Whether neither direction can add a row or change a key.
    let isClosed: (RowKey) -> Bool
  }

  let tables: [Table]
  /// The tables whose rows either direction touches, by their names after the phase.
  let touched: [SchemaName]
  private let trial: TransitionTrial

  /// - Parameters:
  ///   - trial: what a phase's way up and way down do on a database without rows.
  ///   - archivePlans: what is archived on the way up.
  init(_ trial: TransitionTrial, _ archivePlans: [ArchivePlan]) {
    self.trial = trial
    tables = trial.there.tables.compactMap { table in
      guard let name = table.origin else { return nil }
      let kept = archivePlans.first { $0.table.name == name }
      let written = Self.writtenInPlace(table, by: trial)
      if let written, written.isSubset(of: kept?.isKeptForEveryRow ?? []) { return nil }
      let columns = written.map { Set($0.filter { table.column(from: $0)?.outcome != nil }) }
      let successor = { (key: RowKey) -> ArchivePlan.Successor? in
        trial.back == nil ? nil : WayBack(trial, to: name).successor(of: table, key)
      }
      let sources = WayBack(trial, to: name).everySource(of: table)
      return Table(
        name: name, columns: columns == written ? columns : nil, successor: successor, sources: sources,
        isFilled: table.isFilledInPlace && table.outcome == name
      ) { key in
        guard let after = successor(key), let back = trial.back else { return false }
        let own = ArchivePlan.Successor(table: name, key: key.names.map { SchemaName($0) })
        return trial.there.handsOver(own, to: after, key.form) && back.handsOver(after, to: own, key.form)
      }
    }
    touched = Self.touched(by: trial)
  }

  /// Whether the way back has to be run to know what it does to rows.
  func needsRun(from before: Schema, to after: Schema) -> Bool {
    guard tables.isEmpty, trial.leadsBack, let back = trial.back, !back.mayRaise else { return true }
    return back.tables.contains { table in
      guard let name = table.outcome, let definition = before.table(name) else { return false }
      // Rows may break constraints that the way back restores.
      if !Self.uniqueIndexes(of: name, in: before).isSubset(of: Self.uniqueIndexes(of: name, in: after)) {
        return true
      }
      let hasTriggers = after.objects.contains { $0.key.type == "trigger" && SchemaName($0.table) == name }
      if table.hasUpdates, hasTriggers || definition.isStrict || !definition.constraints.isEmpty {
        return true
      }
      return table.columns.contains { column in
        guard let outcome = column.outcome, let declared = definition.column(outcome) else { return false }
        if column.isUpdated,
          declared.isNotNull || declared.isConstrained || Self.isUnique(outcome, of: name, in: before)
        {
          return true
        }
        return column.origin == nil
          && (declared.isNotNull && declared.defaultValue == nil || declared.isConstrained)
      }
    }
  }

  /// The old columns that either direction writes or drops; nil when rows are added, removed or get other keys, or
  /// the table is made again.
  private static func writtenInPlace(_ table: TracedTable, by trial: TransitionTrial) -> Set<SchemaName>? {
    guard let back = trial.back?.tables.first(where: { $0.origin != nil && $0.origin == table.outcome }),
      back.outcome == table.origin, table.keepsRows, back.keepsRows
    else { return nil }
    var written: Set<SchemaName> = []
    for column in table.columns where !column.isGenerated {
      guard let name = column.origin else { continue }
      let after = column.outcome.flatMap { back.column(from: $0) }
      if column.outcome == nil {
        // The table comes back as a new one.
        guard back.column(to: name) != nil else { return nil }
      } else if after?.outcome != name {
        return nil
      }
      if column.isUpdated || column.outcome == nil || after?.isUpdated == true { written.insert(name) }
    }
    return written
  }

  private static func touched(by trial: TransitionTrial) -> [SchemaName] {
    let there = trial.there.tables.filter { table in
      table.origin != nil && table.isTouched
    }.compactMap(\.outcome)
    let back = (trial.back?.tables ?? []).filter { $0.origin != nil && $0.isTouched }.compactMap(\.origin)
    return Set(there + back).sorted { $0.key < $1.key }
  }

  private static func uniqueIndexes(of table: SchemaName, in schema: Schema) -> Set<SchemaName> {
    Set(schema.indexes(on: table).filter(\.isUnique).map(\.name))
  }

  private static func isUnique(_ column: SchemaName, of table: SchemaName, in schema: Schema) -> Bool {
    schema.indexes(on: table).contains { $0.isUnique && $0.mentions(anyOf: [column]) }
  }
}

extension ScriptTrace {
  /// Whether the rows of a table all come from another table, with the same keys.
  fileprivate func handsOver(
    _ old: ArchivePlan.Successor, to new: ArchivePlan.Successor, _ form: RowKey.Form
  ) -> Bool {
    guard let source = table(from: old.table), let table = table(to: new.table), !table.isRowIDUpdated,
      !source.gainsRows, !source.isRowIDUpdated,
      !new.key.contains(where: { table.column(to: $0)?.isUpdated ?? false })
    else { return false }
    if table.origin != nil { return table.origin == old.table }
    return form == .rowID
      ? table.rowIDsFrom == old.table
      : zip(old.key, new.key).allSatisfy {
        table.column(to: $1)?.handedFrom == .init(table: old.table, column: $0)
      }
  }

  /// The existing tables, by their folded names, whose rows or columns are touched.
  var touchedTables: Set<FoldedName> { Set(tables.filter(\.isTouched).compactMap(\.origin?.key)) }
}

extension ArchivePlan {
  /// The columns whose changes the archive has for every row.
  fileprivate var isKeptForEveryRow: Set<SchemaName> {
    guard method != .rows, !mayLoseRows else { return [] }
    return Set(values.filter { !$0.isYoung }.map(\.name))
  }
}
