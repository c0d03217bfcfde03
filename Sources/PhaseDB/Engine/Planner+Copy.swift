extension Planner {
  /// Plans on a private copy of a database, where nobody is live and every gate is as the judgement says.
  init(
    onCopy knowledge: Knowledge, _ catalog: Catalog, _ judgement: GateJudgement, at now: Timestamp
  ) throws(MigrationError) {
    self.init(
      catalog: catalog, applied: knowledge.applied, judgement: judgement, reason: nil,
      schema: knowledge.schema, schemaDigest: knowledge.schema.digest, drift: try knowledge.driftLines(),
      checkInsSince: now, underWay: try knowledge.ledger?.batch(), brought: []
    ) { applied throws(MigrationError) in
      guard let ledger = knowledge.ledger else { throw Ledger.damaged("there is no ledger") }
      return try ledger.phase(applied)
    }
  }
}
