internal import PhaseSQL

/// Finds what a table lost in a rebuild without an explicit statement.
struct RebuildLosses {
  struct Loss {
    /// In words: `CHECK (price >= 0)`.
    let what: Prose
    /// The SQL to write, and where.
    let remedy: Prose
  }

  private let old: TableDefinition
  private let new: TableDefinition
  private let trial: PhaseTrial
  private let statements: ScriptStatements
  /// Columns that are removed from the table.
  private let gone: Set<SchemaName>
  /// Tables and views that are dropped.
  private let goneTables: Set<SchemaName>

  init(
    of old: TableDefinition, _ new: TableDefinition, in trial: PhaseTrial, by statements: ScriptStatements
  ) {
    self.old = old
    self.new = new
    self.trial = trial
    self.statements = statements
    gone = Set(old.columns.map(\.name)).subtracting(new.columns.map(\.name))
    goneTables = Set(
      trial.difference.removed.filter { ["table", "view"].contains($0.key.type) }.map {
        SchemaName($0.name)
      })
  }

  /// The unintended losses. A contract removes on purpose, so changes in its new CREATE TABLE are intended, and only
  /// objects that vanish with DROP TABLE are not.
  var all: [Loss] {
    indexLosses + triggerLosses + (trial.id.kind == .contract ? lostCounter : clauseLosses)
  }
}

// MARK: - Objects that go with the table

extension RebuildLosses {
  private var indexLosses: [Loss] {
    let left = trial.after.indexes(on: new.name)
    return trial.before.indexes(on: old.name).flatMap { index -> [Loss] in
      guard !statements.drops(.dropIndex, index.name), gone.isDisjoint(with: index.names) else { return [] }
      guard let same = left.first(where: { $0.name == index.name }) else {
        return left.contains { $0.serves(like: index) } ? [] : [loss("\(index.title)", index.name, "index")]
      }
      guard trial.id.kind != .contract else { return [] }
      return clauses(of: index, lostIn: same).map { loss("\($0) in \(index.title)", index.name, "index") }
    }
  }

  private func clauses(of index: IndexDefinition, lostIn same: IndexDefinition) -> [Prose] {
    var lost: [Prose] = index.isUnique && !same.isUnique ? ["UNIQUE"] : []
    if let condition = index.condition, same.condition == nil { lost.append("WHERE \(condition)") }
    for column in index.columns {
      if let kept = same.columns.first(where: { $0.term == column.term }) {
        if column.isDescending, !kept.isDescending { lost.append("DESC of \(column.title)") }
        if let collation = column.collation, kept.collation == nil { lost.append("COLLATE \(collation)") }
      } else if column.column == nil {
        lost.append("the expression \(column.title)")
      }
    }
    return lost
  }

  private var triggerLosses: [Loss] {
    let left = Set(trial.after.objects.filter { $0.key.type == "trigger" }.map(\.key))
    return trial.before.objects.filter { object in
      object.key.type == "trigger" && SchemaName(object.table) == old.name && !left.contains(object.key)
        && !statements.drops(.dropTrigger, SchemaName(object.name))
        && gone.union(goneTables).isDisjoint(with: SQLFragment(object.sql).names)
        && !isMadeUnderAnotherName(object)
    }.map { loss("\($0.title)", SchemaName($0.name), "trigger") }
  }

  private func isMadeUnderAnotherName(_ trigger: SchemaObject) -> Bool {
    guard let lost = TriggerDefinition(trigger.sql) else { return false }
    return trial.difference.added.contains { TriggerDefinition($0.sql)?.does(likeIt: lost) == true }
  }

  private func loss(_ what: Prose, _ name: SchemaName, _ type: String) -> Loss {
    let sql = trial.before.object(type, name).map { "\(sql: $0.sql)" as Prose } ?? what
    return Loss(what: what, remedy: "after the rename: \(sql);")
  }
}

// MARK: - Clauses of the table itself

extension RebuildLosses {
  /// Without AUTOINCREMENT the counter is gone, and ids of deleted rows are used again.
  private var lostCounter: [Loss] {
    clauseLosses.filter { $0.what == "AUTOINCREMENT" }
  }

