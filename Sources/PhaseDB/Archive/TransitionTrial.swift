internal import PhaseSQL
package import PhaseSQLite

/// A transition and the way back from it, run one after the other on the part of the schema that they can touch, where
/// there are no rows.
struct TransitionTrial {
  /// What the transition's SQL does.
  let there: ScriptTrace
  /// What the SQL of the way back does after it; nil when it does not run.
  let back: ScriptTrace?
  /// The part of the schema on which it was tried, and what the transition made of that.
  let began: [SchemaObject]
  let left: Schema
  /// What keeps the way back from running.
  let backFailure: MigrationError?
  /// Whether the way back leads to the schema before the transition.
  let leadsBack: Bool

  /// - Parameters:
  ///   - id: the phase's name.
  ///   - schema: what there is before the transition.
  ///   - costLimit: what both may cost; nil when that is no question.
  /// - Throws: what keeps the transition's SQL from running, with its place.
  init(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, on schema: Schema, _ costLimit: CostLimit? = nil
  ) throws(MigrationError) {
    try self.init(id, phase, direction, in: TouchedSchema(of: schema), costLimit)
  }

  /// The same, where the neighbourhoods of what is there before the transition are known.
  init(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, in touchedSchema: TouchedSchema,
    _ costLimit: CostLimit? = nil, functions: [FunctionStub] = []
  ) throws(MigrationError) {
    let terms = ScratchTerms(functions: functions, ignored: touchedSchema.ignored)
    do throws(MigrationError) {
      let objects = touchedSchema.objects(
        around: [phase.up, phase.down],
        naming: phase.retirements.flatMap { retirement in
          let table = SchemaName(retirement.table)
          return [table.key, RetiredName(table, by: id.migration).name.key]
        })
      self = try TransitionTrial(id, phase, direction, objects, terms, costLimit)
    } catch  where error.id != .tooCostly {
      // What is made of names at run time, as by a module, may need what no script mentions.
      self = try TransitionTrial(id, phase, direction, touchedSchema.allObjects, terms, costLimit)
    }
  }

  private init(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, _ objects: [SchemaObject],
    _ terms: ScratchTerms, _ costLimit: CostLimit?
  ) throws(MigrationError) {
    let scratch = try Scratch(baseline: nil, terms: terms, costLimit: costLimit)
    try scratch.make(objects)
    began = objects
    let before = scratch.schema
    there = try Self.trace(id, phase, direction, on: scratch)
    left = scratch.schema
    do throws(MigrationError) {
      // The way back was not asked for: it must not hold up the way up.
      if costLimit == nil {
        try lifting("limiting a trial") { () in try scratch.connection.limit(to: CostLimit(.scratch)) }
      }
      let checkpoint = direction == .up ? before : nil
      back = try Self.trace(id, phase, direction == .up ? .down : .up, to: checkpoint, on: scratch)
      leadsBack = scratch.schema.digest == before.digest
      backFailure = nil
    } catch {
      back = nil
      leadsBack = false
      backFailure = error
    }
  }

  private static func trace(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, to checkpoint: Schema? = nil, on scratch: Scratch
  ) throws(MigrationError) -> ScriptTrace {
    let tracer = try ScriptTracer(direction == .up ? phase.up : phase.down, on: scratch.connection)
    try scratch.run(
      id, phase, direction, to: checkpoint, renamed: tracer.catchUp, observe: tracer.follow)
    return try tracer.finish()
  }
}

/// What transitions did on databases without rows. On copies, the same phases go up and down over the same schemas many
/// times; each is tried once.
package final class TransitionTrials {
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
  /// What stands in for functions that only the application has: where there are no rows, nothing comes of it.
  private let functions: [FunctionStub]

  package init(_ costLimit: CostLimit = CostLimit(.scratch), functions: [FunctionStub] = []) {
    (self.costLimit, self.functions) = (costLimit, functions)
  }

  /// - Parameter schema: what there is before the transition.
  /// - Throws: what keeps the transition's SQL from running, with its place.
  func trial(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, on schema: Schema
  ) throws(MigrationError) -> TransitionTrial {
    let key = Key(id: id, tokens: phase.tokenHash, direction: direction, schema: schema.digest)
    if let trial = known[key] { return trial }
    touchedSchema.follow(schema, since: followed)
    followed = schema
    let trial = try TransitionTrial(id, phase, direction, in: touchedSchema, costLimit, functions: functions)
    known[key] = trial
    return trial
  }
}
