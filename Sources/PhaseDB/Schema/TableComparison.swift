internal import PhaseSQL

/// What changed between two declarations of one table.
struct TableComparison {
  private let old: TableDefinition
  private let new: TableDefinition
  private let oldNames: [SchemaName]
  private let newNames: [SchemaName]

  init(_ old: TableDefinition, _ new: TableDefinition) {
    self.old = old
    self.new = new
    oldNames = old.columns.map(\.name)
    newNames = new.columns.map(\.name)
  }

  /// Empty for two texts that differ only in something that this model does not hold; the caller knows that they
  /// differ.
  var facts: [SchemaFact] {
    guard old.virtual == nil, new.virtual == nil else {
      return old.virtual == new.virtual
        ? [] : [.virtualTableChanged(table, from: old.virtual, to: new.virtual)]
    }
    return columnsGone + columnsBorn + moves + columnFacts + constraintFacts + tableFacts
  }

  private var table: SchemaName { new.name }
}

// MARK: - Columns

extension TableComparison {
  private var columnsGone: [SchemaFact] {
    old.columns.filter { new.column($0.name) == nil }.map { .columnRemoved(table: table, $0) }
  }

  /// A column is last when only new ones follow it.
  private var columnsBorn: [SchemaFact] {
    let lastKept = newNames.lastIndex { oldNames.contains($0) } ?? -1
    return new.columns.enumerated().filter { isBorn($0.element) }.map { index, column in
      .columnAdded(table: table, column, place: index + 1, isLast: index > lastKept)
    }
  }

  /// A retired column counts as removed, not as new.
  private func isBorn(_ column: ColumnDefinition) -> Bool {
    guard old.column(column.name) == nil else { return false }
    guard let original = RetiredName(column.name)?.original else { return true }
    return old.column(original) == nil || new.column(original) != nil
  }

  /// The smallest set of columns that moved: all but a longest run that kept its order.
  private var moves: [SchemaFact] {
    let kept = oldNames.filter(newNames.contains)
    let places = kept.compactMap(newNames.firstIndex)
    // For each column the longest rising run of places that ends with it, and the column before it in that run. Of
    // two runs of one length the better is that with more columns in the same place as before.
    let weights = kept.indices.map { index in
      kept.count + 1 + (oldNames.firstIndex(of: kept[index]) == places[index] ? 1 : 0)
    }
    var lengths = weights
    var previous = [Int?](repeating: nil, count: places.count)
    for index in places.indices {
      for earlier in places[..<index].indices
      where places[earlier] < places[index] && lengths[earlier] + weights[index] > lengths[index] {
        lengths[index] = lengths[earlier] + weights[index]
        previous[index] = earlier
      }
    }
    var stayed: Set<Int> = []
    var end = lengths.indices.max { lengths[$0] < lengths[$1] }
    while let index = end {
      stayed.insert(index)
      end = previous[index]
    }
    return kept.indices.filter { !stayed.contains($0) }.compactMap { index in
      oldNames.firstIndex(of: kept[index]).map { from in
        .columnMoved(table: table, new.columns[places[index]].name, from: from + 1, to: places[index] + 1)
      }
    }
  }

  private var columnFacts: [SchemaFact] {
    new.columns.flatMap { column in old.column(column.name).map { facts(from: $0, to: column) } ?? [] }
  }

  private func facts(from old: ColumnDefinition, to new: ColumnDefinition) -> [SchemaFact] {
    var facts: [SchemaFact] = []
    let name = new.name
    if old.type != new.type { facts.append(.columnRetyped(table: table, name, from: old.type, to: new.type)) }
    if old.isNotNull != new.isNotNull {
      facts.append(new.isNotNull ? .notNullGained(table: table, name) : .notNullLost(table: table, name))
    } else if old.notNullConflict != new.notNullConflict {
      facts.append(
        .conflictChanged(
          table: table, constraint: "NOT NULL (\(name))", from: old.notNullConflict, to: new.notNullConflict))
    }
    if old.defaultValue != new.defaultValue {
      facts.append(.defaultChanged(table: table, name, from: old.defaultValue, to: new.defaultValue))
    }
    if old.collation != new.collation {
      facts.append(.collationChanged(table: table, name, from: old.collation, to: new.collation))
    }
    if old.generation != new.generation {
      facts.append(.generationChanged(table: table, name, from: old.generation, to: new.generation))
    }
    if old.isRowIDAlias != new.isRowIDAlias {
      facts.append(
        new.isRowIDAlias ? .rowIDAliasGained(table: table, name) : .rowIDAliasLost(table: table, name))
    }
    return facts
  }
}

// MARK: - Constraints

