internal import PhaseSQL
package import PhaseSQLite

/// The result of running a transition and then its way back on a database without rows, with only the part of the
/// schema that they can touch.
struct TransitionTrial {
  /// What the transition's SQL does.
  let there: ScriptTrace
  /// What the SQL of the way back then does; nil when it does not run.
  let back: ScriptTrace?
  /// The part of the schema on which it was tried, and the same part after the transition.
  let began: [SchemaObject]
  let left: Schema
  /// Why the way back does not run; nil when it does.
  let backFailure: MigrationError?
  /// Whether the way back leads to the schema before the transition.
  let leadsBack: Bool

  /// - Parameters:
  ///   - id: the phase's name.
  ///   - schema: the schema before the transition.
  ///   - costLimit: the limit for both; nil for none.
  /// - Throws: the error of the transition's SQL, with its place.
  init(
    _ id: PhaseID, _ phase: Phase, _ direction: Direction, on schema: Schema, _ costLimit: CostLimit? = nil
  ) throws(MigrationError) {
    try self.init(id, phase, direction, in: TouchedSchema(of: schema), costLimit)
  }

  /// The same, with a schema whose dependencies are already known.
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
      // SQL that is composed at run time, as by a module, may need objects that the script does not mention.
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
      // The way back is only a trial, so it must not delay the way up.
      if costLimit == nil {
        try lifting("limiting a trial") { () in try scratch.connection.limit(to: CostLimit(.scratch)) }
      }
      let checkpoint = direction == .up ? before : nil
      let opposite: Direction = direction == .up ? .down : .up
      do throws(MigrationError) {
        back = try Self.trace(id, phase, opposite, to: checkpoint, on: scratch)
        leadsBack = scratch.schema.digest == before.digest
      } catch  where error.id == .statementFailed {
        // It may have met rows that the transition itself inserted.
        let other = try Scratch(baseline: nil, terms: terms, costLimit: costLimit ?? CostLimit(.scratch))
        try other.make(Array(left.objects))
        back = try Self.trace(id, phase, opposite, to: checkpoint, on: other)
        leadsBack = other.schema.digest == before.digest
      }
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

/// Remembers the trials of transitions. On copies the same phases go up and down on the same schemas many times; each
/// is tried once.
package final class TransitionTrials {
  private struct Key: Hashable {
    let id: PhaseID
    let tokens: String
    let direction: Direction
    let schema: SchemaDigest
  }

  private var known: [Key: TransitionTrial] = [:]
  /// Which objects need each other. It is updated from one schema to the next, so that the cost of a step depends on
  /// its changes and not on the size of the schema.
  private var touchedSchema = TouchedSchema()
  private var followed = Schema()
  /// The limit for trials. Without rows SQL has little to do, so SQL that takes long anyway is stopped.
  private let costLimit: CostLimit
  /// The stubs for functions that only the application has. On a database without rows their results do not matter.
  private let functions: [FunctionStub]

  /// - Parameter others: trials with the same functions and ignored tables, whose results are taken over.
  package init(
    _ costLimit: CostLimit = CostLimit(.scratch), functions: [FunctionStub] = [],
    knowing others: TransitionTrials? = nil
  ) {
    (self.costLimit, self.functions) = (costLimit, functions)
    known = others?.known ?? [:]
  }

  /// - Parameter schema: the schema before the transition.
  /// - Throws: the error of the transition's SQL, with its place.
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
