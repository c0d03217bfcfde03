internal import PhaseSQL
internal import PhaseSQLite

/// Only a contract may make an existing table refuse or change rows that it accepted before.
enum TightenedEarly: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    guard trial.id.kind != .contract else { return [] }
    let statements = ScriptStatements(trial.phase.up)
    return (trial.facts + trial.checksOfNewColumns).compactMap { fact in
      guard let tightening = Tightening(fact, in: trial) else { return nil }
      return Finding(
        .tightenedEarly, in: trial.id, fact.sentences.joined(separator: ", "),
        at: tightening.index.map(statements.place(ofMaking:))
          ?? statements.place(ofTable: tightening.table, tightening.word),
        details: tightening.details,
        remedies: [
          tightening.index.flatMap { name in
            trial.after.object("index", name).map { "in contract.sql: \($0.sql);" }
          }
            ?? "move it to contract.sql of the same migration, once no version writes what it refuses"
        ] + (tightening.recipe.map { ["a recipe writes that: phasedb new NAME \($0)"] } ?? []))
    }
  }
}

extension PhaseTrial {
  /// The CHECKs of new columns of existing tables. They are not facts of their own. But a CHECK that refuses the
  /// column's default excludes all writers that do not know the column.
  fileprivate var checksOfNewColumns: [SchemaFact] {
    let tables = Set(
      facts.compactMap { fact in
        if case .columnAdded(let table, _, _, _) = fact { table } else { nil }
      })
    return tables.sorted { $0.key < $1.key }.flatMap { table -> [SchemaFact] in
      let old = before.table(table)?.checks ?? []
      let new = after.table(table)?.checks ?? []
      return new.filter { !old.contains($0) }.map { .checkGained(table: table, $0) }
        .filter { !facts.contains($0) }
    }
  }
}

/// A fact that restricts writers that know the table as it was.
private struct Tightening {
  let table: SchemaName
  /// A name that is in the statement that caused it.
  var word: SchemaName?
  var index: SchemaName?
  var details: [Prose] = []
  /// The recipe that adds it with a contract; nil when there is none.
  var recipe: String?

  init?(_ fact: SchemaFact, in trial: PhaseTrial) {
    switch fact {
    case .notNullGained(let table, let column):
      (self.table, word) = (table, column)
      recipe = "require \(table).\(column)"
    case .collationChanged(let table, let column, _, _): (self.table, word) = (table, column)
    case .columnRetyped(let table, let column, let old, let new):
      guard old.affinity != new.affinity else { return nil }
      (self.table, word) = (table, column)
      recipe =
        "retype \(table).\(column) \(column)_2 \(new.declared?.text ?? "TYPE") --up EXPR --down EXPR"
    case .checkGained(let table, let condition):
      guard let writer = OldWriter(of: table, in: trial), writer.canMake("NOT (\(condition))") else {
        return nil
      }
      (self.table, word) = (table, "check")
      recipe = "check \(table) '\(condition)'"
    case .uniqueGained(let table, let columns):
      guard Self.tightens(table, columns, where: nil, in: trial) else { return nil }
      (self.table, word) = (table, "unique")
      if columns.allSatisfy({ $0.column != nil }) {
        recipe = "unique \(table) '(\(columns.map(\.title).joined(separator: ", ")))'"
      }
      details = Self.replacing
    case .primaryKeyChanged(let table, _, let columns):
      guard !columns.isEmpty, Self.tightens(table, columns, where: nil, in: trial) else { return nil }
      (self.table, word) = (table, "primary")
      details = Self.replacing
    case .foreignKeyGained(let table, let key):
      (self.table, word) = (table, "references")
      if key.columns.count == 1, key.parentColumns.count == 1 {
        recipe = "reference \(table).\(key.columns.list) \(key.parent).\(key.parentColumns.list)"
      }
    case .foreignKeyChanged(let table, let old, let new):
      guard old.parent != new.parent || old.parentColumns != new.parentColumns else { return nil }
      (self.table, word) = (table, "references")
    case .strictGained(let table): (self.table, word) = (table, "strict")
    case .indexAdded(let index), .indexChanged(_, let index):
      guard index.isUnique, Self.tightens(index.table, index.columns, where: index.condition, in: trial)
      else {
        return nil
      }
      (table, self.index) = (index.table, index.name)
      if index.condition == nil, index.columns.allSatisfy({ $0.column != nil }) {
        recipe = "unique \(index.table) '(\(index.columns.map(\.title).joined(separator: ", ")))'"
      }
      details = Self.replacing
    default: return nil
    }
  }

