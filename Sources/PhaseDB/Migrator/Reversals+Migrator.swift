internal import PhaseSQLite

extension Migrator {
  /// What reversing each applied phase would give back, with the rows counted now. Reads only.
  ///
  /// Phases are reversed last first. What those below the last one would give back is counted as far as the phases after
  /// them left their tables alone.
  public func reversals() throws(MigrationError) -> [PhaseID: Reversal] {
    try connection.reading { () throws(MigrationError) in try reversals(try Knowledge(of: connection)) }
  }

  func reversals(_ knowledge: Knowledge) throws(MigrationError) -> [PhaseID: Reversal] {
    guard let ledger = knowledge.ledger, !knowledge.applied.isEmpty else { return [:] }
    var known: Schema?
    let schema = { [connection] () throws(SQLiteError) -> Schema in
      if let known { return known }
      let schema = try knowledge.presentSchema(on: connection)
      known = schema
      return schema
    }
    return try Reversals(
      ledger, knowledge.applied, isInPlace: knowledge.isInPlace, schema: schema, on: connection
    ).all()
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
        details: DetailLines.first(archives.map { Prose($0.table) }), state: "nothing was changed",
        help: [
          "go forward instead, by a migration that makes what is needed",
          "or go back as a whole to a snapshot made before: phasedb checkpoint list",
        ])
    }
  }

  /// Refuses a way down of several phases when one below the first is known to be in for a refusal: none of it is gone when
  /// not all of it can be. What the first one would be refused for it says itself.
  func refuseBlocked(_ plan: Plan) throws(MigrationError) {
    guard plan.direction == .down, plan.steps.count > 1, let first = plan.steps.first else { return }
    let reversals = try reversals()
    if case .blocked = reversals[first.id] { return }
    for step in plan.steps.dropFirst() {
      guard case .blocked(let reasons) = reversals[step.id] else { continue }
      throw MigrationError(
        .reversalBlocked, "\(step.id) cannot come down: \(reasons.first ?? "")",
        details: Array(reasons.dropFirst()), state: "nothing was changed",
        help: ["correct what is named", "or go no further than the phase above it: phasedb plan down"])
    }
  }

  /// Refuses a plan of which an archive is needed that is missing or was changed. A phase of one transaction looks at its
  /// own inside that; batches look at none as a whole, and phases after the first would find out too late.
  func refuseBrokenArchives(_ plan: Plan) throws(MigrationError) {
    let phases = plan.steps.enumerated().filter { $0.offset > 0 || $0.element.phase.batching != nil }
      .map(\.element.id)
    guard !phases.isEmpty, let ledger = try Knowledge(of: connection).ledger,
      let (_, error) = try brokenArchives(of: phases, on: plan.direction, ledger).first
    else { return }
    throw error
  }

  /// What is wrong with the archives from which phases get something back on their way. Reads every row of them.
  func brokenArchives(
    of phases: [PhaseID], on direction: Direction, _ ledger: Ledger
  ) throws(MigrationError) -> [(phase: PhaseID, error: MigrationError)] {
    var broken: [(phase: PhaseID, error: MigrationError)] = []
    for archive in try ledger.archives()
    where archive.direction != direction && archive.state == .kept && phases.contains(archive.phase) {
      do throws(MigrationError) {
        try ArchiveTable(archive, try ArchiveContent(archive)).verify(archive, on: connection)
      } catch {
        guard error.id == .archiveMissing || error.id == .archiveAltered else { throw error }
        var error = error
        error.state = "nothing was changed"
        broken.append((archive.phase, error))
      }
    }
    return broken
  }
}