extension TableComparison {
  private var constraintFacts: [SchemaFact] {
    let (gone, born) = (Set(oldNames).subtracting(newNames), Set(newNames).subtracting(oldNames))
    var facts = checkFacts(gone, born)
    facts += uniqueFacts(gone, born)
    facts += foreignKeyFacts(gone, born)
    return facts
  }

  private func checkFacts(_ gone: Set<SchemaName>, _ born: Set<SchemaName>) -> [SchemaFact] {
    let (before, after) = (checks(of: old), checks(of: new))
    return before.filter { check in !after.contains { $0.condition == check.condition } }
      .filter { !$0.isAbout(only: gone) }.map { .checkLost(table: table, $0.condition) }
      + after.filter { check in !before.contains { $0.condition == check.condition } }
      .filter { !$0.isAbout(only: born) }.map { .checkGained(table: table, $0.condition) }
  }

  /// A CHECK and its columns: those it names, and the one it is written with.
  private struct Check {
    let condition: SQLFragment
    let columns: Set<SchemaName>

    func isAbout(only names: Set<SchemaName>) -> Bool { !columns.isEmpty && columns.isSubset(of: names) }
  }

  private func checks(of table: TableDefinition) -> [Check] {
    table.allConstraints.compactMap { constraint in
      guard case .check(let condition) = constraint.kind else { return nil }
      let owner = constraint.column.map { [$0] } ?? []
      return Check(
        condition: condition,
        columns: condition.names.intersection(table.columns.map(\.name)).union(owner))
    }
  }

  private func uniqueFacts(_ gone: Set<SchemaName>, _ born: Set<SchemaName>) -> [SchemaFact] {
    var facts: [SchemaFact] = []
    for unique in old.uniques where !new.uniques.contains(where: { $0.columns == unique.columns }) {
      if !unique.columns.areAll(in: gone) { facts.append(.uniqueLost(table: table, unique.columns)) }
    }
    for unique in new.uniques {
      if let before = old.uniques.first(where: { $0.columns == unique.columns }) {
        guard before.conflict != unique.conflict else { continue }
        facts.append(
          .conflictChanged(
            table: table, constraint: "UNIQUE \(unique.columns.list)", from: before.conflict,
            to: unique.conflict))
      } else if !unique.columns.areAll(in: born) {
        facts.append(.uniqueGained(table: table, unique.columns))
      }
    }
    return facts
  }

  /// A foreign key that only one of the tables has counts as a change of the other's key on the same columns; a table
  /// seldom has two of these.
  private func foreignKeyFacts(_ gone: Set<SchemaName>, _ born: Set<SchemaName>) -> [SchemaFact] {
    var lost = old.foreignKeys.filter { !new.foreignKeys.contains($0) }
    var facts: [SchemaFact] = []
    var gained: [SchemaFact] = []
    for key in new.foreignKeys where !old.foreignKeys.contains(key) {
      let match =
        lost.firstIndex { $0.columns == key.columns && $0.parent == key.parent }
        ?? lost.firstIndex { $0.columns == key.columns }
      if let match {
        facts.append(.foreignKeyChanged(table: table, from: lost.remove(at: match), to: key))
      } else if !born.isSuperset(of: key.columns) {
        gained.append(.foreignKeyGained(table: table, key))
      }
    }
    let kept = lost.filter { !gone.isSuperset(of: $0.columns) }
    return kept.map { .foreignKeyLost(table: table, $0) } + gained + facts
  }
}

extension [IndexedColumn] {
  fileprivate func areAll(in names: Set<SchemaName>) -> Bool {
    allSatisfy { $0.column.map(names.contains) ?? false }
  }
}

// MARK: - The table as a whole

extension TableComparison {
  private var tableFacts: [SchemaFact] {
    var facts: [SchemaFact] = []
    let (before, after) = (old.primaryKey, new.primaryKey)
    if before?.columns != after?.columns {
      facts.append(
        .primaryKeyChanged(table: table, from: before?.columns ?? [], to: after?.columns ?? []))
    } else if let before, let after, before.conflict != after.conflict {
      facts.append(
        .conflictChanged(
          table: table, constraint: "PRIMARY KEY \(after.columns.list)", from: before.conflict,
          to: after.conflict))
    }
    if old.hasAutoincrement != new.hasAutoincrement {
      facts.append(
        new.hasAutoincrement ? .autoincrementGained(table: table) : .autoincrementLost(table: table))
    }
    if old.isStrict != new.isStrict {
      facts.append(new.isStrict ? .strictGained(table: table) : .strictLost(table: table))
    }
    if old.isWithoutRowID != new.isWithoutRowID {
      facts.append(
        new.isWithoutRowID ? .withoutRowIDGained(table: table) : .withoutRowIDLost(table: table))
    }
    return facts
  }
}
