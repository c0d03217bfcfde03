internal import PhaseSQLite

/// A stored column gets another type, and nothing keeps what it held.
enum LossyRetype: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    let retyped = retypedColumns(in: trial)
    guard !retyped.isEmpty else { return [] }
    let kept = try KeptColumns(by: trial)
    return retyped.filter { !kept.has($0.column, of: $0.table) }.map(\.finding)
  }

  private static func retypedColumns(
    in trial: PhaseTrial
  ) -> [(table: SchemaName, column: SchemaName, finding: Finding)] {
    let statements = ScriptStatements(trial.phase.up)
    return trial.facts.compactMap { fact in
      guard case .columnRetyped(let table, let column, let old, let new) = fact,
        !old.affinity.isKept(by: new.affinity), isStored(column, of: table, in: trial.before),
        !trial.phase.losses.contains(where: {
          SchemaName($0.table) == table && SchemaName($0.column) == column
        })
      else { return nil }
      let finding = Finding(
        .lossyRetype, in: trial.id,
        "column \(table).\(column) changes from \(old.text) to \(new.text), and nothing keeps its old values",
        at: statements.place(ofTable: table, column),
        details: [
          "the values change with its affinity, \(old.affinity.rawValue) to \(new.affinity.rawValue), and down cannot tell what they were"
        ],
        remedies: [
          "add a second column in expand.sql, and keep both right by triggers until this one is dropped: ALTER TABLE \(table) ADD COLUMN \(column)_2\(new.declared.map { " \($0)" } ?? "");",
          "or accept it: -- @loses \(table).\(column): why the old values are not needed",
        ])
      return (table, column, finding)
    }
  }

  private static func isStored(_ column: SchemaName, of table: SchemaName, in schema: Schema) -> Bool {
    schema.table(table)?.column(column)?.isGenerated == false
  }
}

/// The columns whose values the transition of a phase archives on its way up.
private struct KeptColumns {
  private let takings: [Taking]

  /// - Throws: what keeps the schema before the phase from being made.
  init(by trial: PhaseTrial) throws(MigrationError) {
    // An expand promises that it takes nothing, and nothing is kept for it.
    guard trial.id.kind != .expand else {
      takings = []
      return
    }
    var schema = Neighbourhood()
    schema.follow(trial.before.changes(since: Schema()))
    let scratch = try Scratch(baseline: nil)
    try scratch.make(schema.allObjects)
    let trace = try TransitionTrial(trial.id, trial.phase, .up, on: trial.before)
    do throws(MigrationError) {
      takings = try Taking.all(in: trace, on: scratch.connection)
    } catch {
      // A table whose rows cannot be told apart has no archive.
      guard error.id == .archiveImpossible else { throw error }
      takings = []
    }
  }

  func has(_ column: SchemaName, of table: SchemaName) -> Bool {
    takings.contains { taking in
      taking.table.name == table && taking.values.contains { $0.name == column }
    }
  }
}

extension Affinity {
  /// Whether every value stored under this affinity stays what it is under another one. INTEGER and NUMERIC differ only
  /// in CAST, and BLOB converts nothing (sqlite.org/datatype3.html#type_affinity).
  fileprivate func isKept(by other: Affinity) -> Bool {
    self == other || other == .blob || ([self, other].allSatisfy { $0 == .integer || $0 == .numeric })
  }
}
