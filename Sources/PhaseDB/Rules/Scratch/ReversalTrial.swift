internal import PhaseSQLite

/// Takes a phase up, down and up again on the objects that it can touch.
struct ReversalTrial {
  let before: Schema
  /// After the first up.
  let after: Schema
  /// After down, with what phasedb itself puts back; nil when the down SQL failed.
  let afterDown: Schema?
  /// After the second up; nil when it was not reached.
  let afterReplay: Schema?
  /// What the statements of the down SQL did, as far as they ran.
  private(set) var downStatements: [StatementEffect] = []
  /// What failed: the down SQL or the second up.
  let failure: Failure?

  struct Failure {
    enum Stage { case down, replay }

    let stage: Stage
    let error: MigrationError
  }

  /// - Parameters:
  ///   - id: its name.
  ///   - phase: the phase; its up SQL is known to run.
  ///   - observe: gets every script before it runs.
  ///   - objects: the objects of the schema before it that the phase can touch, in an order in which they can be made.
  /// - Throws: when the objects cannot be made, or the up SQL does not run on them alone.
  init(
    _ id: PhaseID, _ phase: Phase, on objects: [SchemaObject], _ costLimit: CostLimit?,
    terms: ScratchTerms = ScratchTerms(),
    observe: @escaping (Script) -> Void
  ) throws(MigrationError) {
    let scratch = try Scratch(baseline: nil, terms: terms, costLimit: costLimit, observe: observe)
    try scratch.make(objects)
    before = scratch.schema
    try scratch.run(id, phase, .up)
    after = scratch.schema
    var effects: [StatementEffect] = []
    do throws(MigrationError) {
      try scratch.run(id, phase, .down, to: before, observe: { effects.append($0) })
    } catch {
      downStatements = effects
      (afterDown, afterReplay) = (nil, nil)
      failure = Failure(stage: .down, error: error)
      return
    }
    downStatements = effects
    afterDown = scratch.schema
    do throws(MigrationError) {
      try scratch.run(id, phase, .up)
      (afterReplay, failure) = (scratch.schema, nil)
    } catch {
      (afterReplay, failure) = (nil, Failure(stage: .replay, error: error))
    }
  }
}