  // gh-ost's issue 1636 describes rows that were lost in this way.
  private static let replacing: [Prose] = [
    "an INSERT OR REPLACE deletes the conflicting row, and nothing fails"
  ]

  /// Whether two rows of a writer that does not know the new columns can conflict, and could not before.
  private static func tightens(
    _ table: SchemaName, _ columns: [IndexedColumn], where condition: SQLFragment?, in trial: PhaseTrial
  ) -> Bool {
    guard let writer = OldWriter(of: table, in: trial) else { return false }
    let terms = Set(columns.map(\.term))
    let wasUnique = writer.table.uniqueKeys(with: trial.before.indexes(on: table)).contains { key in
      // A collation may treat two values as equal. Without a collation the narrower key is as strict.
      (key.condition == nil || key.condition == condition)
        && key.columns.allSatisfy { terms.contains($0.term) }
        && columns.allSatisfy { column in
          column.collation == nil || key.columns.contains { $0.collation == column.collation }
        }
    }
    guard !wasUnique else { return false }
    // In a unique key NULL differs from every other NULL, so such rows never conflict.
    let keys = columns.map { "(\($0.title)) IS NOT NULL" } + (condition.map { ["(\($0))"] } ?? [])
    return writer.canMake(keys.joined(separator: " AND "))
  }
}

extension TableDefinition {
  fileprivate var checks: [SQLFragment] {
    allConstraints.compactMap { if case .check(let condition) = $0.kind { condition } else { nil } }
  }

  /// Its unique keys, by its own declaration or an index.
  fileprivate func uniqueKeys(
    with indexes: [IndexDefinition]
  ) -> [(columns: [IndexedColumn], condition: SQLFragment?)] {
    (primaryKey.map { [($0.columns, nil)] } ?? []) + uniques.map { ($0.columns, nil) }
      + indexes.filter(\.isUnique).map { ($0.columns, $0.condition) }
  }
}

/// An existing table must not get a column that every INSERT has to name.
///
/// If every application stops for the phase, only ADD COLUMN is wrong: it fails when the table has rows. On an empty
/// table, as in many tests, it succeeds.
enum RequiredColumn: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    let statements = ScriptStatements(trial.phase.up)
    return trial.facts.compactMap { fact in
      guard case .columnAdded(let table, let column, _, _) = fact, column.isRequired else { return nil }
      // No version runs both before and after it, and a rebuild gives existing rows a value.
      let isOffline = trial.phase.windows.allSatisfy(\.range.isOffline)
      if isOffline, statements.drop(ofTable: table) != nil { return nil }
      let type = column.type.declared.map { " \($0)" } ?? ""
      return Finding(
        .requiredColumn, in: trial.id,
        "column \(table).\(column.name) is NOT NULL and has no default",
        at: statements.place(ofTable: table, column.name),
        remedies: [
          "ALTER TABLE \(table) ADD COLUMN \(column.name)\(type) NOT NULL DEFAULT \(column.type.affinity.emptyLiteral);",
          "or without NOT NULL, which a later contract may add: ALTER TABLE \(table) ADD COLUMN \(column.name)\(type);",
          "that contract is written by: phasedb new NAME require \(table).\(column.name)",
        ])
    }
  }
}
