internal import PhaseDB

/// A plan as `--format json` prints it.
struct PlanJSON: Encodable {
  let database: String
  let direction: String
  let fresh: Bool
  let baseline: Bool
  let steps: [StepJSON]
  let held: [HeldJSON]
  let drift: [Prose]
  let checkIns: [CheckInJSON]
  let overridden: [String]
  let reason: String?
  let notes: [Prose]
  /// What a way down closes before its steps; nil when that is nothing.
  let closing: [ClosingJSON]?
  /// Live versions that the schema is not for, neither now nor after the plan.
  let liveOutside: [MisfitJSON]

  struct MisfitJSON: Encodable {
    let application: String
    let appVersion: String
    let instances: [String]
    /// Null when no version may be live.
    let mayBeLive: String?
    let causes: [Prose]
    let remedies: [Prose]

    init(_ misfit: LiveMisfit) {
      application = misfit.live.application
      appVersion = misfit.live.version.description
      instances = misfit.instances
      mayBeLive = misfit.mayBeLive.range?.description
      causes = misfit.causes
      remedies = misfit.remedies
    }
  }

  struct StepJSON: Encodable {
    let phase: String
    let kind: String
    let summary: String
    /// For each application, the range of versions that may be live after the step; null where none may.
    let liveAfter: [String: String?]
    let losses: [String]
    let residuals: [ResidualJSON]?
    /// `not-declared`, `nothing` or `declared`.
    let residual: String
    let verifications: [String]
    /// The lanes that are held meanwhile.
    let lanes: [LaneUseJSON]
    /// What it caused so far, and what its archives hold; only for a way down.
    let effects: [EffectJSON]?
    let kept: [KeptJSON]?
    /// What it would restore; only for a way down, like the next one.
    let reversal: ReversalJSON?
    /// What the way down took when it was rehearsed.
    let rehearsedMilliseconds: Double?
    /// How long it may take.
    let time: TimeJSON?
  }

  struct TimeJSON: Encodable {
    /// measured, scaled or rehearsed
    let basis: String
    let leastMilliseconds: Double
    let mostMilliseconds: Double
  }

  struct ResidualJSON: Encodable {
    let audience: String
    let text: String
  }

  struct ClosingJSON: Encodable {
    /// The phase before which they are closed.
    let phase: String
    let switches: [String]
    let waitMilliseconds: Double
  }

  struct HeldJSON: Encodable {
    let phase: String
    let gates: [GateJSON]
  }

  struct GateJSON: Encodable {
    let gate: String
    let reason: Prose
    let opening: Prose

    init(_ gate: Gate.Closed) {
      self.gate = gate.gate.rawValue
      reason = gate.reason
      opening = gate.opening
    }
  }

  init(_ plan: Plan, database: String) {
    self.database = database
    direction = plan.direction.rawValue
    fresh = plan.isFresh
    baseline = plan.runsBaseline
    steps = plan.steps.map { step in
      StepJSON(
        phase: step.id.description, kind: step.id.kind.rawValue, summary: step.phase.summary,
        liveAfter: step.liveAfter.mapValues { $0.range?.description },
        losses: step.phase.losses.map { "\($0.table).\($0.column): \($0.reason)" },
        residuals: step.phase.residuals?.map { ResidualJSON(audience: $0.audience.rawValue, text: $0.text) },
        residual: step.phase.residualStatement.rawValue,
        verifications: step.phase.verifications.map(\.title),
        lanes: plan.lanes(of: step).map(LaneUseJSON.init),
        effects: plan.effects[step.id]?.map { EffectJSON($0) }, kept: plan.kept[step.id]?.map(KeptJSON.init),
        reversal: plan.reversals[step.id].map(ReversalJSON.init),
        rehearsedMilliseconds: plan.rehearsed[step.id]?.times.down,
        time: plan.times[step.id].map {
          TimeJSON(
            basis: $0.basis.rawValue, leastMilliseconds: $0.least, mostMilliseconds: $0.most)
        })
    }
    held = plan.held.map { HeldJSON(phase: $0.id.description, gates: $0.gates.map(GateJSON.init)) }
    drift = plan.drift
    checkIns = plan.checkIns.map(CheckInJSON.init)
    overridden = plan.overridden.map(\.rawValue).sorted()
    reason = plan.reason
    notes = plan.notes
    let closings = plan.steps.compactMap { step in
      plan.closing[step.id].map {
        ClosingJSON(
          phase: step.id.description, switches: $0.switches.filter(\.isOpen).map(\.name),
          waitMilliseconds: $0.wait.milliseconds)
      }
    }
    closing = closings.isEmpty ? nil : closings
    liveOutside = plan.remainingMisfits.map(MisfitJSON.init)
  }
}
