/// The evidence of rehearsals, and the gate that asks for it.
///
/// Evidence is about one text on one schema: that of the whole database before the phase. Evidence for a later phase
/// of a run is valid if the earlier phases lead to its schema, and their own evidence says so. So after a rehearsal
/// of every pending phase, all of them may go up in that order.
struct EvidenceKnowledge: Sendable {
  /// The kinds of phases that must have been rehearsed.
  let kinds: Set<Phase.Kind>
  /// The evidence of the ledger, oldest first, followed by that of the operator.
  let all: [Evidence]
  /// Whether there is a ledger, in which rehearsals can record evidence.
  let hasLedger: Bool

  init(for kinds: Set<Phase.Kind> = [], _ all: [Evidence] = [], hasLedger: Bool = true) {
    self.kinds = kinds
    self.all = all
    self.hasLedger = hasLedger
  }

  /// The last evidence of exactly this phase on exactly this schema.
  func found(_ id: PhaseID, _ phase: Phase, on schema: SchemaDigest) -> Evidence? {
    let own = all.filter { $0.phase == id && $0.schemaBefore == schema }
    guard !own.isEmpty else { return nil }
    let hash = phase.tokenHash
    return own.last { $0.tokenHash == hash }
  }

  /// The schema that a phase leads to; nil when unknown.
  func schema(after id: PhaseID, _ phase: Phase, from schema: SchemaDigest?) -> SchemaDigest? {
    guard let schema else { return nil }
    // A migrate phase cannot change the schema: the engine refuses that.
    return phase.kind == .migrate ? schema : found(id, phase, on: schema)?.schemaAfter
  }

  /// The gate of a phase, nil when it is open.
  ///
  /// - Parameters:
  ///   - schema: the schema it would run on; nil when unknown.
  ///   - isWaiting: whether something else holds it. Then it will run on a later schema, and evidence on any schema
  ///     is enough for now.
  func closedGate(
    _ id: PhaseID, _ phase: Phase, on schema: SchemaDigest?, isWaiting: Bool = false
  ) -> Gate.Closed? {
    func gate(_ reason: Prose, _ opening: Prose, _ error: MigrationError.ID = .phaseHeld) -> Gate.Closed {
      Gate.Closed(gate: .evidence, reason: reason, opening: opening, error: error)
    }
    guard kinds.contains(phase.kind) else {
      // A known problem closes the gate even when evidence is not required.
      return known(of: id, phase, on: schema).map {
        gate($0.reason, $0.opening)
      }
    }
    let rehearse: Prose =
      hasLedger ? "rehearse it: phasedb rehearse" : "rehearse it as part of up: phasedb up --rehearse"
    let own = all.filter { $0.phase == id }
    guard let latest = own.last else {
      return gate("it was not rehearsed on a copy of this database", rehearse)
    }
    let hash = phase.tokenHash
    guard let latestOfText = own.last(where: { $0.tokenHash == hash }) else {
      return gate(
        "the rehearsal of \(latest.at) was of a different text of the phase", rehearse, .evidenceOtherPhase)
    }
    if isWaiting, own.contains(where: { $0.tokenHash == hash && $0.verdict.isProof }) { return nil }
    guard let schema else {
      return gate(
        "the phases before it were not rehearsed, so the schema it would run on is unknown",
        "apply the phases before it first, or rehearse every pending phase: phasedb rehearse")
    }
    guard let found = own.last(where: { $0.tokenHash == hash && $0.schemaBefore == schema }) else {
      return gate(
        "the rehearsal of \(latestOfText.at) was on another schema",
        hasLedger ? "rehearse it alone: phasedb rehearse \(id.short)" : rehearse, .evidenceOtherSchema)
    }
    let judged = lossy(id, phase, on: schema) ?? found
    return judged.objection(to: id).map { gate($0.reason, $0.opening) }
  }

  /// A problem of the phase that rehearsals of this text found, also when evidence is not required.
  private func known(
    of id: PhaseID, _ phase: Phase, on schema: SchemaDigest?
  ) -> (reason: Prose, opening: Prose)? {
    (lossy(id, phase, on: schema) ?? schema.flatMap { found(id, phase, on: $0) })?.objection(to: id)
  }

  /// The last rehearsal of this text in which rows did not come back. A later successful one does not outweigh it,
  /// because it ran on other rows.
  private func lossy(_ id: PhaseID, _ phase: Phase, on schema: SchemaDigest?) -> Evidence? {
    let own = all.filter { $0.phase == id && $0.verdict == .lossy }
    guard !own.isEmpty else { return nil }
    let hash = phase.tokenHash
    return own.last { $0.tokenHash == hash && (schema == nil || $0.schemaBefore == schema) }
  }
}
