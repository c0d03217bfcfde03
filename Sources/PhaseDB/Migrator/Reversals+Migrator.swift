extension Migrator {
  /// What reversing each applied phase would give back, with the rows counted now. Reads only.
  ///
  /// Phases are reversed last first, so the rows say something of the last one only; of those below it, whether what they
  /// need is there.
  public func reversals() throws(MigrationError) -> [PhaseID: Reversal] {
    try connection.reading { () throws(MigrationError) in try reversals(try Knowledge(of: connection)) }
  }

  func reversals(_ knowledge: Knowledge) throws(MigrationError) -> [PhaseID: Reversal] {
    guard let ledger = knowledge.ledger, !knowledge.applied.isEmpty else { return [:] }
    let schema = try lifting("reading the schema") { () in try knowledge.presentSchema(on: connection) }
    return try Reversals(ledger, knowledge.applied, schema: schema, on: connection).all()
  }

  /// Refuses a way down on which something was purged that a phase would have to bring back.
  func refusePurged(_ plan: Plan) throws(MigrationError) {
    guard plan.direction == .down else { return }
    let knowledge = try Knowledge(of: connection)
    let purged = Dictionary(
      grouping: try knowledge.ledger?.archives().filter { $0.state == .purged && $0.direction == .up } ?? [],
      by: \.phase)
    for step in plan.steps {
      guard let archives = purged[step.id] else { continue }
      throw MigrationError(
        .reversalBlocked, "\(step.id) cannot come down: what it took away was purged",
        details: DetailLines.first(archives.map(\.table)), state: "nothing was changed",
        help: [
          "go forward instead, by a migration that makes what is needed",
          "or go back as a whole to a snapshot made before: phasedb checkpoint list",
        ])
    }
  }
}
