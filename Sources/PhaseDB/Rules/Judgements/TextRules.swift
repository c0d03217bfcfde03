internal import PhaseSQL
internal import PhaseSQLite

/// The rules that need only the text of a phase.
enum TextRules {
  static func findings(_ catalog: Catalog) -> [Finding] {
    catalog.phases.compactMap { id, phase in
      guard phase.residualStatement == .notDeclared, id.kind != .expand else { return nil }
      return Finding(
        .undeclaredResidual, in: id, "the phase does not declare what remains after down",
        at: phase.up.beginningOfFile,
        remedies: ["-- @residual none", "-- @residual customer: mails that were already sent"])
    }
  }
}

/// Every claim of a phase must be checkable on the schema after the phase.
enum VerifyInvalid: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    trial.invalidClaims.map { Finding($0, in: trial.id) }
  }
}

/// An expand phase may only add.
enum ExpandNotAdditive: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard trial.id.kind == .expand else { return [] }
    let losses = trial.difference.losses(in: trial.after)
    guard !losses.isEmpty else { return [] }
    return [
      Finding(
        .expandNotAdditive, in: trial.id, "the phase removes or changes something",
        at: trial.phase.up.place(at: trial.phase.up.firstTokenOffset), details: losses,
        remedies: ["move the statement that removes or changes it to contract.sql of the same migration"]
          + recipes(trial).map { "a recipe writes that: phasedb new NAME \($0)" })
    ]
  }

  /// The recipes for what is removed. If something is added in its place, it is most likely a rename.
  private static func recipes(_ trial: PhaseTrial) -> [Prose] {
    let (up, facts) = (ScriptStatements(trial.phase.up).all, trial.facts)
    return facts.compactMap { fact -> Prose? in
      switch fact {
      case .columnRemoved(let table, let column) where !column.isGenerated && !column.isPrimaryKey:
        let new = facts.lazy.compactMap { fact -> SchemaName? in
          guard case .columnAdded(table, let new, _, _) = fact else { return nil }
          return up.contains { $0.outcome == table && $0.renamesColumn(to: new.name) } ? new.name : nil
        }.first
        return new.map { "rename-column \(table).\(column.name) \($0)" }
          ?? "drop-column \(table).\(column.name)"
      case .tableRemoved(let table):
        let renamed = up.first { statement in
          if case .renameTable = statement.action { statement.origin == table } else { false }
        }
        guard let renamed else { return "drop-table \(table)" }
        return renamed.outcome.map { "rename-table \(table) \($0)" }
      default: return nil
      }
    }
  }
}

/// A migrate phase must not change the schema.
enum MigrateChangesSchema: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard trial.id.kind == .migrate, !trial.difference.isEmpty else { return [] }
    return [
      Finding(
        .migrateChangesSchema, in: trial.id, "the phase changes the schema",
        at: trial.phase.up.place(at: trial.phase.up.firstTokenOffset), details: trial.difference.explanation,
        remedies: ["move the change to expand.sql when it adds, to contract.sql when it removes"])
    ]
  }
}

/// A statement of a phase must not need a function that only the application has: otherwise only the application can
/// run the phase.
enum NeedsApplication: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard !trial.functions.isEmpty else { return [] }
    let (up, down) = (trial.phase.up, trial.phase.down)
    let scripts = [(up, trial.statements), (down, trial.reversal.downStatements)]
    return scripts.flatMap { script, statements in
      var told: Set<String> = []
      return statements.flatMap { statement in
        needed(by: statement, in: trial).filter { told.insert($0).inserted }.map { name in
          let offset = script.offsetOfFirstToken(from: statement.range.lowerBound)
          return Finding(
            .applicationFunction, in: trial.id, "the statement needs \(name), a function of the application",
            at: script.place(at: offset, length: script.tokenLength(at: offset)),
            remedies: [
              "let the application run the phase, with its own connection: Migrator(on: connection, catalog)",
              "or compute it with functions of SQLite",
            ])
        }
      }
    } + claims(of: trial)
  }

  /// Claims whose queries need such a function: lint tried them with a stub, which proves nothing, and phasedb's own
  /// connection cannot check them.
  private static func claims(of trial: PhaseTrial) -> [Finding] {
    trial.phase.verifications.flatMap { claim in
      let names = SQLTokens.identifiers(in: claim.query.text)
      return trial.functions.map(\.name).filter { names.contains($0.folded) }.map { name in
        let word = SQLWord.all(in: claim.query.text).first { $0.text == name.folded }
        let range = word?.range ?? 0..<0
        return Finding(
          .applicationFunction, in: trial.id,
          "the claim '\(claim.title)' needs \(name), a function of the application, so it was not tried here",
          at: claim.query.place(at: range.lowerBound, length: max(1, range.count)),
          remedies: [
            "let the application run the phase, with its own connection: Migrator(on: connection, catalog)",
            "or write the claim with functions of SQLite",
          ])
      }
    }
  }

  /// The functions in a statement, and those in constraints, indexes and generated columns of the tables that it
  /// writes.
  private static func needed(by statement: StatementEffect, in trial: PhaseTrial) -> [String] {
    let written = statement.writes.insertedTables.union(statement.writes.columns.keys)
    var names = statement.writes.functions
    for object in trial.before.objects where ["table", "index"].contains(object.key.type) {
      if written.contains(object.table.folded) { names.formUnion(SQLTokens.identifiers(in: object.sql)) }
    }
    return trial.functions.map(\.name).filter { names.contains($0.folded) }
  }
}

/// The SQL of a phase must run on the oldest SQLite that the settings declare.
enum NeedsNewerSQLite: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    guard let oldest = folder.oldestSQLite else { return [] }
    let scripts =
      [trial.phase.up, trial.phase.down] + trial.phase.verifications.map(\.query)
      + trial.phase.probes.compactMap(\.query)
    return scripts.flatMap { script in
      var told: Set<String> = []
      return SchemaFeature.needed(by: script.text).filter { feature in
        feature.since > oldest && told.insert(feature.name).inserted
      }.map { feature in
        Finding(
          .needsNewerSQLite, in: trial.id,
          "\(feature.name) needs SQLite \(feature.since), and the settings promise \(oldest)",
          at: script.place(at: feature.range.lowerBound, length: feature.range.count),
          remedies: [
            "write it without \(feature.name)",
            "or raise the promise in phasedb.json: sqlite: \"\(feature.since)\"",
          ])
      }
    }
  }
}
