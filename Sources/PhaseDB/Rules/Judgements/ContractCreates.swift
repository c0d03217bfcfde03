internal import PhaseSQL

/// A contract must not add anything new.
///
/// Three things are allowed. An index or trigger on a table that the contract changes is part of the change. A UNIQUE
/// index or a trigger that refuses rows is a way to tighten. And a contract for which every application stops may add
/// anything, because no two versions run side by side.
enum ContractCreates: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard trial.id.kind == .contract, !trial.phase.windows.allSatisfy(\.range.isOffline) else { return [] }
    let statements = ScriptStatements(trial.phase.up)
    let facts = trial.facts
    let touched = Set(facts.compactMap(\.tableTouched)).union(
      statements.all.compactMap { $0.action == .dropTable ? $0.origin : nil })
    return facts.compactMap { fact in
      guard let place = place(of: fact, statements, trial, touched: touched) else { return nil }
      return Finding(
        .contractCreates, in: trial.id, fact.sentences.joined(separator: ", "), at: place,
        remedies: ["move the statement to expand.sql of the same migration, and its reversal with it"])
    }
  }

  private static func place(
    of fact: SchemaFact, _ statements: ScriptStatements, _ trial: PhaseTrial, touched: Set<SchemaName>
  ) -> Place? {
    switch fact {
    case .tableAdded(let name), .virtualTableAdded(let name, _), .viewAdded(let name):
      let wasThere = ["table", "view"].contains { trial.before.object($0, name) != nil }
      let wasRenamed = statements.all.contains { statement in
        if case .renameTable = statement.action {
          statement.origin != nil && statement.outcome == name
        } else {
          false
        }
      }
      return wasThere || wasRenamed ? nil : statements.place(ofMaking: name)
    case .columnAdded(let table, let column, _, _):
      let isRenamed = statements.all.contains { $0.outcome == table && $0.renamesColumn(to: column.name) }
      return isRenamed ? nil : statements.place(ofTable: table, column.name)
    case .indexAdded(let index):
      return index.isUnique || touched.contains(index.table) ? nil : statements.place(ofMaking: index.name)
    case .triggerAdded(let trigger):
      let refuses = trigger.body?.names.contains("raise") ?? false
      return refuses || touched.contains(trigger.table) ? nil : statements.place(ofMaking: trigger.name)
    default: return nil
    }
  }
}
