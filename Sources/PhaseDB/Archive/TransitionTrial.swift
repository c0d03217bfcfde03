internal import PhaseSQLite

/// A transition and the way back from it, run one after the other on the part of the schema that they can touch, where
/// there are no rows.
struct TransitionTrial {
  /// What the transition's SQL does.
  let there: ScriptTrace
  /// What the SQL of the way back does after it; nil when it does not run.
  let back: ScriptTrace?

  /// - Parameter schema: what there is before the transition.
  /// - Throws: what keeps the transition's SQL from running, with its place.
  init(_ phase: Phase, _ direction: Direction, on schema: Schema) throws(MigrationError) {
    var neighbourhood = Neighbourhood()
    neighbourhood.follow(schema.changes(since: Schema()))
    let (there, back) = direction == .up ? (phase.up, phase.down) : (phase.down, phase.up)
    do throws(MigrationError) {
      self = try TransitionTrial(there, back, on: neighbourhood.objects(around: [there, back]))
    } catch {
      // What is made of names at run time, as by a module, may need what no script mentions.
      self = try TransitionTrial(there, back, on: neighbourhood.allObjects)
    }
  }

  private init(_ there: Script, _ back: Script, on objects: [SchemaObject]) throws(MigrationError) {
    let scratch = try Scratch(baseline: nil)
    try scratch.make(objects)
    self.there = try Self.trace(there, on: scratch)
    do throws(MigrationError) {
      self.back = try Self.trace(back, on: scratch)
    } catch {
      self.back = nil
    }
  }

  private static func trace(_ script: Script, on scratch: Scratch) throws(MigrationError) -> ScriptTrace {
    let tracer = try ScriptTracer(script, on: scratch.connection)
    try scratch.run(script, observe: tracer.follow)
    return try tracer.finish()
  }
}
