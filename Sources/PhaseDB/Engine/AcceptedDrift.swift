internal import PhaseSQLite

extension Engine {
  /// The schema must be that of the last checkpoint, unless an operator accepts the drift: then the ledger records it
  /// as a separate change between two phases.
  ///
  /// - Returns: the difference that was accepted, one line each; empty when there was none.
  func settleDrift(_ plan: Plan) throws(MigrationError) -> [Prose] {
    guard !knowledge.isInPlace else { return [] }
    guard plan.overridden.contains(.drift), let ledger = knowledge.ledger else {
      throw try knowledge.driftError()
    }
    // Whoever accepts a difference has looked at it, and not at what came after it.
    guard knowledge.schema.digest == plan.schemaBefore.digest else {
      var error = try knowledge.driftError()
      error.message = "the schema was changed again after the plan was made"
      error.help = ["run the command again to make a new plan"]
      throw error
    }
    let recorded = try knowledge.recordedSchema()
    let changes = knowledge.schema.changes(since: recorded)
    let difference = SchemaDifference(changes)
    try lifting("writing the ledger") { () in
      let entry = try ledger.log(
        .drift, subject: "", detail: difference.titles.joined(separator: ", ").raw, by: runner, at: now())
      try ledger.record(changes, sequence: entry)
    }
    knowledge.expectedDigest = knowledge.schema.digest
    return difference.lines
  }

  /// Accepts a drift without running a phase.
  func acceptDrift(_ plan: Plan) throws(MigrationError) {
    connection.setBusyDeadline(.now + wait)
    let transaction = try lifting("starting a transaction") { () in try connection.begin(.immediate) }
    try knowledge.refresh(on: connection)
    try knowledge.refuseLedgerDrift()
    try passLease()
    guard knowledge.applied.map(\.id) == plan.appliedBefore else {
      throw MigrationError(
        .ledgerMoved, "another runner applied or reversed phases after the plan was made",
        state: "nothing was changed",
        help: ["see what is applied: phasedb status"])
    }
    try logOverrides(of: plan)
    let lines = try settleDrift(plan)
    try knowledge.settle(on: connection)
    let ledger = Ledger(connection: connection)
    let (entry, hash) = try lifting("reading the ledger") { () in try ledger.lastEntry() }
    try ledger.commit(transaction, leaving: entry, hash, while: "committing the ledger")
    if !lines.isEmpty { observe(.driftAccepted(lines)) }
  }

  /// Logs which gates are overridden and why, once in a run: with the first step that this run does itself.
  func logOverrides(of plan: Plan) throws(MigrationError) {
    guard !hasLoggedOverrides, let ledger = knowledge.ledger else { return }
    let reason = plan.reason ?? "no reason was given"
    try lifting("writing the ledger") { () in
      for gate in plan.overridden.sorted(by: { $0.rawValue < $1.rawValue }) {
        try ledger.log(.override, subject: gate.rawValue, detail: reason, by: runner, at: now())
      }
    }
  }
}

/// The schema to which a down must lead if the schema was changed from outside after its phase went up, and the change
/// was accepted.
///
/// The phase's own objects must be what they were before it. Objects that only the accepted change touched must be as
/// that left them, or gone with their table. The result for an object that both touched cannot be predicted, and is
/// recorded as it is.
struct WayBackThroughDrift {
  /// As recorded before the phase, and after it.
  let before: Schema
  let after: Schema
  /// The schema with the accepted changes, when the down begins.
  let found: Schema

  /// How the resulting schema differs from the required one, one line each.
  func misfits(of result: Schema) -> [Prose] {
    let (before, after, found) = (before.byKey, after.byKey, found.byKey)
    let result = result.byKey
    var wanted: [SchemaObject] = []
    var present: [SchemaObject] = []
    for key in Set(before.keys).union(after.keys).union(found.keys).union(result.keys) {
      let isDrifted = after[key]?.digest != found[key]?.digest
      if isDrifted {
        if before[key]?.digest != after[key]?.digest { continue }
        if let object = found[key], result[key] == nil, !result.hasOwner(of: object) { continue }
      }
      let expected = isDrifted ? found[key] : before[key]
      guard expected?.digest != result[key]?.digest else { continue }
      if let expected { wanted.append(expected) }
      if let object = result[key] { present.append(object) }
    }
    return SchemaDifference(from: Schema(wanted), to: Schema(present)).lines
  }
}

extension [SchemaObject.Key: SchemaObject] {
  /// Whether the table or view of an index or a trigger exists; always true for a table or view itself.
  fileprivate func hasOwner(of object: SchemaObject) -> Bool {
    guard object.key.type == "index" || object.key.type == "trigger" else { return true }
    return ["table", "view"].contains { self[SchemaObject.Key(type: $0, name: object.table)] != nil }
  }
}

extension Schema {
  fileprivate var byKey: [SchemaObject.Key: SchemaObject] {
    Dictionary(objects.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
  }
}
