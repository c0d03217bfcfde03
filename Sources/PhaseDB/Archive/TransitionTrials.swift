internal import PhaseSQLite

/// What transitions were seen to do where there are no rows, remembered: whoever goes up and down again and again over the
/// same schemas, as on copies, has each tried once.
final class TransitionTrials {
  private struct Key: Hashable {
    let id: PhaseID
    let tokens: String
    let direction: Direction
    let schema: SchemaDigest
  }

  private var known: [Key: TransitionTrial] = [:]
  /// What objects need each other, followed from one schema to the next: a step then costs what it changes, and not what
  /// is there.
  private var touchedSchema = TouchedSchema()
  private var followed = Schema()
  /// Without rows SQL has little to do. What takes long all the same is not waited for.
  private let costLimit: CostLimit

  init(_ costLimit: CostLimit = CostLimit(.scratch)) { self.costLimit = costLimit }

  /// - Parameter schema: what there is before the transition.
  /// - Throws: what keeps the transition's SQL from running, with its place.
  func trial(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, on schema: Schema
  ) throws(MigrationError) -> TransitionTrial {
    let key = Key(id: id, tokens: phase.tokenHash, direction: direction, schema: schema.digest)
    if let trial = known[key] { return trial }
    touchedSchema.follow(schema.changes(since: followed))
    followed = schema
    let trial = try TransitionTrial(id, phase, direction, in: touchedSchema, costLimit)
    known[key] = trial
    return trial
  }
}
