internal import PhaseSQL
internal import PhaseSQLite

/// The effects of a phase must be countable on its schema, by a query that only reads.
enum EffectsInvalid: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    try EffectTrial.judge(trial) { (_, unknown) in
      guard let unknown else { return nil }
      return (
        .effectsInvalid, unknown.why,
        ["name a table, a column and a condition of the schema after the phase"]
      )
    }
  }
}

/// The column by which effects are counted must grow with every row.
enum EffectsUnordered: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    try EffectTrial.judge(trial) { (query, _) in
      guard let query, let disorder = query.disorder else { return nil }
      return (
        .effectsUnordered, disorder,
        ["count by an INTEGER PRIMARY KEY, or by the moment at which a row came, which is NOT NULL"]
      )
    }
  }
}

/// The new rows must be found without reading the whole table.
enum EffectsSlow: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) throws(MigrationError) -> [Finding] {
    try EffectTrial.judge(trial) { (query, _) throws(EffectQuery.Unknown) in
      guard let query, try query.isScan() else { return nil }
      let effect = query.effect
      let name = SQLText.identifier("\(effect.table)_by_\(effect.column)")
      return (
        .effectsSlow, "no index of \(effect.table) begins with \(effect.column)",
        [
          "CREATE INDEX \(name) ON \(SQLText.identifier(effect.table)) (\(SQLText.identifier(effect.column))); in an expand phase",
          "or count by a column that has an index",
        ]
      )
    }
  }
}

/// Tries the queries of `@effects` of a phase on a database without rows.
private enum EffectTrial {
  typealias Objection = (rule: Rule, why: Prose, remedies: [Prose])

  /// - Parameter objection: what a rule says about one line. It gets the query, or the reason why there is none.
  static func judge(
    _ trial: PhaseTrial,
    _ objection: (EffectQuery?, EffectQuery.Unknown?) throws(EffectQuery.Unknown) -> Objection?
  ) throws(MigrationError) -> [Finding] {
    guard !trial.phase.effects.isEmpty else { return [] }
    let discipline = try ConnectionDiscipline.begin(on: trial.connection)
    return try discipline.whileInForce { () throws(MigrationError) in
      var findings: [Finding] = []
      for effect in trial.phase.effects {
        guard let found = try judge(effect, on: trial.connection, objection) else { continue }
        findings.append(
          Finding(
            found.rule, in: trial.id, "@effects \(effect.table) by \(effect.column): \(found.why)",
            at: effect.place ?? trial.phase.up.beginningOfFile, remedies: found.remedies))
      }
      return findings
    }
  }

  private static func judge(
    _ effect: Effect, on connection: Connection,
    _ objection: (EffectQuery?, EffectQuery.Unknown?) throws(EffectQuery.Unknown) -> Objection?
  ) throws(MigrationError) -> Objection? {
    do throws(EffectQuery.Unknown) {
      let query = try EffectQuery(effect, on: connection)
      try query.compile()
      return try objection(query, nil)
    } catch {
      if let failure = error.failure { throw MigrationError(failure, while: "counting effects") }
      return try? objection(nil, error)
    }
  }
}