  private var clauseLosses: [Loss] {
    let facts = TableComparison(old, new).facts
    let lost = facts.filter { !cannotStay($0) }.flatMap { fact in
      clauses(fact, among: facts).map { (fact: fact, clause: $0) }
    }
    // Only a rebuild can remove a clause. If the phase changes nothing else in the table, that is its purpose.
    if lost.count == 1,
      facts.allSatisfy({ $0 == lost[0].fact || $0.follows(from: lost[0].fact) })
    {
      return []
    }
    return lost.map { fact, clause in
      let column = fact.columnOfClause.flatMap(old.column)
      let text = column.map { "\(sql: $0.declaration.text)" as Prose } ?? clause
      return Loss(what: clause, remedy: "in the new CREATE TABLE: \(text)")
    }
  }

  /// Whether another change of the phase makes the loss necessary.
  private func cannotStay(_ fact: SchemaFact) -> Bool {
    switch fact {
    case .foreignKeyLost(_, let key):
      goneTables.contains(key.parent) || !(trial.after.table(key.parent)?.has(key.parentColumns) ?? true)
    case .collationChanged(_, let column, _, nil):
      // A collation does not apply to numbers.
      old.column(column)?.type.affinity != new.column(column)?.type.affinity
        && new.column(column)?.type.affinity != .text
    case .autoincrementLost: !new.columns.contains(where: \.isRowIDAlias)
    case .strictLost:
      new.columns.contains { !Self.strictTypes.contains($0.type.declared?.text.asciiLowercased ?? "") }
    default: false
    }
  }

  /// sqlite.org/stricttables.html
  private static let strictTypes: Set<String> = ["int", "integer", "real", "text", "blob", "any"]

  private func clauses(_ fact: SchemaFact, among facts: [SchemaFact]) -> [Prose] {
    switch fact {
    case .checkLost(_, let condition):
      guard gone.isDisjoint(with: condition.names), !isReplaced(condition, among: facts) else { return [] }
      return ["CHECK (\(condition))"]
    case .uniqueLost(_, let columns): return isStillUnique(columns) ? [] : ["UNIQUE \(columns.list)"]
    case .collationChanged(_, let column, let collation?, nil):
      return ["COLLATE \(collation) of column \(column)"]
    case .generationChanged(_, let column, let generation?, nil):
      return ["\(generation.text) of column \(column)"]
    case .foreignKeyLost(_, let key):
      guard gone.isDisjoint(with: key.columns) else { return [] }
      return ["FOREIGN KEY (\(key.columns.list)) REFERENCES \(key.target)"]
    case .foreignKeyChanged(_, let key, let kept): return clauses(of: key, lostIn: kept)
    case .primaryKeyChanged(_, let columns, let kept):
      return kept.isEmpty && gone.isDisjoint(with: columns.compactMap(\.column))
        ? ["PRIMARY KEY \(columns.list)"] : []
    case .conflictChanged(_, let constraint, let resolution, .abort):
      return ["ON CONFLICT \(resolution.rawValue) of \(constraint)"]
    case .autoincrementLost: return ["AUTOINCREMENT"]
    case .strictLost: return ["STRICT"]
    case .withoutRowIDLost: return ["WITHOUT ROWID"]
    default: return []
    }
  }

  private func clauses(of key: ForeignKey, lostIn kept: ForeignKey) -> [Prose] {
    let reference = "of the foreign key \(key.columns.list)"
    var lost: [Prose] = []
    if key.onDelete != .noAction, kept.onDelete == .noAction {
      lost.append("ON DELETE \(key.onDelete.rawValue) \(reference)")
    }
    if key.onUpdate != .noAction, kept.onUpdate == .noAction {
      lost.append("ON UPDATE \(key.onUpdate.rawValue) \(reference)")
    }
    if key.isDeferred, !kept.isDeferred { lost.append("DEFERRABLE INITIALLY DEFERRED \(reference)") }
    return lost
  }

  /// Whether another condition on the same column replaces it, which the author wrote on purpose.
  private func isReplaced(_ condition: SQLFragment, among facts: [SchemaFact]) -> Bool {
    let columns = condition.names.intersection(old.columns.map(\.name))
    return facts.contains { fact in
      if case .checkGained(_, let gained) = fact { !columns.isDisjoint(with: gained.names) } else { false }
    }
  }

  private func isStillUnique(_ columns: [IndexedColumn]) -> Bool {
    !gone.isDisjoint(with: columns.compactMap(\.column))
      || new.primaryKey?.columns.map(\.term) == columns.map(\.term)
      || trial.after.indexes(on: new.name).contains { index in
        index.isUnique && index.condition == nil && index.columns.map(\.term) == columns.map(\.term)
      }
  }
}
